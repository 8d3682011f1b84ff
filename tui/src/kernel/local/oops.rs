// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which loaded modules have oopsed.
//!
//! The kernel says that *something* oopsed (taint D) but not whose fault it
//! was; the log does: the module whose function was running, or the nearest one
//! in the call trace. A module that was unloaded and loaded since is another, so
//! what is accused is remembered as soon as it is seen, and it is looked for
//! before anything else gets the name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::kmsg::Log;
use super::{files, sysfs};

/// Bit of `/proc/sys/kernel/tainted`: the kernel died once (oops or BUG).
const TAINT_DIE: u64 = 1 << 7;

/// The oopses since this kernel booted, by the number of the record that names the
/// module: what tells that module from another of its name, `None` if it was gone
/// already.
#[derive(Default)]
pub(super) struct Oopses(Mutex<BTreeMap<u64, Option<u64>>>);

impl Oopses {
    /// What tells the modules that oopsed from all others.
    pub(super) fn broken(&self) -> BTreeSet<u64> {
        let taint: u64 = files::number("/proc/sys/kernel/tainted").unwrap_or_default();
        if taint & TAINT_DIE == 0 {
            return BTreeSet::new();
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (number, module) in accused() {
            known.entry(number).or_insert_with(|| sysfs::instance(&module));
        }
        known.values().flatten().copied().collect()
    }
}

/// The records that accuse a module, and whom.
fn accused() -> Vec<(u64, String)> {
    let Ok(mut log) = Log::open() else {
        return Vec::new();
    };
    let mut search = Search::default();
    while let Ok(Some(record)) = log.next_record() {
        record.text.lines().for_each(|line| search.line(record.sequence, line));
    }
    search.accused
}

/// Goes through the lines of a log.
#[derive(Default)]
struct Search {
    accused: Vec<(u64, String)>,
    /// In an oops whose module is not known yet.
    open: bool,
}

impl Search {
    fn line(&mut self, number: u64, line: &str) {
        if line.starts_with("Oops:") || line.starts_with("kernel BUG at") {
            self.open = true;
        } else if line.contains("---[ end trace") {
            self.open = false;
        } else if self.open
            && let Some(module) = module_of(line)
        {
            self.open = false;
            self.accused.push((number, module.to_owned()));
        }
    }
}

/// `my_name` of `RIP: 0010:my_name_init+0x10/0x20 [my_name]`, and of lines in
/// the call trace. A `?` marks what the kernel only guesses.
fn module_of(line: &str) -> Option<&str> {
    if line.trim_start().starts_with('?') {
        return None;
    }
    let (place, module) = line.trim_end().rsplit_once(" [")?;
    let module = module.strip_suffix(']')?;
    // The version of a module's sources may follow its name.
    let module = module.split_ascii_whitespace().next()?;
    place.contains("+0x").then_some(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_log_holds_accuses_somebody_or_nobody() {
        crate::fuzz::texts("oops", |text| {
            let _ = accused(text);
        });
    }

    fn accused(log: &str) -> Vec<(u64, String)> {
        let mut search = Search::default();
        (0..).zip(log.lines()).for_each(|(number, line)| search.line(number, line));
        search.accused
    }

    #[test]
    fn the_module_whose_function_ran_is_named() {
        let log = "\
BUG: kernel NULL pointer dereference, address: 0000000000000000
Oops: Oops: 0002 [#1] SMP
CPU: 1 UID: 0 PID: 77 Comm: x Tainted: G           O
RIP: 0010:poke+0x12/0x30 [memalloc]
Call Trace:
 <TASK>
 other+0x1/0x2 [kmod]
---[ end trace 0000000000000000 ]---";
        assert_eq!(accused(log), [(3, "memalloc".to_owned())]);
    }

    #[test]
    fn guesses_and_warnings_accuse_nobody() {
        let log = "\
WARNING: CPU: 0 PID: 1 at x.c:1 f+0x1/0x2 [kmod]
 g+0x1/0x2 [kmod]
---[ end trace 0000000000000000 ]---
Oops: general protection fault
RIP: 0010:strlen+0x1/0x20
 ? stale+0x1/0x2 [kmod]
 caller+0x1/0x2 [my_name]
---[ end trace 0000000000000000 ]---";
        assert_eq!(accused(log), [(6, "my_name".to_owned())]);
    }
}
