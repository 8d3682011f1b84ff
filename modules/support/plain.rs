// SPDX-License-Identifier: GPL-2.0
//! Structures whose bytes go to user space and come from there.

/// Lets structures of the contract be read and written as bytes.
///
/// They must have no field that not every bit pattern is good for: a byte and not a `bool`. That
/// what is padding in C is a field of theirs is checked where the contract is written as C.
macro_rules! plain {
    ($($structure:ty),+ $(,)?) => { $(
        // SAFETY: It consists of whole numbers, for which any bit pattern is good.
        unsafe impl ::kernel::transmute::FromBytes for $structure {}
        // SAFETY: It has no padding, so no byte of it is uninitialised.
        unsafe impl ::kernel::transmute::AsBytes for $structure {}
    )+ };
}
pub(crate) use plain;
