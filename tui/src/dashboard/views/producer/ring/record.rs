// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers in the records of the module's tables.

/// A little-endian number of `size` bytes at `at`, both within the record.
pub(crate) fn number(record: &[u8], at: usize, size: usize) -> u64 {
    let bytes = record.iter().skip(at).take(size).rev();
    bytes.fold(0, |number, byte| number << 8 | u64::from(*byte))
}
