// SPDX-License-Identifier: MIT OR Apache-2.0
//! Marks that outlive their lab: in the cache, a folder for each kind of machine
//! (QEMU, kernel, memory), since a mark can only be gone back to in the same.
//!
//! `marks.json` is written last, and names the files that are whole with their sizes:
//! what was interrupted is never taken for a mark.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::cache::{read_json, write_json};
use super::lock::{Lock, Mode};
use super::progress::Event;
use super::vm::error::{VmError, VmResult};
use super::vm::mark::Mark;
use super::vm::saved::Key;
use crate::kernel::api::MarkInfo;

/// What names the files.
const LIST: &str = "marks.json";
/// What is locked while it is changed.
const LOCK: &str = ".lock";

/// A mark and its description.
pub struct Kept {
    /// It.
    pub mark: Mark,
    /// Its description; its age is of the time when it was kept.
    pub info: MarkInfo,
    /// Was it given its name, and not a number?
    pub named: bool,
    /// For how long the guest had been running.
    pub up: Duration,
}

/// The description of a mark that is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    info: MarkInfo,
    named: bool,
    up_ms: u64,
    /// When it was made, in milliseconds since 1970.
    made_unix_ms: u64,
    /// Bytes of its machine.
    state: u64,
    /// Bytes of what is on its stick, if there is something.
    stick: Option<u64>,
}

/// What a mark's age may be off by, since no two clocks were read at once.
const SAME_MS: u64 = 1000;

impl Record {
    /// Is it the same mark, which two labs have taken up?
    fn is(&self, other: &Self) -> bool {
        self.info.name == other.info.name
            && self.state == other.state
            && self.made_unix_ms.abs_diff(other.made_unix_ms) <= SAME_MS
    }

    /// Calls it something else where one of these has its name.
    fn rename(&mut self, records: &[Self]) {
        let taken = |name: &str| records.iter().any(|known| known.info.name == name);
        let wanted = self.info.name.clone();
        for number in 1.. {
            self.info.name = match (number, self.named) {
                (1, _) => wanted.clone(),
                (_, true) => format!("{wanted}-{number}"),
                (_, false) => (number - 1).to_string(),
            };
            if !taken(&self.info.name) {
                return;
            }
        }
    }

    fn age(&self) -> Duration {
        Duration::from_millis(now_ms().saturating_sub(self.made_unix_ms))
    }

    fn info_now(&self) -> MarkInfo {
        MarkInfo { age_ms: ms(self.age()), ..self.info.clone() }
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, ms)
}

fn all(cache: &Path) -> PathBuf {
    cache.join("marks")
}

fn folder(cache: &Path, key: &Key) -> PathBuf {
    all(cache).join(key.text())
}

fn files(folder: &Path, number: usize) -> (PathBuf, PathBuf) {
    (folder.join(format!("{number}.state")), folder.join(format!("{number}.stick")))
}

/// Which marks were kept of a machine at a moment: those of another moment are others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(u64, i64, i64);

impl Stamp {
    /// Of the marks in a folder; `None`: there are none.
    fn of(place: &Path) -> Option<Self> {
        let list = fs::metadata(place.join(LIST)).ok()?;
        Some(Self(list.ino(), list.mtime(), list.mtime_nsec()))
    }
}

/// Keeps `marks`, the oldest first, in place of those that were kept of such a machine
/// when they were taken up (`taken`). What another lab has kept since then stays beside
/// them, under another name where a name is taken. No mark at all: the folder goes.
///
/// # Errors
/// The disk is full, or can't be written.
pub fn write<'m>(
    cache: &Path,
    key: &Key,
    taken: Option<Stamp>,
    marks: impl Iterator<Item = (&'m Mark, MarkInfo, bool, Duration)>,
) -> VmResult<()> {
    let place = folder(cache, key);
    let doing = || format!("keep the marks in {}", place.display());
    let _lock = lock(cache)?;
    let draft = all(cache).join(format!("{}.part", key.text()));
    remove(&draft).map_err(VmError::io(doing()))?;
    fs::create_dir(&draft).map_err(VmError::io(doing()))?;
    let others = if Stamp::of(&place) == taken { Vec::new() } else { records(&place) };
    let written = write_all(&draft, marks, (&place, others)).and_then(|any| {
        remove(&place).map_err(VmError::io(doing()))?;
        match any {
            true => fs::rename(&draft, &place).map_err(VmError::io(doing())),
            false => remove(&draft).map_err(VmError::io(doing())),
        }
    });
    if written.is_err() {
        // It only takes room, of which there may be none.
        drop(remove(&draft));
    }
    written
}

fn write_all<'m>(
    draft: &Path,
    marks: impl Iterator<Item = (&'m Mark, MarkInfo, bool, Duration)>,
    (place, others): (&Path, Vec<Record>),
) -> VmResult<bool> {
    let mut records = Vec::new();
    for (mark, info, named, up) in marks {
        let (state, stick) = files(draft, records.len());
        let (state, stick) = mark.store(&state, &stick)?;
        let made_unix_ms = now_ms().saturating_sub(ms(mark.made.elapsed()));
        records.push(Record { info, named, up_ms: ms(up), made_unix_ms, state, stick });
    }
    for (number, mut record) in others.into_iter().enumerate() {
        if records.iter().any(|known| known.is(&record)) {
            continue;
        }
        record.rename(&records);
        let doing = || format!("keep the marks in {}", place.display());
        let (from, to) = (files(place, number), files(draft, records.len()));
        fs::hard_link(&from.0, &to.0).map_err(VmError::io(doing()))?;
        if record.stick.is_some() {
            fs::hard_link(&from.1, &to.1).map_err(VmError::io(doing()))?;
        }
        records.push(record);
    }
    write_json(&draft.join(LIST), &records)
        .map_err(|error| VmError::Unsupported(error.to_string()))?;
    Ok(!records.is_empty())
}

/// The marks that were kept of such a machine, the oldest first, and which these are.
///
/// # Errors
/// They are there and can't be read.
pub fn read(cache: &Path, key: &Key) -> VmResult<(Vec<Kept>, Option<Stamp>)> {
    let place = folder(cache, key);
    if !place.exists() {
        return Ok((Vec::new(), None));
    }
    let _lock = lock(cache)?;
    let stamp = Stamp::of(&place);
    let load = |(number, record): (usize, Record)| {
        let (state, stick) = files(&place, number);
        let made = Instant::now().checked_sub(record.age()).unwrap_or_else(Instant::now);
        let about = (record.info.stick_plugged, made, record.info.bytes);
        let stood = Duration::from_millis(record.info.stood_ms);
        let stick = record.stick.map(|bytes| (stick, bytes));
        let mark = Mark::load((&state, record.state), stick, about, stood);
        match mark {
            Ok(mark) => Some(Kept {
                mark,
                named: record.named,
                up: Duration::from_millis(record.up_ms),
                info: record.info,
            }),
            Err(error) => {
                tracing::warn!("{}: {error}; it is left out", state.display());
                None
            }
        }
    };
    let mut kept: Vec<_> = records(&place).into_iter().enumerate().filter_map(load).collect();
    // Two labs may have kept them, one after the other.
    kept.sort_by_key(|one| one.mark.made);
    Ok((kept, stamp))
}

/// The descriptions of all marks that are kept, of whatever machine, the oldest first.
pub fn list(cache: &Path) -> Vec<MarkInfo> {
    let folders = fs::read_dir(all(cache)).into_iter().flatten().flatten();
    let mut records: Vec<_> = folders.flat_map(|folder| records(&folder.path())).collect();
    records.sort_by_key(|record| record.made_unix_ms);
    records.iter().map(Record::info_now).collect()
}

fn records(place: &Path) -> Vec<Record> {
    if place.extension().is_some() {
        return Vec::new();
    }
    read_json(&place.join(LIST)).unwrap_or_default()
}

/// Nobody else keeps or reads marks meanwhile.
fn lock(cache: &Path) -> VmResult<Lock> {
    let all = all(cache);
    fs::create_dir_all(&all).map_err(VmError::io(format!("make {}", all.display())))?;
    let what = "keeping its marks";
    Lock::take(&all.join(LOCK), Mode::Exclusive, what, &mut |_: Event| {})
        .map_err(|error| VmError::Unsupported(error.to_string()))
}

fn remove(folder: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
