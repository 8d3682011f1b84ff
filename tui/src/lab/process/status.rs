// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is known of a lab: its status, its guest while one answers, and who
//! wants to hear of changes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::kernel::api::{GuestState, LabStatus};
use crate::kernel::{Request, Target, TargetError, TargetResult};
use crate::lab::vm::heartbeat::Health;

/// How long after its connections QEMU's end may be noticed on a busy machine.
const ENDS_WITHIN: Duration = Duration::from_secs(3);

/// Hears of each change; says whether it wants more. Must not block.
pub(super) type Watcher = Box<dyn FnMut(LabStatus) -> bool + Send>;

/// What the lab process's threads share.
pub(super) struct Status {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    status: LabStatus,
    running_since: Option<Instant>,
    health: Health,
    guest: Option<Arc<dyn Target>>,
    /// Has anybody asked the guest for more than to look?
    used: bool,
    watchers: Vec<(u64, Watcher)>,
    next: u64,
}

impl State {
    fn now(&self) -> LabStatus {
        let up = self.running_since.map_or(0, |since| since.elapsed().as_millis());
        LabStatus {
            up_ms: u64::try_from(up).unwrap_or(u64::MAX),
            troubles: self.health.troubles(Instant::now()),
            ..self.status.clone()
        }
    }
}

impl State {
    fn guest_for(&mut self, request: &Request) -> TargetResult<Option<Arc<dyn Target>>> {
        match (&self.guest, &self.status.guest) {
            (None, GuestState::Starting) => Ok(None),
            (None, gone) => Err(TargetError::Gone(sentence(gone))),
            (Some(guest), _) => {
                self.used |= request.changes();
                Ok(Some(Arc::clone(guest)))
            }
        }
    }
}

impl Status {
    pub(super) fn new(status: LabStatus) -> Self {
        Self {
            state: Mutex::new(State {
                status,
                running_since: None,
                health: Health::default(),
                guest: None,
                used: false,
                watchers: Vec::new(),
                next: 0,
            }),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(super) fn now(&self) -> LabStatus {
        self.state().now()
    }

    /// Changes the status and tells everybody. A guest that does not run can't
    /// be reached from then on.
    pub(super) fn update(&self, change: impl FnOnce(&mut LabStatus)) {
        let mut state = self.state();
        change(&mut state.status);
        let gone = if state.status.guest == GuestState::Running {
            None
        } else {
            state.running_since = None;
            state.health = Health::default();
            state.guest.take()
        };
        let now = state.now();
        state.watchers.retain_mut(|(_, watcher)| watcher(now.clone()));
        drop(state);
        self.changed.notify_all();
        // Outside the lock: it ends calls, and their sinks may look here.
        drop(gone);
    }

    /// The health of the guest has changed.
    pub(super) fn health(&self, health: Health) {
        self.state().health = health;
        self.update(|_| ());
    }

    /// A guest answers from now on.
    /// It has been running for `up` already where it was wound back.
    pub(super) fn running(
        &self,
        guest: Arc<dyn Target>,
        up: Duration,
        change: impl FnOnce(&mut LabStatus),
    ) {
        {
            let mut state = self.state();
            state.guest = Some(guest);
            let now = Instant::now();
            state.running_since = Some(now.checked_sub(up).unwrap_or(now));
            state.used = false;
        }
        self.update(|status| {
            status.guest = GuestState::Running;
            change(status);
        });
    }

    /// The guest, while one answers.
    pub(super) fn guest(&self) -> Option<Arc<dyn Target>> {
        self.state().guest.clone()
    }

    /// The guest for a request, which may change it; `None` while it starts.
    ///
    /// # Errors
    /// There is none and will be none: the sentence says why.
    pub(super) fn guest_for(&self, request: &Request) -> TargetResult<Option<Arc<dyn Target>>> {
        self.state().guest_for(request)
    }

    /// The same, but waits until the guest has started, or `until`.
    ///
    /// # Errors
    /// As [`Self::guest_for`], and when it has not started by then.
    pub(super) fn wait_for_guest(
        &self,
        request: &Request,
        until: Instant,
    ) -> TargetResult<Arc<dyn Target>> {
        let mut state = self.state();
        loop {
            if let Some(guest) = state.guest_for(request)? {
                return Ok(guest);
            }
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                return Err(TargetError::Silent("the guest has not started in time".into()));
            };
            self.changed.wait_for(&mut state, left);
        }
    }

    /// Has anybody asked the guest for more than to look?
    pub(super) fn used(&self) -> bool {
        self.state().used
    }

    /// Gives `watcher` the status now and at every change, until it has enough
    /// or [`Self::unwatch`] is called.
    pub(super) fn watch(&self, mut watcher: Watcher) -> u64 {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        if watcher(state.now()) {
            state.watchers.push((number, watcher));
        }
        number
    }

    /// Ends what [`Self::watch`] began.
    pub(super) fn unwatch(&self, number: u64) {
        let gone: Vec<_> = {
            let mut state = self.state();
            state.watchers.extract_if(.., |(found, _)| *found == number).collect()
        };
        drop(gone);
    }

    /// Why no guest answers.
    pub(super) fn why_gone(&self) -> String {
        sentence(&self.state().status.guest)
    }

    /// Why a conversation with the guest has ended, once that is known: the end
    /// of a connection is seen a moment before the end of QEMU. `how` is what
    /// the connection says, which counts where the guest goes on.
    pub(super) fn why_ended(&self, how: String) -> String {
        let until = Instant::now() + ENDS_WITHIN;
        let mut state = self.state();
        while state.status.guest == GuestState::Running {
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                break;
            };
            self.changed.wait_for(&mut state, left);
        }
        match &state.status.guest {
            GuestState::Running => format!("{how}; `ringside vm reboot` starts a new guest"),
            guest => sentence(guest),
        }
    }
}

/// What a guest's state means for a request.
pub(super) fn sentence(guest: &GuestState) -> String {
    match guest {
        GuestState::Starting => "the guest was ended for a new one, which is starting".into(),
        GuestState::Running => "the connection to the guest's agent ended".into(),
        GuestState::Panicked { reason } => {
            format!("the guest's kernel died: {reason}; a reboot starts a new one")
        }
        GuestState::Off => "the guest is powered off; a reboot starts a new one".into(),
        GuestState::Killed { how } => format!("QEMU ended ({how}); a reboot starts a new guest"),
        GuestState::Failed { why } => format!("the guest could not be started: {why}"),
    }
}
