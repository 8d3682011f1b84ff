// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 7: every module of the kernel.

pub(crate) mod draw;
mod edit;
mod list;
pub(super) mod state;

use self::list::{listed_modules, selected, values};
use super::view::View;
use crate::dashboard::core::trace;
use crate::dashboard::core::{
    About, Command, HostReply, HostRequest, HostResult, Key, KeyCode, Loadable, Move, Owner,
    Report, Shared, TextField, command, is_lost,
};
use crate::dashboard::paint::Canvas;
use crate::kernel::Item;
use crate::kernel::api::{Capability, Request};
use crate::kernel::modinfo::ModInfo;
use edit::edit;
use ratatui::layout::Rect;
pub(super) use state::{Call, Modules, Sort};

/// How often what is known of the selected module is asked for again.
const EVERY_MS: u64 = 3000;

const COMMANDS: &[Command<Modules>] = &[
    command(
        "module-filter",
        &["/"],
        "Filter",
        "show only modules with this in their names",
        |view, shared| {
            shared.zoom = false;
            view.typing = Some(TextField::new(view.filter.clone()));
        },
    ),
    command(
        "module-sort",
        &["s"],
        "Sort",
        "sort the list: ours first, by name, size or users",
        |view, shared| {
            shared.zoom = false;
            let sort = &mut view.sort;
            *sort = match sort {
                Sort::Ours => Sort::Name,
                Sort::Name => Sort::Size,
                Sort::Size => Sort::Users,
                Sort::Users => Sort::Ours,
            };
        },
    ),
    command(
        "module-edit",
        &["enter"],
        "Edit",
        "go to the module's values; change the selected one",
        edit,
    )
    .when(|view, shared| match selected(view, shared) {
        Some(_) => Ok(()),
        None => Err("no module is selected".into()),
    }),
    command(
        "module-holders",
        &["o"],
        "Holders",
        "show which modules and processes have it in use",
        |view, shared| {
            let Some(name) = selected(view, shared).map(|module| module.name.clone()) else {
                return;
            };
            let title = format!("who holds {name}?");
            let request = Request::Holders { name: name.clone() };
            let owner = Owner::Holders { module: name, refused: false };
            shared.start(owner, &title, Report::Listed, request);
        },
    )
    .when(|view, shared| match selected(view, shared) {
        Some(_) => shared.can(Capability::Modules),
        None => Err("no module is selected".into()),
    }),
    command(
        "module-trace",
        &["t"],
        "Trace",
        "trace the module's functions: calls, times, last arguments, callers",
        |view, shared| {
            if let Some(name) = selected(view, shared).map(|module| module.name.clone()) {
                trace::open(shared, &name);
            }
        },
    )
    .when(|view, shared| match selected(view, shared) {
        Some(_) => shared.can(Capability::Modules),
        None => Err("no module is selected".into()),
    }),
];

const ABOUT: About = About {
    id: "modules",
    title: "Modules",
    short: "Modules",
    about: "Every module of this kernel: what it uses, who uses it, its parameters",
    shows: "every module of the kernel",
    zooms: true,
    panels: true,
    charts: true,
    ..About::BARE
};

impl View for Modules {
    type Call = Call;

    fn commands() -> &'static [Command<Self>] {
        COMMANDS
    }

    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, shared: &Shared) {
        draw::draw(canvas, area, self, shared);
    }

    /// Takes an item of one of this view's calls.
    fn on_reply(&mut self, shared: &mut Shared, call: Call, item: Item) {
        match (call, item) {
            (Call::Detail(name), Item::Module(detail)) => {
                let new = Loadable::Ready(detail);
                if self.detail != new {
                    self.detail = new;
                    shared.changed();
                }
                self.detail_of = name;
            }
            (Call::Detail(name), Item::Done(Err(error))) if !is_lost(&error) => {
                self.detail = Loadable::Failed(error);
                self.detail_of = name;
                shared.changed();
            }
            (Call::Written, Item::Done(result)) => {
                let owner = Owner::view(Call::Written);
                shared.answered(&owner, "write the value", &result);
                self.asked_ms = None;
                ask(self, shared);
            }
            _ => {}
        }
    }

    fn on_host(&mut self, shared: &mut Shared, call: Call, result: HostResult) {
        on_file(self, shared, &call, result.map(HostReply::into_bytes));
    }

    fn enter(&mut self, _: &mut Shared) {
        self.asked_ms = None;
    }

    fn tick(&mut self, shared: &mut Shared) {
        if self.asked_ms.is_none_or(|asked| shared.now_ms >= asked + EVERY_MS) {
            ask(self, shared);
        }
    }

    fn navigate(&mut self, shared: &mut Shared, to: Move) {
        match to {
            // The charts have no columns to move between.
            Move::Left | Move::Right => {
                shared.zoom = false;
                self.on_values = to == Move::Right;
            }
            _ if self.on_values && !shared.zoom => {
                let count = values(self, shared).len();
                self.value = to.apply(self.value, count, 5);
            }
            _ => {
                let listed = listed_modules(self, shared);
                let now = selected(self, shared).map(|module| module.name.as_str());
                let position = listed.iter().position(|module| Some(module.name.as_str()) == now);
                let index = to.apply(position.unwrap_or(0), listed.len(), shared.page());
                let name = listed.get(index).map(|module| module.name.clone());
                select(self, shared, name);
            }
        }
    }

    fn focus(&mut self, shared: &mut Shared, _: bool) {
        shared.zoom = false;
        self.on_values = !self.on_values;
    }

    fn key(&mut self, shared: &mut Shared, key: Key) -> bool {
        let Some(field) = &mut self.typing else {
            return false;
        };
        match key.code {
            KeyCode::Enter => {
                self.filter = field.text().to_owned();
                self.typing = None;
            }
            KeyCode::Esc => {
                self.filter.clear();
                self.typing = None;
            }
            KeyCode::Up => self.navigate(shared, Move::Up),
            KeyCode::Down => self.navigate(shared, Move::Down),
            _ => {
                field.key(key);
            }
        }
        true
    }

    fn typing(&self) -> bool {
        self.typing.is_some()
    }

    fn escape(&mut self, _: &mut Shared) -> bool {
        if self.on_values {
            self.on_values = false;
        } else if !self.filter.is_empty() {
            self.filter.clear();
        } else {
            return false;
        }
        true
    }

    fn click(&mut self, shared: &mut Shared, pane: u8, index: usize) {
        if pane == 0 {
            let name = listed_modules(self, shared).get(index).map(|module| module.name.clone());
            self.on_values = false;
            select(self, shared, name);
            return;
        }
        let again = self.on_values && self.value == index;
        self.on_values = true;
        self.value = index;
        if again {
            edit(self, shared);
        }
    }

    fn copy(&self, shared: &Shared) -> Option<String> {
        if self.on_values {
            let values = values(self, shared);
            let value = values.get(self.value)?;
            return Some(format!("{}={}", value.name, value.value.clone().unwrap_or_default()));
        }
        selected(self, shared).map(|module| module.name.clone())
    }

    fn module(&self, shared: &Shared) -> Option<String> {
        selected(self, shared).map(|module| module.name.clone())
    }

    fn lists_modules(&self) -> bool {
        true
    }

    fn modules_listed(&mut self, _: &mut Shared) {
        self.asked_ms = None;
    }

    fn new_guest(&mut self, _: &mut Shared) {
        self.detail = Loadable::Loading;
        self.detail_of.clear();
        self.fileless.clear();
        self.asked_ms = None;
    }
}

fn select(view: &mut Modules, shared: &mut Shared, name: Option<String>) {
    if view.selected != name {
        view.selected = name;
        view.value = 0;
        view.asked_ms = None;
        ask(view, shared);
    }
}

/// Looks for the file of a module that nobody loaded from here.
fn find(view: &mut Modules, shared: &mut Shared, name: &str) {
    let owner = Owner::view(Call::File(name.to_owned()));
    let known = shared.loader.info(name).is_some()
        || view.fileless.contains_key(name)
        || shared.calls.has(&owner);
    let Some(release) = shared.link.kernel.as_ref().map(|kernel| kernel.release.clone()) else {
        return;
    };
    if known {
        return;
    }
    let request = HostRequest::FindModule { release, name: name.to_owned() };
    shared.ask_host(owner, "look for the module's file", Report::Silent, request);
}

/// The file of a module was found, or not.
fn on_file(view: &mut Modules, shared: &mut Shared, call: &Call, found: Result<Vec<u8>, String>) {
    let Call::File(name) = call else { return };
    match found.and_then(|bytes| ModInfo::parse(&bytes)) {
        Ok(info) => shared.loader.learn(name, info),
        Err(why) => drop(view.fileless.insert(name.clone(), why)),
    }
    shared.changed();
}

fn ask(view: &mut Modules, shared: &mut Shared) {
    let Some(name) = selected(view, shared).map(|module| module.name.clone()) else {
        return;
    };
    find(view, shared, &name);
    let owner = Owner::view(Call::Detail(name.clone()));
    if shared.can(Capability::Modules).is_err() || shared.calls.has(&owner) {
        return;
    }
    view.asked_ms = Some(shared.now_ms);
    shared.start(owner, "ask for a module", Report::Silent, Request::Module { name });
}
