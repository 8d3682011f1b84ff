// SPDX-License-Identifier: MIT OR Apache-2.0
//! The forms of view 4. What could be known to be refused is not sent; what
//! kills the subject may be sent, for that is what subjects are for.

use ringside_uapi::memalloc::{PAGES_LIMIT, REQUESTS_LIMIT};

use super::page::{PAGE, SUGGESTED, page_of};
use super::state::{MODULE, State};
use super::subject::{Life, Subject};
use super::subjects::ask;
use crate::app::equivalent::equivalent;
use crate::app::form::{Field, Form, Kind};
use crate::app::hex::parse_bytes;
use crate::app::layer::Layer;
use crate::app::model::Model;
use crate::target::api::{Request, SUBJECT_IO_MAX, SubjectAction};

const READ_WRITE: &str = "read-write";
const READ_ONLY: &str = "read-only";
const TEXT: &str = "text";
const HEX: &str = "hex";
/// The most characters that can be typed to be written.
const DATA_MAX: usize = 4096;

/// The end of the addresses that user space may map.
fn address_limit(model: &Model) -> u64 {
    let levels = model
        .link
        .kernel
        .as_ref()
        .map(|kernel| kernel.page_table_levels);
    match levels {
        Some(4) => (1 << 47) - PAGE,
        _ => (1 << 56) - PAGE,
    }
}

fn address(model: &Model, help: &str, value: u64) -> Field {
    let limits = Kind::Integer {
        min: i128::from(PAGE),
        max: i128::from(address_limit(model)) - 1,
    };
    Field::new("vaddr", limits, help, &format!("{value:#x}"))
}

/// Anywhere at all: it is the subject's life.
fn anywhere(help: &str, value: u64) -> Field {
    let limits = Kind::Integer {
        min: 0,
        max: i128::from(u64::MAX),
    };
    Field::new("vaddr", limits, help, &format!("{value:#x}"))
}

fn number(name: &str, max: u64, help: &str, value: &str) -> Field {
    let limits = Kind::Integer {
        min: 1,
        max: i128::from(max),
    };
    Field::new(name, limits, help, value)
}

fn choice(name: &str, choices: &[&str], help: &str) -> Field {
    let all = choices.iter().map(|choice| (*choice).to_owned()).collect();
    let first = choices.first().copied().unwrap_or_default();
    Field::new(name, Kind::Choice(all), help, first)
}

/// The action that a form stands for.
type Action = fn(&Form) -> SubjectAction;

/// The exact command that comes of a form.
type Preview = fn(&Form) -> String;

/// Does what a form says.
type Submit = fn(&mut Model, &Form);

/// What is wrong with a form as a whole.
type Check = fn(&Model, &Form) -> Option<String>;

/// Opens a form for the subject on the screen. The address and what depends on
/// the moment is not recalled from the last time.
fn open(
    model: &mut Model,
    (id, title): (&str, &str),
    fields: Vec<Field>,
    (preview, submit): (Preview, Submit),
    check: Check,
) {
    let Some(subject) = model.memory.subject() else {
        return;
    };
    let context = format!("{} {}", subject.number, subject.pid.unwrap_or(0));
    let fresh = fields.clone();
    let mut form = Form::new(
        id,
        &format!("{title} ({})", subject.name()),
        fields,
        preview,
        submit,
    );
    form.context = context;
    form.check = check;
    form.recall(model);
    for (field, fresh) in form.fields.iter_mut().zip(fresh) {
        if matches!(fresh.name.as_str(), "vaddr" | "client") || field.error().is_some() {
            *field = fresh;
        }
    }
    model.open(Layer::Form(form));
}

/// The subject's number and process id, as [`open`] wrote them.
fn whom(form: &Form) -> (u32, i32) {
    let mut words = form.context.split(' ');
    let number = words.next().and_then(|word| word.parse().ok());
    let pid = words.next().and_then(|word| word.parse().ok());
    (number.unwrap_or(0), pid.unwrap_or(0))
}

fn subject_of<'a>(model: &'a Model, form: &Form) -> Option<&'a Subject> {
    let (number, _) = whom(form);
    let State { subjects, .. } = &model.memory;
    subjects.iter().find(|subject| subject.number == number)
}

fn preview(form: &Form, action: Action) -> String {
    let (_, pid) = whom(form);
    let action = action(form);
    equivalent(&Request::SubjectDo { pid, action }).unwrap_or_default()
}

fn submit(model: &mut Model, form: &Form, action: Action) {
    let (number, _) = whom(form);
    ask(model, number, action(form));
}

/// A form's address; a field takes 0 to 2^64 - 1 at most.
fn vaddr(form: &Form) -> u64 {
    form.number("vaddr") as u64
}

fn aligned(form: &Form) -> Option<String> {
    (!vaddr(form).is_multiple_of(PAGE)).then(|| "vaddr: not a multiple of 4096 (0x1000)".to_owned())
}

fn allocation(form: &Form) -> SubjectAction {
    SubjectAction::Allocate {
        vaddr: vaddr(form),
        pages: form.number("pages") as i32,
        write: form.text("access") == READ_WRITE,
    }
}

/// Is there room for so many pages at an address, as far as can be known?
fn room(model: &Model, form: &Form, pages: u64) -> Option<String> {
    let start = vaddr(form);
    let end = start.saturating_add(pages.saturating_mul(PAGE));
    if end > address_limit(model) {
        return Some("the pages reach beyond the end of user space".into());
    }
    let maps = subject_of(model, form).map(|subject| subject.maps.as_slice());
    let taken = maps
        .unwrap_or_default()
        .iter()
        .find(|mapping| mapping.start < end && start < mapping.end);
    if let Some(mapping) = taken {
        let what = if mapping.name.is_empty() {
            "memory"
        } else {
            &mapping.name
        };
        return Some(format!("{what} is mapped there already (EEXIST)"));
    }
    let value = |name| model.counters.value(MODULE, name).unwrap_or(0).max(0) as u64;
    if value("requests") >= REQUESTS_LIMIT {
        return Some(format!("{REQUESTS_LIMIT} requests live already: free one"));
    }
    None
}

/// Asks what to allocate.
pub(super) fn allocate(model: &mut Model) {
    let free = model
        .memory
        .subject()
        .map_or(SUGGESTED, Subject::free_address);
    let fields = vec![
        address(model, "address of the first page, a multiple of 4096", free),
        number("pages", PAGES_LIMIT, "how many pages of 4 KiB", "4"),
        choice(
            "access",
            &[READ_WRITE, READ_ONLY],
            "what the subject may do with them",
        ),
    ];
    open(
        model,
        ("memory-allocate", "Allocate pages"),
        fields,
        (
            |form| preview(form, allocation),
            |model, form| submit(model, form, allocation),
        ),
        |model, form| {
            let pages = form.number("pages") as u64;
            let mapped = model
                .counters
                .value(MODULE, "pages_mapped")
                .unwrap_or(0)
                .max(0) as u64;
            let left = PAGES_LIMIT.saturating_sub(mapped);
            aligned(form)
                .or_else(|| room(model, form, pages))
                .or_else(|| {
                    (pages > left).then(|| format!("pages: only {left} of {PAGES_LIMIT} are left"))
                })
        },
    );
}

fn freeing(form: &Form) -> SubjectAction {
    SubjectAction::Free { vaddr: vaddr(form) }
}

/// Asks which request to free: the one under the cursor.
pub(super) fn free(model: &mut Model) {
    let Some(subject) = model.memory.subject() else {
        return;
    };
    let cursor = model.memory.cursor;
    let under = subject
        .areas()
        .find(|area| (area.start..area.end).contains(&cursor));
    let Some(start) = under
        .or_else(|| subject.areas().next_back())
        .map(|area| area.start)
    else {
        return model.note("There is nothing to free (a allocates)");
    };
    let fields = vec![address(model, "the first address of the request", start)];
    open(
        model,
        ("memory-free", "Free a request"),
        fields,
        (
            |form| preview(form, freeing),
            |model, form| submit(model, form, freeing),
        ),
        |model, form| {
            let starts = |subject: &Subject| subject.areas().any(|area| area.start == vaddr(form));
            let known = subject_of(model, form).is_some_and(starts);
            (!known).then(|| "vaddr: no request of this subject starts there".to_owned())
        },
    );
}

fn reading(form: &Form) -> SubjectAction {
    SubjectAction::Read {
        vaddr: vaddr(form),
        size: form.number("size") as u32,
    }
}

/// Asks what to read.
pub(super) fn read(model: &mut Model) {
    let fields = vec![
        anywhere(
            "from where; an address that may not be read kills the subject",
            model.memory.cursor,
        ),
        number("size", u64::from(SUBJECT_IO_MAX), "how many bytes", "64"),
    ];
    open(
        model,
        ("memory-read", "Read memory"),
        fields,
        (
            |form| preview(form, reading),
            |model, form| submit(model, form, reading),
        ),
        |_, _| None,
    );
}

fn writing(form: &Form) -> SubjectAction {
    let data = form.text("data");
    let bytes = match form.text("as") {
        HEX => parse_bytes(data).unwrap_or_default(),
        _ => data.as_bytes().to_vec(),
    };
    SubjectAction::Write {
        vaddr: vaddr(form),
        bytes,
    }
}

/// Asks what to write where.
pub(super) fn write(model: &mut Model) {
    let data = Kind::Text { max: DATA_MAX };
    let fields = vec![
        anywhere(
            "to where; an address that may not be written kills the subject",
            model.memory.cursor,
        ),
        Field::new("data", data, "what to write", "hello"),
        choice("as", &[TEXT, HEX], "how to read what was typed"),
    ];
    open(
        model,
        ("memory-write", "Write memory"),
        fields,
        (
            |form| preview(form, writing),
            |model, form| submit(model, form, writing),
        ),
        |_, form| match (form.text("as"), form.text("data")) {
            (_, "") => Some("data: empty".into()),
            (HEX, data) => parse_bytes(data)
                .err()
                .map(|error| format!("data: {error}")),
            _ => None,
        },
    );
}

fn sharing(form: &Form) -> SubjectAction {
    SubjectAction::Share {
        vaddr: vaddr(form),
        client: form.text("client").parse().unwrap_or(0),
        write: form.text("access") == READ_WRITE,
    }
}

/// Asks to whom to offer the page under the cursor.
pub(super) fn share(model: &mut Model) {
    let me = model.memory.subject().map(|subject| subject.number);
    let others = model.memory.subjects.iter();
    let others: Vec<String> = others
        .filter(|subject| Some(subject.number) != me && subject.life == Life::Alive)
        .filter_map(|subject| subject.pid)
        .map(|pid| pid.to_string())
        .collect();
    if others.is_empty() {
        return model.note("Start a second subject first: n");
    }
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let fields = vec![
        address(model, "the page to offer", page_of(model.memory.cursor)),
        choice("client", &others, "the process it is offered to"),
        choice(
            "access",
            &[READ_WRITE, READ_ONLY],
            "what that process may do with it",
        ),
    ];
    open(
        model,
        ("memory-share", "Offer a page"),
        fields,
        (
            |form| preview(form, sharing),
            |model, form| submit(model, form, sharing),
        ),
        |model, form| {
            let ours = |subject: &Subject| {
                subject
                    .areas()
                    .any(|area| (area.start..area.end).contains(&vaddr(form)))
            };
            let known = subject_of(model, form).is_some_and(ours);
            let other = || (!known).then(|| "vaddr: not a page of this subject's requests".into());
            aligned(form).or_else(other)
        },
    );
}

fn accessing(form: &Form) -> SubjectAction {
    SubjectAction::Access { vaddr: vaddr(form) }
}

/// Asks where to map the page that was offered.
pub(super) fn access(model: &mut Model) {
    let free = model
        .memory
        .subject()
        .map_or(SUGGESTED, Subject::free_address);
    let fields = vec![address(
        model,
        "where to map the page that was offered",
        free,
    )];
    open(
        model,
        ("memory-access", "Map the offered page"),
        fields,
        (
            |form| preview(form, accessing),
            |model, form| submit(model, form, accessing),
        ),
        |model, form| aligned(form).or_else(|| room(model, form, 1)),
    );
}

fn walking(form: &Form) -> SubjectAction {
    SubjectAction::Walk { vaddr: vaddr(form) }
}

/// Asks which address to translate.
pub(super) fn walk(model: &mut Model) {
    let fields = vec![address(
        model,
        "the address to translate",
        model.memory.cursor,
    )];
    open(
        model,
        ("memory-walk", "Translate an address"),
        fields,
        (
            |form| preview(form, walking),
            |model, form| submit(model, form, walking),
        ),
        |_, _| None,
    );
}
