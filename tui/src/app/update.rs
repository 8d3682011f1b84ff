// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one way in: an event changes the model and asks for effects.

use super::effect::Effect;
use super::event::Event;
use super::model::Model;

/// When what is asked for again and again was asked for the last time.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {}

/// Takes an event.
pub fn update(model: &mut Model, event: Event) -> Vec<Effect> {
    if let Event::Tick { now_ms } = event {
        model.now_ms = now_ms;
    }
    std::mem::take(&mut model.effects)
}
