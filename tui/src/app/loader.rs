// SPDX-License-Identifier: MIT OR Apache-2.0
//! Modules on their way in and out: image, form, unload, load.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::advice::{self, Doing};
use super::calls::{Owner, Report};
use super::effect::Effect;
use super::form::{Field, Form, Kind};
use super::layer::{Confirm, Layer, Message};
use super::model::Model;
use super::modinfo;
use super::streams;
use crate::target::api::{Capability, Holder, Request};
use crate::target::modinfo::ModInfo;
use crate::target::{Item, TargetError};

/// A step of loading, unloading or reloading; the text is the job's key: the
/// module's name or the path of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The image is being built or read.
    Image(String),
    /// The kernel takes the module.
    Load(String),
    /// The kernel lets the module go.
    Unload(String),
}

/// A module on its way in.
#[derive(Clone, Debug, Default)]
struct Job {
    image: Option<Arc<Vec<u8>>>,
    parameters: Option<String>,
    unload_first: bool,
}

/// Modules on their way in and out, and what is known of their files.
#[derive(Clone, Debug, Default)]
pub struct Loader {
    jobs: BTreeMap<String, Job>,
    last_parameters: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
    infos: BTreeMap<String, ModInfo>,
}

impl Loader {
    /// What the file of a module says of itself, once the file was read.
    pub fn info(&self, module: &str) -> Option<&ModInfo> {
        self.infos.get(module)
    }

    /// The parameters it was loaded with the last time, from here.
    pub fn last_parameters(&self, module: &str) -> Option<&str> {
        self.last_parameters.get(module).map(String::as_str)
    }

    pub(super) fn forget_guest(&mut self) {
        self.jobs.clear();
    }
}

/// The module's name in a path: `/x/my-mod.ko` is `my_mod`.
pub fn module_name(key: &str) -> String {
    let file = key.rsplit('/').next().unwrap_or(key);
    file.strip_suffix(".ko").unwrap_or(file).replace('-', "_")
}

fn is_path(key: &str) -> bool {
    key.contains('/') || key.ends_with(".ko")
}

/// Opens the form to load a module of ours or a file, or, with `None`, the
/// one that asks which.
pub fn load(model: &mut Model, module: Option<&str>) {
    let Some(key) = module else {
        return choose(model);
    };
    if let Err(reason) = model.link.can(Capability::Modules) {
        return model.note(format!("load {key}: {reason}"));
    }
    let name = module_name(key);
    let known = ringside_uapi::module(&name);
    let mut fields: Vec<Field> = Vec::new();
    if let Some(known) = known {
        fields.extend(known.parameters.iter().map(Field::parameter));
        use_stick(model, &name, &mut fields);
    }
    let mut form = Form::new(
        &format!("load/{name}"),
        &format!("Load {name}"),
        fields,
        preview,
        submit,
    );
    form.context = key.to_owned();
    form.check = check;
    form.note = if is_path(key) {
        "reading the file …"
    } else {
        "building …"
    }
    .into();
    model.loader.jobs.insert(key.to_owned(), Job::default());
    start_image(model, key);
    model.open_form(form);
}

/// In a lab's guest the stick always has the same name.
fn use_stick(model: &Model, name: &str, fields: &mut [Field]) {
    let guest = model
        .link
        .kernel
        .as_ref()
        .is_some_and(|kernel| kernel.guest);
    if name == ringside_uapi::kmod::MODULE.name && guest {
        for field in fields.iter_mut().filter(|field| field.name == "device") {
            field.input.set("/dev/ringside-usb");
        }
    }
}

fn choose(model: &mut Model) {
    let ours: Vec<_> = ringside_uapi::MODULES
        .iter()
        .map(|module| module.name)
        .collect();
    let help = format!("one of {}, or the path of a .ko file", ours.join(", "));
    let field = Field::new("module", Kind::Text { max: 4096 }, &help, "");
    let mut form = Form::new(
        "load",
        "Load a module",
        vec![field],
        |form| format!("insmod {}", form.text("module")),
        |model, form| {
            let key = form.text("module").trim().to_owned();
            load(model, Some(&key));
        },
    );
    form.check = |_, form| {
        let text = form.text("module").trim();
        if text.is_empty() {
            return Some("name a module or a file".into());
        }
        let known = is_path(text) || ringside_uapi::module(text).is_some();
        (!known).then(|| "neither a module of ours nor the path of a .ko file".into())
    };
    model.open_form(form);
}

fn start_image(model: &mut Model, key: &str) {
    let owner = Owner::Loader(Step::Image(key.to_owned()));
    let name = module_name(key);
    if is_path(key) {
        let tag = model.call(owner, &format!("read {key}"), Report::Listed, None);
        model.effect(Effect::ReadFile {
            tag,
            path: key.to_owned(),
        });
    } else {
        let line = model
            .command_log
            .start(format!("ringside build  # {name}"), model.now_ms);
        let tag = model.call(owner, &format!("build {name}"), Report::Listed, Some(line));
        model.effect(Effect::Build { tag, name });
    }
}

/// The parameters as `insmod` takes them.
pub fn parameters(form: &Form) -> String {
    let set = form
        .fields
        .iter()
        .filter(|field| !(field.optional && field.text().is_empty()));
    let words = set.map(|field| {
        let (name, value) = (&field.name, field.text());
        if value.contains(char::is_whitespace) {
            format!("{name}=\"{value}\"")
        } else {
            format!("{name}={value}")
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn preview(form: &Form) -> String {
    let name = module_name(&form.context);
    format!("insmod {name}.ko {}", parameters(form))
        .trim_end()
        .to_owned()
}

fn check(_: &Model, form: &Form) -> Option<String> {
    let quoted = form.fields.iter().find(|field| field.text().contains('"'));
    quoted.map(|field| format!("{}: the kernel can't take a \" in a value", field.name))
}

fn submit(model: &mut Model, form: &Form) {
    let key = form.context.clone();
    let job = model.loader.jobs.entry(key.clone()).or_default();
    job.parameters = Some(parameters(form));
    go_on(model, &key);
}

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
            return model.note(format!(
                "reload {module}: it was not loaded from here; L loads a file"
            ));
        }
    };
    if model.loaded(module).is_none() {
        return load(model, Some(&key));
    }
    let parameters = match model.loader.last_parameters(module) {
        Some(parameters) => parameters.to_owned(),
        None if module == ringside_uapi::kmod::MODULE.name => {
            let guest = model
                .link
                .kernel
                .as_ref()
                .is_some_and(|kernel| kernel.guest);
            if guest {
                "device=/dev/ringside-usb".into()
            } else {
                String::new()
            }
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
        command: format!("rmmod {module}"),
        context: module.to_owned(),
        yes: |model, confirm| start_unload(model, &confirm.context),
    }));
}

fn start_unload(model: &mut Model, key: &str) {
    let name = module_name(key);
    let owner = Owner::Loader(Step::Unload(key.to_owned()));
    let title = format!("unload {name}");
    model.start(owner, &title, Report::Listed, Request::Unload { name });
}

/// The next step of a job, as soon as everything for it is there.
fn go_on(model: &mut Model, key: &str) {
    let Some(job) = model.loader.jobs.get(key) else {
        return;
    };
    let (Some(image), Some(parameters)) = (job.image.clone(), job.parameters.clone()) else {
        return;
    };
    let name = module_name(key);
    if job.unload_first {
        return start_unload(model, key);
    }
    model
        .loader
        .last_parameters
        .insert(name.clone(), parameters.clone());
    if is_path(key) {
        model.loader.files.insert(name.clone(), key.to_owned());
    }
    let owner = Owner::Loader(Step::Load(key.to_owned()));
    let title = format!("load {name}");
    let request = Request::Load { name, parameters };
    model.start_with(owner, &title, Report::Listed, request, image);
}

/// The image has arrived, or will not.
pub(super) fn image(model: &mut Model, step: &Step, result: Result<Vec<u8>, String>) {
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
            return model.message(Message {
                title: format!("Load {name}"),
                lines,
                remedy: vec![if is_path(key) {
                    "Check the path: L asks for it again.".into()
                } else {
                    "`ringside build` shows the compiler's whole output; L tries again.".into()
                }],
            });
        }
    };
    let declared: Vec<Field> = info
        .parameters()
        .map(|parameter| modinfo::field(&parameter))
        .collect();
    let known = ringside_uapi::module(&name);
    let remembered = model.remembered.clone();
    for layer in &mut model.layers {
        let Layer::Form(form) = layer else { continue };
        if form.context != *key {
            continue;
        }
        form.note = info.get("description").unwrap_or("").to_owned();
        // A file may bear the name of a module of ours and be another.
        form.fields
            .retain(|field| declared.iter().any(|entry| entry.name == field.name));
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

/// Takes an item of a load or an unload.
pub(super) fn item(model: &mut Model, step: &Step, item: Item) {
    let Item::Done(result) = item else { return };
    streams::modules_changed(model);
    match (step, result) {
        (Step::Unload(key), Ok(())) => {
            let name = module_name(key);
            match model.loader.jobs.get_mut(key) {
                Some(job) if job.unload_first => {
                    job.unload_first = false;
                    go_on(model, key);
                }
                _ => model.done(format!("{name} unloaded")),
            }
        }
        (Step::Unload(key), Err(error)) => {
            model.loader.jobs.remove(key);
            let name = module_name(key);
            if matches!(&error, TargetError::Errno { errno, .. } if *errno == nix::libc::EBUSY) {
                let request = Request::Holders { name: name.clone() };
                let title = format!("who holds {name}?");
                model.start(Owner::Holders(name), &title, Report::Silent, request);
            } else {
                failed(model, &format!("Unload {name}"), Doing::Unload, &error);
            }
        }
        (Step::Load(key), Ok(())) => {
            model.loader.jobs.remove(key);
            model.done(format!("{} loaded", module_name(key)));
        }
        (Step::Load(key), Err(error)) => {
            model.loader.jobs.remove(key);
            failed(
                model,
                &format!("Load {}", module_name(key)),
                Doing::Load,
                &error,
            );
        }
        (Step::Image(_), _) => {}
    }
}

fn failed(model: &mut Model, title: &str, doing: Doing, error: &TargetError) {
    if *error == TargetError::Cancelled {
        model.note(format!("{title}: cancelled"));
    } else {
        model.message(advice::explain(title, doing, error));
    }
}

/// Who holds a module that would not go.
pub(super) fn holders(model: &mut Model, module: &str, item: Item) {
    let busy = TargetError::errno(nix::libc::EBUSY, format!("unload module {module}"));
    let mut message = advice::explain(&format!("Unload {module}"), Doing::Unload, &busy);
    match item {
        Item::Holders(holders) => {
            message
                .lines
                .extend(holders.iter().map(|holder| match holder {
                    Holder::Module(name) => format!("  module {name} uses it"),
                    Holder::Process { pid, comm, what } => {
                        format!("  process {pid} ({comm}): {what}")
                    }
                }));
            if holders.is_empty() {
                message
                    .lines
                    .push("  nobody can be seen to hold it; it may just have let go".into());
            }
        }
        Item::Done(Err(error)) => message
            .lines
            .push(format!("  who it is can't be seen: {error}")),
        _ => return,
    }
    model.message(message);
}
