// SPDX-License-Identifier: MIT OR Apache-2.0
//! What view 4 remembers.

use std::collections::BTreeMap;

use super::subject::Subject;
use crate::dashboard::core::message::SubjectTask;

pub const MODULE: &str = "memalloc";

/// Which of this view's calls an item belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The life of the subject with this number.
    Live(u32),
    /// Something that the subject with this number does.
    Do(u32),
    /// Which subjects a guest has that was wound back.
    Left,
}

/// A part of the picture that can have the focus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// The list of subjects.
    #[default]
    Subjects,
    /// The address space.
    Space,
    Walk,
    /// The bytes read last.
    Content,
}

impl Pane {
    pub(crate) const ALL: [Self; 4] = [Self::Subjects, Self::Space, Self::Walk, Self::Content];
}

/// What the view remembers.
#[derive(Clone, Debug, Default)]
pub struct Memory {
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
    pub(crate) started: u32,
    /// The subjects that somebody else named, by these names.
    pub(crate) named: BTreeMap<String, u32>,
    /// What waits for this subject to have started.
    pub(crate) deferred: Option<(u32, SubjectTask)>,
}

impl Memory {
    /// The subject that is shown.
    pub fn subject(&self) -> Option<&Subject> {
        self.subjects.get(self.selected)
    }

    pub(crate) fn by_number(&mut self, number: u32) -> Option<&mut Subject> {
        let mut subjects = self.subjects.iter_mut();
        subjects.find(|subject| subject.number == number)
    }
}
