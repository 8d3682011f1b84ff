// SPDX-License-Identifier: MIT OR Apache-2.0
//! The views, one file each; the states are in [`crate::app::views`].

pub mod block;
pub mod log;
pub mod memory;
pub mod modules;
pub mod name;
pub mod overview;
pub mod producer;
pub mod shared;
pub mod unready;

#[cfg(test)]
pub(crate) mod fixture;

use ratatui::layout::Rect;

use super::Canvas;
use crate::app::{Model, ViewId};

/// Draws the view that is on the screen.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model) {
    match model.view {
        ViewId::Overview => overview::draw(canvas, area, model),
        ViewId::Name => name::draw(canvas, area, model),
        ViewId::Producer => producer::draw(canvas, area, model),
        ViewId::Memory => memory::draw(canvas, area, model),
        ViewId::Block => block::draw(canvas, area, model),
        ViewId::Log => log::draw(canvas, area, model),
        ViewId::Modules => modules::draw(canvas, area, model),
    }
}
