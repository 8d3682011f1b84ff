// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is done for somebody else than the user, who waits for what comes of it: a step
//! of an experiment that a view or the loader carries out.

use super::calls::Owner;
use super::message::{Message, Task, TaskOutcome};
use super::shared::Shared;
use crate::kernel::TargetError;

impl Shared {
    /// Begins a task that this owner's call carries out.
    pub fn begin_task(&mut self, owner: Owner) {
        self.task = Some(Task { owner: Some(owner), outcome: None });
    }

    /// Gives a task to the view that takes such messages.
    pub fn post_task(&mut self, message: Message) {
        self.task = Some(Task::default());
        self.post(message);
    }

    /// A view carries out the task that it was given by this owner's call.
    pub fn take_task(&mut self, owner: Owner) {
        if let Some(task) = self.task.as_mut().filter(|task| task.outcome.is_none()) {
            task.owner = Some(owner);
        }
    }

    /// A call has ended; `false`: no task waits for it, so that whatever went wrong must
    /// be shown elsewhere.
    pub fn end_task(&mut self, owner: &Owner, outcome: TaskOutcome) -> bool {
        let waits = |task: &&mut Task| task.outcome.is_none() && task.owner.as_ref() == Some(owner);
        match self.task.as_mut().filter(waits) {
            Some(task) => {
                task.outcome = Some(outcome);
                true
            }
            None => false,
        }
    }

    /// The task that was given to a view is over without a call.
    pub fn close_task(&mut self, outcome: TaskOutcome) {
        if let Some(task) = &mut self.task {
            task.outcome.get_or_insert(outcome);
        }
    }

    /// It can't be begun.
    pub fn refuse_task(&mut self, why: String) {
        self.close_task(TaskOutcome::Failed(TargetError::Invalid(why)));
    }

    /// What came of the task; `None`: it is under way, or there was none.
    pub fn task_outcome(&self) -> Option<&TaskOutcome> {
        self.task.as_ref()?.outcome.as_ref()
    }
}
