// SPDX-License-Identifier: MIT OR Apache-2.0
//! A kernel that says more than anybody can take in: what the dashboard does
//! not show, the kernel itself has overwritten, and the dashboard says so.

use nix::sys::signal::Signal;

use super::dashboard::dashboard;
use super::flooder::Flooder;
use super::runtime::Runtime;

/// Lines while the dashboard reads along.
const READ: u64 = 40_000;
/// Lines while it stands still: several times what the kernel keeps.
const UNREAD: u64 = 60_000;

/// What a saved log holds.
#[derive(Default)]
struct Saved {
    records: u64,
    lost: u64,
    /// The last line of the flood, and what was lost after it.
    last: Option<(u64, u64)>,
    jumps: u64,
}

impl Saved {
    fn line(&mut self, line: &str) {
        assert!(!line.contains("records missing"), "{line}");
        if let Some(gap) = line.strip_prefix("--- ") {
            let lost = gap.split(' ').next().and_then(|word| word.parse().ok());
            let lost: u64 = lost.unwrap_or_else(|| panic!("no gap: {line}"));
            self.lost += lost;
            if let Some((_, since)) = &mut self.last {
                *since += lost;
            }
            return;
        }
        // What follows the first line of a record has no time before it.
        if !line.starts_with('[') {
            return;
        }
        self.records += 1;
        let Some((_, rest)) = line.split_once("flood: line ") else {
            return;
        };
        let number: u64 = rest[..8].parse().expect("lines are numbered");
        if let Some((last, lost)) = self.last {
            let jump = match number {
                0 => READ - 1 - last,
                _ if number > last => number - last - 1,
                _ => panic!("line {number} after {last}"),
            };
            assert!(jump <= lost, "from {last} to {number}, but {lost} lost");
            self.jumps += jump;
        }
        self.last = Some((number, 0));
    }
}

#[test]
fn every_line_of_a_flood_is_shown_or_counted_among_those_the_kernel_lost() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    session.keys("6");
    session.wait_for("following");
    let flooder = Flooder::new(runtime.folder());
    flooder.write(READ, 0);
    session.wait_for(&format!("line {:08}", READ - 1));
    session.signal(Signal::SIGSTOP);
    flooder.write(UNREAD, 0);
    session.signal(Signal::SIGCONT);
    session.wait_for(&format!("line {:08}", UNREAD - 1));

    let newest = flooder.newest_sequence();
    session.keys("s");
    session.wait_for("Save the records that are shown");
    let file = format!("{}/log.txt", runtime.folder());
    session.keys(&format!("\x15{file}\r"));
    session.wait_for("saved to");
    let text = std::fs::read_to_string(&file).expect("it was saved");
    let mut saved = Saved::default();
    text.lines().for_each(|line| saved.line(line));
    assert_eq!(saved.last, Some((UNREAD - 1, 0)), "the last line is there");
    assert!(saved.lost > 0 && saved.jumps > 0, "the kernel keeps less");
    // The kernel may say something more while the log is saved.
    let all = newest + 1..=flooder.newest_sequence() + 1;
    let accounted = saved.records + saved.lost;
    assert!(all.contains(&accounted), "{accounted} of {all:?} records");
    session.keys("q");
    assert!(session.wait().success());
}
