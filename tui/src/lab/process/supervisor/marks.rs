// SPDX-License-Identifier: MIT OR Apache-2.0
//! A lab's marks: one is made of the running guest, another guest is started from
//! one, and some are kept for the next lab.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::Supervisor;
use crate::kernel::api::{GuestState, Item, ModuleCounters, Request};
use crate::kernel::call::ask_within;
use crate::kernel::{Target, TargetError, TargetResult};
use crate::lab::kept_marks;
use crate::lab::process::marks::{Kept, Marked, Reason};
use crate::lab::process::order::{Done, Order};
use crate::lab::vm::error::{VmError, VmResult};
use crate::lab::vm::mark::Mark;
use crate::lab::vm::saved::Key;

/// How long a guest that is marked may take to list its modules, or its counters.
const MODULES: Duration = Duration::from_secs(2);

/// How long it may take to let go of the host's files.
const RELEASE: Duration = Duration::from_secs(5);
/// The same for a mark that is made by itself as time passes.
const AT_ONCE: Duration = Duration::from_secs(1);

impl Supervisor {
    /// Marks the guest on a thread of its own; [`Order::Marked`] comes back.
    pub(super) fn mark(&mut self, name: Option<String>, reason: Option<Reason>, done: Done) {
        let Some(running) = &self.running else {
            return done(Err(TargetError::Gone(self.status.why_gone())));
        };
        let status = self.status.now();
        if status.guest != GuestState::Running {
            return done(Err(TargetError::Gone(self.status.why_gone())));
        }
        // A mark stops it and lets it go on, which gdb would take for its own doing.
        if running.machine.halt().is_attached() {
            let why = "gdb is on the guest; it can be marked once gdb has ended";
            return done(Err(TargetError::Invalid(why.into())));
        }
        let (machine, target) = (Arc::clone(&running.machine), Arc::clone(&running.target));
        let (stick, plugged) = (Arc::clone(&self.stick), status.stick_plugged);
        let folder = self.options.cache.clone();
        let marks = Arc::clone(&self.marks);
        let up = Duration::from_millis(status.up_ms);
        let generation = status.generation;
        let job = self.begin(vec![done]);
        let orders = self.orders.clone();
        let spawned = thread::Builder::new().name("mark".into()).spawn(move || {
            let by_itself = reason == Some(Reason::Time);
            let within = if by_itself { AT_ONCE } else { RELEASE };
            let refused = match ask_within(&*target, Request::Release, within, "it") {
                // Nobody waits for this one, but others may soon wait behind it.
                Err(_) if by_itself => Some(Ok(None)),
                Err(in_use @ TargetError::Invalid(_)) => {
                    Some(Err(VmError::Unsupported(in_use.to_string())))
                }
                _ => None,
            };
            if let Some(refused) = refused {
                return drop(orders.send(Order::Marked(job, refused)));
            }
            let counters = counters(&*target);
            let moved = marks.moved(&counters);
            let marked = match by_itself && !moved {
                true => Ok(None),
                false => {
                    let modules = loaded(&*target);
                    let about = Marked { name, reason, generation, up, modules, counters };
                    let mark = Mark::make(&machine, &stick, plugged, &folder);
                    mark.map(|mark| Some((mark, about)))
                }
            };
            drop(orders.send(Order::Marked(job, marked)));
        });
        if let Err(error) = spawned {
            self.marked(Err(VmError::io("start a thread")(error)));
        }
    }

    pub(super) fn marked(&mut self, result: VmResult<Option<(Mark, Marked)>>) {
        let result = result.map(|made| {
            if let Some((mark, about)) = made {
                self.marks.keep(mark, about);
            }
            self.tell_changes();
        });
        self.finish(&result.map_err(|error| TargetError::Unsupported(error.to_string())));
    }

    /// Ends the guest and goes on from the mark.
    pub(super) fn rewind(&mut self, kept: Kept, done: Done) {
        let before = self.overtake("the guest was wound back instead");
        let mark = Arc::clone(&kept.mark);
        self.plugged = mark.plugged;
        self.rewound = Some(kept);
        self.start_from(Some(mark), false, vec![done], before);
    }

    /// Keeps the marks for the next lab like this one, where that is wanted.
    pub(super) fn keep_marks(&self) -> TargetResult<()> {
        let Some(key) = self.kind.as_ref().filter(|_| self.options.keep_marks) else {
            return Ok(());
        };
        let all = self.marks.all();
        let marks = all.iter().map(|kept| (&*kept.mark, kept.info(), kept.is_named(), kept.up));
        kept_marks::write(&self.options.cache, key, self.taken, marks).map_err(|error| {
            tracing::error!("{error}");
            TargetError::Invalid(format!("the lab has ended, and its marks are lost: {error}"))
        })
    }

    /// Takes up the marks that were kept of such a machine, once it is known which it is.
    pub(super) fn take_up_marks(&mut self, key: &Key) {
        if self.kind.replace(key.clone()).is_some() || !self.options.keep_marks {
            return;
        }
        match kept_marks::read(&self.options.cache, key) {
            Ok((kept, stamp)) => {
                self.taken = stamp;
                self.marks.take_up(kept);
            }
            Err(error) => tracing::warn!("{error}"),
        }
    }
}

/// The counters of all modules; none where the guest does not say.
fn counters(target: &dyn Target) -> Vec<ModuleCounters> {
    let request = Request::Counters { module: None };
    let items = ask_within(target, request, MODULES, "it").unwrap_or_default();
    let samples = items.into_iter().filter_map(|item| match item {
        Item::Sample(sample) => Some(sample.modules),
        _ => None,
    });
    samples.flatten().collect()
}

/// The modules that are loaded, the newest first; none where the guest does not say.
fn loaded(target: &dyn Target) -> Vec<String> {
    let Ok(items) = ask_within(target, Request::Modules, MODULES, "it") else {
        return Vec::new();
    };
    items
        .into_iter()
        .filter_map(|item| match item {
            Item::Modules(modules) => Some(modules),
            _ => None,
        })
        .flatten()
        .map(|module| module.name)
        .collect()
}
