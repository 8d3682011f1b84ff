// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 6: the kernel log, followed, filtered, searched.

pub(crate) mod draw;
mod forms;
mod search;

use super::View;
use crate::dashboard::core::command::{Command, command};
use crate::dashboard::core::event::Move;
use crate::dashboard::core::keys::{Key, KeyCode};
use crate::dashboard::core::model::Model;
use crate::dashboard::core::scroll::sideways;
use crate::dashboard::core::text_field::TextField;
use crate::dashboard::data::log::{Filter, Row, level_name};
use forms::{choose_source, clear, save};
pub(crate) use search::worked;
use search::{search, step, warning};

/// Columns before a record's text: time, mark, level.
pub const TEXT_AT: usize = 23;

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
    /// Columns of the records' texts that are passed to the right.
    pub across: usize,
    /// A match is looked for, from this row upwards and then downwards.
    seek: Option<u64>,
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
    Command { hint: false, ..command }
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
    searching("log-next", &["n"], "Next", "go to the next match", |model| step(model, true)),
    quiet(searching("log-previous", &["N"], "Previous", "go to the match before", |model| {
        step(model, false)
    })),
    searching(
        "log-only",
        &["f"],
        "Only matches",
        "show only matching records, or all again",
        |model| {
            let filter = model.log.filter().clone();
            let only_matches = !filter.only_matches;
            refilter(model, Filter { only_matches, ..filter });
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
    command("log-source", &["m"], "Module", "show only one module's records", choose_source),
    command("log-warning", &["w"], "Warning", "jump to the next warning or error", |model| {
        warning(model, true)
    }),
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
    command("log-save", &["s"], "Save", "save the records that are shown to a file", save),
    quiet(command("log-all", &["a"], "All", "take every filter and the search away", |model| {
        model.log.set_pattern(None);
        model.log_view.error = None;
        refilter(model, Filter::default());
    })),
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
    panels: true,
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
    model.freeze.map_or(model.log.end(), |freeze| freeze.log_end)
}

/// The selected row, or the newest that is shown.
pub fn selected(model: &Model) -> Option<u64> {
    let log = &model.log;
    let cursor = model.log_view.cursor.filter(|cursor| *cursor >= log.start());
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
    if let Move::Left | Move::Right = to {
        return move_texts(model, to == Move::Right);
    }
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
    let index = to.apply(position, count, page);
    model.log_view.cursor = model.log.shown_at(index);
}

/// Moves the records' texts sideways, as far as those around have text.
fn move_texts(model: &mut Model, right: bool) {
    let count = model.log.shown_count(end(model));
    let position = match model.log_view.cursor {
        Some(cursor) => model.log.shown_count(cursor),
        None => count.saturating_sub(1),
    };
    let around = usize::from(model.size.1);
    let rows = (position.saturating_sub(around)..count.min(position + around))
        .filter_map(|index| model.log.row(model.log.shown_at(index)?));
    let text = |row: &Row| {
        let (first, more) = row.first_line();
        format!("{first}{more}")
    };
    let texts: Vec<String> = rows.map(text).collect();
    let room = usize::from(model.size.0).saturating_sub(TEXT_AT);
    let texts = texts.iter().map(String::as_str);
    model.log_view.across = sideways(model.log_view.across, right, room, texts);
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
    } else if view.across > 0 {
        view.across = 0;
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

/// Goes to a row.
pub(crate) fn go_to(model: &mut Model, number: u64) {
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

/// Records arrived.
pub(crate) fn arrived(model: &mut Model) {
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
