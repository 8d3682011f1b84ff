// SPDX-License-Identifier: MIT OR Apache-2.0
//! The open files that a watch reads.
//!
//! They stay open and are read by `pread`, which asks the module again each time
//! and saves most of the cost. An open file does not keep its module from being
//! unloaded: from then on it fails with `ENODEV`, also when a module of the same
//! name was loaded since. So a module is known by its folder's inode, which is
//! never given twice, and the first `ENODEV` makes a sampler open everything again.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use nix::time::ClockId;

use super::moment::OpenMoment;
use super::sysfs::{Gone, folder, instance, read_part, readable};
use super::{files, kernel};
use crate::kernel::api::{CounterValue, ModuleCounters, Sample, TableBytes, TableRange};

/// The most bytes of a text file in sysfs.
const TEXT_MAX: usize = 4096;

/// Every file of a folder with its text, in alphabetical order; those that
/// can't be read, or hold no text, are left out.
pub(super) fn values(folder: &Path) -> Vec<CounterValue> {
    Folder::open(folder).read().unwrap_or_default()
}

/// The text files of a folder, open.
struct Folder(Vec<(String, File)>);

impl Folder {
    fn open(path: &Path) -> Self {
        let Ok(entries) = path.read_dir() else {
            return Self(Vec::new());
        };
        let mut open: Vec<_> = entries
            .flatten()
            .filter_map(|entry| {
                // Text files of sysfs have the size of a page, tables another.
                let size = entry.metadata().ok()?.len();
                let name = entry.file_name().into_string().ok()?;
                if size != TEXT_MAX as u64 || is_table(&name) {
                    return None;
                }
                Some((name, File::open(entry.path()).ok()?))
            })
            .collect();
        open.sort_by(|a, b| a.0.cmp(&b.0));
        Self(open)
    }

    fn read(&self) -> Result<Vec<CounterValue>, Gone> {
        let mut buffer = [0; TEXT_MAX];
        let mut values = Vec::with_capacity(self.0.len());
        for (name, file) in &self.0 {
            // A control that can only be written is left out.
            if let Some(read) = readable(file.read_at(&mut buffer, 0))? {
                let text = String::from_utf8_lossy(&buffer[..read]);
                let text = text.strip_suffix('\n').unwrap_or(&text);
                values.push(CounterValue::new(name, text));
            }
        }
        Ok(values)
    }
}

fn is_table(name: &str) -> bool {
    ringside_uapi::MODULES.iter().any(|module| module.tables.iter().any(|table| table.name == name))
}

/// What is open of one module.
struct OpenModule {
    instance: u64,
    values: Values,
}

/// Where a module's values are read.
enum Values {
    /// Each in a file of its own, so each at a moment of its own.
    Files { counters: Folder, controls: Folder },
    /// All of one moment.
    Moment(OpenMoment),
}

impl OpenModule {
    /// The files of a module that has counters.
    fn open(name: &str) -> Option<Self> {
        let folder = folder(name);
        let counters = folder.join("counters");
        if !counters.is_dir() {
            return None;
        }
        let values = match OpenMoment::open(name) {
            Some(moment) => Values::Moment(moment),
            None => Values::Files {
                counters: Folder::open(&counters),
                controls: Folder::open(&folder.join("controls")),
            },
        };
        Some(Self { instance: instance(name).unwrap_or_default(), values })
    }

    /// The values, and of the tables asked for the part that is of the same moment.
    fn read(
        &self,
        name: &str,
        tables: &[(TableRange, Option<File>)],
    ) -> Result<(ModuleCounters, Vec<TableBytes>), Gone> {
        let mut parts = Vec::new();
        let (counters, controls) = match &self.values {
            Values::Files { counters, controls } => (counters.read()?, controls.read()?),
            Values::Moment(moment) => {
                let asked = tables.iter().map(|(range, _)| range);
                let asked =
                    asked.filter(|range| range.module == name && range.table == moment.table);
                let end = |range: &TableRange| range.offset as usize + range.size as usize;
                let size = asked.clone().map(end).max().unwrap_or(0);
                let bytes = moment.read(size)?.unwrap_or_default();
                parts.extend(asked.map(|range| {
                    let from = (range.offset as usize).min(bytes.len());
                    let part = bytes[from..end(range).min(bytes.len())].to_vec();
                    TableBytes { range: range.clone(), bytes: part }
                }));
                (moment.counters(&bytes), moment.controls(&bytes))
            }
        };
        let module = name.to_owned();
        Ok((ModuleCounters { module, instance: self.instance, counters, controls }, parts))
    }

    /// Whether this table is read together with the values.
    fn has(&self, table: &str) -> bool {
        matches!(&self.values, Values::Moment(moment) if moment.table == table)
    }
}

/// The modules that are loaded and live, each with what tells it from another
/// that had the same name.
type Present = Vec<(String, Option<u64>)>;

/// Everything open that a watch reads.
pub(super) struct Sampler {
    wanted: Vec<String>,
    present: Present,
    open: BTreeMap<String, OpenModule>,
    tables: Vec<(TableRange, Option<File>)>,
}

impl Sampler {
    /// Opens the files of the modules `wanted`, or of all if none is named.
    pub(super) fn new(wanted: Vec<String>, tables: Vec<TableRange>) -> Self {
        let mut sampler = Self {
            wanted,
            present: Present::new(),
            open: BTreeMap::new(),
            tables: tables.into_iter().map(|range| (range, None)).collect(),
        };
        sampler.reopen();
        sampler
    }

    /// Opens everything again if a module has come or gone; says whether.
    pub(super) fn look(&mut self) -> bool {
        let changed = present() != self.present;
        if changed {
            self.reopen();
        }
        changed
    }

    fn reopen(&mut self) {
        self.present = present();
        let names: Vec<String> = if self.wanted.is_empty() {
            let entries = Path::new(files::SYS_MODULE).read_dir();
            let names = entries.into_iter().flatten().flatten();
            names.filter_map(|entry| entry.file_name().into_string().ok()).collect()
        } else {
            self.wanted.clone()
        };
        self.open = names
            .into_iter()
            .filter_map(|name| {
                let open = OpenModule::open(&name)?;
                Some((name, open))
            })
            .collect();
        for (range, file) in &mut self.tables {
            let path = folder(&range.module).join("counters").join(&range.table);
            *file = File::open(path).ok();
        }
    }

    /// Reads everything. What is gone is left out, once what took its place was
    /// looked for.
    pub(super) fn read(&mut self) -> Sample {
        let (sample, gone) = self.read_open();
        if !gone {
            return sample;
        }
        self.reopen();
        self.read_open().0
    }

    /// A sample of what is open, and whether anything of it is gone.
    fn read_open(&self) -> (Sample, bool) {
        let mut gone = false;
        let mut modules = Vec::with_capacity(self.open.len());
        let mut tables = Vec::with_capacity(self.tables.len());
        for (name, open) in &self.open {
            match open.read(name, &self.tables) {
                Ok((module, parts)) => {
                    modules.push(module);
                    tables.extend(parts);
                }
                Err(Gone) => gone = true,
            }
        }
        for (range, file) in &self.tables {
            let read = self.open.get(&range.module).is_some_and(|open| open.has(&range.table));
            let Some(file) = file.as_ref().filter(|_| !read) else {
                continue;
            };
            match read_part(file, range.offset, range.size as usize) {
                Ok(Some(bytes)) => tables.push(TableBytes { range: range.clone(), bytes }),
                Ok(None) => {}
                Err(Gone) => gone = true,
            }
        }
        (Sample { at_ms: kernel::clock_ms(ClockId::CLOCK_MONOTONIC), modules, tables }, gone)
    }
}

fn present() -> Present {
    let text = files::text("/proc/modules").unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let name = words.next()?;
            (words.nth(3)? == "Live").then(|| (name.to_owned(), instance(name)))
        })
        .collect()
}
