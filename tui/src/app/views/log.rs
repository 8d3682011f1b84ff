// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 6: the kernel log, followed, filtered, searched.

use std::sync::Arc;

use super::View;
use crate::app::calls::{Owner, Report};
use crate::app::commands::{Command, always};
use crate::app::effect::Effect;
use crate::app::event::Move;
use crate::app::form::{Field, Form, Kind};
use crate::app::keys::{Key, KeyCode};
use crate::app::layers::{Confirm, Layer};
use crate::app::log::{Filter, Pattern, Row, level_name};
use crate::app::model::Model;
use crate::app::text_field::TextField;

/// What the view remembers.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The selected row; `None` follows the newest.
    pub cursor: Option<u64>,
    /// What is being typed as a search.
    pub typing: Option<TextField>,
    /// Is the search a regular expression?
    pub regex: bool,
    /// What is wrong with the expression.
    pub error: Option<String>,
    /// All fields of the selected record are shown.
    pub expanded: bool,
    /// A match is looked for, from this row upwards and then downwards.
    seek: Option<u64>,
}

const fn command(
    name: &'static str,
    keys: &'static [&'static str],
    title: &'static str,
    help: &'static str,
    run: fn(&mut Model),
) -> Command {
    Command {
        name,
        keys,
        title,
        help,
        hint: true,
        enabled: always,
        run,
    }
}

const fn searching(
    name: &'static str,
    keys: &'static [&'static str],
    title: &'static str,
    help: &'static str,
    run: fn(&mut Model),
) -> Command {
    Command {
        enabled: |model| match model.log.pattern() {
            Some(_) => Ok(()),
            None => Err("nothing is searched for (/)".into()),
        },
        ..command(name, keys, title, help, run)
    }
}

const fn quiet(command: Command) -> Command {
    Command {
        hint: false,
        ..command
    }
}

/// Its commands.
pub const COMMANDS: &[Command] = &[
    command(
        "log-search",
        &["/"],
        "Search",
        "search for text, or with Ctrl-r for a regular expression",
        |model| {
            let text = model.log.pattern().map(|pattern| pattern.text.clone());
            model.log_view.typing = Some(TextField::new(text.unwrap_or_default()));
        },
    ),
    searching(
        "log-next",
        &["n"],
        "Next",
        "go to the next match",
        |model| step(model, true),
    ),
    quiet(searching(
        "log-previous",
        &["N"],
        "Previous",
        "go to the match before",
        |model| step(model, false),
    )),
    searching(
        "log-only",
        &["f"],
        "Only matches",
        "show only matching records, or all again",
        |model| {
            let filter = model.log.filter().clone();
            let only_matches = !filter.only_matches;
            refilter(
                model,
                Filter {
                    only_matches,
                    ..filter
                },
            );
        },
    ),
    command(
        "log-level",
        &["v"],
        "Level",
        "show fewer levels: all, info, notice, warn, err, and round again",
        |model| {
            let filter = model.log.filter().clone();
            let level = match filter.level {
                7 => 6,
                6 => 5,
                5 => 4,
                4 => 3,
                _ => 7,
            };
            refilter(model, Filter { level, ..filter });
        },
    ),
    command(
        "log-source",
        &["m"],
        "Module",
        "show only one module's records",
        choose_source,
    ),
    command(
        "log-warning",
        &["w"],
        "Warning",
        "jump to the next warning or error",
        |model| warning(model, true),
    ),
    quiet(command(
        "log-warning-before",
        &["W"],
        "Warning before",
        "jump to the warning or error before",
        |model| warning(model, false),
    )),
    command(
        "log-expand",
        &["enter"],
        "Expand",
        "show all fields of the record; unfold an oops",
        expand,
    ),
    command(
        "log-save",
        &["s"],
        "Save",
        "save the records that are shown to a file",
        save,
    ),
    quiet(command(
        "log-all",
        &["a"],
        "All",
        "take every filter and the search away",
        |model| {
            model.log.set_pattern(None);
            model.log_view.error = None;
            refilter(model, Filter::default());
        },
    )),
    quiet(command(
        "log-clear",
        &["c"],
        "Clear",
        "forget the records received so far, after a question",
        clear,
    )),
];

/// What it provides.
pub const VIEW: View = View {
    navigate,
    key,
    escape,
    copy: |model| {
        let row = model.log.row(selected(model)?)?;
        Some(text_of(model, row))
    },
    click: |model, _, index| {
        let number = model.log.start() + index as u64;
        if model.log_view.cursor == Some(number) {
            expand(model);
        }
        model.log_view.cursor = Some(number);
    },
    module: |model| {
        let row = model.log.row(selected(model)?)?;
        let source = model.log.source(row);
        ringside_uapi::module(source).map(|module| module.name.to_owned())
    },
    focus: |model, _| model.log_view.expanded = !model.log_view.expanded,
    ..View::new(
        "Kernel log",
        "What the kernel says, as it says it; oopses folded into one line",
        COMMANDS,
    )
};

/// The number after the last row on the screen: the log's end, or where it was frozen.
pub fn end(model: &Model) -> u64 {
    model
        .freeze
        .map_or(model.log.end(), |freeze| freeze.log_end)
}

/// The selected row, or the newest that is shown.
pub fn selected(model: &Model) -> Option<u64> {
    let log = &model.log;
    let cursor = model
        .log_view
        .cursor
        .filter(|cursor| *cursor >= log.start());
    cursor.or_else(|| log.shown_at(log.shown_count(end(model)).checked_sub(1)?))
}

/// The whole text of a row, and of the oops if it stands for one.
fn text_of(model: &Model, row: &Row) -> String {
    match model.log.trace(row) {
        Some(trace) if model.log.is_folded(trace.first) => {
            let rows = (trace.first..=trace.last).filter_map(|number| model.log.row(number));
            rows.map(Row::line).collect::<Vec<_>>().join("\n")
        }
        _ => row.line(),
    }
}

fn navigate(model: &mut Model, to: Move) {
    let end = end(model);
    let count = model.log.shown_count(end);
    let page = model.page();
    let position = match model.log_view.cursor {
        Some(cursor) => model.log.shown_count(cursor),
        None => count.saturating_sub(1),
    };
    let following =
        to == Move::End || (matches!(to, Move::Down | Move::PageDown) && position + 1 >= count);
    if following || count == 0 {
        model.log_view.cursor = None;
        return;
    }
    match to {
        Move::Left => model.log_view.expanded = false,
        Move::Right => model.log_view.expanded = true,
        _ => {
            let index = to.apply(position, count, page);
            model.log_view.cursor = model.log.shown_at(index);
        }
    }
}

fn key(model: &mut Model, key: Key) -> bool {
    let Some(mut field) = model.log_view.typing.take() else {
        return false;
    };
    match (key.code, key.ctrl) {
        (KeyCode::Enter, _) => return true,
        (KeyCode::Esc, _) => {
            search(model, "");
            return true;
        }
        (KeyCode::Char('r'), true) => model.log_view.regex = !model.log_view.regex,
        _ => {
            field.key(key);
        }
    }
    search(model, field.text());
    model.log_view.typing = Some(field);
    true
}

fn escape(model: &mut Model) -> bool {
    let view = &mut model.log_view;
    if view.expanded {
        view.expanded = false;
    } else if model.log.pattern().is_some() || *model.log.filter() != Filter::default() {
        search(model, "");
        model.log_view.error = None;
        refilter(model, Filter::default());
    } else if view.cursor.is_some() {
        view.cursor = None;
    } else {
        return false;
    }
    true
}

fn search(model: &mut Model, text: &str) {
    if text.is_empty() {
        model.log.set_pattern(None);
        model.log_view.error = None;
        return;
    }
    match Pattern::new(text, model.log_view.regex) {
        Ok(pattern) => {
            model.log.set_pattern(Some(pattern));
            model.log_view.error = None;
            model.log_view.seek = Some(selected(model).map_or(end(model), |number| number + 1));
        }
        Err(error) => model.log_view.error = Some(error.to_string()),
    }
}

/// A slice of the search was done: has the match that is looked for been found?
pub(in crate::app) fn worked(model: &mut Model) {
    let Some(from) = model.log_view.seek else {
        return;
    };
    let found = model.log.next_match(from, false);
    if found.is_some() {
        model.log_view.cursor = found;
        model.log_view.seek = None;
    } else if !model.log.has_work() {
        let after = model.log.next_match(from, true);
        if after.is_some() {
            model.log_view.cursor = after;
        }
        model.log_view.seek = None;
    }
}

fn step(model: &mut Model, forward: bool) {
    let from = selected(model).unwrap_or(0);
    match model.log.next_match(from, forward) {
        Some(number) => model.log_view.cursor = Some(number),
        None if forward => model.note("there is no match further down"),
        None => model.note("there is no match further up"),
    }
}

fn warning(model: &mut Model, forward: bool) {
    // While following, the newest warning is the one that matters.
    let (from, forward) = match model.log_view.cursor {
        Some(cursor) => (cursor, forward),
        None => (end(model), false),
    };
    let found = model.log.next_warning(from, forward);
    let visible = found.map(
        |number| match model.log.row(number).and_then(|row| row.block) {
            Some(first) if model.log.is_folded(first) => first,
            _ => number,
        },
    );
    match visible {
        // The lines of a folded oops count once.
        Some(number) if forward && number <= from && model.log_view.cursor.is_some() => {
            let last = model
                .log
                .row(number)
                .and_then(|row| model.log.trace(row))
                .map(|trace| trace.last);
            let beyond = model.log.next_warning(last.unwrap_or(from), true);
            match beyond {
                Some(beyond) => model.log_view.cursor = Some(beyond),
                None => model.note("there is no warning further down"),
            }
        }
        Some(number) => model.log_view.cursor = Some(number),
        None if forward => model.note("there is no warning further down"),
        None => model.note("there is no warning further up"),
    }
}

/// Goes to a row.
pub(in crate::app) fn go_to(model: &mut Model, number: u64) {
    model.log_view.cursor = Some(number);
}

fn refilter(model: &mut Model, filter: Filter) {
    model.log.set_filter(filter);
}

fn expand(model: &mut Model) {
    let Some(number) = selected(model) else {
        return;
    };
    model.log_view.cursor = Some(number);
    let block = model.log.row(number).and_then(|row| row.block);
    match block {
        Some(first) if !model.log_view.expanded => {
            model.log.toggle_fold(first);
            model.log_view.cursor = Some(first);
        }
        _ => model.log_view.expanded = !model.log_view.expanded,
    }
}

fn choose_source(model: &mut Model) {
    let mut sources: Vec<String> = model.log.sources().to_vec();
    sources.sort_by_key(|source| (ringside_uapi::module(source).is_none(), source.clone()));
    sources.insert(0, "all".into());
    let now = model
        .log
        .filter()
        .source
        .clone()
        .unwrap_or_else(|| "all".into());
    let field = Field::new(
        "module",
        Kind::Choice(sources),
        "Left and Right choose",
        &now,
    );
    let form = Form::new(
        "log-source",
        "Show the records of",
        vec![field],
        |form| match form.text("module") {
            "all" => "dmesg".into(),
            source => format!("dmesg | grep '{source}: '"),
        },
        |model, form| {
            let source = form.text("module").to_owned();
            let source = (source != "all").then_some(source);
            let filter = model.log.filter().clone();
            refilter(model, Filter { source, ..filter });
        },
    );
    model.open(Layer::Form(form));
}

fn save(model: &mut Model) {
    let field = Field::new(
        "file",
        Kind::Text { max: 4096 },
        "a new file; one that exists is not touched",
        "ringside-kernel.log",
    );
    let mut form = Form::new(
        "log-save",
        "Save the records that are shown",
        vec![field],
        |form| format!("dmesg > {}", form.text("file")),
        |model, form| {
            let end = end(model);
            let shown =
                (0..model.log.shown_count(end)).filter_map(|index| model.log.shown_at(index));
            let rows = shown.filter_map(|number| model.log.row(number));
            let mut text = String::new();
            for row in rows {
                text.push_str(&text_of(model, row));
                text.push('\n');
            }
            let tag = model.call(Owner::Nobody, "save the log", Report::Shown, None);
            model.effect(Effect::Save {
                tag,
                path: form.text("file").trim().to_owned(),
                bytes: Arc::new(text.into_bytes()),
            });
        },
    );
    form.check = |_, form| {
        form.text("file")
            .trim()
            .is_empty()
            .then(|| "name a file".into())
    };
    model.open_form(form);
}

fn clear(model: &mut Model) {
    model.open(Layer::Confirm(Confirm {
        title: "Forget the log?".into(),
        text: "The records received so far go from this screen; the kernel keeps its own.".into(),
        command: "clear".into(),
        context: String::new(),
        yes: |model, _| {
            model.log.clear();
            model.log_view = State::default();
        },
    }));
}

/// Records arrived.
pub(in crate::app) fn arrived(model: &mut Model) {
    let gone = |cursor: &u64| *cursor < model.log.start();
    if model.log_view.cursor.as_ref().is_some_and(gone) {
        model.log_view.cursor = Some(model.log.start());
    }
}

/// The filter in words; empty when everything is shown.
pub fn filter_text(filter: &Filter) -> Vec<String> {
    let mut words = Vec::new();
    if filter.level < 7 {
        words.push(format!("{} and worse", level_name(filter.level)));
    }
    if let Some(source) = &filter.source {
        words.push(format!("only {source}"));
    }
    if filter.only_matches {
        words.push("only matches".into());
    }
    words
}
