// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside replay`: a recording, on the screen or as lines.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Failure, Outcome};
use crate::dashboard::core::config::{ColorDepth, ThemeName};
use crate::dashboard::paint::{Hits, Look, svg};
use crate::dashboard::replay::bar::clock;
use crate::dashboard::replay::{Player, cast};
use crate::dashboard::shell::model::Model;
use crate::dashboard::{self, Playing};
use crate::kernel::error::io_text;
use crate::plain_file;
use crate::tape::{Tape, TapeError};

mod lines;
mod moment;

use moment::{Moment, Size};

/// Play a recording: the same dashboard, without its kernel
///
///     ringside replay run.ringside                  play it; ? shows the keys
///     ringside replay run.ringside --from 1:30      from a minute and a half on
///     ringside replay run.ringside --text           its log and its commands as lines
///     ringside replay run.ringside --svg a.svg --from 12.5    a picture of a moment
///     ringside replay run.ringside --cast a.cast    for asciinema
///     ringside replay run.ringside --json           everything in it, one object per line
///
/// `ringside --record FILE` makes a recording of a dashboard. One that was
/// cut off is played as far as it goes. Times are seconds, M:S or H:M:S.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Replay {
    /// The recording
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print the kernel log and the commands as lines
    #[arg(long, conflicts_with = "json")]
    text: bool,
    /// Print everything as JSON, one object per line
    #[arg(long)]
    json: bool,
    /// Write an asciinema cast to a new file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "json", "svg"])]
    cast: Option<PathBuf>,
    /// Write a picture of the screen at --from to a new file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "json"])]
    svg: Option<PathBuf>,
    /// The screen of a cast or a picture, and not the one that was recorded
    #[arg(long, value_name = "COLUMNSxROWS")]
    size: Option<Size>,
    /// Begin here
    #[arg(long, value_name = "TIME", default_value = "0")]
    from: Moment,
    /// End here
    #[arg(long, value_name = "TIME")]
    to: Option<Moment>,
    /// Stand still at the beginning
    #[arg(long)]
    paused: bool,
}

/// How pictures look.
fn look() -> Look {
    Look::new(ThemeName::Dark, ColorDepth::True, true)
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("write {}: {}", path.display(), io_text(error)))
}

impl Replay {
    /// Runs it.
    pub fn run(&self) -> Outcome {
        let tape = Tape::open(&self.file).map_err(|error| self.failure(&error))?;
        let length_ms = tape.length_ms();
        if self.from.0 > length_ms {
            return Err(Failure::usage(format!(
                "{} ends at {}, which is before --from",
                self.file.display(),
                clock(length_ms)
            )));
        }
        let range = self.from.0..=self.to.map_or(u64::MAX, |to| to.0);
        if self.text || self.json {
            lines::print(&tape, range, self.json)?;
            self.warn(&tape);
            return Ok(0);
        }
        if let Some(path) = &self.svg {
            self.warn(&tape);
            return self.picture(tape, path);
        }
        if let Some(path) = &self.cast {
            self.warn(&tape);
            return self.cast(tape, path);
        }
        let playing = Playing {
            config: dashboard::read_config()?,
            from_ms: self.from.0,
            paused: self.paused,
            beside: None,
        };
        Ok(dashboard::play(tape, &playing)?.status())
    }

    /// A player of it for a screen of the size that is meant.
    fn player(&self, tape: Tape) -> (Player, (u16, u16)) {
        let size = self.size.unwrap_or_else(|| Size::some(tape.start().size)).0;
        (Player::new(tape, size, Model::default().shared.keymap), size)
    }

    fn picture(&self, tape: Tape, path: &Path) -> Outcome {
        let (mut player, (width, height)) = self.player(tape);
        player.go(self.from.0);
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        player.paint(&mut buffer, &mut Hits::default(), look());
        let title = format!("Ringside, {} into a recording", clock(self.from.0));
        let picture = svg::draw(&buffer, &title);
        plain_file::create(path, |file| file.write_all(picture.as_bytes()))
            .map_err(|error| unwritten(path, &error))?;
        Ok(0)
    }

    fn cast(&self, tape: Tape, path: &Path) -> Outcome {
        let to_ms = self.to.map_or(u64::MAX, |to| to.0);
        let (mut player, size) = self.player(tape);
        plain_file::create(path, |file| {
            let mut out = BufWriter::new(file);
            cast::write(&mut out, &mut player, (self.from.0, to_ms), size, look())?;
            out.flush()
        })
        .map_err(|error| unwritten(path, &error))?;
        Ok(0)
    }

    fn failure(&self, error: &TapeError) -> Failure {
        match error {
            TapeError::File(why) => Failure::new(why.clone()),
            error => Failure::new(format!("{}: {error}", self.file.display())),
        }
    }

    /// Says what is wrong with it, where what is printed does not.
    fn warn(&self, tape: &Tape) {
        let path = self.file.display();
        if let Some(why) = tape.damage() {
            eprintln!("ringside: {path}: {why}; everything before is complete");
        } else if !tape.ended() {
            eprintln!("ringside: {path}: its recorder did not end it; what it wrote is complete");
        }
    }
}
