// SPDX-License-Identifier: MIT OR Apache-2.0
//! An agent on the standard input and output of a command: `ssh … ringside
//! agent --stdio`.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::link::Link;
use crate::kernel::error::{TargetError, TargetResult};

/// How long a command may take to end once its input has ended.
const ENDS_WITHIN: Duration = Duration::from_millis(500);
/// How many of its last words are kept.
const LAST_WORDS: usize = 2000;

/// Starts the command with one socket as its standard input and output: unlike
/// pipes, it can be shut down under a thread that waits in it.
pub(super) fn start(program: &str, arguments: &[String]) -> TargetResult<Link> {
    let doing = || format!("start {program}");
    let (ours, theirs) = UnixStream::pair().map_err(|error| TargetError::io(&error, doing()))?;
    let output = theirs.try_clone().map_err(|error| TargetError::io(&error, doing()))?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::from(OwnedFd::from(output)))
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| TargetError::io(&error, doing()))?;
    let errors = child.stderr.take();
    let words = Arc::new(Mutex::new(Vec::new()));
    let listener = errors.map(|errors| {
        let words = Arc::clone(&words);
        std::thread::spawn(move || listen(errors, &words))
    });
    let child = Arc::new(Mutex::new(child));
    let ending = Arc::clone(&child);
    let link = Link::socket(ours).map_err(|error| TargetError::io(&error, doing()))?;
    let (shut, name) = (link.close, program.to_owned());
    Ok(Link {
        close: Box::new(move || {
            shut();
            end(&ending);
        }),
        explain: Box::new(move || {
            let status = end(&child);
            if let Some(listener) = listener {
                // It ends when the last process with this standard error does,
                // which may be one that the command left behind.
                let until = Instant::now() + ENDS_WITHIN;
                while !listener.is_finished() && Instant::now() < until {
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
            let words = words.lock();
            explain(&name, status, &String::from_utf8_lossy(&words))
        }),
        ..link
    })
}

/// Waits for the command to end, and kills it when it does not.
fn end(child: &Mutex<Child>) -> Option<ExitStatus> {
    let until = Instant::now() + ENDS_WITHIN;
    let mut child = child.lock();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(2)),
            _ => break,
        }
    }
    drop(child.kill());
    drop(child.wait());
    None
}

/// Keeps the last words of the command's standard error.
fn listen(mut errors: impl Read, words: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(read @ 1..) = errors.read(&mut buffer) {
        let mut words = words.lock();
        words.extend_from_slice(&buffer[..read]);
        let old = words.len().saturating_sub(LAST_WORDS);
        words.drain(..old);
    }
}

fn explain(name: &str, status: Option<ExitStatus>, words: &str) -> Option<String> {
    let words = words.trim();
    let ended = match status {
        Some(status) if status.success() => None,
        Some(status) => Some(match (status.code(), status.signal()) {
            (Some(code), _) => format!("{name} exited with status {code}"),
            (None, Some(signal)) => format!("{name} was killed by signal {signal}"),
            (None, None) => format!("{name} ended"),
        }),
        None => None,
    };
    match (ended, words.is_empty()) {
        (Some(ended), false) => Some(format!("{ended}: {words}")),
        (Some(ended), true) => Some(ended),
        (None, false) => Some(words.to_owned()),
        (None, true) => None,
    }
}
