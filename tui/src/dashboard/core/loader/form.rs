// SPDX-License-Identifier: MIT OR Apache-2.0
//! The forms that ask what to load, and with which parameters.

use super::image::start_image;
use super::state::{Job, PACE, file, form_id, is_plain_file, module_name, parameters_of};
use super::steps::go_on;
use crate::dashboard::core::field::{Field, Kind, Paths};
use crate::dashboard::core::shared::{Form, Shared};
use crate::dashboard::data::duration;
use crate::dashboard::data::lines;
use crate::kernel::api::{Capability, STICK};

/// Opens the form to load a module of ours or a file, or, with `None`, the
/// one that asks which. A module that is loaded by then is unloaded first.
pub fn load(shared: &mut Shared, module: Option<&str>) {
    let Some(key) = module else {
        return choose(shared);
    };
    if let Err(reason) = shared.can(Capability::Modules) {
        return shared.note(format!("load {key}: {reason}"));
    }
    let name = module_name(key);
    let known = ringside_uapi::module(&name);
    let mut fields: Vec<Field> = Vec::new();
    if let Some(known) = known {
        fields.extend(known.parameters.iter().map(Field::parameter));
        use_stick(shared, &name, &mut fields);
        slow_down(&name, &mut fields);
    }
    let again = shared.loaded(&name).is_some();
    let title = if again { format!("Load {name} again") } else { format!("Load {name}") };
    let id = form_id(key);
    let (shown, submitted) = (key.to_owned(), key.to_owned());
    let form = Form::new(&id, &title, fields, move |form| preview(&shown, again, form))
        .note(if is_plain_file(key) { "reading the file …" } else { "building …" })
        .check(|(): &(), _, form| check(form))
        .submit(move |(): &mut (), shared, form| submit(shared, &submitted, form));
    shared.loader.jobs.insert(key.to_owned(), Job::default());
    start_image(shared, key);
    shared.open_form(form);
}

/// In a lab's guest the stick always has the same name.
fn use_stick(shared: &Shared, name: &str, fields: &mut [Field]) {
    if name == ringside_uapi::kmod::MODULE.name && shared.link.in_guest() {
        for field in fields.iter_mut().filter(|field| field.name == "device") {
            field.input.set(STICK);
        }
    }
}

/// At full speed there is nothing to be seen.
pub fn slow_down(name: &str, fields: &mut [Field]) {
    let ours = name == ringside_uapi::producer_consumer::MODULE.name;
    for field in
        fields.iter_mut().filter(|field| ours && matches!(field.kind, Kind::Duration { .. }))
    {
        field.input.set(duration::text(PACE));
    }
}

fn choose(shared: &mut Shared) {
    let ours: Vec<_> = ringside_uapi::MODULES.iter().map(|module| module.name).collect();
    let help = format!(
        "one of {}, what you built before, or the path of a folder or .ko file",
        ours.join(", ")
    );
    let field = Field::new("module", Kind::Path(Paths::Modules), &help, "");
    let preview = |form: &Form| match form.text("module").trim() {
        "" => format!("insmod {}", lines::UNKNOWN),
        module => lines::insmod(&file(module), ""),
    };
    let form = Form::new("load", "Load a module", vec![field], preview)
        .check(|(): &(), _, form| {
            let text = form.text("module").trim();
            text.is_empty().then(|| "name a module, a folder or a file".into())
        })
        .submit(|(): &mut (), shared, form| load(shared, Some(form.text("module").trim())));
    shared.open_form(form);
}

/// The parameters as `insmod` takes them.
pub fn parameters(form: &Form) -> String {
    let set = form.fields.iter().filter(|field| !(field.optional && field.text().is_empty()));
    let values: Vec<_> = set.map(|field| (field.name.as_str(), field.value())).collect();
    parameters_of(values.iter().map(|(name, value)| (*name, value.as_str())))
}

fn preview(key: &str, again: bool, form: &Form) -> String {
    let insmod = lines::insmod(&file(key), &parameters(form));
    if again { format!("{}\n{insmod}", lines::rmmod(&module_name(key))) } else { insmod }
}

fn check(form: &Form) -> Option<String> {
    let quoted = form.fields.iter().find(|field| field.text().contains('"'));
    quoted.map(|field| format!("{}: the kernel can't take a \" in a value", field.name))
}

fn submit(shared: &mut Shared, key: &str, form: &Form) {
    let loaded = shared.loaded(&shared.loader.name(key)).is_some();
    let job = shared.loader.jobs.entry(key.to_owned()).or_default();
    job.parameters = Some(parameters(form));
    job.unload_first = loaded;
    job.from_form = true;
    go_on(shared, key);
}
