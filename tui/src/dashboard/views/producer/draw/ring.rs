// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws the ring: a loop of cells while it is small, then a grid of one slot
//! per cell, then a grid of many slots per cell.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::dashboard::core::Hit;
use crate::dashboard::paint::{Canvas, Role, row};
use crate::dashboard::views::producer::cursor::pane_number;
use crate::dashboard::views::producer::layout::RingShape;
use crate::dashboard::views::producer::picture::Picture;
use crate::dashboard::views::producer::ring::{Filled, Kind};
use crate::dashboard::views::producer::state::Pane;

/// Producers that a single character can name: `1`…`9`, `a`…`z`.
const NAMED: usize = 35;

/// Draws it; the cursor stands on this slot.
pub(crate) fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    picture: &Picture<'_>,
    cursor: Option<usize>,
) {
    let space = (usize::from(area.width), usize::from(area.height));
    let producers = picture.now.count(Kind::Producer);
    match RingShape::new(picture.now.capacity, producers, space) {
        RingShape::Nothing if picture.now.capacity == 0 => {
            let text = "size=0: there is no slot, so nothing is ever produced.";
            canvas.wrapped(area, text, Role::Dim);
        }
        RingShape::Nothing => {}
        RingShape::Loop { places, cell, rows } => {
            let size = (cell as u16, rows as u16);
            for (slot, (x, y)) in places.iter().enumerate() {
                let place = Rect::new(area.x + *x as u16, area.y + *y as u16, size.0, size.1);
                if rows == 1 {
                    loop_cell(canvas, place, picture, slot, cursor);
                } else {
                    loop_box(canvas, place, picture, slot, cursor);
                }
            }
            inside_loop(canvas, area, &places, picture, size);
        }
        RingShape::Grid { label, per_row, cell, slots } => {
            let grid = Grid { label, per_row, cell, slots, producers };
            grid.draw(canvas, area, picture, cursor);
        }
    }
}

/// The role that tells a producer's items from others'.
fn role(filled: Filled) -> Role {
    Role::Series(filled.producer.saturating_sub(1) as usize)
}

/// `[P3]`; where the next item is put the left bracket is a pointer, where the
/// next is taken the right one is.
fn loop_cell(
    canvas: &mut Canvas<'_>,
    place: Rect,
    picture: &Picture<'_>,
    slot: usize,
    cursor: Option<usize>,
) {
    let width = usize::from(place.width).saturating_sub(2);
    let filled = picture.slots.get(slot);
    let (text, text_role) = match filled {
        Some(filled) => (format!("P{}", filled.producer), role(filled)),
        None => (String::new(), Role::Dim),
    };
    let text = format!("{text:^width$}");
    let put = picture.now.put() == Some(slot);
    let take = picture.now.take() == Some(slot);
    let glyphs = canvas.look.glyphs;
    let left = if put { (glyphs.pointer, Role::Key) } else { ("[", Role::Border) };
    let right = if take { (glyphs.arrows[1], Role::Key) } else { ("]", Role::Border) };
    canvas.spans(place, &[left, (&text, text_role), right]);
    finish(canvas, place, slot, cursor == Some(slot));
}

/// A box that names producer and item, and says `put` or `take` on its upper edge.
fn loop_box(
    canvas: &mut Canvas<'_>,
    place: Rect,
    picture: &Picture<'_>,
    slot: usize,
    cursor: Option<usize>,
) {
    let put = picture.now.put() == Some(slot);
    let take = picture.now.take() == Some(slot);
    let glyphs = canvas.look.glyphs;
    let inside = canvas.panel(place, "", false);
    if put {
        canvas.spans(place, &[(glyphs.pointer, Role::Key), ("put", Role::Key)]);
    }
    if take {
        let text = format!("take{}", glyphs.arrows[1]);
        canvas.right(place, &text, Role::Key);
    }
    match picture.slots.get(slot) {
        Some(filled) => {
            let width = usize::from(inside.width);
            let producer = format!("{:^width$}", format!("P{}", filled.producer));
            let item = format!("{:^width$}", format!("#{}", filled.item));
            canvas.spans(row(inside, 0), &[(&producer, role(filled))]);
            canvas.spans(row(inside, 1), &[(&item, Role::Dim)]);
        }
        None => {
            canvas.spans(row(inside, 0), &[("  empty", Role::Dim)]);
        }
    }
    finish(canvas, place, slot, cursor == Some(slot));
}

/// What the pointers mean, and how full the ring is, in the middle of the loop.
fn inside_loop(
    canvas: &mut Canvas<'_>,
    area: Rect,
    places: &[(usize, usize)],
    picture: &Picture<'_>,
    (cell, tall): (u16, u16),
) {
    let column = |place: &(usize, usize)| place.0 as u16;
    let rows = places.iter().map(|place| place.1 as u16);
    let (Some(left), Some(right)) =
        (places.iter().map(column).min(), places.iter().map(column).max())
    else {
        return;
    };
    let (Some(top), Some(bottom)) = (rows.clone().min(), rows.max()) else {
        return;
    };
    let glyphs = canvas.look.glyphs;
    let mut lines = vec![
        format!("{} of {} hold", picture.now.occupancy, picture.now.capacity),
        "an item".to_owned(),
    ];
    if tall == 1 {
        lines.push(format!("{}] next put", glyphs.pointer));
        lines.push(format!("[{} next taken", glyphs.arrows[1]));
    }
    let hole = Rect {
        x: area.x + left + cell + 1,
        y: area.y + top + tall,
        width: right.saturating_sub(left + cell + 2),
        height: bottom.saturating_sub(top + tall),
    };
    let widest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0) as u16;
    let fits = hole.width >= widest && hole.height >= lines.len() as u16;
    let (start, shown) = if fits {
        (hole.y + (hole.height - lines.len() as u16) / 2, &lines[..])
    } else {
        // Below the loop, if there is space.
        let below = area.y + bottom + tall + 1;
        let line = lines.split_off(2).join("  ");
        if below < area.bottom() {
            let x = area.x + area.width.saturating_sub(line.chars().count() as u16) / 2;
            canvas.text(x, below, area.right() - x, &line, Role::Dim);
        }
        return;
    };
    for (index, line) in shown.iter().enumerate() {
        let x = hole.x + (hole.width - line.chars().count() as u16) / 2;
        canvas.text(x, start + index as u16, hole.width, line, Role::Dim);
    }
}

struct Grid {
    label: usize,
    per_row: usize,
    cell: usize,
    slots: usize,
    producers: usize,
}

impl Grid {
    fn draw(
        &self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        picture: &Picture<'_>,
        cursor: Option<usize>,
    ) {
        let cells = picture.now.capacity.div_ceil(self.slots);
        let rows = cells.div_ceil(self.per_row);
        let width = self.label - 1;
        for index in 0..rows.min(usize::from(area.height)) {
            let line = row(area, index as u16);
            let first = index * self.per_row;
            let label = format!("{:>width$} ", first * self.slots);
            let left = canvas.text(line.x, line.y, line.width, &label, Role::Dim);
            for cell in first..(first + self.per_row).min(cells) {
                let x = left + ((cell - first) * self.cell) as u16;
                let place = Rect::new(x, line.y, self.cell.max(2) as u16 - 1, 1);
                self.one(canvas, place.intersection(area), picture, cell, cursor);
            }
        }
        let legend = row(area, rows as u16);
        if legend.width > 0 {
            let all = self.legends();
            let fits = all.iter().find(|text| text.width() <= legend.width.into());
            let text = fits.or(all.last()).map_or("", String::as_str);
            canvas.spans(legend, &[(text, Role::Dim)]);
        }
    }

    /// What the cells mean, the longest first.
    fn legends(&self) -> Vec<String> {
        let (what, short) = match self.slots {
            1 if self.producers <= NAMED || self.cell > 1 => {
                ("item of this producer".to_owned(), "item's producer".to_owned())
            }
            1 => ("last digit of the producer".to_owned(), "producer's digit".to_owned()),
            slots => {
                (format!("{slots} slots per cell, height: how full"), format!("{slots} per cell"))
            }
        };
        vec![format!("{what}; underlined: next put, next taken"), what, short]
    }

    fn one(
        &self,
        canvas: &mut Canvas<'_>,
        place: Rect,
        picture: &Picture<'_>,
        cell: usize,
        cursor: Option<usize>,
    ) {
        let first = cell * self.slots;
        let slots = first..(first + self.slots).min(picture.now.capacity);
        let (symbol, role) = if self.slots == 1 {
            self.single(picture, first)
        } else {
            self.many(canvas, picture, slots.clone())
        };
        canvas.text(place.x, place.y, place.width, &symbol, role);
        let at_end = |slot: usize| slots.contains(&slot);
        if [picture.now.put(), picture.now.take()].into_iter().flatten().any(at_end) {
            use ratatui::style::{Modifier, Style};
            let style = Style::new().add_modifier(Modifier::UNDERLINED);
            canvas.buffer.set_style(place, style);
        }
        finish(canvas, place, first, cursor.is_some_and(at_end));
    }

    fn single(&self, picture: &Picture<'_>, slot: usize) -> (String, Role) {
        let width = self.cell.max(2) - 1;
        let Some(filled) = picture.slots.get(slot) else {
            // Of a slot that was not read it is known whether it holds an item, not whose.
            let symbol = if picture.now.item(slot).is_some() { "?" } else { "." };
            return (format!("{symbol:>width$}"), Role::Dim);
        };
        let text = if self.cell > 1 {
            format!("{:>width$}", filled.producer)
        } else {
            letter(filled.producer, self.producers).to_string()
        };
        (text, role(filled))
    }

    /// How full a stretch is, as a bar.
    fn many(
        &self,
        canvas: &Canvas<'_>,
        picture: &Picture<'_>,
        slots: std::ops::Range<usize>,
    ) -> (String, Role) {
        let count = slots.len();
        let filled = picture.now.filled(slots);
        let bars = canvas.look.glyphs.bars;
        let eighths = (filled * 8).div_ceil(count.max(1));
        if filled == 0 {
            (".".into(), Role::Dim)
        } else {
            (bars[eighths.min(8)].into(), Role::Series(1))
        }
    }
}

/// One character for a producer: its number in base 36, or its last digit when
/// there are more than that.
fn letter(producer: u32, producers: usize) -> char {
    let radix = if producers <= NAMED { 36 } else { 10 };
    char::from_digit(producer % radix, radix).unwrap_or('?')
}

fn finish(canvas: &mut Canvas<'_>, place: Rect, slot: usize, selected: bool) {
    let pane = pane_number(Pane::Ring);
    canvas.hit(place, Hit::Row { pane, index: slot });
    if selected {
        canvas.shade(place, Role::Selected);
    }
}
