// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which loaded modules have oopsed.
//!
//! The kernel says that *something* oopsed (taint D) but not whose fault it
//! was; the log does: the module whose function was running, or the nearest one
//! in the call trace. A module that was unloaded and loaded since is another.

use super::files;
use super::kmsg::Log;

/// Bit of `/proc/sys/kernel/tainted`: the kernel died once (oops or BUG).
const TAINT_DIE: u64 = 1 << 7;

/// The modules that oopsed since this kernel booted.
pub(super) fn broken_modules() -> Vec<String> {
    let taint: u64 = files::number("/proc/sys/kernel/tainted").unwrap_or_default();
    if taint & TAINT_DIE == 0 {
        return Vec::new();
    }
    let Ok(mut log) = Log::open() else {
        return Vec::new();
    };
    let mut search = Search::default();
    while let Ok(Some(record)) = log.next_record() {
        record.text.lines().for_each(|line| search.line(line));
    }
    search.end()
}

/// Goes through the lines of a log.
#[derive(Default)]
struct Search {
    broken: Vec<String>,
    /// In an oops whose module is not known yet.
    open: bool,
}

impl Search {
    fn line(&mut self, line: &str) {
        if line.starts_with("Oops:") || line.starts_with("kernel BUG at") {
            self.open = true;
        } else if line.contains("---[ end trace") {
            self.open = false;
        } else if self.open
            && let Some(module) = module_of(line)
        {
            self.open = false;
            if !self.broken.iter().any(|known| known == module) {
                self.broken.push(module.to_owned());
            }
        }
    }

    fn end(self) -> Vec<String> {
        self.broken
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

    fn broken(log: &str) -> Vec<String> {
        let mut search = Search::default();
        log.lines().for_each(|line| search.line(line));
        search.end()
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
        assert_eq!(broken(log), ["memalloc"]);
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
        assert_eq!(broken(log), ["my_name"]);
    }
}
