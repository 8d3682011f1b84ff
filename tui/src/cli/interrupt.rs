// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ctrl-C during long work: the first asks it to stop where it can go on from,
//! the second ends it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use crate::lab::progress::Stop;

/// Counts the interruptions while it lives. Afterwards they are whoever's who
/// catches them next.
pub struct Interrupt {
    count: Arc<AtomicU8>,
    handle: Handle,
}

impl Interrupt {
    /// Begins to catch SIGINT, SIGTERM and SIGHUP.
    ///
    /// # Errors
    /// The handlers can't be installed.
    pub fn catch() -> std::io::Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let handle = signals.handle();
        let count = Arc::new(AtomicU8::new(0));
        let counter = Arc::clone(&count);
        std::thread::spawn(move || {
            for _ in signals.forever() {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        Ok(Self { count, handle })
    }

    /// What the interruptions so far mean.
    pub fn stop(&self) -> Stop {
        match self.count.load(Ordering::Relaxed) {
            0 => Stop::No,
            1 => Stop::Gently,
            _ => Stop::AtOnce,
        }
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.handle.close();
    }
}
