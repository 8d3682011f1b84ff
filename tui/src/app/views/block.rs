// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 5: Block.

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
pub const VIEW: View = View {
    module: |_| Some("kmod".into()),
    ..View::new(
        "Block",
        "Bytes of a USB stick, read and written from inside the kernel",
        COMMANDS,
    )
};

/// Takes an item of one of this view's calls. `Done` with an error of a call
/// that is `Shown` has been reported already.
pub fn item(_model: &mut Model, call: Call, _item: Item) {
    match call {}
}
