// SPDX-License-Identifier: MIT OR Apache-2.0
//! Holds what came of a step that a view or the loader did against what the step wants.

use crate::dashboard::core::message::TaskOutcome;
use crate::experiment::in_words;
use crate::grade::judge::{self, Unwanted};
use crate::grade::spec::{Act, BlockStep, ErrnoName, Load, Memory, MemoryDo, Mismatch};
use crate::kernel::{TargetError, TargetResult};

/// What came of a call that may have to be refused; `None`: it was.
pub(super) fn as_wanted<T>(
    doing: &str,
    result: TargetResult<T>,
    refused: Option<&ErrnoName>,
) -> Result<Option<T>, String> {
    judge::refused(doing, result, refused).map_err(|why| match why {
        Unwanted::Failed(error) => error.to_string(),
        Unwanted::Refusal(why) => why,
    })
}

/// Of a load.
pub(super) fn judged_load(load: &Load, outcome: TaskOutcome) -> Result<(), String> {
    let doing = format!("load {} {}", load.module, load.parameters);
    as_wanted(doing.trim(), result(outcome), load.refused.as_ref()).map(drop)
}

/// Of a step that a view did.
pub(super) fn judged(act: &Act, outcome: TaskOutcome) -> Result<(), String> {
    match act {
        Act::Memory(memory) => memory_judged(memory, outcome),
        Act::Block(block) => block_judged(block, outcome),
        _ => Ok(()),
    }
}

fn memory_judged(memory: &Memory, outcome: TaskOutcome) -> Result<(), String> {
    let doing = memory.doing();
    match (&outcome, memory.dies || matches!(memory.action, MemoryDo::End)) {
        (TaskOutcome::Died, true) => return Ok(()),
        (TaskOutcome::Died, false) => return Err(format!("{doing}: the process died of it")),
        (TaskOutcome::Failed(_), _) | (_, false) => {}
        (_, true) => {
            return Err(format!("{doing}: the process lives on, and was to die of it"));
        }
    }
    match (as_wanted(&doing, result(outcome), memory.refused.as_ref())?, &memory.reads) {
        (Some(bytes), Some(wanted)) => spoken(judge::bytes(&doing, wanted, &bytes.read)),
        _ => Ok(()),
    }
}

fn block_judged(block: &BlockStep, outcome: TaskOutcome) -> Result<(), String> {
    let doing = block.doing();
    let Some(moved) = as_wanted(&doing, result(outcome), block.refused.as_ref())? else {
        return Ok(());
    };
    spoken(judge::moved(&doing, block.moves, moved.count))?;
    match &block.reads {
        Some(wanted) => spoken(judge::bytes(&doing, wanted, &moved.read)),
        None => Ok(()),
    }
}

fn spoken(judged: Result<(), Mismatch>) -> Result<(), String> {
    judged.map_err(|wrong| in_words(&wrong))
}

/// Bytes that were moved.
#[derive(Default)]
struct Moved {
    read: Vec<u8>,
    count: usize,
}

fn result(outcome: TaskOutcome) -> TargetResult<Moved> {
    match outcome {
        TaskOutcome::Done => Ok(Moved::default()),
        TaskOutcome::Read(read) => Ok(Moved { count: read.len(), read }),
        TaskOutcome::Written(count) => Ok(Moved { count, read: Vec::new() }),
        TaskOutcome::Died => Err(TargetError::Ended("the process died".into())),
        TaskOutcome::Failed(error) => Err(error),
    }
}
