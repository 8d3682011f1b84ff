// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is done about the USB stick and the guest's caches of it: once a guest
//! has started, while it runs, and before it is ended.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use super::error::VmResult;
use super::machine::Machine;
use super::stick::Stick;
use crate::kernel::api::RunRequest;
use crate::kernel::call::{ask, ask_within};
use crate::kernel::{Request, Target};

/// How long the guest may take to see the stick come or go, in milliseconds.
const STICK_MS: u32 = 10_000;
/// How long its answer may be on its way.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// How long the guest may take to write out its caches before it is ended.
const SYNC: Duration = Duration::from_secs(5);

/// What a guest finds in its USB socket when it starts.
#[derive(Clone, Debug)]
pub(super) enum Plugged {
    /// What the plan says.
    Right,
    /// What a saved machine has: an empty stick of no use.
    Substitute {
        /// What the plan says.
        wanted: Option<Arc<Stick>>,
    },
}

/// The rest of a start: the stick that the plan asks for.
pub struct Hotplug {
    machine: Arc<Machine>,
    target: Arc<dyn Target>,
    plugged: Plugged,
}

impl Hotplug {
    pub(super) fn new(machine: Arc<Machine>, target: Arc<dyn Target>, plugged: Plugged) -> Self {
        Self { machine, target, plugged }
    }

    /// Is there anything left to do?
    pub fn is_done(&self) -> bool {
        matches!(self.plugged, Plugged::Right)
    }

    /// Puts the right stick in place of the one that the saved machine had.
    ///
    /// # Errors
    /// QEMU refuses, or the guest does not see it.
    pub fn run(self) -> VmResult<()> {
        let Plugged::Substitute { wanted } = self.plugged else {
            return Ok(());
        };
        unplug(&self.machine, &*self.target)?;
        match wanted {
            Some(stick) => plug(&self.machine, &*self.target, &stick),
            None => Ok(()),
        }
    }
}

/// Plugs `stick` in and waits until the guest has a node for it.
///
/// # Errors
/// QEMU refuses, or the guest does not see it.
pub fn plug(machine: &Machine, target: &dyn Target, stick: &Stick) -> VmResult<()> {
    machine.plug(stick)?;
    await_stick(target, true)
}

/// Pulls the stick out and waits until the guest has noticed.
///
/// # Errors
/// None is plugged in, or the guest does not notice.
pub fn unplug(machine: &Machine, target: &dyn Target) -> VmResult<()> {
    machine.unplug()?;
    await_stick(target, false)
}

/// Lets the guest write its caches out, to a stick or a share that outlives
/// it; gives up after 5 s.
pub fn sync(target: Arc<dyn Target>) {
    let (send, synced) = channel();
    let spawned = thread::Builder::new().name("sync".into()).spawn(move || {
        let sync = RunRequest {
            arguments: vec![b"sync".to_vec()],
            environment: vec![(b"PATH".to_vec(), b"/usr/bin:/bin".to_vec())],
            directory: b"/".to_vec(),
            terminal: None,
        };
        // Nobody waits any more when it took too long.
        drop(send.send(ask(&*target, Request::Run(sync), &[])));
    });
    let synced = spawned.ok().and_then(|_| synced.recv_timeout(SYNC).ok());
    if !matches!(synced, Some(Ok(_))) {
        tracing::warn!("the guest did not write its caches out before it was ended");
    }
}

/// Has QEMU write out what it keeps of a stick with changes on top of it, before it
/// is ended; gives up after 5 s. The guest stands still from then on.
pub fn quiesce(machine: Arc<Machine>) {
    let (send, stopped) = channel();
    let spawned = thread::Builder::new().name("quiesce".into()).spawn(move || {
        // Nobody waits any more when it took too long.
        drop(send.send(machine.stop()));
    });
    let stopped = spawned.ok().and_then(|_| stopped.recv_timeout(SYNC).ok());
    if !matches!(stopped, Some(Ok(()))) {
        tracing::warn!("QEMU did not write out what it keeps of the stick before it was ended");
    }
}

/// Waits until the guest has a node for the stick, or none any more.
pub(super) fn await_stick(target: &dyn Target, present: bool) -> VmResult<()> {
    let request = Request::AwaitStick { present, timeout_ms: STICK_MS };
    // The guest's own limit is of no use where the guest hangs.
    let within = Duration::from_millis(STICK_MS.into()) + ANSWERS_WITHIN;
    ask_within(target, request, within, "it")?;
    Ok(())
}
