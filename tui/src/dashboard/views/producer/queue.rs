// SPDX-License-Identifier: MIT OR Apache-2.0
//! The controls of the module, and the order in which they are written.
//!
//! The target serves requests side by side, so what must not be overtaken has
//! to wait here: a step that the kernel gets after the threads were let go on
//! would be refused.

use std::collections::VecDeque;

/// So many samples after a write, what the kernel says is certainly newer than
/// the write: the first one may have been taken before it.
const SAMPLES: u64 = 2;

/// A control of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Knob {
    /// Producers' delay in microseconds.
    ProducerDelay,
    /// Consumers' delay in microseconds.
    ConsumerDelay,
    /// 1: paused.
    Paused,
    /// Items to let through while paused.
    Step,
}

impl Knob {
    /// Its file in `controls`.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::ProducerDelay => "producer_delay",
            Self::ConsumerDelay => "consumer_delay",
            Self::Paused => "paused",
            Self::Step => "step",
        }
    }

    /// The queue that it waits in: steps make sense only between a pause and
    /// its end, the delays only for themselves.
    fn queue(self) -> usize {
        match self {
            Self::ProducerDelay => 0,
            Self::ConsumerDelay => 1,
            Self::Paused | Self::Step => 2,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    pub(crate) knob: Knob,
    pub(crate) value: u64,
}

/// What is written to the controls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Controls {
    /// What is on its way, first, and what follows it.
    queues: [VecDeque<Write>; 3],
    /// What was written last, and the number of samples by then.
    written: [Option<(u64, u64)>; 4],
}

impl Controls {
    /// Puts a write into its queue; returns the one to be started now.
    pub(crate) fn ask(&mut self, knob: Knob, value: u64) -> Option<Write> {
        let queue = &mut self.queues[knob.queue()];
        // The first one is on its way: only what follows can be changed.
        let last = if queue.len() > 1 { queue.back_mut() } else { None };
        match last {
            Some(last) if last.knob == knob && knob == Knob::Step => {
                last.value = last.value.saturating_add(value);
            }
            Some(last) if last.knob == knob => last.value = value,
            _ => queue.push_back(Write { knob, value }),
        }
        (queue.len() == 1).then_some(Write { knob, value })
    }

    /// The first write of a queue is over; returns the next. What waited for
    /// one that failed is dropped.
    pub(crate) fn over(&mut self, knob: Knob, done: bool, samples: u64) -> Option<Write> {
        let queue = &mut self.queues[knob.queue()];
        let first = queue.pop_front()?;
        if !done {
            queue.clear();
            return None;
        }
        self.written[knob as usize] = Some((first.value, samples));
        queue.front().copied()
    }

    pub(crate) fn value(&self, knob: Knob, samples: u64) -> Option<u64> {
        let queue = &self.queues[knob.queue()];
        let asked = queue.iter().rev().find(|write| write.knob == knob);
        let written = self.written[knob as usize]
            .filter(|(_, at)| samples < at + SAMPLES)
            .map(|(value, _)| value);
        asked.map(|write| write.value).or(written)
    }
}
