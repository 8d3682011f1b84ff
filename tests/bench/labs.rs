// SPDX-License-Identifier: MIT OR Apache-2.0
//! The labs of a benchmark end with it, however it ends.

use super::runtime::ringside;

/// Takes all labs of a runtime folder down when it is dropped.
pub struct Down<'a>(pub &'a str);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        ringside(self.0, &["down", "--all"]);
    }
}
