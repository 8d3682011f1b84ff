// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must be true of the guest: counters, files, the log, processes.

use super::fault::{Fault, refusal};
use super::process::Seen;
use super::state::{LAST_LINES, Session};
use crate::grade::spec::{CounterCheck, FileCheck, LogCheck, Processes};
use crate::kernel::api::{Item, Request};

/// A file of the kernel's is no longer.
const FILE_MAX: u32 = 64 << 10;

impl Session<'_> {
    pub(super) fn counter(&self, wanted: &CounterCheck) -> Result<(), Fault> {
        let CounterCheck { module, name, is, within } = wanted;
        self.until(*within, |session| {
            let request = Request::Counters { module: Some(module.clone()) };
            let doing = format!("read the counters of {module}");
            let items = session.ask(request, Vec::new()).map_err(refusal(&doing))?;
            let modules = items.into_iter().filter_map(|item| match item {
                Item::Sample(sample) => Some(sample.modules),
                _ => None,
            });
            let counters = modules.flatten().filter(|one| one.module == *module);
            let mut counters = counters.flat_map(|one| one.counters);
            let found = counters.find(|counter| counter.name == *name);
            let Some(found) = found else {
                return Err(Fault::new(format!("{module} has no counter {name}")));
            };
            if is.holds(&found.value) {
                return Ok(());
            }
            let value = found.value;
            Err(Fault::new(format!("the counter {name} of {module} is {value}, and not {is}")))
        })
    }

    pub(super) fn file(&self, wanted: &FileCheck) -> Result<(), Fault> {
        let path = &wanted.path;
        self.until(wanted.within, |session| {
            let request = Request::Peek { path: path.clone(), offset: 0, size: FILE_MAX };
            let items =
                session.ask(request, Vec::new()).map_err(refusal(&format!("read {path}")))?;
            let bytes = items.into_iter().find_map(|item| match item {
                Item::Bytes(bytes) => Some(bytes),
                _ => None,
            });
            let bytes = bytes.unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            if let Some(is) = wanted.is.as_ref().filter(|is| !is.holds(&text)) {
                let text = text.trim();
                return Err(Fault::new(format!("{path} holds {text:?}, and not {is}")));
            }
            match &wanted.text {
                Some(wanted) => Ok(wanted.judge(path, &text)?),
                None => Ok(()),
            }
        })
    }

    pub(super) fn said(&self, wanted: &LogCheck) -> Result<(), Fault> {
        self.until(wanted.within, |session| {
            if session.crashed {
                session.log.add(&session.lab.console().last_lines(LAST_LINES));
            } else {
                session.log.catch_up(&*session.target, session.patience());
            }
            Ok(wanted.text.judge("the kernel's log", &session.log.text())?)
        })
    }

    pub(super) fn count(&self, wanted: &Processes) -> Result<(), Fault> {
        let Processes { name, count, asleep, within } = wanted;
        self.until(*within, |session| {
            let all = session.processes()?;
            let named: Vec<_> = all.iter().filter(|one| name.matches(&one.name)).collect();
            let sleeps = |one: &&&Seen| !asleep || matches!(one.state, 'S' | 'D' | 'I');
            let found = named.iter().filter(sleeps).count();
            if count.holds(&found.to_string()) {
                return Ok(());
            }
            let which = if *asleep { " and asleep" } else { "" };
            let mut excerpt = vec![format!("expected  {count} called {name}{which}")];
            excerpt.extend(
                named.iter().take(20).map(|one| format!("seen     {} ({})", one.name, one.state)),
            );
            if named.is_empty() {
                excerpt.push("seen     none".into());
            }
            let reason =
                format!("the number of processes called {name}{which} is {found}, and not {count}");
            Err(Fault { reason, excerpt, stopped: false })
        })
    }
}
