// SPDX-License-Identifier: MIT OR Apache-2.0
//! When a guest that boots is given up: when it has said nothing for too long,
//! or has taken too long in all.
//!
//! Silence counts only as far as the guest had a processor to speak with: on a
//! busy computer a strict kernel is silent for a long time and yet at work. A
//! guest that neither speaks nor works hangs.

use std::time::{Duration, Instant};

/// Less than this part of a processor is no work: a guest that waits for
/// something that never comes.
const IDLE: f64 = 0.05;

/// How long a guest may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Without a new line on its console.
    pub(super) quiet: Duration,
    /// In all.
    pub(super) whole: Duration,
}

/// Watches one guest boot.
#[derive(Debug)]
pub(super) struct Watchdog {
    limits: Limits,
    began: Instant,
    /// Since when it has been silent, and the processor time QEMU had then.
    silent: (Instant, Duration),
}

impl Watchdog {
    /// Begins to watch now.
    pub(super) fn new(limits: Limits, now: Instant) -> Self {
        Self { limits, began: now, silent: (now, Duration::ZERO) }
    }

    /// Is the guest to be given up? `last_line` is when it last ended a line,
    /// `worked` the processor time that QEMU has had so far.
    pub(super) fn look(
        &mut self,
        now: Instant,
        last_line: Option<Instant>,
        worked: Duration,
    ) -> Option<String> {
        if let Some(line) = last_line.filter(|line| *line > self.silent.0) {
            self.silent = (line, worked);
        }
        let Limits { quiet, whole } = self.limits;
        if now.duration_since(self.began) >= whole {
            return Some(format!("the guest did not answer within {} s", whole.as_secs()));
        }
        let silence = now.duration_since(self.silent.0);
        let work = worked.saturating_sub(self.silent.1);
        let idle = work.as_secs_f64() < IDLE * silence.as_secs_f64();
        (silence >= quiet && (idle || work >= quiet * 4 / 5)).then(|| {
            format!(
                "the guest wrote no line to its console for {} s and did not answer",
                silence.as_secs()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { quiet: Duration::from_secs(15), whole: Duration::from_secs(120) };

    /// When a guest is given up that last spoke after `line` seconds and works
    /// for `share` of the time.
    fn given_up(line: u64, share: f64) -> u64 {
        let began = Instant::now();
        let second = Duration::from_secs(1);
        let mut watchdog = Watchdog::new(LIMITS, began);
        for at in 0..=200 {
            let now = began + second * at;
            let last = (u64::from(at) >= line).then(|| began + Duration::from_secs(line));
            let worked = (second * at).mul_f64(share);
            if watchdog.look(now, last, worked).is_some() {
                return u64::from(at);
            }
        }
        panic!("never");
    }

    #[test]
    fn a_guest_that_spins_or_waits_in_silence_is_given_up_after_15_seconds() {
        assert_eq!(given_up(0, 1.0), 15);
        assert_eq!(given_up(0, 0.0), 15);
        assert_eq!(given_up(10, 1.0), 25);
    }

    #[test]
    fn a_guest_that_gets_little_of_a_busy_computer_has_longer() {
        assert_eq!(given_up(0, 0.2), 60);
    }

    #[test]
    fn no_guest_has_longer_than_two_minutes() {
        assert_eq!(given_up(0, 0.06), 120);
        assert_eq!(given_up(14, 0.06), 120);
    }
}
