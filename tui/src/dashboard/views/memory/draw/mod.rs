// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws view 4: memory.

mod content;
mod death;
mod ends;
mod space;
mod walk;

use super::state::Memory;
use ratatui::layout::Rect;

use super::cursor::pane_number;
use super::space::SUBJECTS;
use super::state::{MODULE, Pane};
use super::subjects::{Life, Subject};
use crate::dashboard::core::{Hit, Shared};
use crate::dashboard::paint::{Canvas, Role, row};
use crate::dashboard::views::ready::{Readiness, drawable};
use crate::dashboard::views::unready;
use crate::dashboard::views::unready::Introduction;
use crate::kernel::api::Capability;

const INTRODUCTION: Introduction = Introduction {
    module: MODULE,
    text: "A process asks the module for pages at an address of its choice; the kernel makes page \
           tables for them, up to five levels deep. Once the module is loaded you start subject \
           processes here, make them allocate, write, read, share and free pages, and see each \
           page's way through the tables, bit by bit. A subject may die of it: that is what it \
           is for.",
    shell: &[
        "insmod memalloc.ko",
        "ioctl(open(\"/dev/memalloc\", O_RDWR), ALLOCATE, &info)",
        "cat /sys/module/memalloc/counters/pages_mapped",
    ],
};

/// Rows of the walk's pane: address, five levels, verdict, box.
const WALK: u16 = 10;
/// The same without the address.
const BARE_WALK: u16 = 8;
/// Rows of the view below which it has none to spare.
const LOW: u16 = 16;
/// Rows of a pane that shows one line.
const ONE: u16 = 3;

pub(crate) fn draw(canvas: &mut Canvas<'_>, area: Rect, view: &Memory, shared: &Shared) {
    let why = drawable(shared, MODULE, Capability::Subjects);
    if why != Readiness::Ready {
        return unready::draw(canvas, area, shared, &why, &INTRODUCTION);
    }
    // On a low screen the walk needs the rows more than whoever does not look at it.
    let looked_at = shared.experiment.is_some() || matches!(view.focus, Pane::Walk | Pane::Content);
    let walk_first = area.height < LOW && looked_at && !shared.zoom && !shared.foreign(MODULE);
    let mut head = 0;
    if !walk_first {
        limits(canvas, row(area, 0), shared);
        head = 1;
    }
    said(canvas, row(area, head), view, shared);
    head += 1;
    let below = Rect { y: area.y + head, height: area.height.saturating_sub(head), ..area };
    if shared.zoom {
        return pane(canvas, below, view, shared, view.focus);
    }
    let bottom = match below.height {
        height if walk_first => height.saturating_sub(ONE).min(BARE_WALK),
        40.. => below.height / 2,
        14.. => WALK,
        height => height / 2,
    };
    let top = Rect { height: below.height - bottom, ..below };
    let list = Rect { width: SUBJECTS.min(area.width / 3), ..top };
    let space = Rect { x: list.right(), width: top.width - list.width, ..top };
    let lower = Rect { y: top.bottom(), height: bottom, ..below };
    pane(canvas, list, view, shared, Pane::Subjects);
    pane(canvas, space, view, shared, Pane::Space);
    if lower.width >= 150 {
        let left = Rect { width: lower.width - 82, ..lower };
        let right = Rect { x: left.right(), width: 82, ..lower };
        pane(canvas, left, view, shared, Pane::Walk);
        pane(canvas, right, view, shared, Pane::Content);
    } else if view.focus == Pane::Content {
        pane(canvas, lower, view, shared, Pane::Content);
    } else {
        pane(canvas, lower, view, shared, Pane::Walk);
    }
}

fn pane(canvas: &mut Canvas<'_>, area: Rect, view: &Memory, shared: &Shared, pane: Pane) {
    let focused = view.focus == pane;
    let subject = view.subject();
    match pane {
        Pane::Subjects => {
            let inside = canvas.panel(area, "Subjects", focused);
            subjects(canvas, inside, view, shared);
        }
        Pane::Space => space::draw(canvas, area, view, shared, subject, focused),
        Pane::Walk => walk::draw(canvas, area, view, shared, subject, focused),
        Pane::Content => content::draw(canvas, area, view, shared, subject, focused),
    }
}

/// What the module holds, and its limits.
fn limits(canvas: &mut Canvas<'_>, line: Rect, shared: &Shared) {
    if shared.foreign(MODULE) {
        let text = "this memalloc is not Ringside's: no counters, no WALK; the rest works";
        canvas.text(line.x, line.y, line.width, text, Role::Warning);
        return;
    }
    let value = |name: &str| shared.counters.text_or_unknown(MODULE, name);
    let (pages, most) = (value("pages_mapped"), value("pages_limit"));
    let refused: Option<i64> = ["pages_limit", "requests_limit", "exists", "invalid"]
        .iter()
        .map(|reason| shared.counters.value(MODULE, &format!("refused_{reason}")))
        .sum();
    let pages_text = format!("{pages}/{most} ");
    let requests = format!("{}/{} ", value("requests"), value("requests_limit"));
    let shared_pages = format!("{} ", value("shared_pages"));
    let refused_text = refused.map_or_else(|| "? ".into(), |refused| format!("{refused} "));
    let tables = format!(
        "P4D {} PUD {} PMD {} PTE {}",
        value("tables_p4d"),
        value("tables_pud"),
        value("tables_pmd"),
        value("tables_pte")
    );
    let refused_role = if refused > Some(0) { Role::Warning } else { Role::Text };
    canvas.spans(
        line,
        &[
            ("pages ", Role::Dim),
            (&pages_text, Role::Text),
            ("requests ", Role::Dim),
            (&requests, Role::Text),
            ("shared ", Role::Dim),
            (&shared_pages, Role::Text),
            ("refused ", Role::Dim),
            (&refused_text, refused_role),
            ("made ", Role::Dim),
            (&tables, Role::Text),
        ],
    );
}

/// What the subject did last.
fn said(canvas: &mut Canvas<'_>, line: Rect, view: &Memory, shared: &Shared) {
    let pointer = canvas.look.glyphs.pointer;
    let Some(subject) = view.subject() else {
        if shared.link.dead().is_some() {
            let spans = [(pointer, Role::Key), (" there was no subject", Role::Text)];
            canvas.spans(line, &spans);
            return;
        }
        let start = shared.keymap.press("subject-new");
        let spans = [
            (pointer, Role::Key),
            (" ", Role::Text),
            (&start, Role::Key),
            (" starts a subject: a process that uses the module on command", Role::Text),
        ];
        canvas.spans(line, &spans);
        return;
    };
    if let Some(headline) = death::headline(subject) {
        let warning = canvas.look.glyphs.warning;
        let spans = [(warning, Role::Bad), (" ", Role::Bad), (&headline, Role::Bad)];
        canvas.spans(line, &spans);
        return;
    }
    let name = match subject.pid {
        Some(pid) => pid.to_string(),
        None => subject.name(),
    };
    let mut text = match (&subject.said, &subject.last) {
        (Some(said), _) => said.clone(),
        (None, Some(last)) => last.clone(),
        (None, None) => shared.by_life(
            "nothing was asked of it yet: {memory-allocate} allocates pages",
            "nothing had been asked of it",
        ),
    };
    let made = subject.made().into_iter().map(|(level, count)| match count {
        1 => level.name().to_owned(),
        count => format!("{count}×{}", level.name()),
    });
    let made: Vec<String> = made.collect();
    let mut new = String::new();
    if subject.mapped_last && subject.said.is_some() && !subject.later.is_empty() {
        new = match made.is_empty() {
            true => "; no new table".into(),
            false => format!("; new tables: {}", made.join(" ")),
        };
    }
    if subject.pending() {
        text.push_str(" …");
    }
    let colon = format!(" {name}: ");
    canvas.spans(
        line,
        &[
            (pointer, Role::Key),
            (&colon, Role::Dim),
            (&text, Role::Text),
            (&new, if made.is_empty() { Role::Dim } else { Role::New }),
        ],
    );
}

fn subjects(canvas: &mut Canvas<'_>, area: Rect, view: &Memory, shared: &Shared) {
    let subjects = &view.subjects;
    if subjects.is_empty() {
        let text = shared.by_life("None yet.\n{subject-new} starts one.", "There was none.");
        canvas.wrapped(area, &text, Role::Dim);
        return;
    }
    let shown = usize::from(area.height).max(1);
    let selected = view.selected;
    let top = (selected + 1).saturating_sub(shown);
    for (index, subject) in subjects.iter().enumerate().skip(top).take(shown) {
        let line = row(area, (index - top) as u16);
        let (word, role) = life(subject);
        let mark = if index == selected { canvas.look.glyphs.pointer } else { " " };
        let pid = match subject.pid {
            Some(pid) => format!(" {pid} "),
            None => format!(" #{} ", subject.number),
        };
        let spans = [(mark, Role::Key), (pid.as_str(), Role::Text), (&word, role)];
        let x = canvas.spans(line, &spans);
        let pages = format!("{}p", subject.pages());
        if usize::from(line.right().saturating_sub(x)) > pages.len() {
            canvas.right(line, &pages, Role::Dim);
        }
        let pane = pane_number(Pane::Subjects);
        canvas.hit(line, Hit::Row { pane, index });
        if index == selected {
            canvas.shade(line, Role::Selected);
        }
    }
}

/// A subject's life in one or two words.
fn life(subject: &Subject) -> (String, Role) {
    match &subject.life {
        Life::Starting => ("starting".into(), Role::Dim),
        Life::Alive if subject.pending() => ("works".into(), Role::Warning),
        Life::Alive => ("alive".into(), Role::Good),
        Life::Lost(_) => ("lost".into(), Role::Bad),
        Life::Dead { .. } if subject.killed => ("ended".into(), Role::Dim),
        Life::Dead { end, .. } => (format!("dead {}", ends::end_word(*end)), Role::Bad),
    }
}
