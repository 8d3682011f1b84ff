// SPDX-License-Identifier: MIT OR Apache-2.0
//! The views, one per number key: which there are and what each provides.
//!
//! A view is a folder here and a file or folder of the same name in
//! [`crate::dashboard::views`] that draws it. Its `state.rs` is what the model
//! remembers of it, its `mod.rs` what it provides: its commands, which the other
//! files carry out. [`view`] looks up what the view with a [`ViewId`] provides.

pub mod block;
#[cfg(test)]
pub(crate) mod fixture;
pub mod id;
pub mod log;
pub mod memory;
pub mod modules;
pub mod name;
pub mod overview;
pub mod producer;
pub mod ready;
pub mod shared;
pub mod unready;
pub mod view;

use ratatui::layout::Rect;

pub use self::id::ViewId;
pub use self::view::View;
use super::core::model::Model;
use super::paint::canvas::Canvas;

/// What the view `id` provides.
pub fn view(id: ViewId) -> &'static View {
    match id {
        ViewId::Overview => &overview::VIEW,
        ViewId::Name => &name::VIEW,
        ViewId::Producer => &producer::VIEW,
        ViewId::Memory => &memory::VIEW,
        ViewId::Block => &block::VIEW,
        ViewId::Log => &log::VIEW,
        ViewId::Modules => &modules::VIEW,
    }
}

/// Tells every view that another guest runs.
pub(crate) fn new_guest(model: &mut Model) {
    for id in ViewId::ALL {
        (view(id).new_guest)(model);
    }
}

/// Draws the view that is on the screen.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model) {
    match model.view {
        ViewId::Overview => overview::draw::draw(canvas, area, model),
        ViewId::Name => name::draw::draw(canvas, area, model),
        ViewId::Producer => producer::draw::draw(canvas, area, model),
        ViewId::Memory => memory::draw::draw(canvas, area, model),
        ViewId::Block => block::draw::draw(canvas, area, model),
        ViewId::Log => log::draw::draw(canvas, area, model),
        ViewId::Modules => modules::draw::draw(canvas, area, model),
    }
}
