// SPDX-License-Identifier: MIT OR Apache-2.0
//! The snapshots of the last seconds: what is said of the ring is said of a
//! second and not of a moment.

use std::collections::VecDeque;

use super::ring::Snapshot;

/// What is kept, in milliseconds: long enough to find one that is a second old.
const KEPT_MS: u64 = 3000;
/// How old one has to be that stands for a second ago, at least and at most.
const SECOND_MS: std::ops::RangeInclusive<u64> = 900..=2000;

/// Snapshots with their times, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    instance: u64,
    snapshots: VecDeque<(u64, Snapshot)>,
}

/// What went on in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Second {
    /// Items put into the ring.
    pub produced: u64,
    /// Items taken out of it.
    pub consumed: u64,
    /// How often a producer waited; one that waits at the end counts.
    pub producer_waits: u64,
    /// How often a consumer waited; one that waits at the end counts.
    pub consumer_waits: u64,
    /// How full the ring was when it was looked at, in percent: the mean.
    pub fullness: u64,
}

impl Past {
    /// Takes the snapshot of a sample, of the module that has this instance.
    pub(crate) fn push(&mut self, at_ms: u64, instance: u64, snapshot: Snapshot) {
        let newest = self.snapshots.back().map_or(0, |(at, _)| *at);
        if instance != self.instance || at_ms < newest {
            self.instance = instance;
            self.snapshots.clear();
        }
        self.snapshots.push_back((at_ms, snapshot));
        while self.snapshots.front().is_some_and(|(at, _)| at + KEPT_MS < at_ms) {
            self.snapshots.pop_front();
        }
    }

    /// The second that ends at this time, if it was watched from its beginning.
    pub(crate) fn second(&self, at_ms: u64) -> Option<Second> {
        let age = |at: u64| at_ms.checked_sub(at);
        let old_enough =
            |(at, _): &&(u64, Snapshot)| age(*at).is_some_and(|age| SECOND_MS.contains(&age));
        let (start, before) = self.snapshots.iter().rev().find(old_enough)?;
        let within = || self.snapshots.iter().filter(|(at, _)| (*start..=at_ms).contains(at));
        let (end, now) = within().next_back()?;
        let share = |now: &Snapshot| {
            let share = 100 * now.occupancy as u128 / now.capacity.max(1) as u128;
            share.min(100) as u64
        };
        let shares = within().map(|(_, now)| share(now));
        let grown = |of: fn(&Snapshot) -> u64| of(now).saturating_sub(of(before));
        // Samples may come late.
        let per_second = |items: u64| items.saturating_mul(1000) / (end - start).max(1);
        Some(Second {
            produced: per_second(grown(|now| now.produced)),
            consumed: per_second(grown(|now| now.consumed)),
            producer_waits: grown(|now| now.producer_waits)
                .saturating_add(now.producers_waiting as u64),
            consumer_waits: grown(|now| now.consumer_waits)
                .saturating_add(now.consumers_waiting as u64),
            fullness: shares.clone().sum::<u64>() / shares.count().max(1) as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(produced: u64, occupancy: usize, waits: u64) -> Snapshot {
        Snapshot {
            capacity: 10,
            occupancy,
            produced,
            consumed: produced - occupancy as u64,
            producer_waits: waits,
            producers_waiting: 2,
            ..Snapshot::default()
        }
    }

    #[test]
    fn a_second_is_told_once_it_was_watched_from_its_beginning() {
        let mut past = Past::default();
        for step in 0..=20 {
            let at_ms = 5000 + step * 100;
            past.push(at_ms, 1, snapshot(100 + step * 10, 8 + step as usize % 2, step));
            let known = past.second(at_ms).is_some();
            assert_eq!(known, step >= 9, "after {step} steps");
        }
        let second = past.second(7000).unwrap();
        assert_eq!((second.produced, second.producer_waits), (100, 9 + 2));
        assert!((80..=90).contains(&second.fullness), "{second:?}");
        assert!(past.snapshots.len() <= 31, "what is old is forgotten");
    }

    #[test]
    fn a_module_loaded_again_has_no_second_behind_it() {
        let mut past = Past::default();
        for step in 0..=10 {
            past.push(step * 100, 1, snapshot(100, 5, 0));
        }
        past.push(1100, 2, snapshot(1, 1, 0));
        assert_eq!(past.second(1100), None);
    }
}
