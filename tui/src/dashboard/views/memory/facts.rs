// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an experiment may ask of view 4: of its subjects, and of the page under the
//! cursor of the one that is shown.

use super::page::page_of;
use super::page_table::{Entry, LeadsTo, Level};
use super::state::Memory;
use super::subject::{Life, Subject};
use crate::kernel::api::Walk;

/// The value of a fact.
pub(super) fn fact(view: &Memory, name: &str) -> Option<String> {
    let count = |of: fn(&Subject) -> bool| view.subjects.iter().filter(|one| of(one)).count();
    let number = match name {
        "subjects" => view.subjects.len(),
        "alive" => count(|one| one.life == Life::Alive),
        "dead" => count(|one| matches!(one.life, Life::Dead { .. })),
        // Of one that starts, what it is to do still waits.
        "busy" => count(|one| one.pending() || one.running.is_some() || !one.jobs.is_empty()),
        _ => return of_subject(view, view.subject()?, name),
    };
    Some(number.to_string())
}

fn of_subject(view: &Memory, subject: &Subject, name: &str) -> Option<String> {
    let page = page_of(view.cursor);
    let walk = || subject.walks.get(&page);
    Some(match name {
        "pid" => subject.pid?.to_string(),
        "pages" => subject.pages().to_string(),
        "made" => subject.made().iter().map(|(_, count)| count).sum::<usize>().to_string(),
        "levels" => walk()?.levels.to_string(),
        "entries" => walk()?.depth.to_string(),
        "cause" => subject.fault()?.cause.clone(),
        "shared" => subject.shared.len().to_string(),
        "offered" => subject.offered.len().to_string(),
        "text" => {
            let bytes = &subject.content.as_ref()?.bytes;
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
            bytes[..end.min(24)].escape_ascii().to_string()
        }
        _ => return of_entry(walk()?, name),
    })
}

/// Of the last entry of a walk: the page's.
fn of_entry(walk: &Walk, name: &str) -> Option<String> {
    let last = walk.depth.checked_sub(1)? as usize;
    let entry = Entry(*walk.entry.get(last)?);
    let bit = |bit: u32| Some(u8::from(entry.has(bit)).to_string());
    match name {
        "present" => bit(0),
        "rw" => bit(1),
        "accessed" => bit(5),
        "dirty" => bit(6),
        "pfn" => match entry.leads_to(Level::Pte, walk.levels) {
            LeadsTo::Page { pfn, .. } => Some(format!("{:#x}", pfn?)),
            _ => None,
        },
        _ => None,
    }
}
