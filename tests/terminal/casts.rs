// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a recording can be turned into: an asciinema cast, and pictures of moments.

use std::fs;
use std::path::Path;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ringside::dashboard::core::config::{ColorDepth, ThemeName};
use ringside::dashboard::paint::{Hits, Look};
use ringside::dashboard::replay::Player;
use ringside::dashboard::shell::model::Model;
use ringside::tape::Tape;
use serde_json::Value;

use super::runtime::{Runtime, ringside};

/// A recording of a real guest.
const TOUR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/tour.ringside");
/// How many moments are compared.
const MOMENTS: u64 = 12;

/// The rows of a recording's screen as it was at a time.
fn at(player: &mut Player, ms: u64) -> Vec<String> {
    player.go(ms);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
    let look = Look::new(ThemeName::Dark, ColorDepth::True, true);
    player.paint(&mut buffer, &mut Hits::default(), look);
    let row = |y| (0..80).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..24).map(|y| row(y).trim_end().to_owned()).collect()
}

fn tour() -> Player {
    let tape = Tape::open(Path::new(TOUR)).expect("the tour is a recording");
    let mut player = Player::new(tape, (80, 26), Model::default().shared.keymap);
    player.play(false);
    player
}

/// Moments all over a recording, at times at which a cast may have a frame.
fn moments(player: &Player) -> impl Iterator<Item = u64> + use<> {
    let length = player.tape().length_ms();
    (1..=MOMENTS).map(move |part| length * part / (MOMENTS + 1) / 50 * 50)
}

#[test]
fn a_cast_is_valid_and_a_terminal_that_plays_it_shows_what_the_recording_shows() {
    let runtime = Runtime::new();
    let path = Path::new(runtime.folder()).join("tour.cast");
    let name = path.to_str().expect("a plain path");
    ringside(runtime.folder(), &["replay", TOUR, "--cast", name, "--size", "80x24"]);
    let cast = fs::read_to_string(&path).expect("it was written");
    let mut lines = cast.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let head = lines.next().expect("a head");
    assert_eq!(
        (&head["version"], &head["width"], &head["height"]),
        (&2.into(), &80.into(), &24.into())
    );
    assert!(head["timestamp"].as_u64().is_some_and(|seconds| seconds > 1_700_000_000), "{head}");
    let events: Vec<(f64, String)> = lines
        .map(|event| {
            let fields = event.as_array().expect("an array");
            assert!(fields.len() == 3 && fields[1] == "o", "{event}");
            let text = fields[2].as_str().expect("a text").to_owned();
            (fields[0].as_f64().expect("seconds"), text)
        })
        .collect();
    assert!(events.windows(2).all(|pair| pair[0].0 <= pair[1].0), "time goes on");

    let mut player = tour();
    let size = |cells: u16| std::num::NonZero::new(cells).expect("it is not 0");
    let mut parser = vt100::Parser::new(size(24), size(80), 0);
    let mut events = events.iter().peekable();
    for ms in moments(&player) {
        let seconds = ms as f64 / 1000.0 + 0.001;
        while let Some((_, text)) = events.next_if(|(at, _)| *at <= seconds) {
            parser.process(text.as_bytes());
        }
        let screen = parser.screen();
        let shown: Vec<_> = screen.rows(0, 80).map(|row| row.trim_end().to_owned()).collect();
        assert_eq!(shown.join("\n"), at(&mut player, ms).join("\n"), "at {ms} ms");
    }
}

/// What stands in a picture, without the white space.
fn text_of(svg: &str) -> String {
    let parts = svg.split('<').filter_map(|part| part.split_once('>'));
    let text: String = parts.map(|(_, text)| text).collect();
    let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    let text = plain.iter().fold(text, |text, (escaped, sign)| text.replace(escaped, sign));
    text.split_whitespace().collect()
}

#[test]
fn a_picture_of_a_moment_has_the_words_of_that_moment_and_draws_what_fonts_draw_badly() {
    let runtime = Runtime::new();
    let mut player = tour();
    for ms in moments(&player).step_by(4) {
        let path = Path::new(runtime.folder()).join(format!("{ms}.svg"));
        let name = path.to_str().expect("a plain path");
        let from = format!("{}.{:03}", ms / 1000, ms % 1000);
        let picture = ["replay", TOUR, "--svg", name, "--from", &from, "--size", "80x24"];
        ringside(runtime.folder(), &picture);
        let svg = fs::read_to_string(&path).expect("it was written");
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(!svg.chars().any(|sign| ('\u{2800}'..='\u{28ff}').contains(&sign)), "braille");
        let text = text_of(&svg);
        let words = at(&mut player, ms).join("\n");
        let words: Vec<_> = words
            .split(|sign: char| !sign.is_ascii_alphanumeric())
            .filter(|word| word.len() >= 4)
            .collect();
        assert!(words.len() > 10, "at {ms} ms: {words:?}");
        for word in words {
            assert!(text.contains(word), "{word:?} at {ms} ms");
        }
    }
    // Neither overwrites what there is.
    let taken = Path::new(runtime.folder()).join("taken");
    fs::write(&taken, "mine").expect("it can be written");
    for kind in ["--svg", "--cast"] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_ringside"))
            .args(["replay", TOUR, kind, taken.to_str().expect("a plain path")])
            .output()
            .expect("ringside starts");
        assert!(!output.status.success());
        assert_eq!(fs::read_to_string(&taken).expect("it is there"), "mine");
    }
}
