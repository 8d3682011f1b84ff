// SPDX-License-Identifier: MIT OR Apache-2.0
//! Starts jobs: load with parameters, reload, unload.

use super::form::load;
use super::image::start_image;
use super::state::{Job, PACE};
use super::steps::start_unload;
use crate::dashboard::core::shared::Shared;
use crate::dashboard::data::lines;
use crate::kernel::api::{Capability, STICK};

/// Unloads if loaded, then loads with these parameters, without a form: for
/// views that have their own.
pub(crate) fn load_with(shared: &mut Shared, module: &str, parameters: &str) {
    if let Err(reason) = shared.can(Capability::Modules) {
        return shared.note(format!("load {module}: {reason}"));
    }
    let job = Job {
        image: None,
        parameters: Some(parameters.to_owned()),
        unload_first: shared.loaded(module).is_some(),
        from_form: false,
    };
    shared.loader.jobs.insert(module.to_owned(), job);
    start_image(shared, module);
}

/// Builds again, unloads and loads with the parameters of the last time.
pub(crate) fn reload(shared: &mut Shared, module: &str) {
    let ours = ringside_uapi::module(module).is_some();
    let key = match shared.loader.files.get(module) {
        Some(path) => path.clone(),
        None if ours => module.to_owned(),
        None => {
            let text = shared.fill("it was not loaded from here; {load} loads a file");
            return shared.note(format!("reload {module}: {text}"));
        }
    };
    if shared.loaded(module).is_none() {
        return load(shared, Some(&key));
    }
    let current = shared.loader.current.get(module).map(String::as_str);
    let parameters = match current.or_else(|| shared.loader.last_parameters(module)) {
        Some(parameters) => parameters.to_owned(),
        None if module == ringside_uapi::kmod::MODULE.name && shared.link.in_guest() => {
            format!("device={STICK}")
        }
        None if module == ringside_uapi::producer_consumer::MODULE.name => {
            format!("producer_delay={PACE} consumer_delay={PACE}")
        }
        None => String::new(),
    };
    load_with(shared, &key, &parameters);
    if let Some(job) = shared.loader.jobs.get_mut(&key) {
        job.unload_first = true;
    }
}

/// Asks, then unloads.
pub(crate) fn unload(shared: &mut Shared, module: &str) {
    if let Err(reason) = shared.can(Capability::Modules) {
        return shared.note(format!("unload {module}: {reason}"));
    }
    if shared.modules.ready().is_some() && shared.loaded(module).is_none() {
        return shared.note(format!("{module} is not loaded"));
    }
    let (key, title) = (module.to_owned(), format!("Unload {module}?"));
    let text = "Its counters start from nothing when it is loaded again.";
    let yes = move |(): &mut (), shared: &mut Shared| start_unload(shared, &key);
    shared.confirm(title, text, lines::rmmod(module), yes);
}
