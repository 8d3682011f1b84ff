// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws the functions of a module under trace.

use ratatui::layout::Rect;

use super::boxes::popup;
use crate::dashboard::core::Hit;
use crate::dashboard::core::traced::{Of, Row, State};
use crate::dashboard::paint::{Canvas, Role, row, wrap};
use crate::dashboard::shell::model::Model;

/// The columns of numbers, and how wide they are.
const COLUMNS: [(&str, u16); 5] =
    [("calls/s", 8), ("calls", 9), ("timed", 9), ("median", 9), ("longest", 9)];

/// Paints them, and the last call of the selected one.
pub(crate) fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model) {
    let trace = &model.trace;
    let rows = trace.rows(model.now_ms);
    let title = match &trace.state {
        State::Running => {
            let traced = rows.iter().filter(|row| !matches!(row.of, Of::Untraced(_))).count();
            let noun = if traced == 1 { "function" } else { "functions" };
            format!("Trace of {}: {traced} {noun}", trace.module)
        }
        _ => format!("Trace of {}", trace.module),
    };
    let inside = popup(canvas, area, (area.width, area.height), &title);
    let says = match &trace.state {
        State::Starting => Some(("Setting the probes …".to_owned(), Role::Dim)),
        State::Waiting => {
            let text = format!("{} was unloaded. It is waited for.", trace.module);
            Some((text, Role::Warning))
        }
        State::Over(why) => Some((format!("The trace is over: {why}."), Role::Bad)),
        State::Running => None,
    };
    let mut list = inside;
    if let Some((text, role)) = says {
        let lines = wrap(&text, inside.width).len() as u16;
        canvas.wrapped(inside, &text, role);
        list = Rect {
            y: inside.y + lines + 1,
            height: inside.height.saturating_sub(lines + 1),
            ..inside
        };
        if rows.is_empty() {
            return;
        }
    }
    let selected = trace.selected(&rows);
    let below = details(canvas, list, model, rows.get(selected));
    list.height = list.height.saturating_sub(below);
    let mut x = list.x + 2;
    for (name, width) in COLUMNS {
        canvas.right(Rect::new(x, list.y, width, 1), name, Role::Dim);
        x += width + 1;
    }
    canvas.text(x + 1, list.y, list.right().saturating_sub(x + 1), "function", Role::Dim);
    let room = usize::from(list.height.saturating_sub(1));
    let top = (selected + 1).saturating_sub(room);
    for (line, (index, one)) in rows.iter().enumerate().skip(top).take(room).enumerate() {
        let place = row(list, line as u16 + 1);
        function(canvas, place, one);
        if index == selected {
            canvas.select(place);
        }
        canvas.hit(place, Hit::Layer(index));
    }
}

fn function(canvas: &mut Canvas<'_>, place: Rect, one: &Row) {
    let mut x = place.x + 2;
    let role = match &one.of {
        Of::Called(columns) => {
            for (text, (_, width)) in columns.iter().zip(COLUMNS) {
                canvas.right(Rect::new(x, place.y, width, 1), text, Role::Text);
                x += width + 1;
            }
            Role::Title
        }
        Of::Silent => {
            let width = COLUMNS.iter().map(|(_, width)| width + 1).sum::<u16>() - 1;
            canvas.right(Rect::new(x, place.y, width, 1), "not called yet", Role::Dim);
            x += width + 1;
            Role::Text
        }
        Of::Untraced(why) => {
            let width = COLUMNS.iter().map(|(_, width)| width + 1).sum::<u16>() - 1;
            canvas.text(x, place.y, width, why, Role::Dim);
            x += width + 1;
            Role::Dim
        }
    };
    canvas.text(x + 1, place.y, place.right().saturating_sub(x + 1), &one.name, role);
}

/// Paints the last call at the bottom of `area`; returns how many rows that took.
fn details(canvas: &mut Canvas<'_>, area: Rect, model: &Model, selected: Option<&Row>) -> u16 {
    let Some(selected) = selected else { return 0 };
    let room = area.height / 2;
    let mut lines: Vec<String> = Vec::new();
    for line in model.trace.last(selected) {
        let indent = line.len() - line.trim_start().len();
        let wrapped = wrap(line.trim_start(), area.width.saturating_sub(indent as u16));
        lines.extend(wrapped.into_iter().map(|text| format!("{}{text}", " ".repeat(indent))));
    }
    if let Some(why) = &model.trace.unknown {
        let text = format!("The registers that hold the first six arguments on x86-64: {why}.");
        lines.extend(wrap(&text, area.width));
    }
    lines.truncate(usize::from(room.saturating_sub(1)));
    let height = lines.len() as u16;
    for (index, line) in lines.iter().enumerate() {
        let y = area.bottom().saturating_sub(height) + index as u16;
        let role = if index == 0 { Role::Title } else { Role::Text };
        canvas.text(area.x, y, area.width, line, role);
    }
    height + 1
}
