// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pieces that several views share.

use crate::dashboard::core::{Connection, Loadable, Shared};
use crate::dashboard::data::counters::is_monotonic;
use crate::dashboard::paint::{Canvas, Role, counted, range, short, wrap};
use ratatui::layout::Rect;
use ringside_uapi::describe::Unit;
use unicode_width::UnicodeWidthStr;

use crate::kernel::api::KernelThread;

use crate::dashboard::data::hex::ByteKind;
use crate::dashboard::data::hex::size_text;

/// The role of a log level.
pub fn level_role(level: u8) -> Role {
    match level {
        0..=3 => Role::Bad,
        4 => Role::Warning,
        7 => Role::Dim,
        _ => Role::Text,
    }
}

/// The role of a byte by its kind.
pub fn byte_role(byte: u8) -> Role {
    match ByteKind::of(byte) {
        ByteKind::Zero => Role::Dim,
        ByteKind::Text => Role::Series(2),
        ByteKind::Space => Role::Series(0),
        ByteKind::Control => Role::Series(1),
        ByteKind::High => Role::Series(3),
    }
}

/// The mark of a log level: urgent ones are told apart without colours too.
pub fn level_mark(canvas: &Canvas<'_>, level: u8) -> &'static str {
    let glyphs = canvas.look.glyphs;
    match level {
        0..=3 => glyphs.no,
        4 => glyphs.warning,
        _ => " ",
    }
}

/// Paints a few words in an otherwise empty panel.
pub fn message(canvas: &mut Canvas<'_>, area: Rect, text: &str, role: Role) {
    let area = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    for (index, line) in wrap(text, area.width).iter().take(usize::from(area.height)).enumerate() {
        canvas.text(area.x, area.y + index as u16, area.width, line, role);
    }
}

/// A chart's title, with the time that it spans where its border has room for both.
pub fn with_time(title: String, span_ms: u64, area: Rect) -> String {
    let whole = format!("{title}; {}", range(span_ms));
    // Corners, and a blank on each side.
    if whole.width() + 4 <= area.width.into() { whole } else { title }
}

/// Paints whether a module of ours is loaded, and what to press if not.
pub fn module_state(canvas: &mut Canvas<'_>, area: Rect, shared: &Shared, module: &str) {
    let glyphs = canvas.look.glyphs;
    let answers =
        shared.link.dead().is_none() && !matches!(shared.link.connection, Connection::Lost { .. });
    match (&shared.modules, shared.loaded(module)) {
        (Loadable::Ready(_), Some(_)) if !answers => {
            canvas.spans(area, &[(glyphs.ring, Role::Dim), (" was loaded", Role::Dim)]);
        }
        (Loadable::Ready(_), None) if !answers => {
            canvas.spans(area, &[(glyphs.ring, Role::Dim), (" was not loaded", Role::Dim)]);
        }
        (Loadable::Loading, _) => {
            let text = match shared.link.connection {
                Connection::Lost { .. } => "no connection",
                _ => "asking the kernel …",
            };
            canvas.spans(area, &[(glyphs.ring, Role::Dim), (" ", Role::Dim), (text, Role::Dim)]);
        }
        (Loadable::Failed(error), _) => {
            let text = error.to_string();
            canvas.spans(area, &[(glyphs.no, Role::Bad), (" ", Role::Bad), (&text, Role::Bad)]);
        }
        (Loadable::Ready(_), None) => {
            canvas.spans(
                area,
                &[
                    (glyphs.ring, Role::Dim),
                    (" not loaded  ", Role::Dim),
                    (&shared.keymap.press("load"), Role::Key),
                    (" loads it", Role::Dim),
                ],
            );
        }
        (Loadable::Ready(_), Some(summary)) if summary.broken => {
            let text = shared.fill(" crashed; reboot ({vm-reboot}) to use it again");
            canvas.spans(area, &[(glyphs.no, Role::Bad), (&text, Role::Bad)]);
        }
        (Loadable::Ready(_), Some(summary)) => {
            let state = match summary.state.as_str() {
                "Live" => "loaded".to_owned(),
                other => other.to_lowercase(),
            };
            let users = match summary.users {
                0 => "not in use".to_owned(),
                1 => "in use once".to_owned(),
                users if users < 0 => "can't be unloaded".to_owned(),
                users => format!("in use {users} times"),
            };
            let text = match shared.foreign(module) {
                true => format!("  not Ringside's, {}", size_text(summary.size)),
                false => format!("  {}, {users}", size_text(summary.size)),
            };
            canvas.spans(
                area,
                &[
                    (glyphs.dot, Role::Good),
                    (" ", Role::Good),
                    (&state, Role::Good),
                    (&text, Role::Dim),
                ],
            );
        }
    }
}

/// A kernel thread with its state and what it waits for.
pub fn thread(canvas: &mut Canvas<'_>, area: Rect, thread: &KernelThread) {
    let waits = match thread.waits_in.as_str() {
        "" => String::new(),
        function => format!(" in {function}"),
    };
    let x = canvas.text(area.x + 1, area.y, 16, &thread.name, Role::Title).max(area.x + 17) + 1;
    let text = format!("{}{waits}, pid {}", thread.state, thread.pid);
    canvas.text(x, area.y, area.right().saturating_sub(x), &text, Role::Text);
}

/// `produced      12,345   1.2k/s ▁▂▃▄▅`
pub(crate) fn counter_row(
    canvas: &mut Canvas<'_>,
    area: Rect,
    shared: &Shared,
    (module, counter): (&str, &str),
) {
    let known = ringside_uapi::module(module)
        .and_then(|module| module.counters.iter().find(|entry| entry.name == counter));
    let unit = known.map_or(Unit::Count, |counter| counter.unit);
    let monotonic = is_monotonic(module, counter);
    let wide = area.width >= 46;
    let (name_width, value_width) = if wide { (16, 12) } else { (15, 9) };
    canvas.text(area.x, area.y, name_width, &counter.replace('_', " "), Role::Dim);
    let value = match shared.counters.value(module, counter) {
        Some(value) => counted(value, unit).trim_end_matches(" pages").to_owned(),
        None => shared.counters.text(module, counter).unwrap_or("?").to_owned(),
    };
    let place = Rect::new(
        area.x + name_width,
        area.y,
        value_width.min(area.width.saturating_sub(name_width)),
        1,
    );
    let value = match shared.counters.value(module, counter) {
        Some(number) if value.len() > usize::from(place.width) => short(number as f64),
        _ => value,
    };
    canvas.right(place, &value, Role::Title);
    let mut x = place.right() + 1;
    if monotonic && area.right() > x + 8 {
        let rate = shared.counters.rate(module, counter).unwrap_or(0.0);
        let text = if rate > 0.0 { format!("{}/s", short(rate)) } else { String::new() };
        canvas.right(Rect::new(x, area.y, 7, 1), &text, Role::Text);
    }
    x += 8;
    if area.right() > x + 2 {
        let width = area.right() - x;
        let columns = shared.counters.columns(
            (module, counter),
            shared.range_ms(),
            usize::from(width),
            monotonic,
        );
        canvas.sparkline(Rect::new(x, area.y, width, 1), &columns, Role::Series(0));
    }
}
