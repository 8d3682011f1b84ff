// SPDX-License-Identifier: MIT OR Apache-2.0
//! What everything is painted with.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::theme::{Look, Role};
use crate::dashboard::data::hit::Hit;
use crate::dashboard::data::wrap;
use crate::text::escape::{after_columns, escape, to_ascii};

/// What can be clicked: later entries lie over earlier ones.
#[derive(Clone, Debug, Default)]
pub struct Hits(Vec<(Rect, Hit)>);

impl Hits {
    /// What lies at a place.
    pub fn at(&self, x: u16, y: u16) -> Option<Hit> {
        let inside = |(area, _): &&(Rect, Hit)| area.contains((x, y).into());
        self.0.iter().rev().find(inside).map(|(_, hit)| *hit)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// The screen, the look, and what can be clicked. All text that is painted is
/// escaped, and nothing is painted outside of the screen.
pub struct Canvas<'a> {
    /// The cells.
    pub buffer: &'a mut Buffer,
    /// How everything looks.
    pub look: Look,
    /// What can be clicked.
    pub hits: &'a mut Hits,
}

/// A piece of text with its role.
pub type Span<'a> = (&'a str, Role);

impl Canvas<'_> {
    pub fn style(&self, role: Role) -> Style {
        self.look.style(role)
    }

    /// Paints text from `x`, at most `width` columns; longer text ends with an
    /// ellipsis. Returns the column after it.
    pub fn text(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        let style = self.style(role);
        self.styled(x, y, width, text, style)
    }

    /// The same in a style of one's own.
    pub fn styled(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let area = self.buffer.area;
        if y < area.top() || y >= area.bottom() || x >= area.right() || width == 0 {
            return x;
        }
        let width = width.min(area.right() - x);
        let mut text = escape(text);
        if !self.look.glyphs.unicode && !text.is_ascii() {
            text = to_ascii(&text).into();
        }
        let end = if text.width() <= usize::from(width) {
            self.buffer.set_stringn(x, y, &text, usize::from(width), style).0
        } else {
            let kept = usize::from(width - 1);
            let end = self.buffer.set_stringn(x, y, &text, kept, style).0;
            let ellipsis = self.look.glyphs.ellipsis;
            self.buffer.set_stringn(end, y, ellipsis, 1, style).0
        };
        if style.add_modifier.contains(Modifier::UNDERLINED) {
            self.no_line_around(x..end, y);
        }
        end
    }

    /// Takes the line away below the blanks at both ends of a text: a line under
    /// nothing looks like a field to fill in.
    fn no_line_around(&mut self, columns: Range<u16>, y: u16) {
        let blank = |column: &u16| self.buffer[(*column, y)].symbol() == " ";
        let before = columns.clone().take_while(blank);
        let after = columns.rev().take_while(blank);
        for column in before.chain(after).collect::<Vec<_>>() {
            self.buffer[(column, y)].modifier.remove(Modifier::UNDERLINED);
        }
    }

    /// The same without its first `skipped` columns; an ellipsis says that some are
    /// missing.
    pub fn text_after(
        &mut self,
        (x, y): (u16, u16),
        width: u16,
        text: &str,
        skipped: usize,
        role: Role,
    ) -> u16 {
        if skipped == 0 || width == 0 {
            return self.text(x, y, width, text, role);
        }
        let rest = &text[after_columns(text, skipped + 1)..];
        let x = self.text(x, y, 1, self.look.glyphs.ellipsis, Role::Dim);
        self.text(x, y, width - 1, rest, role)
    }

    /// Paints a line that is typed in, with its cursor; the part around it where it is too long.
    pub fn input(&mut self, area: Rect, text: &str, cursor: Option<usize>) {
        let width = usize::from(area.width.saturating_sub(1)).max(1);
        let before = text[..cursor.unwrap_or(0)].width();
        let skipped = (before + 1).saturating_sub(width);
        let mut start = 0;
        let mut passed = 0;
        for (index, character) in text.char_indices() {
            if passed >= skipped {
                break;
            }
            passed += UnicodeWidthChar::width(character).unwrap_or(0);
            start = index + character.len_utf8();
        }
        let shown = &text[start..];
        self.text(area.x, area.y, area.width, shown, Role::Text);
        let style = self.style(Role::Text).add_modifier(Modifier::UNDERLINED);
        self.buffer.set_style(area, style);
        if let Some(cursor) = cursor {
            let x = area.x + text[start..cursor.max(start)].width() as u16;
            let cell = Rect::new(x.min(area.right() - 1), area.y, 1, 1);
            let style = self.style(Role::Text).add_modifier(Modifier::REVERSED);
            self.buffer.set_style(cell.intersection(self.buffer.area), style);
        }
    }

    /// Paints text that ends at the right edge of `area`'s first row.
    pub fn right(&mut self, area: Rect, text: &str, role: Role) {
        let width = (escape(text).width() as u16).min(area.width);
        self.text(area.right() - width, area.y, width, text, role);
    }

    /// Paints pieces one after another in `area`'s first row. Returns the column after them.
    pub fn spans(&mut self, area: Rect, spans: &[Span<'_>]) -> u16 {
        let mut x = area.x;
        for (text, role) in spans {
            x = self.text(x, area.y, area.right().saturating_sub(x), text, *role);
        }
        x
    }

    /// The same with as many of them as fit whole: what says the least stands last.
    pub fn whole_spans(&mut self, area: Rect, spans: &[Span<'_>]) -> u16 {
        let mut room = usize::from(area.width);
        let fit = spans.iter().take_while(|(text, _)| {
            let left = room.checked_sub(text.width());
            room = left.unwrap_or_default();
            left.is_some()
        });
        let count = fit.count();
        self.spans(area, &spans[..count])
    }

    /// Paints text over several rows, broken between words; returns the rows used.
    pub fn wrapped(&mut self, area: Rect, text: &str, role: Role) -> u16 {
        let lines = wrap(text, area.width);
        for row in 0..lines.len().min(usize::from(area.height)) {
            // What has no room is cut where it can be seen.
            let last = row + 1 == usize::from(area.height);
            let line = if last { &lines[row..].join(" ") } else { &lines[row] };
            self.text(area.x, area.y + row as u16, area.width, line, role);
        }
        (lines.len() as u16).min(area.height)
    }

    /// Gives all cells of an area a ground, text unchanged. A search's match stays
    /// one, also where it is selected, and what is selected in the bar stays so.
    pub fn shade(&mut self, area: Rect, role: Role) {
        let style = self.look.style(role);
        let ground = |role: Role| self.look.style(role).bg;
        let kept = [ground(Role::Match), ground(Role::Selected).filter(|_| role == Role::Bar)];
        for position in area.intersection(self.buffer.area).positions() {
            let cell = &mut self.buffer[position];
            if !kept.contains(&Some(cell.bg)) {
                cell.set_style(style);
            }
        }
    }

    /// Marks the selected row of a list: its first column gets the pointer.
    pub fn select(&mut self, row: Rect) {
        self.text(row.x, row.y, 1, self.look.glyphs.pointer, Role::Key);
        self.shade(row, Role::Selected);
    }

    /// Takes the colours of an area away, text and selection unchanged: what it
    /// shows is of the past.
    pub fn fade(&mut self, area: Rect) {
        let dim = self.look.style(Role::Dim).remove_modifier(Modifier::BOLD);
        let selected = self.look.style(Role::Selected).bg;
        let area = area.intersection(self.buffer.area);
        for position in area.positions() {
            let cell = &mut self.buffer[position];
            // Grey would not be seen on every selection.
            if selected.is_some() && Some(cell.bg) == selected {
                continue;
            }
            cell.bg = Color::Reset;
            cell.set_style(dim);
        }
    }

    /// Empties an area.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                self.buffer[(x, y)].reset();
            }
        }
    }

    /// Paints a box with a title and returns what is inside.
    pub fn panel(&mut self, area: Rect, title: &str, focused: bool) -> Rect {
        let area = area.intersection(self.buffer.area);
        if area.width < 2 || area.height < 2 {
            return Rect::new(area.x, area.y, 0, 0);
        }
        let glyphs = self.look.glyphs;
        let (corners, lines, role) = if focused {
            (glyphs.focus_corners, glyphs.focus_lines, Role::Focus)
        } else {
            (glyphs.corners, glyphs.lines, Role::Border)
        };
        let style = self.style(role);
        let (left, right) = (area.left(), area.right() - 1);
        let (top, bottom) = (area.top(), area.bottom() - 1);
        for x in left + 1..right {
            self.buffer[(x, top)].set_symbol(lines[0]).set_style(style);
            self.buffer[(x, bottom)].set_symbol(lines[0]).set_style(style);
        }
        for y in top + 1..bottom {
            self.buffer[(left, y)].set_symbol(lines[1]).set_style(style);
            self.buffer[(right, y)].set_symbol(lines[1]).set_style(style);
        }
        for (corner, (x, y)) in
            corners.iter().zip([(left, top), (right, top), (left, bottom), (right, bottom)])
        {
            self.buffer[(x, y)].set_symbol(corner).set_style(style);
        }
        if !title.is_empty() && area.width > 5 {
            let end = self.text(left + 2, top, area.width - 4, title, Role::Title);
            self.buffer[(left + 1, top)].set_symbol(" ");
            if end < right {
                self.buffer[(end, top)].set_symbol(" ");
            }
        }
        Rect::new(left + 1, top + 1, area.width - 2, area.height - 2)
    }

    /// Notes that an area can be clicked.
    pub fn hit(&mut self, area: Rect, hit: Hit) {
        self.hits.0.push((area, hit));
    }
}

/// A row of an area; rows below it are empty rectangles.
pub fn row(area: Rect, index: u16) -> Rect {
    if index < area.height {
        Rect::new(area.x, area.y + index, area.width, 1)
    } else {
        Rect::new(area.x, area.bottom(), 0, 0)
    }
}

/// Breaks text between words so that no line is wider than `width`.
pub fn wrap(text: &str, width: u16) -> Vec<String> {
    let paragraphs = text.split('\n');
    paragraphs.flat_map(|paragraph| wrap::wrap(&escape(paragraph), usize::from(width))).collect()
}
