// SPDX-License-Identifier: MIT OR Apache-2.0
//! What there is in this kernel at a moment: processes, devices, modules, memory.

use std::fs;
use std::path::Path;

use super::files;
use super::kernel::memory;
use crate::kernel::api::{Inventory, ProcessInfo};
use crate::kernel::error::TargetResult;

/// Has the kernel drop its page cache, dentries and inodes: see
/// `Documentation/admin-guide/sysctl/vm.rst`.
const DROP_CACHES: &str = "/proc/sys/vm/drop_caches";

/// What there is now.
pub(super) fn take(settled: bool) -> TargetResult<Inventory> {
    if settled {
        give_back();
        nix::unistd::sync();
        files::write(Path::new(DROP_CACHES), "3", "drop the caches")?;
    }
    let text = |path: &str| files::text(path).unwrap_or_default();
    let mut devices = devices(&text("/proc/devices"));
    devices.extend(self::devices(&text("/proc/misc")));
    Ok(Inventory {
        processes: processes(),
        devices,
        modules: modules(&text("/proc/modules")),
        available_kib: memory(&text("/proc/meminfo")).1,
    })
}

/// Memory that this process has freed and kept, as the agent of a guest does, is no loss.
fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: It takes no pointer, and may be called by any thread at any time.
    unsafe {
        nix::libc::malloc_trim(0);
    }
}

fn processes() -> Vec<ProcessInfo> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(process).collect()
}

/// `None`: it has gone meanwhile.
pub(super) fn process(pid: i32) -> Option<ProcessInfo> {
    let line = files::text(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let (name, state, parent) = parse_stat(&line)?;
    Some(ProcessInfo { pid, name, state, parent })
}

/// Name, state and parent of a line like `77 (Producer-1) S 2 0 …`.
fn parse_stat(line: &str) -> Option<(String, char, i32)> {
    let (_, rest) = line.split_once('(')?;
    // A name may hold anything, a `)` too.
    let (name, rest) = rest.rsplit_once(") ")?;
    let mut words = rest.split(' ');
    Some((name.to_owned(), words.next()?.chars().next()?, words.next()?.parse().ok()?))
}

/// Of lines like `241 memalloc`, between headings.
fn devices(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    let numbered = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_digit()));
    numbered.filter_map(|line| line.split_whitespace().last()).map(str::to_owned).collect()
}

fn modules(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_from_its_line_whatever_its_name_holds() {
        let parsed = parse_stat("77 (a) b (Producer-1) S 2 0 0 0 -1 2129984");
        assert_eq!(parsed, Some(("a) b (Producer-1".into(), 'S', 2)));
        for bad in ["", "77", "77 (x", "77 (x)", "77 (x) S", "77 (x) S y"] {
            assert_eq!(parse_stat(bad), None, "{bad}");
        }
    }

    #[test]
    fn whatever_stands_in_a_line_of_a_process_it_is_no_reason_to_stop() {
        crate::fuzz::texts("lines", |text| {
            text.lines().for_each(|line| drop(parse_stat(line)));
            drop((devices(text), modules(text)));
        });
    }

    #[test]
    fn devices_and_modules_are_named_and_headings_are_not() {
        let text = "Character devices:\n  1 mem\n 10 misc\n241 memalloc\n\nBlock devices:\n  8 sd";
        assert_eq!(devices(text), ["mem", "misc", "memalloc", "sd"]);
        assert_eq!(modules("kmod 24576 0 - Live 0x0\nmy_name 1 0"), ["kmod", "my_name"]);
    }

    #[test]
    fn this_process_is_in_the_inventory() {
        let inventory = take(false).unwrap();
        let own = std::process::id() as i32;
        assert!(inventory.processes.iter().any(|one| one.pid == own), "{own}");
        assert!(inventory.available_kib > 0);
        assert!(inventory.devices.iter().any(|name| name == "mem"), "{:?}", inventory.devices);
    }
}
