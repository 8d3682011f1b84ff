// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs run for real.

use super::*;
use crate::kernel::api::{OutputStream, ProgramEnd, Request};
use crate::kernel::call::Calls;
use crate::kernel::local::Local;

fn request(arguments: &[&str]) -> RunRequest {
    RunRequest {
        arguments: arguments.iter().map(|a| a.as_bytes().to_vec()).collect(),
        environment: vec![
            (b"PATH".to_vec(), b"/usr/bin:/bin".to_vec()),
            (b"ODD".to_vec(), b"\xff value".to_vec()),
        ],
        directory: b"/tmp".to_vec(),
        terminal: None,
    }
}

/// What a program wrote (standard output, standard error) and how it ended.
fn finish(calls: &Calls) -> (Vec<u8>, Vec<u8>, Option<ProgramEnd>, TargetResult<()>) {
    let (mut out, mut err, mut end) = (Vec::new(), Vec::new(), None);
    loop {
        match calls.next() {
            Item::Output { stream: OutputStream::Stdout, bytes } => out.extend(bytes),
            Item::Output { bytes, .. } => err.extend(bytes),
            Item::Exited(how) => end = Some(how),
            Item::Done(result) => return (out, err, end, result),
            other => panic!("unexpected {other:?}"),
        }
    }
}

fn run(request: RunRequest, input: &[u8]) -> (Vec<u8>, Vec<u8>, Option<ProgramEnd>) {
    let calls = Calls::start(&Local::new(), Request::Run(request)).unwrap();
    let control = calls.control();
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || {
        // A program that reads nothing may be gone before all is written.
        drop(control.send(&input));
        drop(control.close_input());
    });
    let (out, err, end, result) = finish(&calls);
    feeder.join().unwrap();
    assert_eq!(result, Ok(()));
    (out, err, end)
}

#[test]
fn input_output_errors_environment_and_directory_pass_through() {
    let script = "pwd; printf '%s' \"$ODD\" | od -An -tx1 -N1; cat; echo oops >&2; exit 7";
    let (out, err, end) = run(request(&["sh", "-c", script]), b"some input");
    assert_eq!(out, b"/tmp\n ff\nsome input");
    assert_eq!(err, b"oops\n");
    assert_eq!(end, Some(ProgramEnd::Exited(7)));
}

#[test]
fn much_data_comes_through_whole() {
    let input: Vec<u8> = (0..5_000_000_u32).map(|n| (n ^ n >> 9) as u8).collect();
    let (out, _, end) = run(request(&["cat"]), &input);
    assert!(out == input);
    assert_eq!(end, Some(ProgramEnd::Exited(0)));
}

#[test]
fn programs_that_cannot_be_started_are_told_apart() {
    assert_eq!(run(request(&["no-such-program"]), b"").2, Some(ProgramEnd::NotFound));
    assert_eq!(
        run(request(&["/etc/passwd"]), b"").2,
        Some(ProgramEnd::NotExecutable(nix::libc::EACCES))
    );
    assert_eq!(run(request(&["sh", "-c", "kill -9 $$"]), b"").2, Some(ProgramEnd::Signalled(9)));
}

#[test]
fn a_program_that_leaves_a_child_behind_has_ended_all_the_same() {
    let started = std::time::Instant::now();
    let (out, _, end) = run(request(&["sh", "-c", "sleep 5 & echo done"]), b"");
    assert_eq!(out, b"done\n");
    assert_eq!(end, Some(ProgramEnd::Exited(0)));
    assert!(started.elapsed().as_secs() < 4);
}

#[test]
fn cancelling_kills_the_program_and_its_children() {
    let calls = Calls::start(
        &Local::new(),
        Request::Run(request(&["sh", "-c", "echo $$; sleep 60 | sleep 60"])),
    )
    .unwrap();
    let Item::Output { bytes, .. } = calls.next() else {
        panic!("no output");
    };
    let group: i32 = String::from_utf8(bytes).unwrap().trim().parse().unwrap();
    calls.control().cancel();
    assert_eq!(finish(&calls).3, Err(TargetError::Cancelled), "what a cancelled call ends with");
    let group = nix::unistd::Pid::from_raw(group);
    for _ in 0..500 {
        if nix::sys::signal::killpg(group, None).is_err() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("the program's group lives on");
}

#[test]
fn a_program_on_a_terminal_sees_its_size_and_its_changes() {
    let mut request = request(&[
        "sh",
        "-c",
        "test -t 0 && test -t 1 && stty size; read x; stty size; echo got $x",
    ]);
    request.terminal = Some(TerminalSize { rows: 30, columns: 99 });
    let calls = Calls::start(&Local::new(), Request::Run(request)).unwrap();
    let control = calls.control();
    let mut first = Vec::new();
    while !first.ends_with(b"30 99\r\n") {
        match calls.next() {
            Item::Output { bytes, .. } => first.extend(bytes),
            other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&first)),
        }
    }
    control.resize(TerminalSize { rows: 10, columns: 20 }).unwrap();
    control.send(b"word\n").unwrap();
    let (out, _, end, result) = finish(&calls);
    assert_eq!((end, result), (Some(ProgramEnd::Exited(0)), Ok(())));
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains("10 20") && out.contains("got word"), "{out:?}");
}

#[test]
fn a_directory_that_is_not_there_is_an_error_of_ours() {
    let mut request = request(&["true"]);
    request.directory = b"/no/such/folder".to_vec();
    let calls = Calls::start(&Local::new(), Request::Run(request)).unwrap();
    let (.., end, result) = finish(&calls);
    assert_eq!(end, None);
    assert!(result.unwrap_err().to_string().contains("/no/such/folder"));
}
