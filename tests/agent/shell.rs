// SPDX-License-Identifier: MIT OR Apache-2.0
//! A shell at the other end.

use std::io::{Read, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::client::{RINGSIDE, client, text};

#[test]
fn a_shell_needs_a_terminal_and_says_what_does_not() {
    let output = client().arg("shell").stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(text(&output.stderr).contains("ringside exec"));
}

#[test]
fn a_shell_has_a_terminal_of_the_same_size_and_gives_ours_back() {
    use portable_pty::{CommandBuilder, PtySize, native_pty_system};
    let size = |rows, cols| PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
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
        let until = Instant::now() + Duration::from_secs(60);
        while !seen.contains(words) {
            let left = until.saturating_duration_since(Instant::now());
            match screen.recv_timeout(left) {
                Ok(more) => seen.push_str(&more),
                Err(_) => panic!("no {words:?} in {seen:?}"),
            }
        }
    };
    writer.write_all(b"echo size-$(stty size | tr ' ' x)\n").unwrap();
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
