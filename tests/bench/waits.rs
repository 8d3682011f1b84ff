// SPDX-License-Identifier: MIT OR Apache-2.0
//! What somebody waits for who works with a lab that runs: a command that asks, a program
//! in a guest of its own, the dashboard's first frame, a load and a reload from its keys,
//! bytes in each direction. Prints figures and judges nothing. Run it with
//! `cargo bench --bench waits`, on the debug kernel with `RINGSIDE_KERNEL=debug`.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    dead_code,
    reason = "a benchmark says what it expected, exports nothing, and uses a part of what is shared"
)]

mod figures;
mod labs;
#[path = "../terminal/runtime.rs"]
mod runtime;
#[path = "../terminal/session.rs"]
mod session;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use figures::{median, print};
use labs::Down;
use runtime::{Runtime, ringside};
use session::Session;

const RINGSIDE: &str = env!("CARGO_BIN_EXE_ringside");
const ROUNDS: usize = 9;
const MEGABYTES: usize = 192;

/// Commands that only ask.
const QUESTIONS: [&[&str]; 7] =
    [&["labs"], &["modules"], &["counters"], &["info"], &["kmsg"], &["vm", "status"], &["marks"]];

fn main() {
    let runtime = Runtime::new();
    programs(&runtime);
    let folder = runtime.folder();
    let _down = Down(folder);
    ringside(folder, &["up", "--no-auto-marks"]);
    ringside(folder, &["load", "my_name"]);
    questions(&runtime);
    module(&runtime);
    dashboard(&runtime);
    streams(&runtime);
}

fn timed(what: impl FnOnce()) -> Duration {
    let start = Instant::now();
    what();
    start.elapsed()
}

/// The median of some rounds, after one that does not count.
fn usual(mut what: impl FnMut()) -> f64 {
    what();
    median((0..ROUNDS).map(|_| timed(&mut what)).collect()).as_secs_f64()
}

/// A program in a guest of its own, which the first round saves.
fn programs(runtime: &Runtime) {
    let kernel = std::env::var("RINGSIDE_KERNEL").unwrap_or_else(|_| "lab".into());
    let target = if kernel == "debug" { 0.30 } else { 0.25 };
    let took = usual(|| drop(ringside(runtime.folder(), &["exec", "--", "true"])));
    print(&format!("exec -- true, {kernel} kernel"), "s", took, "target", target);
}

fn questions(runtime: &Runtime) {
    let program = usual(|| drop(ringside(runtime.folder(), &["--version"])));
    print("ringside --version", "ms", program * 1e3, "target", 15.0);
    for question in QUESTIONS {
        let took = usual(|| drop(ringside(runtime.folder(), question)));
        let name = format!("ringside {}", question.join(" "));
        print(&name, "ms", took * 1e3, "ringside --version", program * 1e3);
    }
}

/// Load and unload by commands; my_name's own init takes no time that counts.
fn module(runtime: &Runtime) {
    let folder = runtime.folder();
    let load = usual(|| {
        ringside(folder, &["unload", "my_name"]);
        ringside(folder, &["load", "my_name"]);
    });
    print("ringside unload and load my_name", "ms", load * 1e3, "target", 60.0);
}

fn dashboard(runtime: &Runtime) {
    let folder = runtime.folder();
    let environment = [("XDG_RUNTIME_DIR", folder), ("XDG_STATE_HOME", folder)];
    let start = || Session::start_with(Path::new(RINGSIDE), &[], 24, 80, &environment);
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let mut session = start();
        shows(&session, "● loaded");
        times.push(begun.elapsed());
        session.quit();
    }
    let frame = median(times).as_secs_f64();
    print("the dashboard, to the first live frame of a lab that runs", "s", frame, "target", 0.1);

    let mut session = start();
    session.keys("2");
    shows(&session, "● loaded");
    // Its build is checked as at every reload, and its init takes no time that counts.
    let times = (0..ROUNDS).map(|_| {
        // Until what was said of the last one is not taken for this one.
        gone(&session, "my_name loaded");
        let begun = Instant::now();
        session.keys("R");
        shows(&session, "my_name loaded");
        begun.elapsed()
    });
    let took = median(times.collect()).as_secs_f64();
    print("R: my_name is checked, unloaded and loaded", "ms", took * 1e3, "target", 60.0);
    session.quit();
}

fn shows(session: &Session, text: &str) {
    until(session, |screen| screen.contains(text), text);
}

fn gone(session: &Session, text: &str) {
    until(session, |screen| !screen.contains(text), text);
}

/// As [`Session::wait_until`], with a finer clock.
fn until(session: &Session, holds: impl Fn(&str) -> bool, what: &str) {
    let given_up = Instant::now() + Duration::from_secs(60);
    while !holds(&session.screen()) {
        assert!(Instant::now() < given_up, "waited in vain for {what}:\n{}", session.screen());
        thread::sleep(Duration::from_millis(1));
    }
}

/// Bytes into a program of the guest's and out of one, less the time of one that
/// moves none.
fn streams(runtime: &Runtime) {
    let folder = runtime.folder();
    let lab = |program: &str| {
        let mut command = Command::new(RINGSIDE);
        command.args(["exec", "--lab", "1", "--", "sh", "-c", program]);
        command.env("XDG_RUNTIME_DIR", folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    };
    let idle = usual(|| assert!(lab("true").output().expect("ringside starts").status.success()));
    let rate = |seconds: f64| MEGABYTES as f64 * 1.048_576 / (seconds - idle).max(1e-3);

    let mut out = Vec::new();
    let mut within = Vec::new();
    for _ in 0..3 {
        let program = format!("head -c {MEGABYTES}M /dev/zero");
        let begun = Instant::now();
        let bytes = lab(&program).output().expect("ringside starts").stdout;
        assert_eq!(bytes.len(), MEGABYTES << 20, "every byte comes");
        out.push(begun.elapsed());

        let begun = Instant::now();
        let mut child = lab("wc -c").spawn().expect("ringside starts");
        let mut input = child.stdin.take().expect("it was piped");
        let piece = vec![0x5a; 1 << 20];
        for _ in 0..MEGABYTES {
            input.write_all(&piece).expect("ringside reads");
        }
        drop(input);
        let mut counted = String::new();
        let output = child.stdout.as_mut().expect("it was piped");
        output.read_to_string(&mut counted).expect("it prints a number");
        child.wait().expect("it is our child");
        assert_eq!(counted.trim(), (MEGABYTES << 20).to_string(), "every byte arrives");
        within.push(begun.elapsed());
    }
    for (name, times) in [("from", out), ("to", within)] {
        let rate = rate(median(times).as_secs_f64());
        print(&format!("exec: bytes {name} a program of the guest"), "MB/s", rate, "target", 150.0);
    }
}
