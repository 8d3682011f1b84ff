// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws the model. Nothing here changes it, asks the kernel or reads a clock.
//!
//! [`draw`] paints a whole frame: the target line, the view, what lies over it,
//! the hints. A [`Canvas`] is what everything is painted with: it escapes text,
//! knows the [`Look`], and notes what can be clicked.

pub mod canvas;
pub mod chart;
#[cfg(test)]
mod contrast_tests;
#[cfg(test)]
mod death_tests;
pub mod frame;
pub mod glyphs;
#[cfg(test)]
pub(crate) mod harness;
pub mod header;
pub mod layers;
#[cfg(test)]
mod leaving_tests;
#[cfg(test)]
mod loop_tests;
#[cfg(test)]
mod name_tests;
pub mod post_mortem;
#[cfg(test)]
mod preview_tests;
pub mod reference;
#[cfg(test)]
mod room_tests;
#[cfg(test)]
mod scripted_kernel;
#[cfg(test)]
mod snapshot_tests;
pub mod theme;
pub mod units;
pub mod views;

pub use canvas::{Canvas, Hits};
pub use frame::draw;
pub use glyphs::Glyphs;
pub use theme::{Look, Role};
