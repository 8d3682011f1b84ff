// SPDX-License-Identifier: MIT OR Apache-2.0
//! What somebody else than the user wants subjects to do, which they know by names.

use super::cursor::select;
use super::state::{MODULE, Memory};
use super::subject::Life;
use super::subjects::{can_start, go_on, queue, start};
use crate::dashboard::core::Shared;
use crate::dashboard::core::message::SubjectTask;
use crate::dashboard::views::ready::ready;
use crate::kernel::api::{Capability, SubjectAction};

/// Has the subject of that name do it, and shows it; it is started when it is first
/// named, and again when it has died.
pub(super) fn perform(view: &mut Memory, shared: &mut Shared, task: &SubjectTask) {
    if let Err(reason) = ready(shared, MODULE, Capability::Subjects) {
        return shared.note(format!("{MODULE}: {reason}"));
    }
    let Some(action) = &task.action else {
        let number = view.named.remove(&task.process);
        if let Some(subject) = number.and_then(|number| view.by_number(number)) {
            subject.killed = true;
            let tag = subject.tag;
            shared.cancel(tag);
        }
        return;
    };
    let with = task.with.as_ref().map(|name| subject(view, shared, name));
    let Some(number) = subject(view, shared, &task.process) else { return };
    let mut action = action.clone();
    if let (SubjectAction::Share { client, .. }, Some(Some(with))) = (&mut action, with) {
        // It has been started by an earlier step, or its process id would not be known.
        *client = view.by_number(with).and_then(|subject| subject.pid).unwrap_or_default();
    }
    if let Some(subject) = view.by_number(number) {
        queue(subject, action);
    }
    if let Some(index) = view.subjects.iter().position(|subject| subject.number == number)
        && index != view.selected
    {
        select(view, shared, index);
    }
    go_on(view, shared, number);
}

fn subject(view: &mut Memory, shared: &mut Shared, name: &str) -> Option<u32> {
    let known = view.named.get(name).copied();
    if let Some(number) = known
        && let Some(subject) = view.by_number(number)
        && matches!(subject.life, Life::Alive | Life::Starting)
    {
        return Some(number);
    }
    if let Err(reason) = can_start(view, shared) {
        shared.note(format!("{MODULE}: {reason}"));
        return None;
    }
    start(view, shared);
    view.named.insert(name.to_owned(), view.started);
    Some(view.started)
}
