// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a place of the screen stands for.

/// What stands at a place of the screen; drawing says so, clicks come back as it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// A command, by its name.
    Command(&'static str),
    /// A row or cell of a view's list, in the view's own counting.
    Row {
        /// Which list of the view.
        pane: u8,
        /// Which row.
        index: usize,
    },
    /// An item of the topmost layer (a form's field, a palette's row, a button).
    Layer(usize),
    /// The panel of the experiment under way; with a number: that choice of its question.
    Experiment(Option<usize>),
}
