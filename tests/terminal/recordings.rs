// SPDX-License-Identifier: MIT OR Apache-2.0
//! A dashboard over a real guest, recorded and played.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ringside::dashboard::core::config::{ColorDepth, ThemeName};
use ringside::dashboard::paint::{Hits, Look};
use ringside::dashboard::replay::Player;
use ringside::dashboard::shell::model::Model;
use ringside::tape::Tape;

use super::runtime::{Runtime, ringside};
use super::session::Session;

/// What was on the screen, and when by the clock of the host.
type Seen = (u64, Vec<String>);

pub fn record(runtime: &Runtime) -> (Session, PathBuf) {
    let folder = runtime.folder();
    let path = Path::new(folder).join("run.ringside");
    let environment =
        [("XDG_RUNTIME_DIR", folder), ("XDG_STATE_HOME", folder), ("XDG_CONFIG_HOME", folder)];
    let binary = Path::new(env!("CARGO_BIN_EXE_ringside"));
    let arguments = ["--record", path.to_str().expect("a plain path")];
    let session = Session::start_with(binary, &arguments, 24, 80, &environment);
    session.wait_for(" connected");
    (session, path)
}

fn lines(screen: &str) -> Vec<String> {
    let mut lines: Vec<_> = screen.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.resize(24, String::new());
    lines
}

fn see(session: &Session) -> Seen {
    let look = || {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
        (now.as_millis() as u64, lines(&session.screen()))
    };
    // A frame that arrives in two pieces may be read between them.
    let mut seen = look();
    for _ in 0..100 {
        std::thread::sleep(std::time::Duration::from_millis(30));
        let again = look();
        if again.1 == seen.1 {
            return seen;
        }
        seen = again;
    }
    panic!("the screen never stands still for a moment");
}

/// The screen of a recording as it was at a time.
fn at(player: &mut Player, ms: u64) -> Vec<String> {
    player.go(ms);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
    let look = Look::new(ThemeName::Dark, ColorDepth::Indexed, true);
    player.paint(&mut buffer, &mut Hits::default(), look);
    let row = |y| (0..80).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..24).map(|y| row(y).trim_end().to_owned()).collect()
}

fn player(path: &Path) -> Player {
    let tape = Tape::open(path).expect("it is a recording");
    let mut player = Player::new(tape, (80, 26), Model::default().shared.keymap);
    player.play(false);
    player
}

/// What was seen was on the recorded screen shortly before: a terminal shows a
/// frame a little later than the model has it.
fn assert_shown(player: &mut Player, (unix_ms, live): &Seen) {
    let ms = unix_ms - player.tape().start().unix_ms;
    // On a busy machine it is more than a second.
    let mut earlier = (0..=200).rev().chain(201..=4000);
    if earlier.any(|before| at(player, ms.saturating_sub(before * 5)) == *live) {
        return;
    }
    let then = at(player, ms);
    panic!("at {ms} ms there was\n{}\nand is\n{}", live.join("\n"), then.join("\n"));
}

fn load(session: &mut Session, key: &str, title: &str, loaded: &str) {
    session.keys(key);
    session.wait_for(title);
    session.keys("L");
    session.wait_until("the form, with the module built", |screen| {
        screen.contains("[Enter go]") && !screen.contains("building")
    });
    session.keys("\r");
    session.wait_for(loaded);
}

#[test]
fn what_was_seen_is_shown_again_though_the_recorder_was_killed() {
    let runtime = Runtime::new();
    let (mut session, path) = record(&runtime);
    let mut seen = Vec::new();
    load(&mut session, "2", "L loads it", "● loaded");
    seen.push(see(&session));
    load(&mut session, "3", "producer_consumer is not loaded", "Ring of 10 slots");
    session.wait_for("● running");
    for _ in 0..3 {
        seen.push(see(&session));
        std::thread::sleep(std::time::Duration::from_millis(700));
    }
    load(&mut session, "4", "memalloc is not loaded", "pages 0/4096");
    session.keys("n");
    session.wait_for("alive");
    seen.push(see(&session));
    session.keys("a");
    session.wait_for("Allocate pages");
    seen.push(see(&session));
    session.keys("\r");
    session.wait_for("pages 4/4096");
    seen.push(see(&session));
    session.keys("6");
    session.wait_for("What the kernel says");
    seen.push(see(&session));
    session.keys("/Hello\r");
    session.wait_for("Hello, I am");
    seen.push(see(&session));
    session.keys("7");
    session.wait_for("Every module of this kernel");
    seen.push(see(&session));
    // The last second may be lost.
    std::thread::sleep(std::time::Duration::from_millis(2500));
    session.signal(Signal::SIGKILL);
    session.wait();

    let mut player = player(&path);
    assert!(!player.tape().ended());
    assert!(seen.len() >= 10);
    seen.iter().for_each(|seen| assert_shown(&mut player, seen));
    seen.iter().rev().for_each(|seen| assert_shown(&mut player, seen));

    let file = path.to_str().expect("a plain path");
    let text = ringside(runtime.folder(), &["replay", file, "--text"]);
    assert!(text.contains("my_name: Hello, I am"), "{text}");
    assert!(text.contains("$ insmod"), "{text}");
    let json = ringside(runtime.folder(), &["replay", file, "--json"]);
    let entries = json.lines().map(serde_json::from_str::<serde_json::Value>);
    assert!(entries.map(|entry| entry.expect("JSON")).any(|entry| entry["entry"]["Key"] == "7"));
}

#[test]
fn a_recording_is_played_in_a_terminal_without_a_lab() {
    let runtime = Runtime::new();
    let (mut session, path) = record(&runtime);
    load(&mut session, "2", "L loads it", "● loaded");
    assert!(session.quit().success());
    assert!(session.count("ringside replay") > 0, "it says how to play it");
    let binary = Path::new(env!("CARGO_BIN_EXE_ringside"));
    let file = path.to_str().expect("a plain path");
    let nowhere = Runtime::new();
    let environment = [("XDG_RUNTIME_DIR", nowhere.folder()), ("PATH", "/nonexistent")];
    let arguments = ["replay", file, "--paused"];
    let mut session = Session::start_with(binary, &arguments, 26, 80, &environment);
    session.wait_for("paused");
    session.keys(">>>>>> ");
    session.wait_for("● loaded");
    session.wait_for("paused");
    session.keys("6");
    session.wait_for("You look around");
    session.wait_for("Hello, I am");
    session.keys("F");
    session.wait_until("the recorded screen again", |screen| !screen.contains("look around"));
    session.keys("q");
    assert!(session.wait().success());
    session.assert_restored();
}

#[test]
fn the_tour_plays_by_itself() {
    let nowhere = Runtime::new();
    let binary = Path::new(env!("CARGO_BIN_EXE_ringside"));
    let environment = [("XDG_RUNTIME_DIR", nowhere.folder()), ("PATH", "/nonexistent")];
    let mut session = Session::start_with(binary, &["tour"], 26, 80, &environment);
    session.wait_until("its first seconds to pass", |screen| {
        (3..10).any(|second| screen.contains(&format!("playing 0:0{second}")))
    });
    session.keys("q");
    assert!(session.wait().success());
    session.assert_restored();
}
