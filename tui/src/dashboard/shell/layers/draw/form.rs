// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws a form.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::boxes::{button, popup};
use crate::dashboard::core::{Field, Form, Hit, Kind};
use crate::dashboard::paint::{Canvas, Role, row, wrap};
use crate::dashboard::shell::layers::{BUTTON_NO, BUTTON_YES};
use crate::dashboard::shell::model::Model;

/// So many rows of what a path may go on with are shown.
const MOST_FOUND: usize = 6;

/// Rows of a form, and which of them are shown.
struct Rows {
    /// What stands below each field.
    helps: Vec<Vec<String>>,
    /// The command that comes of it.
    preview: Vec<String>,
    /// What happens next.
    note: Vec<String>,
    /// What is wrong with it.
    error: Vec<String>,
    /// Is there room for an empty row between the parts?
    gaps: bool,
}

impl Rows {
    /// All of it as far as it fits into `room` rows: where it does not, the empty
    /// rows go first, then the words below the fields but the one with the focus.
    fn new(canvas: &Canvas<'_>, model: &Model, form: &Form, (width, room): (u16, u16)) -> Self {
        let names = names(form);
        let no = canvas.look.glyphs.no;
        let helps = form.fields.iter().map(|field| help(field, width - names - 4, no)).collect();
        let error = form.error(model.views.state(form.view()), &model.shared).map(|error| {
            let text = format!("{} {error}", canvas.look.glyphs.no);
            wrap(&text, width).into_iter().take(2).collect()
        });
        let note = match form.note.as_str() {
            "" => Vec::new(),
            note => wrap(note, width).into_iter().take(2).collect(),
        };
        let mut rows = Self {
            helps,
            preview: wrap(&format!("# {}", form.preview()), width),
            note,
            error: error.unwrap_or_default(),
            gaps: true,
        };
        if rows.preview.len() > 4 {
            rows.preview.truncate(4);
            rows.preview[3].push_str(canvas.look.glyphs.ellipsis);
        }
        if rows.height(form) > room {
            rows.gaps = false;
        }
        for most in [1, 0] {
            if rows.height(form) <= room {
                break;
            }
            for (index, help) in rows.helps.iter_mut().enumerate() {
                if index != form.focus && help.len() > most {
                    help.truncate(most);
                    if let Some(last) = help.last_mut() {
                        last.push_str(canvas.look.glyphs.ellipsis);
                    }
                }
            }
        }
        if rows.height(form) > room {
            rows.note.truncate(1);
            rows.preview.truncate(2);
        }
        rows
    }

    fn fields(&self, form: &Form) -> u16 {
        let helps: usize = self.helps.iter().map(Vec::len).sum();
        (form.fields.len().max(1) + helps) as u16
    }

    /// The rows below the fields.
    fn below(&self) -> u16 {
        let gaps = if self.gaps { 2 + u16::from(!self.note.is_empty()) } else { 0 };
        (self.preview.len() + self.note.len() + self.error.len().max(1)) as u16 + gaps
    }

    fn height(&self, form: &Form) -> u16 {
        self.fields(form) + self.below()
    }
}

/// Columns for the fields' names.
fn names(form: &Form) -> u16 {
    form.fields.iter().map(|field| field.name.width()).max().unwrap_or(0).min(30) as u16
}

/// Paints the form, the command that comes of it, and what is wrong with it.
pub(crate) fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model, form: &Form) {
    let width = 76.min(area.width.saturating_sub(2));
    let room = area.height.saturating_sub(3);
    let rows = Rows::new(canvas, model, form, (width - 4, room));
    let inside = popup(canvas, area, (width, rows.height(form) + 2), &form.title);
    let mut y = 0;
    if form.fields.is_empty() {
        canvas.text(inside.x, inside.y, inside.width, "It takes no parameters.", Role::Dim);
        y += 1;
    }
    // What does not fit is reached by moving the focus.
    let room = inside.height.saturating_sub(rows.below());
    let height = |index: usize| rows.helps[index].len() as u16 + 1;
    let mut first = form.focus.min(form.fields.len().saturating_sub(1));
    let mut used = if form.fields.is_empty() { 0 } else { height(first) };
    while first > 0 && used + height(first - 1) <= room {
        first -= 1;
        used += height(first);
    }
    let names = names(form);
    let mut shown = first;
    for (index, entry) in form.fields.iter().enumerate().skip(first) {
        if y + height(index) > room.max(height(first)) {
            break;
        }
        field(canvas, row(inside, y), names, entry, index == form.focus);
        canvas.hit(row(inside, y), Hit::Layer(index));
        let role = if entry.error().is_some() { Role::Bad } else { Role::Dim };
        for (line, text) in rows.helps[index].iter().enumerate() {
            let place = row(inside, y + 1 + line as u16);
            let x = place.x + names + 4;
            canvas.text(x, place.y, place.right().saturating_sub(x), text, role);
        }
        y += height(index);
        shown = index + 1;
    }
    let hidden = form.fields.len() - (shown - first);
    if hidden > 0 {
        let border = Rect { y: inside.y - 1, ..inside };
        canvas.right(border, &format!("{hidden} more fields: Tab"), Role::Dim);
    }
    let gap = u16::from(rows.gaps);
    for (lines, role) in [(&rows.note, Role::Dim), (&rows.preview, Role::Good)] {
        if !lines.is_empty() {
            y += gap;
        }
        for line in lines {
            let place = row(inside, y);
            canvas.text(place.x, place.y, place.width, line, role);
            y += 1;
        }
    }
    for (line, text) in rows.error.iter().rev().enumerate() {
        let place = row(inside, inside.height.saturating_sub(line as u16 + 1));
        canvas.text(place.x, place.y, place.width, text, Role::Bad);
    }
    if rows.error.is_empty() {
        let bottom = row(inside, inside.height.saturating_sub(1));
        let x = button(canvas, bottom.x, bottom.y, ("Enter", "go"), BUTTON_YES);
        button(canvas, x, bottom.y, ("Esc", "close"), BUTTON_NO);
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
    canvas.input(place, field.input.text(), focused.then(|| field.input.cursor()));
    if field.text().is_empty() && field.optional {
        canvas.text(x + 2, area.y, width.saturating_sub(2), "(default)", Role::Dim);
    }
}

/// What stands below a field: what is wrong with it, or what it means; and its limits.
fn help(field: &Field, width: u16, wrong: &str) -> Vec<String> {
    let limits = match field.kind {
        Kind::Choice(_) => String::new(),
        _ => field.limits(),
    };
    if !field.found.is_empty() {
        return wrap(&field.found.join("  "), width).into_iter().take(MOST_FOUND).collect();
    }
    let error = field.error().map(|error| format!("{wrong} {error}"));
    let words = error.unwrap_or_else(|| field.help.clone());
    let text = match (words.is_empty(), limits.is_empty()) {
        (_, true) => words,
        (true, false) => format!("({limits})"),
        (false, false) => format!("{words} ({limits})"),
    };
    if text.is_empty() { Vec::new() } else { wrap(&text, width) }
}
