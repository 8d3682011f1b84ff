// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 7: every module of the kernel.

pub(crate) mod draw;
mod edit;
pub mod state;

use super::View;
use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::command::{Command, command};
use crate::dashboard::core::effect::Effect;
use crate::dashboard::core::event::Move;
use crate::dashboard::core::keys::{Key, KeyCode};
use crate::dashboard::core::link::is_lost;
use crate::dashboard::core::model::{Loadable, Model};
use crate::dashboard::core::text_field::TextField;
use crate::kernel::Item;
use crate::kernel::api::{Capability, ModuleDetail, ModuleSummary, Request};
use crate::kernel::modinfo::ModInfo;
use edit::edit;
pub use state::{Call, Sort, State, Value};

/// How often what is known of the selected module is asked for again.
const EVERY_MS: u64 = 3000;

/// Its commands.
pub const COMMANDS: &[Command] = &[
    command(
        "module-filter",
        &["/"],
        "Filter",
        "show only modules with this in their names",
        |model| {
            model.zoom = false;
            model.modules_view.typing = Some(TextField::new(model.modules_view.filter.clone()));
        },
    ),
    command(
        "module-sort",
        &["s"],
        "Sort",
        "sort the list: ours first, by name, size or users",
        |model| {
            model.zoom = false;
            let sort = &mut model.modules_view.sort;
            *sort = match sort {
                Sort::Ours => Sort::Name,
                Sort::Name => Sort::Size,
                Sort::Size => Sort::Users,
                Sort::Users => Sort::Ours,
            };
        },
    ),
    Command {
        enabled: |model| match selected(model) {
            Some(_) => Ok(()),
            None => Err("no module is selected".into()),
        },
        ..command(
            "module-edit",
            &["enter"],
            "Edit",
            "go to the module's values; change the selected one",
            edit,
        )
    },
    Command {
        enabled: |model| match selected(model) {
            Some(_) => model.link.can(Capability::Modules),
            None => Err("no module is selected".into()),
        },
        ..command(
            "module-holders",
            &["o"],
            "Who holds it",
            "show which modules and processes have it in use",
            |model| {
                let Some(name) = selected(model).map(|module| module.name.clone()) else {
                    return;
                };
                let title = format!("who holds {name}?");
                let request = Request::Holders { name: name.clone() };
                let owner = Owner::Holders { module: name, refused: false };
                model.start(owner, &title, Report::Listed, request);
            },
        )
    },
];

/// What it provides.
pub const VIEW: View = View {
    zooms: true,
    panels: true,
    charts: true,
    enter: |model| model.modules_view.asked_ms = None,
    tick,
    navigate,
    focus: |model, _| {
        model.zoom = false;
        let view = &mut model.modules_view;
        view.on_values = !view.on_values;
    },
    key,
    escape: |model| {
        let view = &mut model.modules_view;
        if view.on_values {
            view.on_values = false;
        } else if !view.filter.is_empty() {
            view.filter.clear();
        } else {
            return false;
        }
        true
    },
    click,
    copy: |model| {
        if model.modules_view.on_values {
            let values = values(model);
            let value = values.get(model.modules_view.value)?;
            return Some(format!("{}={}", value.name, value.value.clone().unwrap_or_default()));
        }
        selected(model).map(|module| module.name.clone())
    },
    module: |model| selected(model).map(|module| module.name.clone()),
    new_guest: |model| {
        let view = &mut model.modules_view;
        view.detail = Loadable::Loading;
        view.detail_of.clear();
        view.fileless.clear();
        view.asked_ms = None;
    },
    ..View::new(
        "Modules",
        "Every module of this kernel: what it uses, who uses it, its parameters",
        COMMANDS,
    )
};

/// The modules that are listed, in order.
pub fn listed_modules(model: &Model) -> Vec<&ModuleSummary> {
    let view = &model.modules_view;
    let filter = match &view.typing {
        Some(field) => field.text(),
        None => &view.filter,
    }
    .to_lowercase();
    let modules = model.modules.ready().map_or(&[][..], Vec::as_slice);
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
pub fn selected(model: &Model) -> Option<&ModuleSummary> {
    let listed = listed_modules(model);
    let wanted = model.modules_view.selected.as_deref();
    let found = listed.iter().find(|module| Some(module.name.as_str()) == wanted);
    found.or_else(|| listed.first()).copied()
}

/// Everything about the selected module, once it has arrived.
pub fn detail(model: &Model) -> Option<&ModuleDetail> {
    let view = &model.modules_view;
    let of_selected = selected(model).is_some_and(|module| module.name == view.detail_of);
    view.detail.ready().filter(|_| of_selected)
}

/// The parameters and controls of the selected module.
pub fn values(model: &Model) -> Vec<Value> {
    let Some(detail) = detail(model) else {
        return Vec::new();
    };
    let parameters = detail.parameters.iter().map(|parameter| Value {
        name: parameter.name.clone(),
        value: parameter.value.clone(),
        writable: parameter.writable,
        control: false,
    });
    let controls = detail.controls.iter().map(|control| {
        let live = model.counters.control(&detail.summary.name, &control.name);
        Value {
            name: control.name.clone(),
            value: Some(live.unwrap_or(&control.value).to_owned()),
            writable: true,
            control: true,
        }
    });
    parameters.chain(controls).collect()
}

fn select(model: &mut Model, name: Option<String>) {
    if model.modules_view.selected != name {
        model.modules_view.selected = name;
        model.modules_view.value = 0;
        model.modules_view.asked_ms = None;
        ask(model);
    }
}

fn navigate(model: &mut Model, to: Move) {
    match to {
        // The charts have no columns to move between.
        Move::Left | Move::Right => {
            model.zoom = false;
            model.modules_view.on_values = to == Move::Right;
        }
        _ if model.modules_view.on_values && !model.zoom => {
            let count = values(model).len();
            model.modules_view.value = to.apply(model.modules_view.value, count, 5);
        }
        _ => {
            let listed = listed_modules(model);
            let now = selected(model).map(|module| module.name.as_str());
            let position = listed.iter().position(|module| Some(module.name.as_str()) == now);
            let index = to.apply(position.unwrap_or(0), listed.len(), model.page());
            let name = listed.get(index).map(|module| module.name.clone());
            select(model, name);
        }
    }
}

fn click(model: &mut Model, pane: u8, index: usize) {
    if pane == 0 {
        let name = listed_modules(model).get(index).map(|module| module.name.clone());
        model.modules_view.on_values = false;
        select(model, name);
        return;
    }
    let again = model.modules_view.on_values && model.modules_view.value == index;
    model.modules_view.on_values = true;
    model.modules_view.value = index;
    if again {
        edit(model);
    }
}

fn key(model: &mut Model, key: Key) -> bool {
    let Some(field) = &mut model.modules_view.typing else {
        return false;
    };
    match key.code {
        KeyCode::Enter => {
            model.modules_view.filter = field.text().to_owned();
            model.modules_view.typing = None;
        }
        KeyCode::Esc => {
            model.modules_view.filter.clear();
            model.modules_view.typing = None;
        }
        KeyCode::Up => navigate(model, Move::Up),
        KeyCode::Down => navigate(model, Move::Down),
        _ => {
            field.key(key);
        }
    }
    true
}

/// The list of modules arrived.
pub(crate) fn listed(model: &mut Model) {
    model.modules_view.asked_ms = None;
}

fn tick(model: &mut Model) {
    let asked = model.modules_view.asked_ms;
    if asked.is_none_or(|asked| model.now_ms >= asked + EVERY_MS) {
        ask(model);
    }
}

/// Looks for the file of a module that nobody loaded from here.
fn find(model: &mut Model, name: &str) {
    let owner = Owner::Module(Call::File(name.to_owned()));
    let known = model.loader.info(name).is_some()
        || model.modules_view.fileless.contains_key(name)
        || model.calls.has(&owner);
    let Some(release) = model.link.kernel.as_ref().map(|kernel| kernel.release.clone()) else {
        return;
    };
    if known {
        return;
    }
    let tag = model.call(owner, "look for the module's file", Report::Silent, None);
    model.effect(Effect::FindModule { tag, release, name: name.to_owned() });
}

/// The file of a module was found, or not.
pub(crate) fn file(model: &mut Model, call: &Call, found: Result<Vec<u8>, String>) {
    let Call::File(name) = call else { return };
    match found.and_then(|bytes| ModInfo::parse(&bytes)) {
        Ok(info) => model.loader.learn(name, info),
        Err(why) => drop(model.modules_view.fileless.insert(name.clone(), why)),
    }
    model.changed();
}

fn ask(model: &mut Model) {
    let Some(name) = selected(model).map(|module| module.name.clone()) else {
        return;
    };
    find(model, &name);
    let owner = Owner::Module(Call::Detail(name.clone()));
    if model.link.can(Capability::Modules).is_err() || model.calls.has(&owner) {
        return;
    }
    model.modules_view.asked_ms = Some(model.now_ms);
    model.start(owner, "ask for a module", Report::Silent, Request::Module { name });
}

/// Takes an item of one of this view's calls.
pub fn item(model: &mut Model, call: Call, item: Item) {
    match (call, item) {
        (Call::Detail(name), Item::Module(detail)) => {
            let new = Loadable::Ready(detail);
            if model.modules_view.detail != new {
                model.modules_view.detail = new;
                model.changed();
            }
            model.modules_view.detail_of = name;
        }
        (Call::Detail(name), Item::Done(Err(error))) if !is_lost(&error) => {
            model.modules_view.detail = Loadable::Failed(error);
            model.modules_view.detail_of = name;
            model.changed();
        }
        (Call::Written, Item::Done(result)) => {
            let owner = Owner::Module(Call::Written);
            model.answered(&owner, "write the value", &result);
            model.modules_view.asked_ms = None;
            ask(model);
        }
        _ => {}
    }
}
