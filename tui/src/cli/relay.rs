// SPDX-License-Identifier: MIT OR Apache-2.0
//! The dashboard's target: a kernel, and after the end of its lab another's.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::Failure;
use super::lab_args::LabArgs;
use crate::kernel::{Call, Request, Sink, Target, TargetResult};
use crate::lab::client::{self, LabClient};

/// Passes requests on to the target there is at the moment.
pub(super) struct Relay {
    now: Mutex<Now>,
}

struct Now {
    target: Arc<dyn Target>,
    /// The lab around it; dropping it ends one that was started here.
    lab: Option<LabClient>,
    /// The lab that goes on without us.
    kept: Option<String>,
}

impl Relay {
    pub(super) fn new(target: Arc<dyn Target>, lab: Option<LabClient>) -> Self {
        Self { now: Mutex::new(Now { target, lab, kept: None }) }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock()
    }

    /// Is there a lab that was started here and ends with us?
    pub(super) fn owns_lab(&self) -> bool {
        self.now().lab.as_ref().is_some_and(LabClient::is_ours)
    }

    /// Lets the lab that was started here go on without us.
    pub(super) fn keep(&self) -> Result<(), Failure> {
        let mut now = self.now();
        let Some(lab) = now.lab.take() else {
            return Err(Failure::new("there is no lab of this dashboard's to keep"));
        };
        let id = lab.id().to_owned();
        lab.release()?;
        now.kept = Some(id);
        Ok(())
    }

    /// Ends the lab that was started here.
    pub(super) fn end(&self) {
        let lab = self.now().lab.take();
        drop(lab);
    }

    /// The lab that was let go on, if one was.
    pub(super) fn kept(&self) -> Option<String> {
        self.now().kept.clone()
    }

    /// Starts a lab and turns to it.
    pub(super) fn revive(&self, arguments: &LabArgs) -> Result<(), Failure> {
        if self.now().lab.is_none() {
            return Err(Failure::new(
                "this dashboard was connected to a kernel by name; leave it, and run `ringside` \
                 to start a lab",
            ));
        }
        let lab = client::start(&arguments.options_silently()?, None)?;
        let next = Now { target: lab.target(), lab: Some(lab), kept: None };
        let before = std::mem::replace(&mut *self.now(), next);
        // Its process is gone; what waits for it must not hold the others up.
        drop(before);
        Ok(())
    }
}

impl Target for Relay {
    fn start(&self, request: Request, sink: Sink) -> TargetResult<Call> {
        let target = Arc::clone(&self.now().target);
        target.start(request, sink)
    }
}
