// SPDX-License-Identifier: MIT OR Apache-2.0
//! The panel of the experiment under way, and the marks on what it tells of.

use ratatui::layout::Rect;

use super::seen::Seen;
use crate::dashboard::core::experiment::{Place, Running};
use crate::dashboard::core::{Connection, Hit, Shared};
use crate::dashboard::paint::{Canvas, Role, row, wrap};
use crate::dashboard::shell::header;
use crate::dashboard::shell::model::Model;
use crate::experiment::{Ask, Stage, Step, Telling};
use crate::grade::spec::Act;

/// What is left of `body` for the view, and what the panel gets of it.
pub(crate) fn split(body: Rect, model: &Model) -> (Rect, Option<Rect>) {
    if model.experiment.is_none() {
        return (body, None);
    }
    match Place::of(model.size) {
        Place::Beside(columns) => {
            let columns = columns.min(body.width);
            let view = Rect { width: body.width - columns, ..body };
            (view, Some(Rect { x: view.right(), width: columns, ..body }))
        }
        Place::Below(rows) => {
            let rows = rows.min(body.height);
            let view = Rect { height: body.height - rows, ..body };
            (view, Some(Rect { y: view.bottom(), height: rows, ..body }))
        }
        Place::Over(rows) => {
            let rows = rows.min(body.height);
            (body, Some(Rect { y: body.bottom() - rows, height: rows, ..body }))
        }
    }
}

/// A line of the panel.
struct Line {
    text: String,
    role: Role,
    /// The choice that it is a line of.
    choice: Option<usize>,
}

/// Columns and rows for text inside of the panel.
fn room(shared: &Shared) -> (u16, usize) {
    let (width, height) = shared.size;
    let (columns, rows) = match Place::of(shared.size) {
        // The rows around the view are the header's and the hints'.
        Place::Beside(columns) => (columns, height.saturating_sub(header::HEIGHT + 1)),
        Place::Below(rows) | Place::Over(rows) => (width, rows),
    };
    (columns.saturating_sub(4), usize::from(rows.saturating_sub(2)).max(1))
}

/// How many pages the text has that is shown.
pub(super) fn pages(model: &Model, running: &Running) -> usize {
    let (width, rows) = room(model);
    lines(model, running, width).len().div_ceil(rows).max(1)
}

/// Paints the panel beside or below the view, and marks in the view what to look at.
pub(crate) fn draw(
    canvas: &mut Canvas<'_>,
    (view, place): (Rect, Rect),
    model: &Model,
    running: &Running,
) {
    let mut seen = false;
    for text in running.run.looks() {
        seen |= mark(canvas, view, text);
    }
    canvas.clear(place);
    canvas.hit(place, Hit::Experiment(None));
    let title = format!("Experiment: {}", running.run.script.experiment.title);
    let inside = canvas.panel(place, &title, true);
    let inside = Rect { x: inside.x + 1, width: inside.width.saturating_sub(2), ..inside };
    let (at, of) = running.run.place();
    let top = Rect { y: place.y, height: 1, ..inside };
    canvas.right(top, &format!(" {} of {of} ", (at + 1).min(of)), Role::Dim);
    let lines = lines(model, running, inside.width);
    let rows = usize::from(inside.height).max(1);
    let pages = lines.len().div_ceil(rows).max(1);
    let page = running.page.min(pages - 1);
    for (index, line) in lines.iter().skip(page * rows).take(rows).enumerate() {
        let place = row(inside, index as u16);
        canvas.text(place.x, place.y, place.width, &line.text, line.role);
        if line.choice.is_some() {
            canvas.hit(place, Hit::Experiment(line.choice));
        }
    }
    let bottom = Rect { y: place.bottom().saturating_sub(1), height: 1, ..inside };
    let keys = keys(model, running, page + 1 < pages);
    let mut x = bottom.x;
    if !keys.is_empty() {
        x = canvas.text(x, bottom.y, bottom.width, &format!(" {keys} "), Role::Key);
    }
    let rest = Rect { x, width: bottom.right().saturating_sub(x), ..bottom };
    if seen && rest.width > 30 {
        canvas.right(rest, " look at what is marked ", Role::Dim);
    }
}

/// What can be pressed.
fn keys(model: &Model, running: &Running, more: bool) -> String {
    let run = &running.run;
    match run.stage() {
        _ if more => "Enter: more".into(),
        Stage::Text { .. } => "Enter: go on".into(),
        Stage::Asked(_) => match run.ask() {
            Some(Ask { choices, .. }) if !choices.is_empty() => {
                format!("a to {}: your prediction", letter(choices.len() - 1))
            }
            _ => "digits, then Enter: your prediction".into(),
        },
        Stage::Turn { .. } if run.takes_enter() => "your turn, or Enter: have it done".into(),
        Stage::Turn { .. } => "your turn".into(),
        Stage::Stuck(_) => model.fill("Enter: try again   {experiments}: the list"),
        Stage::Over => model.fill("Enter: close   {experiments}: the others"),
        Stage::Ready | Stage::Acting | Stage::Holding { .. } => String::new(),
    }
}

/// What a choice is called.
pub(super) fn letter(index: usize) -> char {
    char::from(b'a' + (index % 26) as u8)
}

/// What the panel says.
fn lines(model: &Model, running: &Running, width: u16) -> Vec<Line> {
    let run = &running.run;
    let world = Seen { model };
    let mut lines: Vec<Line> = Vec::new();
    let mut add = |text: &str, role: Role, choice: Option<usize>| {
        let wrapped = wrap(text, width).into_iter();
        lines.extend(wrapped.map(|text| Line { text, role, choice }));
    };
    match run.stage() {
        Stage::Text { verdict, text } => {
            if let Some(verdict) = verdict {
                let (word, role) = match verdict.right {
                    true => ("You predicted it.", Role::Good),
                    false => ("Not as predicted.", Role::Warning),
                };
                add(&format!("{word} {}", verdict.says), role, None);
            }
            add(text, Role::Text, None);
        }
        Stage::Asked(typed) => {
            if let Some(ask) = run.ask() {
                add(&run.filled(&ask.question, &world), Role::Title, None);
                for (index, choice) in ask.choices.iter().enumerate() {
                    let text = run.filled(&choice.text, &world);
                    add(&format!("{}  {text}", letter(index)), Role::Text, Some(index));
                }
                if ask.number.is_some() {
                    add(&format!("I predict: {typed}_"), Role::Key, None);
                }
            }
        }
        Stage::Turn { .. } => {
            if let Some(turn) = run.turn() {
                add(&run.filled(&turn.text, &world), Role::Title, None);
            }
        }
        Stage::Stuck(why) => add(why, Role::Bad, None),
        Stage::Over => {
            let progress = run.progress();
            let text = match progress.asked {
                0 => "That was it.".to_owned(),
                asked => format!(
                    "That was it: {} of {asked} as you predicted. What surprised you, you will \
                     remember.",
                    progress.right
                ),
            };
            add(&text, Role::Good, None);
        }
        Stage::Ready | Stage::Acting | Stage::Holding { .. } => {
            add(&waiting(model, running), Role::Dim, None);
        }
    }
    lines
}

/// What is being done or waited for.
fn waiting(model: &Model, running: &Running) -> String {
    if model.link.connection != Connection::Up || model.modules.ready().is_none() {
        return "Waiting for the kernel …".into();
    }
    let world = Seen { model };
    match running.run.step() {
        Some(Step::Act(act)) => acting(act),
        Some(Step::Own(Telling::Value(value))) => {
            let is = running.run.filled(&value.is.to_string(), &world);
            format!("Waiting until {} is {is} …", value.name)
        }
        _ => "One moment …".into(),
    }
}

/// What a step does, while it does.
fn acting(act: &Act) -> String {
    match act {
        Act::Load(load) => format!("Loading {} {} …", load.module, load.parameters),
        Act::Unload(unload) => format!("Unloading {} …", unload.module),
        Act::Set(set) => {
            let name = set.control.as_ref().or(set.parameter.as_ref());
            format!("Setting {} of {} to {} …", name.map_or("", |n| n), set.module, set.value)
        }
        Act::Run(run) => format!("Running {} …", run.command.join(" ")),
        Act::Memory(memory) => format!("Process {} is at work …", memory.process),
        Act::Block(_) => "Moving bytes of the stick …".into(),
        Act::Peek(peek) => format!("Reading {} …", peek.path),
        Act::Counter(check) => {
            format!("Waiting until {}/{} is {} …", check.module, check.name, check.is)
        }
        Act::File(file) => format!("Reading {} …", file.path),
        Act::Log(_) => "Waiting for what the kernel says …".into(),
        Act::Processes(wanted) => {
            format!("Waiting until the number of {} is {} …", wanted.name, wanted.count)
        }
        Act::Plug => "Plugging the stick in …".into(),
        Act::Unplug => "Pulling the stick out …".into(),
        Act::Crash => "Crashing the kernel …".into(),
        Act::NothingLeft(_) => "Looking for what is left …".into(),
        Act::Pause(_) => "One moment …".into(),
    }
}

/// Marks a text wherever the view has it; `true` where it has.
fn mark(canvas: &mut Canvas<'_>, view: Rect, text: &str) -> bool {
    let wanted: Vec<String> = text.chars().map(String::from).collect();
    let length = wanted.len() as u16;
    let mut found = false;
    for y in view.top()..view.bottom() {
        for x in view.left()..view.right().saturating_sub(length.saturating_sub(1)) {
            let here = wanted.iter().zip(x..).all(|(one, x)| canvas.buffer[(x, y)].symbol() == one);
            if here && length > 0 {
                canvas.shade(Rect::new(x, y, length, 1), Role::Match);
                found = true;
            }
        }
    }
    found
}
