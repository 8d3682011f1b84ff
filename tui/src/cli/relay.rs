// SPDX-License-Identifier: MIT OR Apache-2.0
//! The dashboard's target: a kernel, and after the end of its lab another's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
}

impl Relay {
    pub(super) fn new(target: Arc<dyn Target>, lab: Option<LabClient>) -> Self {
        Self { now: Mutex::new(Now { target, lab }) }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a lab and turns to it.
    pub(super) fn revive(&self, arguments: &LabArgs) -> Result<(), Failure> {
        if self.now().lab.is_none() {
            return Err(Failure::new(
                "this dashboard was connected to a kernel by name; q leaves it, and `ringside` \
                 starts a lab",
            ));
        }
        let lab = client::start(&arguments.options()?, None)?;
        let next = Now { target: lab.target(), lab: Some(lab) };
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
