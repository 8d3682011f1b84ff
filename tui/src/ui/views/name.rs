// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws view 2: Name & syscall.

use ratatui::layout::Rect;

use crate::app::Model;
use crate::ui::Canvas;

/// Draws it.
pub fn draw(_canvas: &mut Canvas<'_>, _area: Rect, _model: &Model) {}
