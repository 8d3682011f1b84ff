// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
//! How an ioctl number is put together (`include/uapi/asm-generic/ioctl.h`):
//! direction in bits 30-31, argument size in 16-29, type in 8-15, number in 0-7.

const NONE: u32 = 0;
const WRITE: u32 = 1;
const READ: u32 = 2;

const fn number(direction: u32, kind: u8, nr: u8, size: usize) -> u32 {
    assert!(size < 1 << 14, "an ioctl argument is smaller than 16 KiB");
    direction << 30 | (size as u32) << 16 | (kind as u32) << 8 | nr as u32
}

/// `_IO(kind, nr)`: no argument.
pub const fn io(kind: u8, nr: u8) -> u32 {
    number(NONE, kind, nr, 0)
}

/// `_IOW(kind, nr, size)`: user space writes, the kernel reads `size` bytes.
pub const fn iow(kind: u8, nr: u8, size: usize) -> u32 {
    number(WRITE, kind, nr, size)
}

/// `_IOR(kind, nr, size)`: the kernel writes `size` bytes for user space to read.
pub const fn ior(kind: u8, nr: u8, size: usize) -> u32 {
    number(READ, kind, nr, size)
}

/// `_IOWR(kind, nr, size)`: both directions.
pub const fn iowr(kind: u8, nr: u8, size: usize) -> u32 {
    number(READ | WRITE, kind, nr, size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_agree_with_the_kernel_headers_macros() {
        assert_eq!(iow(b'a', b'a', 8), 0x4008_6161);
        assert_eq!(io(b'a', b'f'), 0x0000_6166);
        assert_eq!(ior(b'a', b'e', 24), 0x8018_6165);
        assert_eq!(iowr(b'a', b'e', 56), 0xc038_6165);
    }
}
