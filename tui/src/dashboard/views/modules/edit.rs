// SPDX-License-Identifier: MIT OR Apache-2.0
//! Changing a module's values.

use super::state::Call;
use super::{selected, values};
use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::form::{Field, Form, Kind};
use crate::dashboard::core::model::Model;
use crate::dashboard::data::lines;
use crate::kernel::api::Request;

pub(crate) fn edit(model: &mut Model) {
    if !model.modules_view.on_values || model.zoom {
        model.zoom = false;
        model.modules_view.on_values = true;
        return;
    }
    let values = values(model);
    let Some(value) = values.get(model.modules_view.value) else {
        return model.note("this module shows no parameter and no control");
    };
    if !value.writable {
        return model.note(format!("{} can't be changed while the module is loaded", value.name));
    }
    let Some(module) = selected(model).map(|module| module.name.clone()) else {
        return;
    };
    let known = ringside_uapi::module(&module);
    let control = known.and_then(|known| {
        known.controls.iter().find(|control| value.control && control.name == value.name)
    });
    let (kind, help) = match control {
        Some(control) => (
            Kind::Integer { min: i128::from(control.min), max: i128::from(control.max) },
            control.help,
        ),
        None => (Kind::Text { max: 1023 }, "the new value"),
    };
    let text = value.value.clone().unwrap_or_default();
    let field = Field::new(&value.name, kind, help, &text);
    let mut form = Form::new(
        "module-value",
        &format!("{module}: {}", value.name),
        vec![field],
        |form| {
            let text = form.fields.first().map_or("", Field::text);
            lines::echo(text, &format!("/sys/module/{}", form.context))
        },
        write,
    );
    let folder = if value.control { "controls" } else { "parameters" };
    form.context = format!("{module}/{folder}/{}", value.name);
    model.open(crate::dashboard::shell::layers::Layer::Form(form));
}

fn write(model: &mut Model, form: &Form) {
    let mut parts = form.context.splitn(3, '/').map(str::to_owned);
    let (Some(module), Some(folder), Some(name)) = (parts.next(), parts.next(), parts.next())
    else {
        return;
    };
    let value = form.fields.first().map_or("", Field::text).to_owned();
    let title = format!("set {name} of {module}");
    let request = if folder == "controls" {
        Request::Set { module, control: name, value }
    } else {
        Request::SetParameter { module, parameter: name, value }
    };
    let owner = Owner::Module(Call::Written);
    model.hold(form, owner.clone(), "writing …");
    model.start(owner, &title, Report::Listed, request);
}
