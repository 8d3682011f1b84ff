// SPDX-License-Identifier: MIT OR Apache-2.0
//! A client and an agent that wants it no good.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::Remote;
use crate::kernel::api::RunRequest;
use crate::kernel::call::Calls;
use crate::kernel::wire::{
    ANSWER_MAX, Body, Frame, FrameReader, HEADER, Kind, MESSAGE_MAX, PAYLOAD_MAX, UNFINISHED_MAX,
    WINDOW, version,
};
use crate::kernel::{Item, Request, Target, TargetError};

/// What a socket holds at most beside what was read: `net.core.wmem_max` is
/// smaller everywhere.
const SOCKET: usize = 8 << 20;
/// Long after what should have happened.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client whose agent is this test: its end of the stream.
fn hostile() -> (Remote, UnixStream) {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let agent = std::thread::spawn(move || {
        let mut reader = FrameReader::new(theirs.try_clone().unwrap());
        let hello = reader.next_frame().unwrap().unwrap();
        assert_eq!(hello.header().kind, Kind::Hello);
        say(&mut theirs, 0, &Body::Welcome(version()));
        theirs
    });
    let remote = Remote::over_socket(ours).unwrap();
    (remote, agent.join().unwrap())
}

fn say(stream: &mut UnixStream, call: u32, body: &Body) {
    for frame in body.frames(call).unwrap() {
        stream.write_all(frame.as_bytes()).unwrap();
    }
}

fn run() -> Request {
    Request::Run(RunRequest {
        arguments: vec![b"true".to_vec()],
        environment: Vec::new(),
        directory: b"/".to_vec(),
        terminal: None,
    })
}

/// Writes the frames that `next` makes until the client hangs up; returns the
/// bytes it took.
fn flood(stream: &mut UnixStream, mut next: impl FnMut(usize) -> Frame) -> usize {
    let mut taken = 0;
    for number in 0.. {
        let frame = next(number);
        if stream.write_all(frame.as_bytes()).is_err() {
            break;
        }
        taken += frame.as_bytes().len();
        assert!(taken < 256 << 20, "the client takes anything");
    }
    taken
}

/// Why the connection was closed, as a request gets it.
fn cut_off(remote: &Remote) -> String {
    let (send, ended) = channel();
    let call = remote.start(
        Request::Kernel,
        Box::new(move |item| {
            let _ = send.send(item);
        }),
    );
    let ended = match call {
        Ok(_call) => ended.recv_timeout(PATIENCE).expect("the connection is closed"),
        Err(error) => Item::Done(Err(error)),
    };
    let Item::Done(Err(TargetError::Gone(why))) = ended else {
        panic!("the connection goes on: {ended:?}");
    };
    assert!(why.contains("broke the rules of the protocol"), "{why}");
    why
}

/// Starts a stream whose items nobody takes until the test ends.
fn unread(remote: &Remote) -> (crate::kernel::Call, std::sync::mpsc::Sender<()>) {
    let (release, wait) = channel::<()>();
    let sink = Box::new(move |_| {
        let _ = wait.recv();
    });
    (remote.start(run(), sink).unwrap(), release)
}

#[test]
fn a_stream_that_does_not_wait_for_credit_is_cut_off() {
    for length in [0, 100, PAYLOAD_MAX] {
        let (remote, mut agent) = hostile();
        let (call, _release) = unread(&remote);
        let taken = flood(&mut agent, |_| Frame::new(1, Kind::Stdout, false, &vec![7; length]));
        assert!(taken <= WINDOW as usize + PAYLOAD_MAX + SOCKET, "{taken}");
        assert!(cut_off(&remote).contains("credit"));
        drop(call);
    }
}

#[test]
fn long_items_whose_last_part_is_short_do_not_pile_up() {
    let (remote, mut agent) = hostile();
    let (call, _release) = unread(&remote);
    let parts = MESSAGE_MAX / PAYLOAD_MAX;
    let taken = flood(&mut agent, |number| match number % parts {
        0 => Frame::new(1, Kind::Stdout, false, b"."),
        _ => Frame::new(1, Kind::Stdout, true, &[7; PAYLOAD_MAX]),
    });
    assert!(taken <= MESSAGE_MAX + WINDOW as usize + PAYLOAD_MAX + SOCKET, "{taken}");
    assert!(cut_off(&remote).contains("credit"));
    drop(call);
}

#[test]
fn an_answer_without_end_is_cut_off() {
    let (remote, mut agent) = hostile();
    let asked = Calls::start(&remote, Request::Modules).unwrap();
    // Nobody takes the items, so the client's reader waits with the rest.
    let reader = std::thread::spawn(move || {
        let mut count = 0_usize;
        loop {
            match asked.next() {
                Item::Done(result) => return (count, result),
                _ => count += 1,
            }
        }
    });
    let frame = Body::Item(Item::Modules(Vec::new())).frames(1).unwrap().remove(0);
    flood(&mut agent, |_| frame.clone());
    let (count, result) = reader.join().unwrap();
    assert!(matches!(result, Err(TargetError::Gone(_))), "{result:?}");
    assert!(count <= ANSWER_MAX as usize / 256 + 1, "{count}");
    cut_off(&remote);
}

#[test]
fn messages_without_end_are_bounded_over_all_calls() {
    let (remote, mut agent) = hostile();
    let calls: Vec<_> = (0..32).map(|_| Calls::start(&remote, Request::Modules).unwrap()).collect();
    let parts = MESSAGE_MAX / PAYLOAD_MAX;
    let taken = flood(&mut agent, |number| {
        Frame::new(1 + (number / parts) as u32, Kind::Item, true, &[7; PAYLOAD_MAX])
    });
    assert!(taken <= UNFINISHED_MAX + PAYLOAD_MAX + SOCKET, "{taken}");
    assert!(cut_off(&remote).contains("without an end"));
    for call in calls {
        assert!(matches!(call.next(), Item::Done(Err(TargetError::Gone(_)))));
    }
}

#[test]
fn what_nobody_waits_for_is_not_kept() {
    let (remote, mut agent) = hostile();
    let asked = Calls::start(&remote, Request::Kernel).unwrap();
    // More than may be unfinished, in calls that are not open.
    for number in 0..4 * UNFINISHED_MAX / PAYLOAD_MAX {
        let call = 2 + number as u32 / 2;
        let frame = Frame::new(call, Kind::Stdout, true, &[7; PAYLOAD_MAX]);
        agent.write_all(frame.as_bytes()).unwrap();
    }
    say(&mut agent, 1, &Body::Item(Item::Bytes(vec![1])));
    say(&mut agent, 1, &Body::Done(Ok(())));
    assert_eq!(asked.next(), Item::Bytes(vec![1]));
    assert_eq!(asked.next(), Item::Done(Ok(())));
}

#[test]
fn headers_inside_headers_end_the_connection_and_not_the_patience() {
    let (remote, mut agent) = hostile();
    let header = Frame::new(1, Kind::Stdout, false, &[0; PAYLOAD_MAX]);
    let headers = header.as_bytes()[..HEADER].repeat(400_000);
    // It hangs up long before it has read them all.
    drop(agent.write_all(&headers));
    assert!(cut_off(&remote).contains("damaged"));
}

#[test]
fn an_agent_that_talks_like_a_client_is_cut_off() {
    let (remote, mut agent) = hostile();
    say(&mut agent, 1, &Body::Start(Request::Modules));
    assert!(cut_off(&remote).contains("Start"));
}

#[test]
fn the_connection_itself_is_closed_while_the_client_lives_on() {
    let (remote, mut agent) = hostile();
    say(&mut agent, 0, &Body::Cancel);
    // Behind the Hello nothing but the end.
    agent.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut rest = Vec::new();
    agent.read_to_end(&mut rest).unwrap();
    cut_off(&remote);
}

#[test]
fn credit_for_what_was_never_read_does_not_fill_the_memory() {
    let (remote, mut agent) = hostile();
    let call = Calls::start(&remote, run()).unwrap();
    let control = call.control();
    let writer = std::thread::spawn(move || {
        let piece = vec![0; 1 << 20];
        (0..1_000).take_while(|_| control.send(&piece).is_ok()).count()
    });
    // It gives credit and reads nothing, until the client hangs up.
    let taken = flood(&mut agent, |_| Body::Credit(WINDOW).frames(1).unwrap().remove(0));
    assert!(taken > 0);
    let sent = writer.join().unwrap();
    assert!(sent < 200, "{sent} MiB were taken for an agent that reads nothing");
}
