// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws help, the palette, the command log, the console and what is pending.

use ratatui::layout::Rect;

use super::{form, popup};
use crate::app::command_log::Outcome;
use crate::app::commands::keys_text;
use crate::app::commands::{self, Command};
use crate::app::layer::Palette;
use crate::app::{Hit, Model, palette, views};
use crate::ui::canvas::{Canvas, row};
use crate::ui::theme::Role;
use crate::ui::units::duration;

const KEYS: u16 = 14;

fn command_row(canvas: &mut Canvas<'_>, area: Rect, model: &Model, command: &Command) {
    let keys = keys_text(model, command);
    canvas.text(area.x, area.y, KEYS - 1, &keys, Role::Key);
    let x = area.x + KEYS;
    let width = area.right().saturating_sub(x);
    canvas.text(x, area.y, width, command.help, Role::Text);
}

/// Paints the keys of this place.
pub(super) fn help(canvas: &mut Canvas<'_>, area: Rect, model: &Model, top: usize) {
    let view = views::view(model.view);
    let title = format!("Help: {}", view.title);
    let inside = popup(canvas, area, (96, area.height), &title);
    enum Line<'a> {
        Text(&'a str, Role),
        Command(&'a Command),
    }
    let mut lines = vec![Line::Text(view.about, Role::Dim), Line::Text("", Role::Dim)];
    if !view.commands.is_empty() {
        lines.push(Line::Text("In this view", Role::Title));
        lines.extend(view.commands.iter().map(Line::Command));
        lines.push(Line::Text("", Role::Dim));
    }
    lines.push(Line::Text("Everywhere", Role::Title));
    let with_keys = commands::global().iter().filter(|command| !command.keys.is_empty());
    lines.extend(with_keys.map(Line::Command));
    lines.push(Line::Text("", Role::Dim));
    lines.push(Line::Text(": finds every command, those without a key too", Role::Dim));
    let room = usize::from(inside.height);
    let top = top.min(lines.len().saturating_sub(room));
    for (index, line) in lines.iter().skip(top).take(room).enumerate() {
        let place = row(inside, index as u16);
        match line {
            Line::Text(text, role) => {
                canvas.text(place.x, place.y, place.width, text, *role);
            }
            Line::Command(command) => command_row(canvas, place, model, command),
        }
    }
    if lines.len() > room + top {
        let more = format!("{} more", canvas.look.glyphs.arrows[3]);
        below(canvas, inside, &more);
    }
}

/// Paints the palette: what was typed and what matches.
pub(super) fn palette(canvas: &mut Canvas<'_>, area: Rect, model: &Model, palette: &Palette) {
    let inside = popup(canvas, area, (96, 20.min(area.height)), "Commands");
    let first = row(inside, 0);
    let x = canvas.text(first.x, first.y, 2, ":", Role::Key) + 1;
    let place = Rect::new(x, first.y, first.right() - x, 1);
    form::input(canvas, place, palette.input.text(), Some(palette.input.cursor()));
    let matches = palette::matches(palette.input.text(), model.view);
    if matches.is_empty() {
        canvas.text(
            inside.x,
            inside.y + 2,
            inside.width,
            "No command has this in its name or help.",
            Role::Dim,
        );
    }
    let room = usize::from(inside.height.saturating_sub(2));
    let top = (palette.selected + 1).saturating_sub(room);
    let found = matches.iter().enumerate().skip(top).take(room);
    for (line, (index, (view, command))) in found.enumerate() {
        let place = row(inside, line as u16 + 2);
        let selected = index == palette.selected;
        let pointer = if selected { canvas.look.glyphs.pointer } else { " " };
        canvas.text(place.x, place.y, 1, pointer, Role::Key);
        canvas.text(place.x + 2, place.y, 22, command.name, Role::Title);
        let keys = keys_text(model, command);
        canvas.text(place.x + 25, place.y, 8, &keys, Role::Key);
        let here = view.is_none_or(|view| view == model.view);
        let help = match (view, here, (command.enabled)(model)) {
            (_, true, Err(reason)) => format!("{} (not now: {reason})", command.help),
            (Some(view), false, _) => format!("{} (view {})", command.help, view.number()),
            _ => command.help.to_owned(),
        };
        let x = place.x + 34;
        canvas.text(x, place.y, place.right().saturating_sub(x), &help, Role::Dim);
        if selected {
            canvas.shade(place, Role::Selected);
        }
        canvas.hit(place, Hit::Layer(index));
    }
}

/// Paints what was executed, the newest line last.
pub(super) fn command_log(canvas: &mut Canvas<'_>, area: Rect, model: &Model, back: usize) {
    let inside = popup(
        canvas,
        area,
        (area.width, area.height),
        "Executed, as a shell or a C program would do it",
    );
    let room = usize::from(inside.height);
    let lines = model.command_log.lines();
    if lines.len() == 0 {
        canvas.text(
            inside.x,
            inside.y,
            inside.width,
            "Nothing yet: load a module (L) and look again.",
            Role::Dim,
        );
    }
    let skip = (back + 1).saturating_sub(room);
    let shown: Vec<_> = lines.rev().enumerate().skip(skip).take(room).collect();
    for (line, (index, entry)) in shown.iter().rev().enumerate() {
        let place = row(inside, line as u16);
        let glyphs = canvas.look.glyphs;
        let (mark, role, end) = match &entry.outcome {
            Outcome::Running => (glyphs.ring, Role::Warning, "runs".to_owned()),
            Outcome::Done(ms) => (glyphs.yes, Role::Good, duration(*ms)),
            Outcome::Failed(why) => (glyphs.no, Role::Bad, why.clone()),
        };
        let seconds = entry.at_ms / 1000;
        let time = format!("{:3}:{:02}", seconds / 60, seconds % 60);
        let width = place.width;
        canvas.text(place.x, place.y, 7, &time, Role::Dim);
        canvas.text(place.x + 8, place.y, 1, mark, role);
        let x = canvas.text(
            place.x + 10,
            place.y,
            width.saturating_sub(10),
            &entry.command,
            Role::Text,
        );
        canvas.text(x + 2, place.y, place.right().saturating_sub(x + 2), &end, role);
        if *index == back {
            canvas.shade(place, Role::Selected);
        }
        canvas.hit(place, Hit::Layer(*index));
    }
}

/// Paints the serial console, the newest line last.
pub(super) fn console(canvas: &mut Canvas<'_>, area: Rect, model: &Model, back: usize) {
    let inside = popup(canvas, area, (area.width, area.height), "The guest's serial console");
    let open = model.console.open_line();
    let lines = model.console.lines();
    let count = lines.len();
    if let Some(reason) = &model.console.missing {
        canvas.wrapped(inside, &format!("There is no console here: {reason}"), Role::Warning);
        return;
    }
    if count == 0 {
        canvas.text(inside.x, inside.y, inside.width, "Nothing has arrived yet.", Role::Dim);
    }
    let room = usize::from(inside.height);
    let back = back.min(count.saturating_sub(room));
    let newest = (back == 0 && !open.is_empty()).then_some(open.as_str());
    let shown: Vec<_> = newest.into_iter().chain(lines.rev().skip(back)).take(room).collect();
    for (line, text) in shown.iter().rev().enumerate() {
        let place = row(inside, line as u16);
        canvas.text(place.x, place.y, place.width, text, Role::Text);
    }
    if back > 0 {
        let more = format!("{} {back} more", canvas.look.glyphs.arrows[3]);
        below(canvas, inside, &more);
    }
}

/// Paints what is under way.
pub(super) fn pending(canvas: &mut Canvas<'_>, area: Rect, model: &Model, selected: usize) {
    let calls: Vec<_> = model.calls.shown().map(|(_, call)| call).collect();
    let height = calls.len().max(1) as u16 + 2;
    let inside = popup(canvas, area, (68, height), "Under way");
    if calls.is_empty() {
        canvas.text(inside.x, inside.y, inside.width, "Nothing is under way.", Role::Dim);
    }
    for (index, call) in calls.iter().enumerate() {
        let place = row(inside, index as u16);
        let since = duration(model.now_ms.saturating_sub(call.started_ms) / 1000 * 1000);
        let state = if call.cancelled.is_some() { "cancelling" } else { "" };
        let text = format!("{}  {since}  {state}", call.title);
        canvas.text(place.x, place.y, place.width, &text, Role::Text);
        if index == selected {
            canvas.shade(place, Role::Selected);
        }
        canvas.hit(place, Hit::Layer(index));
    }
}

/// Says on the lower border that there is more.
fn below(canvas: &mut Canvas<'_>, inside: Rect, more: &str) {
    let border = Rect { y: inside.bottom(), ..inside };
    canvas.right(border, more, Role::Dim);
}
