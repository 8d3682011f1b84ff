// SPDX-License-Identifier: MIT OR Apache-2.0
//! What this kernel is and what it lacks; crashing it.

use std::path::Path;

use nix::sys::utsname::uname;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, geteuid, sysconf};

use super::files;
use crate::kernel::api::{Capability, KernelInfo, Missing};
use crate::kernel::error::{TargetError, TargetResult};
use ringside_uapi::my_syscall;

/// Milliseconds of a clock of the kernel's.
pub(super) fn clock_ms(clock: ClockId) -> u64 {
    clock_gettime(clock)
        .map_or(0, |time| time.tv_sec() as u64 * 1000 + time.tv_nsec() as u64 / 1_000_000)
}

/// Which kernel this is.
pub(super) fn info() -> KernelInfo {
    let name = uname().ok();
    let field = |get: fn(&nix::sys::utsname::UtsName) -> &std::ffi::OsStr| {
        name.as_ref().map(|name| get(name).to_string_lossy().into_owned()).unwrap_or_default()
    };
    let guest = files::guest();
    let root = geteuid().is_root();
    KernelInfo {
        release: field(|name| name.release()),
        machine: field(|name| name.machine()),
        uptime_ms: clock_ms(ClockId::CLOCK_BOOTTIME),
        guest,
        root,
        page_table_levels: page_table_levels(&files::text("/proc/cpuinfo").unwrap_or_default()),
        taint: files::number("/proc/sys/kernel/tainted").unwrap_or_default(),
        processors: sysconf(SysconfVar::_NPROCESSORS_ONLN)
            .ok()
            .flatten()
            .map_or(1, |count| count as u32),
        memory_kib: memory(&files::text("/proc/meminfo").unwrap_or_default()),
        missing: missing(root, guest),
    }
}

/// Five where the processor has LA57 and the kernel uses it: it drops the flag
/// when it does not.
fn page_table_levels(cpuinfo: &str) -> u8 {
    let flags = cpuinfo.lines().find(|line| line.starts_with("flags"));
    match flags.is_some_and(|line| line.split_ascii_whitespace().any(|flag| flag == "la57")) {
        true => 5,
        false => 4,
    }
}

pub(super) fn memory(meminfo: &str) -> (u64, u64) {
    let field = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse().ok()
    };
    (field("MemTotal:").unwrap_or_default(), field("MemAvailable:").unwrap_or_default())
}

fn missing(root: bool, guest: bool) -> Vec<Missing> {
    let mut missing = Vec::new();
    let mut lacks = |capability, reason: String| missing.push(Missing { capability, reason });
    if !Path::new("/proc/modules").exists() {
        lacks(Capability::Modules, super::sysfs::NO_MODULES.into());
    } else if files::number::<u8>("/proc/sys/kernel/modules_disabled") == Some(1) {
        lacks(
            Capability::Modules,
            "this kernel takes no modules any more (kernel.modules_disabled is 1)".into(),
        );
    } else if !root {
        lacks(Capability::Modules, "only root may load and unload modules".into());
    }
    if let Err(error) = std::fs::File::open(super::kmsg::DEVICE) {
        lacks(Capability::Kmsg, format!("the kernel log can't be read: {error}"));
    }
    if !Path::new(my_syscall::FOLDER).exists() {
        lacks(
            Capability::Syscall,
            "my_syscall is not in this kernel: only kernels that ringside built have it".into(),
        );
    }
    if !root {
        lacks(Capability::Subjects, "only root may open /dev/memalloc".into());
        lacks(Capability::Block, "only root may open /dev/kmod".into());
    }
    if !guest {
        lacks(
            Capability::Lab,
            "this kernel does not run in a lab, so there is no machine to control".into(),
        );
    }
    missing
}

/// Crashes the kernel.
pub(super) fn crash() -> TargetResult<()> {
    let doing = "crash the kernel by /proc/sysrq-trigger";
    std::fs::write("/proc/sysrq-trigger", "c").map_err(|error| TargetError::io(&error, doing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_levels_are_seen_in_the_processor_flags_only() {
        assert_eq!(page_table_levels("model : la57\nflags : fpu lm"), 4);
        assert_eq!(page_table_levels("flags\t\t: fpu la57 lm\n"), 5);
    }

    #[test]
    fn memory_is_read_in_kibibytes() {
        let text = "MemTotal:  507136 kB\nMemFree: 1 kB\nMemAvailable:  480000 kB\n";
        assert_eq!(memory(text), (507_136, 480_000));
    }

    #[test]
    fn this_kernel_can_be_described() {
        let info = info();
        assert!(!info.release.is_empty() && info.uptime_ms > 0 && info.processors > 0);
        assert!(info.memory_kib.0 > info.memory_kib.1);
    }
}
