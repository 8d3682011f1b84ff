// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is kept of an experiment that was done.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// The part of the remembered inputs that progress has.
const PREFIX: &str = "experiments/";

/// How an experiment went: how many predictions were right, and of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Predictions that were right.
    pub right: u32,
    /// Predictions that were asked for.
    pub asked: u32,
}

impl Progress {
    /// The best time that the experiment was done; `None`: it was not done yet.
    pub fn of(remembered: &BTreeMap<String, String>, id: &str) -> Option<Self> {
        let (right, asked) = remembered.get(&format!("{PREFIX}{id}"))?.split_once('/')?;
        Some(Self { right: right.parse().ok()?, asked: asked.parse().ok()? })
    }

    /// Keeps it, unless an earlier time was better.
    pub fn keep(self, remembered: &mut BTreeMap<String, String>, id: &str) {
        let better = |before: Self| before.asked == self.asked && before.right > self.right;
        if !Self::of(remembered, id).is_some_and(better) {
            remembered.insert(format!("{PREFIX}{id}"), format!("{}/{}", self.right, self.asked));
        }
    }

    /// Forgets one experiment, or all; `true` when there was something to forget.
    pub fn forget(remembered: &mut BTreeMap<String, String>, id: Option<&str>) -> bool {
        let before = remembered.len();
        remembered.retain(|name, _| match (name.strip_prefix(PREFIX), id) {
            (Some(known), Some(id)) => known != id,
            (Some(_), None) => false,
            (None, _) => true,
        });
        remembered.len() != before
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.asked {
            0 => out.write_str("done"),
            asked => write!(out, "done, {} of {asked} right", self.right),
        }
    }
}
