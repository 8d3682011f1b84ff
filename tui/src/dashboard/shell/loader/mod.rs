// SPDX-License-Identifier: MIT OR Apache-2.0
//! Modules on their way in and out. A job gets its image (`image`) and its
//! parameters (`form`) in any order, and goes on (`steps`) when it has both. What
//! a guest had can be loaded again (`again`) in the one after it.

mod again;
mod form;
mod image;
mod parameter;
pub mod state;
mod steps;

pub(crate) use self::again::{guest_gone, listed, offer};
use self::form::PACE;
pub use self::form::{load, parameters, slow_down};
pub(crate) use self::image::image;
use self::image::start_image;
use self::state::Job;
pub use self::state::{Loader, Step, module_name};
use self::steps::start_unload;
pub(crate) use self::steps::{holders, item};
use crate::dashboard::core::layer::{Confirm, Layer};
use crate::dashboard::core::model::Model;
use crate::dashboard::data::lines;
use crate::kernel::api::{Capability, STICK};

/// Unloads if loaded, then loads with these parameters, without a form: for
/// views that have their own.
pub fn load_with(model: &mut Model, module: &str, parameters: &str) {
    if let Err(reason) = model.link.can(Capability::Modules) {
        return model.note(format!("load {module}: {reason}"));
    }
    let job = Job {
        image: None,
        parameters: Some(parameters.to_owned()),
        unload_first: model.loaded(module).is_some(),
    };
    model.loader.jobs.insert(module.to_owned(), job);
    start_image(model, module);
}

/// Builds anew, unloads and loads again with the parameters of the last time.
pub fn reload(model: &mut Model, module: &str) {
    let ours = ringside_uapi::module(module).is_some();
    let key = match model.loader.files.get(module) {
        Some(path) => path.clone(),
        None if ours => module.to_owned(),
        None => {
            return model
                .note(format!("reload {module}: it was not loaded from here; L loads a file"));
        }
    };
    if model.loaded(module).is_none() {
        return load(model, Some(&key));
    }
    let current = model.loader.current.get(module).map(String::as_str);
    let parameters = match current.or_else(|| model.loader.last_parameters(module)) {
        Some(parameters) => parameters.to_owned(),
        None if module == ringside_uapi::kmod::MODULE.name && model.link.in_guest() => {
            format!("device={STICK}")
        }
        None if module == ringside_uapi::producer_consumer::MODULE.name => {
            format!("producer_delay={PACE} consumer_delay={PACE}")
        }
        None => String::new(),
    };
    load_with(model, &key, &parameters);
    if let Some(job) = model.loader.jobs.get_mut(&key) {
        job.unload_first = true;
    }
}

/// Asks, then unloads.
pub fn unload(model: &mut Model, module: &str) {
    if let Err(reason) = model.link.can(Capability::Modules) {
        return model.note(format!("unload {module}: {reason}"));
    }
    if model.modules.ready().is_some() && model.loaded(module).is_none() {
        return model.note(format!("{module} is not loaded"));
    }
    model.open(Layer::Confirm(Confirm {
        title: format!("Unload {module}?"),
        text: "Its counters start from nothing when it is loaded again.".into(),
        command: lines::rmmod(module),
        context: module.to_owned(),
        yes: |model, confirm| start_unload(model, &confirm.context),
    }));
}
