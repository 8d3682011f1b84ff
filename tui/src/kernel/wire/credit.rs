// SPDX-License-Identifier: MIT OR Apache-2.0
//! How much a sender may still send before its receiver has kept up: the
//! sender's account of it, and the receiver's.

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::{ANSWER_MAX, Header, WINDOW, WireError};

/// The credit of one direction of one call, as its sender counts it.
pub struct Credit {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    bytes: i64,
    closed: bool,
}

impl Default for Credit {
    fn default() -> Self {
        Self::new()
    }
}

impl Credit {
    /// A call's first credit: [`WINDOW`] bytes.
    pub fn new() -> Self {
        Self {
            state: Mutex::new(State { bytes: i64::from(WINDOW), closed: false }),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Waits until there is any credit, then uses up `bytes` of it; a frame may
    /// overdraw, so that the largest always gets through. `false`: the call is
    /// over, and nothing is to be sent.
    pub fn take(&self, bytes: u32) -> bool {
        let mut state = self.state();
        while state.bytes <= 0 && !state.closed {
            self.changed.wait(&mut state);
        }
        if state.closed {
            return false;
        }
        state.bytes -= i64::from(bytes);
        true
    }

    /// The receiver has consumed this many bytes.
    pub fn give(&self, bytes: u32) {
        let mut state = self.state();
        // No receiver ever owes more than it was sent; what goes beyond the
        // window comes from one that is out of step, and is not believed.
        state.bytes = (state.bytes + i64::from(bytes)).min(i64::from(WINDOW));
        self.changed.notify_all();
    }

    /// Is the call over?
    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Ends the call: whoever waits stops waiting.
    pub fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }
}

/// Credit is given back in pieces of at least this many bytes: one small frame
/// for many.
const GIVE_BACK: u32 = WINDOW / 4;

/// The same direction as its receiver counts it: what the sender may have sent at
/// most, which is never less than the sender's own count, and what it gets back.
pub struct Intake(Mutex<Account>);

struct Account {
    left: i64,
    /// Whole messages that wait to be consumed.
    waiting: usize,
    /// Cost of frames whose message goes on and for which no credit was given.
    parts: u32,
    /// Consumed, and not given back yet.
    owed: u32,
}

impl Intake {
    /// For a stream.
    pub fn stream() -> Self {
        Self::of(WINDOW)
    }

    /// For what is sent as a whole and gets no credit back.
    pub fn answer() -> Self {
        Self::of(ANSWER_MAX)
    }

    fn of(bytes: u32) -> Self {
        Self(Mutex::new(Account { left: i64::from(bytes), waiting: 0, parts: 0, owed: 0 }))
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.0.lock()
    }

    /// A frame has come.
    ///
    /// # Errors
    /// [`WireError::BeyondCredit`]: it was not to be sent.
    pub fn take(&self, header: Header) -> Result<(), WireError> {
        let mut account = self.account();
        let cost = header.cost();
        if cost > 0 && account.left <= 0 {
            return Err(WireError::BeyondCredit { call: header.call });
        }
        account.left -= i64::from(cost);
        account.parts += cost;
        Ok(())
    }

    /// The message of the frame that has just come goes on. Returns the credit to
    /// send, 0 for none: while a whole message waits before it, there is none, or
    /// any number of long ones could pile up.
    #[must_use]
    pub fn goes_on(&self) -> u32 {
        let mut account = self.account();
        account.release_parts();
        account.due()
    }

    /// The frame that has just come ended a message, which waits to be consumed.
    /// Returns what [`Self::consumed`] is to be told then.
    #[must_use]
    pub fn whole(&self) -> u32 {
        let mut account = self.account();
        account.waiting += 1;
        std::mem::take(&mut account.parts)
    }

    /// A message has been consumed. Returns the credit to send, 0 for none.
    #[must_use]
    pub fn consumed(&self, cost: u32) -> u32 {
        let mut account = self.account();
        account.waiting = account.waiting.saturating_sub(1);
        account.owed += cost;
        account.release_parts();
        account.due()
    }
}

impl Account {
    fn release_parts(&mut self) {
        if self.waiting == 0 {
            self.owed += std::mem::take(&mut self.parts);
        }
    }

    fn due(&mut self) -> u32 {
        if self.owed < GIVE_BACK {
            return 0;
        }
        self.left += i64::from(self.owed);
        std::mem::take(&mut self.owed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::wire::{Kind, PAYLOAD_MAX};
    use std::sync::Arc;

    fn header(length: usize) -> Header {
        Header { call: 7, kind: Kind::Stdout, more: false, length }
    }

    #[test]
    fn a_receiver_never_takes_an_honest_sender_for_another() {
        let (sender, receiver) = (Credit::new(), Intake::stream());
        let mut queue = std::collections::VecDeque::new();
        for round in 0..10_000_usize {
            let header = header((round * 7919) % (PAYLOAD_MAX + 1));
            while sender.state().bytes <= 0 {
                sender.give(receiver.consumed(queue.pop_front().expect("it is owed something")));
            }
            assert!(sender.take(header.cost()));
            assert_eq!(receiver.take(header), Ok(()));
            if round % 3 == 0 {
                sender.give(receiver.goes_on());
            } else {
                queue.push_back(receiver.whole());
            }
        }
    }

    #[test]
    fn a_sender_that_does_not_wait_is_found_out_however_small_its_frames() {
        for length in [0, 1, 4_000, PAYLOAD_MAX] {
            for intake in [Intake::stream(), Intake::answer()] {
                let mut cost = 0;
                let refused = std::iter::repeat_with(|| {
                    cost += header(length).cost();
                    let taken = intake.take(header(length));
                    let _: u32 = intake.whole();
                    taken
                });
                let refused = refused.take(100_000).find(Result::is_err);
                assert_eq!(refused, Some(Err(WireError::BeyondCredit { call: 7 })));
                assert!(cost <= ANSWER_MAX + 2 * PAYLOAD_MAX as u32, "{cost}");
            }
        }
        assert_eq!(Intake::stream().take(Header { kind: Kind::Done, ..header(9) }), Ok(()));
    }

    #[test]
    fn long_messages_can_not_pile_up_behind_one_that_waits() {
        let intake = Intake::stream();
        intake.take(header(10)).unwrap();
        let first = intake.whole();
        // Parts of the next one get no credit while that one waits.
        let mut parts = 0;
        while intake.take(header(PAYLOAD_MAX)).is_ok() {
            assert_eq!(intake.goes_on(), 0);
            parts += header(PAYLOAD_MAX).cost();
        }
        assert!(parts <= WINDOW + header(PAYLOAD_MAX).cost());
        // And all of it once it is consumed.
        assert_eq!(intake.consumed(first), first + parts);
        assert_eq!(intake.take(header(1)), Ok(()));
    }

    #[test]
    fn a_sender_without_credit_waits_until_it_is_given_some() {
        let credit = Arc::new(Credit::new());
        assert!(credit.take(WINDOW));
        let waiter = Arc::clone(&credit);
        let thread = std::thread::spawn(move || waiter.take(10));
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(!thread.is_finished());
        credit.give(1);
        assert!(thread.join().unwrap());
    }

    #[test]
    fn closing_frees_a_sender_that_waits() {
        let credit = Arc::new(Credit::new());
        assert!(credit.take(WINDOW + 1));
        let waiter = Arc::clone(&credit);
        let thread = std::thread::spawn(move || waiter.take(10));
        credit.close();
        assert!(!thread.join().unwrap());
    }
}
