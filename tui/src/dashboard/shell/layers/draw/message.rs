// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws questions and messages.

use ratatui::layout::Rect;

use super::boxes::{button, popup};
use crate::dashboard::core::layer::{Choice, Message};
use crate::dashboard::core::shared::Confirm;
use crate::dashboard::core::{Hit, Shared};
use crate::dashboard::paint::{Canvas, Role, row, wrap};
use crate::dashboard::shell::layers::{BUTTON_NO, BUTTON_YES};

/// Paints a question with the exact command.
pub(crate) fn confirm(canvas: &mut Canvas<'_>, area: Rect, confirm: &Confirm) {
    let width = 68.min(area.width.saturating_sub(2));
    let text = wrap(&confirm.text, width - 4);
    let mut command: Vec<String> =
        confirm.command.lines().flat_map(|line| wrap(&format!("# {line}"), width - 4)).collect();
    let height = (text.len() + command.len()) as u16 + 6;
    let inside = popup(canvas, area, (width, height), &confirm.title);
    let room = usize::from(inside.height).saturating_sub(text.len() + 3).max(1);
    if command.len() > room {
        let more = command.len() + 1 - room;
        command.truncate(room - 1);
        command.push(format!("{} {more} lines more", canvas.look.glyphs.ellipsis));
    }
    let mut y = inside.y;
    for line in &text {
        canvas.text(inside.x, y, inside.width, line, Role::Text);
        y += 1;
    }
    y += 1;
    for line in &command {
        canvas.text(inside.x, y, inside.width, line, Role::Good);
        y += 1;
    }
    let bottom = row(inside, inside.height.saturating_sub(1));
    let x = button(canvas, bottom.x, bottom.y, ("y", "yes, do it"), BUTTON_YES);
    button(canvas, x, bottom.y, ("n", "no"), BUTTON_NO);
}

/// Paints a question with a row for each answer.
pub(crate) fn choice(canvas: &mut Canvas<'_>, area: Rect, choice: &Choice<Shared>) {
    let width = 72.min(area.width.saturating_sub(2));
    let text = wrap(&choice.text, width - 4);
    let answers = choice.answers.iter().map(|answer| (answer.key.to_string(), answer.does));
    let answers: Vec<_> = answers.chain([("Esc".into(), choice.escape)]).collect();
    let height = (text.len() + answers.len()) as u16 + 3;
    let inside = popup(canvas, area, (width, height), &choice.title);
    let room = inside.height.saturating_sub(answers.len() as u16 + 1);
    let used = canvas.wrapped(Rect { height: room, ..inside }, &choice.text, Role::Text);
    for (index, (key, does)) in answers.iter().enumerate() {
        let place = row(inside, used + 1 + index as u16);
        canvas.text(place.x, place.y, 4, key, Role::Key);
        canvas.text(place.x + 5, place.y, place.width.saturating_sub(5), does, Role::Text);
        let number = if index < choice.answers.len() { index } else { BUTTON_NO };
        canvas.hit(place, Hit::Layer(number));
    }
}

/// Paints a message: what happened, why, what to do.
pub(crate) fn draw(canvas: &mut Canvas<'_>, area: Rect, message: &Message) {
    let width = 76.min(area.width.saturating_sub(2));
    let lines: Vec<String> = message.lines.iter().flat_map(|line| wrap(line, width - 4)).collect();
    let arrow = canvas.look.glyphs.arrows[1];
    let remedy: Vec<String> = message
        .remedy
        .iter()
        .flat_map(|line| wrap(&format!("{arrow} {line}"), width - 4))
        .collect();
    let height = (lines.len() + remedy.len()) as u16 + 5;
    let failed = format!("{} {}", canvas.look.glyphs.no, message.title);
    let title = if message.failed { &failed } else { &message.title };
    let inside = popup(canvas, area, (width, height), title);
    // The remedy is never cut; of a long output the end says most.
    let room = usize::from(inside.height).saturating_sub(remedy.len() + 3);
    let skipped = lines.len().saturating_sub(room.max(1));
    let mut y = inside.y;
    for (index, line) in lines.iter().skip(skipped).enumerate() {
        let role =
            if message.failed && index == 0 && skipped == 0 { Role::Bad } else { Role::Text };
        canvas.text(inside.x, y, inside.width, line, role);
        y += 1;
    }
    y += 1;
    for line in &remedy {
        canvas.text(inside.x, y, inside.width, line, Role::Good);
        y += 1;
    }
    let bottom = row(inside, inside.height.saturating_sub(1));
    button(canvas, bottom.x, bottom.y, ("Esc", "close"), BUTTON_NO);
}
