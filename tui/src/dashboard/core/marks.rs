// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is known of the lab's marks: the moments that its guest can be wound back to.

use super::loadable::Loadable;
use crate::kernel::api::MarkInfo;

/// What is known of the marks.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// The newest last.
    pub list: Loadable<Vec<MarkInfo>>,
    /// When the list arrived, in the shared's time.
    pub at_ms: u64,
}

impl Marks {
    pub fn newest(&self) -> Option<&MarkInfo> {
        self.list.ready()?.last()
    }

    /// How long before `moment`, in the shared's time, a mark was made, in milliseconds.
    pub fn before(&self, mark: &MarkInfo, moment: u64) -> u64 {
        moment.saturating_add(mark.age_ms).saturating_sub(self.at_ms)
    }
}
