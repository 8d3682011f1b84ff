// SPDX-License-Identifier: MIT OR Apache-2.0
//! The modules that are listed, the selected one, and its values.

use super::state::{Modules, Sort, Value};
use crate::dashboard::core::Shared;
use crate::kernel::api::{ModuleDetail, ModuleSummary};

/// The modules that are listed, in order.
pub(crate) fn listed_modules<'a>(view: &'a Modules, shared: &'a Shared) -> Vec<&'a ModuleSummary> {
    let filter = match &view.typing {
        Some(field) => field.text(),
        None => &view.filter,
    }
    .to_lowercase();
    let modules = shared.modules.ready().map_or(&[][..], Vec::as_slice);
    let mut listed: Vec<_> =
        modules.iter().filter(|module| module.name.to_lowercase().contains(&filter)).collect();
    let ours = |module: &ModuleSummary| {
        let place = ringside_uapi::MODULES.iter().position(|entry| entry.name == module.name);
        place.unwrap_or(usize::MAX)
    };
    match view.sort {
        Sort::Ours => listed.sort_by_key(|module| (ours(module), &module.name)),
        Sort::Name => listed.sort_by_key(|module| &module.name),
        Sort::Size => listed.sort_by_key(|module| (u64::MAX - module.size, &module.name)),
        Sort::Users => listed.sort_by_key(|module| (-module.users, &module.name)),
    }
    listed
}

/// The selected module: the one selected by name while it is listed, else the first.
pub(crate) fn selected<'a>(view: &'a Modules, shared: &'a Shared) -> Option<&'a ModuleSummary> {
    let listed = listed_modules(view, shared);
    let wanted = view.selected.as_deref();
    let found = listed.iter().find(|module| Some(module.name.as_str()) == wanted);
    found.or_else(|| listed.first()).copied()
}

/// Everything about the selected module, once it has arrived.
pub(crate) fn detail<'a>(view: &'a Modules, shared: &'a Shared) -> Option<&'a ModuleDetail> {
    let of_selected = selected(view, shared).is_some_and(|module| module.name == view.detail_of);
    view.detail.ready().filter(|_| of_selected)
}

/// The parameters and controls of the selected module.
pub(crate) fn values(view: &Modules, shared: &Shared) -> Vec<Value> {
    let Some(detail) = detail(view, shared) else {
        return Vec::new();
    };
    let parameters = detail.parameters.iter().map(|parameter| Value {
        name: parameter.name.clone(),
        value: parameter.value.clone(),
        writable: parameter.writable,
        control: false,
    });
    let controls = detail.controls.iter().map(|control| {
        let live = shared.counters.control(&detail.summary.name, &control.name);
        Value {
            name: control.name.clone(),
            value: Some(live.unwrap_or(&control.value).to_owned()),
            writable: true,
            control: true,
        }
    });
    parameters.chain(controls).collect()
}
