// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 6: Kernel log.

use super::View;
use crate::app::commands::Command;
use crate::app::model::Model;
use crate::target::Item;

/// Which of this view's calls an item belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {}

/// What the view remembers.
#[derive(Clone, Debug, Default)]
pub struct State {}

/// Its commands.
pub const COMMANDS: &[Command] = &[];

/// What it provides.
pub const VIEW: View = View::new(
    "Kernel log",
    "What the kernel says, as it says it",
    COMMANDS,
);

/// Takes an item of one of this view's calls.
pub fn item(_model: &mut Model, call: Call, _item: Item) {
    match call {}
}

/// Records arrived.
pub(in crate::app) fn arrived(_model: &mut Model) {}
