// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is worth knowing and has no place on the screen, in a file: why a start
//! took a detour, what a lab process met with while nobody watched.
//!
//! `ringside.log` in the cache folder; it comes into being with the first line.
//! `RINGSIDE_LOG` says how much goes there: `off`, `error`, `warn` (as by
//! itself), `info`, `debug` or `trace`.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// A file this large is put aside, as `ringside.log.old`.
const LARGE: u64 = 1 << 20;

/// `RINGSIDE_LOG` is none of the levels.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("RINGSIDE_LOG is set to {0:?}, which is no level: off, error, warn, info, debug or trace")]
pub(crate) struct UnknownLevel(OsString);

/// Sends what this process has to tell to the file in `folder`. Without one, or
/// where the file can't be written, it is not told: nothing depends on it.
///
/// # Errors
/// The variable asks for something else than a level.
pub(crate) fn start(folder: Option<&Path>) -> Result<(), UnknownLevel> {
    let level = level(std::env::var_os("RINGSIDE_LOG"))?;
    let Some(folder) = folder else { return Ok(()) };
    let subscriber = subscriber(&folder.join("ringside.log"), level);
    // Whoever started it before in this process has done the same.
    drop(tracing::subscriber::set_global_default(subscriber));
    Ok(())
}

fn level(variable: Option<OsString>) -> Result<Option<LevelFilter>, UnknownLevel> {
    let Some(word) = variable.filter(|word| !word.is_empty()) else {
        return Ok(None);
    };
    let level = word.to_str().and_then(|word| word.parse().ok());
    level.map(Some).ok_or(UnknownLevel(word))
}

fn subscriber(path: &Path, level: Option<LevelFilter>) -> impl Subscriber + Send + Sync {
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(LevelFilter::WARN))
        .with_target(false)
        .with_writer(LogFile(path.to_owned()))
        .finish()
}

/// The file, opened again for each line: lines are few, and several processes
/// write to it.
struct LogFile(PathBuf);

impl LogFile {
    fn open(&self) -> io::Result<File> {
        if fs::metadata(&self.0).is_ok_and(|file| file.len() > LARGE) {
            fs::rename(&self.0, self.0.with_extension("log.old"))?;
        }
        OpenOptions::new().append(true).create(true).open(&self.0)
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(self.open().ok())
    }
}

/// Where one line goes; it is written as a whole.
struct Line(Option<File>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(file) = &mut self.0 {
            // Whose line it is; at one go, since others write there, too.
            let mut line = format!("[{}] ", std::process::id()).into_bytes();
            line.extend_from_slice(bytes);
            // On a full disk it is lost. An error would be told on standard
            // error, which may be the dashboard's screen.
            drop(file.write_all(&line));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tell(path: &Path, level: Option<LevelFilter>) {
        tracing::subscriber::with_default(subscriber(path, level), || {
            tracing::debug!("all is well");
            tracing::warn!("the stick is {}", "gone");
        });
    }

    #[test]
    fn a_warning_is_a_line_with_its_process_and_level() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ringside.log");
        tell(&path, None);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(&format!("[{}] ", std::process::id())));
        assert!(text.contains("WARN") && text.ends_with("the stick is gone\n"));
        assert_eq!(text.lines().count(), 1);
        tell(&path, Some(LevelFilter::DEBUG));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("all is well"), "{text}");
        assert_eq!(text.lines().count(), 3);
    }

    #[test]
    fn a_level_that_is_none_is_refused_and_not_ignored() {
        assert_eq!(level(None), Ok(None));
        assert_eq!(level(Some("".into())), Ok(None));
        assert_eq!(level(Some("debug".into())), Ok(Some(LevelFilter::DEBUG)));
        assert_eq!(level(Some("off".into())), Ok(Some(LevelFilter::OFF)));
        let error = level(Some("loud".into())).unwrap_err().to_string();
        assert!(error.contains("\"loud\"") && error.contains("trace"), "{error}");
    }

    #[test]
    fn a_large_file_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ringside.log");
        fs::write(&path, vec![b'x'; LARGE as usize + 1]).unwrap();
        tell(&path, None);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
        assert!(folder.path().join("ringside.log.old").exists());
    }

    #[test]
    fn a_full_disk_disturbs_nobody() {
        let mut line = Line(Some(OpenOptions::new().write(true).open("/dev/full").unwrap()));
        assert_eq!(line.write(b"lost").unwrap(), 4);
    }

    #[test]
    fn a_file_that_cannot_be_written_disturbs_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none/ringside.log");
        tell(&path, None);
        assert!(!path.exists());
    }
}
