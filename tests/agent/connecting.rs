// SPDX-License-Identifier: MIT OR Apache-2.0
//! Other ends that are no agent, or not the right one.

use std::process::Command;

use ringside::kernel::wire::{Body, Frame, Kind, PAYLOAD_MAX, version};

use crate::client::{RINGSIDE, text};

#[test]
fn a_kernel_that_cannot_be_reached_is_one_clear_error() {
    let error = |connect: &str| {
        let output = Command::new(RINGSIDE).args(["--connect", connect, "info"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{connect}");
        assert!(output.stdout.is_empty());
        text(&output.stderr)
    };
    let words = error("/no/such/program");
    assert!(words.contains("/no/such/program") && words.contains("help: "), "{words}");
    let words = error("sh -c 'echo no route to host >&2; exit 255'");
    assert!(words.contains("no route to host"), "{words}");
    let words = error("cat");
    assert!(words.contains("no ringside agent"), "{words}");
    let words = error("yes");
    assert!(words.contains("no ringside agent"), "{words}");
    let output =
        Command::new(RINGSIDE).args(["--connect", "an 'open quote", "info"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    // exec's own failures have a status of their own.
    let output =
        Command::new(RINGSIDE).args(["--connect", "false", "exec", "--", "true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
}

#[test]
fn an_agent_of_another_version_is_refused_with_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("words");
    let mut words = b"Welcome to this machine!\r\n".to_vec();
    let refused = Body::Refused("9.9.9-0badf00d".into()).frames(0).unwrap();
    words.extend_from_slice(refused[0].as_bytes());
    std::fs::write(&file, words).unwrap();
    let output = Command::new(RINGSIDE)
        .args(["--connect", &format!("cat '{}'", file.display()), "modules"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = text(&output.stderr);
    assert!(words.contains("9.9.9-0badf00d") && words.contains(&version()), "{words}");
}

#[test]
fn a_stream_that_breaks_off_inside_a_frame_is_an_end_and_not_a_hang() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("words");
    let welcome = Body::Welcome(version()).frames(0).unwrap();
    let half = Frame::new(1, Kind::Item, false, &[1; PAYLOAD_MAX]);
    let words = [welcome[0].as_bytes(), &half.as_bytes()[..777]].concat();
    std::fs::write(&file, words).unwrap();
    let output = Command::new(RINGSIDE)
        .args(["--connect", &format!("cat '{}'", file.display()), "info"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("ended"), "{}", text(&output.stderr));
}
