// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside replay`: a recording, on the screen or as lines.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, Outcome};
use crate::dashboard::{self, Playing};
use crate::tape::{Tape, TapeError};

mod lines;
mod moment;

use moment::Moment;

/// Play a recording: the same dashboard, without its kernel
///
///     ringside replay run.ringside                  play it; ? shows the keys
///     ringside replay run.ringside --from 1:30      from a minute and a half on
///     ringside replay run.ringside --text           its log and its commands as lines
///     ringside replay run.ringside --json           everything in it, one object per line
///
/// `ringside --record FILE` and `ringside record FILE` make recordings. One that was
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

impl Replay {
    /// Runs it.
    pub fn run(&self) -> Outcome {
        let tape = Tape::open(&self.file).map_err(|error| self.failure(&error))?;
        let length_ms = tape.length_ms();
        if self.from.0 > length_ms {
            return Err(Failure::usage(format!(
                "{} ends at {}, which is before --from",
                self.file.display(),
                dashboard::replay::bar::clock(length_ms)
            )));
        }
        let range = self.from.0..=self.to.map_or(u64::MAX, |to| to.0);
        if self.text || self.json {
            lines::print(&tape, range, self.json)?;
            self.warn(&tape);
            return Ok(0);
        }
        let playing = Playing {
            config: dashboard::read_config()?,
            from_ms: self.from.0,
            paused: self.paused,
        };
        Ok(dashboard::play(tape, &playing)?.status())
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
