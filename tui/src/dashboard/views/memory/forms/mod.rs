// SPDX-License-Identifier: MIT OR Apache-2.0
//! The forms of view 4. What could be known to be refused is not sent; what
//! kills the subject may be sent, for that is what subjects are for.

mod ask;

use super::state::Memory;
use ringside_uapi::memalloc::PAGES_LIMIT;

use self::ask::{Ask, address, aligned, anywhere, number, open, room, vaddr};
use super::page::{SUGGESTED, page_of};
use super::state::MODULE;
use super::subject::{Life, Subject};
use crate::dashboard::core::{Field, Form, Kind, Shared};
use crate::dashboard::data::hex::parse_bytes;
use crate::dashboard::data::lines;
use crate::kernel::api::{SUBJECT_IO_MAX, SubjectAction};

const READ_WRITE: &str = "read-write";
const READ_ONLY: &str = "read-only";
const TEXT: &str = "text";
const HEX: &str = "hex";

struct Allocate;

impl Ask for Allocate {
    const ID: &'static str = "memory-allocate";
    const TITLE: &'static str = "Allocate pages";

    fn action(form: &Form) -> SubjectAction {
        SubjectAction::Allocate {
            vaddr: vaddr(form),
            pages: form.number("pages") as i32,
            write: form.text("access") == READ_WRITE,
        }
    }

    fn line(form: &Form) -> String {
        let write = form.text("access") == READ_WRITE;
        lines::allocate(form.hex("vaddr"), form.decimal("pages"), write)
    }

    fn check(subject: &Subject, shared: &Shared, form: &Form) -> Option<String> {
        let pages = form.number("pages") as u64;
        let mapped = shared.counters.value(MODULE, "pages_mapped").unwrap_or(0).max(0) as u64;
        let left = PAGES_LIMIT.saturating_sub(mapped);
        aligned(form).or_else(|| room(subject, shared, form, pages)).or_else(|| {
            (pages > left).then(|| format!("pages: only {left} of {PAGES_LIMIT} are left"))
        })
    }
}

/// Asks what to allocate.
pub(crate) fn allocate(view: &mut Memory, shared: &mut Shared) {
    let free = view.subject().map_or(SUGGESTED, Subject::free_address);
    let fields = vec![
        address(shared, "address of the first page, a multiple of 4096", free),
        number("pages", PAGES_LIMIT, "how many pages of 4 KiB", "4"),
        Field::choice("access", &[READ_WRITE, READ_ONLY], "what the subject may do with them"),
    ];
    open::<Allocate>(view, shared, fields);
}

/// May there be requests that are seen nowhere? The original maps pages without a
/// mapping that the kernel would list.
fn unseen(shared: &Shared) -> bool {
    shared.foreign(MODULE)
}

struct Free;

impl Ask for Free {
    const ID: &'static str = "memory-free";
    const TITLE: &'static str = "Free a request";

    fn action(form: &Form) -> SubjectAction {
        SubjectAction::Free { vaddr: vaddr(form) }
    }

    fn line(form: &Form) -> String {
        lines::at("FREE", form.hex("vaddr"))
    }

    fn check(subject: &Subject, shared: &Shared, form: &Form) -> Option<String> {
        let known = subject.areas().any(|area| area.start == vaddr(form));
        (!known && !unseen(shared))
            .then(|| "vaddr: no request of this subject starts there".to_owned())
    }
}

/// Asks which request to free: the one under the cursor.
pub(crate) fn free(view: &mut Memory, shared: &mut Shared) {
    let Some(subject) = view.subject() else {
        return;
    };
    let cursor = view.cursor;
    let under = subject.areas().find(|area| (area.start..area.end).contains(&cursor));
    let known = under.or_else(|| subject.areas().next_back()).map(|area| area.start);
    let Some(start) = known.or(unseen(shared).then_some(page_of(cursor))) else {
        return shared.note(shared.fill("There is nothing to free ({memory-allocate} allocates)"));
    };
    let fields = vec![address(shared, "the first address of the request", start)];
    open::<Free>(view, shared, fields);
}

struct Read;

impl Ask for Read {
    const ID: &'static str = "memory-read";
    const TITLE: &'static str = "Read memory";

    fn action(form: &Form) -> SubjectAction {
        SubjectAction::Read { vaddr: vaddr(form), size: form.number("size") as u32 }
    }

    fn line(form: &Form) -> String {
        lines::load(form.hex("vaddr"), form.decimal("size"))
    }
}

/// Asks what to read.
pub(crate) fn read(view: &mut Memory, shared: &mut Shared) {
    let fields = vec![
        anywhere("from where; an address that may not be read kills the subject", view.cursor),
        number("size", u64::from(SUBJECT_IO_MAX), "how many bytes", "64"),
    ];
    open::<Read>(view, shared, fields);
}

struct Write;

impl Ask for Write {
    const ID: &'static str = "memory-write";
    const TITLE: &'static str = "Write memory";

    fn action(form: &Form) -> SubjectAction {
        SubjectAction::Write { vaddr: vaddr(form), bytes: data(form).unwrap_or_default() }
    }

    fn line(form: &Form) -> String {
        let vaddr = form.hex("vaddr");
        match data(form) {
            Ok(bytes) => lines::store(vaddr, &lines::spell(&bytes), bytes.len()),
            Err(_) => lines::store(vaddr, lines::UNKNOWN, lines::UNKNOWN),
        }
    }

    fn check(_: &Subject, _: &Shared, form: &Form) -> Option<String> {
        data(form).err()
    }
}

/// The bytes that a form stands for, or what is wrong with them.
fn data(form: &Form) -> Result<Vec<u8>, String> {
    let data = form.text("data");
    match form.text("as") {
        HEX => parse_bytes(data).map_err(|error| format!("data: {error}")),
        _ if data.is_empty() => Err("data: empty".into()),
        _ if data.len() > SUBJECT_IO_MAX as usize => {
            Err(format!("data: more than {SUBJECT_IO_MAX} bytes"))
        }
        _ => Ok(data.as_bytes().to_vec()),
    }
}

/// Asks what to write where.
pub(crate) fn write(view: &mut Memory, shared: &mut Shared) {
    let fields = vec![
        anywhere("to where; an address that may not be written kills the subject", view.cursor),
        Field::new("data", Kind::Line, "what to write", "hello"),
        Field::choice("as", &[TEXT, HEX], "how to read what was typed"),
    ];
    open::<Write>(view, shared, fields);
}

struct Share;

impl Ask for Share {
    const ID: &'static str = "memory-share";
    const TITLE: &'static str = "Offer a page";

    fn action(form: &Form) -> SubjectAction {
        SubjectAction::Share {
            vaddr: vaddr(form),
            client: form.text("client").parse().unwrap_or(0),
            write: form.text("access") == READ_WRITE,
        }
    }

    fn line(form: &Form) -> String {
        let write = form.text("access") == READ_WRITE;
        lines::share(form.hex("vaddr"), form.text("client"), write)
    }

    fn check(subject: &Subject, shared: &Shared, form: &Form) -> Option<String> {
        let known = subject.areas().any(|area| (area.start..area.end).contains(&vaddr(form)));
        let other = || {
            (!known && !unseen(shared))
                .then(|| "vaddr: not a page of this subject's requests".into())
        };
        aligned(form).or_else(other)
    }
}

/// Asks to whom to offer the page under the cursor.
pub(crate) fn share(view: &mut Memory, shared: &mut Shared) {
    let me = view.subject().map(|subject| subject.number);
    let others = view.subjects.iter();
    let others: Vec<String> = others
        .filter(|subject| Some(subject.number) != me && subject.life == Life::Alive)
        .filter_map(|subject| subject.pid)
        .map(|pid| pid.to_string())
        .collect();
    if others.is_empty() {
        return shared.note(shared.fill("Start a second subject first: {subject-new}"));
    }
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let fields = vec![
        address(shared, "the page to offer", page_of(view.cursor)),
        Field::choice("client", &others, "the process it is offered to"),
        Field::choice("access", &[READ_WRITE, READ_ONLY], "what that process may do with it"),
    ];
    open::<Share>(view, shared, fields);
}

struct Access;

impl Ask for Access {
    const ID: &'static str = "memory-access";
    const TITLE: &'static str = "Map the offered page";

    fn action(form: &Form) -> SubjectAction {
        SubjectAction::Access { vaddr: vaddr(form) }
    }

    fn line(form: &Form) -> String {
        lines::at("ACCESSPAGE", form.hex("vaddr"))
    }

    fn check(subject: &Subject, shared: &Shared, form: &Form) -> Option<String> {
        aligned(form).or_else(|| room(subject, shared, form, 1))
    }
}

/// Asks where to map the page that was offered.
pub(crate) fn access(view: &mut Memory, shared: &mut Shared) {
    let free = view.subject().map_or(SUGGESTED, Subject::free_address);
    let fields = vec![address(shared, "where to map the page that was offered", free)];
    open::<Access>(view, shared, fields);
}

struct Walk;

impl Ask for Walk {
    const ID: &'static str = "memory-walk";
    const TITLE: &'static str = "Translate an address";

    fn action(form: &Form) -> SubjectAction {
        SubjectAction::Walk { vaddr: vaddr(form) }
    }

    fn line(form: &Form) -> String {
        lines::at("MEMALLOC_WALK", form.hex("vaddr"))
    }
}

/// Asks which address to translate.
pub(crate) fn walk(view: &mut Memory, shared: &mut Shared) {
    let fields = vec![address(shared, "the address to translate", view.cursor)];
    open::<Walk>(view, shared, fields);
}
