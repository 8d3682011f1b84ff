// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must be true of the guest: counters, files, the log, processes.

use super::fault::{Fault, refusal};
use super::state::{LAST_LINES, Session};
use crate::grade::judge;
use crate::grade::spec::{CounterCheck, FileCheck, LogCheck, Processes};
use crate::kernel::api::{Item, Request};

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
        self.until(wanted.within, |session| {
            let bytes = session.bytes(&wanted.path, 0, judge::FILE_MAX)?;
            Ok(judge::file(wanted, &bytes)?)
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
        self.until(wanted.within, |session| {
            let inventory = session.inventory(false)?;
            Ok(judge::processes(wanted, &inventory.processes)?)
        })
    }
}
