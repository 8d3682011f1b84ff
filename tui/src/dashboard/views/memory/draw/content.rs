// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws the bytes that the subject read last.

use crate::dashboard::views::memory::state::Memory;
use ratatui::layout::Rect;

use crate::dashboard::core::Shared;
use crate::dashboard::data::hex::{digits, text_of};
use crate::dashboard::paint::{Canvas, Role, row};
use crate::dashboard::views::memory::subjects::Subject;
use crate::dashboard::views::pieces::byte_role;

/// Bytes in a row.
const PER_ROW: usize = 16;

pub(crate) fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    view: &Memory,
    shared: &Shared,
    subject: Option<&Subject>,
    focused: bool,
) {
    let content = subject.and_then(|subject| subject.content.as_ref());
    let title = match content {
        Some(content) => format!("{} bytes read at {:#x}", content.bytes.len(), content.vaddr),
        None => "Bytes read".into(),
    };
    let inside = canvas.panel(area, &title, focused);
    let Some(content) = content else {
        let text = shared.by_life(
            "Nothing was read yet: {memory-look} looks into the page under the cursor, \
             {memory-read} reads anywhere.",
            "Nothing had been read.",
        );
        canvas.wrapped(inside, &text, Role::Dim);
        return;
    };
    let rows = content.bytes.chunks(PER_ROW).enumerate().skip(view.content_row);
    for (y, (index, chunk)) in rows.take(usize::from(inside.height)).enumerate() {
        let line = row(inside, y as u16);
        let address = content.vaddr.wrapping_add((index * PER_ROW) as u64);
        let mut x = canvas.text(line.x, line.y, line.width, &format!("{address:012x} "), Role::Dim);
        for byte in chunk {
            let pair: String = digits(*byte).iter().collect();
            x = canvas.text(x, line.y, line.right().saturating_sub(x), &pair, byte_role(*byte)) + 1;
        }
        let text: String = chunk.iter().map(|byte| text_of(*byte)).collect();
        let column = line.x + 13 + PER_ROW as u16 * 3;
        let room = line.right().saturating_sub(column);
        canvas.text(column, line.y, room, &text, Role::Text);
    }
}
