// SPDX-License-Identifier: MIT OR Apache-2.0
//! A range of the device as kmod and as `pread` see it.

use super::cursor::go;
use super::device::block;
use super::state::{Call, Comparison};
use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::model::Model;
use crate::dashboard::data::hex::Differences;
use crate::kernel::TargetError;
use crate::kernel::api::{BlockAction, Request};

/// Reads a range both ways.
pub(crate) fn compare(model: &mut Model, path: &str, offset: u64, size: u32) {
    model.block.comparison =
        Some(Comparison { path: path.to_owned(), offset, size, ..Comparison::default() });
    block(model, Call::Ours, "compare: read by kmod", BlockAction::ReadAt { offset, size });
    let peek = Request::Peek { path: path.to_owned(), offset, size };
    let owner = Owner::Block(Call::Theirs);
    model.start(owner, "compare: read by pread", Report::Listed, peek);
    go(model, offset);
}

/// One of the sides could not be read; the other's error, if there is one, says
/// nothing new.
pub(crate) fn not_compared(model: &mut Model, error: TargetError) {
    if model.block.comparison.take().is_some() {
        model.answered(&Owner::Block(Call::Theirs), "compare", &Err(error));
    }
}

pub(crate) fn compared(model: &mut Model, note: impl FnOnce(&mut Comparison)) {
    let Some(comparison) = &mut model.block.comparison else {
        return;
    };
    note(comparison);
    let (Some(ours), Some(theirs)) = (&comparison.ours, &comparison.theirs) else {
        return;
    };
    let differences = Differences::between(ours, theirs);
    let path = &comparison.path;
    let equal = ours.len() - differences.bytes.min(ours.len());
    model.block.said = Some(match differences.runs.first() {
        None => format!("the same: kmod and pread of {path} see {equal} equal bytes"),
        Some(first) => format!(
            "{} of {} bytes differ from what pread sees, the first at {:#x} (n: next)",
            differences.bytes,
            ours.len().max(theirs.len()),
            comparison.offset + first.start as u64
        ),
    });
    comparison.differences = Some(differences);
    model.settle(&Owner::Block(Call::Theirs), Ok(()));
}

pub(crate) fn differences(model: &Model) -> Option<&Differences> {
    model.block.comparison.as_ref()?.differences.as_ref()
}

pub(crate) fn next_difference(model: &mut Model) {
    let Some(comparison) = &model.block.comparison else {
        return;
    };
    let Some(differences) = &comparison.differences else {
        return;
    };
    let starts = differences.runs.iter().map(|run| comparison.offset + run.start as u64);
    let cursor = model.block.cursor;
    let next = starts.clone().find(|start| *start > cursor);
    if let Some(next) = next.or_else(|| starts.clone().next()) {
        go(model, next);
    }
}
