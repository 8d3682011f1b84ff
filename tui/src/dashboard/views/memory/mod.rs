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
mod facts;
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
mod tasks;
#[cfg(test)]
mod tests;

pub use self::cursor::pane_number;
use self::cursor::{click, copy, navigate, select};
use self::page::page_of;
pub use self::state::{Call, MODULE, Memory, Pane};
use self::subject::Life;
use super::ready::ready;
use super::view::{View, next};
use crate::dashboard::core::{About, Command, Message, Move, Shared, command};
use crate::dashboard::paint::Canvas;
use crate::kernel::Item;
use crate::kernel::api::{Capability, SubjectAction};
use ratatui::layout::Rect;

/// Bytes that a look into a page reads.
const LOOK: u32 = 256;

const COMMANDS: &[Command<Memory>] = &[
    command(
        "subject-new",
        &["n"],
        "new subject",
        "start a process that uses memalloc on command",
        subjects::start,
    )
    .when(subjects::can_start),
    command(
        "memory-allocate",
        &["a"],
        "allocate",
        "map pages into the subject: address, number, read-only or read-write",
        forms::allocate,
    )
    .when(alive),
    command(
        "memory-write",
        &["w"],
        "write",
        "make the subject store bytes anywhere; it dies where that is not allowed",
        forms::write,
    )
    .when(alive),
    command(
        "memory-read",
        &["r"],
        "read",
        "make the subject load bytes from anywhere; it dies where that is not allowed",
        forms::read,
    )
    .when(alive),
    command(
        "memory-look",
        &["enter"],
        "look inside",
        "make the subject read the beginning of the page under the cursor",
        look_inside,
    )
    .when(alive)
    .quiet(),
    command("memory-free", &["f"], "free", "give back the request under the cursor", forms::free)
        .when(alive),
    command(
        "memory-share",
        &["s"],
        "share",
        "offer the page under the cursor to another subject",
        forms::share,
    )
    .when(alive),
    command(
        "memory-access",
        &["o"],
        "map offer",
        "map the page that was offered to this subject",
        forms::access,
    )
    .when(alive)
    .quiet(),
    command("memory-walk", &["t"], "translate", "walk the page table for any address", forms::walk)
        .when(alive)
        .quiet(),
    command(
        "subject-next",
        &["N"],
        "next subject",
        "show the next subject",
        |view: &mut Memory, shared| {
            let count = view.subjects.len().max(1);
            select(view, shared, (view.selected + 1) % count);
        },
    )
    .when(some_subject)
    .quiet(),
    command(
        "subject-end",
        &["x"],
        "end subject",
        "kill the subject, or take a dead one off the list",
        end,
    )
    .when(|view, shared| {
        shared.can(Capability::Subjects)?;
        some_subject(view, shared)
    })
    .quiet(),
];

const ABOUT: About = About {
    id: "memory",
    title: "Memory",
    short: "Memory",
    about: "Processes map pages through the kernel; the page table that translates them",
    shows: "processes, pages, page tables",
    module: Some(MODULE),
    zooms: true,
    panels: true,
    ..About::BARE
};

impl View for Memory {
    type Call = Call;

    fn commands() -> &'static [Command<Self>] {
        COMMANDS
    }

    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, shared: &Shared) {
        draw::draw(canvas, area, self, shared);
    }

    fn on_reply(&mut self, shared: &mut Shared, call: Call, item: Item) {
        match call {
            Call::Live(number) => outcomes::on_life(self, shared, number, item),
            Call::Do(number) => outcomes::on_reply(self, shared, number, item),
            Call::Left => subjects::on_left(self, shared, item),
        }
        shared.changed();
    }

    fn navigate(&mut self, shared: &mut Shared, to: Move) {
        navigate(self, shared, to);
    }

    fn focus(&mut self, shared: &mut Shared, forward: bool) {
        self.focus = next(&Pane::ALL, self.focus, forward);
        shared.changed();
    }

    fn click(&mut self, shared: &mut Shared, pane: u8, index: usize) {
        click(self, shared, pane, index);
    }

    fn copy(&self, _: &Shared) -> Option<String> {
        copy(self)
    }

    fn fact(&self, _: &Shared, name: &str) -> Option<String> {
        facts::fact(self, name)
    }

    fn take(&mut self, shared: &mut Shared, message: &Message) -> bool {
        match message {
            Message::Module(name) => *name == MODULE,
            Message::Subject(task) => {
                tasks::perform(self, shared, task);
                true
            }
            _ => false,
        }
    }

    fn new_guest(&mut self, shared: &mut Shared) {
        let alive = |subject: &&subject::Subject| matches!(subject.life, Life::Alive);
        match self.subjects.iter().filter(alive).count() {
            // Those of that moment live again.
            _ if shared.link.wound_back => {}
            0 => {}
            1 => shared.note("the subject ended with the guest it ran in".to_owned()),
            many => shared.note(format!("{many} subjects ended with the guest they ran in")),
        }
        *self = Self::default();
        if shared.link.wound_back {
            subjects::look_for_left(shared);
        }
    }
}

fn some_subject(view: &Memory, shared: &Shared) -> Result<(), String> {
    match view.subject() {
        Some(_) => Ok(()),
        None => Err(shared.fill("there is no subject ({subject-new} starts one)")),
    }
}

fn alive(view: &Memory, shared: &Shared) -> Result<(), String> {
    ready(shared, MODULE, Capability::Subjects)?;
    some_subject(view, shared)?;
    match view.subject().map(|subject| &subject.life) {
        Some(Life::Alive) => Ok(()),
        Some(Life::Starting) => Err("the subject is still starting".into()),
        _ => Err(shared.fill("the subject is dead ({subject-new} starts a new one)")),
    }
}

fn look_inside(view: &mut Memory, shared: &mut Shared) {
    let vaddr = page_of(view.cursor);
    let action = SubjectAction::Read { vaddr, size: LOOK };
    if let Some(subject) = view.subject() {
        subjects::ask(view, shared, subject.number, action);
    }
}

fn end(view: &mut Memory, shared: &mut Shared) {
    let Some(subject) = view.subject() else {
        return;
    };
    if !matches!(subject.life, Life::Alive | Life::Starting) {
        view.subjects.remove(view.selected);
        let selected = view.selected.saturating_sub(1);
        return select(view, shared, selected);
    }
    let number = subject.number;
    let title = format!("End {}?", subject.name());
    let command = match subject.pid {
        Some(pid) => format!("kill -9 {pid}"),
        None => "kill -9 (its process id is not known yet)".into(),
    };
    let text = "The process is killed; the module takes its pages back.";
    shared.confirm(title, text, command, move |view: &mut Memory, shared| {
        let Some(subject) = view.by_number(number) else {
            return;
        };
        subject.killed = true;
        shared.cancel(subject.tag);
    });
}
