// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws view 1: cards, the machine, warnings.

use ratatui::layout::{Constraint, Layout, Rect};

use super::state::{CARDS, Card, Overview, last_line, newest_warnings, per_row};
use crate::dashboard::core::{About, Connection, Hit, Loadable, Shared};
use crate::dashboard::data::log::stamp;
use crate::dashboard::paint::{Canvas, Role, duration, row};
use crate::dashboard::views::pieces;
use crate::dashboard::views::pieces::{counter_row, message};
use crate::kernel::api::{Capability, GuestState};
use crate::kernel::taint;

pub(crate) fn draw(canvas: &mut Canvas<'_>, area: Rect, view: &Overview, shared: &Shared) {
    let columns = per_row(area.width);
    let rows = CARDS.len().div_ceil(columns) as u16;
    let most = CARDS.iter().map(|card| card.counters.len()).max().unwrap_or(0) as u16 + 5;
    let height = ((area.height * 3 / 5) / rows).clamp(6, most);
    let [cards, rest] =
        Layout::vertical([Constraint::Length(height * rows), Constraint::Fill(1)]).areas(area);
    for (index, entry) in CARDS.iter().enumerate() {
        let (line, column) = ((index / columns) as u16, index % columns);
        let across = Rect::new(cards.x, cards.y + line * height, cards.width, height);
        let parts = Layout::horizontal(vec![Constraint::Fill(1); columns]).split(across);
        let place = parts[column];
        canvas.hit(place, Hit::Row { pane: 0, index });
        card(canvas, place, view, shared, entry, index == view.selected);
    }
    let split = if area.width >= 110 {
        [Constraint::Length(54), Constraint::Fill(1)]
    } else {
        [Constraint::Length(33), Constraint::Fill(1)]
    };
    // Tall screens have room for the newest of everything that the kernel says.
    let [rest, tail] = if rest.height >= 24 {
        Layout::vertical([Constraint::Length(12), Constraint::Fill(1)]).areas(rest)
    } else {
        [rest, Rect::ZERO]
    };
    if tail.height > 0 {
        newest(canvas, tail, shared);
    }
    let [machine_area, warnings_area] = Layout::horizontal(split).areas(rest);
    machine(canvas, machine_area, shared);
    warnings(canvas, warnings_area, shared);
}

fn card(
    canvas: &mut Canvas<'_>,
    area: Rect,
    _: &Overview,
    shared: &Shared,
    card: &Card,
    selected: bool,
) {
    let drives = |about: &&'static About| about.module == Some(card.module);
    let number = shared.tabs.iter().position(drives).map_or(0, |index| index + 1);
    let title = format!("{number} {}", card.module);
    let inside = canvas.panel(area, &title, selected);
    pieces::module_state(canvas, row(inside, 0), shared, card.module);
    let last = row(inside, inside.height.saturating_sub(1));
    if shared.counters.module(card.module).is_some() {
        let room = usize::from(inside.height.saturating_sub(2));
        for (index, counter) in card.counters.iter().take(room).enumerate() {
            counter_row(canvas, row(inside, index as u16 + 1), shared, (card.module, counter));
        }
    } else if inside.height > 2 {
        let summary = match ringside_uapi::module(card.module) {
            Some(_) if shared.foreign(card.module) => {
                "Another module of that name: it has no counters."
            }
            Some(module) => module.summary,
            None => "",
        };
        canvas.wrapped(
            Rect { y: inside.y + 1, height: inside.height - 2, ..inside },
            summary,
            Role::Dim,
        );
    }
    if let Some(line) = last_line(shared, card.module) {
        let text = line.text.split_once(": ").map_or(&*line.text, |(_, text)| text);
        let role = pieces::level_role(line.level);
        let mark = canvas.look.glyphs.arrows[1];
        canvas.spans(last, &[(mark, Role::Dim), (" ", Role::Dim), (text, role)]);
    }
}

fn machine(canvas: &mut Canvas<'_>, area: Rect, shared: &Shared) {
    let lab = shared.link.lab.as_ref();
    let title = match lab {
        Some(lab) => format!("Machine, guest {}", lab.generation),
        None => "Machine".into(),
    };
    let inside = canvas.panel(area, &title, false);
    let Some(kernel) = &shared.link.kernel else {
        let text = match (&shared.link.connection, lab) {
            (Connection::Lost { why, .. }, _) => {
                format!("Nothing is known of the kernel: {why}. It is asked again every second.")
            }
            (_, Some(lab)) if lab.guest == GuestState::Starting => shared.fill(
                "The guest starts: a moment where a saved state is resumed, a few seconds where \
                 the kernel boots. {console} shows its console.",
            ),
            _ => "Waiting for the kernel's first answer …".into(),
        };
        message(canvas, inside, &text, Role::Warning);
        return;
    };
    let mut y = 0;
    let mut line = |canvas: &mut Canvas<'_>, label: &str, text: &str, role: Role| {
        let place = row(inside, y);
        canvas.text(place.x, place.y, 9.min(place.width), label, Role::Dim);
        let (width, height) = (place.width.saturating_sub(9), inside.bottom() - place.y);
        // What is long gets the rows that are left.
        y += canvas.wrapped(Rect::new(place.x + 9, place.y, width, height), text, role).max(1);
    };
    let (total, available) = kernel.memory_kib;
    let used = total.saturating_sub(available);
    let mib = |kib: u64| kib / 1024;
    let memory = format!("{} of {} MiB used", mib(used), mib(total));
    let tight = available < total / 10;
    line(canvas, "memory", &memory, if tight { Role::Warning } else { Role::Text });
    let levels = match kernel.page_table_levels {
        4 => "4 levels (P4D folded)",
        5 => "5 levels",
        _ => "?",
    };
    let processors = format!("{} × {}", kernel.processors, kernel.machine);
    line(canvas, "cpus", &processors, Role::Text);
    line(canvas, "paging", levels, Role::Text);
    let taint = taint::of_bits(kernel.taint);
    let role = if kernel.taint == 0 { Role::Good } else { Role::Warning };
    line(canvas, "taint", &taint, role);
    if let Some(lab) = lab {
        let how = if lab.resumed { "resumed" } else { "booted" };
        let text = format!("{how} in {}", duration(lab.started_in_ms));
        line(canvas, "lab", &text, Role::Text);
        let stick = match (lab.stick_plugged, &lab.stick_file) {
            (false, _) => shared.fill("pulled out ({overview-stick} plugs it in)"),
            (true, Some(file)) => format!("plugged in, {file}"),
            // Empty at first, but not for ever.
            (true, None) => "plugged in, temporary".to_owned(),
        };
        line(canvas, "stick", &stick, Role::Text);
        line(canvas, "runs on", &lab.accelerator_reason, Role::Dim);
    } else if let Some(reason) = shared.link.missing(Capability::Lab) {
        line(canvas, "lab", reason, Role::Dim);
    }
    for missing in &kernel.missing {
        let text = format!("{:?}: {}", missing.capability, missing.reason);
        line(canvas, "missing", &text, Role::Warning);
    }
}

fn newest(canvas: &mut Canvas<'_>, area: Rect, shared: &Shared) {
    let inside = canvas.panel(area, "Newest in the kernel log", false);
    let end = shared.log_end();
    let visible = |row: &crate::dashboard::data::log::Row| row.level < 7;
    let rows: Vec<_> =
        shared.log.newest(end, 2000, visible).take(usize::from(inside.height)).collect();
    for (index, (_, entry)) in rows.iter().rev().enumerate() {
        let place = row(inside, index as u16);
        let role = pieces::level_role(entry.level);
        let mark = pieces::level_mark(canvas, entry.level);
        let time = stamp(entry.at_us);
        canvas.spans(
            place,
            &[(&time, Role::Dim), (" ", role), (mark, role), (" ", role), (&entry.text, role)],
        );
    }
}

fn warnings(canvas: &mut Canvas<'_>, area: Rect, shared: &Shared) {
    let inside = canvas.panel(area, "Newest warnings", false);
    if let Some(error) = &shared.log.failed {
        let text = format!("The kernel log can't be read: {error}");
        message(canvas, inside, &text, Role::Bad);
        return;
    }
    let found = newest_warnings(shared, usize::from(inside.height));
    if found.is_empty() {
        let text = match (&shared.modules, shared.log.is_empty()) {
            (Loadable::Loading, true) => "Waiting for the kernel log …",
            _ => "None. That is good.",
        };
        message(canvas, inside, text, Role::Dim);
        return;
    }
    for (index, (_, entry)) in found.iter().rev().enumerate() {
        let place = row(inside, index as u16);
        let time = stamp(entry.at_us);
        let time = time.split('.').next().unwrap_or("");
        let text = shared.log.trace(entry).map_or_else(
            || entry.text.to_string(),
            |trace| {
                let room = usize::from(place.width).saturating_sub(time.len() + 4);
                trace.headline(room, canvas.look.glyphs.ellipsis)
            },
        );
        let role = pieces::level_role(entry.level);
        let mark = pieces::level_mark(canvas, entry.level);
        canvas.spans(
            place,
            &[(time, Role::Dim), ("s ", Role::Dim), (mark, role), (" ", role), (&text, role)],
        );
    }
}
