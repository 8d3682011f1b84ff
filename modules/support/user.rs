// SPDX-License-Identifier: GPL-2.0
//! Structures that an `ioctl` takes from the caller's memory and puts back there.
//!
//! They are copied as bytes and taken apart by hand: any bytes are good, and a
//! `bool` of C's is looked at as the byte that it is.

use kernel::{
    prelude::*,
    uaccess::{
        UserPtr,
        UserSlice, //
    }, //
};

use super::helpers;

/// Bytes that can be written eight at a time.
#[repr(C, align(8))]
struct Words<const N: usize>([u8; N]);

/// The `N` bytes at the user address `address`, a multiple of 8; `EFAULT` if they can't be read.
///
/// What [`kernel::uaccess`] has for this is made for copies of any size, and goes through four
/// functions; here it is so few words that those take longer than the words.
///
/// May sleep, and may take the mmap lock: call it with no lock held.
pub(crate) fn read<const N: usize>(address: usize) -> Result<[u8; N]> {
    const { assert!(N % size_of::<u64>() == 0) };
    let mut words = Words([0; N]);
    let to = (&raw mut words).cast();
    // SAFETY: `words` holds as many words as are asked for, at the right alignment. The address
    // may be any: it is checked there, and accessed as user memory only.
    let read =
        unsafe { helpers::ringside_get_words(to, address as *const u64, N / size_of::<u64>()) };
    if read {
        Ok(words.0)
    } else {
        Err(EFAULT)
    }
}

/// Writes `bytes` to the user address `address`; `EFAULT` if it can't be written.
///
/// May sleep, and may take the mmap lock: call it with no lock held.
pub(crate) fn write(address: usize, bytes: &[u8]) -> Result {
    UserSlice::new(UserPtr::from_addr(address), bytes.len())
        .writer()
        .write_slice(bytes)
}

/// Takes a structure apart, field by field from its start.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// From the start of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next `N` bytes; zeroes where the structure has ended.
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.rest.split_first_chunk() {
            Some((field, rest)) => {
                self.rest = rest;
                *field
            }
            None => [0; N],
        }
    }

    /// A field of 8 bytes.
    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_ne_bytes(self.take())
    }

    /// A field of 4 bytes.
    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_ne_bytes(self.take())
    }

    /// A signed field of 4 bytes.
    pub(crate) fn i32(&mut self) -> i32 {
        i32::from_ne_bytes(self.take())
    }

    /// A field of 1 byte.
    pub(crate) fn u8(&mut self) -> u8 {
        let [byte] = self.take();
        byte
    }
}

/// Puts a structure of `N` bytes together, field by field from its start.
pub(crate) struct Structure<const N: usize> {
    bytes: [u8; N],
    used: usize,
}

impl<const N: usize> Structure<N> {
    /// With nothing in it: all zeroes.
    pub(crate) fn new() -> Self {
        Self {
            bytes: [0; N],
            used: 0,
        }
    }

    /// Adds a field; what does not fit into the structure is left out.
    fn put(mut self, field: &[u8]) -> Self {
        for (to, from) in self.bytes.iter_mut().skip(self.used).zip(field) {
            *to = *from;
        }
        self.used += field.len();
        self
    }

    /// A field of 8 bytes.
    pub(crate) fn u64(self, field: u64) -> Self {
        self.put(&field.to_ne_bytes())
    }

    /// A field of 4 bytes.
    pub(crate) fn u32(self, field: u32) -> Self {
        self.put(&field.to_ne_bytes())
    }

    /// The structure.
    pub(crate) fn bytes(&self) -> &[u8; N] {
        &self.bytes
    }
}
