// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was said since the save: the kernel's records, and what the command wrote,
//! in the order in which they came.

use ratatui::layout::Rect;

use super::super::state::{Phase, Workbench};
use crate::dashboard::core::Shared;
use crate::dashboard::data::log::{Kind, stamp};
use crate::dashboard::paint::{Canvas, Role, row};
use crate::dashboard::views::pieces::{level_mark, level_role, message};

enum Line<'a> {
    Record(u64),
    Command(&'a str),
    Output(&'a str),
    Status(u8),
}

/// The numbers of the records before and after the command.
fn records(view: &Workbench, shared: &Shared) -> (u64, u64, u64) {
    let end = shared.log_end();
    let start = view.since.clamp(shared.log.start().min(end), end);
    (start, view.ran_at.map_or(end, |at| at.clamp(start, end)), end)
}

/// The lines that the command takes.
fn of_command(view: &Workbench) -> usize {
    match view.ran_at {
        None => 0,
        Some(_) => 1 + view.output.len() + usize::from(view.ran.is_some_and(|status| status != 0)),
    }
}

/// How many lines there are.
pub(crate) fn len(view: &Workbench, shared: &Shared) -> usize {
    let (start, _, end) = records(view, shared);
    (end - start) as usize + of_command(view)
}

fn line<'a>(view: &'a Workbench, shared: &Shared, index: usize) -> Option<Line<'a>> {
    let (start, middle, end) = records(view, shared);
    let before = (middle - start) as usize;
    let inside = of_command(view);
    if index < before {
        return Some(Line::Record(start + index as u64));
    }
    if index >= before + inside {
        let number = middle + (index - before - inside) as u64;
        return (number < end).then_some(Line::Record(number));
    }
    let run = view.bench.as_ref().map_or("", |bench| bench.run.as_str());
    match index - before {
        0 => Some(Line::Command(run)),
        index => match view.output.get(index - 1) {
            Some(line) => Some(Line::Output(line)),
            None => view.ran.map(Line::Status),
        },
    }
}

pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    (view, shared): (&Workbench, &Shared),
    focused: bool,
) {
    let count = len(view, shared);
    let back = view.back.min(count.saturating_sub(1));
    let title = match back {
        0 => "Since the save".to_owned(),
        _ => format!("Since the save, {back} lines back"),
    };
    let inside = canvas.panel(area, &title, focused);
    if count == 0 {
        let text = match &view.phase {
            Phase::Opening | Phase::Building => "",
            Phase::NotBuilt(_) => "The kernel has said nothing: nothing new was loaded.",
            _ => "The kernel has said nothing.",
        };
        return message(canvas, inside, text, Role::Dim);
    }
    let end = count - back;
    let start = end.saturating_sub(usize::from(inside.height));
    for (y, index) in (start..end).enumerate() {
        if let Some(line) = line(view, shared, index) {
            paint(canvas, row(inside, y as u16), shared, &line);
        }
    }
}

fn paint(canvas: &mut Canvas<'_>, area: Rect, shared: &Shared, line: &Line<'_>) {
    match line {
        Line::Record(number) => {
            let Some(record) = shared.log.row(*number) else { return };
            if record.kind != Kind::Record {
                canvas.text(area.x, area.y, area.width, &record.line(), Role::Dim);
                return;
            }
            let mark = level_mark(canvas, record.level);
            let (text, _) = record.first_line();
            let time = format!("{} ", stamp(record.at_us));
            let role = level_role(record.level);
            canvas.spans(area, &[(mark, role), (&time, Role::Dim), (text, role)]);
        }
        Line::Command(text) => {
            canvas.spans(area, &[(" # ", Role::Key), (text, Role::Title)]);
        }
        Line::Output(text) => {
            canvas.spans(area, &[("   ", Role::Dim), (&text.replace('\t', "    "), Role::Text)]);
        }
        Line::Status(status) => {
            let text = format!(" the command ended with status {status}");
            canvas.text(area.x, area.y, area.width, &text, Role::Bad);
        }
    }
}
