// SPDX-License-Identifier: MIT OR Apache-2.0
//! A whole frame: two rows of header, a line that says what one looks at, the
//! view, the hints, and what lies over them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::experiment::panel;
use super::layers::draw as layers;
use super::model::Model;
use super::{header, hints, post_mortem};
use crate::dashboard::paint::{Canvas, Hits, Look, Role};

/// Columns and rows below which nothing useful fits.
pub const SMALLEST: (u16, u16) = (60, 16);

/// Paints a whole frame and notes what can be clicked.
pub fn draw(buffer: &mut Buffer, hits: &mut Hits, model: &Model, look: Look) {
    hits.clear();
    let area = buffer.area;
    let mut canvas = Canvas { buffer, look, hits };
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        too_small(&mut canvas, area, &model.keymap.press("quit"));
        return;
    }
    header::draw(&mut canvas, area, model);
    let body =
        Rect { y: area.y + header::HEIGHT, height: area.height - header::HEIGHT - 1, ..area };
    let (body, aside) = panel::split(body, model);
    if model.link.shows_post_mortem() {
        post_mortem::draw(&mut canvas, body, model);
    } else {
        let view = model.views.current(&model.shared);
        view.draw(&mut canvas, body, &model.shared);
        if model.link.dead().is_some() && !view.is_record() {
            canvas.fade(body);
        }
    }
    if let (Some(place), Some(running)) = (aside, &model.experiment) {
        panel::draw(&mut canvas, (body, place), model, running);
    }
    let footer = Rect { y: area.bottom() - 1, height: 1, ..area };
    hints::draw(&mut canvas, footer, model);
    layers::draw(&mut canvas, area, model);
}

fn too_small(canvas: &mut Canvas<'_>, area: Rect, quit: &str) {
    let (width, height) = SMALLEST;
    let text = format!(
        "This window has {}×{} characters; Ringside needs {width}×{height}. \
         Make it larger, or press {quit} to quit.",
        area.width, area.height
    );
    canvas.wrapped(area, &text, Role::Text);
}
