// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bounds for a build whose Makefile nobody here wrote: it may run for ever,
//! print without end, or fill the disk.

use std::path::Path;
use std::time::{Duration, Instant};

use super::super::build_error::{BuildError, BuildResult};
use super::super::cache;
use super::super::progress::{Event, Progress, Stop};
use super::stage::Stage;
use crate::text::amount::amount;

/// A build that prints nothing for so long waits for something.
const SILENCE_MAX: Duration = Duration::from_secs(300);
/// What a build may print, in bytes.
const PRINTED_MAX: usize = 8 << 20;
/// How large a file of a build may get, in bytes: twice what is taken for a module.
/// make collects what a recipe prints in one.
pub(super) const FILE_MAX: u64 = 2 * crate::kernel::api::IMAGE_MAX as u64;
/// What has to stay free on the cache's disk, in bytes.
const FREE_MIN: u64 = 128 << 20;
/// How often the disk is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often progress is notified that time passes.
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
}

impl<'a> Limited<'a> {
    /// Watches a build that writes to `output`.
    pub(super) fn new(progress: &'a mut dyn Progress, output: &'a Path) -> Self {
        let now = Instant::now();
        Self { progress, output, printed: 0, heard: now, looked: now, ticked: now, why: None }
    }

    /// A result with the reason of a stop of ours; what such a build left is removed.
    pub(super) fn ended<T>(&self, folder: &Path, result: BuildResult<T>) -> BuildResult<T> {
        match (result, &self.why) {
            (Err(BuildError::Stopped(_)), Some(why)) => {
                Stage::clear(self.output)?;
                Err(BuildError::Folder { folder: folder.to_owned(), why: why.clone() })
            }
            (result, _) => result,
        }
    }
}

impl Progress for Limited<'_> {
    fn report(&mut self, event: Event) {
        self.heard = Instant::now();
        if self.why.is_none() {
            self.progress.report(event);
        }
    }

    /// All of it counts, whether or not somebody wants to hear it.
    fn printed(&mut self, bytes: usize) {
        self.heard = Instant::now();
        self.printed += bytes;
        if self.printed > PRINTED_MAX && self.why.is_none() {
            let most = amount(PRINTED_MAX as u64);
            self.why = Some(format!("its build printed more than {most}, so it was ended"));
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
                let least = amount(FREE_MIN);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_that_does_nothing_for_minutes_is_ended_and_what_it_left_is_removed() {
        let output = tempfile::tempdir().unwrap();
        let left = output.path().join("tree/left");
        std::fs::create_dir_all(&left).unwrap();
        let mut ignored = |_: Event| {};
        let mut limited = Limited::new(&mut ignored, output.path());
        limited.tick();
        assert_eq!(limited.stop(), Stop::No);
        // As if the last word had been said long ago.
        let Some(past) = Instant::now().checked_sub(SILENCE_MAX + LOOK) else { return };
        limited.heard = past;
        limited.tick();
        assert_eq!(limited.stop(), Stop::AtOnce);
        let stopped: BuildResult<()> = Err(BuildError::Stopped("building".into()));
        let error = limited.ended(Path::new("/mine"), stopped).unwrap_err().to_string();
        assert!(error.contains("/mine can't be built: its build did nothing for 5 minutes"));
        assert!(!left.exists());
        // What failed by itself stays as it is.
        let failed: BuildResult<()> = Err(BuildError::Options(Vec::new()));
        assert!(matches!(limited.ended(Path::new("/"), failed), Err(BuildError::Options(_))));
    }
}
