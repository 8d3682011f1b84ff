// SPDX-License-Identifier: MIT OR Apache-2.0
//! A queue that is cheap to copy: copies share all but its newest few entries.
//! What a dashboard remembers of the past lies in such, so that its state at many
//! moments of a recording can be kept side by side.

use std::collections::VecDeque;
use std::ops::{Index, Range};
use std::sync::Arc;

/// Entries of a chunk.
const CHUNK: usize = 128;

/// A queue of chunks, each shared once it is full.
#[derive(Clone, Debug)]
pub(crate) struct Chunks<T> {
    full: VecDeque<Arc<[T]>>,
    /// Entries at the beginning that were taken off.
    skipped: usize,
    newest: Vec<T>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { full: VecDeque::new(), skipped: 0, newest: Vec::new() }
    }
}

impl<T> Chunks<T> {
    pub(crate) fn len(&self) -> usize {
        self.full.len() * CHUNK + self.newest.len() - self.skipped
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn push_back(&mut self, entry: T) {
        self.newest.push(entry);
        if self.newest.len() == CHUNK {
            self.full.push_back(std::mem::take(&mut self.newest).into());
        }
    }

    /// Takes the oldest entry off.
    pub(crate) fn pop_front(&mut self) {
        if self.is_empty() {
            return;
        }
        self.skipped += 1;
        if self.is_empty() {
            self.clear();
        } else if self.skipped == CHUNK && self.full.pop_front().is_some() {
            self.skipped = 0;
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        let place = index.checked_add(self.skipped)?;
        match self.full.get(place / CHUNK) {
            Some(chunk) => chunk.get(place % CHUNK),
            None => self.newest.get(place - self.full.len() * CHUNK),
        }
    }

    pub(crate) fn front(&self) -> Option<&T> {
        self.get(0)
    }

    pub(crate) fn back(&self) -> Option<&T> {
        self.get(self.len().checked_sub(1)?)
    }

    /// The newest entry, to be changed.
    pub(crate) fn back_mut(&mut self) -> Option<&mut T>
    where
        T: Clone,
    {
        if self.is_empty() {
            return None;
        }
        if self.newest.is_empty() {
            let chunk = self.full.back_mut()?;
            return Arc::make_mut(chunk).last_mut();
        }
        self.newest.last_mut()
    }

    /// Some of the entries, oldest first.
    pub(crate) fn range(&self, range: Range<usize>) -> impl Iterator<Item = &T> {
        range.filter_map(|index| self.get(index))
    }

    /// As [`slice::partition_point`].
    pub(crate) fn partition_point(&self, before: impl Fn(&T) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.get(middle).is_some_and(&before) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

impl<T> Index<usize> for Chunks<T> {
    type Output = T;

    /// # Panics
    /// There is no such entry, as with a slice.
    fn index(&self, index: usize) -> &T {
        match self.get(index) {
            Some(entry) => entry,
            None => panic!("entry {index} of {}", self.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_a_queue_holds_whatever_comes_and_goes() {
        let (mut queue, mut chunks) = (VecDeque::new(), Chunks::default());
        for step in 0..4000_usize {
            if step % 7 == 3 || (step % 1000 > 600 && step % 3 != 0) {
                queue.pop_front();
                chunks.pop_front();
            } else {
                queue.push_back(step);
                chunks.push_back(step);
            }
            if let (Some(one), Some(other)) = (queue.back_mut(), chunks.back_mut()) {
                *one += 1;
                *other += 1;
            }
            assert_eq!(queue.len(), chunks.len());
            assert_eq!(queue.front(), chunks.front());
            assert_eq!(queue.back(), chunks.back());
            if step % 97 == 0 {
                let whole: Vec<_> = chunks.range(0..chunks.len()).copied().collect();
                assert!(queue.iter().eq(&whole), "at step {step}");
                let below = |entry: &usize| *entry < step / 2;
                assert_eq!(queue.partition_point(below), chunks.partition_point(below));
            }
        }
        chunks.clear();
        assert!(chunks.is_empty() && chunks.get(0).is_none());
    }

    #[test]
    fn a_copy_keeps_what_it_has_when_the_other_goes_on() {
        let mut chunks = Chunks::default();
        (0..CHUNK).for_each(|entry| chunks.push_back(entry));
        let copy = chunks.clone();
        if let Some(last) = chunks.back_mut() {
            *last = 0;
        }
        chunks.push_back(1);
        assert_eq!((copy.len(), copy.back()), (CHUNK, Some(&(CHUNK - 1))));
        assert_eq!((chunks[CHUNK - 1], chunks[CHUNK]), (0, 1));
    }
}
