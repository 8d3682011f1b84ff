// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signals during long work: the first Ctrl-C asks it to stop where it can go on
//! from; the second ends it at once, and so do SIGTERM, SIGHUP and SIGQUIT.

use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use crate::lab::progress::Stop;

/// How often and by which signal this process was interrupted. The handler of a
/// signal reaches nothing but what is static, and a process has one for each
/// signal.
static COUNT: AtomicU32 = AtomicU32::new(0);
static LAST: AtomicI32 = AtomicI32::new(0);

/// What is caught.
const SIGNALS: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

extern "C" fn count(signal: i32) {
    let times = if signal == Signal::SIGINT as i32 { 1 } else { 2 };
    LAST.store(signal, Ordering::Relaxed);
    COUNT.fetch_add(times, Ordering::Relaxed);
}

/// Counts the interruptions while it lives. Afterwards the signals do what they
/// did before.
pub struct Interrupt {
    before: Vec<(Signal, SigAction)>,
    counted: u32,
}

impl Interrupt {
    /// Begins to catch.
    ///
    /// # Errors
    /// The handlers can't be installed.
    pub fn catch() -> std::io::Result<Self> {
        let counted = COUNT.load(Ordering::Relaxed);
        let mut this = Self { before: Vec::new(), counted };
        let ours = SigAction::new(SigHandler::Handler(count), SaFlags::SA_RESTART, SigSet::empty());
        for signal in SIGNALS {
            let before = set(signal, &ours)?;
            if matches!(before.handler(), SigHandler::SigIgn) {
                // Whoever started us wants it so, as nohup does.
                set(signal, &before)?;
            } else {
                this.before.push((signal, before));
            }
        }
        Ok(this)
    }

    /// What the interruptions so far mean.
    pub fn stop(&self) -> Stop {
        match COUNT.load(Ordering::Relaxed).wrapping_sub(self.counted) {
            0 => Stop::No,
            1 => Stop::Gently,
            _ => Stop::AtOnce,
        }
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        for (signal, before) in &self.before {
            // What was possible before is possible now.
            drop(set(*signal, before));
        }
    }
}

fn set(signal: Signal, action: &SigAction) -> std::io::Result<SigAction> {
    // SAFETY: `count` only touches atomics; every other action set here was set
    // before.
    unsafe { sigaction(signal, action) }.map_err(std::io::Error::from)
}

/// The exit status of what an interruption ended, as a shell would report it.
pub fn status() -> u8 {
    let signal = match LAST.load(Ordering::Relaxed) {
        0 => Signal::SIGINT as i32,
        signal => signal,
    };
    128u8.wrapping_add(signal as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;
    use std::time::{Duration, Instant};

    fn wait_for(mut condition: impl FnMut() -> bool) {
        let until = Instant::now() + Duration::from_secs(60);
        while !condition() {
            assert!(Instant::now() < until);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Not a test by itself: what the next one runs as another process.
    #[test]
    fn process() {
        if std::env::var_os("RINGSIDE_TEST_INTERRUPT").is_none() {
            return;
        }
        let raise = |signal| nix::sys::signal::raise(signal).unwrap();
        let interrupt = Interrupt::catch().unwrap();
        assert_eq!(interrupt.stop(), Stop::No);
        raise(Signal::SIGINT);
        wait_for(|| interrupt.stop() == Stop::Gently);
        let later = Interrupt::catch().unwrap();
        assert_eq!(later.stop(), Stop::No);
        raise(Signal::SIGTERM);
        wait_for(|| interrupt.stop() == Stop::AtOnce && later.stop() == Stop::AtOnce);
        assert_eq!(status(), 143);
        drop(later);
        raise(Signal::SIGHUP);
        assert_eq!(status(), 129);
        drop(interrupt);
        raise(Signal::SIGINT);
        panic!("it lives on");
    }

    #[test]
    fn interruptions_are_counted_while_caught_and_end_the_process_afterwards() {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "cli::interrupt::tests::process", "--nocapture"])
            .env("RINGSIDE_TEST_INTERRUPT", "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&status.stderr);
        assert_eq!(status.status.signal(), Some(Signal::SIGINT as i32), "{text}");
    }
}
