// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a guest writes to its serial console: the newest megabyte of it, from
//! its first byte on, for whoever asks and for whoever follows.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};

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
    /// The line that has not ended yet, as far as it is of use.
    line: Vec<u8>,
    complaint: Option<(Instant, String)>,
    followers: Vec<(u64, Follower)>,
    next: u64,
}

/// What a kernel says of a processor or a task that does not get on: the
/// detectors of soft and hard lockups, of stalls of RCU and of hung tasks.
const COMPLAINTS: [&str; 5] = [
    "BUG: soft lockup - ",
    "hard LOCKUP",
    "self-detected stall",
    "detected stalls on CPUs",
    " blocked for more than ",
];
/// No such line is longer.
const LINE: usize = 300;

impl State {
    /// Hears what the kernel says of what is stuck.
    fn listen(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.keep(&rest[..end]);
            let line = std::mem::take(&mut self.line);
            if let Some(words) = complaint(&String::from_utf8_lossy(&line)) {
                self.complaint = Some((Instant::now(), words));
            }
            rest = &rest[end + 1..];
        }
        self.keep(rest);
    }

    fn keep(&mut self, part: &[u8]) {
        let room = LINE.saturating_sub(self.line.len());
        self.line.extend_from_slice(&part[..part.len().min(room)]);
    }
}

/// The complaint in a line of the console, without its time.
fn complaint(line: &str) -> Option<String> {
    COMPLAINTS.iter().any(|words| line.contains(words)).then(|| {
        let words = match line.trim_start().strip_prefix('[') {
            Some(rest) => rest.split_once("] ").map_or(line, |(_, words)| words),
            None => line,
        };
        words.chars().filter(|letter| !letter.is_control()).collect()
    })
}

impl Console {
    /// An empty one.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// A new guest writes from here on: forgets the old one's bytes.
    pub fn begin(&self) {
        let mut state = self.state();
        state.bytes.clear();
        state.last_line = None;
        state.line.clear();
        state.complaint = None;
    }

    /// Takes what the guest wrote.
    pub fn write(&self, bytes: &[u8]) {
        let mut state = self.state();
        if bytes.contains(&b'\n') {
            state.last_line = Some(Instant::now());
        }
        state.listen(bytes);
        state.bytes.extend(bytes);
        let surplus = state.bytes.len().saturating_sub(KEPT);
        state.bytes.drain(..surplus);
        state.followers.retain_mut(|(_, follower)| follower(bytes));
    }

    /// Everything that is kept.
    pub fn bytes(&self) -> Vec<u8> {
        self.state().bytes.iter().copied().collect()
    }

    /// The kernel's last words about something that is stuck, and when it said them.
    pub fn complaint(&self) -> Option<(Instant, String)> {
        self.state().complaint.clone()
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
    fn whatever_a_guest_writes_the_console_has_its_last_lines() {
        crate::fuzz::bytes("oops", |bytes| {
            let console = Console::new();
            bytes.chunks(33).for_each(|piece| console.write(piece));
            assert!(console.last_lines(5).len() <= 5);
            let _ = (console.complaint(), console.panic_reason());
        });
    }

    #[test]
    fn a_follower_gets_what_was_written_before_and_after() {
        let console = Console::new();
        console.write(b"one\n");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        let number = console.follow(Box::new(move |bytes| {
            ears.lock().extend_from_slice(bytes);
            true
        }));
        console.write(b"two\n");
        console.unfollow(number);
        console.write(b"three\n");
        assert_eq!(*heard.lock(), b"one\ntwo\n");
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

    #[test]
    fn what_the_kernel_says_of_a_stuck_processor_is_kept_without_its_time() {
        let console = Console::new();
        console.write(b"[    1.0] fine\r\n[   30.2] watchdog: BUG: soft lock");
        assert_eq!(console.complaint(), None);
        console.write(b"up - CPU#0 stuck for 22s! [insmod:77]\r\n[   30.3] Modules linked in\r\n");
        let (_, words) = console.complaint().unwrap();
        assert_eq!(words, "watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [insmod:77]");
        console.write(b"[  140.0] INFO: task cat:80 blocked for more than 120 seconds.\r\n");
        assert!(console.complaint().unwrap().1.starts_with("INFO: task cat:80"));
        console.begin();
        assert_eq!(console.complaint(), None);
    }
}
