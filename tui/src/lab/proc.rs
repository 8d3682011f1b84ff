// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the host's kernel says of a process.

use std::fs;
use std::time::Duration;

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
        let until = std::time::Instant::now() + Duration::from_secs(10);
        while !stopped(pid) && std::time::Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(stopped(pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!stopped(pid));
    }
}
