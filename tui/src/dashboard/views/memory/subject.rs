// SPDX-License-Identifier: MIT OR Apache-2.0
//! One subject: whether it lives, its address space, and what is known of its pages.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::page::{PAGE, SUGGESTED, TABLE, is_ours};
use super::page_table::{Level, new_tables};
use crate::dashboard::core::CallTag;
use crate::kernel::TargetError;
use crate::kernel::api::{Fault, Mapping, ProgramEnd, SubjectAction, Walk};

/// The most mappings that are kept (a process may have 65530).
const MAPPINGS: usize = 1 << 16;
/// The most pages of memalloc's that are shown: many times what it gives to anybody.
const PAGES: u64 = 1 << 16;

/// Whether a subject lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    /// It was asked for.
    Starting,
    /// It runs.
    Alive,
    /// It is gone.
    Dead {
        /// How it ended.
        end: ProgramEnd,
        /// The access that killed it, if one did.
        fault: Option<Fault>,
    },
    /// It could not be started, or nothing more is known of it: why.
    Lost(TargetError),
}

/// Bytes that a subject read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// From where.
    pub vaddr: u64,
    pub bytes: Vec<u8>,
}

/// Why a subject is asked something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The user wants it.
    User,
    /// To know the tables before pages are mapped.
    Before,
    /// To know them after it.
    After,
    /// To show what is.
    Look,
}

#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) action: SubjectAction,
    pub(crate) why: Why,
}

/// A subject process.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Counts the subjects, from 1.
    pub number: u32,
    /// The call that lasts as long as it lives.
    pub tag: CallTag,
    /// Its process id.
    pub pid: Option<i32>,
    /// Whether it lives.
    pub life: Life,
    /// Its end was asked for.
    pub killed: bool,
    /// Its address space, by address.
    pub maps: Vec<Mapping>,
    /// The last walk of each page that was walked, by the page's address.
    pub walks: BTreeMap<u64, Walk>,
    /// What it did last was to map pages.
    pub mapped_last: bool,
    /// One walk for each PTE table along the pages mapped last, from before that.
    pub earlier: Vec<Walk>,
    /// The same walks from after that.
    pub later: Vec<Walk>,
    /// Its pages that are offered, and to whom.
    pub offered: BTreeMap<u64, i32>,
    /// Its pages that another process maps too.
    pub shared: BTreeSet<u64>,
    /// What it read last.
    pub content: Option<Content>,
    /// What the user made it do last, as C has it.
    pub last: Option<String>,
    /// How that went, in a sentence.
    pub said: Option<String>,
    /// What it was doing when it died, as C has it; `None` when nothing.
    pub died_of: Option<String>,
    pub(crate) jobs: VecDeque<Job>,
    pub(crate) running: Option<Job>,
    pub(crate) before: Vec<Walk>,
}

impl Subject {
    pub(crate) fn new(number: u32, tag: CallTag) -> Self {
        Self {
            number,
            tag,
            pid: None,
            life: Life::Starting,
            killed: false,
            maps: Vec::new(),
            walks: BTreeMap::new(),
            mapped_last: false,
            earlier: Vec::new(),
            later: Vec::new(),
            offered: BTreeMap::new(),
            shared: BTreeSet::new(),
            content: None,
            last: None,
            said: None,
            died_of: None,
            jobs: VecDeque::new(),
            running: None,
            before: Vec::new(),
        }
    }

    /// `process 312`, or `subject 2` before its process id is known.
    pub fn name(&self) -> String {
        match self.pid {
            Some(pid) => format!("process {pid}"),
            None => format!("subject {}", self.number),
        }
    }

    /// The access that killed it, if one did.
    pub fn fault(&self) -> Option<&Fault> {
        match &self.life {
            Life::Dead { fault, .. } => fault.as_ref(),
            _ => None,
        }
    }

    /// memalloc's mappings, by address.
    pub fn areas(&self) -> impl DoubleEndedIterator<Item = &Mapping> {
        self.maps.iter().filter(|mapping| is_ours(mapping))
    }

    /// Takes what it has mapped. What no kernel says of a process (a mapping that ends
    /// before it begins, more pages of memalloc's than it gives to anybody) is cut off.
    pub fn map(&mut self, mut maps: Vec<Mapping>) {
        maps.retain(|mapping| mapping.start <= mapping.end);
        maps.truncate(MAPPINGS);
        let mut room = PAGES * PAGE;
        for mapping in maps.iter_mut().filter(|mapping| is_ours(mapping)) {
            mapping.end = mapping.end.min(mapping.start.saturating_add(room));
            room -= mapping.end - mapping.start;
        }
        self.maps = maps;
    }

    /// Its pages that memalloc mapped.
    pub fn pages(&self) -> u64 {
        self.areas().map(|area| (area.end - area.start) / PAGE).sum()
    }

    /// The mapping that covers an address.
    pub fn mapping(&self, address: u64) -> Option<&Mapping> {
        let covers = |mapping: &&Mapping| (mapping.start..mapping.end).contains(&address);
        self.maps.iter().find(covers)
    }

    /// A free address for new pages: one page after the last ones, so that
    /// what lies between belongs to nobody.
    pub fn free_address(&self) -> u64 {
        self.areas().next_back().map_or(SUGGESTED, |area| area.end.saturating_add(PAGE))
    }

    /// What it is being asked, if anything that was asked by the user.
    pub fn pending(&self) -> bool {
        let user = |job: &Job| job.why == Why::User;
        self.running.as_ref().is_some_and(user) || self.jobs.iter().any(user)
    }

    /// The walk of the page's table from before pages were mapped last, if the
    /// page is one of those.
    pub fn earlier(&self, page: u64) -> Option<&Walk> {
        self.earlier.iter().find(|walk| walk.vaddr / TABLE == page / TABLE)
    }

    /// How many tables of each level were made for the pages mapped last.
    pub fn made(&self) -> Vec<(Level, usize)> {
        let mut made: BTreeMap<Level, BTreeSet<u64>> = BTreeMap::new();
        for (before, after) in self.earlier.iter().zip(&self.later) {
            for level in new_tables(after, before) {
                // Two addresses share a table when all bits above its index agree.
                let table = after.vaddr >> (level.shift(after.levels) + 9).min(63);
                made.entry(level).or_default().insert(table);
            }
        }
        made.into_iter().map(|(level, tables)| (level, tables.len())).collect()
    }

    /// Its address space as `/proc/<pid>/maps` has it.
    pub fn maps_text(&self) -> String {
        let lines = self.maps.iter().map(|mapping| {
            let Mapping { start, end, permissions, name } = mapping;
            format!("{start:012x}-{end:012x} {permissions} {name}")
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}
