// SPDX-License-Identifier: MIT OR Apache-2.0
//! The compiler's messages and the kernel's report: a list of places, and the source
//! around the selected one.

use ratatui::layout::{Constraint, Layout, Rect};

use super::super::state::{Place, Workbench};
use crate::dashboard::core::{Hit, Shared};
use crate::dashboard::data::log::{Kind, readable};
use crate::dashboard::paint::{Canvas, Role, row, wrap};
use crate::dashboard::views::pieces::message;

/// Columns that a tab stands for, as the compiler counts them.
const TAB: usize = 8;
/// The registers that an oops tells of.
const REGISTERS: &[&str] = &["RSP: ", "RAX: ", "RDX: ", "RBP: ", "R10: ", "R13: ", "CR2: "];

/// The list above (or left of, where there is room) the source.
fn halves(area: Rect, rows: usize) -> [Rect; 2] {
    if area.width >= 150 {
        return Layout::horizontal([Constraint::Percentage(45), Constraint::Fill(1)]).areas(area);
    }
    let most = (area.height * 3 / 5).max(3);
    let list = (rows as u16).saturating_add(2).clamp(3, most);
    Layout::vertical([Constraint::Length(list), Constraint::Fill(1)]).areas(area)
}

/// What the compiler says.
pub(super) fn complaints(canvas: &mut Canvas<'_>, area: Rect, view: &Workbench, focused: bool) {
    let [left, right] = halves(area, view.complaints.len());
    let count = view.complaints.len();
    let title = match count {
        1 => "1 message".to_owned(),
        _ => format!("{} of {count} messages", view.selected + 1),
    };
    let inside = canvas.panel(left, &title, focused);
    let room = usize::from(inside.height);
    let top = (view.selected + 1).saturating_sub(room);
    let glyphs = canvas.look.glyphs;
    for (line, (index, wrong)) in
        view.complaints.iter().enumerate().skip(top).take(room).enumerate()
    {
        let place = row(inside, line as u16);
        let (mark, role) =
            if wrong.error { (glyphs.no, Role::Bad) } else { (glyphs.warning, Role::Warning) };
        let at = format!(" {}:{}  ", view.short(&wrong.file), wrong.line);
        let spans =
            [(" ", Role::Dim), (mark, role), (&*at, Role::Dim), (&*wrong.message, Role::Text)];
        canvas.spans(place, &spans);
        if index == view.selected {
            canvas.select(place);
        }
        canvas.hit(place, Hit::Row { pane: 0, index });
    }
    let said = view.complaints.get(view.selected).map(|wrong| wrong.message.as_str());
    around(canvas, right, view, said);
}

/// What the kernel reports.
pub(super) fn crash(
    canvas: &mut Canvas<'_>,
    area: Rect,
    (view, shared): (&Workbench, &Shared),
    focused: bool,
) {
    let Some(report) = &view.report else { return };
    let registers = registers(shared);
    let words = wrap(&report.words, area.width.saturating_sub(4));
    let [left, right] =
        halves(area, words.len().min(2) + report.places.len().min(4) + registers.len().min(4));
    let inside = canvas.panel(left, "The kernel reported a mistake", focused);
    let mut y = 0;
    for line in words.iter().take(2) {
        canvas.text(
            inside.x + 1,
            row(inside, y).y,
            inside.width.saturating_sub(1),
            line,
            Role::Bad,
        );
        y += 1;
    }
    // The registers get what the places leave.
    let room = usize::from(inside.height.saturating_sub(y));
    let places = report.places.len().min(room.saturating_sub(registers.len().min(room / 2)).max(1));
    let top = (view.selected + 1).saturating_sub(places);
    for (index, text) in report.places.iter().enumerate().skip(top).take(places) {
        let place = row(inside, y);
        let label = if index == 0 { " at        " } else { " called by " };
        let shown = view.short(text).to_owned();
        canvas.spans(place, &[(label, Role::Dim), (&shown, Role::Warning)]);
        if index == view.selected {
            canvas.select(place);
        }
        canvas.hit(place, Hit::Row { pane: 0, index });
        y += 1;
    }
    for line in registers.iter().take(usize::from(inside.height.saturating_sub(y))) {
        let place = row(inside, y);
        canvas.text(place.x + 1, place.y, place.width.saturating_sub(1), line, Role::Text);
        y += 1;
    }
    around(canvas, right, view, None);
}

/// The registers as the newest oops has them.
fn registers(shared: &Shared) -> Vec<String> {
    let Some(trace) = shared.log.traces().next_back() else {
        return Vec::new();
    };
    let mut found: Vec<String> = Vec::new();
    for number in trace.first..=trace.last {
        let Some(row) = shared.log.row(number).filter(|row| row.kind == Kind::Record) else {
            continue;
        };
        let text = row.text.trim();
        let is_one = REGISTERS.iter().any(|begin| text.starts_with(begin));
        // They come once more when the trace is over.
        let name = text.split(' ').next().unwrap_or_default();
        if is_one && !found.iter().any(|line| line.starts_with(name)) {
            found.push(match text.split_once(": 0010:") {
                Some((name, place)) => format!("{name}: {}", readable(place)),
                None => text.to_owned(),
            });
        }
    }
    found
}

/// The source around the selected place.
fn around(canvas: &mut Canvas<'_>, area: Rect, view: &Workbench, said: Option<&str>) {
    let Some(place) = view.place() else {
        let inside = canvas.panel(area, "Source", false);
        let text = "The debug information has no line for this place.";
        return message(canvas, inside, text, Role::Dim);
    };
    let title = format!("{}:{}", view.short(&place.file), place.line);
    let inside = canvas.panel(area, &title, false);
    match view.sources.get(&place.file) {
        None => message(canvas, inside, "reading …", Role::Dim),
        Some(Err(why)) => message(canvas, inside, why, Role::Dim),
        Some(Ok(lines)) => snippet(canvas, inside, lines, (&place, said)),
    }
}

fn snippet(
    canvas: &mut Canvas<'_>,
    area: Rect,
    lines: &[String],
    (place, said): (&Place, Option<&str>),
) {
    let height = usize::from(area.height);
    let wrong = usize::try_from(place.line.max(1) - 1).unwrap_or(0);
    // The line, the words below it, and as much around them as there is room for.
    let below = usize::from(said.is_some() && height > 2);
    let top = wrong.saturating_sub((height.saturating_sub(below)) / 2);
    let mut y = 0;
    for (index, text) in lines.iter().enumerate().skip(top) {
        let line = row(area, y);
        if line.width == 0 {
            break;
        }
        let number = format!("{:>5} ", index + 1);
        let (shown, column) = expanded(text, (index == wrong).then_some(place));
        let x = canvas.text(line.x, line.y, 6, &number, Role::Dim);
        let role = if index == wrong { Role::Title } else { Role::Text };
        canvas.text(x, line.y, line.right().saturating_sub(x), &shown, role);
        y += 1;
        if index != wrong {
            continue;
        }
        canvas.select(line);
        if let Some(column) = column {
            let at = x.saturating_add(u16::try_from(column).unwrap_or(u16::MAX));
            if at < line.right() {
                canvas.shade(Rect::new(at, line.y, 1, 1), Role::Match);
            }
        }
        if let Some(said) = said.filter(|_| below > 0) {
            let words = row(area, y);
            let indent = column.unwrap_or(0).min(usize::from(area.width / 3)) as u16;
            let x = words.x + 6 + indent;
            let text = format!("^ {said}");
            canvas.text(x, words.y, words.right().saturating_sub(x), &text, Role::Bad);
            y += 1;
        }
    }
}

/// A line with its tabs as blanks, and the column of what is wrong in it, from 0: gcc
/// counts columns of the screen, and rustc characters.
fn expanded(text: &str, place: Option<&Place>) -> (String, Option<usize>) {
    let mut shown = String::new();
    let mut width = 0;
    let mut column = None;
    let wanted = place.and_then(|place| place.column.checked_sub(1)).map(|column| column as usize);
    let by_character = place.is_some_and(|place| place.file.ends_with(".rs"));
    for (index, character) in text.chars().enumerate() {
        let at = if by_character { index } else { width };
        if column.is_none() && wanted.is_some_and(|wanted| at >= wanted) {
            column = Some(width);
        }
        match character {
            '\t' => {
                let next = (width / TAB + 1) * TAB;
                shown.extend(std::iter::repeat_n(' ', next - width));
                width = next;
            }
            other => {
                shown.push(other);
                width += unicode_width::UnicodeWidthChar::width(other).unwrap_or(0);
            }
        }
    }
    // Past the end, where something is missing.
    (shown, column.or(wanted.map(|_| width)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_is_where_the_compiler_means_it_in_c_with_tabs_and_in_rust() {
        let place = |file: &str, column| Place { file: file.into(), line: 1, column };
        let at = |file: &str, column, text| expanded(text, Some(&place(file, column))).1;
        assert_eq!(at("a.c", 9, "\tx = 1"), Some(8));
        assert_eq!(at("a.c", 13, "\tx = 1"), Some(12));
        assert_eq!(at("a.rs", 3, "éé x"), Some(2));
        assert_eq!(at("a.rs", 2, "\tx"), Some(8));
        assert_eq!(at("a.rs", 9, "let x"), Some(5), "past the end");
        assert_eq!(at("a.rs", 0, "let x"), None);
        assert_eq!(expanded("\tx", None).0, "        x");
    }
}
