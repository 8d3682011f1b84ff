// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long work tells of itself, and how it is asked to stop.
//!
//! The lab knows nothing of the screen: it reports [`Event`]s to whoever called
//! it, and asks that caller now and then whether to go on. A command shows them
//! as a progress bar, the dashboard as a panel, a test not at all.

use std::os::fd::RawFd;

/// Something that happened in long work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The next step begins; the one before is over. A title like
    /// `Compile Linux 7.3.4 (lab)`.
    Step(String),
    /// How far the step is.
    Advance(Amount),
    /// What it is busy with now: the file being compiled, say.
    Busy(String),
    /// A line that a program printed: a compiler's diagnostic, apt's report.
    Output(String),
    /// Something worth knowing that is no error.
    Note(String),
    /// The last step is over, and all of it succeeded.
    Done,
}

/// How much of a step is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount {
    /// What is done, in `unit`s.
    pub done: u64,
    /// All there is to do; `None` when nobody can know.
    pub total: Option<u64>,
    /// The total is an estimate and should be shown as “about”.
    pub about: bool,
    /// What is counted.
    pub unit: Unit,
}

/// What an [`Amount`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Bytes,
    /// Objects that the build makes.
    Objects,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Go on.
    #[default]
    No,
    /// Stop as soon as what is being written is whole: the first Ctrl-C.
    Gently,
    /// Stop now and kill what runs: the second Ctrl-C.
    AtOnce,
}

/// Hears of long work. Any closure that takes an [`Event`] is one; it never
/// asks for a stop.
pub trait Progress {
    /// Something happened.
    fn report(&mut self, event: Event);

    /// Time passes: called as often as [`Progress::stop`] while a program runs.
    fn tick(&mut self) {}

    /// A program printed so many bytes: of all that it prints, whether or not it is
    /// reported.
    fn printed(&mut self, _bytes: usize) {}

    /// Should the work go on? Asked at least ten times a second.
    fn stop(&self) -> Stop {
        Stop::No
    }

    /// The locks under which the work is done: a program that is started for it
    /// holds them, too, so that they last as long as it does.
    fn locks(&self) -> Vec<RawFd> {
        Vec::new()
    }
}

impl<F: FnMut(Event)> Progress for F {
    fn report(&mut self, event: Event) {
        self(event);
    }
}

/// Shorthands for those who report.
impl dyn Progress + '_ {
    /// The next step begins.
    pub(crate) fn step(&mut self, title: impl Into<String>) {
        self.report(Event::Step(title.into()));
    }

    /// Something worth knowing.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.report(Event::Note(text.into()));
    }

    /// `done` of `total` bytes.
    pub(crate) fn bytes(&mut self, done: u64, total: Option<u64>) {
        self.report(Event::Advance(Amount { done, total, about: false, unit: Unit::Bytes }));
    }
}
