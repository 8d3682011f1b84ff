// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the hex dump is fitted into the space there is, so that keys move as it
//! is drawn.

use crate::dashboard::data::hex::{bytes_per_row, offset_digits};

/// Rows of the screen that do not belong to the view: header and hints.
const CHROME: u16 = 4;
/// Rows above the dump: the device, and what was done last.
pub(crate) const HEAD: u16 = 2;
/// Rows below the dump: the byte under the cursor.
pub(crate) const DETAIL: u16 = 1;

/// How the view is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Columns of the dump's pane.
    pub dump: u16,
    /// Rows of the dump's pane.
    pub rows: u16,
    /// Columns of the pane beside it; 0: there is none.
    pub side: u16,
    /// Rows of the charts below; 0: there is no space for them, or they are beside.
    pub charts: u16,
}

impl Layout {
    /// Divides a view of `width` × `height`.
    pub(crate) fn new(width: u16, height: u16, zoom: bool) -> Self {
        let side = if width >= 130 && !zoom { 50 } else { 0 };
        let below = height.saturating_sub(HEAD + DETAIL);
        let charts = match below {
            _ if zoom || side > 0 => 0,
            30.. => 8,
            16.. => 5,
            _ => 0,
        };
        Self { dump: width - side, rows: below - charts, side, charts }
    }

    /// Divides the view on a screen of this size.
    pub(crate) fn of_screen((width, height): (u16, u16), zoom: bool) -> Self {
        Self::new(width, height.saturating_sub(CHROME), zoom)
    }

    /// Rows of bytes.
    pub(crate) fn lines(&self) -> u64 {
        u64::from(self.rows.saturating_sub(2).max(1))
    }

    /// Bytes in a row, for a device of this size.
    pub(crate) fn per_row(&self, size: u64) -> u64 {
        let inside = usize::from(self.dump.saturating_sub(2));
        bytes_per_row(inside, offset_digits(size)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bytes_a_row_at_80_and_more_where_there_is_space() {
        let small = Layout::of_screen((80, 24), false);
        assert_eq!(small.per_row(64 << 20), 16);
        assert!(small.lines() >= 9 && small.charts >= 5);
        let large = Layout::of_screen((200, 60), false);
        assert_eq!(large.per_row(64 << 20), 32);
        assert!(large.side > 0);
    }

    #[test]
    fn no_space_is_no_panic() {
        for width in 0..20 {
            for height in 0..9 {
                let layout = Layout::of_screen((width, height), false);
                assert!(layout.lines() >= 1 && layout.per_row(1) >= 4);
            }
        }
    }
}
