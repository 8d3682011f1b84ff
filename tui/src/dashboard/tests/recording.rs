// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recorded, and played.

use std::path::Path;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::harness::Harness;
use super::scripted_kernel::{ScriptedKernel, running_lab};
use crate::dashboard::core::config::{ColorDepth, ThemeName};
use crate::dashboard::core::{Key, KeyCode};
use crate::dashboard::paint::{Hits, Look};
use crate::dashboard::replay::{Act, Player};
use crate::dashboard::shell::model::Model;
use crate::kernel::api::GuestState;
use crate::tape::{Entry, Recorder, Start, Tape};

const LOOK: fn() -> Look = || Look::new(ThemeName::Dark, ColorDepth::Indexed, true);

/// A screen at a moment of a recording.
type Seen = (u64, Buffer);

/// Somebody uses a dashboard for a while; what was on the screen at many moments.
pub(super) fn session(path: &Path) -> Vec<Seen> {
    let mut harness = Harness::recorded(ScriptedKernel::guest(), path);
    let mut seen = Vec::new();
    let mut see = |harness: &mut Harness| {
        harness.pass(400);
        seen.push((harness.now_ms(), harness.cells_with(LOOK())));
        harness.pass(100);
    };
    see(&mut harness);
    for (number, keys) in
        ["2", "L", "<down>Autumn", "<enter>", "3", "6", "/hello<enter>", "n", "7", "?", "<esc>"]
            .into_iter()
            .enumerate()
    {
        harness.keys(keys);
        harness.say(if number % 4 == 3 { 4 } else { 6 }, &format!("my_name: hello {number}"));
        harness.sample(
            harness.now_ms(),
            &[("my_name", &[("greetings", number as i64)]), ("other", &[("a", 5)])],
        );
        harness.console("a line of the console\n");
        see(&mut harness);
    }
    harness.resize(100, 30);
    see(&mut harness);
    harness.keys("C");
    see(&mut harness);
    harness.keys("<esc>");
    let reason = "Kernel panic - not syncing: a test".to_owned();
    harness.lab(crate::kernel::api::LabStatus {
        guest: GuestState::Panicked { reason },
        ..running_lab()
    });
    see(&mut harness);
    harness.recorder.take().unwrap().finish().unwrap();
    seen
}

fn player(path: &Path) -> Player {
    let mut player =
        Player::new(Tape::open(path).unwrap(), (80, 26), Model::default().shared.keymap);
    player.play(false);
    player
}

fn at(player: &mut Player, ms: u64, area: Rect) -> Buffer {
    player.go(ms);
    assert_eq!(player.at_ms(), ms);
    let mut buffer = Buffer::empty(area);
    player.paint(&mut buffer, &mut Hits::default(), LOOK());
    buffer
}

fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let row = |y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..area.height).map(row).collect::<Vec<_>>().join("\n")
}

/// The whole screen of whoever watches.
fn screen(player: &mut Player, width: u16, height: u16) -> String {
    player.resize((width, height));
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    player.draw(&mut buffer, &mut Hits::default(), LOOK());
    text(&buffer)
}

fn keys(player: &mut Player, keys: &str) -> Vec<Act> {
    Key::parse_many(keys).unwrap().into_iter().flat_map(|key| player.key(key)).collect()
}

#[test]
fn time_passes_however_short_its_pieces_are() {
    let tour = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/tour.ringside");
    let mut player = player(Path::new(tour));
    player.go(0);
    player.play(true);
    for _ in 0..400_000 {
        player.pass(Duration::from_nanos(500));
    }
    assert_eq!(player.at_ms(), 200);
}

#[test]
fn what_is_shown_at_a_time_is_what_was_shown_then() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ringside");
    let seen = session(&path);
    assert!(seen.len() >= 10);
    let mut player = player(&path);
    let check = |player: &mut Player, (ms, live): &Seen| {
        let played = at(player, *ms, live.area);
        assert_eq!(text(&played), text(live), "at {ms} ms");
        assert_eq!(played, *live, "the colours at {ms} ms");
    };
    seen.iter().for_each(|seen| check(&mut player, seen));
    seen.iter().rev().for_each(|seen| check(&mut player, seen));
    for step in 0..seen.len() {
        check(&mut player, &seen[step * 7 % seen.len()]);
    }
    // As if it had been played, and not jumped through.
    let mut player = self::player(&path);
    player.play(true);
    player.command("replay-faster");
    for (ms, live) in &seen {
        while player.at_ms() < *ms {
            let left = (*ms - player.at_ms()).min(66);
            player.pass(std::time::Duration::from_micros(left * 500));
        }
        assert_eq!(text(&at(&mut player, *ms, live.area)), text(live), "at {ms} ms");
    }
}

#[test]
fn a_recording_that_was_cut_off_is_played_as_far_as_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ringside");
    let seen = session(&path);
    let whole = std::fs::read(&path).unwrap();
    let cut = folder.path().join("cut.ringside");
    std::fs::write(&cut, &whole[..whole.len() * 3 / 4]).unwrap();
    let mut player = player(&cut);
    assert!(player.tape().damage().unwrap().contains("it ends in"), "{:?}", player.tape().damage());
    let length = player.tape().length_ms();
    assert!(length > seen[3].0);
    for (ms, live) in seen.iter().filter(|(ms, _)| *ms < length) {
        assert_eq!(at(&mut player, *ms, live.area), *live, "at {ms} ms");
    }
    assert!(screen(&mut player, 80, 26).contains("cut off: damaged at byte"));
}

#[test]
fn one_jumps_between_what_stands_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ringside");
    session(&path);
    let mut player = player(&path);
    keys(&mut player, "w");
    let screen = self::screen(&mut player, 80, 26);
    assert!(screen.contains("warning: my_name: hello 3"), "{screen}");
    let first = player.at_ms();
    keys(&mut player, "w");
    assert!(player.at_ms() > first);
    keys(&mut player, "W");
    assert_eq!(player.at_ms(), first);
    keys(&mut player, "d");
    let screen = self::screen(&mut player, 80, 26);
    assert!(screen.contains("crash: Kernel panic - not syncing: a test"), "{screen}");
    keys(&mut player, "d");
    assert!(self::screen(&mut player, 80, 26).contains("there is no crash after this"));
    player.go(0);
    keys(&mut player, "x");
    let screen = self::screen(&mut player, 80, 26);
    assert!(screen.contains("command: ringside build"), "{screen}");
    assert!(!player.plays());
}

#[test]
fn items_are_gone_through_one_by_one_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ringside");
    session(&path);
    let mut player = player(&path);
    while player.work(std::time::Duration::from_millis(50)) {}
    player.go(2000);
    let mut screens = Vec::new();
    for _ in 0..12 {
        screens.push(screen(&mut player, 80, 26));
        keys(&mut player, ".");
    }
    assert!(screens.windows(2).any(|pair| pair[0] != pair[1]));
    for before in screens.iter().rev() {
        keys(&mut player, ",");
        let dashboard = |screen: &str| screen.lines().take(24).collect::<Vec<_>>().join("\n");
        assert_eq!(dashboard(&screen(&mut player, 80, 26)), dashboard(before));
    }
}

#[test]
fn who_looks_around_sees_what_the_kernel_said_and_disturbs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ringside");
    let seen = session(&path);
    let mut player = player(&path);
    player.go(seen[1].0);
    keys(&mut player, "6");
    assert!(player.looks_around());
    let early = screen(&mut player, 80, 26);
    assert!(early.contains("hello 0") && early.contains("You look around"), "{early}");
    // What was recorded goes to view 7 meanwhile; the keys are not his.
    player.play(true);
    while player.at_ms() < seen[9].0 {
        player.pass(std::time::Duration::from_millis(50));
    }
    let late = screen(&mut player, 80, 26);
    assert!(late.contains("hello 7") && !late.contains("Every module of this kernel"), "{late}");
    keys(&mut player, "7L");
    let refused = screen(&mut player, 80, 26);
    assert!(refused.contains("this is a recording"), "{refused}");
    keys(&mut player, "?");
    assert!(screen(&mut player, 80, 60).contains("In a recording"));
    keys(&mut player, "<esc>F");
    assert!(!player.looks_around());
    let (ms, live) = &seen[10];
    assert_eq!(at(&mut player, *ms, live.area), *live);
    assert_eq!(player.key(Key::plain(KeyCode::Char('q'))), [Act::Quit]);
}

#[test]
fn a_click_in_the_time_line_goes_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ringside");
    session(&path);
    let mut player = player(&path);
    let screen = screen(&mut player, 80, 24);
    let row = screen.lines().nth(22).unwrap();
    let first = row.find("1x ").unwrap() as u16 + 3;
    assert!(player.click(first + 20, 22));
    assert!(player.at_ms() > 1000);
    assert!(player.click(78, 22));
    assert_eq!(player.at_ms(), player.tape().length_ms());
    assert!(player.click(first, 22));
    assert_eq!(player.at_ms(), 0);
    assert!(!player.click(5, 10));
}

/// A recording of many samples and much of a log.
fn long(path: &Path, minutes: u64) {
    let start = Start { size: (80, 24), sample_ms: 100, log_records: 200_000, ..Start::default() };
    let mut recorder = Recorder::create(path, &start).unwrap();
    for second in 0..minutes * 60 {
        recorder.write(&Entry::Tick(second * 1000));
        recorder.write(&Entry::Key("1".into()));
    }
    recorder.finish().unwrap();
}

#[test]
fn a_recording_without_an_end_of_its_own_and_one_of_nothing_are_played() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ringside");
    long(&path, 90);
    let mut player = player(&path);
    player.go(3_000_000);
    assert!(screen(&mut player, 80, 24).contains("50:00.0"));
    let nothing = folder.path().join("nothing.ringside");
    Recorder::create(&nothing, &Start::default()).unwrap().finish().unwrap();
    let mut player = self::player(&nothing);
    player.go(10);
    keys(&mut player, ".,wxtd) (");
    assert!(screen(&mut player, 80, 24).contains("0:00.0"));
}
