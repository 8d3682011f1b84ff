// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws the bytes in hex and text, with marks on those that were moved and
//! those on which kmod and `pread` differ.

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use crate::dashboard::core::{Hit, Shared};
use crate::dashboard::data::hex::{digits, offset_digits, text_of};
use crate::dashboard::paint::{Canvas, Role, row};
use crate::dashboard::views::block::device::size;
use crate::dashboard::views::block::layout::Layout;
use crate::dashboard::views::block::state::Block;
use crate::dashboard::views::pieces::byte_role;

/// What stands out about a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Nothing,
    /// It was moved last.
    Moved,
    /// It was compared, and is the same.
    Same,
    /// It was compared, and differs.
    Differs,
}

fn mark(state: &Block, offset: u64) -> Mark {
    if let Some(comparison) = &state.comparison
        && let Some(differences) = &comparison.differences
        && let Some(position) = offset.checked_sub(comparison.offset)
        && position < u64::from(comparison.size)
    {
        return if differences.contains(position as usize) { Mark::Differs } else { Mark::Same };
    }
    match &state.moved {
        Some(moved) if moved.range.contains(&offset) => Mark::Moved,
        _ => Mark::Nothing,
    }
}

/// Draws the dump.
pub(crate) fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    view: &Block,
    shared: &Shared,
    layout: &Layout,
) {
    let state = view;
    let total = size(view, shared);
    let inside = canvas.panel(area, &title(state, total), true);
    let per_row = layout.per_row(total);
    let Some(window) = &state.window else {
        let gone = state.info.is_some_and(|info| info.gone);
        let (text, role) = match (&state.error, total) {
            _ if gone => (
                "The device was taken away while the module held it. Every operation fails from \
                 now on; kmod finds the stick again once it is loaded again."
                    .to_owned(),
                Role::Bad,
            ),
            (Some(error), _) => (format!("{error}\ni tries again."), Role::Bad),
            (None, 0) => ("The device has no bytes.".to_owned(), Role::Dim),
            (None, _) => ("Reading the device.".to_owned(), Role::Dim),
        };
        canvas.wrapped(inside, &text, role);
        return;
    };
    let width = offset_digits(total);
    for y in 0..inside.height {
        let first = state.top + u64::from(y) * per_row;
        if first >= total {
            break;
        }
        let line = row(inside, y);
        let label = format!("{first:0width$x}");
        canvas.text(line.x, line.y, line.width, &label, Role::Dim);
        for column in 0..per_row {
            let offset = first + column;
            if offset >= total {
                break;
            }
            let byte = window.at(offset);
            one(canvas, line, view, (offset, byte), (column as u16, width as u16, per_row as u16));
        }
    }
}

fn title(state: &Block, total: u64) -> String {
    let percent = (u128::from(state.top) * 100).checked_div(u128::from(total)).unwrap_or(0);
    let mut title = format!("Bytes from {:#x}, {percent} %", state.top);
    if let Some(moved) = &state.moved {
        let how = if moved.written { "written" } else { "read" };
        title.push_str(&format!("; underlined: just {how}"));
    }
    if state.comparison.is_some() {
        title.push_str("; = same as pread, ! differs");
    }
    title
}

/// One byte: in hex, and in the text at the right.
fn one(
    canvas: &mut Canvas<'_>,
    line: Rect,
    view: &Block,
    (offset, byte): (u64, Option<u8>),
    (column, label, per_row): (u16, u16, u16),
) {
    let hex = line.x + label + 2 + column * 3 + column / 8;
    let text = line.x + label + 2 + per_row * 3 + per_row.div_ceil(8) + column;
    if hex + 2 > line.right() {
        return;
    }
    let mark = mark(view, offset);
    let (pair, letter, role) = match byte {
        Some(byte) => {
            let pair: String = digits(byte).iter().collect();
            (pair, text_of(byte), byte_role(byte))
        }
        None => ("??".to_owned(), ' ', Role::Dim),
    };
    let role = if mark == Mark::Differs { Role::Bad } else { role };
    canvas.text(hex, line.y, 2, &pair, role);
    let letter = letter.to_string();
    if text < line.right() {
        canvas.text(text, line.y, 1, &letter, role);
    }
    // The sign stands in the gap behind the byte.
    match mark {
        Mark::Differs => {
            canvas.text(hex + 2, line.y, 1, "!", Role::Bad);
        }
        Mark::Same => {
            canvas.text(hex + 2, line.y, 1, "=", Role::Dim);
        }
        Mark::Moved => {
            let style = Style::new().add_modifier(Modifier::UNDERLINED | Modifier::BOLD);
            for (x, width) in [(hex, 2), (text, 1)] {
                let cells = Rect::new(x, line.y, width, 1).intersection(line);
                canvas.buffer.set_style(cells, style);
            }
        }
        Mark::Nothing => {}
    }
    let cell = Rect::new(hex, line.y, 2, 1);
    canvas.hit(cell, Hit::Row { pane: 0, index: offset as usize });
    if view.cursor == offset {
        canvas.shade(cell, Role::Selected);
        canvas.shade(Rect::new(text, line.y, 1, 1).intersection(line), Role::Selected);
    }
}

/// The byte under the cursor as numbers.
pub(crate) fn detail(canvas: &mut Canvas<'_>, line: Rect, view: &Block) {
    let state = view;
    let cursor = state.cursor;
    let pointer = canvas.look.glyphs.pointer;
    let place = format!(" {cursor:#x} ({cursor}, sector {}) ", cursor / 512);
    let Some(window) = &state.window else {
        canvas.spans(line, &[(pointer, Role::Key), (&place, Role::Dim)]);
        return;
    };
    let mut texts = vec![match window.at(cursor) {
        Some(byte) => format!("byte {byte:#04x} = {byte}"),
        None => "not read yet".into(),
    }];
    for (name, width) in [("u16", 2), ("u32", 4), ("u64", 8)] {
        let bytes = (0..width).rev().map(|at| window.at(cursor + at));
        let number = bytes.collect::<Option<Vec<u8>>>().map(|bytes| {
            let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
            bytes.iter().fold(0, join)
        });
        if let Some(number) = number {
            texts.push(format!("  {name} {number}"));
        }
    }
    let theirs = state.comparison.as_ref().and_then(|comparison| {
        let position = cursor.checked_sub(comparison.offset)? as usize;
        comparison.theirs.as_ref()?.get(position).copied()
    });
    if let Some(theirs) = theirs {
        texts.insert(0, format!("pread sees {theirs:#04x}  "));
    }
    let mut spans = vec![(pointer, Role::Key), (place.as_str(), Role::Dim)];
    spans.extend(texts.iter().map(|text| (text.as_str(), Role::Text)));
    canvas.whole_spans(line, &spans);
}
