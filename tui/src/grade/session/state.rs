// SPDX-License-Identifier: MIT OR Apache-2.0
//! A guest in which a test runs, and asking it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::fault::{Fault, refusal};
use super::process::Actor;
use crate::grade::build::Built;
use crate::grade::guest::{Clock, Ran, ask, program};
use crate::grade::judge;
use crate::grade::log::Log;
use crate::grade::recording::Record;
use crate::grade::spec::{Spec, Test};
use crate::kernel::api::{Inventory, Item, Request};
use crate::kernel::{Target, TargetResult};
use crate::lab::options::LabOptions;
use crate::lab::private::PrivateLab;

/// How long the kernel may take to answer what is no step.
pub(super) const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
/// How often something that must become true is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Last lines of a dead kernel's console that are looked at.
pub(super) const LAST_LINES: usize = 100;
/// Everything that a test needs to run.
pub(in crate::grade) struct Job<'a> {
    pub(in crate::grade) spec: &'a Spec,
    pub(in crate::grade) test: &'a Test,
    pub(in crate::grade) built: &'a Built,
    /// Where the submission lies unpacked.
    pub(in crate::grade) sources: &'a Path,
    /// The guest, but for its folder.
    pub(in crate::grade) options: LabOptions,
    /// How it is recorded, and in which file.
    pub(in crate::grade) record: Option<(&'a Record, &'a Path)>,
    pub(in crate::grade) stop: &'a (dyn Fn() -> bool + Sync),
}

/// A guest in which a test runs.
pub(super) struct Session<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) lab: &'a PrivateLab,
    pub(super) target: Arc<dyn Target>,
    pub(super) log: Log,
    pub(super) clock: Clock<'a>,
    /// Where programs run.
    pub(super) folder: Vec<u8>,
    pub(super) processes: BTreeMap<String, Actor>,
    /// How it was before anything was done.
    pub(super) before: Option<Inventory>,
    /// Was it crashed on purpose?
    pub(super) crashed: bool,
}

impl Session<'_> {
    pub(super) fn ask(&self, request: Request, input: Vec<u8>) -> TargetResult<Vec<Item>> {
        ask(&*self.target, request, input, self.clock)
    }

    /// How long the end of a test may take.
    pub(super) fn patience(&self) -> Clock<'_> {
        self.clock.restarted(self.clock.left().clamp(Duration::from_secs(2), ANSWERS_WITHIN))
    }

    /// Runs a program of the host in the guest.
    pub(super) fn program(
        &self,
        command: &[String],
        input: Vec<u8>,
        within: Option<u32>,
    ) -> TargetResult<Ran> {
        let clock = self.clock.within(within);
        program(&self.target, command, (&self.folder, &[]), input, judge::PRINTED_MAX, clock)
    }

    /// Looks until `look` finds nothing wrong, or the time is over.
    pub(super) fn until(
        &self,
        within: u32,
        mut look: impl FnMut(&Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let clock = self.clock.within(Some(within));
        loop {
            match look(self) {
                Err(fault) if !fault.stopped && !clock.left().is_zero() => {
                    clock.pause(LOOK).map_err(refusal("wait"))?;
                }
                done => return done,
            }
        }
    }

    /// Bytes of a device or file.
    pub(super) fn bytes(&self, path: &str, offset: u64, size: u32) -> Result<Vec<u8>, Fault> {
        let request = Request::Peek { path: path.to_owned(), offset, size };
        let items = ask(&*self.target, request, Vec::new(), self.clock);
        let items = items.map_err(refusal(&format!("read {path}")))?;
        let bytes = items.into_iter().find_map(|item| match item {
            Item::Bytes(bytes) => Some(bytes),
            _ => None,
        });
        Ok(bytes.unwrap_or_default())
    }
}
