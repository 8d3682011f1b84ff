// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws what there is to see of a module that only bears the name of ours: its
//! threads, as `/proc` shows them.

use ratatui::layout::Rect;

use crate::dashboard::paint::{Canvas, Role};
use crate::dashboard::views::pieces;
use crate::dashboard::views::producer::state::{MODULE, Producer};

/// Paints its threads, and what can't be seen.
pub(crate) fn draw(canvas: &mut Canvas<'_>, area: Rect, view: &Producer) {
    let inside = canvas.panel(area, &format!("A {MODULE} that is not Ringside's"), true);
    let text = "It only bears the name of one of Ringside's: it has no counters, no controls and \
                no table of its slots. Its threads, as /proc shows them:";
    let below =
        |y: u16| Rect { y: inside.y + y, height: inside.height.saturating_sub(y), ..inside };
    let y = canvas.wrapped(below(0), text, Role::Dim) + 1;
    let Some(detail) = &view.foreign else {
        canvas.wrapped(below(y), "Asking the kernel …", Role::Dim);
        return;
    };
    if detail.threads.is_empty() {
        canvas.wrapped(below(y), "It has none that can be told from others.", Role::Text);
        return;
    }
    let list = below(y);
    for (line, thread) in detail.threads.iter().take(usize::from(list.height)).enumerate() {
        let place = Rect { y: list.y + line as u16, height: 1, ..list };
        pieces::thread(canvas, place, thread);
    }
}
