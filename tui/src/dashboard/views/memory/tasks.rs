// SPDX-License-Identifier: MIT OR Apache-2.0
//! What somebody else than the user wants subjects to do, which they know by names.

use super::cursor::select;
use super::state::{Call, MODULE, Memory};
use super::subject::{Life, Subject};
use super::subjects::{can_start, go_on, queue, start};
use crate::dashboard::core::message::{SubjectTask, TaskOutcome};
use crate::dashboard::core::{Owner, Shared};
use crate::dashboard::views::ready::ready;
use crate::kernel::api::{Capability, SubjectAction};

/// Has the subject of that name do it, and shows it; it is started when it is first
/// named, and again when it has died.
pub(super) fn perform(view: &mut Memory, shared: &mut Shared, task: &SubjectTask) {
    if let Err(reason) = ready(shared, MODULE, Capability::Subjects) {
        return shared.refuse_task(reason);
    }
    let Some(action) = &task.action else {
        let number = view.named.remove(&task.process);
        let subject = number.and_then(|number| view.by_number(number));
        let alive = |subject: &&mut Subject| matches!(subject.life, Life::Alive | Life::Starting);
        let Some(subject) = subject.filter(alive) else {
            // One from the last time, should it still live.
            return shared.close_task(TaskOutcome::Died);
        };
        subject.killed = true;
        let (tag, number) = (subject.tag, subject.number);
        shared.take_task(Owner::view(Call::Do(number)));
        return shared.cancel(tag);
    };
    let mut client = 0;
    if let Some(name) = &task.with {
        let Some(with) = subject(view, shared, name) else { return };
        match view.by_number(with).and_then(|subject| subject.pid) {
            Some(pid) => client = pid,
            None => {
                // It goes on once its process id is known.
                shared.take_task(Owner::view(Call::Do(with)));
                view.deferred = Some((with, task.clone()));
                return;
            }
        }
    }
    let Some(number) = subject(view, shared, &task.process) else { return };
    shared.take_task(Owner::view(Call::Do(number)));
    let mut action = action.clone();
    if let SubjectAction::Share { client: to, .. } = &mut action {
        *to = client;
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

/// The process has started that a task waited for.
pub(super) fn started(view: &mut Memory, shared: &mut Shared, number: u32) {
    if let Some((_, task)) = view.deferred.take_if(|(with, _)| *with == number) {
        perform(view, shared, &task);
    }
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
        shared.refuse_task(reason);
        return None;
    }
    start(view, shared);
    view.named.insert(name.to_owned(), view.started);
    Some(view.started)
}
