// SPDX-License-Identifier: MIT OR Apache-2.0
//! The real binary as client and as agent, over pipes: what a person types,
//! what an agent is sent, and what happens when one of them dies.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test says what it expected by failing"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use ringside::target::api::{Request, RunRequest};
use ringside::target::wire::{Body, FRAME_MAX, Frame, FrameReader, Kind, PAYLOAD_MAX, version};

const RINGSIDE: &str = env!("CARGO_BIN_EXE_ringside");

/// `ringside` as a client of an agent on the standard input and output of another.
fn client() -> Command {
    let mut command = Command::new(RINGSIDE);
    command.args(["--connect", &format!("{RINGSIDE} agent --stdio")]);
    command
}

/// What `exec -- sh -c SCRIPT` does, given this input.
fn exec(script: &str, input: &[u8]) -> Output {
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

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits until this process is no more.
fn assert_ends(pid: &str) {
    let until = Instant::now() + Duration::from_secs(20);
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

#[test]
fn exec_passes_input_output_errors_directory_environment_and_status() {
    let output = client()
        .args([
            "exec",
            "--",
            "sh",
            "-c",
            "pwd; echo \"$WORD\"; echo no >&2; exit 9",
        ])
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
        let output = client()
            .arg("exec")
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
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
fn a_kernel_that_cannot_be_reached_is_one_clear_error() {
    let error = |connect: &str| {
        let output = Command::new(RINGSIDE)
            .args(["--connect", connect, "info"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{connect}");
        assert!(output.stdout.is_empty());
        text(&output.stderr)
    };
    let words = error("/no/such/program");
    assert!(
        words.contains("/no/such/program") && words.contains("help: "),
        "{words}"
    );
    let words = error("sh -c 'echo no route to host >&2; exit 255'");
    assert!(words.contains("no route to host"), "{words}");
    let words = error("cat");
    assert!(words.contains("no ringside agent"), "{words}");
    let words = error("yes");
    assert!(words.contains("no ringside agent"), "{words}");
    let output = Command::new(RINGSIDE)
        .args(["--connect", "an 'open quote", "info"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    // exec's own failures have a status of their own.
    let output = Command::new(RINGSIDE)
        .args(["--connect", "false", "exec", "--", "true"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(125));
}

#[test]
fn an_agent_of_another_version_is_refused_with_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("words");
    let mut words = b"Welcome to this machine!\r\n".to_vec();
    let refused = Body::Refused("9.9.9-0badf00d".into()).frames(0, 0).unwrap();
    words.extend_from_slice(refused[0].as_bytes());
    std::fs::write(&file, words).unwrap();
    let output = Command::new(RINGSIDE)
        .args(["--connect", &format!("cat '{}'", file.display()), "modules"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = text(&output.stderr);
    assert!(
        words.contains("9.9.9-0badf00d") && words.contains(&version()),
        "{words}"
    );
}

#[test]
fn an_agent_that_is_killed_in_the_middle_of_a_frame_ends_the_call_with_a_reason() {
    // The program's parent is the agent, which dies while its output is on the
    // way, so that the last frame is cut off.
    let output = exec("echo $$ >&2; (sleep 0.3; kill -9 $PPID) & exec yes", b"");
    assert_eq!(output.status.code(), Some(125));
    let words = text(&output.stderr);
    let (pid, words) = words.split_once('\n').unwrap();
    assert!(
        words.contains("agent is gone") && words.contains("signal 9"),
        "{words}"
    );
    assert_ends(pid);
}

#[test]
fn a_stream_that_breaks_off_inside_a_frame_is_an_end_and_not_a_hang() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("words");
    let welcome = Body::Welcome(version()).frames(0, 0).unwrap();
    let half = Frame::new(0, 1, Kind::Item, false, &[1; PAYLOAD_MAX]);
    let words = [welcome[0].as_bytes(), &half.as_bytes()[..777]].concat();
    std::fs::write(&file, words).unwrap();
    let output = Command::new(RINGSIDE)
        .args(["--connect", &format!("cat '{}'", file.display()), "info"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("ended"),
        "{}",
        text(&output.stderr)
    );
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

/// An agent with pipes, to be talked to byte by byte.
struct Agent {
    child: Child,
    reader: FrameReader<std::process::ChildStdout>,
}

impl Agent {
    fn start() -> Self {
        let mut child = Command::new(RINGSIDE)
            .args(["agent", "--stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let reader = FrameReader::new(child.stdout.take().unwrap());
        Self { child, reader }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.child.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    fn say(&mut self, call: u32, body: &Body) {
        for frame in body.frames(0, call).unwrap() {
            self.write(frame.as_bytes());
        }
    }

    fn expect(&mut self, call: u32, kind: Kind) -> Frame {
        loop {
            let frame = self.reader.next_frame().unwrap().expect("the agent lives");
            if (frame.header().call, frame.header().kind) == (call, kind) {
                return frame;
            }
        }
    }
}

#[test]
fn an_agent_gets_over_garbage_and_oversized_frames_and_ends_with_its_input() {
    let mut agent = Agent::start();
    agent.write(&[0xf5; 200_000]);
    agent.say(0, &Body::Hello(version()));
    agent.expect(0, Kind::Welcome);
    // A header that promises four gigabytes, with a sound checksum.
    let mut oversized = Frame::new(0, 1, Kind::Start, false, b"x")
        .as_bytes()
        .to_vec();
    oversized[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    let sum = crc32fast::hash(&oversized[..24]);
    oversized[24..28].copy_from_slice(&sum.to_le_bytes());
    agent.write(&oversized);
    // Half a frame, and what whoever takes over begins with.
    let half = Frame::new(0, 2, Kind::Input, false, &[3; PAYLOAD_MAX]);
    agent.write(&half.as_bytes()[..PAYLOAD_MAX / 2]);
    agent.write(&[0; FRAME_MAX]);
    agent.say(3, &Body::Start(Request::Kernel));
    agent.expect(3, Kind::Item);
    agent.expect(3, Kind::Done);
    drop(agent.child.stdin.take());
    assert!(agent.child.wait().unwrap().success());
}

#[test]
fn an_agent_tells_a_client_of_another_version_its_own() {
    let mut agent = Agent::start();
    agent.say(0, &Body::Hello("0.0.0-00000000".into()));
    let refused = agent.expect(0, Kind::Refused);
    assert_eq!(text(refused.payload()), version());
    drop(agent.child.stdin.take());
    agent.child.wait().unwrap();
}

#[test]
fn programs_end_with_the_agent_however_it_ends() {
    for kill in [false, true] {
        let mut agent = Agent::start();
        agent.say(0, &Body::Hello(version()));
        let script = ["sh", "-c", "echo $$; exec sleep 100"];
        let run = RunRequest {
            arguments: script.iter().map(|word| word.as_bytes().to_vec()).collect(),
            environment: vec![(b"PATH".to_vec(), b"/usr/bin:/bin".to_vec())],
            directory: b"/".to_vec(),
            terminal: None,
        };
        agent.say(1, &Body::Start(Request::Run(run)));
        let pid = text(agent.expect(1, Kind::Stdout).payload())
            .trim()
            .to_owned();
        assert!(Path::new(&format!("/proc/{pid}")).exists());
        if kill {
            agent.child.kill().unwrap();
        }
        drop(agent.child.stdin.take());
        agent.child.wait().unwrap();
        assert_ends(&pid);
    }
}

#[test]
fn what_is_printed_as_json_is_json() {
    for arguments in [&["info"][..], &["counters"], &["block", "devices"]] {
        let output = client().args(arguments).arg("--json").output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(value.is_object() || value.is_array());
    }
}

#[test]
fn a_subject_that_dies_is_reported_with_signal_place_and_cause() {
    let output = client()
        .args(["mem", "maps", "write 0x10 x"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("[stack]"));
    let words = text(&output.stderr);
    assert!(
        words.contains("SIGSEGV, write to an address where nothing is mapped at 0x10"),
        "{words}"
    );
}

#[test]
fn a_shell_needs_a_terminal_and_says_what_does_not() {
    let output = client().arg("shell").stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(text(&output.stderr).contains("ringside exec"));
}

#[test]
fn a_shell_has_a_terminal_of_the_same_size_and_gives_ours_back() {
    use portable_pty::{CommandBuilder, PtySize, native_pty_system};
    let size = |rows, cols| PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    };
    let pair = native_pty_system().openpty(size(31, 97)).unwrap();
    let mut command = CommandBuilder::new("sh");
    let script = format!(
        "stty -g > before; {RINGSIDE} --local shell -- sh; echo status $?; stty -g > after; cmp before after && echo same"
    );
    let folder = tempfile::tempdir().unwrap();
    command.args(["-c", &script]);
    command.cwd(folder.path());
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let mut writer = pair.master.take_writer().unwrap();
    let (send, screen) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = reader.read(&mut buffer) {
            drop(send.send(text(&buffer[..read])));
        }
    });
    let mut seen = String::new();
    let mut wait_for = |words: &str| {
        let until = Instant::now() + Duration::from_secs(20);
        while !seen.contains(words) {
            let left = until.saturating_duration_since(Instant::now());
            match screen.recv_timeout(left) {
                Ok(more) => seen.push_str(&more),
                Err(_) => panic!("no {words:?} in {seen:?}"),
            }
        }
    };
    writer
        .write_all(b"echo size-$(stty size | tr ' ' x)\n")
        .unwrap();
    wait_for("size-31x97");
    pair.master.resize(size(40, 111)).unwrap();
    // The news travels: SIGWINCH here, then a frame, then SIGWINCH there.
    writer
        .write_all(
            b"while ! stty size | grep -q '40 111'; do sleep 0.05; done; echo grown-$((1+1))\n",
        )
        .unwrap();
    wait_for("grown-2");
    writer.write_all(b"exit 5\n").unwrap();
    wait_for("status 5");
    wait_for("same");
    assert!(child.wait().unwrap().success());
}
