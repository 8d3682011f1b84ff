// SPDX-License-Identifier: MIT OR Apache-2.0
//! A module's image: built or read, and what the file says of itself, which
//! completes the open form.

use std::sync::Arc;

use super::parameter;
use super::state::{Step, form_id, is_path, is_plain_file, module_name};
use super::steps::go_on;
use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::effect::Effect;
use crate::dashboard::core::field::Field;
use crate::dashboard::core::host::{HostRequest, Limit};
use crate::dashboard::core::layer::Message;
use crate::dashboard::core::shared::{Layer, Shared};
use crate::kernel::api::IMAGE_MAX;
use crate::kernel::modinfo::ModInfo;

pub(crate) fn start_image(shared: &mut Shared, key: &str) {
    let owner = Owner::Loader(Step::Image(key.to_owned()));
    let name = module_name(key);
    if is_plain_file(key) {
        let limit = Limit { bytes: IMAGE_MAX as u64, reason: Some("which no module has".into()) };
        let request = HostRequest::ReadFile { path: key.to_owned(), limit };
        shared.ask_host(owner, &format!("read {key}"), Report::Listed, request);
    } else {
        let line = match ringside_uapi::module(&name) {
            Some(_) if !is_path(key) => format!("ringside build  # {name}"),
            _ => format!("ringside build {key}"),
        };
        let line = shared.command_log.start(line, shared.now_ms);
        let tag = shared.call(owner, &format!("build {name}"), Report::Listed, Some(line));
        shared.effect(Effect::Host { tag, request: HostRequest::Build(key.to_owned()) });
    }
}

/// The image has arrived, or will not.
pub(crate) fn image(shared: &mut Shared, step: &Step, result: Result<Vec<u8>, String>) {
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
            shared.loader.jobs.remove(key);
            shared
                .layers
                .retain(|layer| !matches!(layer, Layer::Form(form) if form.id == form_id(key)));
            let mut lines: Vec<String> = why.lines().map(str::to_owned).collect();
            lines.truncate(40);
            shared.message(Message {
                failed: true,
                title: format!("Load {name}"),
                lines,
                remedy: vec![if is_path(key) {
                    shared.fill("Check the path: {load} asks for it again.")
                } else {
                    shared.fill(
                        "`ringside build` shows the compiler's whole output; {load} tries again.",
                    )
                }],
            });
            shared.loader.ended = true;
            return;
        }
    };
    let name = info.name().map_or(name, str::to_owned);
    shared.loader.names.insert(key.clone(), name.clone());
    let declared: Vec<Field> =
        info.parameters().map(|parameter| parameter::field(&parameter)).collect();
    let known = ringside_uapi::module(&name);
    let remembered = shared.remembered.clone();
    let id = form_id(key);
    for layer in &mut shared.layers {
        let Layer::Form(form) = layer else { continue };
        if form.id != id {
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
    shared.loader.infos.insert(name, info);
    if let Some(job) = shared.loader.jobs.get_mut(key) {
        job.image = Some(Arc::new(bytes));
    }
    shared.changed();
    go_on(shared, key);
}
