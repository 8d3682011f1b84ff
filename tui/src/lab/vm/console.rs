// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a guest writes to its serial console: the newest megabyte of it, from
//! its first byte on, for whoever asks and for whoever follows.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Bytes that are kept. A boot writes about 20 KiB.
pub const KEPT: usize = 1 << 20;

/// Is given what the console writes; says whether it wants more.
pub type Follower = Box<dyn FnMut(&[u8]) -> bool + Send>;

/// A guest's console.
#[derive(Default)]
pub struct Console {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bytes: VecDeque<u8>,
    last_line: Option<Instant>,
    followers: Vec<(u64, Follower)>,
    next: u64,
}

impl Console {
    /// An empty one.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new guest writes from here on: forgets the old one's bytes.
    pub fn begin(&self) {
        let mut state = self.state();
        state.bytes.clear();
        state.last_line = None;
    }

    /// Takes what the guest wrote.
    pub fn write(&self, bytes: &[u8]) {
        let mut state = self.state();
        if bytes.contains(&b'\n') {
            state.last_line = Some(Instant::now());
        }
        state.bytes.extend(bytes);
        let surplus = state.bytes.len().saturating_sub(KEPT);
        state.bytes.drain(..surplus);
        state.followers.retain_mut(|(_, follower)| follower(bytes));
    }

    /// Everything that is kept.
    pub fn bytes(&self) -> Vec<u8> {
        self.state().bytes.iter().copied().collect()
    }

    /// When a line last ended.
    pub fn last_line(&self) -> Option<Instant> {
        self.state().last_line
    }

    /// Gives `follower` what is kept and then what comes, until it has enough
    /// or [`Self::unfollow`] is called with the number returned. It is called
    /// under the console's lock and so must not come back to the console.
    pub fn follow(&self, mut follower: Follower) -> u64 {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        let kept = state.bytes.make_contiguous();
        let more = kept.is_empty() || follower(kept);
        if more {
            state.followers.push((number, follower));
        }
        number
    }

    /// Ends what [`Self::follow`] began.
    pub fn unfollow(&self, number: u64) {
        let gone = {
            let mut state = self.state();
            let place = state.followers.iter().position(|(found, _)| *found == number);
            place.map(|place| state.followers.remove(place))
        };
        drop(gone);
    }

    /// The last `count` lines, without control characters.
    pub fn last_lines(&self, count: usize) -> Vec<String> {
        let bytes = self.bytes();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.chars().filter(|letter| !letter.is_control()).collect::<String>())
            .filter(|line| !line.trim().is_empty())
            .collect();
        lines[lines.len().saturating_sub(count)..].to_vec()
    }

    /// Does a line hold `text`?
    pub fn holds(&self, text: &str) -> bool {
        let lines = self.last_lines(usize::MAX);
        lines.iter().any(|line| line.contains(text))
    }

    /// The kernel's own words for why it panicked, if it did.
    pub fn panic_reason(&self) -> Option<String> {
        const MARK: &str = "Kernel panic - not syncing";
        let lines = self.last_lines(usize::MAX);
        lines.iter().find_map(|line| line.find(MARK).map(|start| line[start..].to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follower_gets_what_was_written_before_and_after() {
        let console = Console::new();
        console.write(b"one\n");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        let number = console.follow(Box::new(move |bytes| {
            ears.lock().unwrap().extend_from_slice(bytes);
            true
        }));
        console.write(b"two\n");
        console.unfollow(number);
        console.write(b"three\n");
        assert_eq!(*heard.lock().unwrap(), b"one\ntwo\n");
    }

    #[test]
    fn it_keeps_the_newest_megabyte() {
        let console = Console::new();
        for _ in 0..40 {
            console.write(&[b'x'; 65_536]);
        }
        console.write(b"end");
        let bytes = console.bytes();
        assert_eq!(bytes.len(), KEPT);
        assert!(bytes.ends_with(b"end"));
    }

    #[test]
    fn the_reason_for_a_panic_is_the_kernels_first_line_about_it() {
        let console = Console::new();
        console.write(b"[    1.0] fine\r\n[    2.0] Kernel panic - not syncing: sysrq triggered crash\r\n[    2.1] ---[ end Kernel panic - not syncing: sysrq triggered crash ]---\r\n");
        assert_eq!(
            console.panic_reason().as_deref(),
            Some("Kernel panic - not syncing: sysrq triggered crash")
        );
        console.begin();
        assert_eq!(console.panic_reason(), None);
    }

    #[test]
    fn control_characters_do_not_reach_the_last_lines() {
        let console = Console::new();
        console.write(b"a\x1b[31mred\r\n\r\nlast\n");
        assert_eq!(console.last_lines(5), ["a[31mred", "last"]);
    }
}
