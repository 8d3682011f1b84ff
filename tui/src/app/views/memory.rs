// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 4: memory. Subject processes that allocate, touch, share and free
//! pages on command, their address spaces, and the page-table walk of the page
//! under the cursor.
//!
//! What a subject is asked to do is queued and done one at a time, and after
//! each action the subject is asked what its address space looks like now. So
//! the picture is the kernel's and not this program's idea of it.

mod forms;
pub mod space;
mod subject;
pub mod subjects;

use self::space::{PAGE, page_of};
use self::subjects::{Life, Subject};
use super::View;
use super::ready::ready;
use crate::app::calls::Owner;
use crate::app::commands::Command;
use crate::app::event::Move;
use crate::app::layers::{Confirm, Layer};
use crate::app::model::Model;
use crate::target::Item;
use crate::target::api::{Capability, SubjectAction};

/// The module.
pub const MODULE: &str = "memalloc";
/// Where the first pages are suggested: half of the lower 47 bits, far from
/// everything else, so that tables of every level come into being for them.
pub const SUGGESTED: u64 = 1 << 46;
/// Bytes that a look into a page reads.
const LOOK: u32 = 256;

/// Which of this view's calls an item belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The life of the subject with this number.
    Live(u32),
    /// Something that the subject with this number does.
    Do(u32),
}

/// A part of the picture that can have the focus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// The list of subjects.
    #[default]
    Subjects,
    /// The address space.
    Space,
    /// The walk.
    Walk,
    /// The bytes read last.
    Content,
}

impl Pane {
    const ALL: [Self; 4] = [Self::Subjects, Self::Space, Self::Walk, Self::Content];
}

/// What the view remembers.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The subjects, oldest first.
    pub subjects: Vec<Subject>,
    /// The one whose address space is shown.
    pub selected: usize,
    /// Which pane has the focus.
    pub focus: Pane,
    /// The address under the cursor.
    pub cursor: u64,
    /// The first row of the bytes read last.
    pub content_row: usize,
    started: u32,
}

impl State {
    /// The subject that is shown.
    pub fn subject(&self) -> Option<&Subject> {
        self.subjects.get(self.selected)
    }

    fn by_number(&mut self, number: u32) -> Option<&mut Subject> {
        let mut subjects = self.subjects.iter_mut();
        subjects.find(|subject| subject.number == number)
    }
}

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
        return Err(format!(
            "{} subjects are enough (x ends one)",
            subjects::MOST
        ));
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
        Call::Live(number) => subjects::lived(model, number, item),
        Call::Do(number) => subjects::did(model, number, item),
    }
    model.changed();
}

/// Shows another subject, with the cursor on its first page of ours.
fn select(model: &mut Model, index: usize) {
    model.memory.selected = index.min(model.memory.subjects.len().saturating_sub(1));
    let first = model.memory.subject().and_then(|subject| {
        let ours = subject.areas().next();
        ours.or(subject.maps.first()).map(|mapping| mapping.start)
    });
    if let Some(first) = first {
        model.memory.cursor = first;
    }
    cursor_moved(model);
}

/// Asks for the walk of the page under the cursor.
fn cursor_moved(model: &mut Model) {
    model.changed();
    let page = page_of(model.memory.cursor);
    if let Some(subject) = model.memory.subject() {
        subjects::look(model, subject.number, page);
    }
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

fn focus(model: &mut Model, forward: bool) {
    let panes = Pane::ALL;
    let now = panes.iter().position(|pane| *pane == model.memory.focus);
    let step = if forward { 1 } else { panes.len() - 1 };
    model.memory.focus = panes[(now.unwrap_or(0) + step) % panes.len()];
    model.changed();
}

fn navigate(model: &mut Model, to: Move) {
    match model.memory.focus {
        Pane::Subjects => {
            let count = model.memory.subjects.len();
            let page = model.page();
            let selected = to.apply(model.memory.selected, count, page);
            if selected != model.memory.selected {
                select(model, selected);
            }
        }
        Pane::Content => {
            let rows = model.memory.subject().map_or(0, |subject| {
                let bytes = subject
                    .content
                    .as_ref()
                    .map_or(0, |content| content.bytes.len());
                bytes.div_ceil(16)
            });
            model.memory.content_row = to.apply(model.memory.content_row, rows, 8);
            model.changed();
        }
        Pane::Space | Pane::Walk => {
            let per_row = space::per_row(model.size.0, model.zoom);
            let cursor = model.memory.cursor;
            let moved = model
                .memory
                .subject()
                .and_then(|subject| space::moved(subject, per_row, cursor, to));
            if let Some(cursor) = moved {
                model.memory.cursor = cursor;
                cursor_moved(model);
            }
        }
    }
}

/// The number of a pane in [`crate::app::Hit::Row`].
pub fn pane_number(pane: Pane) -> u8 {
    pane as u8
}

/// In the list of subjects `index` is the subject; in the address space it is
/// the number of the page.
fn click(model: &mut Model, pane: u8, index: usize) {
    if pane == pane_number(Pane::Subjects) {
        model.memory.focus = Pane::Subjects;
        select(model, index);
    } else if pane == pane_number(Pane::Space) {
        model.memory.focus = Pane::Space;
        model.memory.cursor = index as u64 * PAGE;
        cursor_moved(model);
    }
}

fn copy(model: &Model) -> Option<String> {
    let subject = model.memory.subject()?;
    match model.memory.focus {
        Pane::Subjects => subject.pid.map(|pid| pid.to_string()),
        Pane::Space => Some(subject.maps_text()),
        Pane::Walk => {
            let walk = subject.walks.get(&page_of(model.memory.cursor))?;
            let entries = walk.entry.iter().take(walk.depth as usize);
            let words = entries.map(|entry| format!("{entry:#018x}"));
            Some(format!(
                "{:#x}: {}",
                walk.vaddr,
                words.collect::<Vec<_>>().join(" ")
            ))
        }
        Pane::Content => {
            let content = subject.content.as_ref()?;
            let words = content.bytes.iter().map(|byte| format!("{byte:02x}"));
            Some(words.collect::<Vec<_>>().join(" "))
        }
    }
}

/// Who gets the items of a subject's call.
fn owner(call: Call) -> Owner {
    Owner::Memory(call)
}
