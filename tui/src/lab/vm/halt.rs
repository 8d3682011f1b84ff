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
    processor: Option<usize>,
    place: Option<String>,
    /// How often a stop was heard of.
    stops: u64,
}

/// A stop whose place is not known yet.
pub struct Stop {
    /// The processor that stopped the others, if the debugger's stub named one.
    pub processor: Option<usize>,
    count: u64,
}

impl Halt {
    /// A debugger comes or goes.
    pub fn attach(&self, attached: bool) {
        let mut state = self.state.lock();
        state.attached = attached;
        state.processor = None;
        self.changed.notify_all();
    }

    /// The guest's processors stop or go on.
    pub fn stopped(&self, stopped: bool) {
        let mut state = self.state.lock();
        state.stopped = stopped;
        state.renew();
        self.changed.notify_all();
    }

    /// The stub says which processor it was. That comes before or after what QEMU
    /// says of the stop, as the threads happen to run.
    pub fn stopped_by(&self, processor: usize) {
        let mut state = self.state.lock();
        state.processor = Some(processor);
        state.renew();
        self.changed.notify_all();
    }

    /// Where it stands, unless it has been stopped again since.
    pub fn at(&self, stop: &Stop, place: String) {
        let mut state = self.state.lock();
        if state.stops == stop.count {
            state.place = Some(place);
        }
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

    /// Waits until it is held somewhere that is not known yet; `None`: there is no
    /// debugger any more.
    pub fn wait_for_stop(&self) -> Option<Stop> {
        let mut state = self.state.lock();
        loop {
            if !state.attached {
                return None;
            }
            if state.stopped && state.place.is_none() {
                return Some(Stop { processor: state.processor, count: state.stops });
            }
            self.changed.wait_for(&mut state, Duration::from_secs(1));
        }
    }
}

impl State {
    fn renew(&mut self) {
        self.place = None;
        self.stops += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_was_found_for_an_earlier_stop_is_not_shown() {
        let halt = Halt::default();
        halt.attach(true);
        halt.stopped(true);
        let first = halt.wait_for_stop().unwrap();
        assert_eq!(first.processor, None);
        halt.stopped_by(1);
        halt.at(&first, "of the first processor".into());
        assert_eq!(halt.halted(), Some(None));
        let second = halt.wait_for_stop().unwrap();
        assert_eq!(second.processor, Some(1));
        halt.at(&second, "of the second".into());
        assert_eq!(halt.halted(), Some(Some("of the second".into())));
    }
}
