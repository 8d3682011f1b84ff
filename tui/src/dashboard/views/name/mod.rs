// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 2: the module that says hello, and the system call.

pub(crate) mod draw;
pub(super) mod state;

use crate::dashboard::core::{
    About, Command, Field, Form, Kind, Layer, Loadable, Owner, Report, Shared, command, is_lost,
};
use crate::dashboard::paint::Canvas;
use ratatui::layout::Rect;
use ringside_uapi::my_syscall::MESSAGE_MAX;

pub(super) use self::state::Name;
use self::state::{Call, MODULE, SYSCALL_SOURCE, newest};
use super::view::View;
use crate::dashboard::core::loader;
use crate::dashboard::data::lines;
use crate::kernel::Item;
use crate::kernel::api::{Capability, Request};

/// How often the system call's numbers are asked for.
const EVERY_MS: u64 = 1000;

fn can(_: &Name, shared: &Shared) -> Result<(), String> {
    shared.can(Capability::Syscall)
}

const COMMANDS: &[Command<Name>] = &[
    command(
        "greet",
        &["enter"],
        "Greet",
        "choose the parameters of my_name and load it; if it is loaded, it is unloaded first",
        |_, shared| loader::load(shared, Some(MODULE)),
    )
    .when(|_, shared| shared.can(Capability::Modules)),
    command("syscall", &["c"], "Call", "make the system call once", |_, shared| call(shared, 1))
        .when(can),
    command(
        "syscall-many",
        &["n"],
        "Call n times",
        "make the system call as often as you say",
        |_, shared| {
            let kind = Kind::Integer { min: 1, max: 1_000_000 };
            let help = "the log shows only some of many: it is rate-limited";
            let fields = vec![Field::new("times", kind, help, "10")];
            let form = Form::new("syscall", "Make the system call", fields, |form| {
                lines::syscalls(form.decimal("times"))
            });
            shared.open_form(form.submit(|_: &mut Name, shared, form| {
                call(shared, form.number("times") as u32);
            }));
        },
    )
    .when(can),
    command(
        "syscall-message",
        &["m"],
        "Message",
        "change what the system call logs",
        |view: &mut Name, shared| {
            let now = view.syscall.ready().map(|info| info.message.clone());
            let field = Field::new(
                "message",
                Kind::Text { max: MESSAGE_MAX },
                "what the system call logs",
                &now.unwrap_or_default(),
            );
            let form =
                Form::new("syscall-message", "The system call's message", vec![field], |form| {
                    lines::echo(form.text("message"), "/sys/kernel/my_syscall/message")
                });
            // The message of now, and not the one typed the last time.
            shared.open(Layer::Form(form.submit(|_: &mut Name, shared, form| {
                let message = form.text("message").to_owned();
                let request = Request::SetSyscallMessage { message };
                let owner = Owner::view(Call::Message);
                shared.hold(owner.clone(), "writing …");
                shared.start(owner, "change the message", Report::Listed, request);
            })));
        },
    )
    .when(can),
];

const ABOUT: About = About {
    id: "name",
    title: "Name & syscall",
    short: "Name",
    about: "A module that says hello when it is loaded, and a system call of our own",
    shows: "the greeting module and the system call",
    module: Some(MODULE),
    ..About::BARE
};

impl View for Name {
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
            (Call::Info, Item::Syscall(info)) if self.syscall.ready() != Some(&info) => {
                self.syscall = Loadable::Ready(info);
                shared.changed();
            }
            (Call::Info, Item::Done(Err(error))) if !is_lost(&error) => {
                let failed = Loadable::Failed(error);
                if self.syscall != failed {
                    self.syscall = failed;
                    shared.changed();
                }
            }
            (Call::Parameters, Item::Module(detail)) => {
                self.detail = Some(detail);
                shared.changed();
            }
            // Numbers that may have changed are asked for at once.
            (Call::Act, Item::Done(_)) => self.asked_ms = None,
            (Call::Message, Item::Done(result)) => {
                self.asked_ms = None;
                shared.answered(&Owner::view(Call::Message), "change the message", &result);
            }
            _ => {}
        }
    }

    fn enter(&mut self, _: &mut Shared) {
        self.asked_ms = None;
    }

    fn tick(&mut self, shared: &mut Shared) {
        let now = shared.now_ms;
        if self.asked_ms.is_some_and(|asked| now < asked + EVERY_MS) {
            return;
        }
        if can(self, shared).is_ok() && !shared.calls.has(&Owner::view(Call::Info)) {
            self.asked_ms = Some(now);
            let owner = Owner::view(Call::Info);
            shared.start(owner, "ask for the system call", Report::Silent, Request::Syscall);
        }
        // Known is what this very one runs with, and not one before it.
        let loaded = shared.loaded(MODULE).map(|module| module.instance);
        let known = self.detail.as_ref().map(|detail| detail.summary.instance);
        if loaded.is_some() && loaded != known && !shared.calls.has(&Owner::view(Call::Parameters))
        {
            self.asked_ms = Some(now);
            let owner = Owner::view(Call::Parameters);
            let request = Request::Module { name: MODULE.into() };
            shared.start(owner, "ask for its parameters", Report::Silent, request);
        } else if loaded.is_none() && known.is_some() {
            self.detail = None;
            shared.changed();
        }
    }

    fn new_guest(&mut self, _: &mut Shared) {
        *self = Self::default();
    }

    fn copy(&self, shared: &Shared) -> Option<String> {
        let mut rows = newest(shared, MODULE, 1);
        rows.extend(newest(shared, SYSCALL_SOURCE, 1));
        let newest = rows.into_iter().max_by_key(|row| row.at_us)?;
        Some(newest.text.to_string())
    }
}

fn call(shared: &mut Shared, times: u32) {
    let title = format!("make the system call {times}×");
    let request = Request::CallSyscall { times };
    shared.start(Owner::view(Call::Act), &title, Report::Shown, request);
}
