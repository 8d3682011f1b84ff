// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the forms of view 4 have in common: whom they are for, their fields,
//! and what is known to be refused.

use ringside_uapi::memalloc::REQUESTS_LIMIT;

use crate::dashboard::core::calls::Owner;
use crate::dashboard::core::form::{Field, Form, Kind};
use crate::dashboard::core::layer::Layer;
use crate::dashboard::core::model::Model;
use crate::dashboard::data::lines;
use crate::dashboard::views::memory::page::PAGE;
use crate::dashboard::views::memory::state::{Call, MODULE, State};
use crate::dashboard::views::memory::subject::{Life, Subject};
use crate::dashboard::views::memory::subjects::ask;
use crate::kernel::api::SubjectAction;

/// A form that makes the subject on the screen do something.
pub(crate) trait Ask {
    /// The form's id.
    const ID: &'static str;
    /// Its title.
    const TITLE: &'static str;

    /// The action that a form stands for, once nothing is wrong with it.
    fn action(form: &Form) -> SubjectAction;

    /// The same as C has it, also while it is being filled in.
    fn line(form: &Form) -> String;

    /// What is wrong with a form as a whole.
    fn check(_: &Model, _: &Form) -> Option<String> {
        None
    }
}

/// Opens a form for the subject on the screen. The address and what depends on
/// the moment is not recalled from the last time.
pub(crate) fn open<A: Ask>(model: &mut Model, fields: Vec<Field>) {
    let Some(subject) = model.memory.subject() else {
        return;
    };
    let context = format!("{} {}", subject.number, subject.pid.unwrap_or(0));
    let fresh = fields.clone();
    let mut form = Form::new(
        A::ID,
        &format!("{} ({})", A::TITLE, subject.name()),
        fields,
        |form| {
            let (_, pid) = whom(form);
            lines::by_subject(pid, &A::line(form))
        },
        |model, form| {
            let (number, _) = whom(form);
            model.hold(form, Owner::Memory(Call::Do(number)), "the subject does it …");
            ask(model, number, A::action(form));
        },
    );
    form.context = context;
    form.check = check::<A>;
    form.recall(model);
    for (field, fresh) in form.fields.iter_mut().zip(fresh) {
        if matches!(fresh.name.as_str(), "vaddr" | "client") || field.error().is_some() {
            *field = fresh;
        }
    }
    model.open(Layer::Form(form));
}

/// What is wrong with a form; of a subject that has died meanwhile nothing can
/// be asked.
fn check<A: Ask>(model: &Model, form: &Form) -> Option<String> {
    match subject_of(model, form).map(|subject| &subject.life) {
        Some(Life::Alive) => A::check(model, form),
        _ => Some("the subject is dead, and does nothing more (Esc, then n starts one)".into()),
    }
}

/// The end of the addresses that user space may map.
pub(crate) fn address_limit(model: &Model) -> u64 {
    let levels = model.link.kernel.as_ref().map(|kernel| kernel.page_table_levels);
    match levels {
        Some(4) => (1 << 47) - PAGE,
        _ => (1 << 56) - PAGE,
    }
}

pub(crate) fn address(model: &Model, help: &str, value: u64) -> Field {
    let limits = Kind::Address { min: PAGE, max: address_limit(model) - 1 };
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

pub(crate) fn choice(name: &str, choices: &[&str], help: &str) -> Field {
    let all = choices.iter().map(|choice| (*choice).to_owned()).collect();
    let first = choices.first().copied().unwrap_or_default();
    Field::new(name, Kind::Choice(all), help, first)
}

/// The subject's number and process id, as [`open`] wrote them.
fn whom(form: &Form) -> (u32, i32) {
    let mut words = form.context.split(' ');
    let number = words.next().and_then(|word| word.parse().ok());
    let pid = words.next().and_then(|word| word.parse().ok());
    (number.unwrap_or(0), pid.unwrap_or(0))
}

pub(crate) fn subject_of<'a>(model: &'a Model, form: &Form) -> Option<&'a Subject> {
    let (number, _) = whom(form);
    let State { subjects, .. } = &model.memory;
    subjects.iter().find(|subject| subject.number == number)
}

/// A form's address; a field takes 0 to 2^64 - 1 at most.
pub(crate) fn vaddr(form: &Form) -> u64 {
    form.number("vaddr") as u64
}

pub(crate) fn aligned(form: &Form) -> Option<String> {
    (!vaddr(form).is_multiple_of(PAGE)).then(|| "vaddr: not a multiple of 4096 (0x1000)".to_owned())
}

/// Is there room for so many pages at an address, as far as can be known?
pub(crate) fn room(model: &Model, form: &Form, pages: u64) -> Option<String> {
    let start = vaddr(form);
    let end = start.saturating_add(pages.saturating_mul(PAGE));
    if end > address_limit(model) {
        return Some("vaddr: the pages reach beyond the end of user space".into());
    }
    let maps = subject_of(model, form).map(|subject| subject.maps.as_slice());
    let taken =
        maps.unwrap_or_default().iter().find(|mapping| mapping.start < end && start < mapping.end);
    if let Some(mapping) = taken {
        let what = if mapping.name.is_empty() { "memory" } else { &mapping.name };
        return Some(format!("vaddr: {what} is mapped there already (EEXIST)"));
    }
    let value = |name| model.counters.value(MODULE, name).unwrap_or(0).max(0) as u64;
    if value("requests") >= REQUESTS_LIMIT {
        return Some(format!("{REQUESTS_LIMIT} requests live already: free one"));
    }
    None
}
