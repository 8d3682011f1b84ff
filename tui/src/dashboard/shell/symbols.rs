// SPDX-License-Identifier: MIT OR Apache-2.0
//! File and line of the functions in an oops: asked for once each, off the loop.

use crate::dashboard::core::symbols::Frame;
use crate::dashboard::core::{HostReply, HostRequest, HostResult, Owner, Report, Shared};
use crate::dashboard::data::log::Trace;

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
pub(crate) fn tick(shared: &mut Shared) {
    let dead = shared.link.dead().is_some();
    if shared.log.traces().next().is_none() && !dead {
        return;
    }
    let last = if dead { shared.console.trace() } else { None };
    let mut unknown: Vec<Frame> = shared.log.traces().chain(&last).flat_map(frames).collect();
    unknown.retain(|frame| !shared.symbols.places.contains_key(frame));
    unknown.sort();
    unknown.dedup();
    let seen = &mut shared.symbols.seen;
    if seen.0 != unknown.len() {
        *seen = (unknown.len(), shared.now_ms);
    }
    let Some(release) = release(shared) else {
        return;
    };
    let settled = shared.now_ms >= shared.symbols.seen.1 + SETTLED_MS;
    let asking = shared.calls.iter().any(|(_, call)| matches!(call.owner, Owner::Symbols(_)));
    if unknown.is_empty() || !settled || asking {
        return;
    }
    let owner = Owner::Symbols(unknown.clone());
    let request = HostRequest::Locate { release, frames: unknown };
    shared.ask_host(owner, "find file and line", Report::Silent, request);
}

/// The kernel that runs or ran last.
fn release(shared: &Shared) -> Option<String> {
    let lab = shared.link.lab.as_ref()?;
    Some(lab.kernel.clone())
}

/// Takes what was found.
pub(crate) fn located(shared: &mut Shared, frames: Vec<Frame>, found: HostResult) {
    let places = match found {
        Ok(HostReply::Places(places)) => places,
        Ok(_) => Vec::new(),
        Err(why) => {
            shared.symbols.missing = Some(why);
            Vec::new()
        }
    };
    let places = places.into_iter().chain(std::iter::repeat(None));
    shared.symbols.places.extend(frames.into_iter().zip(places));
    shared.changed();
}
