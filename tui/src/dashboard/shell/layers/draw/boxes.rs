// SPDX-License-Identifier: MIT OR Apache-2.0
//! Boxes in the middle of the screen, and their buttons.

use ratatui::layout::Rect;

use crate::dashboard::core::Hit;
use crate::dashboard::paint::{Canvas, Role};

/// Paints an empty box in the middle and returns what is inside.
pub(crate) fn popup(
    canvas: &mut Canvas<'_>,
    area: Rect,
    (width, height): (u16, u16),
    title: &str,
) -> Rect {
    let width = width.min(area.width.saturating_sub(2));
    let height = height.min(area.height.saturating_sub(1));
    let place = Rect::new(
        area.x + (area.width - width) / 2,
        area.y + (area.height - height) / 2,
        width,
        height,
    );
    canvas.clear(place);
    let inside = canvas.panel(place, title, true);
    Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside }
}

/// Paints a button and returns the column after it.
pub(crate) fn button(
    canvas: &mut Canvas<'_>,
    x: u16,
    y: u16,
    (key, title): (&str, &str),
    hit: usize,
) -> u16 {
    let area = Rect::new(x, y, 60, 1);
    let end = canvas.spans(
        area,
        &[
            ("[", Role::Dim),
            (key, Role::Key),
            (" ", Role::Text),
            (title, Role::Text),
            ("]", Role::Dim),
        ],
    );
    let place = Rect::new(x, y, end - x, 1);
    canvas.hit(place, Hit::Layer(hit));
    end + 2
}
