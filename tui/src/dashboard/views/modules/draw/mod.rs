// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws view 7: the modules.

mod charts;

use super::state::Modules;
use ratatui::layout::{Constraint, Layout, Rect};

use super::list::{detail, listed_modules, selected, values};
use crate::dashboard::core::{Connection, Hit, Loadable, Shared};
use crate::dashboard::data::hex::size_text;
use crate::dashboard::paint::{Canvas, Role, range, row, wrap};
use crate::dashboard::views::pieces;
use crate::dashboard::views::pieces::{counter_row, message};
use crate::kernel::api::{KernelThread, ModuleSummary};
use crate::kernel::taint;

pub(crate) fn draw(canvas: &mut Canvas<'_>, area: Rect, view: &Modules, shared: &Shared) {
    if shared.zoom
        && let Some(module) = selected(view, shared)
    {
        return charts::draw(canvas, area, view, shared, &module.name);
    }
    let widths = if area.width >= 120 {
        [Constraint::Percentage(45), Constraint::Fill(1)]
    } else {
        [Constraint::Length(38), Constraint::Fill(1)]
    };
    let [left, right] = Layout::horizontal(widths).areas(area);
    list(canvas, left, view, shared);
    one(canvas, right, view, shared);
}

fn list(canvas: &mut Canvas<'_>, area: Rect, view: &Modules, shared: &Shared) {
    let listed = listed_modules(view, shared);
    let all = shared.modules.ready().map_or(0, Vec::len);
    let title = if shared.modules.ready().is_none() {
        "Modules".to_owned()
    } else if listed.len() == all {
        let noun = if all == 1 { "module" } else { "modules" };
        format!("{all} {noun}, {}", view.sort.text())
    } else {
        format!("{} of {all} modules, {}", listed.len(), view.sort.text())
    };
    let mut inside = canvas.panel(area, &title, !view.on_values);
    if view.typing.is_some() || !view.filter.is_empty() {
        let line = row(inside, inside.height.saturating_sub(1));
        inside.height = inside.height.saturating_sub(1);
        let x = canvas.text(line.x, line.y, 2, "/", Role::Key);
        let place = Rect::new(x, line.y, line.right().saturating_sub(x), 1);
        match &view.typing {
            Some(field) => canvas.input(place, field.text(), Some(field.cursor())),
            None => {
                canvas.text(place.x, place.y, place.width, &view.filter, Role::Text);
            }
        }
    }
    match (&shared.modules, listed.is_empty()) {
        (Loadable::Loading, _) => {
            let text = match &shared.link.connection {
                Connection::Lost { why, .. } => format!("No connection to the kernel: {why}"),
                _ => "Asking the kernel …".into(),
            };
            return message(canvas, inside, &text, Role::Dim);
        }
        (Loadable::Failed(error), _) => {
            let text = format!(
                "The modules can't be listed: {error}. It is tried again every few seconds."
            );
            return message(canvas, inside, &text, Role::Bad);
        }
        (Loadable::Ready(modules), true) if modules.is_empty() => {
            let text = shared.by_life(
                "No module is loaded. {load} loads one: a name, a folder that is built first, or \
                 a .ko file.",
                "No module was loaded.",
            );
            return message(canvas, inside, &text, Role::Dim);
        }
        (_, true) => {
            let text = shared.fill("No name has this in it. {back} shows all.");
            return message(canvas, inside, &text, Role::Dim);
        }
        _ => {}
    }
    let wide = inside.width >= 60;
    let head = row(inside, 0);
    let name_width = if wide { 26 } else { inside.width.saturating_sub(18) };
    canvas.text(head.x + 2, head.y, name_width, "name", Role::Dim);
    let x = head.x + 2 + name_width;
    canvas.right(Rect::new(x, head.y, 9, 1), "size", Role::Dim);
    canvas.right(Rect::new(x + 9, head.y, 6, 1), "users", Role::Dim);
    if wide {
        canvas.text(x + 17, head.y, 9, "state", Role::Dim);
        canvas.text(x + 27, head.y, head.right().saturating_sub(x + 27), "used by", Role::Dim);
    }
    let room = usize::from(inside.height.saturating_sub(1));
    let current = selected(view, shared).map(|module| module.name.as_str());
    let position = listed.iter().position(|module| Some(module.name.as_str()) == current);
    let top = position.unwrap_or(0).saturating_sub(room / 2).min(listed.len().saturating_sub(room));
    for (line, (index, module)) in listed.iter().enumerate().skip(top).take(room).enumerate() {
        let place = row(inside, line as u16 + 1);
        module_row(canvas, place, module, (name_width, wide));
        if Some(index) == position {
            canvas.select(place);
        }
        canvas.hit(place, Hit::Row { pane: 0, index });
    }
}

fn module_row(
    canvas: &mut Canvas<'_>,
    area: Rect,
    module: &ModuleSummary,
    (name, wide): (u16, bool),
) {
    let glyphs = canvas.look.glyphs;
    let role = if module.broken { Role::Bad } else { Role::Text };
    let mark = if module.broken { glyphs.no } else { " " };
    canvas.text(area.x + 1, area.y, 1, mark, Role::Bad);
    canvas.text(area.x + 2, area.y, name - 1, &module.name, role);
    let x = area.x + 2 + name;
    canvas.right(Rect::new(x, area.y, 9, 1), &size_text(module.size), Role::Dim);
    let users = if module.users < 0 { "fixed".into() } else { module.users.to_string() };
    canvas.right(Rect::new(x + 9, area.y, 6, 1), &users, role);
    if wide {
        let state = if module.broken { "crashed".into() } else { module.state.to_lowercase() };
        canvas.text(x + 17, area.y, 9, &state, role);
        let used_by = module.used_by.join(", ");
        canvas.text(x + 27, area.y, area.right().saturating_sub(x + 27), &used_by, Role::Dim);
    }
}

fn one(canvas: &mut Canvas<'_>, area: Rect, view: &Modules, shared: &Shared) {
    let Some(module) = selected(view, shared) else {
        canvas.panel(area, "", false);
        return;
    };
    let inside = canvas.panel(area, &module.name, view.on_values);
    let mut y = 0;
    let mut line = |canvas: &mut Canvas<'_>, label: &str, text: &str, role: Role| {
        let width = inside.width.saturating_sub(11);
        for (index, part) in wrap(text, width).iter().take(2).enumerate() {
            let place = row(inside, y);
            if index == 0 {
                canvas.text(place.x + 1, place.y, 9, label, Role::Dim);
            }
            canvas.text(place.x + 10, place.y, place.width.saturating_sub(10), part, role);
            y += 1;
        }
    };
    let info = shared.loader.info(&module.name);
    let foreign = shared.foreign(&module.name);
    let known = ringside_uapi::module(&module.name).filter(|_| !foreign).map(|known| known.summary);
    if let Some(text) = known.or_else(|| info?.get("description")) {
        line(canvas, "about", text, Role::Text);
    }
    if foreign {
        let text = "bears the name of one of Ringside's: no counters, no controls";
        line(canvas, "not ours", text, Role::Warning);
    }
    let none = |names: &[String]| {
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    };
    if module.broken {
        line(
            canvas,
            "state",
            &shared.fill("crashed: not to be used until a reboot ({vm-reboot})"),
            Role::Bad,
        );
    } else {
        line(canvas, "state", &module.state.to_lowercase(), Role::Good);
    }
    if !module.taint.is_empty() {
        line(canvas, "taints", &taint::of_letters(&module.taint), Role::Text);
    }
    match (&view.detail, detail(view, shared)) {
        (_, Some(detail)) => {
            line(canvas, "uses", &none(&detail.uses), Role::Text);
            line(canvas, "used by", &none(&module.used_by), Role::Text);
            if let Some(version) = &detail.version {
                line(canvas, "version", version, Role::Text);
            }
            let tall = area.height > 24;
            if let (Some(version), true) = (&detail.srcversion, tall) {
                line(canvas, "source", version, Role::Dim);
            }
            let keys: &[&str] =
                if tall { &["license", "author", "vermagic"] } else { &["license"] };
            for key in keys {
                if let Some(value) = info.and_then(|info| info.get(key)) {
                    line(canvas, key, value, Role::Dim);
                }
            }
            if let (true, Some(why)) = (tall, view.fileless.get(&module.name)) {
                line(canvas, "file", why, Role::Dim);
            }
        }
        (Loadable::Failed(error), None) if view.detail_of == module.name => {
            line(canvas, "", &error.to_string(), Role::Bad);
        }
        _ => line(canvas, "used by", &none(&module.used_by), Role::Text),
    }
    let rest = Rect {
        y: inside.y + y.min(inside.height),
        height: inside.height.saturating_sub(y),
        ..inside
    };
    let used = value_rows(canvas, rest, view, shared);
    let rest = Rect { y: rest.y + used, height: rest.height - used, ..rest };
    let threads = detail(view, shared).map_or(&[][..], |detail| &detail.threads);
    // What has counters of its own tells more of them in its view.
    let used = match shared.counters.module(&module.name) {
        None => thread_rows(canvas, rest, threads),
        Some(_) => 0,
    };
    let rest = Rect { y: rest.y + used, height: rest.height - used, ..rest };
    counters(canvas, rest, shared, &module.name);
}

/// Paints parameters and controls; returns the rows used.
fn value_rows(canvas: &mut Canvas<'_>, area: Rect, view: &Modules, shared: &Shared) -> u16 {
    let values = values(view, shared);
    if values.is_empty() || area.height < 3 {
        return 0;
    }
    heading(canvas, row(area, 0), "Parameters and controls");
    // Counters get a third of the room.
    let room = usize::from((area.height - 1) * 2 / 3).clamp(1, values.len());
    let top = (view.value + 1).saturating_sub(room);
    for (line, (index, value)) in values.iter().enumerate().skip(top).take(room).enumerate() {
        let place = row(area, line as u16 + 1);
        canvas.text(place.x + 1, place.y, 17, &value.name, Role::Text);
        let text = value.value.as_deref().unwrap_or("(can't be read)");
        let width = place.width.saturating_sub(32).max(8);
        canvas.text(place.x + 19, place.y, width, text, Role::Title);
        let kind = match (value.control, value.writable) {
            (true, _) => "control",
            (false, true) => "writable",
            (false, false) => "at load",
        };
        canvas.right(place, kind, Role::Dim);
        if view.on_values && index == view.value {
            canvas.select(place);
        }
        canvas.hit(place, Hit::Row { pane: 1, index });
    }
    room as u16 + 1
}

/// Paints the module's kernel threads; returns the rows used.
fn thread_rows(canvas: &mut Canvas<'_>, area: Rect, threads: &[KernelThread]) -> u16 {
    if threads.is_empty() || area.height < 2 {
        return 0;
    }
    heading(canvas, row(area, 0), "Threads");
    let room = usize::from(area.height - 1).min(threads.len());
    for (line, thread) in threads.iter().take(room).enumerate() {
        pieces::thread(canvas, row(area, line as u16 + 1), thread);
    }
    room as u16 + 1
}

fn heading(canvas: &mut Canvas<'_>, area: Rect, text: &str) {
    let line = canvas.look.glyphs.lines[0].repeat(usize::from(area.width));
    canvas.text(area.x, area.y, area.width, &line, Role::Border);
    let text = format!(" {text} ");
    canvas.text(area.x + 1, area.y, area.width.saturating_sub(1), &text, Role::Dim);
}

fn counters(canvas: &mut Canvas<'_>, area: Rect, shared: &Shared, module: &str) {
    let Some(live) = shared.counters.module(module) else {
        return;
    };
    if area.height < 2 {
        return;
    }
    let keys = shared.fill("({shorter} {longer} range, {zoom} charts)");
    let title = format!("Counters, {} {keys}", range(shared.range_ms()));
    heading(canvas, row(area, 0), &title);
    let below = Rect { y: area.y + 1, height: area.height - 1, ..area };
    if charts::fit(below, live.counters.len()) {
        return charts::paint(canvas, below, shared, (module, &live.counters));
    }
    let room = usize::from(area.height - 1);
    let fits = live.counters.len() <= room;
    let shown = if fits { room } else { room - 1 };
    for (index, counter) in live.counters.iter().take(shown).enumerate() {
        counter_row(canvas, row(area, index as u16 + 1), shared, (module, &counter.name));
    }
    if !fits {
        let more = live.counters.len() - shown;
        let text = format!("{more} more: {} shows all", shared.keymap.press("zoom"));
        let last = row(area, area.height - 1);
        canvas.text(last.x, last.y, last.width, &text, Role::Dim);
    }
}
