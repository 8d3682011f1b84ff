// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files in sysfs that are read and written, and the modules that are loaded.

use std::sync::OnceLock;

use ringside_uapi::describe::Control;
use ringside_uapi::{MODULES, my_syscall};

/// What each module is loaded with, in the order of [`MODULES`].
pub const LOADED: [&str; 4] = [
    "",
    "prod=2 cons=2 size=8 producer_delay=100000 consumer_delay=100000",
    "",
    "device=/dev/ringside-usb",
];

pub struct File {
    pub path: String,
    pub kind: Kind,
}

#[derive(Clone, Copy)]
pub enum Kind {
    Counter,
    Control(&'static Control),
    Table,
    Parameter,
    /// Of the system call: text.
    Message,
}

impl Kind {
    pub fn can_be_written(self) -> bool {
        matches!(self, Self::Control(_) | Self::Message)
    }
}

/// All of them, in an order that stays the same.
pub fn all() -> &'static [File] {
    static ALL: OnceLock<Vec<File>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut files = Vec::new();
        for module in MODULES {
            let mut add = |folder: &str, name: &str, kind| {
                let path = format!("/sys/module/{}/{folder}/{name}", module.name);
                files.push(File { path, kind });
            };
            module.counters.iter().for_each(|it| add("counters", it.name, Kind::Counter));
            module.tables.iter().for_each(|it| add("counters", it.name, Kind::Table));
            module.controls.iter().for_each(|it| add("controls", it.name, Kind::Control(it)));
            module.parameters.iter().for_each(|it| add("parameters", it.name, Kind::Parameter));
        }
        let own = [
            (my_syscall::NUMBER, Kind::Counter),
            (my_syscall::CALLS, Kind::Counter),
            (my_syscall::MESSAGE, Kind::Message),
        ];
        for (name, kind) in own {
            files.push(File { path: format!("{}/{name}", my_syscall::FOLDER), kind });
        }
        files
    })
}

/// A number as the kernel's `kstrtoull` takes it, with any base.
pub fn number(given: &[u8]) -> Option<u64> {
    let given = given.split(|byte| *byte == 0).next().unwrap_or_default();
    let given = given.strip_suffix(b"\n").unwrap_or(given);
    let given = std::str::from_utf8(given).ok()?;
    let given = given.strip_prefix('+').unwrap_or(given);
    let lower = given.to_ascii_lowercase();
    let (digits, base) = match lower.strip_prefix("0x") {
        Some(digits) if digits.starts_with(|first: char| first.is_ascii_hexdigit()) => (digits, 16),
        _ if lower.starts_with('0') => (lower.as_str(), 8),
        _ => (lower.as_str(), 10),
    };
    // Rust takes a sign of its own.
    if digits.starts_with('+') { None } else { u64::from_str_radix(digits, base).ok() }
}
