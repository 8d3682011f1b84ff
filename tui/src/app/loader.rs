// SPDX-License-Identifier: MIT OR Apache-2.0
//! Modules on their way in and out.

use super::model::Model;
use crate::target::Item;

/// A step of loading, unloading or reloading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The image is being built or read.
    Image,
    /// The kernel takes the module.
    Load,
    /// The kernel lets the module go.
    Unload,
}

/// Modules on their way in and out.
#[derive(Clone, Debug, Default)]
pub struct Loader {}

/// Opens the form to load a module of ours, or to name a file (`None`).
/// With fields given, those are filled in.
pub fn load(_model: &mut Model, _module: Option<&str>) {}

/// Asks, then unloads.
pub fn unload(_model: &mut Model, _module: &str) {}

/// Builds anew, unloads and loads again with the parameters of the last time.
pub fn reload(_model: &mut Model, _module: &str) {}

/// Unloads if loaded, then loads with these parameters, without a form: for
/// views that have their own.
pub fn load_with(_model: &mut Model, _module: &str, _parameters: &str) {}

pub(super) fn item(_model: &mut Model, _step: Step, _item: Item) {}
