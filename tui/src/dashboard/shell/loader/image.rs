// SPDX-License-Identifier: MIT OR Apache-2.0
//! A module's image: built or read, and what the file says of itself, which
//! completes the open form.

use std::sync::Arc;

use super::again::next;
use super::parameter;
use super::state::{Step, is_path, module_name};
use super::steps::go_on;
use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::effect::{Effect, Limit};
use crate::dashboard::core::form::Field;
use crate::dashboard::core::layer::{Layer, Message};
use crate::dashboard::core::model::Model;
use crate::kernel::api::IMAGE_MAX;
use crate::kernel::modinfo::ModInfo;

pub(crate) fn start_image(model: &mut Model, key: &str) {
    let owner = Owner::Loader(Step::Image(key.to_owned()));
    let name = module_name(key);
    if is_path(key) {
        let tag = model.call(owner, &format!("read {key}"), Report::Listed, None);
        let limit = Limit { bytes: IMAGE_MAX as u64, reason: Some("which no module has".into()) };
        model.effect(Effect::ReadFile { tag, path: key.to_owned(), limit });
    } else {
        let line = model.command_log.start(format!("ringside build  # {name}"), model.now_ms);
        let tag = model.call(owner, &format!("build {name}"), Report::Listed, Some(line));
        model.effect(Effect::Build { tag, name });
    }
}

/// The image has arrived, or will not.
pub(crate) fn image(model: &mut Model, step: &Step, result: Result<Vec<u8>, String>) {
    let Step::Image(key) = step else { return };
    let name = module_name(key);
    let read = result.and_then(|bytes| {
        ModInfo::parse(&bytes)
            .map(|info| (bytes, info))
            .map_err(|why| format!("{key} is not a kernel module: {why}"))
    });
    let (bytes, info) = match read {
        Ok(read) => read,
        Err(why) => {
            model.loader.jobs.remove(key);
            model
                .layers
                .retain(|layer| !matches!(layer, Layer::Form(form) if form.context == *key));
            let mut lines: Vec<String> = why.lines().map(str::to_owned).collect();
            lines.truncate(40);
            model.message(Message {
                failed: true,
                title: format!("Load {name}"),
                lines,
                remedy: vec![if is_path(key) {
                    "Check the path: L asks for it again.".into()
                } else {
                    "`ringside build` shows the compiler's whole output; L tries again.".into()
                }],
            });
            return next(model);
        }
    };
    let declared: Vec<Field> =
        info.parameters().map(|parameter| parameter::field(&parameter)).collect();
    let known = ringside_uapi::module(&name);
    let remembered = model.remembered.clone();
    for layer in &mut model.layers {
        let Layer::Form(form) = layer else { continue };
        if form.context != *key {
            continue;
        }
        form.note = info.get("description").unwrap_or("").to_owned();
        // A file may bear the name of a module of ours and be another.
        form.fields.retain(|field| declared.iter().any(|entry| entry.name == field.name));
        form.focus = form.focus.min(form.fields.len().saturating_sub(1));
        for mut field in declared.clone() {
            if known.is_some() && form.field(&field.name).is_some() {
                continue;
            }
            if let Some(value) = remembered.get(&format!("{}/{}", form.id, field.name)) {
                field.input.set(value.clone());
            }
            form.fields.push(field);
        }
    }
    model.loader.infos.insert(name, info);
    if let Some(job) = model.loader.jobs.get_mut(key) {
        job.image = Some(Arc::new(bytes));
    }
    model.changed();
    go_on(model, key);
}
