// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 6: the kernel log, followed, filtered, searched.

pub(crate) mod draw;
mod forms;
mod search;
mod state;

pub(super) use self::state::LogView;
use self::state::{TEXT_AT, selected, text_of};
use super::view::View;
use crate::dashboard::core::scroll::sideways;
use crate::dashboard::core::{
    About, Command, Key, KeyCode, Message, Move, Shared, TextField, command,
};
use crate::dashboard::data::log::{Filter, Row};
use crate::dashboard::paint::Canvas;
use forms::{choose_source, clear, save};
use ratatui::layout::Rect;
use search::{search, step, warning};
use std::convert::Infallible;

fn searched(_: &LogView, shared: &Shared) -> Result<(), String> {
    match shared.log.pattern() {
        Some(_) => Ok(()),
        None => Err(shared.fill("nothing is searched for ({log-search})")),
    }
}

const COMMANDS: &[Command<LogView>] = &[
    command(
        "log-search",
        &["/"],
        "Search",
        "search for text, or with Ctrl-r for a regular expression",
        |view, shared| {
            let text = shared.log.pattern().map(|pattern| pattern.text.clone());
            view.typing = Some(TextField::new(text.unwrap_or_default()));
        },
    ),
    command("log-next", &["n"], "Next", "go to the next match", |view, shared| {
        step(view, shared, true)
    })
    .when(searched),
    command("log-previous", &["N"], "Previous", "go to the match before", |view, shared| {
        step(view, shared, false)
    })
    .when(searched)
    .quiet(),
    command(
        "log-only",
        &["f"],
        "Only matches",
        "show only matching records, or all again",
        |_, shared| {
            let filter = shared.log.filter().clone();
            let only_matches = !filter.only_matches;
            shared.log.set_filter(Filter { only_matches, ..filter });
        },
    )
    .when(searched),
    command(
        "log-level",
        &["v"],
        "Level",
        "show fewer levels: all, info, notice, warn, err, and round again",
        |_, shared| {
            let filter = shared.log.filter().clone();
            let level = match filter.level {
                7 => 6,
                6 => 5,
                5 => 4,
                4 => 3,
                _ => 7,
            };
            shared.log.set_filter(Filter { level, ..filter });
        },
    ),
    command("log-source", &["m"], "Module", "show only one module's records", choose_source),
    command(
        "log-warning",
        &["w"],
        "Warning",
        "jump to the next warning or error",
        |view, shared| warning(view, shared, true),
    ),
    command(
        "log-warning-before",
        &["W"],
        "Warning before",
        "jump to the warning or error before",
        |view, shared| warning(view, shared, false),
    )
    .quiet(),
    command(
        "log-expand",
        &["enter"],
        "Expand",
        "show all fields of the record; unfold an oops",
        expand,
    ),
    command("log-save", &["s"], "Save", "save the records that are shown to a file", save),
    command(
        "log-all",
        &["a"],
        "All",
        "take every filter and the search away",
        |view: &mut LogView, shared| {
            shared.log.set_pattern(None);
            shared.log.set_filter(Filter::default());
            view.error = None;
        },
    )
    .quiet(),
    command(
        "log-clear",
        &["c"],
        "Clear",
        "forget the records received so far, after a question",
        clear,
    )
    .quiet(),
];

const ABOUT: About = About {
    id: "log",
    title: "Kernel log",
    short: "Log",
    about: "What the kernel says, as it says it; oopses folded into one line",
    shows: "what the kernel says",
    panels: true,
    ..About::BARE
};

impl View for LogView {
    type Call = Infallible;

    fn commands() -> &'static [Command<Self>] {
        COMMANDS
    }

    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, shared: &Shared) {
        draw::draw(canvas, area, self, shared);
    }

    fn navigate(&mut self, shared: &mut Shared, to: Move) {
        if let Move::Left | Move::Right = to {
            return move_texts(self, shared, to == Move::Right);
        }
        let end = shared.log_end();
        let count = shared.log.shown_count(end);
        let page = shared.page();
        let position = match self.cursor {
            Some(cursor) => shared.log.shown_count(cursor),
            None => count.saturating_sub(1),
        };
        let following =
            to == Move::End || (matches!(to, Move::Down | Move::PageDown) && position + 1 >= count);
        if following || count == 0 {
            self.cursor = None;
            return;
        }
        let index = to.apply(position, count, page);
        self.cursor = shared.log.shown_at(index);
    }

    fn key(&mut self, shared: &mut Shared, key: Key) -> bool {
        let Some(mut field) = self.typing.take() else {
            return false;
        };
        match (key.code, key.ctrl) {
            (KeyCode::Enter, _) => return true,
            (KeyCode::Esc, _) => {
                search(self, shared, "");
                return true;
            }
            (KeyCode::Char('r'), true) => self.regex = !self.regex,
            _ => {
                field.key(key);
            }
        }
        search(self, shared, field.text());
        self.typing = Some(field);
        true
    }

    fn typing(&self) -> bool {
        self.typing.is_some()
    }

    fn escape(&mut self, shared: &mut Shared) -> bool {
        if self.expanded {
            self.expanded = false;
        } else if self.across > 0 {
            self.across = 0;
        } else if shared.log.pattern().is_some() || *shared.log.filter() != Filter::default() {
            search(self, shared, "");
            self.error = None;
            shared.log.set_filter(Filter::default());
        } else if self.cursor.is_some() {
            self.cursor = None;
        } else {
            return false;
        }
        true
    }

    fn copy(&self, shared: &Shared) -> Option<String> {
        let row = shared.log.row(selected(self, shared)?)?;
        Some(text_of(shared, row))
    }

    fn click(&mut self, shared: &mut Shared, _: u8, index: usize) {
        let number = shared.log.start().saturating_add(index as u64);
        if self.cursor == Some(number) {
            expand(self, shared);
        }
        self.cursor = Some(number);
    }

    fn module(&self, shared: &Shared) -> Option<String> {
        let row = shared.log.row(selected(self, shared)?)?;
        let source = shared.log.source(row);
        ringside_uapi::module(source).map(|module| module.name.to_owned())
    }

    fn focus(&mut self, _: &mut Shared, _: bool) {
        self.expanded = !self.expanded;
    }

    /// Of the newest oops or report.
    fn fact(&self, shared: &Shared, name: &str) -> Option<String> {
        let newest = || shared.log.traces().next_back();
        Some(match name {
            "reports" => shared.log.traces().count().to_string(),
            "reason" => newest()?.reason.clone(),
            "function" => newest()?.function.split('+').next()?.to_owned(),
            "place" => {
                let trace = newest()?;
                let place = shared.symbols.place(&trace.function, true)?;
                place.rsplit('/').next()?.to_owned()
            }
            "caller" => newest()?.calls.first()?.split('+').next()?.to_owned(),
            _ => return None,
        })
    }

    fn log_grew(&mut self, shared: &mut Shared) {
        if self.cursor.is_some_and(|cursor| cursor < shared.log.start()) {
            self.cursor = Some(shared.log.start());
        }
        search::worked(self, shared);
    }

    fn is_record(&self) -> bool {
        true
    }

    fn take(&mut self, _: &mut Shared, message: &Message) -> bool {
        let Message::Record(number) = message else {
            return false;
        };
        self.cursor = Some(*number);
        true
    }
}

/// Moves the records' texts sideways, as far as those around have text.
fn move_texts(view: &mut LogView, shared: &mut Shared, right: bool) {
    let count = shared.log.shown_count(shared.log_end());
    let position = match view.cursor {
        Some(cursor) => shared.log.shown_count(cursor),
        None => count.saturating_sub(1),
    };
    let around = usize::from(shared.view_size().1);
    let rows = (position.saturating_sub(around)..count.min(position + around))
        .filter_map(|index| shared.log.row(shared.log.shown_at(index)?));
    let text = |row: &Row| {
        let (first, more) = row.first_line();
        format!("{first}{more}")
    };
    let texts: Vec<String> = rows.map(text).collect();
    let room = usize::from(shared.view_size().0).saturating_sub(TEXT_AT);
    let texts = texts.iter().map(String::as_str);
    view.across = sideways(view.across, right, room, texts);
}

fn expand(view: &mut LogView, shared: &mut Shared) {
    let Some(number) = selected(view, shared) else {
        return;
    };
    view.cursor = Some(number);
    let block = shared.log.row(number).and_then(|row| row.block);
    match block {
        Some(first) if !view.expanded => {
            shared.log.toggle_fold(first);
            view.cursor = Some(first);
        }
        _ => view.expanded = !view.expanded,
    }
}
