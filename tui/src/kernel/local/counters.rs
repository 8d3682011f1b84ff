// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counters, controls and tables of modules.

use std::time::{Duration, Instant};

use ringside_uapi::my_syscall;

use super::files;
use super::sampler::{Sampler, values};
use super::sysfs::{folder, not_loaded, not_ours};
use super::task::Task;
use crate::kernel::api::{Item, Sample, TableRange};
use crate::kernel::error::{TargetError, TargetResult};

/// How often a watch looks whether modules have come or gone.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The most bytes of a table that one range asks for.
const TABLE_MAX: u32 = 1 << 20;

/// The counters of one module or of all, once.
pub(super) fn sample(module: Option<&str>) -> TargetResult<Sample> {
    let wanted = match module {
        Some(name) => {
            let name = files::name("module", name)?;
            if !folder(name).exists() {
                return Err(not_loaded(name, "read the counters of"));
            }
            if !folder(name).join("counters").is_dir() {
                if ringside_uapi::module(name).is_some() {
                    let has = format!("`ringside modules {name}` shows what /proc and /sys know");
                    return Err(not_ours(name, "counters", &has));
                }
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
            if sampler.look() || Instant::now() >= next {
                break;
            }
        }
    }
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
