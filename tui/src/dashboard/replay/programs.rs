// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs that were recorded beside a dashboard: the newest line of what one wrote
//! is a caption, and the program stands in the command log.

use std::collections::BTreeMap;

use crate::dashboard::core::equivalent::equivalent;
use crate::dashboard::data::command_log::Outcome;
use crate::dashboard::shell::model::Model;
use crate::kernel::Item;
use crate::kernel::api::{ProgramEnd, Request};
use crate::tape::Entry;

/// The most programs at a time.
const MOST: usize = 64;
/// The most bytes of a line that are kept.
const LINE: usize = 1000;

/// The programs that run.
#[derive(Clone, Debug, Default)]
pub(super) struct Programs {
    running: BTreeMap<u64, Program>,
}

#[derive(Clone, Debug)]
struct Program {
    command: String,
    /// Its line in the command log.
    number: u64,
    started_ms: u64,
    /// The line that it writes, or wrote last.
    line: Vec<u8>,
    /// Did that line come to its end?
    over: bool,
    end: Option<ProgramEnd>,
}

impl Programs {
    /// Takes an entry that is about a program. Returns what is to be read then; `None`:
    /// it is about something else.
    pub(super) fn take(&mut self, model: &mut Model, entry: &Entry<'_>) -> Option<String> {
        match entry {
            Entry::Call { call, request, .. } if matches!(**request, Request::Run(_)) => {
                let command = equivalent(request).unwrap_or_default();
                let started_ms = model.now_ms;
                let number = model.command_log.start(command.clone(), started_ms);
                let caption = format!("$ {command}");
                let program = Program {
                    command,
                    number,
                    started_ms,
                    line: Vec::new(),
                    over: false,
                    end: None,
                };
                self.running.insert(*call, program);
                if self.running.len() > MOST {
                    self.running.pop_first();
                }
                Some(caption)
            }
            Entry::Input { .. } => None,
            Entry::Item { call, item } => {
                let program = self.running.get_mut(call)?;
                match &**item {
                    Item::Output { bytes, .. } => Some(program.writes(bytes)),
                    Item::Exited(end) => {
                        program.end = Some(*end);
                        Some(program.ended())
                    }
                    Item::Done(result) => {
                        let program = self.running.remove(call)?;
                        let failed = result.as_ref().err().map(ToString::to_string);
                        Some(program.over(model, failed))
                    }
                    _ => None,
                }
            }
            Entry::Failed { call, error } => {
                let program = self.running.remove(call)?;
                Some(program.over(model, Some(error.to_string())))
            }
            _ => None,
        }
    }
}

impl Program {
    /// Takes what it wrote; returns the caption.
    fn writes(&mut self, bytes: &[u8]) -> String {
        for byte in bytes {
            if matches!(byte, b'\n' | b'\r') {
                self.over = true;
                continue;
            }
            if std::mem::take(&mut self.over) {
                self.line.clear();
            }
            if self.line.len() < LINE {
                self.line.push(*byte);
            }
        }
        format!("$ {}  {}", self.command, String::from_utf8_lossy(&self.line))
    }

    /// How it ended, in words.
    fn ended(&self) -> String {
        match self.end {
            Some(end) => format!("$ {}: {end}", self.command),
            None => format!("$ {}: ended", self.command),
        }
    }

    fn over(self, model: &mut Model, failed: Option<String>) -> String {
        let wrong = self.end.filter(|end| end.status() != 0).map(|end| end.to_string());
        let caption = match &failed {
            Some(why) => format!("$ {}: {why}", self.command),
            None => self.ended(),
        };
        let took = model.now_ms.saturating_sub(self.started_ms);
        let outcome = failed.or(wrong).map_or(Outcome::Done(took), Outcome::Failed);
        model.command_log.end(self.number, outcome);
        caption
    }
}
