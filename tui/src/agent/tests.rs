// SPDX-License-Identifier: MIT OR Apache-2.0
//! Client and agent, with a socket between them.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::serve;
use crate::kernel::api::{OutputStream, ProgramEnd, RunRequest, Signal};
use crate::kernel::call::{Calls, ask};
use crate::kernel::local::Local;
use crate::kernel::remote::Remote;
use crate::kernel::wire::{Body, Frame, FrameReader, Kind, PAYLOAD_MAX, WINDOW, version};
use crate::kernel::{Item, Request, Target, TargetError};

/// An agent on a thread of its own, and the other end of its stream.
fn agent() -> (UnixStream, std::thread::JoinHandle<()>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let thread = std::thread::spawn(move || {
        let local = Local::new();
        let writer = theirs.try_clone().unwrap();
        // A client that vanishes is an error of the stream at times.
        drop(serve(theirs, writer, &local));
    });
    (ours, thread)
}

fn program(arguments: &[&str]) -> Request {
    Request::Run(RunRequest {
        arguments: arguments.iter().map(|a| a.as_bytes().to_vec()).collect(),
        environment: vec![(b"PATH".to_vec(), b"/usr/bin:/bin".to_vec())],
        directory: b"/".to_vec(),
        terminal: None,
    })
}

#[test]
fn a_request_is_answered_as_if_it_were_local() {
    let (stream, thread) = agent();
    let remote = Remote::over_socket(stream).unwrap();
    let items = ask(&remote, Request::Kernel, &[]).unwrap();
    assert!(matches!(&items[..], [Item::Kernel(info)] if !info.release.is_empty()));
    let error = ask(&remote, Request::Counters { module: Some("none".into()) }, &[]).unwrap_err();
    assert!(error.to_string().contains("none"), "{error}");
    drop(remote);
    thread.join().unwrap();
}

#[test]
fn megabytes_pass_through_a_program_both_ways() {
    let (stream, _thread) = agent();
    let remote = Remote::over_socket(stream).unwrap();
    let calls = Calls::start(&remote, program(&["cat"])).unwrap();
    let control = calls.control();
    let sent: Vec<u8> = (0..8_000_000_u32).map(|n| (n ^ n >> 7) as u8).collect();
    let input = sent.clone();
    let feeder = std::thread::spawn(move || {
        control.send(&input).unwrap();
        control.close_input().unwrap();
    });
    let mut received = Vec::new();
    loop {
        match calls.next() {
            Item::Output { bytes, stream: OutputStream::Stdout } => received.extend(bytes),
            Item::Exited(end) => assert_eq!(end, ProgramEnd::Exited(0)),
            Item::Done(result) => {
                assert_eq!(result, Ok(()));
                break;
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    feeder.join().unwrap();
    assert!(received == sent);
}

#[test]
fn output_that_nobody_reads_stops_its_program_and_nothing_else() {
    let (stream, _thread) = agent();
    let remote = Remote::over_socket(stream).unwrap();
    // Never read until the end of this test.
    let flood = Calls::start(&remote, program(&["yes"])).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    let started = Instant::now();
    for _ in 0..50 {
        ask(&remote, Request::Kernel, &[]).unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(60));
    flood.control().signal(Signal(nix::libc::SIGTERM)).unwrap();
    let mut bytes = 0;
    loop {
        match flood.next() {
            Item::Output { bytes: some, .. } => bytes += some.len(),
            Item::Exited(end) => assert_eq!(end, ProgramEnd::Signalled(nix::libc::SIGTERM)),
            Item::Done(_) => break,
            other => panic!("unexpected {other:?}"),
        }
    }
    // What was under way, and not what `yes` writes in 100 ms.
    let bound = 64 * PAYLOAD_MAX + 4 * WINDOW as usize + (4 << 20);
    assert!(bytes < bound, "{bytes}");
}

#[test]
fn every_call_learns_that_the_agent_is_gone() {
    let (stream, _thread) = agent();
    let killer = stream.try_clone().unwrap();
    let remote = Remote::over_socket(stream).unwrap();
    let run = Calls::start(&remote, program(&["sleep", "60"])).unwrap();
    killer.shutdown(std::net::Shutdown::Both).unwrap();
    assert!(matches!(run.next(), Item::Done(Err(TargetError::Gone(_)))));
    let late = ask(&remote, Request::Kernel, &[]);
    assert!(matches!(late, Err(TargetError::Gone(_))));
}

#[test]
fn an_agent_that_was_started_again_takes_over_the_line() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let agents = std::thread::spawn(move || {
        let mut reader = FrameReader::new(theirs.try_clone().unwrap());
        expect(&mut reader, 0, Kind::Hello);
        say(&mut theirs, 0, &Body::Welcome(version()));
        expect(&mut reader, 1, Kind::Start);
        // It dies in the middle of a frame; the next one begins.
        let half = Frame::new(1, Kind::Stdout, false, &[1; PAYLOAD_MAX]);
        theirs.write_all(&half.as_bytes()[..5000]).unwrap();
        theirs.write_all(crate::kernel::wire::RESYNCHRONISE).unwrap();
        say(&mut theirs, 0, &Body::Begun);
        let local = Local::new();
        drop(serve(theirs.try_clone().unwrap(), theirs, &local));
    });
    let remote = Remote::over_socket(ours).unwrap();
    let lost = Calls::start(&remote, program(&["cat"])).unwrap();
    let Item::Done(Err(TargetError::Gone(why))) = lost.next() else {
        panic!("not ended");
    };
    assert!(why.contains("started again"), "{why}");
    ask(&remote, Request::Kernel, &[]).unwrap();
    drop((lost, remote));
    agents.join().unwrap();
}

#[test]
fn dropping_a_call_ends_its_program() {
    let (stream, thread) = agent();
    let remote = Remote::over_socket(stream).unwrap();
    let run = Calls::start(&remote, program(&["sh", "-c", "echo $$; exec sleep 60"])).unwrap();
    let Item::Output { bytes, .. } = run.next() else {
        panic!("no output");
    };
    let pid: i32 = String::from_utf8(bytes).unwrap().trim().parse().unwrap();
    drop(run);
    let until = Instant::now() + Duration::from_secs(60);
    while std::path::Path::new(&format!("/proc/{pid}")).exists() {
        assert!(Instant::now() < until, "process {pid} lives on");
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(remote);
    thread.join().unwrap();
}

/// Reads frames until a message of this kind in this call.
fn expect(reader: &mut FrameReader<UnixStream>, call: u32, kind: Kind) -> Frame {
    loop {
        let frame = reader.next_frame().unwrap().expect("the agent is there");
        if (frame.header().call, frame.header().kind) == (call, kind) {
            return frame;
        }
    }
}

fn say(stream: &mut UnixStream, call: u32, body: &Body) {
    for frame in body.frames(call).unwrap() {
        stream.write_all(frame.as_bytes()).unwrap();
    }
}

#[test]
fn garbage_nonsense_and_half_frames_do_not_stop_an_agent() {
    let (mut stream, _thread) = agent();
    let mut reader = FrameReader::new(stream.try_clone().unwrap());
    stream.write_all(&[0x5a; 100_000]).unwrap();
    say(&mut stream, 0, &Body::Hello(version()));
    expect(&mut reader, 0, Kind::Welcome);
    // A sound frame with nonsense in it.
    let nonsense = Frame::new(1, Kind::Start, false, &[0xff; 30]);
    stream.write_all(nonsense.as_bytes()).unwrap();
    expect(&mut reader, 1, Kind::Done);
    // Input, credit and cancel for calls that never were.
    say(&mut stream, 99, &Body::Input(vec![1, 2, 3]));
    say(&mut stream, 99, &Body::Credit(u32::MAX));
    say(&mut stream, 99, &Body::Cancel);
    // The first half of a frame whose second never comes, then another client.
    let whole = Frame::new(2, Kind::Input, false, &[7; PAYLOAD_MAX]);
    stream.write_all(&whole.as_bytes()[..1000]).unwrap();
    stream.write_all(&vec![0; crate::kernel::wire::FRAME_MAX]).unwrap();
    say(&mut stream, 0, &Body::Hello(version()));
    expect(&mut reader, 0, Kind::Welcome);
    say(&mut stream, 3, &Body::Start(Request::Kernel));
    expect(&mut reader, 3, Kind::Item);
    expect(&mut reader, 3, Kind::Done);
}

#[test]
fn an_agent_of_another_version_is_refused_by_name() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let other = std::thread::spawn(move || {
        let mut reader = FrameReader::new(theirs.try_clone().unwrap());
        expect(&mut reader, 0, Kind::Hello);
        say(&mut theirs, 0, &Body::Refused("9.9.9-00000000".into()));
        let mut rest = Vec::new();
        theirs.read_to_end(&mut rest).unwrap();
    });
    let Err(TargetError::Protocol(text)) = Remote::over_socket(ours) else {
        panic!("no refusal");
    };
    assert!(text.contains("9.9.9-00000000") && text.contains(&version()), "{text}");
    other.join().unwrap();
}

#[test]
fn a_second_hello_cancels_what_the_client_before_had_open() {
    let (mut stream, _thread) = agent();
    let mut reader = FrameReader::new(stream.try_clone().unwrap());
    say(&mut stream, 0, &Body::Hello(version()));
    say(&mut stream, 1, &Body::Start(program(&["sh", "-c", "echo $$; exec sleep 60"])));
    let pid = expect(&mut reader, 1, Kind::Stdout);
    let pid = String::from_utf8_lossy(pid.payload()).trim().to_owned();
    say(&mut stream, 0, &Body::Hello(version()));
    let until = Instant::now() + Duration::from_secs(60);
    while std::path::Path::new(&format!("/proc/{pid}")).exists() {
        assert!(Instant::now() < until, "process {pid} lives on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_answers_without_being_an_agent_is_found_out() {
    let echo = Remote::over_command("cat", &[]);
    assert!(matches!(echo, Err(TargetError::Protocol(_))));
    let silent = Remote::over_command("true", &[]);
    assert!(matches!(silent, Err(TargetError::Gone(_))));
    let words = ["-c".to_owned(), "echo no route >&2; exit 255".to_owned()];
    let Err(TargetError::Gone(text)) = Remote::over_command("sh", &words) else {
        panic!("no error");
    };
    assert!(text.contains("no route") && text.contains("255"), "{text}");
    let missing = Remote::over_command("/no/such/program", &[]);
    assert!(matches!(missing, Err(TargetError::Errno { .. })));
}

#[test]
fn a_target_may_be_used_from_many_threads() {
    let (stream, _thread) = agent();
    let remote = Arc::new(Remote::over_socket(stream).unwrap());
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let target: Arc<dyn Target> = remote.clone();
            std::thread::spawn(move || {
                for _ in 0..50 {
                    ask(&*target, Request::BlockDevices, &[]).unwrap();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}
