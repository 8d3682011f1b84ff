// SPDX-License-Identifier: MIT OR Apache-2.0
//! The question that setup asks on a terminal.

use std::io::{Read, Write};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::place::{Place, RINGSIDE, says};

/// Answers setup's question on a terminal; what it printed, and its status.
fn answer(place: &Place, keys: &str) -> (String, u32) {
    let terminal =
        native_pty_system().openpty(PtySize { rows: 50, cols: 200, ..PtySize::default() }).unwrap();
    let mut command = CommandBuilder::new(RINGSIDE);
    command.args(["setup"]);
    command.env("PATH", place.path("bin"));
    command.env("RINGSIDE_CACHE", place.path("cache"));
    command.env_remove("RINGSIDE_YES");
    let mut child = terminal.slave.spawn_command(command).unwrap();
    drop(terminal.slave);
    let mut reader = terminal.master.try_clone_reader().unwrap();
    let mut writer = terminal.master.take_writer().unwrap();
    let (mut text, mut buffer, mut answered) = (String::new(), [0; 4096], false);
    while let Ok(size @ 1..) = reader.read(&mut buffer) {
        text.push_str(&String::from_utf8_lossy(&buffer[..size]));
        if !answered && text.contains("[Y/n]") {
            writer.write_all(keys.as_bytes()).unwrap();
            answered = true;
        }
    }
    assert!(answered, "it asks: {text}");
    (text, child.wait().unwrap().exit_code())
}

#[test]
fn on_a_terminal_setup_says_why_and_what_and_asks_once() {
    let place = Place::new();
    place.program("apt-get", ": > \"$RINGSIDE_CACHE.ran\"; exit 1");
    let (text, status) = answer(&place, "n\n");
    assert_eq!(status, 1);
    says(&text, &["flex makes parsers of the build: there is no flex", "Ringside would run:"]);
    says(&text, &["you said no", "apt-get install -y"]);
    assert_eq!(text.matches("[Y/n]").count(), 1);
    assert!(!place.path("cache.ran").exists());
    // Ctrl-C, as the terminal hears it.
    let (text, status) = answer(&place, "\u{3}");
    assert_eq!(status, 130);
    says(&text, &["stopped: nothing was installed"]);
    assert!(!place.path("cache.ran").exists());
    let (text, status) = answer(&place, "y\n");
    assert_eq!(status, 1);
    says(&text, &["failed (exit status: 1)"]);
    assert!(place.path("cache.ran").exists());
}
