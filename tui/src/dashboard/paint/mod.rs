// SPDX-License-Identifier: MIT OR Apache-2.0
//! What everything is painted with. A [`canvas::Canvas`] escapes text, knows the
//! [`theme::Look`], and notes what can be clicked.

pub mod canvas;
pub mod chart;
pub mod glyphs;
pub mod svg;
pub mod theme;
pub mod units;

pub use self::canvas::{Canvas, Hits, Span, row, wrap};
pub use self::theme::{Look, Role};
pub use self::units::{counted, duration, grouped, range, short};
