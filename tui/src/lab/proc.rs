// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the host's kernel says of a process.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::time::Duration;

/// What this boot of the computer is told from all others by.
pub(crate) fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// The fields of `/proc/<pid>/stat` behind the name, which may hold anything:
/// the state is the first of them.
fn stat(pid: i32) -> Vec<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    fields.split_whitespace().map(str::to_owned).collect()
}

/// Has a signal stopped the process, or a debugger?
pub(super) fn stopped(pid: i32) -> bool {
    stat(pid).first().is_some_and(|state| state.eq_ignore_ascii_case("t"))
}

/// The processor time that the process has used so far.
pub(super) fn worked(pid: i32) -> Duration {
    // User and system time are the 12th and 13th, in units of 10 ms (USER_HZ).
    let stat = stat(pid);
    let ticks = stat.iter().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

/// How long each thread of a process has waited for a processor while it could
/// have run; empty where the host's kernel does not count that.
#[derive(Debug, Default)]
pub(crate) struct Waited(HashMap<OsString, Duration>);

impl Waited {
    /// Up to now.
    pub(crate) fn now(pid: i32) -> Self {
        let threads = fs::read_dir(format!("/proc/{pid}/task"));
        let threads = threads.into_iter().flatten().flatten();
        Self(
            threads
                .filter_map(|thread| {
                    // Nanoseconds that it ran, and that it waited; how often it ran.
                    let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
                    let waited = text.split_whitespace().nth(1)?.parse().ok()?;
                    Some((thread.file_name(), Duration::from_nanos(waited)))
                })
                .collect(),
        )
    }

    /// The longest that one of its threads has waited between `before` and this.
    pub(crate) fn since(&self, before: &Self) -> Duration {
        let waited = self.0.iter().map(|(thread, waited)| {
            waited.saturating_sub(before.0.get(thread).copied().unwrap_or_default())
        });
        waited.max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    #[test]
    fn a_stopped_process_is_told_from_one_that_sleeps() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id() as i32;
        assert!(!stopped(pid));
        kill(Pid::from_raw(pid), Signal::SIGSTOP).unwrap();
        let until = std::time::Instant::now() + Duration::from_secs(60);
        while !stopped(pid) && std::time::Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(stopped(pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!stopped(pid));
    }

    #[test]
    fn a_wait_is_what_was_added_to_it_and_the_longest_counts() {
        let waited = |times: &[(&str, u64)]| {
            let times = times.iter().map(|(name, ms)| (name.into(), Duration::from_millis(*ms)));
            Waited(times.collect())
        };
        let before = waited(&[("1", 1000), ("2", 0)]);
        let after = waited(&[("1", 1200), ("2", 700), ("3", 100)]);
        assert_eq!(after.since(&before), Duration::from_millis(700));
        assert_eq!(Waited::default().since(&before), Duration::ZERO);
    }
}
