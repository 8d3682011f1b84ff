// SPDX-License-Identifier: MIT OR Apache-2.0
//! The row below the view: the keys that do something now.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::commands;
use super::model::Model;
use crate::dashboard::core::{Hit, Info, Layer};
use crate::dashboard::paint::{Canvas, Role, Span};

fn layer_hints(model: &Model, layer: &Layer) -> Vec<(String, &'static str)> {
    let hints: &[(&str, &str)] = match layer {
        Layer::Help(_) => &[("Esc", "close"), ("↑↓", "scroll")],
        Layer::Palette(_) => {
            &[("Enter", "do it"), ("Tab", "complete"), ("↑↓", "select"), ("Esc", "close")]
        }
        Layer::Form(form) if form.path().is_some() => {
            &[("Enter", "go"), ("Tab", "complete"), ("Esc", "close")]
        }
        Layer::Form(_) => &[("Enter", "go"), ("Tab", "next field"), ("Esc", "close")],
        Layer::Confirm(_) => &[("y", "yes"), ("n", "no")],
        // The other answers stand there with their keys.
        Layer::Choice(choice) => &[("Esc", choice.escape)],
        Layer::Message(_) => &[("Esc", "close"), ("y", "copy"), ("{log}", "kernel log")],
        Layer::CommandLog(_) => {
            &[("↑↓", "select"), ("←→", "sideways"), ("y", "copy the line"), ("Esc", "close")]
        }
        Layer::Console(_) => {
            &[("↑↓", "scroll"), ("←→", "sideways"), ("y", "copy all"), ("Esc", "close")]
        }
        Layer::Pending(_) if model.calls.shown().next().is_none() => &[("Esc", "close")],
        Layer::Pending(_) => &[("↑↓", "select"), ("Enter", "cancel it"), ("Esc", "close")],
        Layer::Trace => &[("↑↓", "select"), ("y", "copy the last call"), ("Esc", "end the trace")],
        Layer::Experiments(_) => {
            &[("↑↓", "select"), ("Enter", "do it"), ("x", "forget how it went"), ("Esc", "close")]
        }
        Layer::Marks(_) => &[
            ("↑↓", "select"),
            ("Enter", "rewind"),
            ("{mark}", "mark now"),
            ("x", "remove"),
            ("Esc", "close"),
        ],
    };
    hints.iter().map(|(keys, does)| (model.fill(keys), *does)).collect()
}

/// Paints one hint, if there is room up to the right edge of the screen. Returns
/// the column for the next one.
fn hint(canvas: &mut Canvas<'_>, area: Rect, (keys, title): (&str, &str), hit: Option<Hit>) -> u16 {
    let width = (keys.width() + title.width() + 3) as u16;
    let right = canvas.buffer.area.right();
    if area.x + width - 2 > right {
        return area.x;
    }
    let here = Rect { width: width - 2, ..area };
    let pieces: [Span<'_>; 3] = [(keys, Role::Key), (" ", Role::Text), (title, Role::Text)];
    canvas.spans(here, &pieces);
    canvas.shade(here, Role::Bar);
    if let Some(hit) = hit {
        canvas.hit(here, hit);
    }
    area.x + width
}

/// Paints the hints of the row below the view.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model) {
    canvas.shade(area, Role::Bar);
    let mut x = area.x + 1;
    if let Some(layer) = model.layers.last() {
        for (keys, title) in layer_hints(model, layer) {
            x = hint(canvas, Rect { x, ..area }, (&keys, title), None);
        }
        return;
    }
    if model.link.shows_post_mortem() {
        for (keys, title) in [
            ("vm-reboot", "boot a new guest"),
            ("console", "whole console"),
            ("copy", "copy"),
            ("back", "last picture"),
            ("quit", "quit"),
        ] {
            let keys = model.keymap.press(keys);
            x = hint(canvas, Rect { x, ..area }, (&keys, title), None);
        }
        return;
    }
    if model.link.dead().is_some() {
        let boot = Some(Hit::Command("vm-reboot"));
        let key = model.keymap.press("vm-reboot");
        x = hint(canvas, Rect { x, ..area }, (&key, "Boot a new guest"), boot);
    }
    for command in chosen(model, area.right().saturating_sub(x)) {
        if let Some(key) = model.keymap.of(command.name).first() {
            let hit = Some(Hit::Command(command.name));
            x = hint(canvas, Rect { x, ..area }, (&key.to_string(), command.title), hit);
        }
    }
}

/// What the hints need not say: everybody tries it, or the header shows it.
const EVIDENT: [&str; 12] = [
    "up",
    "down",
    "left",
    "right",
    "first",
    "last",
    "page-up",
    "page-down",
    "previous-panel",
    "back",
    "suspend",
    "redraw",
];
/// What comes next where there is room for more than is worth a hint, most useful first.
const MORE: [&str; 9] = [
    "command-log",
    "console",
    "copy",
    "zoom",
    "next-panel",
    "vm-reboot",
    "pending",
    "longer",
    "shorter",
];

/// The commands that get one of the hints' columns, in the order of the table:
/// first what is worth a hint, then, as far as there is room, everything else
/// that has a key. Help, palette and quit always have their place.
fn chosen(model: &Model, mut room: u16) -> Vec<&Info> {
    let width_of = |command: &Info| {
        let key = model.keymap.of(command.name).first().map(ToString::to_string)?;
        Some((key.width() + command.title.width() + 3) as u16)
    };
    let is_tab = |name: &str| model.tabs.iter().any(|about| about.id == name);
    let possible = commands::here(model).filter(|command| {
        // Without a guest, B stands at the front.
        let in_front = command.name == "vm-reboot" && model.link.dead().is_some();
        let said = in_front || EVIDENT.contains(&command.name) || is_tab(command.name);
        !said && commands::enabled(model, command.name).is_ok() && width_of(command).is_some()
    });
    let (last, first): (Vec<_>, Vec<_>) =
        possible.partition(|command| matches!(command.name, "help" | "palette" | "quit"));
    let reserved: u16 = last.iter().copied().filter_map(width_of).sum();
    room = room.saturating_sub(reserved);
    // Hints, then the view's other keys, then those that mean the same everywhere.
    let rank = |command: &Info| match MORE.iter().position(|name| *name == command.name) {
        _ if command.hint => 0,
        Some(place) => place + 2,
        None if commands::global(&model.views).any(|entry| entry.name == command.name) => {
            usize::MAX
        }
        None => 1,
    };
    let mut order: Vec<usize> = (0..first.len()).collect();
    order.sort_by_key(|place| rank(first[*place]));
    let mut fits = vec![false; first.len()];
    for place in order {
        let width = width_of(first[place]).unwrap_or(u16::MAX);
        if width <= room {
            room -= width;
            fits[place] = true;
        }
    }
    let fitting = first.into_iter().zip(fits).filter(|(_, fits)| *fits);
    fitting.map(|(command, _)| command).chain(last).collect()
}
