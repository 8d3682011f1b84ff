// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text for people and from people, where everybody may import it: it knows of no
//! kernel and no screen.

pub mod amount;
pub mod bytes;
pub mod escape;
pub mod function;
pub mod time;
pub mod xml;
