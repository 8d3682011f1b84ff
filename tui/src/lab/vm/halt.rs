// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether a debugger holds the guest still, and where.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// What is known of it; shared by everybody who would take a silent guest for a
/// dead one.
#[derive(Default)]
pub struct Halt {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    attached: bool,
    stopped: bool,
    place: Option<String>,
}

impl Halt {
    /// A debugger comes or goes.
    pub fn attach(&self, attached: bool) {
        self.state.lock().attached = attached;
        self.changed.notify_all();
    }

    /// The guest's processors stop or go on.
    pub fn stopped(&self, stopped: bool) {
        let mut state = self.state.lock();
        state.stopped = stopped;
        state.place = None;
        self.changed.notify_all();
    }

    /// Where it stands.
    pub fn at(&self, place: String) {
        self.state.lock().place = Some(place);
    }

    /// Is there a debugger, whether it holds the guest or lets it run?
    pub fn is_attached(&self) -> bool {
        self.state.lock().attached
    }

    /// Is it held by a debugger? Then also where, as far as that is known.
    pub fn halted(&self) -> Option<Option<String>> {
        let state = self.state.lock();
        (state.attached && state.stopped).then(|| state.place.clone())
    }

    /// Waits until it is held somewhere that is not known yet; `false`: there is
    /// no debugger any more.
    pub fn wait_for_stop(&self) -> bool {
        let mut state = self.state.lock();
        loop {
            if !state.attached {
                return false;
            }
            if state.stopped && state.place.is_none() {
                return true;
            }
            self.changed.wait_for(&mut state, Duration::from_secs(1));
        }
    }
}
