// SPDX-License-Identifier: MIT OR Apache-2.0
//! A range of the device as kmod and as `pread` see it.

use super::cursor::go;
use super::device::block;
use super::state::Block;
use super::state::{Call, Comparison};
use crate::dashboard::core::{Owner, Report, Shared};
use crate::dashboard::data::hex::Differences;
use crate::kernel::TargetError;
use crate::kernel::api::{BlockAction, Request};

/// Reads a range both ways.
pub(crate) fn compare(view: &mut Block, shared: &mut Shared, path: &str, offset: u64, size: u32) {
    view.comparison =
        Some(Comparison { path: path.to_owned(), offset, size, ..Comparison::default() });
    block(shared, Call::Ours, "compare: read by kmod", BlockAction::ReadAt { offset, size });
    let peek = Request::Peek { path: path.to_owned(), offset, size };
    let owner = Owner::view(Call::Theirs);
    shared.start(owner, "compare: read by pread", Report::Listed, peek);
    go(view, shared, offset);
}

/// One of the sides could not be read; the other's error, if there is one, says
/// nothing new.
pub(crate) fn not_compared(view: &mut Block, shared: &mut Shared, error: TargetError) {
    if view.comparison.take().is_some() {
        shared.answered(&Owner::view(Call::Theirs), "compare", &Err(error));
    }
}

pub(crate) fn compared(view: &mut Block, shared: &mut Shared, note: impl FnOnce(&mut Comparison)) {
    let Some(comparison) = &mut view.comparison else {
        return;
    };
    note(comparison);
    let (Some(ours), Some(theirs)) = (&comparison.ours, &comparison.theirs) else {
        return;
    };
    let differences = Differences::between(ours, theirs);
    let path = &comparison.path;
    let equal = ours.len() - differences.bytes.min(ours.len());
    view.said = Some(match differences.runs.first() {
        None => format!("the same: kmod and pread of {path} see {equal} equal bytes"),
        Some(first) => format!(
            "{} of {} bytes differ from what pread sees, the first at {:#x} ({}: next)",
            differences.bytes,
            ours.len().max(theirs.len()),
            comparison.offset.saturating_add(first.start as u64),
            shared.keymap.press("block-next-difference")
        ),
    });
    comparison.differences = Some(differences);
    shared.end_hold(&Owner::view(Call::Theirs), Ok(()));
}

pub(crate) fn differences(view: &Block) -> Option<&Differences> {
    view.comparison.as_ref()?.differences.as_ref()
}

pub(crate) fn next_difference(view: &mut Block, shared: &mut Shared) {
    let Some(comparison) = &view.comparison else {
        return;
    };
    let Some(differences) = &comparison.differences else {
        return;
    };
    let starts =
        differences.runs.iter().map(|run| comparison.offset.saturating_add(run.start as u64));
    let cursor = view.cursor;
    let next = starts.clone().find(|start| *start > cursor);
    if let Some(next) = next.or_else(|| starts.clone().next()) {
        go(view, shared, next);
    }
}
