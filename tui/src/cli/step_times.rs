// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the time of long work went, told when it is over.

use std::time::{Duration, Instant};

use crate::text::time::minutes;

/// Shorter work is not worth a word.
const WORTH_TELLING: Duration = Duration::from_secs(60);
/// How many steps are named, the longest first.
const NAMED_MAX: usize = 4;

/// The steps of some work, and how long each took.
#[derive(Debug, Default)]
pub(super) struct StepTimes {
    over: Vec<(String, Duration)>,
    current: Option<(String, Instant)>,
}

impl StepTimes {
    /// A step begins, and the one before is over.
    pub(super) fn step(&mut self, title: &str) {
        self.over();
        self.current = Some((title.to_owned(), Instant::now()));
    }

    /// The step is over, and no other begins.
    pub(super) fn over(&mut self) {
        if let Some((title, began)) = self.current.take() {
            self.over.push((title, began.elapsed()));
        }
    }

    /// `It took 12 min 5 s: 9 min 40 s Compile Linux 7.3.4 (lab), 50 s Unpack …`, where
    /// it took long.
    pub(super) fn summary(&self) -> Option<String> {
        let total: Duration = self.over.iter().map(|(_, took)| *took).sum();
        if total < WORTH_TELLING {
            return None;
        }
        let mut steps: Vec<_> = self.over.iter().filter(|(_, took)| took.as_secs() > 0).collect();
        steps.sort_by_key(|(_, took)| std::cmp::Reverse(*took));
        steps.truncate(NAMED_MAX);
        let span = |took: &Duration| minutes(took.as_secs());
        let named: Vec<_> =
            steps.iter().map(|(title, took)| format!("{} {title}", span(took))).collect();
        Some(format!("It took {}: {}", span(&total), named.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_work_says_where_its_time_went_and_short_work_does_not() {
        let took = |steps: &[(&str, u64)]| {
            let over = steps.iter().map(|(title, s)| ((*title).into(), Duration::from_secs(*s)));
            StepTimes { over: over.collect(), current: None }.summary()
        };
        assert_eq!(took(&[("Boot", 3), ("Build", 40)]), None);
        let said = took(&[("Look", 0), ("Unpack", 25), ("Compile", 580)]);
        assert_eq!(said.as_deref(), Some("It took 10 min 5 s: 9 min 40 s Compile, 25 s Unpack"));
    }
}
