// SPDX-License-Identifier: MIT OR Apache-2.0
//! /dev/kmod, and the device behind it.

use super::fault::{Fault, expect};
use super::state::Session;
use crate::grade::judge;
use crate::grade::spec::{BlockDo, BlockStep, Peek};
use crate::kernel::api::{BlockAction, BlockOutcome, Item, Request};

impl Session<'_> {
    pub(super) fn block(&self, step: &BlockStep) -> Result<(), Fault> {
        let doing = step.doing();
        let action = match (&step.action, step.action.at()) {
            (BlockDo::Read { size } | BlockDo::ReadOffset { size, .. }, None) => {
                BlockAction::Read { size: *size }
            }
            (BlockDo::Read { size } | BlockDo::ReadOffset { size, .. }, Some(offset)) => {
                BlockAction::SeekRead { offset, size: *size }
            }
            (_, None) => BlockAction::Write { data: step.action.data() },
            (_, Some(offset)) => BlockAction::SeekWrite { offset, data: step.action.data() },
        };
        let result = self.ask(Request::Block(action), Vec::new());
        let items = expect(result, step.refused.as_ref(), &doing)?;
        let outcome = items.into_iter().find_map(|item| match item {
            Item::Block(outcome) => Some(outcome),
            _ => None,
        });
        let (moved, bytes) = match outcome {
            Some(BlockOutcome::Bytes(bytes)) => (bytes.len(), bytes),
            Some(BlockOutcome::Written(size)) => (size as usize, Vec::new()),
            _ => return Ok(()),
        };
        judge::moved(&doing, step.moves, moved)?;
        match &step.reads {
            Some(wanted) => Ok(judge::bytes(&doing, wanted, &bytes)?),
            None => Ok(()),
        }
    }

    pub(super) fn peek(&self, peek: &Peek) -> Result<(), Fault> {
        let Peek { path, offset, is } = peek;
        let bytes = self.bytes(path, *offset, is.len() as u32)?;
        Ok(judge::bytes(&format!("{path} at offset {offset}"), is, &bytes)?)
    }
}
