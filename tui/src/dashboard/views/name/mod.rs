// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 2: the module that says hello, and the system call.

pub(crate) mod draw;
pub mod state;

use ringside_uapi::my_syscall::MESSAGE_MAX;

use self::state::{Call, State};
use super::view::View;
use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::command::Command;
use crate::dashboard::core::form::{Field, Form, Kind};
use crate::dashboard::core::link::is_lost;
use crate::dashboard::core::loadable::Loadable;
use crate::dashboard::core::model::Model;
use crate::dashboard::data::lines;
use crate::dashboard::data::log::Row;
use crate::dashboard::shell::loader;
use crate::kernel::Item;
use crate::kernel::api::{Capability, Request};

/// The module of this view.
pub const MODULE: &str = "my_name";
/// How the system call's log lines begin.
pub const SYSCALL_SOURCE: &str = "my_syscall";
/// How often the system call's numbers are asked for.
const EVERY_MS: u64 = 1000;

fn can(model: &Model) -> Result<(), String> {
    model.link.can(Capability::Syscall)
}

/// Its commands.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "greet",
        keys: &["enter"],
        title: "Greet",
        help: "choose the parameters of my_name and load it; if it is loaded, it is unloaded first",
        hint: true,
        enabled: |model| model.link.can(Capability::Modules),
        run: |model| loader::load(model, Some(MODULE)),
    },
    Command {
        name: "syscall",
        keys: &["c"],
        title: "Call",
        help: "make the system call once",
        hint: true,
        enabled: can,
        run: |model| call(model, 1),
    },
    Command {
        name: "syscall-many",
        keys: &["n"],
        title: "Call n times",
        help: "make the system call as often as you say",
        hint: true,
        enabled: can,
        run: |model| {
            let kind = Kind::Integer { min: 1, max: 1_000_000 };
            let help = "the log shows only some of many: it is rate-limited";
            let form = Form::new(
                "syscall",
                "Make the system call",
                vec![Field::new("times", kind, help, "10")],
                |form| lines::syscalls(form.decimal("times")),
                |model, form| call(model, form.number("times") as u32),
            );
            model.open_form(form);
        },
    },
    Command {
        name: "syscall-message",
        keys: &["m"],
        title: "Message",
        help: "change what the system call logs",
        hint: true,
        enabled: can,
        run: |model| {
            let now = model.name.syscall.ready().map(|info| info.message.clone());
            let field = Field::new(
                "message",
                Kind::Text { max: MESSAGE_MAX },
                "what the system call logs",
                &now.unwrap_or_default(),
            );
            let form = Form::new(
                "syscall-message",
                "The system call's message",
                vec![field],
                |form| lines::echo(form.text("message"), "/sys/kernel/my_syscall/message"),
                |model, form| {
                    let message = form.text("message").to_owned();
                    let request = Request::SetSyscallMessage { message };
                    let owner = Owner::Name(Call::Message);
                    model.hold(form, owner.clone(), "writing …");
                    model.start(owner, "change the message", Report::Listed, request);
                },
            );
            // The message of now, and not the one typed the last time.
            model.open(crate::dashboard::core::layer::Layer::Form(form));
        },
    },
];

/// What it provides.
pub const VIEW: View = View {
    module: |_| Some(MODULE.into()),
    enter: |model| model.name.asked_ms = None,
    tick,
    new_guest: |model| model.name = State::default(),
    copy: |model| {
        let mut rows = newest(model, MODULE, 1);
        rows.extend(newest(model, SYSCALL_SOURCE, 1));
        let newest = rows.into_iter().max_by_key(|row| row.at_us)?;
        Some(newest.text.to_string())
    },
    ..View::new(
        "Name & syscall",
        "A module that says hello when it is loaded, and a system call of our own",
        COMMANDS,
    )
};

fn call(model: &mut Model, times: u32) {
    let title = format!("make the system call {times}×");
    let request = Request::CallSyscall { times };
    model.start(Owner::Name(Call::Act), &title, Report::Shown, request);
}

fn tick(model: &mut Model) {
    let now = model.now_ms;
    if model.name.asked_ms.is_some_and(|asked| now < asked + EVERY_MS) {
        return;
    }
    if can(model).is_ok() && !model.calls.has(&Owner::Name(Call::Info)) {
        model.name.asked_ms = Some(now);
        let owner = Owner::Name(Call::Info);
        model.start(owner, "ask for the system call", Report::Silent, Request::Syscall);
    }
    // Known is what this very one runs with, and not one before it.
    let loaded = model.loaded(MODULE).map(|module| module.instance);
    let known = model.name.detail.as_ref().map(|detail| detail.summary.instance);
    if loaded.is_some() && loaded != known && !model.calls.has(&Owner::Name(Call::Parameters)) {
        model.name.asked_ms = Some(now);
        let owner = Owner::Name(Call::Parameters);
        let request = Request::Module { name: MODULE.into() };
        model.start(owner, "ask for its parameters", Report::Silent, request);
    } else if loaded.is_none() && known.is_some() {
        model.name.detail = None;
        model.changed();
    }
}

/// Takes an item of one of this view's calls.
pub fn item(model: &mut Model, call: Call, item: Item) {
    match (call, item) {
        (Call::Info, Item::Syscall(info)) if model.name.syscall.ready() != Some(&info) => {
            model.name.syscall = Loadable::Ready(info);
            model.changed();
        }
        (Call::Info, Item::Done(Err(error))) if !is_lost(&error) => {
            let failed = Loadable::Failed(error);
            if model.name.syscall != failed {
                model.name.syscall = failed;
                model.changed();
            }
        }
        (Call::Parameters, Item::Module(detail)) => {
            model.name.detail = Some(detail);
            model.changed();
        }
        // Numbers that may have changed are asked for at once.
        (Call::Act, Item::Done(_)) => model.name.asked_ms = None,
        (Call::Message, Item::Done(result)) => {
            model.name.asked_ms = None;
            model.answered(&Owner::Name(Call::Message), "change the message", &result);
        }
        _ => {}
    }
}

/// The newest records of a source, newest first.
pub fn newest<'a>(model: &'a Model, source: &'a str, count: usize) -> Vec<&'a Row> {
    let end = model.freeze.map_or(model.log.end(), |freeze| freeze.log_end);
    let log = &model.log;
    let found = log.newest(end, 20_000, move |row| log.source(row) == source);
    found.take(count).map(|(_, row)| row).collect()
}
