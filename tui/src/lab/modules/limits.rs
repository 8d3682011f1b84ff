// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bounds for a build whose Makefile nobody here wrote: it may run for ever,
//! print without end, or fill the disk.

use std::path::Path;
use std::time::{Duration, Instant};

use super::super::build_error::{BuildError, BuildResult};
use super::super::cache;
use super::super::progress::{Event, Progress, Stop};

/// A build that prints nothing for so long waits for something.
const SILENCE_MAX: Duration = Duration::from_secs(300);
/// What a build may print, in bytes.
const PRINTED_MAX: usize = 8 << 20;
/// What has to stay free on the cache's disk, in bytes.
const FREE_MIN: u64 = 128 << 20;
/// How often the disk is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often whoever listens is told that time passes.
const TICK: Duration = Duration::from_millis(20);

/// Hands on what is reported, and stops what goes beyond the bounds.
pub(super) struct Limited<'a> {
    progress: &'a mut dyn Progress,
    output: &'a Path,
    printed: usize,
    heard: Instant,
    looked: Instant,
    ticked: Instant,
    why: Option<String>,
    /// Lines are counted and not handed on.
    quiet: bool,
}

impl<'a> Limited<'a> {
    /// Watches a build that writes to `output`.
    pub(super) fn new(progress: &'a mut dyn Progress, output: &'a Path) -> Self {
        let now = Instant::now();
        Self {
            progress,
            output,
            printed: 0,
            heard: now,
            looked: now,
            ticked: now,
            why: None,
            quiet: false,
        }
    }

    /// Hands no lines on: they are for whoever asked, and not for the user.
    pub(super) fn quietly(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// A result with the reason of a stop of ours.
    pub(super) fn explain<T>(&self, folder: &Path, result: BuildResult<T>) -> BuildResult<T> {
        match (result, &self.why) {
            (Err(BuildError::Stopped(_)), Some(why)) => {
                Err(BuildError::Folder { folder: folder.to_owned(), why: why.clone() })
            }
            (result, _) => result,
        }
    }
}

impl Progress for Limited<'_> {
    fn report(&mut self, event: Event) {
        self.heard = Instant::now();
        if let Event::Output(line) = &event {
            self.printed += line.len() + 1;
            if self.printed > PRINTED_MAX && self.why.is_none() {
                let most = cache::amount(PRINTED_MAX as u64);
                self.why = Some(format!("its build printed more than {most}, so it was ended"));
            }
        }
        let hidden = self.quiet && matches!(event, Event::Output(_));
        if self.why.is_none() && !hidden {
            self.progress.report(event);
        }
    }

    fn tick(&mut self) {
        // Once for every line would be most of the work of a build that prints a lot.
        if self.ticked.elapsed() > TICK {
            self.ticked = Instant::now();
            self.progress.tick();
        }
        if self.why.is_none() && self.heard.elapsed() > SILENCE_MAX {
            let minutes = SILENCE_MAX.as_secs() / 60;
            self.why =
                Some(format!("its build did nothing for {minutes} minutes, so it was ended"));
        }
        if self.why.is_none() && self.looked.elapsed() > LOOK {
            self.looked = Instant::now();
            if cache::free(self.output).is_ok_and(|free| free < FREE_MIN) {
                let least = cache::amount(FREE_MIN);
                self.why = Some(format!(
                    "its build left less than {least} free on the disk of {}, so it was ended",
                    self.output.display()
                ));
            }
        }
    }

    fn locks(&self) -> Vec<std::os::fd::RawFd> {
        self.progress.locks()
    }

    fn stop(&self) -> Stop {
        if self.why.is_some() { Stop::AtOnce } else { self.progress.stop() }
    }
}
