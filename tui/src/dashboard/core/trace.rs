// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tracing the functions of a module, for as long as the layer is open that shows it.
//! Any view that has a module opens it.

use super::calls::{Owner, Report};
use super::effect::CallTag;
use super::host::{HostReply, HostRequest, HostResult};
use super::shared::{Layer, Shared};
use super::traced::{INTERVAL_MS, State, Trace};
use crate::kernel::api::{Request, TraceEvent};
use crate::kernel::signature::Signatures;
use crate::kernel::{Item, TargetError};

/// Begins to trace a module, and shows it.
pub fn open(shared: &mut Shared, module: &str) {
    end(shared);
    shared.trace = Trace { module: module.to_owned(), ..Trace::default() };
    shared.open(Layer::Trace);
    let request = Request::Trace {
        module: module.to_owned(),
        functions: Vec::new(),
        interval_ms: Some(INTERVAL_MS),
    };
    shared.start(Owner::Trace, &format!("trace {module}"), Report::Silent, request);
}

/// The traces under way.
fn tags(shared: &Shared) -> Vec<CallTag> {
    let calls = shared.calls.iter();
    let own = calls.filter(|(_, call)| call.owner == Owner::Trace && call.cancelled.is_none());
    own.map(|(tag, _)| tag).collect()
}

fn end(shared: &mut Shared) {
    for tag in tags(shared) {
        shared.cancel(tag);
    }
}

/// A trace that nobody looks at any more ends.
pub fn keep_up(shared: &mut Shared) {
    if !shared.layers.iter().any(|layer| matches!(layer, Layer::Trace)) {
        end(shared);
    }
}

/// Takes what the kernel says.
pub fn item(shared: &mut Shared, item: Item) {
    match item {
        Item::Trace(TraceEvent::Functions(functions)) => {
            let trace = &mut shared.trace;
            (trace.functions, trace.state) = (functions, State::Running);
            trace.known.clear();
            ask_signatures(shared);
        }
        Item::Trace(TraceEvent::Unloaded) => {
            shared.trace.state = State::Waiting;
            shared.trace.known.clear();
        }
        Item::Trace(TraceEvent::Calls(calls)) => {
            for (index, known) in calls.functions {
                let before = shared.trace.known.get(&index).map_or(0, |(before, ..)| before.calls);
                let new = known.calls.saturating_sub(before);
                let now = shared.now_ms;
                shared.trace.known.insert(index, (known, new, calls.over_ms, now));
            }
        }
        // One that was cancelled makes room for another.
        Item::Done(Err(TargetError::Cancelled)) => {}
        Item::Done(result) => {
            let why = match result {
                Ok(()) => "it ended".to_owned(),
                Err(error) => match error.hint() {
                    Some(hint) => format!("{error}: {hint}"),
                    None => error.to_string(),
                },
            };
            shared.trace.state = State::Over(why);
        }
        _ => {}
    }
    shared.changed();
}

fn ask_signatures(shared: &mut Shared) {
    let Some(release) = shared.link.kernel.as_ref().map(|kernel| kernel.release.clone()) else {
        return;
    };
    let name = shared.trace.module.clone();
    let request = HostRequest::Signatures { release, name };
    shared.ask_host(Owner::Signatures, "read what functions take", Report::Silent, request);
}

/// Takes what this machine knows of the functions.
pub fn signatures(shared: &mut Shared, result: HostResult) {
    let trace = &mut shared.trace;
    match result {
        Ok(HostReply::Signatures(known)) => (trace.signatures, trace.unknown) = (*known, None),
        Ok(_) => {}
        Err(why) => (trace.signatures, trace.unknown) = (Signatures::default(), Some(why)),
    }
    shared.changed();
}
