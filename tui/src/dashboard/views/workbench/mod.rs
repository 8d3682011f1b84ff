// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 8: a folder whose module is built, loaded and run again on every save.

pub(crate) mod draw;
mod forms;
mod news;
pub(crate) mod state;
#[cfg(test)]
mod tests;
mod watching;

use ratatui::layout::Rect;

pub(super) use self::state::Workbench;
use self::state::{Call, Main, Phase};
use super::view::View;
use crate::dashboard::core::trace;
use crate::dashboard::core::workbench::Order;
use crate::dashboard::core::{About, Command, HostResult, Message, Move, Owner, Shared, command};
use crate::dashboard::paint::Canvas;
use crate::kernel::api::Capability;

fn watched(view: &Workbench, shared: &Shared) -> Result<(), String> {
    if watching::is_watched(view) {
        Ok(())
    } else {
        Err(shared.fill("no folder is open: {workbench-open} opens one"))
    }
}

fn several(view: &Workbench, _: &Shared) -> Result<(), String> {
    match view.rows() {
        0 => Err("there is no message to go to".into()),
        _ => Ok(()),
    }
}

const COMMANDS: &[Command<Workbench>] = &[
    command(
        "workbench-open",
        &["o"],
        "Open",
        "open a folder: its module is built and loaded now, and again on every save",
        |view, shared| forms::ask_open(view, shared),
    ),
    command(
        "workbench-new",
        &["a"],
        "New",
        "make a new module in one file, in Rust or C, and open it",
        |_, shared| forms::ask_new(shared),
    ),
    command(
        "workbench-next",
        &["n"],
        "Next message",
        "go to the compiler's next message, and its place in the source",
        |view, shared| step(view, shared, true),
    )
    .when(several),
    command(
        "workbench-previous",
        &["N"],
        "Previous",
        "go to the compiler's message before",
        |view, shared| step(view, shared, false),
    )
    .when(several)
    .quiet(),
    command(
        "workbench-test",
        &["u"],
        "Unit tests",
        "run the folder's unit tests (KUnit) in the debug kernel, in a guest of their own",
        news::test,
    )
    .when(|view: &Workbench, shared| match &view.bench {
        None => Err(shared.fill("no folder is open: {workbench-open} opens one")),
        Some(_) if shared.calls.has(&Owner::view(Call::Test(view.runs))) => {
            Err("they run already".into())
        }
        Some(_) => Ok(()),
    }),
    command(
        "workbench-back",
        &["r"],
        "Go back",
        "rewind the guest to before the load (or reboot it, where there is no mark), and load the last build that did no harm",
        |_, shared| watching::order(shared, Order::GoBack),
    )
    .when(watched),
    command(
        "workbench-build",
        &["b"],
        "Build",
        "build and load now, without a save; watch again where that ended",
        |view: &mut Workbench, shared| match (&view.phase, view.bench.clone()) {
            (Phase::Ended(_), Some(bench)) => watching::open(view, shared, bench),
            _ => watching::order(shared, Order::Build),
        },
    )
    .when(|view: &Workbench, shared| match (&view.phase, &view.bench) {
        (Phase::Ended(_), Some(_)) => Ok(()),
        _ => watched(view, shared),
    }),
    command(
        "workbench-close",
        &["x"],
        "Close",
        "watch the folder no more; what is loaded stays",
        watching::close,
    )
    .when(|view: &Workbench, shared| match view.bench {
        Some(_) => Ok(()),
        None => watched(view, shared),
    })
    .quiet(),
    command(
        "workbench-trace",
        &["t"],
        "Trace",
        "trace the functions of the folder's module: calls, times, last arguments, callers",
        |view: &mut Workbench, shared| {
            if let Some(name) = view.module().map(str::to_owned) {
                trace::open(shared, &name);
            }
        },
    )
    .when(|view: &Workbench, shared| match view.module() {
        Some(name) if shared.loaded(name).is_some() => shared.can(Capability::Modules),
        Some(name) => Err(format!("{name} is not loaded")),
        None => watched(view, shared).and(Err("no module of the folder is loaded yet".into())),
    })
    .quiet(),
];

const ABOUT: About = About {
    id: "workbench",
    title: "Workbench",
    short: "Bench",
    about: "One folder, built, loaded and run again on every save",
    shows: "a folder whose module is built and loaded on every save",
    panels: true,
    ..About::BARE
};

impl View for Workbench {
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

    fn on_host(&mut self, shared: &mut Shared, call: Call, result: HostResult) {
        news::on_host(self, shared, call, result);
    }

    fn tick(&mut self, shared: &mut Shared) {
        let since = self.loaded.as_ref().map(|loaded| loaded.at_ms);
        let age = since.map_or(0, |at| shared.now_ms.saturating_sub(at) / 1000);
        let shown = draw::age_step(age);
        if shown != self.aged {
            self.aged = shown;
            shared.changed();
        }
    }

    fn navigate(&mut self, shared: &mut Shared, to: Move) {
        if self.on_log || self.rows() == 0 {
            let most = draw::transcript_len(self, shared).saturating_sub(1);
            let now = most.saturating_sub(self.back.min(most));
            self.back = most - to.apply(now, most + 1, shared.page() / 2);
            return;
        }
        let (rows, page) = (self.rows(), shared.page() / 2);
        self.selected = to.apply(self.selected, rows, page);
        news::ask_source(self, shared);
    }

    fn focus(&mut self, _: &mut Shared, _: bool) {
        self.on_log = !self.on_log;
    }

    fn escape(&mut self, shared: &mut Shared) -> bool {
        if self.on_log && self.back > 0 {
            self.back = 0;
        } else if self.tests.is_some() {
            self.tests = None;
            self.selected = 0;
            news::ask_source(self, shared);
        } else {
            return false;
        }
        true
    }

    fn click(&mut self, shared: &mut Shared, _: u8, index: usize) {
        self.on_log = false;
        self.selected = index.min(self.rows().saturating_sub(1));
        news::ask_source(self, shared);
    }

    fn copy(&self, _: &Shared) -> Option<String> {
        match self.main() {
            Main::Complaints => {
                let wrong = self.complaints.get(self.selected)?;
                let place = format!("{}:{}:{}", wrong.file, wrong.line, wrong.column);
                Some(format!("{place}: {}", wrong.message))
            }
            Main::Crash => self.report.as_ref()?.places.get(self.selected).cloned(),
            Main::Tests => Some(self.tests.as_ref()?.cases.get(self.selected)?.lines.join("\n")),
            Main::Introduction | Main::Counters => Some(self.output.join("\n")),
        }
    }

    fn module(&self, _: &Shared) -> Option<String> {
        self.module().map(str::to_owned)
    }

    fn shows_modules(&self) -> bool {
        self.loaded.is_some()
    }

    fn modules_listed(&mut self, shared: &mut Shared) {
        if std::mem::take(&mut self.another) {
            watching::order(shared, Order::NewGuest);
        }
    }

    fn new_guest(&mut self, shared: &mut Shared) {
        match (&self.phase, self.bench.clone()) {
            (Phase::Ended(_), Some(bench)) => watching::open(self, shared, bench),
            _ => self.another = watching::is_watched(self),
        }
    }

    fn take(&mut self, shared: &mut Shared, message: &Message) -> bool {
        let Message::Workbench(bench) = message else { return false };
        watching::open(self, shared, bench.clone());
        true
    }
}

/// Goes to the next row of the list, or the one before, round and round.
fn step(view: &mut Workbench, shared: &mut Shared, forward: bool) {
    let rows = view.rows();
    let Some(last) = rows.checked_sub(1) else { return };
    view.on_log = false;
    view.selected = match forward {
        true if view.selected >= last => 0,
        true => view.selected + 1,
        false => view.selected.checked_sub(1).unwrap_or(last),
    };
    news::ask_source(view, shared);
}
