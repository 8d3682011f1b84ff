// SPDX-License-Identifier: MIT OR Apache-2.0
//! The views, one per number key: which there are and what each provides.
//!
//! A view is a file here with its state, its commands and how they change the
//! state, and a file of the same name in [`crate::ui::views`] that draws it.

pub mod block;
pub mod log;
pub mod memory;
pub mod modules;
pub mod name;
pub mod overview;
pub mod producer;
pub mod ready;

use super::commands::Command;
use super::event::Move;
use super::keys::Key;
use super::model::Model;
use crate::target::api::TableRange;

/// A view, in the order of the number keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ViewId {
    /// 1
    #[default]
    Overview,
    /// 2
    Name,
    /// 3
    Producer,
    /// 4
    Memory,
    /// 5
    Block,
    /// 6
    Log,
    /// 7
    Modules,
}

impl ViewId {
    /// All, in order.
    pub const ALL: [Self; 7] = [
        Self::Overview,
        Self::Name,
        Self::Producer,
        Self::Memory,
        Self::Block,
        Self::Log,
        Self::Modules,
    ];

    /// Its number key.
    pub fn number(self) -> usize {
        self as usize + 1
    }
}

/// What a view provides. Everything but the texts has a default in [`View::new`].
pub struct View {
    /// Its title, one or two words.
    pub title: &'static str,
    /// What am I looking at? One line.
    pub about: &'static str,
    /// Its own commands.
    pub commands: &'static [Command],
    /// It comes onto the screen.
    pub enter: fn(&mut Model),
    /// Time went on while it is on the screen.
    pub tick: fn(&mut Model),
    /// Arrow keys, hjkl, paging, the wheel.
    pub navigate: fn(&mut Model, Move),
    /// Tab (`true`) and Shift-Tab.
    pub focus: fn(&mut Model, bool),
    /// Takes a key before the command table does: while text is typed into the
    /// view itself. `true` when it was taken.
    pub key: fn(&mut Model, Key) -> bool,
    /// Esc, when nothing lies over the view. `true` when there was something to back out of.
    pub escape: fn(&mut Model) -> bool,
    /// A row or cell was clicked: pane and index as [`super::Hit::Row`] has them.
    pub click: fn(&mut Model, u8, usize),
    /// The text that `y` copies.
    pub copy: fn(&Model) -> Option<String>,
    /// The module that `L`, `U` and `R` act on.
    pub module: fn(&Model) -> Option<String>,
    /// Another guest runs: forget what was known of the old one.
    pub new_guest: fn(&mut Model),
    /// The tables to read with each sample while it is on the screen.
    pub tables: fn(&Model) -> Vec<TableRange>,
}

impl View {
    /// A view with texts and commands that does nothing else.
    pub const fn new(
        title: &'static str,
        about: &'static str,
        commands: &'static [Command],
    ) -> Self {
        Self {
            title,
            about,
            commands,
            enter: |_| (),
            tick: |_| (),
            navigate: |_, _| (),
            focus: |_, _| (),
            key: |_, _| false,
            escape: |_| false,
            click: |_, _, _| (),
            copy: |_| None,
            module: |_| None,
            new_guest: |_| (),
            tables: |_| Vec::new(),
        }
    }
}

/// What the view `id` provides.
pub fn view(id: ViewId) -> &'static View {
    match id {
        ViewId::Overview => &overview::VIEW,
        ViewId::Name => &name::VIEW,
        ViewId::Producer => &producer::VIEW,
        ViewId::Memory => &memory::VIEW,
        ViewId::Block => &block::VIEW,
        ViewId::Log => &log::VIEW,
        ViewId::Modules => &modules::VIEW,
    }
}

/// Tells every view that another guest runs.
pub(super) fn new_guest(model: &mut Model) {
    for id in ViewId::ALL {
        (view(id).new_guest)(model);
    }
}
