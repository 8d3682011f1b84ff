// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys and clicks in what lies over the view ([`crate::dashboard::core::layer`]): the topmost
//! layer gets them; Esc takes it away.

pub mod draw;
pub(crate) mod form;

use super::commands;
use super::experiment;
use super::help;
use super::marks;
use super::palette;
use crate::dashboard::core::layer::{Choice, Palette};
use crate::dashboard::core::scroll::{Scroll, sideways};
use crate::dashboard::core::shared::Confirm;
use crate::dashboard::core::{Effect, Key, KeyCode, Layer, Move, Shared};
use crate::dashboard::data::command_log;
use crate::dashboard::shell::model::Model;

fn direction(key: Key) -> Option<Move> {
    Some(match (key.code, key.ctrl) {
        (KeyCode::Up | KeyCode::Char('k'), false) => Move::Up,
        (KeyCode::Down | KeyCode::Char('j'), false) => Move::Down,
        (KeyCode::PageUp, false) | (KeyCode::Char('b'), true) => Move::PageUp,
        (KeyCode::PageDown, false) | (KeyCode::Char('f'), true) => Move::PageDown,
        (KeyCode::Home | KeyCode::Char('g'), false) => Move::Home,
        (KeyCode::End | KeyCode::Char('G'), false) => Move::End,
        _ => return None,
    })
}

/// Is it a key to the right (`true`) or to the left?
fn to_the_side(key: Key) -> Option<bool> {
    match (key.code, key.ctrl) {
        (KeyCode::Right | KeyCode::Char('l'), false) => Some(true),
        (KeyCode::Left | KeyCode::Char('h'), false) => Some(false),
        _ => None,
    }
}

/// Columns inside of a box that takes the whole screen.
fn boxed(model: &Model) -> usize {
    usize::from(model.size.0).saturating_sub(6)
}

/// Takes a key for the topmost layer.
pub(crate) fn key(model: &mut Model, key: Key) {
    if key.code == KeyCode::Esc {
        model.layers.pop();
        return;
    }
    let Some(mut layer) = model.layers.pop() else {
        return;
    };
    let keep = match &mut layer {
        Layer::Form(form) => form::key(model, form, key),
        Layer::Palette(palette) => palette_key(model, palette, key),
        Layer::Confirm(confirm) => confirm_key(model, confirm, key),
        Layer::Choice(choice) => choice_key(model, choice, key),
        Layer::Message(message) => match key.character() {
            Some('y') => {
                let mut text = vec![message.title.clone()];
                text.extend(message.lines.iter().chain(&message.remedy).cloned());
                copy(model, text.join("\n"));
                true
            }
            _ if model.keymap.of("log").contains(&key) => {
                // A form below would take the keys that are meant for the log.
                model.layers.clear();
                commands::run(model, "log");
                false
            }
            _ => !matches!(key.code, KeyCode::Enter | KeyCode::Char('q' | ' ')),
        },
        Layer::CommandLog(scroll) => lines_key(
            model,
            scroll,
            key,
            |model| model.command_log.lines().len(),
            |model, back| Some(model.command_log.from_end(back)?.command.clone()),
            |model, scroll, right| {
                let texts: Vec<String> =
                    model.command_log.lines().map(command_log::Line::text).collect();
                let texts = texts.iter().map(String::as_str);
                let room = boxed(model).saturating_sub(command_log::TEXT_AT);
                sideways(scroll.across, right, room, texts)
            },
        ),
        Layer::Console(scroll) => lines_key(
            model,
            scroll,
            key,
            |model| model.console.lines().len(),
            |model, _| Some(model.console.lines().collect::<Vec<_>>().join("\n")),
            |model, scroll, right| {
                // What can be seen, and a little more.
                let lines = model.console.lines().rev().skip(scroll.back);
                let lines = lines.take(usize::from(model.size.1));
                sideways(scroll.across, right, boxed(model), lines)
            },
        ),
        Layer::Help(top) => match (key.character(), direction(key)) {
            (Some('q' | '?'), _) => false,
            (_, Some(to)) => {
                *top = to.apply(*top, help::last_top(model) + 1, help::room(model));
                true
            }
            _ => true,
        },
        Layer::Pending(selected) => {
            let tags: Vec<_> = model.calls.shown().map(|(tag, _)| tag).collect();
            match (key.code, direction(key)) {
                (KeyCode::Char('q'), _) => false,
                (KeyCode::Enter | KeyCode::Char('x' | 'X'), _) => {
                    if let Some(tag) = tags.get(*selected) {
                        model.cancel(*tag);
                    }
                    true
                }
                (_, Some(to)) => {
                    *selected = to.apply(*selected, tags.len(), model.page());
                    true
                }
                _ => true,
            }
        }
        Layer::Trace => match (key.character(), direction(key)) {
            (Some('q'), _) => false,
            (Some('y'), _) => {
                let rows = model.trace.rows(model.now_ms);
                if let Some(row) = rows.get(model.trace.selected(&rows)) {
                    let text = model.trace.last(row).join("\n");
                    copy(model, text);
                }
                true
            }
            (_, Some(to)) => {
                let (page, now) = (model.page(), model.now_ms);
                model.trace.navigate(to, page, now);
                true
            }
            _ => true,
        },
        Layer::Experiments(selected) => experiment::list_key(model, selected, key, direction(key)),
        Layer::Marks(selected) => {
            let list = model.marks.list.ready().cloned().unwrap_or_default();
            let mark = list.iter().rev().nth(*selected);
            match (key.code, direction(key)) {
                (KeyCode::Char('q'), _) => false,
                (KeyCode::Enter, _) => match mark {
                    Some(mark) => {
                        marks::rewind_to(model, mark);
                        false
                    }
                    None => true,
                },
                (KeyCode::Char('x'), _) => {
                    if let Some(mark) = mark {
                        marks::forget(model, &mark.name);
                    }
                    true
                }
                _ if model.keymap.of("mark").contains(&key) => {
                    marks::make(model);
                    true
                }
                (_, Some(to)) => {
                    *selected = to.apply(*selected, list.len(), model.page());
                    true
                }
                _ => true,
            }
        }
    };
    if keep {
        model.layers.push(layer);
    }
}

fn copy(model: &mut Model, text: String) {
    model.effect(Effect::Copy(text));
    model.done("copied");
}

/// A key for lines that are counted from the newest: how many there are, what is
/// copied of the one so far back, and the columns that are passed after a key to the
/// side. `false` closes them.
fn lines_key(
    model: &mut Model,
    scroll: &mut Scroll,
    key: Key,
    count: impl FnOnce(&Model) -> usize,
    copied: impl FnOnce(&Model, usize) -> Option<String>,
    passed: impl FnOnce(&Model, &Scroll, bool) -> usize,
) -> bool {
    match (key.character(), direction(key), to_the_side(key)) {
        (Some('q'), ..) => return false,
        (Some('y'), ..) => {
            if let Some(text) = copied(model, scroll.back) {
                copy(model, text);
            }
        }
        (_, Some(to), _) => {
            scroll.back = backwards(to).apply(scroll.back, count(model), model.page());
        }
        (_, _, Some(right)) => scroll.across = passed(model, scroll, right),
        _ => {}
    }
    true
}

/// Lists that are counted from their end move the other way.
fn backwards(to: Move) -> Move {
    match to {
        Move::Up => Move::Down,
        Move::Down => Move::Up,
        Move::PageUp => Move::PageDown,
        Move::PageDown => Move::PageUp,
        Move::Home => Move::End,
        Move::End => Move::Home,
        other => other,
    }
}

fn palette_key(model: &mut Model, palette: &mut Palette, key: Key) -> bool {
    let matches = palette::matches(&model.views, palette.input.text(), model.view);
    match key.code {
        KeyCode::Up => palette.selected = palette.selected.saturating_sub(1),
        KeyCode::Down => {
            palette.selected = (palette.selected + 1).min(matches.len().saturating_sub(1));
        }
        KeyCode::Tab => {
            if let Some(found) = matches.get(palette.selected) {
                palette.input.set(found.info.name);
                palette.selected = 0;
            }
        }
        KeyCode::Enter => {
            let Some(name) = matches.get(palette.selected).map(|found| found.info.name) else {
                return true;
            };
            commands::run(model, name);
            return false;
        }
        _ => {
            palette.input.key(key);
            palette.selected = 0;
        }
    }
    true
}

fn confirm_key(model: &mut Model, confirm: &Confirm, key: Key) -> bool {
    match key.code {
        KeyCode::Char('y' | 'Y') => {
            let Model { views, shared, .. } = model;
            confirm.yes.run(views.state_mut(confirm.yes.view()), shared, &());
            false
        }
        KeyCode::Char('n' | 'N' | 'q') => false,
        _ => true,
    }
}

fn choice_key(model: &mut Model, choice: &Choice<Shared>, key: Key) -> bool {
    let answer = choice.answers.iter().find(|answer| key.character() == Some(answer.key));
    if let Some(answer) = answer {
        (answer.run)(model);
    }
    answer.is_none()
}

/// Takes pasted text; `false` when the topmost layer has no field.
pub(crate) fn paste(model: &mut Model, text: &str) -> bool {
    match model.layers.last_mut() {
        Some(Layer::Form(form)) => {
            let focus = form.focus;
            if let Some(field) = form.fields.get_mut(focus)
                && !matches!(field.kind, crate::dashboard::core::field::Kind::Choice(_))
            {
                field.input.insert(text);
            }
            true
        }
        Some(Layer::Palette(palette)) => {
            palette.input.insert(text);
            true
        }
        _ => false,
    }
}

/// The number that `click` gets for the button that says yes.
pub const BUTTON_YES: usize = 1000;
/// The number that `click` gets for the button that closes.
pub const BUTTON_NO: usize = 1001;

/// A part of the topmost layer was clicked.
pub(crate) fn click(model: &mut Model, index: usize) {
    let press = |model: &mut Model, code| key(model, Key::plain(code));
    match (model.layers.last_mut(), index) {
        (Some(Layer::Confirm(_)), BUTTON_YES) => press(model, KeyCode::Char('y')),
        (Some(Layer::Form(_)), BUTTON_YES) => press(model, KeyCode::Enter),
        (Some(_), BUTTON_NO) => press(model, KeyCode::Esc),
        (Some(Layer::Choice(choice)), _) => {
            if let Some(answer) = choice.answers.get(index) {
                press(model, KeyCode::Char(answer.key));
            }
        }
        (Some(Layer::Form(form)), _) => form.focus = index.min(form.fields.len().max(1) - 1),
        (Some(Layer::Palette(palette)), _) => {
            palette.selected = index;
            press(model, KeyCode::Enter);
        }
        (Some(Layer::CommandLog(scroll)), _) => scroll.back = index,
        (Some(Layer::Trace), _) => {
            let rows = model.trace.rows(model.now_ms);
            model.trace.select(&rows, index);
        }
        (
            Some(Layer::Pending(selected) | Layer::Marks(selected) | Layer::Experiments(selected)),
            _,
        ) => *selected = index,
        _ => {}
    }
}

/// Moves in the topmost layer; `false` when there is none.
pub(crate) fn navigate(model: &mut Model, to: Move) -> bool {
    let code = match to {
        Move::Up => KeyCode::Up,
        _ => KeyCode::Down,
    };
    if model.layers.is_empty() {
        return false;
    }
    if !matches!(model.layers.last(), Some(Layer::Form(_))) {
        key(model, Key::plain(code));
    }
    true
}
