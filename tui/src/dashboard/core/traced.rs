// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is known of the functions of a module under trace.

use std::collections::BTreeMap;

use super::event::Move;
use crate::kernel::api::{FunctionCalls, LastCall, TracedFunction};
use crate::kernel::signature::{Signature, Signatures, raw_arguments};
use crate::text::function;
use crate::text::time::{nanoseconds, per_second};

/// How often the kernel tells what was called.
pub(super) const INTERVAL_MS: u32 = 500;
/// A rate that is so much older than the newest is none any more.
const STALE_MS: u64 = 2 * INTERVAL_MS as u64;

/// What a trace does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// The probes are being set.
    #[default]
    Starting,
    /// It tells what is called.
    Running,
    /// The module was unloaded, and is waited for.
    Waiting,
    /// It is over, for this reason.
    Over(String),
}

/// A trace of one module.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    pub module: String,
    /// What it does.
    pub state: State,
    /// The selected row, by the name that it was found under.
    pub(super) selected: Option<String>,
    pub(super) functions: Vec<TracedFunction>,
    /// What is known of each, how often it was called in the newest look and how long
    /// that was, and when it was.
    pub(super) known: BTreeMap<u32, (FunctionCalls, u64, u64, u64)>,
    pub(super) signatures: Signatures,
    /// Why nothing is known of the functions' arguments.
    pub unknown: Option<String>,
}

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Names it whatever its place.
    pub key: String,
    /// As one reads it.
    pub name: String,
    pub of: Of,
}

/// What a row tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// It was called: calls per second, in all, timed; median and longest time.
    Called([String; 5]),
    /// It is traced, and was not called yet.
    Silent,
    /// It is not traced, for this reason.
    Untraced(String),
}

impl Trace {
    /// All rows: what was called, what can be, what is not traced.
    pub fn rows(&self, now_ms: u64) -> Vec<Row> {
        let mut rows: Vec<_> = self
            .functions
            .iter()
            .enumerate()
            .map(|(index, function)| Row {
                key: function.symbol.clone(),
                name: function::name(&function.symbol, &self.module),
                of: match (&function.unprobed, self.known.get(&(index as u32))) {
                    (Some(why), _) => Of::Untraced(why.to_string()),
                    (None, Some(known)) => Of::Called(columns(known, now_ms)),
                    (None, None) => Of::Silent,
                },
            })
            .collect();
        rows.extend(self.signatures.inlined.iter().map(|name| Row {
            key: format!("inlined {name}"),
            name: name.clone(),
            of: Of::Untraced("inlined: it is a part of its callers".into()),
        }));
        let place = |of: &Of| match of {
            Of::Called(_) => 0,
            Of::Silent => 1,
            Of::Untraced(_) => 2,
        };
        rows.sort_by_key(|row| place(&row.of));
        rows
    }

    /// The place of the selected row.
    pub fn selected(&self, rows: &[Row]) -> usize {
        let selected = self.selected.as_ref();
        rows.iter().position(|row| Some(&row.key) == selected).unwrap_or(0)
    }

    pub fn select(&mut self, rows: &[Row], index: usize) {
        self.selected = rows.get(index).map(|row| row.key.clone());
    }

    /// Moves in the list.
    pub fn navigate(&mut self, to: Move, page: usize, now_ms: u64) {
        let rows = self.rows(now_ms);
        let index = to.apply(self.selected(&rows), rows.len(), page);
        self.select(&rows, index);
    }

    /// All that is known of a row's last call, line by line.
    pub fn last(&self, row: &Row) -> Vec<String> {
        let index = self.functions.iter().position(|one| one.symbol == row.key);
        let known = index.and_then(|index| self.known.get(&(index as u32)));
        let signature = self.signatures.functions.get(&row.key);
        let Some((known, ..)) = known else {
            return match (&row.of, signature) {
                (Of::Untraced(why), _) => vec![format!("{} is not traced: {why}", row.name)],
                (_, Some(signature)) => vec![format!("{}({})", row.name, types(signature))],
                (_, None) => vec![format!("{} was not called yet", row.name)],
            };
        };
        let mut lines = Vec::new();
        match &known.last {
            None => lines.push("No call was recorded yet.".into()),
            Some(last) => self.call(row, last, signature, &mut lines),
        }
        if known.missed > 0 {
            lines.push(format!("the kernel missed the entry or the end of {}", known.missed));
        }
        lines
    }

    fn call(
        &self,
        row: &Row,
        last: &LastCall,
        signature: Option<&Signature>,
        lines: &mut Vec<String>,
    ) {
        let arguments = match signature {
            Some(signature) => signature.arguments(&last.registers),
            None => raw_arguments(&last.registers),
        };
        let returned = match last.returned {
            None => "has not returned".to_owned(),
            Some((word, took)) => {
                let result = match signature {
                    Some(signature) => signature.returned(word),
                    None => Some(format!("rax={word:#x}")),
                };
                let result = result.map(|text| format!("returned {text} ")).unwrap_or_default();
                format!("{result}after {}", nanoseconds(took))
            }
        };
        lines.push(format!("{}({arguments})", row.name));
        lines.push(format!("{returned}; called by {} (pid {})", last.comm, last.pid));
        let frames = last.stack.iter().map(|frame| function::place(frame, &self.module));
        lines.extend(frames.map(|frame| format!("  {frame}")));
    }
}

fn types(signature: &Signature) -> String {
    let all = signature.parameters.iter().map(|one| format!("{}: {}", one.name, one.of));
    all.collect::<Vec<_>>().join(", ")
}

fn columns((known, new, over, at): &(FunctionCalls, u64, u64, u64), now_ms: u64) -> [String; 5] {
    let new = if now_ms.saturating_sub(*at) > STALE_MS { 0 } else { *new };
    let time = |ns| if known.measured == 0 { "-".into() } else { nanoseconds(ns) };
    [
        per_second(new, *over),
        known.calls.to_string(),
        known.measured.to_string(),
        time(known.median_ns),
        time(known.longest_ns),
    ]
}
