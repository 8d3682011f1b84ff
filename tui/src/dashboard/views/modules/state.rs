// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the list of modules remembers.

use std::collections::BTreeMap;

use crate::dashboard::core::{Loadable, TextField};
use crate::kernel::api::ModuleDetail;

/// Which of this view's calls an item belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Everything about this module.
    Detail(String),
    /// A parameter or control was written.
    Written,
    /// The file of this module, which says who wrote it.
    File(String),
}

/// The order of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Ours first, then by name.
    #[default]
    Ours,
    Name,
    /// Largest first.
    Size,
    /// Most used first.
    Users,
}

impl Sort {
    /// In words.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Ours => "ours first",
            Self::Name => "by name",
            Self::Size => "by size",
            Self::Users => "by users",
        }
    }
}

/// A value of the selected module that can be seen, and perhaps changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub name: String,
    /// What it is; `None` when it can't be read.
    pub value: Option<String>,
    /// Can it be written?
    pub writable: bool,
    /// A control, and not a parameter.
    pub control: bool,
}

/// What the view remembers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Modules {
    /// The selected module.
    pub selected: Option<String>,
    /// The order.
    pub sort: Sort,
    /// What the names must contain.
    pub filter: String,
    /// The filter is being typed.
    pub typing: Option<TextField>,
    /// The focus is on the values of the selected module and not on the list.
    pub on_values: bool,
    /// The selected value.
    pub value: usize,
    /// Everything about the selected module.
    pub detail: Loadable<ModuleDetail>,
    /// Whose detail that is.
    pub detail_of: String,
    /// Modules whose files can't be had, and why.
    pub fileless: BTreeMap<String, String>,
    pub(crate) asked_ms: Option<u64>,
}
