// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why the guest died: the reason, its last words, and what to press.

use ratatui::layout::Rect;

use super::repeat;
use crate::dashboard::core::Shared;
use crate::dashboard::data::log::{Kind, readable};
use crate::dashboard::paint::{Canvas, Role, duration, row, wrap};
use crate::kernel::api::GuestState;

/// So many callers are shown.
const CALLERS: usize = 4;

/// Paints the screen that says why the guest died.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, shared: &Shared) {
    let Some(lab) = shared.link.dead() else { return };
    let (title, reason) = match &lab.guest {
        GuestState::Panicked { reason } => ("The kernel panicked", reason.as_str()),
        GuestState::Off => ("The guest is off", "It was powered off, or powered off by itself."),
        GuestState::Killed { how } => ("QEMU ended, and nobody asked for it", how.as_str()),
        GuestState::Failed { why } => ("The guest could not be started", why.as_str()),
        GuestState::Running | GuestState::Starting => return,
    };
    let inside = canvas.panel(area, title, true);
    let mut y = 0;
    for line in wrap(reason, inside.width.saturating_sub(2)).iter().take(4) {
        canvas.text(inside.x + 1, inside.y + y, inside.width - 2, line, Role::Bad);
        y += 1;
    }
    let last = shared.console.trace();
    if let Some(trace) = last.as_ref().or_else(|| newest_trace(shared)) {
        let place = shared.symbols.place(&trace.function, true);
        let place = place.unwrap_or(&trace.place).to_owned();
        let mut facts = vec![("in", readable(&trace.function)), ("at", place)];
        if !reason.contains(&trace.reason) {
            facts.insert(0, ("after", trace.reason.clone()));
        }
        let callers =
            trace.calls.iter().take(CALLERS).map(|call| match shared.symbols.place(call, false) {
                Some(place) => format!("{}  {place}", readable(call)),
                None => readable(call),
            });
        facts.extend(callers.map(|caller| ("called by", caller)));
        for (label, value) in &facts {
            if !value.is_empty() {
                let line = row(inside, y);
                canvas.spans(
                    line,
                    &[
                        (" ", Role::Dim),
                        (label, Role::Dim),
                        (" ", Role::Dim),
                        (value, Role::Warning),
                    ],
                );
                y += 1;
            }
        }
    }
    y += 1;
    if let Some(mark) = shared.marks.newest() {
        let before = duration(shared.marks.before(mark, shared.link.lab_at_ms) / 100 * 100);
        let text = format!(" rewinds to {before} before that (mark {})   ", mark.name);
        let list = shared.fill("{marks}");
        canvas.spans(
            row(inside, y),
            &[
                (" r", Role::Key),
                (&text, Role::Text),
                (&list, Role::Key),
                (" lists older marks", Role::Text),
            ],
        );
        y += 1;
        y = again(canvas, inside, y, shared);
        let gdb = "r, then `ringside gdb` in another terminal: single instructions from there";
        canvas.text(inside.x + 1, inside.y + y, inside.width - 2, gdb, Role::Dim);
        y += 1;
    }
    let keys = row(inside, y);
    let reboot = shared.fill(" {vm-reboot}");
    canvas.spans(
        keys,
        &[
            (&reboot, Role::Key),
            (" boots a new guest (a moment)   ", Role::Text),
            (&shared.keymap.press("back"), Role::Key),
            (" shows the last picture, until then", Role::Text),
        ],
    );
    y += 1;
    if !shared.link.recording {
        let dump = "`ringside dump FILE` in another terminal: its memory for drgn and crash";
        canvas.text(inside.x + 1, inside.y + y, inside.width - 2, dump, Role::Dim);
        y += 1;
    }
    y += 1;
    canvas.text(
        inside.x + 1,
        inside.y + y,
        inside.width - 2,
        "Last lines of its console:",
        Role::Dim,
    );
    y += 1;
    let room = inside.height.saturating_sub(y);
    let lines: Vec<&str> = shared.console.lines().rev().take(usize::from(room)).collect();
    if lines.is_empty() {
        canvas.text(
            inside.x + 1,
            inside.y + y,
            inside.width - 2,
            "(nothing was received)",
            Role::Dim,
        );
    }
    for (index, line) in lines.iter().rev().enumerate() {
        let urgent = ["panic", "BUG:", "Oops", "RIP:"].iter().any(|word| line.contains(word));
        let role = if urgent { Role::Bad } else { Role::Text };
        canvas.text(inside.x + 1, inside.y + y + index as u16, inside.width - 2, line, role);
    }
}

/// What else can be done from the newest mark on. Returns the row below.
fn again(canvas: &mut Canvas<'_>, inside: Rect, mut y: u16, shared: &Shared) -> u16 {
    let mut offer = |key: &str, text: &str| {
        canvas.spans(row(inside, y), &[(" ", Role::Text), (key, Role::Key), (text, Role::Text)]);
        y += 1;
    };
    let deeds = repeat::done_since(shared);
    if let Some(last) = deeds.last() {
        let what = match deeds.len() {
            1 => "the command since then".to_owned(),
            many => format!("the {many} commands since then, the last"),
        };
        offer("a", &format!(" rewinds and repeats {what}: {}", last.line()));
    }
    if repeat::ring_mark(shared).is_some() {
        let step = shared.fill("{ring-step}");
        offer(
            "s",
            &format!(" rewinds, and pauses the ring: {step} then lets item by item through"),
        );
    }
    y
}

/// The newest oops of this guest.
fn newest_trace(shared: &Shared) -> Option<&crate::dashboard::data::log::Trace> {
    let log = &shared.log;
    let start = log.end().saturating_sub(500).max(log.start());
    let numbers = (start..log.end()).rev();
    let rows = numbers.map_while(|number| {
        log.row(number).filter(|row| !matches!(row.kind, Kind::Guest(_) | Kind::Rewound(_)))
    });
    rows.filter_map(|row| log.trace(row)).next()
}
