// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the forms of view 4 have in common: whom they are for, their fields,
//! and what is known to be refused.

use ringside_uapi::memalloc::REQUESTS_LIMIT;

use crate::dashboard::core::{Field, Form, Kind, Layer, Owner, Shared};
use crate::dashboard::data::lines;
use crate::dashboard::views::memory::page::PAGE;
use crate::dashboard::views::memory::state::{Call, MODULE, Memory};
use crate::dashboard::views::memory::subject::{Life, Subject};
use crate::dashboard::views::memory::subjects::ask;
use crate::kernel::api::SubjectAction;

/// A form that makes the subject on the screen do something.
pub(crate) trait Ask {
    /// The form's id.
    const ID: &'static str;
    const TITLE: &'static str;

    /// The action that a form stands for, once nothing is wrong with it.
    fn action(form: &Form) -> SubjectAction;

    /// The same as C has it, also while it is being filled in.
    fn line(form: &Form) -> String;

    /// What is wrong with a form as a whole.
    fn check(_: &Subject, _: &Shared, _: &Form) -> Option<String> {
        None
    }
}

/// Opens a form for the subject on the screen. The address and what depends on
/// the moment is not recalled from the last time.
pub(crate) fn open<A: Ask>(view: &mut Memory, shared: &mut Shared, fields: Vec<Field>) {
    let Some(subject) = view.subject() else {
        return;
    };
    let (number, pid) = (subject.number, subject.pid.unwrap_or(0));
    let title = format!("{} ({})", A::TITLE, subject.name());
    let mut form =
        Form::new(A::ID, &title, fields, move |form| lines::by_subject(pid, &A::line(form)))
            .check(move |view: &Memory, shared, form| {
                let subject = view.subjects.iter().find(|subject| subject.number == number);
                // Of a subject that has died meanwhile nothing can be asked.
                match subject.filter(|subject| subject.life == Life::Alive) {
            Some(subject) => A::check(subject, shared, form),
            None => Some(shared.fill(
                "the subject is dead, and does nothing more (Esc, then {subject-new} starts \
                         one)",
            )),
        }
            })
            .submit(move |view: &mut Memory, shared, form| {
                shared.hold(Owner::view(Call::Do(number)), "the subject does it …");
                ask(view, shared, number, A::action(form));
            });
    form.recall_but(&shared.remembered, |field| matches!(field.name.as_str(), "vaddr" | "client"));
    shared.open(Layer::Form(form));
}

/// The end of the addresses that user space may map.
pub(crate) fn address_limit(shared: &Shared) -> u64 {
    let levels = shared.link.kernel.as_ref().map(|kernel| kernel.page_table_levels);
    match levels {
        Some(4) => (1 << 47) - PAGE,
        _ => (1 << 56) - PAGE,
    }
}

pub(crate) fn address(shared: &Shared, help: &str, value: u64) -> Field {
    let limits = Kind::Address { min: PAGE, max: address_limit(shared) - 1 };
    Field::new("vaddr", limits, help, &format!("{value:#x}"))
}

/// Anywhere at all: it is the subject's life.
pub(crate) fn anywhere(help: &str, value: u64) -> Field {
    let limits = Kind::Address { min: 0, max: u64::MAX };
    Field::new("vaddr", limits, help, &format!("{value:#x}"))
}

pub(crate) fn number(name: &str, max: u64, help: &str, value: &str) -> Field {
    let limits = Kind::Integer { min: 1, max: i128::from(max) };
    Field::new(name, limits, help, value)
}

/// A form's address; a field takes 0 to 2^64 - 1 at most.
pub(crate) fn vaddr(form: &Form) -> u64 {
    form.number("vaddr") as u64
}

pub(crate) fn aligned(form: &Form) -> Option<String> {
    (!vaddr(form).is_multiple_of(PAGE)).then(|| "vaddr: not a multiple of 4096 (0x1000)".to_owned())
}

/// Is there room for so many pages at an address, as far as can be known?
pub(crate) fn room(subject: &Subject, shared: &Shared, form: &Form, pages: u64) -> Option<String> {
    let start = vaddr(form);
    let end = start.saturating_add(pages.saturating_mul(PAGE));
    if end > address_limit(shared) {
        return Some("vaddr: the pages reach beyond the end of user space".into());
    }
    let taken = subject.maps.iter().find(|mapping| mapping.start < end && start < mapping.end);
    if let Some(mapping) = taken {
        let what = if mapping.name.is_empty() { "memory" } else { &mapping.name };
        return Some(format!("vaddr: {what} is mapped there already (EEXIST)"));
    }
    let value = |name| shared.counters.value(MODULE, name).unwrap_or(0).max(0) as u64;
    if value("requests") >= REQUESTS_LIMIT {
        return Some(format!("{REQUESTS_LIMIT} requests live already: free one"));
    }
    None
}
