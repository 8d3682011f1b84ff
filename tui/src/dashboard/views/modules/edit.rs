// SPDX-License-Identifier: MIT OR Apache-2.0
//! Changing a module's values.

use super::list::{selected, values};
use super::state::Call;
use super::state::Modules;
use crate::dashboard::core::{Field, Form, Kind, Layer, Owner, Report, Shared};
use crate::dashboard::data::lines;
use crate::kernel::api::Request;

pub(crate) fn edit(view: &mut Modules, shared: &mut Shared) {
    if !view.on_values || shared.zoom {
        shared.zoom = false;
        view.on_values = true;
        return;
    }
    let values = values(view, shared);
    let Some(value) = values.get(view.value) else {
        return shared.note("this module shows no parameter and no control");
    };
    if !value.writable {
        return shared.note(format!("{} can't be changed while the module is loaded", value.name));
    }
    let Some(module) = selected(view, shared).map(|module| module.name.clone()) else {
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
    let title = format!("{module}: {}", value.name);
    let folder = if value.control { "controls" } else { "parameters" };
    let file = format!("/sys/module/{module}/{folder}/{}", value.name);
    let (name, control) = (value.name.clone(), value.control);
    let typed = |form: &Form| form.fields.first().map_or("", Field::text).to_owned();
    let form = Form::new("module-value", &title, vec![field], move |form| {
        lines::echo(&typed(form), &file)
    })
    .submit(move |(): &mut (), shared, form| {
        let (module, name, value) = (module.clone(), name.clone(), typed(form));
        let title = format!("set {name} of {module}");
        let request = if control {
            Request::Set { module, control: name, value }
        } else {
            Request::SetParameter { module, parameter: name, value }
        };
        let owner = Owner::view(Call::Written);
        shared.hold(owner.clone(), "writing …");
        shared.start(owner, &title, Report::Listed, request);
    });
    shared.open(Layer::Form(form));
}
