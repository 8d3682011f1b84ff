// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws the walk for the address under the cursor: the address cut into bit
//! fields, the entry of each level with its flags, and what comes of it.

use ratatui::layout::Rect;

use crate::app::Model;
use crate::app::page_table::{Entry, LeadsTo, Level, Step, Verdict, split, steps, verdict};
use crate::app::views::memory::page::page_of;
use crate::app::views::memory::subjects::{Life, Subject};
use crate::kernel::api::Walk;
use crate::ui::canvas::row;
use crate::ui::units::bytes;
use crate::ui::{Canvas, Role};

pub(super) fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    model: &Model,
    subject: Option<&Subject>,
    focused: bool,
) {
    let cursor = model.memory.cursor;
    let page = page_of(cursor);
    let walk = subject.and_then(|subject| subject.walks.get(&page));
    let levels = walk.map_or_else(|| default_levels(model), |walk| walk.levels);
    let title = match subject {
        Some(_) => format!("Page table walk for {cursor:#x}, {levels} levels"),
        None => "Page table walk".into(),
    };
    let inside = canvas.panel(area, &title, focused);
    let Some(subject) = subject else {
        let text = "How the processor finds the page behind an address: it takes 9 bits of the \
                    address at each level to choose an entry, and the entry leads to the next \
                    table or to the page.";
        canvas.wrapped(inside, text, Role::Dim);
        return;
    };
    fields(canvas, inside, cursor, levels);
    let Some(walk) = walk else {
        let text = match subject.life {
            Life::Alive | Life::Starting => "The walk of this page has not arrived yet.",
            _ => "This page was not walked before the process ended.",
        };
        canvas.text(inside.x, inside.y + 2, inside.width, text, Role::Dim);
        return;
    };
    let mut y = 2;
    for step in steps(walk, subject.earlier(page)) {
        entry(canvas, row(inside, y), walk, &step);
        y += 1;
        if step.level == Level::Pgd && walk.levels == 4 {
            let text = "P4D       folded into the PGD: this machine translates with 4 levels";
            canvas.text(
                inside.x + 4,
                row(inside, y).y,
                inside.width.saturating_sub(4),
                text,
                Role::Dim,
            );
            y += 1;
        }
    }
    outcome(canvas, row(inside, y), walk, cursor);
    explain(canvas, inside, y + 2, walk);
}

fn default_levels(model: &Model) -> u32 {
    let kernel = model.link.kernel.as_ref();
    kernel.map_or(5, |kernel| u32::from(kernel.page_table_levels.clamp(4, 5)))
}

/// The address cut into its fields: two rows.
fn fields(canvas: &mut Canvas<'_>, area: Rect, address: u64, levels: u32) {
    let (names, digits) = (row(area, 0), row(area, 1));
    let mut x = area.x;
    for (index, part) in split(address, levels).iter().enumerate() {
        let name = match part.level {
            Some(level) => format!("{} {}", level.name(), part.value),
            None => format!("offset {:#x}", part.value),
        };
        let bits = part.digits();
        let width = name.len().max(bits.len()) as u16;
        let room = area.right().saturating_sub(x).min(width);
        canvas.text(x, names.y, room.min(names.width), &name, Role::Dim);
        canvas.text(x, digits.y, room.min(digits.width), &bits, Role::Series(index));
        x += width + 2;
    }
}

/// One entry: `new PTE[  1] 8000000012345067 Present RW … PFN 0x12345`.
fn entry(canvas: &mut Canvas<'_>, line: Rect, walk: &Walk, step: &Step) {
    let new = if step.new_table { "new " } else { "    " };
    let name = format!("{}[{:>3}] ", step.level.name(), step.index);
    let Some(entry) = step.entry else {
        let spans = [(new, Role::New), (name.as_str(), Role::Dim), ("not reached", Role::Dim)];
        canvas.spans(line, &spans);
        return;
    };
    let raw = format!("{:>16x} ", entry.0);
    let spans = [(new, Role::New), (name.as_str(), Role::Title), (raw.as_str(), Role::Dim)];
    let mut x = canvas.spans(line, &spans);
    if line.width == 0 {
        return;
    }
    let after = |x: u16| line.right().saturating_sub(x);
    if !entry.present() {
        let flags = entry.flags(step.level);
        let text = match flags.first() {
            Some(flag) => format!("{}: {}", flag.name, flag.meaning),
            None => "not present: nothing is mapped below".into(),
        };
        canvas.text(x, line.y, after(x), &text, Role::Warning);
        return;
    }
    for flag in entry.flags(step.level) {
        let role = match flag.name {
            "RW" | "NX" | "Dirty" => Role::Text,
            _ => Role::Dim,
        };
        x = canvas.text(x, line.y, after(x), flag.name, role);
        x = canvas.text(x, line.y, after(x), " ", role);
    }
    let (pfn, leads) = match entry.leads_to(step.level, walk.levels) {
        LeadsTo::Table { pfn } => (pfn, String::new()),
        LeadsTo::Page { pfn, size } => (pfn, format!(", a page of {}", bytes(size))),
        LeadsTo::Nothing => return,
    };
    let pfn = pfn.map_or_else(|| "PFN hidden".to_owned(), |pfn| format!("PFN {pfn:#x}"));
    x = canvas.text(x, line.y, after(x), &pfn, Role::Key);
    let level = step.level;
    let long = format!(
        "{leads}  {} {}, an entry covers {}",
        canvas.look.glyphs.separator,
        level.long_name(),
        bytes(level.covers(walk.levels))
    );
    if usize::from(after(x)) >= long.chars().count() {
        canvas.text(x, line.y, after(x), &long, Role::Dim);
    }
}

/// What comes of the walk, in a sentence.
fn outcome(canvas: &mut Canvas<'_>, line: Rect, walk: &Walk, address: u64) {
    if line.width == 0 {
        return;
    }
    let arrow = canvas.look.glyphs.arrows[1];
    let (text, role) = match verdict(walk) {
        None => ("The walk read no entry".to_owned(), Role::Bad),
        Some(Verdict::Unmapped { at }) => {
            (format!("ends at the {}: touching it now is a page fault", at.name()), Role::Warning)
        }
        Some(Verdict::Mapped { physical, write, user, execute }) => {
            let place = match physical {
                Some(physical) => {
                    format!("physical {:#x}", physical + address.saturating_sub(walk.vaddr))
                }
                None => "its frame only CAP_SYS_ADMIN may know".to_owned(),
            };
            let access = if write { "read-write" } else { "read-only" };
            let user = if user { "user" } else { "kernel only" };
            let execute = if execute { "executable" } else { "no execute" };
            (format!("{place}: {access}, {user}, {execute}"), Role::Good)
        }
    };
    let spans = [(arrow, Role::Key), (" ", Role::Text), (&text, role)];
    canvas.spans(line, &spans);
}

/// What each flag of the last entry means, where there is space.
fn explain(canvas: &mut Canvas<'_>, area: Rect, from: u16, walk: &Walk) {
    let depth = (walk.depth as usize).min(walk.entry.len());
    let last = depth.checked_sub(1);
    let Some((at, level)) = last.and_then(|at| Some((at, *Level::of(walk.levels).get(at)?))) else {
        return;
    };
    let flags = Entry(walk.entry[at]).flags(level);
    if area.height < from + 2 || flags.is_empty() {
        return;
    }
    let title = format!("Flags of the {} entry:", level.name());
    canvas.text(area.x, area.y + from, area.width, &title, Role::Dim);
    for (index, flag) in flags.iter().enumerate() {
        let line = row(area, from + 1 + index as u16);
        let name = format!("  bit {:>2}  {:<12}", flag.bit, flag.name);
        canvas.spans(line, &[(&name, Role::Text), (flag.meaning, Role::Dim)]);
    }
}
