// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws view 8: where in the loop it is, what is wrong and where, what the module
//! does, and what the kernel and the command said since the save.

mod cases;
mod source;
mod transcript;

use ratatui::layout::{Constraint, Layout, Rect};

pub(crate) use self::transcript::len as transcript_len;
use super::state::{Loaded, Main, Phase, Workbench};
use crate::dashboard::core::workbench::Outcome;
use crate::dashboard::core::{Connection, Shared};
use crate::dashboard::data::lines::quote_path;
use crate::dashboard::paint::{Canvas, Role, row, wrap};
use crate::dashboard::views::pieces::{counter_row, message};

const INTRODUCTION: &str = "\
Open the folder of a module ({workbench-open}), or make a new one ({workbench-new}). It is built and \
loaded at once, and again each time a file of it is saved in your editor: the old build is \
unloaded, the new one loaded with the same parameters, and a command of yours run in the guest.\n\n\
A build that fails leaves the loaded module alone; the compiler's messages are listed with the \
source around each. After an oops {workbench-back} goes back to before the load, with the last build that \
did no harm. {workbench-test} runs the unit tests.\n\n\
`ringside --workbench FOLDER` opens one from the start.";

/// So long after a load the list of modules has it.
const SETTLED_MS: u64 = 12_000;

pub(crate) fn draw(canvas: &mut Canvas<'_>, area: Rect, view: &Workbench, shared: &Shared) {
    if view.main() == Main::Introduction {
        let inside = canvas.panel(area, "No folder is open", true);
        let text = shared.fill(INTRODUCTION);
        return message(canvas, inside, &text, Role::Text);
    }
    let status = 5.min(area.height);
    let rest = area.height - status;
    // What is wrong needs more room than what was said.
    let main = match view.main() {
        Main::Counters => (rest / 3).clamp(4.min(rest), counters_height(view, shared).max(4)),
        _ => rest - (rest / 4).max(4).min(rest),
    };
    let rows = [Constraint::Length(status), Constraint::Length(main), Constraint::Fill(1)];
    let [top, middle, bottom] = Layout::vertical(rows).areas(area);
    self::status(canvas, top, view, shared);
    let focused = !view.on_log;
    match view.main() {
        Main::Complaints => source::complaints(canvas, middle, view, focused),
        Main::Crash => source::crash(canvas, middle, (view, shared), focused),
        Main::Tests => cases::draw(canvas, middle, (view, shared), focused),
        Main::Counters | Main::Introduction => counters(canvas, middle, view, shared),
    }
    transcript::draw(canvas, bottom, (view, shared), view.on_log);
}

/// The age that is shown changes with this number: every second at first, and every
/// minute later.
pub(crate) fn age_step(seconds: u64) -> u64 {
    if seconds < 60 { seconds } else { 60 + seconds / 60 }
}

fn age(loaded: &Loaded, shared: &Shared) -> String {
    match shared.now_ms.saturating_sub(loaded.at_ms) / 1000 {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// `build 3 of pulse, 12 s old`.
fn build_text(loaded: &Loaded, shared: &Shared) -> String {
    let names = loaded.names.join(", ");
    format!("build {} of {names} ({} old)", loaded.number, age(loaded, shared))
}

/// What is loaded, of whatever came of the newest build.
fn loaded_text(view: &Workbench, shared: &Shared) -> String {
    match &view.loaded {
        Some(loaded) if is_gone(view, shared) => {
            format!("{} was unloaded", build_text(loaded, shared))
        }
        None => "nothing is loaded".into(),
        Some(loaded) => format!("{} is loaded", build_text(loaded, shared)),
    }
}

/// Has somebody else unloaded what was loaded here? The list of modules may be a
/// little older than the load.
fn is_gone(view: &Workbench, shared: &Shared) -> bool {
    let Some(loaded) = &view.loaded else { return false };
    let settled = shared.now_ms > loaded.at_ms + SETTLED_MS;
    settled
        && shared.modules.ready().is_some()
        && loaded.names.iter().any(|name| shared.loaded(name).is_none())
}

/// Where in the loop it is: a word, its role, and the sentence after it.
fn state(view: &Workbench, shared: &Shared) -> (&'static str, Role, String) {
    let stays = || loaded_text(view, shared);
    match &view.phase {
        _ if shared.link.lab_gone => {
            ("lab gone", Role::Bad, shared.fill("{vm-reboot} starts a new lab, and goes on there"))
        }
        Phase::Closed => ("closed", Role::Dim, String::new()),
        Phase::Opening => ("opening", Role::Dim, "the folder and the lab's kernel …".into()),
        Phase::Building => ("building", Role::Warning, format!("{} meanwhile", stays())),
        Phase::NotBuilt(why) if view.complaints.is_empty() => {
            ("not built", Role::Bad, format!("{why}; {}", stays()))
        }
        Phase::NotBuilt(_) => {
            let errors = view.complaints.iter().filter(|wrong| wrong.error).count();
            let noun = if errors == 1 { "error" } else { "errors" };
            ("not built", Role::Bad, format!("{errors} {noun}; {}, and stays", stays()))
        }
        Phase::Loaded if is_gone(view, shared) => (
            "unloaded",
            Role::Warning,
            shared.fill("somebody has unloaded it; save, or {workbench-build} loads it again"),
        ),
        Phase::Loaded => {
            let took = view.loaded.as_ref().and_then(|loaded| loaded.took_ms);
            let took = took.map(|ms| format!("; {:.1} s after the save", ms as f64 / 1000.0));
            let text = view.loaded.as_ref().map(|loaded| build_text(loaded, shared));
            let text = text.unwrap_or_else(stays);
            ("loaded", Role::Good, format!("{text}{}", took.unwrap_or_default()))
        }
        Phase::Refused { why, hint } => {
            let hint = hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
            ("refused", Role::Bad, format!("{why}{hint}"))
        }
        Phase::Crashed => (
            "crashed",
            Role::Bad,
            shared.fill("{workbench-back} goes back to the last good build; so does a save, with the new one"),
        ),
        Phase::Died(why) => (
            "guest dead",
            Role::Bad,
            format!("{why}; {}", shared.fill("{workbench-back} goes back to the last good build")),
        ),
        Phase::Waiting { mark } => {
            let whence = match mark {
                Some(mark) => format!("the guest is as at mark {mark}"),
                None => "another guest runs".into(),
            };
            let text = shared.fill("nothing of this folder is loaded; save a change, or {workbench-build} builds");
            ("waiting", Role::Warning, format!("{whence}; {text}"))
        }
        Phase::Ended(why) => {
            let again = shared.fill("{workbench-build} watches again");
            ("not watched", Role::Bad, format!("{why}; {again}"))
        }
    }
}

fn status(canvas: &mut Canvas<'_>, area: Rect, view: &Workbench, shared: &Shared) {
    let Some(bench) = &view.bench else { return };
    let root = if view.root.is_empty() { &bench.folder } else { &view.root };
    let inside = canvas.panel(area, root, false);
    let glyphs = canvas.look.glyphs;
    let (word, role, mut text) = state(view, shared);
    let answers = !matches!(shared.link.connection, Connection::Lost { .. });
    if !answers && !shared.link.lab_gone && view.phase == Phase::Loaded {
        text = format!("{text}; the guest does not answer");
    }
    let mark = match role {
        Role::Good => glyphs.dot,
        Role::Bad => glyphs.no,
        _ => glyphs.ring,
    };
    let head = row(inside, 0);
    let x = canvas.spans(head, &[(" ", Role::Dim), (mark, role), (" ", role), (word, role)]) + 2;
    let width = head.right().saturating_sub(x);
    let lines = wrap(&text, width);
    // The rest of a long sentence takes the row of what is known anyway.
    for (index, line) in lines.iter().take(2).enumerate() {
        let place = row(inside, index as u16);
        canvas.text(x, place.y, width, line, Role::Text);
    }
    let mut facts = Vec::new();
    if !bench.parameters.is_empty() {
        facts.push(("parameters ", bench.parameters.clone()));
    }
    if !bench.run.is_empty() {
        facts.push(("runs ", bench.run.clone()));
    }
    if facts.is_empty() {
        let text = shared.fill("no parameters, no command ({workbench-open})");
        facts.push(("", text));
    }
    let last = row(inside, 2);
    let mut x = last.x + 1;
    for (label, value) in &facts {
        x = canvas.text(x, last.y, last.right().saturating_sub(x), label, Role::Dim);
        let role = if label.is_empty() { Role::Dim } else { Role::Text };
        x = canvas.text(x, last.y, last.right().saturating_sub(x), value, role) + 3;
    }
    if let Some(tests) = view.tests.as_ref().filter(|_| lines.len() < 2) {
        let text = format!(
            "unit tests: {} passed, {} failed",
            tests.count(Outcome::Passed),
            tests.count(Outcome::Failed)
        );
        canvas.text(
            inside.x + 1,
            row(inside, 1).y,
            inside.width.saturating_sub(1),
            &text,
            Role::Dim,
        );
    }
}

fn counters_height(view: &Workbench, shared: &Shared) -> u16 {
    let live = view.module().and_then(|module| shared.counters.module(module));
    live.map_or(0, |live| live.counters.len() as u16 + 2)
}

/// What the module shows of itself.
fn counters(canvas: &mut Canvas<'_>, area: Rect, view: &Workbench, shared: &Shared) {
    let Some(module) = view.module() else {
        let inside = canvas.panel(area, "Counters", !view.on_log);
        return message(canvas, inside, "No module of this folder is loaded.", Role::Dim);
    };
    let inside = canvas.panel(area, &format!("Counters of {module}"), !view.on_log);
    let Some(live) = shared.counters.module(module) else {
        let text = format!("{} has no counters folder.", quote_path(module));
        return message(canvas, inside, &text, Role::Dim);
    };
    let room = usize::from(inside.height);
    for (index, counter) in live.counters.iter().take(room).enumerate() {
        let place = row(inside, index as u16);
        let place = Rect { x: place.x + 1, width: place.width.saturating_sub(2), ..place };
        counter_row(canvas, place, shared, (module, &counter.name));
    }
}
