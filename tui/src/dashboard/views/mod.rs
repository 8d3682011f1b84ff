// SPDX-License-Identifier: MIT OR Apache-2.0
//! The views. Each is a folder here and a line in [`Views::all`]: its number key,
//! its tab, and its place in help and palette come from that list.

mod block;
#[cfg(test)]
pub(crate) mod fixture;
mod log;
pub mod memory;
mod modules;
mod name;
mod overview;
pub mod pieces;
mod producer;
pub mod ready;
pub mod unready;
pub mod view;
mod workbench;

use std::any::{Any, TypeId};

pub use self::view::View;
use crate::dashboard::core::{Info, Shared};

/// The keys of the views, in their order.
const DIGITS: [&[&str]; 9] =
    [&["1"], &["2"], &["3"], &["4"], &["5"], &["6"], &["7"], &["8"], &["9"]];

/// The views, in the order of their keys.
#[derive(Clone)]
pub struct Views {
    list: Vec<Box<dyn View>>,
    /// The commands that go to them.
    go: Vec<Info>,
    /// The state of what needs no view.
    nobody: (),
}

impl Views {
    /// Every view there is.
    pub fn all() -> Self {
        Self::new(vec![
            Box::<overview::Overview>::default(),
            Box::<name::Name>::default(),
            Box::<producer::Producer>::default(),
            Box::<memory::Memory>::default(),
            Box::<block::Block>::default(),
            Box::<log::LogView>::default(),
            Box::<modules::Modules>::default(),
            Box::<workbench::Workbench>::default(),
        ])
    }

    /// These views, of which there is one at least.
    pub fn new(list: Vec<Box<dyn View>>) -> Self {
        let go = list.iter().enumerate().map(|(index, view)| {
            let about = view.about();
            Info {
                name: about.id,
                keys: DIGITS.get(index).copied().unwrap_or_default(),
                title: about.title,
                help: format!("go to view {}: {}", index + 1, about.shows).into(),
                hint: false,
            }
        });
        Self { go: go.collect(), list, nobody: () }
    }

    /// All of them, to be put together differently.
    pub fn into_list(self) -> Vec<Box<dyn View>> {
        self.list
    }

    /// The commands that go to the views.
    pub fn go(&self) -> &[Info] {
        &self.go
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &dyn View> {
        self.list.iter().map(|view| &**view)
    }

    /// All of them, to change them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut (dyn View + 'static)> {
        self.list.iter_mut().map(|view| &mut **view)
    }

    fn index(&self, id: &str) -> usize {
        self.list.iter().position(|view| view.about().id == id).unwrap_or(0)
    }

    /// The view on the screen.
    pub fn current(&self, shared: &Shared) -> &dyn View {
        &*self.list[self.index(shared.view)]
    }

    /// The view on the screen, to change it.
    pub fn current_mut(&mut self, shared: &Shared) -> &mut dyn View {
        let index = self.index(shared.view);
        &mut *self.list[index]
    }

    /// The state of the view of this type; nobody's where there is none.
    pub fn state(&self, of: TypeId) -> &dyn Any {
        let found = self.list.iter().find(|view| (***view).type_id() == of);
        found.map_or(&self.nobody, |view| &**view)
    }

    /// The same, to change it.
    pub fn state_mut(&mut self, of: TypeId) -> &mut dyn Any {
        match self.list.iter_mut().find(|view| (***view).type_id() == of) {
            Some(view) => &mut **view,
            None => &mut self.nobody,
        }
    }

    /// The view of this type.
    pub fn get<V: View>(&self) -> Option<&V> {
        self.state(TypeId::of::<V>()).downcast_ref()
    }

    /// The same, to change it.
    pub fn get_mut<V: View>(&mut self) -> Option<&mut V> {
        self.state_mut(TypeId::of::<V>()).downcast_mut()
    }
}
