// SPDX-License-Identifier: MIT OR Apache-2.0
//! The dashboard under a flood: a real guest writes numbered lines to
//! /dev/kmsg at a rate, the real dashboard reads along in a terminal, and keys
//! are pressed meanwhile. Prints figures and judges nothing. Run it with
//! `cargo bench --bench flood`.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    reason = "a benchmark says what it expected, and exports nothing"
)]

mod figures;
#[path = "../terminal/flooder.rs"]
mod flooder;
#[path = "../terminal/runtime.rs"]
mod runtime;
#[path = "../terminal/session.rs"]
mod session;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use figures::{median, print};
use flooder::Flooder;
use runtime::Runtime;
use session::Session;

/// What is asked for, and as fast as the guest can.
const RATES: [u64; 2] = [50_000, 0];
const LINES: u64 = 500_000;

/// Keys, and the text that is on the screen after each, or no more.
const KEYS: [(&str, &str, bool); 6] = [
    ("/", "Ctrl-r", true),
    ("\x1b", "Ctrl-r", false),
    ("?", "Everywhere", true),
    ("\x1b", "Everywhere", false),
    ("1", "following", false),
    ("6", "following", true),
];

fn main() {
    let runtime = Runtime::new();
    let folder = runtime.folder();
    let binary = Path::new(env!("CARGO_BIN_EXE_ringside"));
    let environment = [("XDG_RUNTIME_DIR", folder), ("XDG_STATE_HOME", folder)];
    let mut session = Session::start_with(binary, &[], 40, 160, &environment);
    session.wait_for(" connected");
    session.keys("6");
    session.wait_for("following");
    let flooder = Flooder::new(folder);
    // The first program of the host's mounts the host.
    flooder.write(1, 0);
    for rate in RATES {
        flood(&mut session, &flooder, rate);
    }
    session.keys("q");
    session.wait();
}

/// What the log's status line says.
#[derive(Clone, Copy, Debug, Default)]
struct Status {
    kept: u64,
    received: u64,
    lost: u64,
    missing: u64,
}

impl Status {
    /// Of a screen that shows the log with nothing filtered.
    fn of(screen: &str) -> Self {
        let line = screen
            .lines()
            .find(|line| line.contains(" records"))
            .expect("the log has a status line");
        let mut status = Self::default();
        for part in line.split(" · ") {
            let part = part.split("  ").next().unwrap_or("").trim();
            let numbers: Vec<u64> =
                part.split(' ').filter_map(|word| word.replace(',', "").parse().ok()).collect();
            match (part.rsplit(' ').next(), numbers.last()) {
                (Some("records"), Some(number)) => {
                    (status.kept, status.received) = (*number, *number);
                }
                (Some("lost"), Some(number)) => status.lost = *number,
                (Some("missing"), Some(number)) => status.missing = *number,
                (_, Some(number)) => status.received = *number,
                _ => {}
            }
        }
        status
    }
}

fn flood(session: &mut Session, flooder: &Flooder, rate: u64) {
    let before = Status::of(&session.screen());
    let over = AtomicBool::new(false);
    let started = Instant::now();
    let mut times = Vec::new();
    let mut most = 0.0_f64;
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let seconds = flooder.write(LINES, rate);
            over.store(true, Ordering::SeqCst);
            seconds
        });
        let first = Duration::from_secs(1);
        std::thread::sleep(first);
        while !over.load(Ordering::SeqCst) {
            for (key, text, there) in KEYS {
                times.push(press(session, key, |screen| screen.contains(text) == there));
                std::thread::sleep(Duration::from_millis(70));
            }
            most = most.max(resident(session.pid().as_raw()));
        }
        writer.join().expect("the flood is written")
    });
    session.wait_for(&format!("line {:08}", LINES - 1));
    let taken = started.elapsed().as_secs_f64();
    let after = Status::of(&session.screen());
    let asked = match rate {
        0 => "as fast as the guest can".to_owned(),
        rate => format!("{rate} lines/s asked for"),
    };
    println!("flood of {LINES} lines, {asked}");
    let thousands = LINES as f64 / 1e3;
    print("  written in the guest", "k/s", thousands / written, "target", 50.0);
    let received = (after.received - before.received) as f64 / 1e3;
    print("  taken in and on the screen", "k/s", received / taken, "written", thousands / written);
    println!(
        "  {} received, {} lost by the kernel, {} missing; the kernel's last record is {}",
        after.received,
        after.lost,
        after.missing,
        flooder.newest_sequence()
    );
    let longest = times.iter().max().copied().unwrap_or_default();
    let target = 50.0;
    print(
        "  key to the redrawn frame, median",
        "ms",
        median(times.clone()).as_secs_f64() * 1e3,
        "target",
        target,
    );
    print(
        "  key to the redrawn frame, longest",
        "ms",
        longest.as_secs_f64() * 1e3,
        "target",
        target,
    );
    let late = times.iter().filter(|time| time.as_secs_f64() * 1e3 > target).count();
    println!("  {late} of {} keys took longer", times.len());
    println!("  memory of the dashboard: {most:.1} MB at most, with {} records kept", after.kept);
}

/// Presses a key; how long until its frame is on the screen.
fn press(session: &mut Session, key: &str, shown: impl Fn(&str) -> bool) -> Duration {
    let start = Instant::now();
    session.keys(key);
    while !shown(&session.screen()) {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{key:?} is not heard:\n{}",
            session.screen()
        );
        std::thread::sleep(Duration::from_micros(500));
    }
    start.elapsed()
}

/// Resident memory in MB.
fn resident(pid: i32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or("");
    let words = line.split_whitespace().nth(1);
    words.and_then(|word| word.parse::<f64>().ok()).unwrap_or(0.0) * 1.024 / 1e3
}
