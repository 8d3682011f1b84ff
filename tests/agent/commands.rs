// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a person types, and what the agent's end of it does.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::client::{RINGSIDE, assert_ends, client, exec, text};

#[test]
fn exec_passes_input_output_errors_directory_environment_and_status() {
    let output = client()
        .args(["exec", "--", "sh", "-c", "pwd; echo \"$WORD\"; echo no >&2; exit 9"])
        .current_dir("/usr")
        .env("WORD", "two  words")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "/usr\ntwo  words\n");
    assert_eq!(text(&output.stderr), "no\n");
    assert_eq!(output.status.code(), Some(9));
    let input: Vec<u8> = (0..3_000_000_u32).map(|n| (n ^ n >> 8) as u8).collect();
    let output = exec("cat", &input);
    assert!(output.stdout == input && output.status.success());
}

#[test]
fn exec_ends_with_the_statuses_that_its_help_defines() {
    let status = |arguments: &[&str]| {
        let output = client().arg("exec").args(arguments).stdin(Stdio::null()).output().unwrap();
        (output.status.code().unwrap(), text(&output.stderr))
    };
    let (code, words) = status(&["--", "no-such-program"]);
    assert_eq!(code, 127, "{words}");
    assert!(words.starts_with("error: no-such-program:"), "{words}");
    let (code, words) = status(&["--", "/etc/passwd"]);
    assert_eq!(code, 126, "{words}");
    assert!(words.contains("EACCES"), "{words}");
    assert_eq!(status(&["--", "sh", "-c", "kill -TERM $$"]).0, 128 + 15);
    let (code, words) = status(&["--dir", "/no/such/folder", "--", "true"]);
    assert_eq!(code, 125, "{words}");
    assert!(words.contains("/no/such/folder"), "{words}");
    assert_eq!(status(&[]).0, 2);
}

#[test]
fn an_agent_that_is_killed_in_the_middle_of_a_frame_ends_the_call_with_a_reason() {
    // The program's parent is the agent, which dies while its output is on the
    // way, so that the last frame is cut off.
    let output = exec("echo $$ >&2; (sleep 0.3; kill -9 $PPID) & exec yes", b"");
    assert_eq!(output.status.code(), Some(125));
    let words = text(&output.stderr);
    let (pid, words) = words.split_once('\n').unwrap();
    assert!(words.contains("agent is gone") && words.contains("signal 9"), "{words}");
    assert_ends(pid);
}

#[test]
fn signals_reach_the_program_and_the_second_interrupt_ends_it() {
    let signal = |child: &Child| {
        let pid = nix::unistd::Pid::from_raw(child.id() as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    };
    let start = |script: &str| {
        let mut child = client()
            .args(["exec", "--", "sh", "-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        (child, line, output)
    };
    let script = "trap 'exit 42' INT; echo ready; while :; do sleep 0.05; done";
    let (mut child, line, _output) = start(script);
    assert_eq!(line, "ready\n");
    signal(&child);
    assert_eq!(child.wait().unwrap().code(), Some(42));
    let (mut child, pid, _output) = start("trap '' INT; echo $$; while :; do sleep 0.05; done");
    signal(&child);
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none());
    signal(&child);
    assert_eq!(child.wait().unwrap().code(), Some(128 + 2));
    assert_ends(pid.trim());
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_program() {
    let mut child = client()
        .args(["exec", "--", "yes"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut some = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(128 + 13));
    assert_eq!(text(&output.stderr), "");
    // The same for what ringside prints itself.
    let mut child = Command::new(RINGSIDE)
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn what_is_printed_as_json_is_json() {
    for arguments in [&["info"][..], &["counters"], &["block", "devices"]] {
        let output = client().args(arguments).arg("--json").output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(value.is_object() || value.is_array());
    }
}

#[test]
fn a_subject_that_dies_is_reported_with_signal_place_and_cause() {
    let output = client().args(["mem", "maps", "write 0x10 x"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("[stack]"));
    let words = text(&output.stderr);
    assert!(
        words.contains("SIGSEGV, write to an address where nothing is mapped at 0x10"),
        "{words}"
    );
}

/// A subject that is told what to do line by line, as a person would.
struct Subject {
    process: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Subject {
    fn new() -> Self {
        let mut process = client()
            .arg("mem")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        Self { process, said }
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.process.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The first address of a mapping whose line in its address space matches.
    fn address(&mut self, wanted: impl Fn(&str) -> bool) -> u64 {
        self.tell("maps");
        let mut found = None;
        loop {
            let mut line = String::new();
            assert_ne!(self.said.read_line(&mut line).unwrap(), 0, "no end of the address space");
            let start = line.split('-').next().and_then(|word| u64::from_str_radix(word, 16).ok());
            if let (true, None, Some(_)) = (wanted(&line), found, start) {
                found = start;
            }
            // The last line on every x86 machine.
            if line.contains("[vsyscall]") {
                return found.expect("a mapping like this");
            }
        }
    }

    /// What the command says when the subject has died of this.
    fn last_words(mut self, line: &str) -> String {
        self.tell(line);
        let output = self.process.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    }
}

#[test]
fn a_page_without_any_access_is_told_from_a_read_only_one() {
    // The guard page below the signal handler's stack.
    for (verb, access) in [("write", "write to"), ("read", "read of")] {
        let mut subject = Subject::new();
        let guard = subject.address(|line| line.contains(" ---p "));
        let words = subject.last_words(&format!("{verb} {guard:#x} 1"));
        assert!(
            words.contains(&format!("{access} a page that nobody may touch (PROT_NONE)")),
            "{words}"
        );
    }
    let mut subject = Subject::new();
    let code = subject.address(|line| line.contains(" r-xp ") && line.contains("ringside"));
    // The page is there: its entry is what refuses.
    subject.tell(&format!("read {code:#x} 1"));
    let words = subject.last_words(&format!("write {code:#x} x"));
    assert!(words.contains("write to a read-only page"), "{words}");
}

#[test]
fn an_address_of_the_kernels_is_called_so_and_one_that_is_none_too() {
    let told = |line: &str| Subject::new().last_words(line);
    let words = told("read 0xffff888000000000 1");
    assert!(words.contains("read of an address of the kernel's"), "{words}");
    let words = told("write 0x8000000000000000 x");
    assert!(words.contains("write to a non-canonical address"), "{words}");
}

#[test]
fn a_subject_that_was_killed_has_not_died_of_what_is_typed_next() {
    let mut subject = Subject::new();
    subject.tell("maps");
    let mut line = String::new();
    subject.said.read_line(&mut line).unwrap();
    // The subject is the agent's only child, and that is this command's.
    let child = |pid: &str| {
        let path = format!("/proc/{pid}/task/{pid}/children");
        let children = std::fs::read_to_string(path).unwrap();
        children.split_whitespace().next().expect("a child").to_owned()
    };
    let agent = child(&subject.process.id().to_string());
    let mut victim = None;
    // A thread of the agent's started it.
    for task in std::fs::read_dir(format!("/proc/{agent}/task")).unwrap() {
        let children = std::fs::read_to_string(task.unwrap().path().join("children")).unwrap();
        victim = victim.or(children.split_whitespace().next().map(str::to_owned));
    }
    let victim = victim.expect("a subject");
    let pid = nix::unistd::Pid::from_raw(victim.parse().unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    assert_ends(&victim);
    let words = subject.last_words("read 0x10 1");
    assert!(words.contains("SIGKILL") && !words.contains("0x10 1: subject"), "{words}");
    assert!(words.contains("had died before"), "{words}");
}
