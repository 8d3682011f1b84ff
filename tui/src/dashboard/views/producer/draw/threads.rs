// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws the threads of one side: a row for each, or a letter for each with a
//! tally above, whatever fits.

use ratatui::layout::Rect;

use crate::dashboard::core::Hit;
use crate::dashboard::paint::{Canvas, Role, row, short};
use crate::dashboard::views::producer::cursor::pane_number;
use crate::dashboard::views::producer::layout::{ThreadShape, digits};
use crate::dashboard::views::producer::picture::Picture;
use crate::dashboard::views::producer::ring::{Doing, Kind, Tally, Thread};
use crate::dashboard::views::producer::state::Pane;

/// The role of a thread that does this.
fn role(doing: Doing) -> Role {
    match doing {
        Doing::Running => Role::Good,
        Doing::WaitsEmpty | Doing::WaitsFull => Role::Warning,
        Doing::Delay | Doing::Parked => Role::Dim,
        Doing::Unknown(_) => Role::Bad,
    }
}

/// Draws them; the cursor stands on the thread with this position.
pub(crate) fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    picture: &Picture<'_>,
    kind: Kind,
    (pane, cursor): (Pane, Option<usize>),
) {
    let threads: Vec<&Thread> = picture.of(kind).collect();
    if threads.is_empty() {
        let noun = kind.thread_name().to_lowercase();
        canvas.wrapped(area, &format!("There is no {noun}."), Role::Dim);
        return;
    }
    let space = (usize::from(area.width), usize::from(area.height));
    match ThreadShape::new(threads.len(), space) {
        ThreadShape::Rows => {
            for (index, thread) in threads.iter().enumerate() {
                let line = row(area, index as u16);
                thread_row(canvas, line, thread, digits(threads.len()));
                mark(canvas, line, (pane, index), cursor);
            }
        }
        ThreadShape::Letters { per_row, step } => {
            let counts = Tally::of(&picture.threads, kind);
            tally(canvas, area, &counts);
            legend(canvas, area, &counts);
            let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
            letters(canvas, below, &threads, (per_row, step), (pane, cursor));
        }
    }
}

fn thread_row(canvas: &mut Canvas<'_>, line: Rect, thread: &Thread, width: usize) {
    let number = format!("{:>width$} ", thread.index);
    let mut spans = vec![(number.as_str(), Role::Dim)];
    let role = role(thread.doing);
    let running = thread.doing == Doing::Running;
    let words = match thread.doing {
        Doing::WaitsEmpty => "waits empty",
        Doing::WaitsFull => "waits full",
        other => other.word(),
    };
    let mark = if running { canvas.look.glyphs.pointer } else { "" };
    if running {
        spans.extend([(mark, role), (" ", role)]);
    }
    spans.push((words, role));
    let x = canvas.spans(line, &spans);
    let items = short(thread.items as f64);
    if usize::from(line.right().saturating_sub(x)) > items.len() {
        canvas.right(line, &items, Role::Text);
    }
}

/// How many do what, in letters: `R3 e90 z7`.
fn tally(canvas: &mut Canvas<'_>, area: Rect, tally: &Tally) {
    let mut x = area.x;
    for doing in Doing::ALL {
        let count = tally.doing(doing);
        if count == 0 {
            continue;
        }
        let long = format!("{count} {}", doing.word());
        let text = if area.width >= 60 {
            format!("{}: {long}  ", doing.letter())
        } else {
            format!("{}:{} ", doing.letter(), short(count as f64))
        };
        x = canvas.text(x, area.y, area.right().saturating_sub(x), &text, role(doing));
    }
}

/// What the letters mean, on the lower edge of the pane.
fn legend(canvas: &mut Canvas<'_>, area: Rect, tally: &Tally) {
    let present = Doing::ALL.into_iter().filter(|doing| tally.doing(*doing) > 0);
    let words = present.map(|doing| {
        let word = match doing {
            Doing::Running => "run",
            Doing::WaitsEmpty | Doing::WaitsFull => "wait",
            Doing::Delay => "sleep",
            other => other.word(),
        };
        format!("{} {word}", doing.letter())
    });
    let text = words.collect::<Vec<_>>().join(" ");
    canvas.text(area.x, area.bottom(), area.width, &text, Role::Dim);
}

fn letters(
    canvas: &mut Canvas<'_>,
    area: Rect,
    threads: &[&Thread],
    (per_row, step): (usize, usize),
    (pane, cursor): (Pane, Option<usize>),
) {
    let rows = threads.len().div_ceil(per_row);
    let shown = usize::from(area.height).max(1);
    let cursor_row = cursor.unwrap_or(0) / per_row;
    let top = scrolled(cursor_row, rows, shown);
    let label = digits(threads.len());
    for (index, chunk) in threads.chunks(per_row).enumerate().skip(top).take(shown) {
        let line = row(area, (index - top) as u16);
        let first = chunk.first().map_or(0, |thread| thread.index);
        let x = canvas.text(line.x, line.y, line.width, &format!("{first:>label$} "), Role::Dim);
        for (column, thread) in chunk.iter().enumerate() {
            let cell = Rect::new(x + (column * step) as u16, line.y, 1, 1).intersection(area);
            let mut letter = [0; 4];
            let text = thread.doing.letter().encode_utf8(&mut letter);
            canvas.text(cell.x, cell.y, cell.width, text, role(thread.doing));
            mark(canvas, cell, (pane, index * per_row + column), cursor);
        }
    }
}

/// The first row to show so that the one under the cursor is in the middle.
fn scrolled(cursor: usize, rows: usize, shown: usize) -> usize {
    let middle = cursor.saturating_sub(shown / 2);
    middle.min(rows.saturating_sub(shown))
}

fn mark(canvas: &mut Canvas<'_>, area: Rect, (pane, index): (Pane, usize), cursor: Option<usize>) {
    let pane = pane_number(pane);
    canvas.hit(area, Hit::Row { pane, index });
    if cursor == Some(index) {
        canvas.shade(area, Role::Selected);
    }
}
