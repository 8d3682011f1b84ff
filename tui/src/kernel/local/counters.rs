// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counters, controls and tables of modules.
//!
//! A watch keeps the files open and reads them by `pread`, which asks the
//! module anew each time and saves most of the cost. An open file does not keep
//! its module from being unloaded; it fails with `ENODEV` from then on.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::time::ClockId;
use ringside_uapi::my_syscall;

use super::sysfs::{folder, not_loaded};
use super::task::Task;
use super::{files, kernel};
use crate::kernel::api::{CounterValue, Item, ModuleCounters, Sample, TableBytes, TableRange};
use crate::kernel::error::{TargetError, TargetResult};

/// How often a watch looks whether modules have come or gone.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The most bytes of a text file in sysfs.
const TEXT_MAX: usize = 4096;
/// The most bytes of a table that one range asks for.
const TABLE_MAX: u32 = 1 << 20;

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

    /// The values; `None` when the module is gone.
    fn read(&self) -> Option<Vec<CounterValue>> {
        let mut buffer = [0; TEXT_MAX];
        let mut values = Vec::with_capacity(self.0.len());
        for (name, file) in &self.0 {
            match file.read_at(&mut buffer, 0) {
                Ok(read) => {
                    let text = String::from_utf8_lossy(&buffer[..read]);
                    let text = text.strip_suffix('\n').unwrap_or(&text);
                    values.push(CounterValue::new(name, text));
                }
                Err(error) if error.raw_os_error() == Some(nix::libc::ENODEV) => return None,
                // A control that can only be written.
                Err(_) => {}
            }
        }
        Some(values)
    }
}

fn is_table(name: &str) -> bool {
    ringside_uapi::MODULES.iter().any(|module| module.tables.iter().any(|table| table.name == name))
}

/// What is open of one module.
struct OpenModule {
    counters: Folder,
    controls: Folder,
}

/// Everything open that a watch reads.
struct Sampler {
    wanted: Vec<String>,
    open: BTreeMap<String, OpenModule>,
    tables: Vec<(TableRange, Option<File>)>,
}

impl Sampler {
    fn new(wanted: Vec<String>, tables: Vec<TableRange>) -> Self {
        let mut sampler = Self {
            wanted,
            open: BTreeMap::new(),
            tables: tables.into_iter().map(|range| (range, None)).collect(),
        };
        sampler.look();
        sampler
    }

    /// Opens the counters of modules that are there (anew), forgets those that
    /// are gone.
    fn look(&mut self) {
        let names: Vec<String> = if self.wanted.is_empty() {
            let entries = Path::new(files::SYS_MODULE).read_dir();
            let names = entries.into_iter().flatten().flatten();
            names.filter_map(|entry| entry.file_name().into_string().ok()).collect()
        } else {
            self.wanted.clone()
        };
        self.open = names
            .into_iter()
            .filter(|name| folder(name).join("counters").is_dir())
            .map(|name| {
                let open = OpenModule {
                    counters: Folder::open(&folder(&name).join("counters")),
                    controls: Folder::open(&folder(&name).join("controls")),
                };
                (name, open)
            })
            .collect();
        for (range, file) in &mut self.tables {
            let path = folder(&range.module).join("counters").join(&range.table);
            *file = File::open(path).ok();
        }
    }

    fn read(&self) -> Sample {
        let modules = self.open.iter().filter_map(|(name, open)| {
            Some(ModuleCounters {
                module: name.clone(),
                counters: open.counters.read()?,
                controls: open.controls.read()?,
            })
        });
        let tables = self.tables.iter().filter_map(|(range, file)| {
            Some(TableBytes { range: range.clone(), bytes: table(file.as_ref()?, range)? })
        });
        Sample {
            at_ms: kernel::clock_ms(ClockId::CLOCK_MONOTONIC),
            modules: modules.collect(),
            tables: tables.collect(),
        }
    }
}

/// A part of a table; a read gives at most a page at one time.
fn table(file: &File, range: &TableRange) -> Option<Vec<u8>> {
    let mut bytes = vec![0; range.size as usize];
    let mut held = 0;
    while held < bytes.len() {
        match file.read_at(&mut bytes[held..], range.offset + held as u64) {
            Ok(0) => break,
            Ok(read) => held += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    bytes.truncate(held);
    Some(bytes)
}

/// The counters of one module or of all, once.
pub(super) fn sample(module: Option<&str>) -> TargetResult<Sample> {
    let wanted = match module {
        Some(name) => {
            let name = files::name("module", name)?;
            if !folder(name).exists() {
                return Err(not_loaded(name, "read the counters of"));
            }
            if !folder(name).join("counters").is_dir() {
                return Err(TargetError::Unsupported(format!(
                    "module {name} has no counters: there is no folder /sys/module/{name}/counters"
                )));
            }
            vec![name.to_owned()]
        }
        None => Vec::new(),
    };
    Ok(Sampler::new(wanted, Vec::new()).read())
}

/// Samples at a rate until cancelled.
pub(super) fn watch(
    interval_ms: u32,
    modules: Vec<String>,
    tables: Vec<TableRange>,
    task: &Task,
) -> TargetResult<()> {
    if !(20..=60_000).contains(&interval_ms) {
        return Err(TargetError::Invalid(format!(
            "an interval of {interval_ms} ms between samples; 20 to 60000 are possible"
        )));
    }
    for module in &modules {
        files::name("module", module)?;
    }
    for range in &tables {
        files::name("module", &range.module)?;
        files::name("table", &range.table)?;
        if range.size > TABLE_MAX {
            return Err(TargetError::Invalid(format!(
                "{} bytes of table {}; at most {TABLE_MAX} are read at one time",
                range.size, range.table
            )));
        }
    }
    let interval = Duration::from_millis(interval_ms.into());
    let mut sampler = Sampler::new(modules, tables);
    let mut present = present();
    let mut next = Instant::now();
    loop {
        if !task.emit(Item::Sample(sampler.read())) {
            return Err(TargetError::Cancelled);
        }
        // A reader that lagged gets no burst of old samples afterwards.
        next = (next + interval).max(Instant::now());
        loop {
            let left = next.saturating_duration_since(Instant::now());
            if task.sleep(left.min(LOOK_EVERY)) {
                return Err(TargetError::Cancelled);
            }
            let now = self::present();
            if now != present {
                present = now;
                sampler.look();
                break;
            }
            if Instant::now() >= next {
                break;
            }
        }
    }
}

/// The modules that are loaded and live, by name: reading one file tells.
fn present() -> Vec<String> {
    let text = files::text("/proc/modules").unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let name = words.next()?;
            (words.nth(3)? == "Live").then(|| name.to_owned())
        })
        .collect()
}

/// Writes a control.
pub(super) fn set(module: &str, control: &str, value: &str) -> TargetResult<()> {
    let module = files::name("module", module)?;
    let control = files::name("control", control)?;
    let doing = format!("set {control} of module {module} to {value:?}");
    if !folder(module).exists() {
        return Err(not_loaded(module, "set a control of"));
    }
    let controls = folder(module).join("controls");
    if !controls.join(control).exists() {
        let have: Vec<_> = values(&controls).into_iter().map(|value| value.name).collect();
        let error = TargetError::errno(nix::libc::ENOENT, doing);
        return Err(match have.as_slice() {
            [] if module == "my_syscall" => error.with_hint(format!(
                "its message is in {}/{}",
                my_syscall::FOLDER,
                my_syscall::MESSAGE
            )),
            [] => error.with_hint(format!("module {module} has no controls")),
            have => error.with_hint(format!("its controls are {}", have.join(", "))),
        });
    }
    let written = files::write(&controls.join(control), value, &doing);
    let limits = ringside_uapi::module(module)
        .and_then(|module| module.controls.iter().find(|known| known.name == control));
    match (written, limits) {
        (Err(error), Some(limits))
            if matches!(
                error,
                TargetError::Errno { errno: nix::libc::EINVAL | nix::libc::ERANGE, .. }
            ) =>
        {
            Err(error.with_hint(format!(
                "{control} takes {} to {}: {}",
                limits.min, limits.max, limits.help
            )))
        }
        (written, _) => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    #[test]
    fn a_watch_samples_at_its_rate_until_it_is_cancelled() {
        let (send, items) = channel();
        let task = Task::new(Box::new(move |item| send.send(item).unwrap()));
        let watching = Arc::clone(&task);
        task.spawn("watch", |task| watch(20, Vec::new(), Vec::new(), task)).unwrap();
        for _ in 0..3 {
            assert!(matches!(items.recv(), Ok(Item::Sample(_))));
        }
        watching.cancel();
        let last = items.iter().last();
        assert_eq!(last, Some(Item::Done(Err(TargetError::Cancelled))));
    }

    #[test]
    fn what_could_never_be_read_is_refused() {
        let task = Task::new(Box::new(|_| ()));
        assert!(watch(1, Vec::new(), Vec::new(), &task).is_err());
        assert!(watch(100, vec!["../x".into()], Vec::new(), &task).is_err());
        assert!(sample(Some("no_such_module")).is_err());
        assert!(set("no_such_module", "x", "1").is_err());
    }
}
