// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 7: Modules.

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
    "Modules",
    "Every module of this kernel: what it uses, who uses it, its parameters",
    COMMANDS,
);

/// Takes an item of one of this view's calls.
pub fn item(_model: &mut Model, call: Call, _item: Item) {
    match call {}
}

/// The list of modules arrived.
pub(in crate::app) fn listed(_model: &mut Model) {}
