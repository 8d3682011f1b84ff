// SPDX-License-Identifier: MIT OR Apache-2.0
//! A form whose request is under way stays on the screen until it is answered:
//! what was refused can be mended and sent again, and nothing is typed twice.

use super::advice;
use super::calls::Owner;
use super::form::Held;
use super::message::TaskOutcome;
use super::shared::{Layer, Shared};
use crate::kernel::{TargetError, TargetResult};

impl Shared {
    /// Keeps the form that is being submitted open until [`Shared::end_hold`] gets
    /// what came of this owner's call; `doing` is its note until then.
    pub fn hold(&mut self, owner: Owner, doing: &str) {
        self.holding = Some(Held { owner, note: doing.to_owned() });
    }

    /// The call of a form that is held has ended: closes the form, or shows why
    /// it was refused, with the focus on the field that is to be changed (the
    /// one that the reason begins with). `false` when there is no such form,
    /// so that the reason must be shown elsewhere.
    pub fn end_hold(&mut self, owner: &Owner, result: Result<(), String>) -> bool {
        let holds = |layer: &Layer| {
            matches!(layer, Layer::Form(form)
                if form.held.as_ref().is_some_and(|held| held.owner == *owner))
        };
        let Some(index) = self.layers.iter().position(holds) else {
            return false;
        };
        self.changed();
        match (result, &mut self.layers[index]) {
            (Err(why), Layer::Form(form)) => form.refuse(why),
            _ => drop(self.layers.remove(index)),
        }
        true
    }

    /// The same for a call of which an error is shown in a message where there
    /// is no form any more; `title` says what was done.
    pub fn answered(&mut self, owner: &Owner, title: &str, result: &TargetResult<()>) {
        match result {
            Ok(()) => drop(self.end_hold(owner, Ok(()))),
            Err(TargetError::Cancelled) => {
                self.end_hold(owner, Ok(()));
                self.end_task(owner, TaskOutcome::Failed(TargetError::Cancelled));
                self.note(format!("{title}: cancelled"));
            }
            Err(error) => {
                let told = self.end_hold(owner, Err(advice::sentence(error)))
                    || self.end_task(owner, TaskOutcome::Failed(error.clone()));
                if !told {
                    let message = self.explain(title, error);
                    self.message(message);
                }
            }
        }
    }

    /// A form that was held for one owner is held for another, whose call goes
    /// on with the same.
    pub fn hold_on(&mut self, owner: &Owner, next: Owner) {
        for layer in &mut self.layers {
            if let Layer::Form(form) = layer
                && let Some(held) = &mut form.held
                && held.owner == *owner
            {
                held.owner = next.clone();
            }
        }
    }
}
