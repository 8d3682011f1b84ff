// SPDX-License-Identifier: MIT OR Apache-2.0
//! A module's counters and controls as they were at one moment, with the table
//! that they stand in: see [`Moment`].

use std::fs::File;

use ringside_uapi::describe::{Module, Moment};

use super::sysfs::{Gone, folder, read_part};
use crate::kernel::api::CounterValue;

/// Bytes that the kernel reads at one time, at most: such a part is of one moment.
const PART: usize = 4096;
/// How often a table is read again because somebody else took another moment
/// meanwhile, before only its beginning is taken.
const TRIES: usize = 20;

/// The open file that has them.
pub(super) struct OpenMoment {
    /// The table's name.
    pub(super) table: &'static str,
    file: File,
    about: &'static Module,
    at: Moment,
}

impl OpenMoment {
    /// Opens it, if the module of that name has one.
    pub(super) fn open(name: &str) -> Option<Self> {
        let about = ringside_uapi::module(name)?;
        let (table, at) =
            about.tables.iter().find_map(|table| table.moment.map(|at| (table.name, at)))?;
        let file = File::open(folder(name).join("counters").join(table)).ok()?;
        Some(Self { table, file, about, at })
    }

    /// Reads the first `size` bytes of the table, or all of a shorter one, but at
    /// least the counters and controls.
    pub(super) fn read(&self, size: usize) -> Result<Option<Vec<u8>>, Gone> {
        let size = size.max(self.values_end());
        for _ in 0..TRIES {
            let Some(bytes) = read_part(&self.file, 0, size)? else {
                return Ok(None);
            };
            if bytes.len() <= PART {
                return Ok(Some(bytes));
            }
            let still = read_part(&self.file, self.at.sequence as u64, 8)?;
            if still.as_deref() == bytes.get(self.at.sequence..self.at.sequence + 8) {
                return Ok(Some(bytes));
            }
        }
        read_part(&self.file, 0, PART)
    }

    fn values_end(&self) -> usize {
        let counters = self.at.counters + 8 * self.about.counters.len();
        counters.max(self.at.controls + 8 * self.about.controls.len())
    }

    /// The counters in what was read, in alphabetical order.
    pub(super) fn counters(&self, bytes: &[u8]) -> Vec<CounterValue> {
        let names = self.about.counters.iter().map(|counter| counter.name);
        values(names, bytes, self.at.counters)
    }

    /// The controls in what was read, in alphabetical order.
    pub(super) fn controls(&self, bytes: &[u8]) -> Vec<CounterValue> {
        let names = self.about.controls.iter().map(|control| control.name);
        values(names, bytes, self.at.controls)
    }
}

fn values(
    names: impl Iterator<Item = &'static str>,
    bytes: &[u8],
    offset: usize,
) -> Vec<CounterValue> {
    let (numbers, _) = bytes.get(offset..).unwrap_or_default().as_chunks::<8>();
    let mut values: Vec<_> = names
        .zip(numbers)
        .map(|(name, number)| CounterValue::new(name, u64::from_le_bytes(*number)))
        .collect();
    values.sort_by(|a, b| a.name.cmp(&b.name));
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_by_the_order_of_the_description_and_sorted_by_name() {
        let mut bytes = vec![0; 16];
        for number in [7_u64, 8, 9] {
            bytes.extend(number.to_le_bytes());
        }
        let read = values(["b", "c", "a"].into_iter(), &bytes, 16);
        let read: Vec<_> =
            read.iter().map(|value| (value.name.as_str(), value.value.as_str())).collect();
        assert_eq!(read, [("a", "9"), ("b", "7"), ("c", "8")]);
        assert!(values(["a"].into_iter(), &bytes, 40).is_empty(), "a table that was cut short");
    }
}
