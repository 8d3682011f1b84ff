// SPDX-License-Identifier: MIT OR Apache-2.0
//! What there is in the guest, and what a module leaves behind of it.

use super::fault::{Fault, refusal};
use super::state::Session;
use crate::grade::left::{GONE_WITHIN, nothing_left};
use crate::grade::spec::NothingLeft;
use crate::kernel::api::{Inventory, Item, Request};

impl Session<'_> {
    /// What there is now; `settled`: its memory can be compared with another time's.
    pub(super) fn inventory(&self, settled: bool) -> Result<Inventory, Fault> {
        let items = self.ask(Request::Inventory { settled }, Vec::new());
        let items = items.map_err(refusal("look at what there is"))?;
        let inventory = items.into_iter().find_map(|item| match item {
            Item::Inventory(inventory) => Some(inventory),
            _ => None,
        });
        Ok(inventory.unwrap_or_default())
    }

    pub(super) fn nothing_left(&self, wanted: &NothingLeft) -> Result<(), Fault> {
        let before = self.before.clone().unwrap_or_default();
        self.until(GONE_WITHIN, |session| {
            let now = session.inventory(wanted.memory_kib.is_some())?;
            Ok(nothing_left(&before, &now, wanted)?)
        })
    }
}
