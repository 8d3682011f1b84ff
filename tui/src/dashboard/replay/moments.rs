// SPDX-License-Identifier: MIT OR Apache-2.0
//! What stands out in a recording, to be seen in the time line and jumped to.

use crate::dashboard::core::equivalent::equivalent;
use crate::kernel::Item;
use crate::kernel::api::{GuestState, LabRequest, Request};
use crate::tape::Entry;

/// Several of a kind within such a time are one.
const APART_MS: u64 = 250;
/// The most that are kept.
const MOST: usize = 50_000;

/// A kind of moments; what is more important is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Something was done to the kernel.
    Command,
    /// The kernel warned.
    Warning,
    /// The guest was marked or wound back, or a caption begins.
    Mark,
    /// An oops, a panic, the end of a guest that nobody asked for.
    Crash,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Command, Self::Warning, Self::Mark, Self::Crash];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Warning => "warning",
            Self::Mark => "mark",
            Self::Crash => "crash",
        }
    }
}

/// A moment that stands out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When, in milliseconds since the recording began.
    pub ms: u64,
    pub kind: Kind,
    /// What happened, in a line.
    pub text: String,
}

/// Collects them, entry by entry.
#[derive(Clone, Debug, Default)]
pub struct Moments {
    list: Vec<Moment>,
    dead: bool,
}

impl Moments {
    /// Those found so far, in the order of time.
    pub fn list(&self) -> &[Moment] {
        &self.list
    }

    /// The nearest of a kind after (`forward`) or before a time.
    pub fn next(&self, kind: Kind, ms: u64, forward: bool) -> Option<&Moment> {
        let of_kind = |moment: &&Moment| moment.kind == kind;
        if forward {
            self.list.iter().filter(of_kind).find(|moment| moment.ms > ms)
        } else {
            self.list.iter().rev().filter(of_kind).find(|moment| moment.ms < ms)
        }
    }

    /// Looks at an entry.
    pub fn take(&mut self, ms: u64, entry: &Entry<'_>) {
        match entry {
            Entry::Call { request, .. } => self.call(ms, request),
            Entry::Task { what, .. } if what.starts_with("build ") => {
                self.add(ms, Kind::Command, || format!("ringside {what}"));
            }
            Entry::Caption(text) if !text.is_empty() => {
                self.add(ms, Kind::Mark, || text.clone().into_owned());
            }
            Entry::Item { item, .. } => self.item(ms, item),
            _ => {}
        }
    }

    fn call(&mut self, ms: u64, request: &Request) {
        let line = || equivalent(request).unwrap_or_else(|| format!("{request:?}"));
        match request {
            Request::Lab(LabRequest::Mark { .. } | LabRequest::Rewind { .. }) => {
                self.add(ms, Kind::Mark, line);
            }
            Request::Lab(
                LabRequest::Reboot { .. }
                | LabRequest::PowerOff
                | LabRequest::Plug
                | LabRequest::Unplug,
            ) => self.add(ms, Kind::Command, line),
            request if request.changes() => self.add(ms, Kind::Command, line),
            _ => {}
        }
    }

    fn item(&mut self, ms: u64, item: &Item) {
        match item {
            Item::Kmsg(batch) => {
                for record in batch.records.iter().filter(|record| record.level <= 4) {
                    let kind = if crashes(&record.text) { Kind::Crash } else { Kind::Warning };
                    self.add(ms, kind, || record.text.clone());
                }
            }
            Item::Lab(status) => {
                let why = match &status.guest {
                    GuestState::Panicked { reason } => Some(reason),
                    GuestState::Killed { how } => Some(how),
                    GuestState::Failed { why } => Some(why),
                    GuestState::Starting | GuestState::Running | GuestState::Off => None,
                };
                let dead = std::mem::replace(&mut self.dead, why.is_some());
                if let (Some(why), false) = (why, dead) {
                    self.add(ms, Kind::Crash, || why.clone());
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, ms: u64, kind: Kind, text: impl FnOnce() -> String) {
        let near = |moment: &&Moment| moment.ms + APART_MS > ms;
        let same = self.list.iter().rev().take_while(near).any(|moment| moment.kind == kind);
        if !same && self.list.len() < MOST {
            self.list.push(Moment { ms, kind, text: text() });
        }
    }
}

/// Is it the first line of a kernel's report that something is broken for good?
fn crashes(text: &str) -> bool {
    ["BUG:", "Oops", "Kernel panic", "general protection fault", "kernel BUG at"]
        .iter()
        .any(|words| text.starts_with(words))
}
