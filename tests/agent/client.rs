// SPDX-License-Identifier: MIT OR Apache-2.0
//! The binary as a client, and what its programs leave behind.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

pub(crate) const RINGSIDE: &str = env!("CARGO_BIN_EXE_ringside");

/// `ringside` as a client of an agent on the standard input and output of another.
pub(crate) fn client() -> Command {
    let mut command = Command::new(RINGSIDE);
    command.args(["--connect", &format!("{RINGSIDE} agent --stdio")]);
    command
}

/// What `exec -- sh -c SCRIPT` does, given this input.
pub(crate) fn exec(script: &str, input: &[u8]) -> Output {
    let mut child = client()
        .args(["exec", "--", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A program that reads nothing may be gone before all is written.
    let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    output
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits until this process is no more.
pub(crate) fn assert_ends(pid: &str) {
    let until = Instant::now() + Duration::from_secs(60);
    let lives = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // One that has ended may wait for its parent to notice.
        !stat.is_empty() && !stat.contains(") Z ")
    };
    while lives() {
        assert!(Instant::now() < until, "process {pid} lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
}
