// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws help, the palette, the command log, the console and what is pending.

use ratatui::layout::Rect;

use super::boxes::popup;
use crate::dashboard::core::Hit;
use crate::dashboard::core::layer::Palette;
use crate::dashboard::core::scroll::Scroll;
use crate::dashboard::data::command_log::{Outcome, TEXT_AT};
use crate::dashboard::data::escape;
use crate::dashboard::paint::{Canvas, Role, duration, row, wrap};
use crate::dashboard::shell::commands;
use crate::dashboard::shell::help;
use crate::dashboard::shell::help::Line;
use crate::dashboard::shell::model::Model;
use crate::dashboard::shell::palette;

/// Paints the keys of this place.
pub(crate) fn help(canvas: &mut Canvas<'_>, area: Rect, model: &Model, top: usize) {
    let title = format!("Help: {}", model.views.current(&model.shared).about().title);
    let inside = popup(canvas, area, (help::WIDEST, area.height), &title);
    let lines = help::lines(model);
    let keys = help::keys_width(model) as u16;
    let room = usize::from(inside.height);
    let top = top.min(help::last_top(model));
    for (index, line) in lines.iter().skip(top).take(room).enumerate() {
        let place = row(inside, index as u16);
        let (x, width) = (place.x, place.width);
        match line {
            Line::Heading(text) => canvas.text(x, place.y, width, text, Role::Title),
            Line::Text(text) => canvas.text(x, place.y, width, text, Role::Dim),
            Line::Key(pressed, text) => {
                canvas.text(x, place.y, keys - 1, pressed, Role::Key);
                canvas.text(x + keys, place.y, width.saturating_sub(keys), text, Role::Text)
            }
        };
    }
    if lines.len() > room + top {
        let more = format!("{} {} more", canvas.look.glyphs.arrows[3], lines.len() - room - top);
        below(canvas, inside, &more);
    }
}

/// Paints the palette: what was typed, what matches, and all about the selected one.
pub(crate) fn palette(canvas: &mut Canvas<'_>, area: Rect, model: &Model, palette: &Palette) {
    let inside = popup(canvas, area, (96, 24.min(area.height)), "Commands");
    let first = row(inside, 0);
    let x = canvas.text(first.x, first.y, 2, ":", Role::Key) + 1;
    let place = Rect::new(x, first.y, first.right() - x, 1);
    canvas.input(place, palette.input.text(), Some(palette.input.cursor()));
    let matches = palette::matches(&model.views, palette.input.text(), model.view);
    let Some(commands::Entry { info: command, .. }) =
        matches.get(palette.selected).or(matches.last())
    else {
        let text = "No command has these letters in its name, or these words in its help.";
        canvas.wrapped(Rect { y: inside.y + 2, ..inside }, text, Role::Dim);
        return;
    };
    let keys = model.keymap.text(command.name);
    let pressed = if keys.is_empty() { String::new() } else { format!(" (key: {keys})") };
    let about = wrap(&format!("{}{pressed}", command.help), inside.width);
    let about = &about[..about.len().min(usize::from(inside.height / 4).max(1))];
    let room = usize::from(inside.height).saturating_sub(about.len() + 3);
    let top = (palette.selected + 1).saturating_sub(room);
    for (line, (index, entry)) in matches.iter().enumerate().skip(top).take(room).enumerate() {
        let place = row(inside, line as u16 + 2);
        found(canvas, place, model, entry, index == palette.selected);
        canvas.hit(place, Hit::Layer(index));
    }
    for (line, text) in about.iter().rev().enumerate() {
        let place = row(inside, inside.height.saturating_sub(line as u16 + 1));
        canvas.text(place.x, place.y, place.width, text, Role::Good);
    }
    if matches.len() > room + top {
        let more = matches.len() - room - top;
        below(canvas, inside, &format!("{} {more} more", canvas.look.glyphs.arrows[3]));
    }
}

/// Paints a command that was found: name, key, and why it can't be done now or
/// what it does.
fn found(
    canvas: &mut Canvas<'_>,
    area: Rect,
    model: &Model,
    commands::Entry { view, info: command }: &commands::Entry<'_>,
    selected: bool,
) {
    canvas.text(area.x + 2, area.y, 22, command.name, Role::Title);
    if let Some(key) = model.keymap.of(command.name).first() {
        canvas.text(area.x + 25, area.y, 8, &key.to_string(), Role::Key);
    }
    let tab = |id: &str| model.tabs.iter().position(|tab| tab.id == id).map_or(0, |at| at + 1);
    let elsewhere = view.filter(|view| view.id != model.view);
    let does = match (elsewhere, commands::enabled(model, command.name)) {
        (Some(view), _) => format!("view {}: {}", tab(view.id), command.help),
        (None, Err(reason)) => format!("not now: {reason}"),
        (None, Ok(())) => command.help.to_string(),
    };
    let x = area.x + 34;
    canvas.text(x, area.y, area.right().saturating_sub(x), &does, Role::Dim);
    if selected {
        canvas.select(area);
    }
}

/// Paints what was executed, the newest line last.
pub(crate) fn command_log(canvas: &mut Canvas<'_>, area: Rect, model: &Model, scroll: Scroll) {
    let Scroll { back, across } = scroll;
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
            &model.fill("Nothing yet: load a module ({load}) and look again."),
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
        canvas.text(place.x, place.y, 7, &time, Role::Dim);
        canvas.text(place.x + 8, place.y, 1, mark, role);
        let start = place.x + TEXT_AT as u16;
        let width = place.right().saturating_sub(start);
        // How it went stands two columns after the command.
        let command = escape::width(&entry.command) + 2;
        if across < command {
            let text = &entry.command;
            let x = canvas.text_after((start, place.y), width, text, across, Role::Text) + 2;
            canvas.text(x, place.y, place.right().saturating_sub(x), &end, role);
        } else {
            canvas.text_after((start, place.y), width, &end, across - command, role);
        }
        if *index == back {
            canvas.shade(place, Role::Selected);
        }
        canvas.hit(place, Hit::Layer(*index));
    }
}

/// Paints the serial console, the newest line last.
pub(crate) fn console(canvas: &mut Canvas<'_>, area: Rect, model: &Model, scroll: Scroll) {
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
    let back = scroll.back.min(count.saturating_sub(room));
    let newest = (back == 0 && !open.is_empty()).then_some(open.as_str());
    let shown: Vec<_> = newest.into_iter().chain(lines.rev().skip(back)).take(room).collect();
    for (line, text) in shown.iter().rev().enumerate() {
        let place = row(inside, line as u16);
        canvas.text_after((place.x, place.y), place.width, text, scroll.across, Role::Text);
    }
    if back > 0 {
        let more = format!("{} {back} more", canvas.look.glyphs.arrows[3]);
        below(canvas, inside, &more);
    }
}

/// Paints what is under way.
pub(crate) fn pending(canvas: &mut Canvas<'_>, area: Rect, model: &Model, selected: usize) {
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
