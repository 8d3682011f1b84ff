// SPDX-License-Identifier: MIT OR Apache-2.0
//! A recording as an asciinema cast, version 2: what a terminal would have been sent.

use std::io::{self, Write};

use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::json;

use super::player::Player;
use crate::dashboard::paint::{Hits, Look};

/// Milliseconds between two frames at least.
const FRAME_MS: u64 = 50;
/// What a terminal is sent first: the cursor hidden, the screen empty.
const FIRST: &str = "\x1b[?25l\x1b[2J";

/// Writes what was shown within a time, on a screen of this size.
///
/// # Errors
/// It can't be written.
pub fn write(
    out: &mut dyn Write,
    player: &mut Player,
    (from_ms, to_ms): (u64, u64),
    (width, height): (u16, u16),
    look: Look,
) -> io::Result<()> {
    let start = player.tape().start();
    let head = json!({
        "version": 2,
        "width": width,
        "height": height,
        "timestamp": start.unix_ms / 1000,
        "title": start.title,
        "env": { "TERM": "xterm-256color" },
    });
    writeln!(out, "{head}")?;
    let area = Rect::new(0, 0, width, height);
    let mut shown = Buffer::empty(area);
    let mut first = true;
    let end_ms = to_ms.min(player.tape().length_ms());
    let mut ms = from_ms;
    while ms <= end_ms {
        player.go(ms);
        if player.take_dirty() || first {
            let mut next = Buffer::empty(area);
            player.paint(&mut next, &mut Hits::default(), look);
            let mut bytes = Vec::new();
            CrosstermBackend::new(&mut bytes).draw(shown.diff(&next).into_iter())?;
            let mut text = String::from_utf8_lossy(&bytes).into_owned();
            if first {
                text.insert_str(0, FIRST);
            }
            if !text.is_empty() && shown != next {
                writeln!(out, "{}", json!([(ms - from_ms) as f64 / 1000.0, "o", text]))?;
                first = false;
            }
            shown = next;
        }
        // Nothing changes before the next entry: a year without any is no work.
        let still = player.next_ms().map_or(u64::MAX, |next| next.saturating_sub(ms));
        ms = ms.saturating_add(still.div_ceil(FRAME_MS).max(1).saturating_mul(FRAME_MS));
    }
    out.flush()
}
