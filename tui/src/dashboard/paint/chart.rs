// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sparklines, bars and charts: braille, blocks or ASCII.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::theme::Role;
use super::units::short;
use crate::dashboard::data::log::rewound;
use crate::dashboard::data::series::Column;

/// The columns at the left of a chart that its scale takes.
const SCALE: u16 = 6;

/// A curve's columns, oldest first, and its role.
pub type Curve = (Vec<Option<Column>>, Role);

impl Canvas<'_> {
    /// One row of bars, one column each, scaled to the largest value.
    pub fn sparkline(&mut self, area: Rect, columns: &[Option<Column>], role: Role) {
        let most = columns.iter().flatten().map(|column| column.mean).fold(0.0, f64::max);
        self.bars(Rect { height: 1, ..area }, columns, most, role);
    }

    /// Bars over several rows, scaled so that `most` fills them. The newest
    /// column is the rightmost.
    pub fn bars(&mut self, area: Rect, columns: &[Option<Column>], most: f64, role: Role) {
        let area = area.intersection(self.buffer.area);
        let style = self.style(role);
        let bars = self.look.glyphs.bars;
        let skipped = columns.len().saturating_sub(usize::from(area.width));
        let shown = &columns[skipped..];
        let left = area.right() - shown.len() as u16;
        for (index, column) in shown.iter().enumerate() {
            let Some(column) = column else { continue };
            let share = if most > 0.0 { (column.mean / most).clamp(0.0, 1.0) } else { 0.0 };
            let mut eighths = (share * f64::from(area.height) * 8.0).round() as usize;
            if column.mean > 0.0 {
                eighths = eighths.max(1);
            }
            for row in 0..area.height {
                let part = eighths.saturating_sub(usize::from(row) * 8).min(8);
                let symbol = match (part, row) {
                    // A known zero is a line at the bottom and not a gap.
                    (0, 0) => bars[1],
                    (0, _) => break,
                    _ => bars[part],
                };
                let cell = (left + index as u16, area.bottom() - 1 - row);
                self.buffer[cell].set_symbol(symbol).set_style(style);
            }
        }
    }

    /// A bar that is `share` (0 to 1) full.
    pub fn gauge(&mut self, area: Rect, share: f64, role: Role) {
        let glyphs = self.look.glyphs;
        let full = (f64::from(area.width) * share.clamp(0.0, 1.0)).round() as u16;
        for x in 0..area.width {
            let (symbol, role) =
                if x < full { (glyphs.shades[0], role) } else { (glyphs.shades[2], Role::Border) };
            self.text(area.x + x, area.y, 1, symbol, role);
        }
    }

    /// Lines over time with a scale at the left: braille where there is,
    /// else bars of the first. Each entry is a curve with its role. `points`
    /// asks for the columns a curve needs: two per cell for braille.
    ///
    /// The scale is that of the newest stretch in which there was anything: what
    /// has become slow is seen as soon as it is, and what went beyond the scale
    /// before has an arrow at the upper edge.
    pub fn chart(&mut self, area: Rect, curves: &[Curve]) {
        if area.width <= SCALE + 2 || area.height < 2 {
            return;
        }
        let most = nice(newest(curves));
        let plot = Rect { x: area.x + SCALE, width: area.width - SCALE, ..area };
        let label = |canvas: &mut Self, y: u16, value: f64| {
            let row = Rect::new(area.x, y, SCALE - 1, 1);
            canvas.right(row, &short(value), Role::Dim);
        };
        label(self, area.y, most);
        if area.height > 4 {
            label(self, area.y + area.height / 2, most / 2.0);
        }
        label(self, area.bottom() - 1, 0.0);
        if self.look.glyphs.braille {
            for (columns, role) in curves {
                self.braille(plot, columns, most, *role);
            }
        } else if let Some((columns, role)) = curves.first() {
            let halves: Vec<_> = columns.iter().step_by(2).copied().collect();
            self.bars(plot, &halves, most, *role);
        }
        self.mark_beyond(plot, curves, most);
    }

    /// Draws where the guest was wound back, in a [`Canvas::chart`] in `area`: each cut is
    /// so far from the right edge, as a part of the width.
    pub fn cuts(&mut self, area: Rect, cuts: &[(f64, u64)]) {
        if area.width <= SCALE + 2 || area.height < 2 {
            return;
        }
        let width = area.width - SCALE;
        let [dash, line] = self.look.glyphs.lines;
        for (ago, by_ms) in cuts {
            let left = ((1.0 - ago) * f64::from(width)) as u16;
            let x = area.x + SCALE + left.min(width - 1);
            for y in area.y..area.bottom() {
                self.text(x, y, 1, line, Role::Warning);
            }
            let text = format!("{dash} {} {dash}", rewound(*by_ms));
            let long = text.chars().count() as u16;
            // On the side where there is room for it.
            if x + 1 + long < area.right() {
                self.text(x + 1, area.y, long, &text, Role::Warning);
            } else if x > area.x + SCALE + long {
                self.text(x - long, area.y, long, &text, Role::Warning);
            }
        }
    }

    /// Puts arrows where a curve goes beyond the scale.
    fn mark_beyond(&mut self, plot: Rect, curves: &[Curve], most: f64) {
        let [_, _, up, _] = self.look.glyphs.arrows;
        let room = usize::from(plot.width) * 2;
        for (columns, _) in curves {
            let shown = &columns[columns.len().saturating_sub(room)..];
            let left = plot.right() - shown.len().div_ceil(2) as u16;
            for (index, cell) in shown.chunks(2).enumerate() {
                if cell.iter().flatten().any(|column| column.max > most * 1.001) {
                    self.text(left + index as u16, plot.y, 1, up, Role::Dim);
                }
            }
        }
    }

    /// How many columns a curve of [`Canvas::chart`] in `area` needs.
    pub fn chart_columns(&self, area: Rect) -> usize {
        usize::from(area.width.saturating_sub(SCALE)) * 2
    }

    fn braille(&mut self, area: Rect, columns: &[Option<Column>], most: f64, role: Role) {
        // Dots of a braille cell from the bottom, in the left and the right column.
        const DOTS: [[u32; 4]; 2] = [[0x40, 0x04, 0x02, 0x01], [0x80, 0x20, 0x10, 0x08]];
        let style = self.style(role);
        let height = u32::from(area.height) * 4;
        let level = |value: f64| {
            let share = if most > 0.0 { (value / most).clamp(0.0, 1.0) } else { 0.0 };
            ((share * f64::from(height - 1)).round() as u32).min(height - 1)
        };
        let room = usize::from(area.width) * 2;
        let skipped = columns.len().saturating_sub(room);
        let mut before: Option<u32> = None;
        for (index, column) in columns[skipped..].iter().enumerate() {
            let Some(column) = column else {
                before = None;
                continue;
            };
            let mean = level(column.mean);
            let (mut low, mut high) = (level(column.min).min(mean), level(column.max).max(mean));
            // Neighbours are joined, so that steep changes stay a line.
            if let Some(before) = before {
                low = low.min(before.min(mean) + u32::from(before < mean));
                high = high.max(before.max(mean) - u32::from(before > mean));
            }
            before = Some(mean);
            let x = area.x + (index / 2) as u16;
            for dot in low..=high {
                let y = area.bottom() - 1 - (dot / 4) as u16;
                let Some(cell) = self.buffer.cell_mut((x, y)) else {
                    continue;
                };
                let old = cell.symbol().chars().next().map_or(0, u32::from);
                let bits = if (0x2800..0x2900).contains(&old) { old - 0x2800 } else { 0 };
                let bits = bits | DOTS[index % 2][(dot % 4) as usize];
                if let Some(symbol) = char::from_u32(0x2800 + bits) {
                    cell.set_char(symbol).set_style(style);
                }
            }
        }
    }
}

/// The largest value of the newest stretch in which one is not 0.
fn newest(curves: &[Curve]) -> f64 {
    /// The stretch that is looked at first, as a part of the whole.
    const PART: usize = 12;
    let most_of = |count: usize| {
        let newest = curves.iter().flat_map(|(columns, _)| columns.iter().rev().take(count));
        newest.flatten().map(|column| column.max).fold(0.0, f64::max)
    };
    let all = curves.iter().map(|(columns, _)| columns.len()).max().unwrap_or(0);
    let mut count = (all / PART).max(2);
    while count < all && most_of(count) <= 0.0 {
        count *= 2;
    }
    most_of(count)
}

/// The next round number: 1, 2 or 5 times a power of ten.
fn nice(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    steps.iter().map(|step| step * power).find(|step| *step >= value * 0.999).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::data::appearance::{ColorDepth, ThemeName};
    use crate::dashboard::paint::canvas::Hits;
    use crate::dashboard::paint::theme::Look;
    use ratatui::buffer::Buffer;

    #[test]
    fn scales_end_at_round_numbers() {
        assert_eq!(nice(0.0), 1.0);
        assert_eq!(nice(7.0), 10.0);
        assert_eq!(nice(10.0), 10.0);
        assert_eq!(nice(180.0), 200.0);
    }

    fn curve(values: impl Iterator<Item = f64>) -> Curve {
        let column = |value| Some(Column { min: value, max: value, mean: value });
        (values.map(column).collect(), Role::Text)
    }

    #[test]
    fn the_scale_follows_soon_when_something_slows_down() {
        let slowed = |columns: usize| {
            let fast = std::iter::repeat_n(200_000.0, 60 - columns);
            newest(&[curve(fast.chain(std::iter::repeat_n(3.0, columns)))])
        };
        assert_eq!(slowed(1), 200_000.0);
        assert_eq!(slowed(5), 3.0, "a twelfth of the chart");
        let area = Rect::new(0, 0, 36, 5);
        let mut buffer = Buffer::empty(area);
        let mut hits = Hits::default();
        let look = Look::new(ThemeName::Dark, ColorDepth::None, true);
        let mut canvas = Canvas { buffer: &mut buffer, look, hits: &mut hits };
        let fast = std::iter::repeat_n(200_000.0, 55);
        canvas.chart(area, &[curve(fast.chain(std::iter::repeat_n(3.0, 5)))]);
        let scale: String = (0..SCALE).map(|x| buffer[(x, 0)].symbol()).collect();
        assert_eq!(scale.trim(), "5");
    }

    #[test]
    fn what_rests_keeps_the_scale_it_had() {
        let values = |index| if index < 10 { 50.0 } else { 0.0 };
        assert_eq!(newest(&[curve((0..60).map(values))]), 50.0);
        assert_eq!(newest(&[curve((0..60).map(|_| 0.0))]), 0.0);
        assert_eq!(newest(&[]), 0.0);
    }

    #[test]
    fn what_goes_beyond_the_scale_is_marked() {
        let area = Rect::new(0, 0, 36, 5);
        let mut buffer = Buffer::empty(area);
        let mut hits = Hits::default();
        let look = Look::new(ThemeName::Dark, ColorDepth::None, true);
        let mut canvas = Canvas { buffer: &mut buffer, look, hits: &mut hits };
        let values = (0..60).map(|index| if index < 30 { 900.0 } else { 4.0 });
        canvas.chart(area, &[curve(values)]);
        let top: String = (0..area.width).map(|x| buffer[(x, 0)].symbol()).collect();
        assert!(top.trim_start().starts_with('5'), "{top}");
        assert_eq!(top.matches('↑').count(), 15, "{top}");
    }
}
