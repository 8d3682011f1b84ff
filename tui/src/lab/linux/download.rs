// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fetching one large file whose length and SHA-256 are known, so that an
//! interrupted download goes on where it stopped and a damaged one is noticed.
//!
//! curl does the transfer: it is on nearly every machine, knows proxies and
//! certificates as the machine has them, and resumes.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::super::build_error::{BuildError, BuildResult};
use super::super::durable;
use super::super::program::Program;
use super::super::progress::{Event, Progress, Stop};
use crate::text::bytes::hex;

/// A file to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remote {
    /// Where it is.
    pub(crate) url: String,
    /// Its length in bytes, where it was published.
    pub(crate) size: Option<u64>,
    /// Its SHA-256 in hexadecimal, as published.
    pub(crate) sha256: String,
    /// The proxy that the machine's own configuration names for it.
    pub(crate) proxy: Option<String>,
}

/// Fetches `remote` to `file`. What has arrived of it before is not fetched
/// again. `file` exists afterwards only if it is whole.
///
/// # Errors
/// The network fails, what arrives is not what was published, or the caller
/// wants to stop (what has arrived is kept).
pub(crate) fn fetch(remote: &Remote, file: &Path, progress: &mut dyn Progress) -> BuildResult<()> {
    if file.exists() {
        match verify(file, remote, progress) {
            Err(BuildError::Damaged { why, .. }) => {
                progress.note(format!("{} is fetched again: {why}", file.display()));
            }
            other => return other,
        }
    }
    let part = part_of(file);
    transfer(remote, &part, progress)?;
    verify(&part, remote, progress)?;
    durable::rename(&part, file).map_err(BuildError::on("rename", &part))
}

/// Fetches a small file whose hash nobody published.
///
/// # Errors
/// The network fails, or the caller wants to stop.
pub(crate) fn plain(url: &str, file: &Path, progress: &mut dyn Progress) -> BuildResult<()> {
    let remote = Remote { url: url.into(), size: None, sha256: String::new(), proxy: None };
    curl(&remote, file, false, progress).map_err(unreachable)
}

/// Where `file` is while it is not whole.
fn part_of(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    file.with_file_name(name)
}

/// Lets curl fetch what is missing of `part`.
fn transfer(remote: &Remote, part: &Path, progress: &mut dyn Progress) -> BuildResult<()> {
    let arrived = || fs::metadata(part).map_or(0, |meta| meta.len());
    match remote.size {
        Some(size) if arrived() == size => return Ok(()),
        // More than there is: nothing of it can be trusted.
        Some(size) if arrived() > size => drop(fs::remove_file(part)),
        _ => {}
    }
    let (at, total) = (arrived(), remote.size);
    if at > 0 {
        progress.note(format!("going on after {at} bytes that are here already"));
    }
    match curl(remote, part, true, &mut Watched { progress, part, total }) {
        // The server can't send a part of a file: from the beginning, then.
        Err(BuildError::Command { status, .. }) if at > 0 && cannot_resume(&status) => {
            drop(fs::remove_file(part));
            let progress = &mut Watched { progress, part, total };
            curl(remote, part, false, progress).map_err(unreachable)
        }
        other => other.map_err(unreachable),
    }
}

/// curl's statuses for a range that the server does not give (33) or that is
/// no longer there (416, as an HTTP error: 22), and for a resume that failed (36).
fn cannot_resume(status: &str) -> bool {
    ["33", "36", "22"].iter().any(|code| status == format!("exit status: {code}"))
}

fn curl(
    remote: &Remote,
    part: &Path,
    resume: bool,
    progress: &mut dyn Progress,
) -> BuildResult<()> {
    let mut command = Command::new("curl");
    command.args(["--fail", "--location", "--silent", "--show-error", "--retry", "2"]);
    command.args(["--connect-timeout", "20", "--speed-limit", "1000", "--speed-time", "60"]);
    if resume {
        command.args(["--continue-at", "-"]);
    }
    if let Some(proxy) = &remote.proxy {
        command.args(["--proxy", proxy]);
    }
    command.arg("--output").arg(part).arg("--").arg(&remote.url);
    Program::new(command, format!("fetching {}", remote.url)).run(progress)
}

/// A network error for what it is.
fn unreachable(error: BuildError) -> BuildError {
    match error {
        BuildError::Command { what, last, .. } => {
            BuildError::Fetch { why: format!("{what} failed"), last }
        }
        other => other,
    }
}

/// Reports the growing file whenever the running program is asked about.
struct Watched<'a> {
    progress: &'a mut dyn Progress,
    part: &'a Path,
    total: Option<u64>,
}

impl Progress for Watched<'_> {
    fn report(&mut self, event: Event) {
        self.progress.report(event);
    }

    fn tick(&mut self) {
        let done = fs::metadata(self.part).map_or(0, |meta| meta.len());
        self.progress.bytes(done, self.total);
    }

    fn stop(&self) -> Stop {
        self.progress.stop()
    }
}

/// Makes sure that `file` is what was published, and removes it if not.
fn verify(file: &Path, remote: &Remote, progress: &mut dyn Progress) -> BuildResult<()> {
    let length = fs::metadata(file).map_err(BuildError::on("read", file))?.len();
    let why = match remote.size {
        Some(size) if length < size => format!("it ends after {length} of {size} bytes"),
        Some(size) if length > size => format!("it has {length} bytes and should have {size}"),
        _ => {
            let found = sha256(file, progress)?;
            if found == remote.sha256 {
                return Ok(());
            }
            format!("its SHA-256 is {found} and should be {}", remote.sha256)
        }
    };
    fs::remove_file(file).map_err(BuildError::on("remove", file))?;
    Err(BuildError::Damaged { what: file.display().to_string(), why })
}

/// The SHA-256 of a file in hexadecimal.
pub(crate) fn sha256(file: &Path, progress: &mut dyn Progress) -> BuildResult<String> {
    let mut input = File::open(file).map_err(BuildError::on("open", file))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        if progress.stop() > Stop::No {
            return Err(BuildError::Stopped(format!("verifying {}", file.display())));
        }
        match input.read(&mut buffer).map_err(BuildError::on("read", file))? {
            0 => return Ok(hex(&hash.finalize())),
            size => hash.update(&buffer[..size]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Published: `content`. Served from a file, by curl's own file protocol.
    fn published(folder: &Path, content: &[u8]) -> Remote {
        let file = folder.join("published");
        fs::write(&file, content).unwrap();
        let url = format!("file://{}", file.display());
        let sha256 = sha256(&file, &mut |_| {}).unwrap();
        let size = Some(content.len() as u64);
        Remote { url, size, sha256, proxy: None }
    }

    #[test]
    fn a_file_is_fetched_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (remote, file) = (published(folder.path(), b"the kernel"), folder.path().join("file"));
        fetch(&remote, &file, &mut |_| {}).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"the kernel");
        assert!(!part_of(&file).exists());
    }

    #[test]
    fn an_interrupted_download_goes_on_where_it_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let (remote, file) = (published(folder.path(), b"the kernel"), folder.path().join("file"));
        fs::write(part_of(&file), b"the ").unwrap();
        let mut notes = Vec::new();
        fetch(&remote, &file, &mut |event| {
            if let Event::Note(text) = event {
                notes.push(text);
            }
        })
        .unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"the kernel");
        assert_eq!(notes, ["going on after 4 bytes that are here already"]);
    }

    #[test]
    fn a_wrong_hash_is_noticed_and_nothing_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let mut remote = published(folder.path(), b"the kernel");
        remote.sha256 = "0".repeat(64);
        let error = fetch(&remote, &file, &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains("is damaged: its SHA-256 is"), "{error}");
        assert!(!file.exists() && !part_of(&file).exists());
    }

    #[test]
    fn a_truncated_download_is_noticed_and_nothing_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let mut remote = published(folder.path(), b"the kernel");
        remote.size = Some(1000);
        let error = fetch(&remote, &file, &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains("it ends after 10 of 1000 bytes"), "{error}");
        assert!(!file.exists() && !part_of(&file).exists());
    }

    #[test]
    fn a_damaged_file_of_an_earlier_run_is_fetched_again() {
        let folder = tempfile::tempdir().unwrap();
        let (remote, file) = (published(folder.path(), b"the kernel"), folder.path().join("file"));
        fs::File::create(&file).unwrap().write_all(b"THE KERNEL").unwrap();
        fetch(&remote, &file, &mut |_| {}).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"the kernel");
    }

    #[test]
    fn no_network_is_said_with_curls_own_words() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let mut remote = published(folder.path(), b"the kernel");
        // Nothing listens on the discard port of this machine.
        remote.url = "http://127.0.0.1:9/kernel".into();
        remote.proxy = None;
        let error = fetch(&remote, &file, &mut |_| {}).unwrap_err();
        assert!(matches!(error, BuildError::Fetch { .. }), "{error}");
        assert!(error.to_string().contains("127.0.0.1") && error.to_string().contains("curl"));
        assert!(error.remedy().unwrap().contains("--kernel-source"));
    }
}
