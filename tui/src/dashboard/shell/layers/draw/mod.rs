// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws what lies over the view.

mod boxes;
mod experiments;
mod form;
mod lists;
mod marks;
mod message;
mod trace;

use ratatui::layout::Rect;

use crate::dashboard::core::Layer;
use crate::dashboard::paint::Canvas;
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
            Layer::Marks(selected) => marks::draw(canvas, area, model, *selected),
            Layer::Experiments(selected) => experiments::draw(canvas, area, model, *selected),
            Layer::Trace => trace::draw(canvas, area, model),
            Layer::Pending(selected) => lists::pending(canvas, area, model, *selected),
        }
    }
}
