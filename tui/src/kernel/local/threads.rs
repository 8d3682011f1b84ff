// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel threads of a module, by `/proc`: also of a module that says nothing
//! of itself.
//!
//! A thread belongs to a module whose function stands in its stack. One that runs
//! has no stack to be read, so those of producer_consumer are known by their names,
//! too, which the contract fixes.

use std::fs;
use std::path::Path;

use ringside_uapi::producer_consumer;

use super::files;
use super::inventory::process;
use crate::kernel::api::{KernelThread, ProcessInfo};

/// The threads of a module, by number.
pub(super) fn of(module: &str) -> Vec<KernelThread> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let mut threads: Vec<_> = pids.filter_map(|pid| thread(module, pid)).collect();
    threads.sort_by_key(|thread| thread.pid);
    threads
}

fn thread(module: &str, pid: i32) -> Option<KernelThread> {
    let ProcessInfo { name, state, .. } = process(pid).filter(ProcessInfo::is_kernel_thread)?;
    let folder = Path::new("/proc").join(pid.to_string());
    // Whoever may not read it, or finds it running, sees none.
    let stack = files::text(folder.join("stack")).unwrap_or_default();
    if !stack.contains(&format!(" [{module}]")) && !has_name_of(module, &name) {
        return None;
    }
    Some(KernelThread { pid, name, state: words(state).into(), waits_in: waits_in(&stack) })
}

/// Is this how the contract has the module call its threads?
fn has_name_of(module: &str, name: &str) -> bool {
    module == producer_consumer::MODULE.name
        && ["Producer-", "Consumer-"].iter().any(|start| name.starts_with(start))
}

fn words(state: char) -> &'static str {
    match state {
        'R' => "running",
        'S' => "sleeping",
        'D' => "waiting, not to be interrupted",
        'I' => "idle",
        'T' | 't' => "stopped",
        'Z' | 'X' => "ended",
        _ => "in a state that Ringside does not know",
    }
}

/// The function that a stack waits in: the first that does not only put the thread
/// to sleep. A line is `[<0>] down_interruptible+0x38/0x60`.
fn waits_in(stack: &str) -> String {
    const SLEEPS: [&str; 6] = [
        "schedule",
        "__schedule",
        "schedule_timeout",
        "io_schedule",
        "__down_common",
        "___down_common",
    ];
    let functions = stack.lines().filter_map(|line| {
        let place = line.split_once("] ").map_or(line, |(_, place)| place);
        place.split_once("+0x").map(|(function, _)| function)
    });
    functions
        .map(|function| function.split('.').next().unwrap_or(function))
        .find(|function| !SLEEPS.contains(function))
        .map(|function| function.trim_start_matches('_').to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thread_waits_for_is_the_function_that_sends_it_to_sleep() {
        let stack = "[<0>] __down_interruptible+0x6c/0xb0\n\
                     [<0>] down_interruptible+0x38/0x60\n\
                     [<0>] produce+0x20/0x90 [producer_consumer]\n[<0>] kthread+0xf6/0x130";
        assert_eq!(waits_in(stack), "down_interruptible");
        assert_eq!(waits_in("[<0>] schedule_timeout+0x1/0x2\n[<0>] msleep+0x1/0x2"), "msleep");
        assert_eq!(waits_in(""), "");
    }
}
