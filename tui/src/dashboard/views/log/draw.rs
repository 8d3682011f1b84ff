// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws view 6: the kernel log.

use super::state::LogView;
use ratatui::layout::Rect;

use super::state::{filter_text, selected};
use crate::dashboard::core::{Connection, Hit, Shared};
use crate::dashboard::data::escape::after_columns;
use crate::dashboard::data::log::{Kind, Row, Trace, readable, rewound, stamp};
use crate::dashboard::paint::{Canvas, Role, grouped, row, wrap};
use crate::dashboard::views::pieces::{level_mark, level_role, message};

pub(crate) fn draw(canvas: &mut Canvas<'_>, area: Rect, view: &LogView, shared: &Shared) {
    status(canvas, row(area, 0), view, shared);
    let mut body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    if view.typing.is_some() || view.error.is_some() {
        body.height -= 1;
        search_line(canvas, Rect { y: body.bottom(), height: 1, ..body }, view);
    }
    if view.expanded
        && let Some(number) = selected(view, shared)
        && let Some(entry) = shared.log.row(number)
    {
        let height = (body.height / 2).max(7);
        body.height -= height;
        let panel = Rect { y: body.bottom(), height, ..body };
        detail(canvas, panel, shared, entry);
    }
    records(canvas, body, view, shared);
}

fn status(canvas: &mut Canvas<'_>, area: Rect, view: &LogView, shared: &Shared) {
    let log = &shared.log;
    let totals = log.totals();
    let shown = log.shown_count(shared.log_end());
    let mut parts =
        vec![format!("{} of {} records", grouped(shown as i64), grouped(log.len() as i64))];
    if log.len() == log.limit() {
        parts.push(format!(
            "the last {} of {}",
            grouped(log.limit() as i64),
            grouped(totals.received as i64)
        ));
    }
    for (count, what) in [(totals.lost, "lost"), (totals.missing, "missing")] {
        if count > 0 {
            parts.push(format!("{} {what}", grouped(count as i64)));
        }
    }
    parts.extend(filter_text(log.filter()));
    if let Some(pattern) = log.pattern() {
        let kind = if pattern.regex { "regex" } else { "text" };
        let more = if log.has_work() { " so far" } else { "" };
        parts.push(format!(
            "{kind} \"{}\": {} found{more}",
            pattern.text,
            grouped(log.match_count() as i64)
        ));
    }
    let separator = format!(" {} ", canvas.look.glyphs.separator);
    let following = view.cursor.is_none() && shared.freeze.is_none();
    let (state, role) = match (shared.freeze, following) {
        (Some(_), _) => ("frozen".to_owned(), Role::Warning),
        (None, true) => ("following".to_owned(), Role::Good),
        (None, false) => (shared.fill("{last} follows"), Role::Dim),
    };
    let width = area.width.saturating_sub(state.len() as u16 + 4);
    canvas.text(area.x + 1, area.y, width, &parts.join(&separator), Role::Dim);
    canvas.right(Rect { width: area.width - 1, ..area }, &state, role);
}

fn search_line(canvas: &mut Canvas<'_>, area: Rect, view: &LogView) {
    let kind = if view.regex { "regex /" } else { "text /" };
    let x = canvas.text(area.x, area.y, 10, kind, Role::Key) + 1;
    let width = (area.width / 2).min(area.right() - x);
    let place = Rect::new(x, area.y, width, 1);
    if let Some(field) = &view.typing {
        canvas.input(place, field.text(), Some(field.cursor()));
    }
    let rest =
        Rect::new(place.right() + 1, area.y, area.right().saturating_sub(place.right() + 1), 1);
    match &view.error {
        Some(error) => canvas.text(rest.x, rest.y, rest.width, error, Role::Bad),
        None => canvas.spans(
            rest,
            &[
                ("Enter", Role::Key),
                (" keeps  ", Role::Dim),
                ("Ctrl-r", Role::Key),
                (" regex", Role::Dim),
            ],
        ),
    };
}

fn records(canvas: &mut Canvas<'_>, area: Rect, view: &LogView, shared: &Shared) {
    let log = &shared.log;
    if let Some(error) = &log.failed {
        let text = format!(
            "The kernel log can't be read: {error}. On a machine of your own, reading it takes root."
        );
        return message(canvas, area, &text, Role::Bad);
    }
    let count = log.shown_count(shared.log_end());
    if count == 0 {
        let text = match (&shared.link.connection, log.is_empty()) {
            (Connection::Lost { why, .. }, true) => format!("No connection to the kernel: {why}"),
            (Connection::Connecting, true) => "Waiting for the kernel …".into(),
            (Connection::Up, true) => "The kernel has said nothing yet.".into(),
            _ if log.has_work() => "Looking …".into(),
            _ => shared.fill("No record passes the filter. {back} takes it away."),
        };
        return message(canvas, area, &text, Role::Dim);
    }
    let height = usize::from(area.height);
    let cursor = view.cursor;
    let top = match cursor {
        None => count.saturating_sub(height),
        Some(cursor) => {
            let position = log.shown_count(cursor);
            position.saturating_sub(height / 2).min(count.saturating_sub(height))
        }
    };
    for line in 0..height.min(count - top) {
        let Some(number) = log.shown_at(top + line) else {
            break;
        };
        let Some(entry) = log.row(number) else { break };
        let place = row(area, line as u16);
        record(canvas, place, view, shared, (number, entry));
        if cursor == Some(number) {
            canvas.select(place);
        }
        canvas.hit(place, Hit::Row { pane: 0, index: (number - log.start()) as usize });
    }
}

fn record(
    canvas: &mut Canvas<'_>,
    area: Rect,
    view: &LogView,
    shared: &Shared,
    (number, entry): (u64, &Row),
) {
    let cut = match entry.kind {
        Kind::Gap(lost) => Some((
            format!(
                "{} records lost here: they were overwritten before they could be read",
                grouped(lost as i64)
            ),
            Role::Warning,
        )),
        Kind::Missing(count) => Some((
            format!("{} records missing here: they did not arrive", grouped(count as i64)),
            Role::Bad,
        )),
        Kind::Guest(generation) => Some((format!("guest {generation} starts"), Role::Title)),
        Kind::Rewound(by_ms) => Some((rewound(by_ms), Role::Title)),
        Kind::Record => None,
    };
    if let Some((text, role)) = cut {
        let separator = canvas.look.glyphs.lines[0].repeat(3);
        let text = format!(" {separator} {text} {separator}");
        canvas.text(area.x, area.y, area.width, &text, role);
        return;
    }
    let role = level_role(entry.level);
    canvas.text(area.x + 1, area.y, 13, &stamp(entry.at_us), Role::Dim);
    let mark = level_mark(canvas, entry.level);
    canvas.text(area.x + 14, area.y, 1, mark, role);
    canvas.text(area.x + 16, area.y, 6, entry.level_name(), role);
    let mut x = area.x + 23;
    let right = area.right();
    if let Some(trace) = shared.log.trace(entry) {
        let folded = shared.log.is_folded(trace.first);
        if number == trace.first && folded {
            let lines = format!("{} lines", trace.len());
            let room = right.saturating_sub(x + lines.len() as u16 + 1);
            let ellipsis = canvas.look.glyphs.ellipsis;
            let headline = trace.headline(usize::from(room.saturating_sub(2)), ellipsis);
            let text = format!("{} {headline}", canvas.look.glyphs.arrows[1]);
            canvas.text(x, area.y, room, &text, Role::Bad);
            canvas.right(area, &lines, Role::Dim);
            return;
        }
        let line = canvas.look.glyphs.lines[1];
        x = canvas.text(x, area.y, 1, line, Role::Bad) + 1;
    }
    let (first, more) = entry.first_line();
    let ranges = match shared.log.pattern() {
        Some(pattern) => pattern.ranges(first),
        None => Vec::new(),
    };
    let room = usize::from(right.saturating_sub(x));
    let start = match (view.across, ranges.first()) {
        // Where the text is cut, the part with the first match is shown.
        (0, Some((_, match_end))) if *match_end > room => {
            let wanted = match_end.saturating_sub(room / 2);
            (wanted..first.len()).find(|at| first.is_char_boundary(*at)).unwrap_or(0)
        }
        (0, _) => 0,
        (across, _) => after_columns(first, across + 1),
    };
    if start > 0 {
        x = canvas.text(x, area.y, 1, canvas.look.glyphs.ellipsis, Role::Dim);
    }
    let source = shared.log.source(entry).len();
    let mut at = start;
    let mut edges: Vec<(usize, usize, Role)> = Vec::new();
    if source > 0 && start == 0 && ranges.first().is_none_or(|(begin, _)| *begin >= source) {
        edges.push((0, source, Role::Series(0)));
    }
    edges.extend(ranges.iter().map(|(begin, end)| (*begin, *end, Role::Match)));
    for (begin, end, style) in edges {
        let begin = begin.max(at);
        if begin >= end {
            continue;
        }
        x = canvas.text(x, area.y, right.saturating_sub(x), &first[at..begin], role);
        x = canvas.text(x, area.y, right.saturating_sub(x), &first[begin..end], style);
        at = end;
    }
    x = canvas.text(x, area.y, right.saturating_sub(x), &first[at..], role);
    canvas.text(x, area.y, right.saturating_sub(x), &more, Role::Dim);
}

/// What matters in an oops: reason, function, place, callers.
fn oops(shared: &Shared, trace: &Trace, width: usize) -> Vec<(String, Role)> {
    let place = |text: &str, exact| shared.symbols.place(text, exact);
    let mut lines = vec![(format!("reason    {}", trace.reason), Role::Bad)];
    if !trace.function.is_empty() {
        let function = readable(&trace.function);
        lines.push((format!("function  {function}"), Role::Warning));
    }
    let known = place(&trace.function, true).unwrap_or(&trace.place);
    if !known.is_empty() {
        lines.push((format!("place     {known}"), Role::Warning));
    }
    for (index, call) in trace.calls.iter().enumerate() {
        let label = if index == 0 { "called by" } else { "" };
        let mut line = format!("{label:<10}{}", readable(call));
        if let Some(place) = place(call, false) {
            let used = line.chars().count() + place.chars().count();
            // Places stand in a column of their own where there is one.
            let gap = (width / 2).saturating_sub(line.chars().count()).max(2);
            let gap = gap.min(width.saturating_sub(used + 2)).max(2);
            line.push_str(&" ".repeat(gap));
            line.push_str(place);
        }
        lines.push((line, Role::Text));
    }
    if let Some(why) = &shared.symbols.missing {
        lines.push((format!("file:line {why}"), Role::Dim));
    }
    lines
}

fn detail(canvas: &mut Canvas<'_>, area: Rect, shared: &Shared, entry: &Row) {
    let inside = canvas.panel(area, "Record", true);
    let facility = match entry.facility {
        0 => "kernel",
        1 => "user",
        3 => "daemon",
        _ => "other",
    };
    let head = format!(
        "sequence {}   time {} s   level {} ({})   facility {} ({facility})",
        entry.sequence,
        stamp(entry.at_us).trim(),
        entry.level,
        entry.level_name(),
        entry.facility
    );
    let mut lines: Vec<(String, Role)> = vec![(head, Role::Dim)];
    for (name, value) in &entry.fields {
        lines.push((format!("{name}={value}"), Role::Dim));
    }
    if let Some(trace) = shared.log.trace(entry) {
        lines.extend(oops(shared, trace, usize::from(inside.width)));
    }
    for line in wrap(&entry.text, inside.width.saturating_sub(2)) {
        lines.push((line, Role::Title));
    }
    for (index, (line, role)) in lines.iter().take(usize::from(inside.height)).enumerate() {
        let width = inside.width.saturating_sub(2);
        canvas.text(inside.x + 1, inside.y + index as u16, width, line, *role);
    }
}
