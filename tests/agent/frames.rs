// SPDX-License-Identifier: MIT OR Apache-2.0
//! An agent that is talked to frame by frame.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ringside::kernel::api::{Request, RunRequest};
use ringside::kernel::wire::{Body, FRAME_MAX, Frame, FrameReader, Kind, PAYLOAD_MAX, version};

use crate::client::{RINGSIDE, assert_ends, text};

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
        for frame in body.frames(call).unwrap() {
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
    let mut oversized = Frame::new(1, Kind::Start, false, b"x").as_bytes().to_vec();
    oversized[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    let sum = crc32fast::hash(&oversized[..20]);
    oversized[20..24].copy_from_slice(&sum.to_le_bytes());
    agent.write(&oversized);
    // Half a frame, and what whoever takes over begins with.
    let half = Frame::new(2, Kind::Input, false, &[3; PAYLOAD_MAX]);
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
        let pid = text(agent.expect(1, Kind::Stdout).payload()).trim().to_owned();
        assert!(Path::new(&format!("/proc/{pid}")).exists());
        if kill {
            agent.child.kill().unwrap();
        }
        drop(agent.child.stdin.take());
        agent.child.wait().unwrap();
        assert_ends(&pid);
    }
}
