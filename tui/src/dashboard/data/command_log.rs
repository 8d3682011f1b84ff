// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was executed, as a person would have typed it: the dashboard teaches.

use std::collections::VecDeque;

/// How many lines are kept.
pub const KEPT: usize = 1000;

/// How it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It runs.
    Running,
    /// Done, after so many milliseconds.
    Done(u64),
    /// It failed; the reason.
    Failed(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Counts the lines, from 1.
    pub number: u64,
    /// When, in the model's time.
    pub at_ms: u64,
    /// The `insmod`, `ioctl(…)` or `cat` line.
    pub command: String,
    /// How it went.
    pub outcome: Outcome,
}

/// Columns before a line's text: when, and how it went.
pub const TEXT_AT: usize = 10;

impl Line {
    /// The command and how it went, about as it is shown.
    pub fn text(&self) -> String {
        match &self.outcome {
            Outcome::Failed(why) => format!("{}  {why}", self.command),
            Outcome::Done(ms) => format!("{}  {ms} ms", self.command),
            Outcome::Running => format!("{}  runs", self.command),
        }
    }
}

/// The lines, oldest first.
#[derive(Clone, Debug, Default)]
pub struct CommandLog {
    lines: VecDeque<Line>,
    last: u64,
}

impl CommandLog {
    /// Notes a command that starts; returns its number.
    pub fn start(&mut self, command: impl Into<String>, now_ms: u64) -> u64 {
        self.last += 1;
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(Line {
            number: self.last,
            at_ms: now_ms,
            command: command.into(),
            outcome: Outcome::Running,
        });
        self.last
    }

    /// Notes how it went.
    pub fn end(&mut self, number: u64, outcome: Outcome) {
        let line = self.lines.iter_mut().rev().find(|line| line.number == number);
        if let Some(line) = line {
            line.outcome = outcome;
        }
    }

    /// The lines, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &Line> + ExactSizeIterator {
        self.lines.iter()
    }

    /// The line that is `back` lines before the newest.
    pub fn from_end(&self, back: usize) -> Option<&Line> {
        self.lines.iter().rev().nth(back)
    }
}
