// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is asked for and may not be there yet.

use crate::kernel::error::TargetError;

/// Something that is asked for and may not be there yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Loadable<T> {
    /// It was not asked for yet, or has not arrived.
    #[default]
    Loading,
    /// Here it is.
    Ready(T),
    /// It can't be had.
    Failed(TargetError),
}

impl<T> Loadable<T> {
    /// The value, if it is there.
    pub fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            _ => None,
        }
    }
}
