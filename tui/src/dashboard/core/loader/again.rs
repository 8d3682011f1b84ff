// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the modules of a guest run with, and the offer to load them again in the
//! guest after it.

use std::collections::BTreeMap;

use super::jobs::load_with;
use super::state::{Again, Step, file, parameters_of};
use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::link::Connection;
use crate::dashboard::core::shared::Shared;
use crate::dashboard::data::lines;
use crate::kernel::Item;
use crate::kernel::api::{ParameterValue, Request};

/// The list of loaded modules arrived: asks what those run with that somebody
/// else loaded.
pub(crate) fn listed(shared: &mut Shared) {
    let Some(modules) = shared.modules.ready() else {
        return;
    };
    let names: Vec<String> = modules.iter().map(|module| module.name.clone()).collect();
    shared.loader.current.retain(|name, _| names.contains(name));
    let others = modules.iter().filter(|module| !module.ours);
    let others = others.filter_map(|module| Some((module.name.clone(), not_ours(&module.name)?)));
    let others: BTreeMap<String, String> = others.collect();
    for (name, note) in &others {
        if !shared.loader.not_ours.contains(name) {
            shared.note(note.clone());
        }
    }
    shared.loader.not_ours = others.into_keys().collect();
    for name in names {
        let owner = Owner::Loader(Step::Seen(name.clone()));
        if !shared.loader.current.contains_key(&name) && !shared.calls.has(&owner) {
            let title = "ask for a module's parameters";
            shared.start(owner, title, Report::Silent, Request::Module { name });
        }
    }
}

/// What is said of a module that only bears the name of one of ours.
fn not_ours(name: &str) -> Option<String> {
    // A row of 80 columns has to do.
    let rest = match ringside_uapi::module(name)?.name {
        "memalloc" => "no counters, no WALK; the rest works",
        "kmod" => "no counters, no SYNC; read and write work",
        "producer_consumer" => "no counters; its view lists its threads",
        _ => "no counters",
    };
    Some(format!("{name} is not Ringside's: {rest}"))
}

/// What the kernel says of a module's parameters.
pub(crate) fn seen(shared: &mut Shared, name: &str, item: &Item) {
    if let Item::Module(detail) = item {
        let parameters = as_typed(&detail.parameters);
        shared.loader.current.entry(name.to_owned()).or_insert(parameters);
    }
}

/// As `insmod` takes them. What was never given, and what no command line can
/// say, is left out.
fn as_typed(parameters: &[ParameterValue]) -> String {
    let told = parameters.iter().filter_map(|parameter| {
        let value = parameter.value.as_deref()?;
        let sayable = !value.is_empty() && value != "(null)" && !value.contains('"');
        sayable.then_some((parameter.name.as_str(), value))
    });
    parameters_of(told)
}

/// The guest is gone, and with it what was loaded: notes what that was, oldest
/// first, since a module may need those before it.
pub(crate) fn guest_gone(shared: &mut Shared) {
    let modules = shared.modules.ready().map_or(&[][..], Vec::as_slice);
    let loader = &shared.loader;
    let again: Vec<Again> = modules
        .iter()
        .rev()
        .map(|module| {
            let name = module.name.clone();
            let ours = ringside_uapi::module(&name).is_some().then(|| name.clone());
            Again {
                key: loader.files.get(&name).cloned().or(ours),
                parameters: loader.current.get(&name).cloned().unwrap_or_default(),
                name,
            }
        })
        .collect();
    // Of a guest that died before it told what it has, the offer of before holds.
    if !again.is_empty() {
        shared.loader.again = again;
    }
    shared.loader.forget_guest();
}

/// Offers to load again what the guest before had, once this one answers and
/// nobody types (into a form; whether into a view, the caller knows).
pub(crate) fn offer(shared: &mut Shared) {
    let ready = shared.link.connection == Connection::Up && shared.modules.ready().is_some();
    if shared.loader.again.is_empty() || !ready || !shared.layers.is_empty() {
        return;
    }
    let mut again = std::mem::take(&mut shared.loader.again);
    again.retain(|entry| shared.loaded(&entry.name).is_none());
    let lost: Vec<&str> =
        again.iter().filter(|entry| entry.key.is_none()).map(|entry| entry.name.as_str()).collect();
    let text = match lost.as_slice() {
        [] => "This guest is a new one. The one before had this, with the same parameters.".into(),
        [name] => {
            let load = shared.keymap.press("load");
            format!("This guest is a new one. {name} was not loaded from here: {load} loads it.")
        }
        names => format!(
            "This guest is a new one. {} were not loaded from here: {} loads them.",
            names.join(", "),
            shared.keymap.press("load")
        ),
    };
    let commands: Vec<String> = again.iter().filter_map(Again::command).collect();
    shared.loader.offered = again.into_iter().filter(|entry| entry.key.is_some()).collect();
    if !commands.is_empty() {
        let title = "Load again what was loaded?";
        shared.confirm(title, text, commands.join("\n"), |(): &mut (), shared| {
            shared.loader.queue = std::mem::take(&mut shared.loader.offered).into();
            shared.loader.ended = true;
        });
    }
}

/// Loads the next of those that are to be loaded again, once the one before is done.
pub(crate) fn next(shared: &mut Shared) {
    if !std::mem::take(&mut shared.loader.ended) {
        return;
    }
    while let Some(entry) = shared.loader.queue.pop_front() {
        let Some(key) = entry.key else { continue };
        if shared.loaded(&entry.name).is_none() {
            return load_with(shared, &key, &entry.parameters);
        }
    }
}

impl Again {
    /// What a person would type.
    fn command(&self) -> Option<String> {
        Some(lines::insmod(&file(self.key.as_deref()?), &self.parameters))
    }
}
