// SPDX-License-Identifier: GPL-2.0
//! Moving any number of bytes in pieces of bounded size.

use kernel::prelude::*;

use crate::uapi::kmod::MAX_TRANSFER;

/// The most bytes that are moved between two looks for signals: 1 MiB.
pub(crate) const PIECE: usize = 1 << 20;

/// How a transfer ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ended {
    /// Bytes that were moved.
    pub(crate) moved: usize,
    /// Why there are not more, if not because the device ends there.
    pub(crate) error: Option<Error>,
}

/// Moves `size` bytes, but at most [`MAX_TRANSFER`], piece by piece.
///
/// `piece(done, length)` moves at most `length` bytes, after `done` that were moved before, and
/// says how many it was; fewer than asked for end the transfer. Between pieces a signal ends it
/// as well, as `interrupted` tells: what was moved counts.
pub(crate) fn run(
    size: u32,
    mut piece: impl FnMut(usize, usize) -> Result<usize>,
    interrupted: impl Fn() -> bool,
) -> Ended {
    let size = size.min(MAX_TRANSFER) as usize;
    let mut ended = Ended {
        moved: 0,
        error: None,
    };
    while ended.moved < size {
        if ended.moved > 0 && interrupted() {
            break;
        }
        let length = PIECE.min(size - ended.moved);
        match piece(ended.moved, length) {
            Ok(moved) => {
                ended.moved += moved;
                if moved < length {
                    break;
                }
            }
            Err(error) => {
                ended.error = Some(error);
                break;
            }
        }
    }
    ended
}

#[kunit_tests(kmod_transfer)]
mod tests {
    use super::*;

    /// Runs against a device with `room` bytes left.
    fn device(size: u32, room: usize) -> (Ended, usize) {
        let mut pieces = 0;
        let ended = run(
            size,
            |done, length| {
                pieces += 1;
                Ok(length.min(room.saturating_sub(done)))
            },
            || false,
        );
        (ended, pieces)
    }

    #[test]
    fn nothing_is_moved_for_nothing() {
        let (ended, pieces) = device(0, 100);
        assert_eq!((ended.moved, ended.error, pieces), (0, None, 0));
    }

    #[test]
    fn a_large_transfer_goes_in_pieces() {
        let size = 3 * PIECE + 5;
        let (ended, pieces) = device(size as u32, usize::MAX);
        assert_eq!((ended.moved, ended.error, pieces), (size, None, 4));
    }

    #[test]
    fn the_end_of_the_device_ends_it() {
        let (ended, pieces) = device(u32::MAX, PIECE + 1);
        assert_eq!((ended.moved, ended.error, pieces), (PIECE + 1, None, 2));
    }

    #[test]
    fn never_more_than_the_most_is_moved() {
        let (ended, _) = device(u32::MAX, usize::MAX);
        assert_eq!(ended.moved, MAX_TRANSFER as usize);
    }

    #[test]
    fn what_was_moved_before_an_error_counts() {
        let ended = run(
            2 * PIECE as u32,
            |done, length| if done == 0 { Ok(length) } else { Err(EIO) },
            || false,
        );
        assert_eq!((ended.moved, ended.error), (PIECE, Some(EIO)));
    }

    #[test]
    fn a_signal_ends_it_between_pieces_but_not_before_the_first() {
        let ended = run(2 * PIECE as u32, |_, length| Ok(length), || true);
        assert_eq!((ended.moved, ended.error), (PIECE, None));
    }
}
