// SPDX-License-Identifier: MIT OR Apache-2.0
//! File and line of the functions in an oops: asked for once each, off the loop.

pub mod state;

use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::effect::Effect;
use crate::dashboard::core::model::Model;
use crate::dashboard::data::log::Trace;
use state::Frame;

/// An oops of which nothing new has come for so long is whole.
const SETTLED_MS: u64 = 500;

/// The frames of an oops.
fn frames(trace: &Trace) -> impl Iterator<Item = Frame> {
    let frame = |exact| move |text: &String| Frame { text: text.clone(), exact };
    let function = Some(&trace.function).filter(|function| !function.is_empty());
    let calls = trace.calls.iter().map(frame(false));
    function.map(frame(true)).into_iter().chain(calls)
}

/// Time went on: asks for the places of an oops that is whole by now.
pub(crate) fn tick(model: &mut Model) {
    let dead = model.link.dead().is_some();
    if model.log.traces().next().is_none() && !dead {
        return;
    }
    let last = if dead { model.console.trace() } else { None };
    let mut unknown: Vec<Frame> = model.log.traces().chain(&last).flat_map(frames).collect();
    unknown.retain(|frame| !model.symbols.places.contains_key(frame));
    unknown.sort();
    unknown.dedup();
    let seen = &mut model.symbols.seen;
    if seen.0 != unknown.len() {
        *seen = (unknown.len(), model.now_ms);
    }
    let Some(release) = release(model) else {
        return;
    };
    let settled = model.now_ms >= model.symbols.seen.1 + SETTLED_MS;
    let asking = model.calls.iter().any(|(_, call)| matches!(call.owner, Owner::Symbols(_)));
    if unknown.is_empty() || !settled || asking {
        return;
    }
    let owner = Owner::Symbols(unknown.clone());
    let tag = model.call(owner, "find file and line", Report::Silent, None);
    model.effect(Effect::Locate { tag, release, frames: unknown });
}

/// The kernel that runs or ran last.
fn release(model: &Model) -> Option<String> {
    let lab = model.link.lab.as_ref()?;
    Some(lab.kernel.clone())
}

/// Takes what was found.
pub(crate) fn located(
    model: &mut Model,
    frames: Vec<Frame>,
    found: Result<Vec<Option<String>>, String>,
) {
    let places = match found {
        Ok(places) => places,
        Err(why) => {
            model.symbols.missing = Some(why);
            Vec::new()
        }
    };
    let places = places.into_iter().chain(std::iter::repeat(None));
    model.symbols.places.extend(frames.into_iter().zip(places));
    model.changed();
}
