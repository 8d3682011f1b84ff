// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws a subject's address space: a heading for each mapping, a letter for
//! each page of memalloc's, and what killed the subject if it is dead.

use crate::dashboard::views::memory::state::Memory;
use ratatui::layout::Rect;
use ringside_uapi::describe::Unit;

use super::death;
use crate::dashboard::core::{Hit, Shared};
use crate::dashboard::data::hex::size_text;
use crate::dashboard::paint::{Canvas, Role, counted, row};
use crate::dashboard::views::memory::cursor::pane_number;
use crate::dashboard::views::memory::page::{PAGE, is_ours, page_of};
use crate::dashboard::views::memory::space::{
    LABEL, PageState, Row, page_state, per_row, row_of, rows,
};
use crate::dashboard::views::memory::state::Pane;
use crate::dashboard::views::memory::subjects::{Life, Subject};
use crate::kernel::api::Mapping;

fn role(state: PageState) -> Role {
    match state {
        PageState::ReadOnly => Role::Series(0),
        PageState::ReadWrite => Role::Series(2),
        PageState::Written => Role::Series(5),
        PageState::Offered => Role::Series(1),
        PageState::Shared => Role::Series(3),
        PageState::Absent => Role::Dim,
        PageState::Fault => Role::Bad,
    }
}

pub(crate) fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    view: &Memory,
    shared: &Shared,
    subject: Option<&Subject>,
    focused: bool,
) {
    let title = match subject {
        Some(subject) => {
            let pages = counted(subject.pages().try_into().unwrap_or(i64::MAX), Unit::Pages);
            let died = if matches!(subject.life, Life::Dead { .. }) { " when it died" } else { "" };
            format!("Address space of {}{died}: {pages}", subject.name())
        }
        None => "Address space".into(),
    };
    let inside = canvas.panel(area, &title, focused);
    let Some(subject) = subject else {
        let text = shared.by_life(
            "Start a subject with {subject-new}, then allocate pages with {memory-allocate}: each \
             page appears here as a letter.",
            "There was no subject when the guest died.",
        );
        canvas.wrapped(inside, &text, Role::Dim);
        return;
    };
    let mut below = inside;
    match &subject.life {
        Life::Starting => {
            canvas.wrapped(inside, "The process is starting.", Role::Dim);
            return;
        }
        Life::Alive if subject.maps.is_empty() => {
            canvas.wrapped(inside, "Reading its address space.", Role::Dim);
            return;
        }
        Life::Alive => {}
        Life::Dead { .. } | Life::Lost(_) => {
            let used = death::draw(canvas, inside, shared, subject);
            below.y += used;
            below.height -= used.min(below.height);
        }
    }
    let legend_space = if below.height > 3 { 1 } else { 0 };
    let list = Rect { height: below.height - legend_space, ..below };
    let seen = pages(canvas, list, view, shared, subject);
    if legend_space > 0 {
        let line = Rect { y: list.bottom(), height: 1, ..below };
        legend(canvas, line, &seen);
    }
}

/// Draws the rows around the cursor; returns which states of pages are among them.
fn pages(
    canvas: &mut Canvas<'_>,
    area: Rect,
    view: &Memory,
    shared: &Shared,
    subject: &Subject,
) -> Vec<PageState> {
    let mut seen = Vec::new();
    let all = rows(&subject.maps, per_row(shared.view_size().0, shared.zoom));
    let cursor = view.cursor;
    let at = row_of(&all, cursor);
    let shown = usize::from(area.height);
    // The cursor's row is in the middle, but for the ends.
    let middle = at.unwrap_or(0).saturating_sub(shown / 2);
    let top = middle.min(all.len().saturating_sub(shown));
    for (index, entry) in all.iter().enumerate().skip(top).take(shown) {
        let line = row(area, (index - top) as u16);
        match entry {
            Row::Head(mapping) => heading(canvas, line, mapping, at == Some(index)),
            Row::Pages { first, count, write } => {
                let label = format!("{first:>13x} ");
                let x = canvas.text(line.x, line.y, LABEL, &label, Role::Dim);
                for page in 0..*count {
                    let address = first + page * PAGE;
                    let cell = Rect::new(x + page as u16, line.y, 1, 1).intersection(area);
                    let state = page_state(subject, address, *write);
                    if !seen.contains(&state) {
                        seen.push(state);
                    }
                    canvas.text(cell.x, cell.y, cell.width, state.letter(), role(state));
                    hit(canvas, cell, address);
                    if page_of(cursor) == address {
                        canvas.shade(cell, Role::Selected);
                    }
                }
            }
        }
    }
    seen
}

fn heading(canvas: &mut Canvas<'_>, line: Rect, mapping: &Mapping, selected: bool) {
    let Mapping { start, end, permissions, name } = mapping;
    let size = size_text(end.saturating_sub(*start));
    let ours = is_ours(mapping);
    let what = match (ours, name.as_str()) {
        (true, _) => "memalloc",
        (false, "") => "anonymous memory",
        (false, name) => name,
    };
    let label = format!("{start:>13x} {permissions} {size:>9} ");
    let name_role = if ours { Role::Title } else { Role::Dim };
    canvas.spans(line, &[(&label, Role::Dim), (what, name_role)]);
    hit(canvas, line, *start);
    if selected {
        canvas.shade(line, Role::Selected);
    }
}

fn hit(canvas: &mut Canvas<'_>, area: Rect, address: u64) {
    let pane = pane_number(Pane::Space);
    let index = (address / PAGE) as usize;
    canvas.hit(area, Hit::Row { pane, index });
}

/// What the letters mean: those on the screen first.
fn legend(canvas: &mut Canvas<'_>, line: Rect, seen: &[PageState]) {
    let others = PageState::ALL.into_iter().filter(|state| !seen.contains(state));
    let mut x = line.x;
    for state in seen.iter().copied().chain(others) {
        let room = line.right().saturating_sub(x);
        if usize::from(room) < state.word().len() + 2 {
            continue;
        }
        let word = format!("={} ", state.word());
        x = canvas.text(x, line.y, room, state.letter(), role(state));
        x = canvas.text(x, line.y, line.right().saturating_sub(x), &word, Role::Dim);
    }
}
