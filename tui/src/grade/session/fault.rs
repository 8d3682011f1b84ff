// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a step failed, and which failures it was to have.

use crate::grade::judge::{Unwanted, refused};
use crate::grade::spec::{ErrnoName, Mismatch};
use crate::kernel::api::Item;
use crate::kernel::{TargetError, TargetResult};

/// Why a step failed.
#[derive(Debug, Default)]
pub(super) struct Fault {
    pub(super) reason: String,
    pub(super) excerpt: Vec<String>,
    /// Nobody wants the test to go on.
    pub(super) stopped: bool,
}

impl Fault {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..Self::default() }
    }
}

impl From<Mismatch> for Fault {
    fn from(wrong: Mismatch) -> Self {
        Self { reason: wrong.reason, excerpt: wrong.excerpt, stopped: false }
    }
}

/// Of a request that no refusal was expected of.
pub(super) fn refusal(doing: &str) -> impl FnOnce(TargetError) -> Fault {
    let doing = doing.to_owned();
    move |error| {
        let said = error.to_string();
        // Some name what was done themselves.
        let named = said.split_once(": ").is_some_and(|(begin, _)| doing.starts_with(begin));
        let reason = match &error {
            TargetError::Errno { .. } => said,
            _ if named => said,
            _ => format!("{doing}: {said}"),
        };
        Fault { stopped: error == TargetError::Cancelled, reason, excerpt: Vec::new() }
    }
}

/// What came of a request that may have to be refused.
pub(super) fn expect(
    result: TargetResult<Vec<Item>>,
    wanted: Option<&ErrnoName>,
    doing: &str,
) -> Result<Vec<Item>, Fault> {
    match refused(doing, result, wanted) {
        Ok(items) => Ok(items.unwrap_or_default()),
        Err(Unwanted::Failed(error)) => Err(refusal(doing)(error)),
        Err(Unwanted::Refusal(why)) => Err(Fault::new(why)),
    }
}
