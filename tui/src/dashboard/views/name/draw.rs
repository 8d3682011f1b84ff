// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws view 2: the greeting and the system call.

use super::state::Name;
use ratatui::layout::{Constraint, Layout, Rect};
use ringside_uapi::describe::ParameterKind;

use super::state::{MODULE, SYSCALL_SOURCE, newest};
use crate::dashboard::core::{Loadable, Shared};
use crate::dashboard::data::log::stamp;
use crate::dashboard::paint::{Canvas, Role, grouped, row};
use crate::dashboard::views::pieces::{message, module_state};
use crate::kernel::api::Capability;

/// Why the number is not the one that course material says.
const OTHER_NUMBERS: &str = "Courses say 463: since Linux 6.13 that is setxattrat (without arguments: \
                             EINVAL). Or 548: behind the last number there is (ENOSYS).";

pub(crate) fn draw(canvas: &mut Canvas<'_>, area: Rect, view: &Name, shared: &Shared) {
    let halves = [Constraint::Fill(1), Constraint::Fill(1)];
    let [module, syscall] = if area.width >= 130 {
        Layout::horizontal(halves).areas(area)
    } else {
        Layout::vertical(halves).areas(area)
    };
    greeting(canvas, module, view, shared);
    system_call(canvas, syscall, view, shared);
}

fn greeting(canvas: &mut Canvas<'_>, area: Rect, view: &Name, shared: &Shared) {
    let inside = canvas.panel(area, "my_name: a module with parameters", false);
    module_state(canvas, row(inside, 0), shared, MODULE);
    let Some(known) = ringside_uapi::module(MODULE) else {
        return;
    };
    for (index, parameter) in known.parameters.iter().enumerate() {
        let place = row(inside, index as u16 + 1);
        let detail = view.detail.as_ref();
        let value = detail.and_then(|detail| {
            let found = detail.parameters.iter().find(|entry| entry.name == parameter.name)?;
            found.value.clone()
        });
        let kind = match parameter.kind {
            ParameterKind::Integer { .. } => "int",
            ParameterKind::Microseconds { .. } => "µs",
            ParameterKind::Text { .. } => "text",
        };
        let (value, role) = match value {
            Some(value) => (value, Role::Title),
            None => (format!("{} (default)", parameter.default), Role::Dim),
        };
        canvas.text(place.x + 1, place.y, 14, parameter.name, Role::Text);
        canvas.text(place.x + 16, place.y, 22, &value, role);
        let help = format!("{}, {kind}", parameter.help);
        canvas.text(place.x + 39, place.y, place.width.saturating_sub(39), &help, Role::Dim);
    }
    let used = known.parameters.len() as u16 + 1;
    let lines = below(inside, used);
    let empty = shared.by_life(
        "Nothing said yet. {greet} chooses the parameters and loads it.",
        "It had said nothing.",
    );
    said(canvas, lines, shared, MODULE, &empty);
}

fn system_call(canvas: &mut Canvas<'_>, area: Rect, view: &Name, shared: &Shared) {
    let inside = canvas.panel(area, "my_syscall: a system call written in Rust", false);
    if let Some(reason) = shared.link.missing(Capability::Syscall) {
        let text = format!("This kernel does not have it: {reason}");
        return message(canvas, inside, &text, Role::Warning);
    }
    let info = match &view.syscall {
        Loadable::Loading => {
            let text = shared.by_life(
                "Asking the kernel for its number …",
                "What is shown here is asked for only while this view is open, and another was \
                 when the guest died.",
            );
            return message(canvas, inside, &text, Role::Dim);
        }
        Loadable::Failed(error) => {
            let text = format!("It can't be asked for: {error}");
            return message(canvas, inside, &text, Role::Bad);
        }
        Loadable::Ready(info) => info,
    };
    let number = info.number.to_string();
    let calls = grouped(info.calls as i64);
    let lines: [(&str, &str, &str); 3] = [
        ("number", &number, "what a program gives to syscall(2)"),
        ("calls", &calls, "since this kernel started"),
        ("message", &info.message, ""),
    ];
    for (index, (label, value, help)) in lines.iter().enumerate() {
        let place = row(inside, index as u16);
        canvas.text(place.x + 1, place.y, 9, label, Role::Dim);
        let width = place.width.saturating_sub(11);
        let end = canvas.text(place.x + 10, place.y, width, value, Role::Title);
        let x = (place.x + 24).max(end + 2);
        canvas.text(x, place.y, place.right().saturating_sub(x), help, Role::Dim);
    }
    let note = below(inside, 3);
    let note = Rect { x: note.x + 1, width: note.width.saturating_sub(1), ..note };
    let used = match inside.height {
        // The kernel's own words need the room more.
        ..7 => 3,
        _ => 3 + canvas.wrapped(note, OTHER_NUMBERS, Role::Dim),
    };
    let empty = shared.by_life(
        "Nobody has called it yet. {syscall} calls it once, {syscall-many} as often as you say.",
        "Nobody had called it.",
    );
    said(canvas, below(inside, used), shared, SYSCALL_SOURCE, &empty);
}

fn below(area: Rect, used: u16) -> Rect {
    let used = used.min(area.height);
    Rect { y: area.y + used, height: area.height - used, ..area }
}

/// Paints what a source said, the newest line last.
fn said(canvas: &mut Canvas<'_>, area: Rect, shared: &Shared, source: &str, empty: &str) {
    if area.height < 2 {
        return;
    }
    let line = canvas.look.glyphs.lines[0].repeat(usize::from(area.width));
    canvas.text(area.x, area.y, area.width, &line, Role::Border);
    canvas.text(area.x + 1, area.y, area.width - 1, " Kernel log ", Role::Dim);
    let area = below(area, 1);
    let rows = newest(shared, source, usize::from(area.height));
    if rows.is_empty() {
        canvas.text(area.x + 1, area.y, area.width - 1, empty, Role::Dim);
    }
    for (index, entry) in rows.iter().rev().enumerate() {
        let place = row(area, index as u16);
        let newest = index + 1 == rows.len();
        let role = if newest { Role::Good } else { Role::Text };
        let time = stamp(entry.at_us);
        let text = entry.text.split_once(": ").map_or(&*entry.text, |(_, text)| text);
        canvas.text(place.x, place.y, 10, &time[..time.len() - 3], Role::Dim);
        canvas.text(place.x + 10, place.y, place.width.saturating_sub(10), text, role);
    }
}
