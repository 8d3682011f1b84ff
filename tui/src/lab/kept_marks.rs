// SPDX-License-Identifier: MIT OR Apache-2.0
//! Marks that outlive their lab: in the cache, a folder for each kind of machine
//! (QEMU, kernel, memory), since a mark can only be gone back to in the same.
//!
//! `marks.json` is written last, and names the files that are whole with their sizes:
//! what was interrupted is never taken for a mark.

use std::fs;
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

/// A mark and what is told of it.
pub struct Kept {
    /// It.
    pub mark: Mark,
    /// What is told of it; its age is of the time when it was kept.
    pub info: MarkInfo,
    /// Was it given its name, and not a number?
    pub named: bool,
    /// For how long the guest had been running.
    pub up: Duration,
}

/// What is told of a mark that is kept.
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

impl Record {
    fn age(&self) -> Duration {
        Duration::from_millis(now_ms().saturating_sub(self.made_unix_ms))
    }

    fn told(&self) -> MarkInfo {
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

/// Keeps `marks`, the oldest first, in place of those that were kept of such a machine
/// before; none: those are removed.
///
/// # Errors
/// The disk is full, or can't be written.
pub fn write<'m>(
    cache: &Path,
    key: &Key,
    marks: impl Iterator<Item = (&'m Mark, MarkInfo, bool, Duration)>,
) -> VmResult<()> {
    let place = folder(cache, key);
    let doing = || format!("keep the marks in {}", place.display());
    let _lock = lock(cache)?;
    let draft = all(cache).join(format!("{}.part", key.text()));
    remove(&draft).map_err(VmError::io(doing()))?;
    fs::create_dir(&draft).map_err(VmError::io(doing()))?;
    let written = write_all(&draft, marks).and_then(|any| {
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
) -> VmResult<bool> {
    let mut records = Vec::new();
    for (number, (mark, info, named, up)) in marks.enumerate() {
        let (state, stick) = files(draft, number);
        let (state, stick) = mark.store(&state, &stick)?;
        let made_unix_ms = now_ms().saturating_sub(ms(mark.made.elapsed()));
        records.push(Record { info, named, up_ms: ms(up), made_unix_ms, state, stick });
    }
    write_json(&draft.join(LIST), &records)
        .map_err(|error| VmError::Unsupported(error.to_string()))?;
    Ok(!records.is_empty())
}

/// The marks that were kept of such a machine, the oldest first.
///
/// # Errors
/// They are there and can't be read.
pub fn read(cache: &Path, key: &Key) -> VmResult<Vec<Kept>> {
    let place = folder(cache, key);
    if !place.exists() {
        return Ok(Vec::new());
    }
    let _lock = lock(cache)?;
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
    Ok(records(&place).into_iter().enumerate().filter_map(load).collect())
}

/// What is told of all marks that are kept, of whatever machine, the oldest first.
pub fn list(cache: &Path) -> Vec<MarkInfo> {
    let folders = fs::read_dir(all(cache)).into_iter().flatten().flatten();
    let mut records: Vec<_> = folders.flat_map(|folder| records(&folder.path())).collect();
    records.sort_by_key(|record| record.made_unix_ms);
    records.iter().map(Record::told).collect()
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
