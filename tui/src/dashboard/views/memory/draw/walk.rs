// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws the walk for the address under the cursor: the address cut into bit
//! fields, the entry of each level with its flags, and what comes of it.

use crate::dashboard::views::memory::state::{MODULE, Memory};
use ratatui::layout::Rect;

use crate::dashboard::core::Shared;
use crate::dashboard::data::hex::size_text;
use crate::dashboard::paint::{Canvas, Role, row};
use crate::dashboard::views::memory::page::page_of;
use crate::dashboard::views::memory::page_table::{
    Entry, Flag, LeadsTo, Level, Refusal, Step, Verdict, refusal, split, steps, verdict, words,
};
use crate::dashboard::views::memory::subjects::{Life, Subject};
use crate::kernel::api::{Access, Walk};

/// Columns from which on bits have their long names.
const WIDE: u16 = 96;

pub(crate) fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    view: &Memory,
    shared: &Shared,
    subject: Option<&Subject>,
    focused: bool,
) {
    let cursor = view.cursor;
    let page = page_of(cursor);
    let walk = subject.and_then(|subject| subject.walks.get(&page));
    let levels = walk.map_or_else(|| default_levels(shared), |walk| walk.levels);
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
    // Entries say more than the bits that chose them.
    let fields_rows = if inside.height < FIELDS + levels as u16 + 1 { 0 } else { FIELDS };
    if fields_rows > 0 {
        fields(canvas, inside, cursor, levels);
    }
    let Some(walk) = walk else {
        let text = match subject.life {
            _ if shared.foreign(MODULE) => {
                "This memalloc is not Ringside's: it has no WALK, which reads the page tables. \
                 alloc, free, read, write and share work."
            }
            Life::Alive | Life::Starting => "The walk of this page has not arrived yet.",
            _ => "This page was not walked before the process ended.",
        };
        let (y, height) = (inside.y + fields_rows, inside.height.saturating_sub(fields_rows));
        let below = Rect { y, height, ..inside };
        canvas.wrapped(below, text, Role::Dim);
        return;
    };
    // What killed the process here, or what would refuse it a write.
    let fault = subject.fault().filter(|fault| page_of(fault.address) == page);
    let decides = match fault {
        Some(fault) => refusal(walk, fault.access),
        None => refusal(walk, Access::Write),
    };
    let decides = decides.map(|decides| Decides { decides, fatal: fault.is_some() });
    let steps = steps(walk, subject.earlier(page));
    let is_folded = |step: &Step| step.level == Level::Pgd && walk.levels == 4;
    let rows = steps.len() + steps.iter().filter(|step| is_folded(step)).count() + 1;
    // Where there is no room for all, the last entries and the outcome say the most.
    let mut hidden = rows.saturating_sub(usize::from(inside.height.saturating_sub(fields_rows)));
    let mut y = fields_rows;
    let mut next = || {
        if hidden > 0 {
            hidden -= 1;
            return None;
        }
        y += 1;
        Some(row(inside, y - 1))
    };
    for step in &steps {
        if let Some(area) = next() {
            entry(canvas, area, walk, step, decides);
        }
        if is_folded(step)
            && let Some(area) = next()
        {
            let text = "P4D       folded into the PGD: this machine translates with 4 levels";
            canvas.text(inside.x + 4, area.y, inside.width.saturating_sub(4), text, Role::Dim);
        }
    }
    let line = next().unwrap_or_default();
    match (fault, decides) {
        (Some(fault), Some(Decides { decides, .. })) => {
            let access = match fault.access {
                Access::Read => "read",
                Access::Write => "write",
                Access::Execute => "instruction fetch",
            };
            let Refusal { level, flag, value } = decides;
            let text = format!(
                "{} = {value}: this {access} faults (the {} entry decides)",
                flag.name,
                level.name()
            );
            outcome(canvas, line, &text, Role::Bad);
        }
        _ => {
            let absent = matches!(verdict(walk), None | Some(Verdict::Unmapped { .. }));
            let role = if absent { Role::Warning } else { Role::Good };
            let mut text = words::outcome(walk, cursor);
            if absent {
                text.push_str(what_follows(subject, cursor));
            }
            outcome(canvas, line, &text, role);
        }
    }
    explain(canvas, inside, y + 1, walk, decides);
}

/// Rows of the address's fields, above the entries.
const FIELDS: u16 = 2;

/// What a page fault at an address leads to, as the mappings say.
fn what_follows(subject: &Subject, address: u64) -> &'static str {
    follows(subject.mapping(address).map(|area| area.permissions.as_str()))
}

fn follows(permissions: Option<&str>) -> &'static str {
    match permissions {
        None => ", unmapped: SIGSEGV",
        Some(permissions) if permissions.starts_with("---") => ", PROT_NONE: SIGSEGV",
        Some(_) => ", which maps it",
    }
}

/// The bit that refuses an access, and whether that has killed the process.
#[derive(Clone, Copy)]
struct Decides {
    decides: Refusal,
    fatal: bool,
}

impl Decides {
    /// The role of a bit of this level's entry; `None`: it decides nothing.
    fn role(self, level: Level, flag: &Flag) -> Option<Role> {
        let this = self.decides.level == level && self.decides.flag.bit == flag.bit;
        this.then_some(if self.fatal { Role::Bad } else { Role::Warning })
    }
}

fn default_levels(shared: &Shared) -> u32 {
    let kernel = shared.link.kernel.as_ref();
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

/// One entry: `new PTE[  1] 8000000012345065 P=1 RW=0! US=1 … PFN 0x12345`.
fn entry(canvas: &mut Canvas<'_>, line: Rect, walk: &Walk, step: &Step, decides: Option<Decides>) {
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
    let level = step.level;
    let wide = line.width >= WIDE;
    for column in columns(entry, level) {
        let Some(flag) = column else {
            // A bit that says nothing here: the next ones stay in line.
            x += if wide { "Dirty=0  ".len() as u16 } else { "D=0  ".len() as u16 };
            continue;
        };
        let name = if wide { flag.name } else { flag.short };
        let set = entry.has(flag.bit);
        let decides = decides.and_then(|decides| decides.role(level, &flag));
        let role = decides.unwrap_or(if set { Role::Text } else { Role::Dim });
        let text = format!("{name}={}", u8::from(set));
        x = canvas.text(x, line.y, after(x), &text, role);
        // The mark, for those who see no colours.
        let mark = if decides.is_some() { "! " } else { "  " };
        x = canvas.text(x, line.y, after(x), mark, role);
    }
    let (pfn, what) = match entry.leads_to(level, walk.levels) {
        LeadsTo::Nothing => {
            let flags = entry.flags(level);
            let text = flags.first().map_or("nothing is mapped below", |flag| flag.meaning);
            canvas.text(x, line.y, after(x), text, Role::Warning);
            return;
        }
        LeadsTo::Table { pfn } => (pfn, String::new()),
        LeadsTo::Page { pfn, size } => (pfn, format!(", a page of {}", size_text(size))),
    };
    let pfn = pfn.map_or_else(|| "PFN hidden".to_owned(), |pfn| format!("PFN {pfn:#x}"));
    x = canvas.text(x, line.y, after(x), &pfn, Role::Key);
    let long = format!(
        "{what}  {} {}, an entry covers {}",
        canvas.look.glyphs.separator,
        level.long_name(),
        size_text(level.covers(walk.levels))
    );
    if usize::from(after(x)) >= long.chars().count() {
        canvas.text(x, line.y, after(x), &long, Role::Dim);
    }
}

/// The bits of an entry as columns, so that those of all levels stand below
/// each other: Dirty is left blank where it says nothing.
fn columns(entry: Entry, level: Level) -> Vec<Option<Flag>> {
    let bits = entry.bits(level);
    let mut columns: Vec<Option<Flag>> = bits.iter().copied().map(Some).collect();
    let dirty = bits.iter().any(|flag| flag.name == "Dirty");
    if let (true, false, Some(after)) =
        (entry.present(), dirty, bits.iter().position(|flag| flag.name == "Accessed"))
    {
        columns.insert(after + 1, None);
    }
    columns
}

/// What comes of the walk, in a sentence.
fn outcome(canvas: &mut Canvas<'_>, line: Rect, text: &str, role: Role) {
    if line.width == 0 {
        return;
    }
    let arrow = canvas.look.glyphs.arrows[1];
    canvas.spans(line, &[(arrow, Role::Key), (" ", Role::Text), (text, role)]);
}

/// What each bit of the last entry means, where there is space.
fn explain(canvas: &mut Canvas<'_>, area: Rect, from: u16, walk: &Walk, decides: Option<Decides>) {
    let depth = (walk.depth as usize).min(walk.entry.len());
    let last = depth.checked_sub(1);
    let Some((at, level)) = last.and_then(|at| Some((at, *Level::of(walk.levels).get(at)?))) else {
        return;
    };
    if area.height < from + 2 {
        return;
    }
    let title = format!("Bits of the {} entry:", level.name());
    canvas.text(area.x, area.y + from, area.width, &title, Role::Dim);
    let entry = Entry(walk.entry[at]);
    for (index, flag) in entry.bits(level).iter().enumerate() {
        let line = row(area, from + 1 + index as u16);
        let set = entry.has(flag.bit);
        let decides = decides.and_then(|decides| decides.role(level, flag));
        let mark = if decides.is_some() { "!" } else { " " };
        let name = format!("{mark} bit {:>2}  {:<14}", flag.bit, words::bit(entry, flag));
        let meaning = if set { flag.meaning } else { flag.absent };
        let role = decides.unwrap_or(if set { Role::Text } else { Role::Dim });
        canvas.spans(line, &[(&name, role), (meaning, decides.unwrap_or(Role::Dim))]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::api::Walk;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn what_comes_of_an_absent_page_is_seen_whole_at_80_columns() {
        for depth in 1..=5 {
            let mut walk = Walk { vaddr: 0, levels: 5, depth, entry: [0x67; 5] };
            walk.entry[depth as usize - 1] = 0;
            for permissions in [None, Some("---p"), Some("rw-p")] {
                let text = words::outcome(&walk, 0) + follows(permissions);
                assert!(text.starts_with("Present = 0"), "{text}");
                // Two borders, an arrow and a blank.
                assert!(text.width() <= 80 - 4, "{text}");
            }
        }
    }
}
