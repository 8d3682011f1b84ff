// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws a form.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{button, popup};
use crate::app::form::{Field, Form, Kind};
use crate::app::layers::{BUTTON_NO, BUTTON_YES};
use crate::app::{Hit, Model};
use crate::ui::canvas::{Canvas, row, wrap};
use crate::ui::theme::Role;

/// Paints the form, the command that comes of it, and what is wrong with it.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model, form: &Form) {
    let width = 76.min(area.width.saturating_sub(2));
    let preview = wrap(&format!("# {}", (form.preview)(form)), width - 4);
    let preview = &preview[..preview.len().min(4)];
    let fields = form.fields.len().max(1) as u16;
    let height = fields * 2 + preview.len() as u16 + 7;
    let inside = popup(canvas, area, (width, height), &form.title);
    let names = form.fields.iter().map(|field| field.name.width()).max().unwrap_or(0) as u16;
    let mut y = 0;
    if form.fields.is_empty() {
        canvas.text(inside.x, inside.y, inside.width, "It takes no parameters.", Role::Dim);
        y += 2;
    }
    // What does not fit is reached by moving the focus.
    let room = inside.height.saturating_sub(preview.len() as u16 + 5) / 2;
    let first = (form.focus + 1).saturating_sub(usize::from(room.max(1)));
    for (index, entry) in form.fields.iter().enumerate().skip(first).take(usize::from(room.max(1)))
    {
        field(canvas, row(inside, y), names, entry, index == form.focus);
        canvas.hit(row(inside, y), Hit::Layer(index));
        help(canvas, row(inside, y + 1), names, entry);
        y += 2;
    }
    if !form.note.is_empty() {
        canvas.text(inside.x, inside.y + y, inside.width, &form.note, Role::Dim);
    }
    y += 2;
    for line in preview {
        canvas.text(inside.x, inside.y + y, inside.width, line, Role::Good);
        y += 1;
    }
    let bottom = row(inside, inside.height.saturating_sub(1));
    match form.error(model) {
        Some(error) => {
            let mark = canvas.look.glyphs.no;
            canvas.spans(bottom, &[(mark, Role::Bad), (" ", Role::Bad), (&error, Role::Bad)]);
        }
        None => {
            let x = button(canvas, bottom.x, bottom.y, ("Enter", "go"), BUTTON_YES);
            button(canvas, x, bottom.y, ("Esc", "close"), BUTTON_NO);
        }
    }
}

fn field(canvas: &mut Canvas<'_>, area: Rect, names: u16, field: &Field, focused: bool) {
    let pointer = if focused { canvas.look.glyphs.pointer } else { " " };
    let x = canvas.text(area.x, area.y, 2, pointer, Role::Key) + 1;
    let role = if focused { Role::Title } else { Role::Text };
    canvas.text(x, area.y, names, &field.name, role);
    let x = x + names + 2;
    let width = area.right().saturating_sub(x);
    if let Kind::Choice(_) = field.kind {
        let [left, right, ..] = canvas.look.glyphs.arrows;
        let shown = if field.text().is_empty() { "(default)" } else { field.text() };
        let place = Rect::new(x, area.y, width, 1);
        canvas.spans(
            place,
            &[
                (left, Role::Dim),
                (" ", Role::Dim),
                (shown, role),
                (" ", Role::Dim),
                (right, Role::Dim),
            ],
        );
        return;
    }
    let place = Rect::new(x, area.y, width, 1);
    input(canvas, place, field.input.text(), focused.then(|| field.input.cursor()));
    if field.text().is_empty() && field.optional {
        canvas.text(x + 2, area.y, width.saturating_sub(2), "(default)", Role::Dim);
    }
}

/// Paints a line that is typed in, with its cursor; the part around it where it is too long.
pub(crate) fn input(canvas: &mut Canvas<'_>, area: Rect, text: &str, cursor: Option<usize>) {
    let width = usize::from(area.width.saturating_sub(1)).max(1);
    let before = text[..cursor.unwrap_or(0)].width();
    let skipped = (before + 1).saturating_sub(width);
    let mut start = 0;
    let mut passed = 0;
    for (index, character) in text.char_indices() {
        if passed >= skipped {
            break;
        }
        passed += unicode_width::UnicodeWidthChar::width(character).unwrap_or(0);
        start = index + character.len_utf8();
    }
    let shown = &text[start..];
    canvas.text(area.x, area.y, area.width, shown, Role::Text);
    let style = canvas.style(Role::Text).add_modifier(ratatui::style::Modifier::UNDERLINED);
    canvas.buffer.set_style(area, style);
    if let Some(cursor) = cursor {
        let x = area.x + text[start..cursor.max(start)].width() as u16;
        let cell = Rect::new(x.min(area.right() - 1), area.y, 1, 1);
        let style = canvas.style(Role::Text).add_modifier(ratatui::style::Modifier::REVERSED);
        canvas.buffer.set_style(cell.intersection(canvas.buffer.area), style);
    }
}

fn help(canvas: &mut Canvas<'_>, area: Rect, names: u16, field: &Field) {
    let x = area.x + names + 4;
    let width = area.right().saturating_sub(x);
    let place = Rect::new(x, area.y, width, 1);
    match field.error() {
        Some(error) => {
            let text = format!("{error} ({})", field.limits());
            let mark = canvas.look.glyphs.no;
            canvas.spans(place, &[(mark, Role::Bad), (" ", Role::Bad), (&text, Role::Bad)]);
        }
        None => {
            let limits = match field.kind {
                Kind::Choice(_) => String::new(),
                _ => format!(" ({})", field.limits()),
            };
            // Where both don't fit it is the limits that can't be guessed.
            let room = width.saturating_sub(limits.width() as u16);
            let after = canvas.text(x, area.y, room, &field.help, Role::Dim);
            let limits = if after == x { limits.trim_start() } else { &limits };
            canvas.text(after, area.y, area.right().saturating_sub(after), limits, Role::Dim);
        }
    }
}
