// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which views there are.

/// A view, in the order of the number keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ViewId {
    /// 1
    #[default]
    Overview,
    /// 2
    Name,
    /// 3
    Producer,
    /// 4
    Memory,
    /// 5
    Block,
    /// 6
    Log,
    /// 7
    Modules,
}

impl ViewId {
    /// All, in order.
    pub const ALL: [Self; 7] = [
        Self::Overview,
        Self::Name,
        Self::Producer,
        Self::Memory,
        Self::Block,
        Self::Log,
        Self::Modules,
    ];

    /// Its number key.
    pub fn number(self) -> usize {
        self as usize + 1
    }
}
