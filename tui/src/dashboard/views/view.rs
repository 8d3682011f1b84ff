// SPDX-License-Identifier: MIT OR Apache-2.0
//! What each view provides.

use crate::dashboard::core::command::Command;
use crate::dashboard::core::event::Move;
use crate::dashboard::core::keys::Key;
use crate::dashboard::core::model::Model;
use crate::kernel::api::TableRange;

/// What a view provides. Everything but the texts has a default in [`View::new`].
pub struct View {
    /// Its title, one or two words.
    pub title: &'static str,
    /// What am I looking at? One line.
    pub about: &'static str,
    /// Can one of its panels take the whole view?
    pub zooms: bool,
    /// Has it several panels for the focus to move between?
    pub panels: bool,
    /// Does it show charts, whose time range can be chosen?
    pub charts: bool,
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
    /// A row or cell was clicked: pane and index as [`crate::dashboard::core::event::Hit::Row`] has them.
    pub click: fn(&mut Model, u8, usize),
    /// The text that `y` copies.
    pub copy: fn(&Model) -> Option<String>,
    /// The module that `L`, `U` and `R` act on.
    pub module: fn(&Model) -> Option<String>,
    /// Another guest runs: forget what was known of the old one.
    pub new_guest: fn(&mut Model),
    /// A sample came while it is on the screen.
    pub sampled: fn(&mut Model),
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
            zooms: false,
            panels: false,
            charts: false,
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
            sampled: |_| (),
            tables: |_| Vec::new(),
        }
    }
}

/// The pane after (or before) the one that has the focus, round and round.
pub(crate) fn next<P: Copy + PartialEq>(panes: &[P], now: P, forward: bool) -> P {
    let at = panes.iter().position(|pane| *pane == now).unwrap_or(0);
    let step = if forward { 1 } else { panes.len() - 1 };
    panes[(at + step) % panes.len()]
}
