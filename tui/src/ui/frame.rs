// SPDX-License-Identifier: MIT OR Apache-2.0
//! A whole frame.

use ratatui::buffer::Buffer;

use super::canvas::{Canvas, Hits};
use super::theme::Look;
use super::views;
use crate::app::Model;

/// Paints a whole frame and notes what can be clicked.
pub fn draw(buffer: &mut Buffer, hits: &mut Hits, model: &Model, look: Look) {
    hits.clear();
    let area = buffer.area;
    let mut canvas = Canvas { buffer, look, hits };
    views::draw(&mut canvas, area, model);
}
