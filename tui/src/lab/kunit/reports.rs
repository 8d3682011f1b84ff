// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the reports of the kernel's own checks begin.

/// One of these at the beginning of a line, or behind the name of a check.
const BEGINS: [&str; 12] = [
    "BUG: ",
    "WARNING: ",
    "INFO: possible ",
    "INFO: task ",
    "INFO: rcu",
    "INFO: trying to register",
    "Oops: ",
    "UBSAN: ",
    "kernel BUG at ",
    "general protection fault",
    "unreferenced object ",
    "rust_kernel: panicked",
];

/// Is this line the first of a report: a sanitizer's, lockdep's, an oops?
pub fn is_report(line: &str) -> bool {
    let line = line.trim_start();
    let checks = ["watchdog: ", "rcu: "];
    let line = checks.iter().find_map(|name| line.strip_prefix(name)).unwrap_or(line);
    BEGINS.iter().any(|begin| line.starts_with(begin))
        || line.starts_with("page_table_check")
        || line.contains("suspicious RCU usage")
        || line.contains("new suspected memory leaks")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_of_a_report_is_told_from_a_modules_own() {
        for line in [
            "BUG: KASAN: slab-use-after-free in broken_init+0x1/0x2 [broken]",
            "BUG: sleeping function called from invalid context at mm/slub.c:1",
            "WARNING: possible circular locking dependency detected",
            "UBSAN: shift-out-of-bounds in a.c:3",
            "watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [insmod:71]",
            "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
            "kmemleak: 1 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
        ] {
            assert!(is_report(line), "{line}");
        }
        assert!(!is_report("pulse: WARNING: not the kernel's"));
        assert!(!is_report("    ok 1 a_bug"));
    }
}
