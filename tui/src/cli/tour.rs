// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside tour`: a recorded run that comes with the program.

use clap::Args;

use super::{Failure, Outcome};
use crate::dashboard::{self, Playing};
use crate::tape::Tape;

/// The recording; `tests/terminal/guided.rs` makes it from a real run.
const TOUR: &[u8] = include_bytes!("../../../assets/tour.ringside");

/// See what Ringside does, in a recorded run of two minutes
///
///     ringside tour           play it; Space pauses, t goes on to what comes next
///
/// It needs no kernel, no virtual machine and no set-up. The keys are yours at any
/// time: look around in every view, F follows the tour again, ? shows the keys.
#[derive(Args, Clone, Copy, Debug)]
#[command(verbatim_doc_comment)]
pub struct Tour {}

impl Tour {
    /// Plays it.
    pub fn run(self) -> Outcome {
        let tape = recording()?;
        let playing =
            Playing { config: dashboard::read_config()?, from_ms: 0, paused: false, beside: None };
        Ok(dashboard::play(tape, &playing)?.status())
    }
}

/// The recording of the tour.
pub(super) fn recording() -> Result<Tape, Failure> {
    Tape::parse(TOUR.to_vec())
        .map_err(|error| Failure::new(format!("the tour in this program: {error}")))
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;

    use super::*;
    use crate::dashboard::core::config::{ColorDepth, ThemeName};
    use crate::dashboard::paint::{Hits, Look};
    use crate::dashboard::replay::Player;
    use crate::dashboard::shell::model::Model;

    #[test]
    fn the_tour_is_small_and_shows_what_it_is_to_show() {
        assert!(TOUR.len() <= 400 << 10, "{} bytes", TOUR.len());
        let tape = Tape::parse(TOUR.to_vec()).unwrap();
        assert!(tape.ended() && tape.damage().is_none());
        let mut player = Player::new(tape, (80, 26), Model::default().shared.keymap);
        let mut seen = String::new();
        let look = Look::new(ThemeName::Dark, ColorDepth::Indexed, true);
        for second in 0..=player.tape().length_ms() / 1000 {
            player.go(second * 1000);
            let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 26));
            player.draw(&mut buffer, &mut Hits::default(), look);
            for y in 0..26 {
                seen.extend((0..80).map(|x| buffer[(x, y)].symbol()));
                seen.push('\n');
            }
        }
        for sight in [
            "Ring of 10 slots",
            "PAUSED",
            "new PTE[",
            "SIGSEGV, write to a read-only page",
            "wrote 5 bytes",
            "GONE",
            "function  broken_put",
            "broken_null.c:14",
            "A USB stick: bytes",
        ] {
            assert!(seen.contains(sight), "the tour does not show {sight:?}");
        }
    }
}
