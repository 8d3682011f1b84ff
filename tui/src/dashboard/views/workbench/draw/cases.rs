// SPDX-License-Identifier: MIT OR Apache-2.0
//! The unit tests: each with its time, and what the kernel wrote of the selected one.

use ratatui::layout::{Constraint, Layout, Rect};

use super::super::state::{Tests, Workbench};
use crate::dashboard::core::workbench::{Case, Outcome};
use crate::dashboard::core::{Hit, Shared};
use crate::dashboard::paint::{Canvas, Role, row};
use crate::dashboard::views::pieces::message;

pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    (view, shared): (&Workbench, &Shared),
    focused: bool,
) {
    let Some(tests) = &view.tests else { return };
    let selected = tests.cases.get(view.selected);
    let shows_lines = selected.is_some_and(|case| !case.lines.is_empty());
    let below = if shows_lines { area.height / 2 } else { 0 };
    let [upper, lower] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(below)]).areas(area);
    let inside = canvas.panel(upper, &title(tests, shared), focused);
    if tests.cases.is_empty() {
        let (text, role) = match (&tests.failed, tests.took_ms) {
            (Some(why), _) => (why.as_str(), Role::Bad),
            (None, Some(_)) => {
                ("This folder has no KUnit tests; a new module has some.", Role::Dim)
            }
            (None, None) => ("Building for the debug kernel, and starting a guest …", Role::Dim),
        };
        return message(canvas, inside, text, role);
    }
    let room = usize::from(inside.height);
    let top = (view.selected + 1).saturating_sub(room);
    for (line, (index, case)) in tests.cases.iter().enumerate().skip(top).take(room).enumerate() {
        let place = row(inside, line as u16);
        self::case(canvas, place, case);
        if index == view.selected {
            canvas.select(place);
        }
        canvas.hit(place, Hit::Row { pane: 0, index });
    }
    if let Some(case) = selected.filter(|_| shows_lines) {
        let inside =
            canvas.panel(lower, &format!("What the kernel wrote during {}", case.name), false);
        let skipped = case.lines.len().saturating_sub(usize::from(inside.height));
        for (index, line) in case.lines.iter().skip(skipped).enumerate() {
            let place = row(inside, index as u16);
            let failed = line.contains("EXPECTATION FAILED") || line.contains("ASSERTION FAILED");
            let role = if failed { Role::Bad } else { Role::Text };
            canvas.text(place.x + 1, place.y, place.width.saturating_sub(1), line.trim_end(), role);
        }
    }
}

fn title(tests: &Tests, shared: &Shared) -> String {
    let [passed, failed, skipped] =
        [Outcome::Passed, Outcome::Failed, Outcome::Skipped].map(|outcome| tests.count(outcome));
    let counts = format!("{passed} passed, {failed} failed, {skipped} skipped");
    let seconds = |ms: u64| ms as f64 / 1000.0;
    match (&tests.failed, tests.took_ms) {
        (Some(_), _) => "Unit tests: they did not run".into(),
        (None, Some(ms)) => format!("Unit tests: {counts} in {:.1} s", seconds(ms)),
        (None, None) => {
            let since = shared.now_ms.saturating_sub(tests.since_ms) / 1000;
            format!("Unit tests run, {since} s: {counts}")
        }
    }
}

fn case(canvas: &mut Canvas<'_>, area: Rect, case: &Case) {
    let glyphs = canvas.look.glyphs;
    let (mark, role, word) = match case.outcome {
        Outcome::Passed => (glyphs.dot, Role::Good, "passed "),
        Outcome::Skipped => (glyphs.ring, Role::Dim, "skipped"),
        Outcome::Failed => (glyphs.no, Role::Bad, "failed "),
    };
    let time = format!("{:.1} ms", case.time_us as f64 / 1000.0);
    let left = Rect { width: area.width.saturating_sub(time.len() as u16 + 2), ..area };
    let why = if case.why.is_empty() { String::new() } else { format!("  {}", case.why) };
    canvas.spans(
        left,
        &[
            (" ", Role::Dim),
            (mark, role),
            (" ", role),
            (word, role),
            (" ", role),
            (&case.name, Role::Text),
            (&why, Role::Dim),
        ],
    );
    canvas.right(Rect { width: area.width.saturating_sub(1), ..area }, &time, Role::Dim);
}
