// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's log, seen from inside the guest.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;

/// What a report of the kernel's own checks begins with or holds.
const REPORTS: &[&str] = &[
    "BUG:",
    "KASAN:",
    "WARNING:",
    "INFO: possible",
    "INFO: task",
    "INFO: rcu",
    "INFO: trying to register",
    "Oops",
    "UBSAN:",
    "kernel BUG at",
    "unreferenced object",
    "suspicious RCU usage",
    "sleeping function called",
    "possible circular locking",
    "general protection fault",
    "Call Trace:",
    "bad page",
    "page_table_check",
    "rust_kernel: panicked",
    "failed to unregister",
];

/// Does this line belong to a report?
#[allow(dead_code, reason = "not every test program reads the log by itself")]
pub fn is_report(line: &str) -> bool {
    REPORTS.iter().any(|report| line.contains(report))
}

/// Every record now in the log: its text, one line each.
pub fn lines() -> Vec<String> {
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open("/dev/kmsg")
        .expect("root can read /dev/kmsg");
    let mut lines = Vec::new();
    let mut record = vec![0; 8192];
    loop {
        match file.read(&mut record) {
            Ok(size) => {
                let text = String::from_utf8_lossy(&record[..size]).into_owned();
                if let Some((_, message)) = text.split_once(';') {
                    let first = message.lines().next().unwrap_or_default();
                    lines.push(first.to_owned());
                }
            }
            // The oldest records were overwritten: go on with the oldest there is.
            Err(error) if error.raw_os_error() == Some(nix::libc::EPIPE) => {}
            Err(_) => return lines,
        }
    }
}

/// Is there a line that holds `text`?
pub fn has(text: &str) -> bool {
    lines().iter().any(|line| line.contains(text))
}

/// The reports of the kernel's own checks, without the warnings of these functions.
pub fn reports(but_for: &[&str]) -> Vec<String> {
    let mut known = false;
    let is_report = |line: &String| {
        let begins = line.contains("WARNING: at ");
        known = (known && !line.contains("---[ end trace")) || begins;
        known &= !begins || but_for.iter().any(|function| line.contains(function));
        !known && is_report(line)
    };
    lines().into_iter().filter(is_report).collect()
}

/// Panics when the log holds a report, with the lines around it.
pub fn assert_clean() {
    assert_clean_but_for(&[]);
}

/// The same, but for the warnings of functions that are known to give them
/// without any module of ours.
pub fn assert_clean_but_for(functions: &[&str]) {
    let reports = reports(functions);
    if !reports.is_empty() {
        panic!("the kernel reported {reports:#?}\nthe whole log:\n{}", lines().join("\n"));
    }
}
