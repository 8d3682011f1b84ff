// SPDX-License-Identifier: MIT OR Apache-2.0
//! The marks of one lab, the oldest first. Numbered ones give way to newer ones;
//! those that were given a name stay until they are removed.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::kernel::api::{MarkInfo, ModuleCounters};
use crate::kernel::{TargetError, TargetResult};
use crate::lab::kept_marks;
use crate::lab::options::MarksKept;
use crate::lab::vm::mark::Mark;

/// One mark and its description.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) mark: Arc<Mark>,
    /// Of the guest that was marked.
    pub(super) generation: u32,
    /// For how long that guest had been running.
    pub(super) up: Duration,
    reason: Option<Reason>,
    modules: Vec<String>,
    counters: Vec<ModuleCounters>,
    name: Name,
}

#[derive(Clone, PartialEq, Eq)]
enum Name {
    Number(u32),
    Given(String),
}

impl Name {
    fn is(&self, name: &str) -> bool {
        match self {
            Self::Number(number) => number.to_string() == name,
            Self::Given(given) => given == name,
        }
    }
}

/// Why a mark is made that nobody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// What may be the guest's end is about to be done: `load kmod`.
    Before(String),
    /// Time has passed and counters have moved.
    Time,
    /// What an earlier lab said.
    Given(String),
}

impl Reason {
    fn text(&self) -> String {
        match self {
            Self::Before(what) => format!("before {what}"),
            Self::Time => "counters moved".into(),
            Self::Given(why) => why.clone(),
        }
    }
}

/// A load that follows an unload within this time is a reload, whose mark is made.
const RELOAD: Duration = Duration::from_secs(2);

/// What is known of a guest that is marked, beside its machine.
pub(super) struct Marked {
    pub(super) name: Option<String>,
    pub(super) reason: Option<Reason>,
    pub(super) counters: Vec<ModuleCounters>,
    pub(super) generation: u32,
    pub(super) up: Duration,
    pub(super) modules: Vec<String>,
}

/// A lab's marks.
pub(super) struct Marks {
    limits: MarksKept,
    kept: Mutex<State>,
}

#[derive(Default)]
struct State {
    marks: Vec<Kept>,
    numbered: u32,
    /// The counters when they were last looked at.
    seen: Option<Vec<ModuleCounters>>,
}

impl Marks {
    pub(super) fn new(limits: MarksKept) -> Self {
        Self { limits, kept: Mutex::default() }
    }

    /// Keeps `mark`, in place of one of the same name.
    pub(super) fn keep(&self, mark: Mark, about: Marked) {
        let mut state = self.kept.lock();
        let name = match about.name {
            Some(name) => Name::Given(name),
            None => {
                state.numbered += 1;
                Name::Number(state.numbered)
            }
        };
        state.marks.retain(|kept| kept.name != name);
        let Marked { generation, up, reason, modules, counters, .. } = about;
        let mark = Arc::new(mark);
        state.marks.push(Kept { mark, generation, up, reason, modules, counters, name });
        while state.too_many(self.limits) {
            let oldest = state.marks.iter().position(|kept| matches!(kept.name, Name::Number(_)));
            match oldest {
                Some(oldest) if oldest + 1 < state.marks.len() => drop(state.marks.remove(oldest)),
                _ => break,
            }
        }
    }

    /// Takes up marks that an earlier lab has kept.
    pub(super) fn take_up(&self, kept: Vec<kept_marks::Kept>) {
        for kept_marks::Kept { mark, info, named, up } in kept {
            let name = match (named, info.name.parse()) {
                (false, Ok(number)) => {
                    let mut state = self.kept.lock();
                    state.numbered = state.numbered.max(number);
                    Name::Number(number)
                }
                _ => Name::Given(info.name),
            };
            self.kept.lock().marks.push(Kept {
                mark: Arc::new(mark),
                generation: info.generation,
                up,
                reason: info.reason.map(Reason::Given),
                modules: info.modules,
                counters: info.counters,
                name,
            });
        }
    }

    /// All of them, the oldest first.
    pub(super) fn all(&self) -> Vec<Kept> {
        self.kept.lock().marks.clone()
    }

    /// The mark of this name; `None`: the newest.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn find(&self, name: Option<&str>) -> TargetResult<Kept> {
        let state = self.kept.lock();
        let found = match name {
            Some(name) => state.marks.iter().rfind(|kept| kept.name.is(name)),
            None => state.marks.last(),
        };
        found.cloned().ok_or_else(|| missing(name))
    }

    /// Forgets the mark of this name; `None`: all.
    ///
    /// # Errors
    /// There is none of that name.
    pub(super) fn forget(&self, name: Option<&str>) -> TargetResult<()> {
        let mut state = self.kept.lock();
        let before = state.marks.len();
        state.marks.retain(|kept| name.is_some_and(|name| !kept.name.is(name)));
        match state.marks.len() == before && name.is_some() {
            true => Err(missing(name)),
            false => Ok(()),
        }
    }

    /// Another guest runs, with other counters.
    pub(super) fn new_guest(&self) {
        self.kept.lock().seen = None;
    }

    /// Have counters moved since they were last looked at?
    pub(super) fn moved(&self, counters: &[ModuleCounters]) -> bool {
        let seen = self.kept.lock().seen.replace(counters.to_vec());
        seen.is_some_and(|seen| seen != counters)
    }

    /// Was the newest mark made a moment ago, before an unload?
    pub(super) fn has_just_unloaded(&self) -> bool {
        let before_unload =
            |reason: &Reason| matches!(reason, Reason::Before(what) if what.starts_with("unload "));
        self.kept.lock().marks.last().is_some_and(|kept| {
            kept.reason.as_ref().is_some_and(before_unload) && kept.mark.made.elapsed() < RELOAD
        })
    }

    /// The description of each.
    pub(super) fn report(&self) -> Vec<MarkInfo> {
        self.kept.lock().marks.iter().map(Kept::info).collect()
    }
}

fn missing(name: Option<&str>) -> TargetError {
    TargetError::Invalid(match name {
        Some(name) => format!("this lab has no mark {name:?}; `ringside marks` lists them"),
        None => "this lab has no mark yet; `ringside mark` makes one".into(),
    })
}

impl State {
    fn too_many(&self, limits: MarksKept) -> bool {
        let numbered = self.marks.iter().filter(|kept| matches!(kept.name, Name::Number(_)));
        numbered.count() > limits.numbered
            || self.marks.iter().map(|kept| kept.mark.bytes).sum::<u64>() > limits.bytes
    }
}

impl Kept {
    /// Was it given its name?
    pub(super) fn is_named(&self) -> bool {
        matches!(self.name, Name::Given(_))
    }

    pub(super) fn info(&self) -> MarkInfo {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        MarkInfo {
            name: match &self.name {
                Name::Number(number) => number.to_string(),
                Name::Given(name) => name.clone(),
            },
            age_ms: ms(self.mark.made.elapsed()),
            stood_ms: ms(self.mark.stood),
            bytes: self.mark.bytes,
            generation: self.generation,
            reason: self.reason.as_ref().map(Reason::text),
            modules: self.modules.clone(),
            counters: self.counters.clone(),
            stick_plugged: self.mark.plugged,
        }
    }
}
