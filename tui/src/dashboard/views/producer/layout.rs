// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the picture of threads and ring is fitted into the space there is. Pure
//! arithmetic, so that keys move as the picture is drawn.

use super::edge::around;

/// Rows of the screen that do not belong to the view: header and hints.
const CHROME: u16 = 4;

/// How the view is divided, in columns and rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Columns of each pane of threads.
    pub side: u16,
    /// Columns of the ring's pane.
    pub ring: u16,
    /// Rows of these panes.
    pub panes: u16,
    /// Rows of the charts; 0: there is no space for them.
    pub charts: u16,
}

/// Rows above the panes: state and semaphores.
pub(crate) const HEAD: u16 = 2;
/// Rows between panes and charts: what is under the cursor, and what goes on.
pub(crate) const DETAIL: u16 = 2;

impl Layout {
    /// Divides a view of `width` × `height`.
    pub(crate) fn new(width: u16, height: u16) -> Self {
        let side = match width {
            150.. => width / 4,
            100.. => 26,
            70.. => 22,
            _ => width / 4,
        };
        let below_head = height.saturating_sub(HEAD + DETAIL);
        let charts = match below_head {
            40.. => below_head / 3,
            16.. => 6,
            13.. => 4,
            _ => 0,
        };
        Self { side, ring: width - 2 * side, panes: below_head - charts, charts }
    }

    /// Divides the view on a screen of this size.
    pub(crate) fn of_screen((width, height): (u16, u16)) -> Self {
        Self::new(width, height.saturating_sub(CHROME))
    }

    /// The inside of a pane of threads.
    pub(crate) fn thread_space(&self) -> (usize, usize) {
        inside(self.side, self.panes)
    }

    /// The inside of the ring's pane.
    pub(crate) fn ring_space(&self) -> (usize, usize) {
        inside(self.ring, self.panes)
    }
}

/// What a box of this size has inside.
pub(crate) fn inside(width: u16, height: u16) -> (usize, usize) {
    (usize::from(width.saturating_sub(2)), usize::from(height.saturating_sub(2)))
}

/// The space of the pane that fills the whole view of this screen.
pub(crate) fn zoomed((width, height): (u16, u16)) -> (usize, usize) {
    inside(width, height.saturating_sub(CHROME + HEAD + DETAIL))
}

/// How threads are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThreadShape {
    /// A row for each.
    Rows,
    /// A letter for each, in rows behind the first one's number.
    Letters {
        /// Letters in a row.
        per_row: usize,
        /// Columns from one to the next.
        step: usize,
    },
}

impl ThreadShape {
    /// Fits `count` threads into the space.
    pub(crate) fn new(count: usize, (width, height): (usize, usize)) -> Self {
        if count <= height {
            return Self::Rows;
        }
        let room = width.saturating_sub(digits(count) + 1);
        // One row is for the tally. As few in a row as fit, as wide apart as fits.
        let rows = height.saturating_sub(1).max(1);
        let fives = (if room < 10 { 5 } else { 10 }..=room).step_by(5);
        let fitting = fives.clone().find(|per_row| count.div_ceil(*per_row) <= rows);
        let per_row = fitting.or(fives.last()).unwrap_or(room.max(1));
        Self::Letters { per_row, step: (room / per_row).clamp(1, 3) }
    }

    /// Threads in a row.
    pub(crate) fn per_row(self) -> usize {
        match self {
            Self::Rows => 1,
            Self::Letters { per_row, .. } => per_row,
        }
    }
}

/// Rows of a cell that is a box: producer and item between two lines.
pub(crate) const BOX: usize = 4;

/// How the slots are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RingShape {
    /// There is none.
    Nothing,
    /// A loop of cells: the place of each, in columns and rows.
    Loop {
        /// Where the cells are.
        places: Vec<(usize, usize)>,
        /// Columns of a cell.
        cell: usize,
        /// Rows of a cell: 1, or [`BOX`] where there is space to say more.
        rows: usize,
    },
    /// Rows of cells behind the number of the first slot.
    Grid {
        /// Columns of the number, with the space behind it.
        label: usize,
        /// Cells in a row.
        per_row: usize,
        /// Columns of a cell, with the space behind it if more than 1.
        cell: usize,
        /// Slots that a cell stands for.
        slots: usize,
    },
}

impl RingShape {
    /// Fits a ring of `capacity` slots, whose items come from producers up to
    /// number `producers`, into the space.
    pub(crate) fn new(capacity: usize, producers: usize, (width, height): (usize, usize)) -> Self {
        if capacity == 0 || width < 4 || height == 0 {
            return Self::Nothing;
        }
        let number = digits(producers.max(1));
        // A box with the item's number in it; `[P12]` with a blank row between; without.
        let cells = [(number.max(7) + 4, BOX, BOX), (number + 3, 1, 2), (number + 3, 1, 1)];
        for (cell, rows, step) in cells {
            if let Some(places) = looped(capacity, (cell, rows, step), (width, height)) {
                return Self::Loop { places, cell, rows };
            }
        }
        let label = digits(capacity - 1) + 1;
        let room = width.saturating_sub(label).max(1);
        for cell in [number + 1, 1] {
            let per_row = round_down((room + usize::from(cell > 1)) / cell);
            if capacity.div_ceil(per_row) <= height {
                return Self::Grid { label, per_row, cell, slots: 1 };
            }
        }
        let per_row = round_down(room);
        Self::Grid { label, per_row, cell: 1, slots: round_up(capacity.div_ceil(per_row * height)) }
    }

    /// Slots that a cell stands for.
    pub(crate) fn slots_per_cell(&self) -> usize {
        match self {
            Self::Grid { slots, .. } => *slots,
            _ => 1,
        }
    }

    /// Slots that a row of a grid stands for; 1 in a loop.
    pub(crate) fn slots_per_row(&self) -> usize {
        match self {
            Self::Grid { slots, per_row, .. } => slots * per_row,
            _ => 1,
        }
    }
}

/// The places of a loop of cells of this width and height that follow each
/// other every `step` rows, centred in the space.
fn looped(
    capacity: usize,
    (cell, rows, step): (usize, usize, usize),
    (width, height): (usize, usize),
) -> Option<Vec<(usize, usize)>> {
    let columns = (width + 1) / (cell + 1);
    let lines = (height + step - rows) / step;
    let places = around(capacity, columns.min(24), lines.min(12))?;
    let far =
        |far: (usize, usize), place: &(usize, usize)| (far.0.max(place.0), far.1.max(place.1));
    let (wide, tall) = places.iter().fold((0, 0), far);
    let left = (width + 1 - (wide + 1) * (cell + 1)) / 2;
    let top = (height - (tall * step + rows)) / 2;
    let place = |(x, y): (usize, usize)| (left + x * (cell + 1), top + y * step);
    Some(places.into_iter().map(place).collect())
}

/// Decimal digits of a number.
pub(crate) fn digits(number: usize) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// A count of cells that is easy to read off: a multiple of 10, or of 5.
fn round_down(count: usize) -> usize {
    match count {
        0 => 1,
        1..5 => count,
        5..10 => 5,
        _ => count / 10 * 10,
    }
}

/// The next number that is easy to count with: up to 10 as it is, then 20, 50, 100, …
fn round_up(count: usize) -> usize {
    if count <= 10 {
        return count;
    }
    let power = 10usize.pow(count.max(1).ilog10());
    let steps = [power, 2 * power, 5 * power];
    steps.into_iter().find(|step| *step >= count).unwrap_or(10 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_space_at_80_by_24() {
        let layout = Layout::of_screen((80, 24));
        assert_eq!((layout.side, layout.ring), (22, 36));
        assert!(layout.charts >= 6 && layout.panes >= 10);
    }

    #[test]
    fn a_small_ring_is_a_loop_and_a_large_one_a_grid() {
        let space = Layout::of_screen((80, 24)).ring_space();
        for capacity in [1, 2, 5, 10, 16, 20] {
            let shape = RingShape::new(capacity, 5, space);
            let RingShape::Loop { places, cell, .. } = shape else {
                panic!("{capacity}: {shape:?}");
            };
            assert_eq!(places.len(), capacity);
            for (x, y) in places {
                assert!(x + cell <= space.0 && y < space.1, "{capacity}");
            }
        }
        assert!(matches!(RingShape::new(100, 5, space), RingShape::Grid { slots: 1, .. }));
    }

    #[test]
    fn ten_thousand_slots_fit_into_every_space() {
        for space in [(34, 9), (98, 30), (20, 3), (4, 1)] {
            let shape = RingShape::new(10_000, 100, space);
            let RingShape::Grid { label, per_row, cell, slots } = shape else {
                panic!("{shape:?}");
            };
            assert!(10_000usize.div_ceil(per_row * slots) <= space.1);
            assert!(label + per_row * cell <= space.0.max(label + 1));
        }
    }

    #[test]
    fn a_hundred_threads_become_letters() {
        let space = Layout::of_screen((80, 24)).thread_space();
        let shape = ThreadShape::new(100, space);
        let ThreadShape::Letters { per_row, step } = shape else {
            panic!("{shape:?}");
        };
        assert!(100usize.div_ceil(per_row) < space.1, "one row is the tally");
        assert!(per_row * step + 4 <= space.0);
        assert_eq!(ThreadShape::new(5, space), ThreadShape::Rows);
    }

    #[test]
    fn no_space_is_no_panic() {
        for width in 0..30 {
            for height in 0..8 {
                let layout = Layout::new(width, height);
                let _ = ThreadShape::new(100, layout.thread_space());
                let _ = RingShape::new(100, 100, layout.ring_space());
            }
        }
        assert_eq!(RingShape::new(0, 0, (30, 9)), RingShape::Nothing);
    }
}
