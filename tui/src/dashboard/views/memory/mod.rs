// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 4: memory. Subject processes that allocate, touch, share and free
//! pages on command, their address spaces, and the page-table walk of the page
//! under the cursor.
//!
//! What a subject is asked to do is queued and done one at a time, and after
//! each action the subject is asked what its address space looks like now. So
//! the picture is the kernel's and not this program's idea of it.

mod cursor;
pub(crate) mod draw;
mod forms;
#[cfg(test)]
mod keys;
mod outcomes;
pub mod page;
pub mod page_table;
pub mod space;
pub mod state;
pub mod subject;
pub mod subjects;
#[cfg(test)]
mod tests;

pub use self::cursor::pane_number;
use self::cursor::{click, copy, focus, navigate, select};
use self::page::page_of;
pub use self::state::{Call, MODULE, Pane, State};
use self::subject::Life;
use super::ready::ready;
use super::view::View;
use crate::dashboard::core::command::Command;
use crate::dashboard::core::layer::{Confirm, Layer};
use crate::dashboard::core::model::Model;
use crate::kernel::Item;
use crate::kernel::api::{Capability, SubjectAction};

/// Bytes that a look into a page reads.
const LOOK: u32 = 256;

macro_rules! command {
    ($name:literal, $key:literal, $title:literal, $help:literal, $hint:literal, $enabled:expr, $run:expr) => {
        Command {
            name: $name,
            keys: &[$key],
            title: $title,
            help: $help,
            hint: $hint,
            enabled: $enabled,
            run: $run,
        }
    };
}

/// Its commands.
pub const COMMANDS: &[Command] = &[
    command!(
        "subject-new",
        "n",
        "new subject",
        "start a process that uses memalloc on command",
        true,
        can_start,
        subjects::start
    ),
    command!(
        "memory-allocate",
        "a",
        "allocate",
        "map pages into the subject: address, number, read-only or read-write",
        true,
        alive,
        forms::allocate
    ),
    command!(
        "memory-write",
        "w",
        "write",
        "make the subject store bytes anywhere; it dies where that is not allowed",
        true,
        alive,
        forms::write
    ),
    command!(
        "memory-read",
        "r",
        "read",
        "make the subject load bytes from anywhere; it dies where that is not allowed",
        true,
        alive,
        forms::read
    ),
    command!(
        "memory-look",
        "enter",
        "look inside",
        "make the subject read the beginning of the page under the cursor",
        false,
        alive,
        look_inside
    ),
    command!(
        "memory-free",
        "f",
        "free",
        "give back the request under the cursor",
        true,
        alive,
        forms::free
    ),
    command!(
        "memory-share",
        "s",
        "share",
        "offer the page under the cursor to another subject",
        true,
        alive,
        forms::share
    ),
    command!(
        "memory-access",
        "o",
        "map offer",
        "map the page that was offered to this subject",
        false,
        alive,
        forms::access
    ),
    command!(
        "memory-walk",
        "t",
        "translate",
        "walk the page table for any address",
        false,
        alive,
        forms::walk
    ),
    command!(
        "subject-next",
        "N",
        "next subject",
        "show the next subject",
        false,
        some_subject,
        |model| {
            let count = model.memory.subjects.len().max(1);
            select(model, (model.memory.selected + 1) % count);
        }
    ),
    command!(
        "subject-end",
        "x",
        "end subject",
        "kill the subject, or take a dead one off the list",
        false,
        some_subject,
        end
    ),
];

/// What it provides.
pub const VIEW: View = View {
    zooms: true,
    panels: true,
    module: |_| Some(MODULE.into()),
    navigate,
    focus,
    click,
    copy,
    new_guest: |model| model.memory = State::default(),
    ..View::new(
        "Memory",
        "Processes map pages through the kernel; the page table that translates them",
        COMMANDS,
    )
};

fn can_start(model: &Model) -> Result<(), String> {
    ready(model, MODULE, Capability::Subjects)?;
    if model.memory.subjects.len() >= subjects::MOST {
        return Err(format!("{} subjects are enough (x ends one)", subjects::MOST));
    }
    Ok(())
}

fn some_subject(model: &Model) -> Result<(), String> {
    match model.memory.subject() {
        Some(_) => Ok(()),
        None => Err("there is no subject (n starts one)".into()),
    }
}

fn alive(model: &Model) -> Result<(), String> {
    ready(model, MODULE, Capability::Subjects)?;
    some_subject(model)?;
    match model.memory.subject().map(|subject| &subject.life) {
        Some(Life::Alive) => Ok(()),
        Some(Life::Starting) => Err("the subject is still starting".into()),
        _ => Err("the subject is dead (n starts a new one)".into()),
    }
}

/// Takes an item of one of this view's calls.
pub fn item(model: &mut Model, call: Call, item: Item) {
    match call {
        Call::Live(number) => outcomes::lived(model, number, item),
        Call::Do(number) => outcomes::did(model, number, item),
    }
    model.changed();
}

fn look_inside(model: &mut Model) {
    let vaddr = page_of(model.memory.cursor);
    let action = SubjectAction::Read { vaddr, size: LOOK };
    if let Some(subject) = model.memory.subject() {
        subjects::ask(model, subject.number, action);
    }
}

fn end(model: &mut Model) {
    let Some(subject) = model.memory.subject() else {
        return;
    };
    if !matches!(subject.life, Life::Alive | Life::Starting) {
        model.memory.subjects.remove(model.memory.selected);
        let selected = model.memory.selected.saturating_sub(1);
        return select(model, selected);
    }
    let name = subject.name();
    let command = match subject.pid {
        Some(pid) => format!("kill -9 {pid}"),
        None => "kill -9 (its process id is not known yet)".into(),
    };
    model.open(Layer::Confirm(Confirm {
        title: format!("End {name}?"),
        text: "The process is killed; the module takes its pages back.".into(),
        command,
        context: subject.number.to_string(),
        yes: |model, question| {
            let number = question.context.parse().unwrap_or(0);
            let Some(subject) = model.memory.by_number(number) else {
                return;
            };
            subject.killed = true;
            let tag = subject.tag;
            model.cancel(tag);
        },
    }));
}
