// SPDX-License-Identifier: MIT OR Apache-2.0
//! The time line below a recording: where it is, what stands out, what to press.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::moments::{Kind, Moment};
use crate::dashboard::core::Hit;
use crate::dashboard::core::keymap::Keymap;
use crate::dashboard::paint::{Canvas, Hits, Look, Role};

/// Rows of the time line.
pub const HEIGHT: u16 = 2;

/// The size of the dashboard above it.
pub fn above((width, height): (u16, u16)) -> (u16, u16) {
    (width, height.saturating_sub(HEIGHT))
}

/// What is in it.
pub(super) struct Line<'a> {
    /// The time that is shown, and how long the recording is.
    pub(super) at_ms: u64,
    pub(super) length_ms: u64,
    pub(super) plays: bool,
    /// How fast, in quarters of the speed that it was recorded at.
    pub(super) speed: u64,
    /// What stands out.
    pub(super) moments: &'a [Moment],
    /// How far it was looked through, while that is not all of it.
    pub(super) known_ms: Option<u64>,
    /// What is to be read below; `None`: what to press.
    pub(super) words: Option<(String, Role)>,
    pub(super) keymap: &'a Keymap,
}

/// A time as the time line writes it: `1:02:03`, `2:03.4`.
pub fn clock(ms: u64) -> String {
    let (hours, minutes, seconds) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}.{}", ms / 100 % 10)
    }
}

/// A speed, from quarters of the one that it was recorded at.
fn times(quarters: u64) -> String {
    match quarters {
        1 => "0.25x".into(),
        2 => "0.5x".into(),
        more => format!("{}x", more / 4),
    }
}

impl Line<'_> {
    /// What stands before the line.
    fn state(&self) -> String {
        let (length, at) = (clock(self.length_ms), clock(self.at_ms));
        let (width, speed) = (length.len(), times(self.speed));
        let word = if self.plays { "playing" } else { "paused " };
        format!(" {word} {at:>width$} / {length} {speed:>5} ")
    }

    /// Where the line is: its first column and how many it has.
    fn place(&self, width: u16) -> (u16, u16) {
        let first = self.state().len() as u16;
        (first, width.saturating_sub(first + 1))
    }

    /// The time at a place of the screen; `None`: it is not in the time line.
    pub(super) fn at(&self, size: (u16, u16), x: u16, y: u16) -> Option<u64> {
        let (first, columns) = self.place(size.0);
        let inside = y == size.1.saturating_sub(HEIGHT) && x >= first && x < first + columns;
        let last = u64::from(columns.saturating_sub(1).max(1));
        inside
            .then(|| (u128::from(self.length_ms) * u128::from(x - first) / u128::from(last)) as u64)
    }
}

/// How a kind of moments looks in the line.
fn sign(kind: Kind) -> (&'static str, Role) {
    match kind {
        Kind::Command => (":", Role::Key),
        Kind::Warning => ("!", Role::Warning),
        Kind::Mark => ("^", Role::Good),
        Kind::Crash => ("#", Role::Bad),
    }
}

/// Paints it into the last rows.
pub(super) fn draw(buffer: &mut Buffer, hits: &mut Hits, line: &Line<'_>, look: Look) {
    let area = buffer.area;
    if area.height <= HEIGHT {
        return;
    }
    let mut canvas = Canvas { buffer, look, hits };
    let row = Rect { y: area.bottom() - HEIGHT, height: 1, ..area };
    let below = Rect { y: row.y + 1, ..row };
    canvas.clear(row);
    canvas.clear(below);
    canvas.shade(row, Role::Bar);
    canvas.text(row.x, row.y, row.width, &line.state(), Role::Title);
    let (first, columns) = line.place(area.width);
    let length = line.length_ms.max(1);
    let cell = |ms: u64| {
        let last = u64::from(columns.saturating_sub(1));
        (ms.min(length) as u128 * u128::from(last) / u128::from(length)) as u16
    };
    let known = line.known_ms.map_or(columns, cell);
    let dash = if look.glyphs.unicode { "─" } else { "-" };
    for column in 0..columns {
        let role = if column <= known { Role::Border } else { Role::Dim };
        let sign = if column <= known { dash } else { "." };
        canvas.text(first + column, row.y, 1, sign, role);
    }
    let mut kinds: Vec<Option<Kind>> = vec![None; usize::from(columns)];
    for moment in line.moments {
        if let Some(kind) = kinds.get_mut(usize::from(cell(moment.ms))) {
            *kind = (*kind).max(Some(moment.kind));
        }
    }
    for (column, kind) in kinds.into_iter().enumerate() {
        if let Some(kind) = kind {
            let (sign, role) = sign(kind);
            canvas.text(first + column as u16, row.y, 1, sign, role);
        }
    }
    if columns > 0 {
        canvas.select(Rect { x: first + cell(line.at_ms), width: 1, ..row });
    }
    beneath(&mut canvas, below, line);
}

/// The row below the line.
fn beneath(canvas: &mut Canvas<'_>, row: Rect, line: &Line<'_>) {
    if let Some((text, role)) = &line.words {
        canvas.text(row.x + 1, row.y, row.width.saturating_sub(2), text, *role);
        return;
    }
    let mut x = row.x + 1;
    for (names, word) in HINTS {
        let pressed: Vec<_> = names.iter().map(|name| line.keymap.press(name)).collect();
        let pressed = pressed.join(" ");
        let needed = (pressed.chars().count() + word.len() + 3) as u16;
        if x + needed > row.right() {
            return;
        }
        let from = x;
        x = canvas.text(x, row.y, needed, &pressed, Role::Key);
        x = canvas.text(x + 1, row.y, needed, word, Role::Dim);
        canvas.hit(Rect { x: from, width: x - from, ..row }, Hit::Command(names[0]));
        x += 2;
    }
}

/// What can be pressed, and what it does in a word.
const HINTS: &[(&[&str], &str)] = &[
    (&["replay-play"], "play"),
    (&["replay-slower", "replay-faster"], "speed"),
    (&["replay-item-before", "replay-item"], "item"),
    (&["replay-warning"], "! warning"),
    (&["replay-command"], ": command"),
    (&["replay-mark"], "^ mark"),
    (&["replay-crash"], "# crash"),
    (&["help"], "help"),
    (&["quit"], "quit"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_and_a_speed_are_written_briefly() {
        assert_eq!(clock(123_456), "2:03.4");
        assert_eq!(clock(3_723_000), "1:02:03");
        assert_eq!([1, 2, 4, 256].map(times), ["0.25x", "0.5x", "1x", "64x"]);
    }
}
