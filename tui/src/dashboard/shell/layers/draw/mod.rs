// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws what lies over the view.

mod form;
mod lists;
mod message;

use ratatui::layout::Rect;

use crate::dashboard::core::Layer;
use crate::dashboard::paint::{Canvas, Role};
use crate::dashboard::shell::model::Model;

/// Paints all layers, bottom first.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model) {
    // The hints at the bottom stay visible.
    let area = Rect { height: area.height - 1, ..area };
    for layer in &model.layers {
        match layer {
            Layer::Help(top) => lists::help(canvas, area, model, *top),
            Layer::Palette(palette) => lists::palette(canvas, area, model, palette),
            Layer::Form(form) => form::draw(canvas, area, model, form),
            Layer::Confirm(confirm) => message::confirm(canvas, area, confirm),
            Layer::Choice(choice) => message::choice(canvas, area, choice),
            Layer::Message(message) => message::draw(canvas, area, message),
            Layer::CommandLog(scroll) => lists::command_log(canvas, area, model, *scroll),
            Layer::Console(scroll) => lists::console(canvas, area, model, *scroll),
            Layer::Pending(selected) => lists::pending(canvas, area, model, *selected),
        }
    }
}

/// Paints an empty box in the middle and returns what is inside.
fn popup(canvas: &mut Canvas<'_>, area: Rect, (width, height): (u16, u16), title: &str) -> Rect {
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
fn button(canvas: &mut Canvas<'_>, x: u16, y: u16, (key, title): (&str, &str), hit: usize) -> u16 {
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
    canvas.hit(place, crate::dashboard::core::event::Hit::Layer(hit));
    end + 2
}
