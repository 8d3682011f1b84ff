// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is known of the file and line of functions in oopses.

use std::collections::BTreeMap;

/// A place in an oops.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Frame {
    /// `function+0x10/0x30 [module]`.
    pub text: String,
    /// Is it where the processor was, and not where a call returns to?
    pub exact: bool,
}

/// What is known.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    pub(crate) places: BTreeMap<Frame, Option<String>>,
    /// Why places can't be found, when they can't.
    pub missing: Option<String>,
    /// How many frames were unknown, and since when.
    pub(crate) seen: (usize, u64),
}

impl Symbols {
    /// File and line of a frame, if they are known.
    pub fn place(&self, text: &str, exact: bool) -> Option<&str> {
        let frame = Frame { text: text.to_owned(), exact };
        self.places.get(&frame)?.as_deref()
    }

    /// Another kernel may run.
    pub(crate) fn new_guest(&mut self) {
        self.missing = None;
    }
}
