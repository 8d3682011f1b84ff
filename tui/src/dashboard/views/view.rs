// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a view is.

use std::any::Any;

use ratatui::layout::Rect;

use crate::dashboard::core::{
    About, Command, HostResult, Info, Key, Message, Move, Shared, ViewCall,
};
use crate::dashboard::paint::Canvas;
use crate::kernel::Item;
use crate::kernel::api::TableRange;

/// A view: it owns its state, and sees beside it only what all views share.
///
/// What it wants of another view is a [`Message`]. Everything but the texts, the
/// commands and the picture has a default.
pub trait View: Erased {
    /// Its own kinds of calls: the reply to one comes with it.
    type Call: Clone + 'static
    where
        Self: Sized;

    /// Its own commands.
    fn commands() -> &'static [Command<Self>]
    where
        Self: Sized;

    /// How others know it.
    fn about(&self) -> &'static About;

    /// Paints it. Nothing is changed, asked or read from a clock.
    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, shared: &Shared);

    /// Takes a piece of the kernel's reply to one of its calls.
    fn on_reply(&mut self, _shared: &mut Shared, _call: Self::Call, _item: Item)
    where
        Self: Sized,
    {
    }

    /// Takes the reply of this machine to one of its calls.
    fn on_host(&mut self, _shared: &mut Shared, _call: Self::Call, _result: HostResult)
    where
        Self: Sized,
    {
    }

    /// It comes onto the screen.
    fn enter(&mut self, _shared: &mut Shared) {}

    /// Time went on while it is on the screen.
    fn tick(&mut self, _shared: &mut Shared) {}

    /// Arrow keys, hjkl, paging, the wheel.
    fn navigate(&mut self, _shared: &mut Shared, _to: Move) {}

    /// Tab (`true`) and Shift-Tab.
    fn focus(&mut self, _shared: &mut Shared, _forward: bool) {}

    /// Takes a key before the command table does: while text is typed into the
    /// view itself. `true` when it was taken.
    fn key(&mut self, _shared: &mut Shared, _key: Key) -> bool {
        false
    }

    /// Is text being typed into it?
    fn typing(&self) -> bool {
        false
    }

    /// Esc, when nothing lies over the view. `true` when there was something to back out of.
    fn escape(&mut self, _shared: &mut Shared) -> bool {
        false
    }

    /// A row or cell was clicked: pane and index as [`crate::dashboard::data::hit::Hit::Row`]
    /// has them.
    fn click(&mut self, _shared: &mut Shared, _pane: u8, _index: usize) {}

    /// The text that the copy key copies.
    fn copy(&self, _shared: &Shared) -> Option<String> {
        None
    }

    /// The module that the keys to load, unload and reload act on.
    fn module(&self, _shared: &Shared) -> Option<String> {
        self.about().module.map(str::to_owned)
    }

    /// Does it list modules, so that the key to load asks which one?
    fn lists_modules(&self) -> bool {
        false
    }

    /// Does it show which modules are loaded, so that these are asked for again and
    /// again? One that drives a module shows whether it is there: that somebody else
    /// has loaded one without counters, nothing else tells.
    fn shows_modules(&self) -> bool {
        self.lists_modules() || self.about().module.is_some()
    }

    /// Was what it shows a record all along, that loses nothing when the guest dies?
    fn is_record(&self) -> bool {
        false
    }

    /// The tables to read with each sample while it is on the screen.
    fn tables(&self, _shared: &Shared) -> Vec<TableRange> {
        Vec::new()
    }

    /// A sample came while it is on the screen.
    fn sampled(&mut self, _shared: &mut Shared) {}

    /// The kernel log has more records, or more of it was searched.
    fn log_grew(&mut self, _shared: &mut Shared) {}

    /// The list of modules arrived.
    fn modules_listed(&mut self, _shared: &mut Shared) {}

    /// Another guest runs: forget what was known of the old one.
    fn new_guest(&mut self, _shared: &mut Shared) {}

    /// Something that an experiment may ask of what it shows, by a word: `pfn`.
    fn fact(&self, _shared: &Shared, _name: &str) -> Option<String> {
        None
    }

    /// Takes what another view wants. `true` when it is this one that is meant.
    fn take(&mut self, _shared: &mut Shared, message: &Message) -> bool {
        matches!(message, Message::Module(name) if self.about().module == Some(name))
    }
}

/// A reply to a view's call.
#[allow(clippy::large_enum_variant, reason = "nearly all of them are items")]
pub enum Reply {
    /// A piece of the kernel's.
    Item(Item),
    /// This machine's.
    Host(HostResult),
}

/// What the shell does with views without knowing their types; every [`View`] has it.
pub trait Erased: Any {
    /// The same view, in the same state.
    fn copied(&self) -> Box<dyn View>;
    /// What is said of its commands.
    fn infos(&self) -> Vec<&'static Info>;
    /// Can this command of the view's be carried out now? `None`: it has none of that name.
    fn enabled(&self, shared: &Shared, command: &str) -> Option<Result<(), String>>;
    /// Carries out a command.
    fn run(&mut self, shared: &mut Shared, command: &str);
    /// Takes a reply if it is to a call of this view's.
    fn reply(&mut self, shared: &mut Shared, call: &ViewCall, reply: &Reply) -> bool;
}

impl<V: View + Clone> Erased for V {
    fn copied(&self) -> Box<dyn View> {
        Box::new(self.clone())
    }

    fn infos(&self) -> Vec<&'static Info> {
        V::commands().iter().map(|command| &command.info).collect()
    }

    fn enabled(&self, shared: &Shared, command: &str) -> Option<Result<(), String>> {
        let command = V::commands().iter().find(|known| known.info.name == command)?;
        Some((command.enabled)(self, shared))
    }

    fn run(&mut self, shared: &mut Shared, command: &str) {
        if let Some(command) = V::commands().iter().find(|known| known.info.name == command) {
            (command.run)(self, shared);
        }
    }

    fn reply(&mut self, shared: &mut Shared, call: &ViewCall, reply: &Reply) -> bool {
        let Some(call) = call.get::<V::Call>() else {
            return false;
        };
        match reply {
            Reply::Item(item) => self.on_reply(shared, call, item.clone()),
            Reply::Host(result) => self.on_host(shared, call, result.clone()),
        }
        true
    }
}

/// The pane after (or before) the one that has the focus, round and round.
pub(crate) fn next<P: Copy + PartialEq>(panes: &[P], now: P, forward: bool) -> P {
    let at = panes.iter().position(|pane| *pane == now).unwrap_or(0);
    let step = if forward { 1 } else { panes.len() - 1 };
    panes[(at + step) % panes.len()]
}

impl Clone for Box<dyn View> {
    fn clone(&self) -> Self {
        // The view's, and not the box's.
        (**self).copied()
    }
}
