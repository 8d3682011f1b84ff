// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the modules of a guest run with, and the offer to load them again in the
//! guest after it.

use super::form::parameters_of;
use super::load_with;
use super::state::{Again, Step, file};
use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::layer::{Confirm, Layer};
use crate::dashboard::core::link::Connection;
use crate::dashboard::core::model::Model;
use crate::dashboard::data::lines;
use crate::kernel::Item;
use crate::kernel::api::{ParameterValue, Request};

/// The list of loaded modules arrived: asks what those run with that somebody
/// else loaded.
pub(crate) fn listed(model: &mut Model) {
    let Some(modules) = model.modules.ready() else {
        return;
    };
    let names: Vec<String> = modules.iter().map(|module| module.name.clone()).collect();
    model.loader.current.retain(|name, _| names.contains(name));
    for name in names {
        let owner = Owner::Loader(Step::Seen(name.clone()));
        if !model.loader.current.contains_key(&name) && !model.calls.has(&owner) {
            let title = "ask for a module's parameters";
            model.start(owner, title, Report::Silent, Request::Module { name });
        }
    }
}

/// What the kernel says of a module's parameters.
pub(crate) fn seen(model: &mut Model, name: &str, item: &Item) {
    if let Item::Module(detail) = item {
        let parameters = as_typed(&detail.parameters);
        model.loader.current.entry(name.to_owned()).or_insert(parameters);
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
pub(crate) fn guest_gone(model: &mut Model) {
    let modules = model.modules.ready().map_or(&[][..], Vec::as_slice);
    let loader = &model.loader;
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
        model.loader.again = again;
    }
    model.loader.forget_guest();
}

/// Offers to load again what the guest before had, once this one answers and
/// nobody types.
pub(crate) fn offer(model: &mut Model) {
    let ready = model.link.connection == Connection::Up && model.modules.ready().is_some();
    if model.loader.again.is_empty() || !ready || !model.layers.is_empty() || model.is_typing() {
        return;
    }
    let mut again = std::mem::take(&mut model.loader.again);
    again.retain(|entry| model.loaded(&entry.name).is_none());
    let lost: Vec<&str> =
        again.iter().filter(|entry| entry.key.is_none()).map(|entry| entry.name.as_str()).collect();
    let text = match lost.as_slice() {
        [] => "This guest is a new one. The one before had this, with the same parameters.".into(),
        [name] => format!("This guest is a new one. {name} was not loaded from here: L loads it."),
        names => format!(
            "This guest is a new one. {} were not loaded from here: L loads them.",
            names.join(", ")
        ),
    };
    let commands: Vec<String> = again.iter().filter_map(Again::command).collect();
    model.loader.offered = again.into_iter().filter(|entry| entry.key.is_some()).collect();
    if !commands.is_empty() {
        model.open(Layer::Confirm(Confirm {
            title: "Load again what was loaded?".into(),
            text,
            command: commands.join("\n"),
            context: String::new(),
            yes: |model, _| {
                model.loader.queue = std::mem::take(&mut model.loader.offered).into();
                next(model);
            },
        }));
    }
}

/// Loads the next of those that are to be loaded again.
pub(crate) fn next(model: &mut Model) {
    while let Some(entry) = model.loader.queue.pop_front() {
        let Some(key) = entry.key else { continue };
        if model.loaded(&entry.name).is_none() {
            return load_with(model, &key, &entry.parameters);
        }
    }
}

impl Again {
    /// What a person would type.
    fn command(&self) -> Option<String> {
        Some(lines::insmod(&file(self.key.as_deref()?), &self.parameters))
    }
}
