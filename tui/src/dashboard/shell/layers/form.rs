// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys in a form: completing a path, going on, and what comes of it.

use crate::dashboard::core::{Effect, Form, HostRequest, Key, KeyCode, Layer, Owner, Report};
use crate::dashboard::shell::model::Model;

pub(super) fn key(model: &mut Model, form: &mut Form, key: Key) -> bool {
    if key.code == KeyCode::Tab
        && let Some((field, which)) = form.path()
    {
        let (form, field, text) = (form.id.clone(), field.name.clone(), field.text().to_owned());
        let request = HostRequest::Complete { path: text.clone(), which };
        let owner = Owner::Path { form, field, text };
        model.ask_host(owner, "complete a path", Report::Silent, request);
        return true;
    }
    if key.code != KeyCode::Enter {
        form.key(key);
        return true;
    }
    if form.held.is_some() {
        return true;
    }
    form.refused = None;
    let of = form.view();
    if let Some(error) = form.error(model.views.state(of), &model.shared) {
        form.focus_on(&error);
        return true;
    }
    for field in &form.fields {
        let name = format!("{}/{}", form.id, field.name);
        model.remembered.insert(name, field.text().to_owned());
    }
    let remembered = model.remembered.clone();
    model.effect(Effect::Remember(remembered));
    let Model { views, shared, .. } = model;
    form.run(views.state_mut(of), shared);
    match shared.holding.take() {
        Some(mut held) => {
            held.note = std::mem::replace(&mut form.note, held.note);
            form.held = Some(held);
            true
        }
        None => false,
    }
}

/// What a path may go on with has arrived. Where it goes on with nothing, Tab does
/// what it does everywhere else: it goes to the next field.
pub(crate) fn completed(
    model: &mut Model,
    (id, name, asked): (&str, &str, &str),
    path: String,
    names: Vec<String>,
) {
    let Some(Layer::Form(form)) = model.shared.layers.last_mut() else {
        return;
    };
    let Some(field) = form.fields.get_mut(form.focus) else {
        return;
    };
    if form.id != id || field.name != name || field.text() != asked {
        return;
    }
    if !field.complete(asked, path, names) {
        form.key(Key::plain(KeyCode::Tab));
    }
    model.changed();
}
