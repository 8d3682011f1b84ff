// SPDX-License-Identifier: MIT OR Apache-2.0
//! /dev/kmod, and the device behind it.

use super::fault::{Fault, expect};
use super::state::Session;
use crate::grade::judge;
use crate::grade::spec::{BlockDo, BlockStep, Peek};
use crate::kernel::api::{BLOCK_MAX, BlockAction, BlockOutcome, Item, Request};

impl Session<'_> {
    pub(super) fn block(&self, step: &BlockStep) -> Result<(), Fault> {
        let data = |text: &str, times: u32| {
            let times = (times as usize).min(BLOCK_MAX as usize / text.len().max(1));
            text.repeat(times).into_bytes()
        };
        let (action, doing) = match &step.action {
            BlockDo::Read { size } => {
                (BlockAction::Read { size: *size }, format!("read {size} bytes"))
            }
            BlockDo::Write { text, times } => {
                let data = data(text, *times);
                let doing = format!("write {} bytes", data.len());
                (BlockAction::Write { data }, doing)
            }
            BlockDo::ReadOffset { offset, size } => (
                BlockAction::SeekRead { offset: *offset, size: *size },
                format!("read {size} bytes at offset {offset}"),
            ),
            BlockDo::WriteOffset { offset, text, times } => {
                let data = data(text, *times);
                let doing = format!("write {} bytes at offset {offset}", data.len());
                (BlockAction::SeekWrite { offset: *offset, data }, doing)
            }
        };
        let doing = format!("/dev/kmod: {doing}");
        let result = self.ask(Request::Block(action), Vec::new());
        let items = expect(result, step.refused.as_ref(), &doing)?;
        let outcome = items.into_iter().find_map(|item| match item {
            Item::Block(outcome) => Some(outcome),
            _ => None,
        });
        let (moved, bytes) = match outcome {
            Some(BlockOutcome::Bytes(bytes)) => (bytes.len() as u32, bytes),
            Some(BlockOutcome::Written(size)) => (size, Vec::new()),
            _ => return Ok(()),
        };
        if let Some(wanted) = step.moves.filter(|wanted| *wanted != moved) {
            return Err(Fault::new(format!("{doing}: it moved {moved} bytes, and not {wanted}")));
        }
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
