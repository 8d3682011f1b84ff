// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long the lab takes and what it costs: starting, resuming, coming back
//! from a crash, rebuilding a module, moving bytes, and being idle. Prints
//! figures and judges nothing. Run it with `cargo bench --bench lab`.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    reason = "a test says what it expected, and exports nothing"
)]

#[path = "../terminal/session.rs"]
mod session;

mod figures;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use figures::{median, print};
use session::Session;

const RINGSIDE: &str = env!("CARGO_BIN_EXE_ringside");
const ROUNDS: usize = 5;

fn main() {
    if std::env::args().any(|argument| argument == "marks") {
        return marks();
    }
    exec();
    throughput();
    files();
    dashboard();
    rebuild();
    marks();
}

/// How long a guest with loaded modules stands still for a mark, what the mark takes
/// beside what the guest uses, and how long a rewind takes from the key to a live
/// picture. Only these: `cargo bench --bench lab -- marks`.
fn marks() {
    run(&["up", "--no-auto-marks"]);
    run(&["load", "producer_consumer", "prod=2", "cons=2", "size=100"]);
    let marks: Vec<serde_json::Value> = (0..ROUNDS)
        .map(|_| {
            let made = Command::new(RINGSIDE).args(["mark", "--json"]).output();
            serde_json::from_slice(&made.expect("ringside starts").stdout).expect("a mark")
        })
        .collect();
    let stood = marks.iter().filter_map(|mark| mark["stood_ms"].as_u64());
    let stood = median(stood.map(Duration::from_millis).collect());
    print("a mark: the guest stands still", "s", stood.as_secs_f64(), "target", 0.15);
    let taken = marks.last().and_then(|mark| mark["bytes"].as_u64()).unwrap_or(0);
    let taken = taken as f64 / f64::from(1 << 20);
    print("a mark: room on the disk", "MiB", taken, "the guest's memory", 512.0);
    let mut session = Session::start(Path::new(RINGSIDE), &[], 24, 80);
    session.wait_for(" connected");
    let times = (0..ROUNDS).map(|_| {
        session.keys("Z");
        session.wait_for("Rewind to the newest mark?");
        let start = Instant::now();
        session.keys("y");
        session.wait_for("rewound by");
        session.wait_for(" connected");
        let took = start.elapsed();
        // Until what is said of this rewind is not taken for the next one.
        std::thread::sleep(Duration::from_secs(8));
        took
    });
    let took = median(times.collect());
    print("a rewind, from the key to a live picture", "s", took.as_secs_f64(), "target", 0.6);
    session.quit();
    run(&["down"]);
}

fn run(arguments: &[&str]) -> Duration {
    let start = Instant::now();
    let output = Command::new(RINGSIDE).args(arguments).output().expect("ringside starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    start.elapsed()
}

/// `exec -- true`, resumed and cold, beside starting a process of the host's.
fn exec() {
    run(&["exec", "--", "true"]);
    let resumed = median((0..ROUNDS).map(|_| run(&["exec", "--", "true"])).collect());
    print("exec -- true, resumed", "s", resumed.as_secs_f64(), "target", 0.7);
    let cold = median((0..ROUNDS).map(|_| run(&["exec", "--cold", "--", "true"])).collect());
    print("exec --cold -- true", "s", cold.as_secs_f64(), "target", 2.0);
}

/// Bytes through `exec -- cat`, less the time of an exec that moves none.
fn throughput() {
    let idle = run(&["exec", "--", "true"]);
    let bytes = vec![0x5a_u8; 64 << 20];
    let start = Instant::now();
    let mut child = Command::new(RINGSIDE)
        .args(["exec", "--", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ringside starts");
    let mut input = child.stdin.take().expect("it was piped");
    let mut output = child.stdout.take().expect("it was piped");
    let mut back = 0;
    std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(&bytes).expect("ringside reads"));
        let mut buffer = vec![0; 1 << 20];
        while let Ok(size @ 1..) = output.read(&mut buffer) {
            back += size;
        }
    });
    assert!(child.wait().expect("it is our child").success());
    assert_eq!(back, 64 << 20, "every byte comes back");
    let seconds = start.elapsed().saturating_sub(idle).as_secs_f64();
    print("exec -- cat, 64 MiB from stdin to stdout", "MB/s", 67.1 / seconds, "target", 100.0);
}

/// Programs that a guest runs from the host's files, beside the same from copies in
/// its own memory: the second time and later, the quickest of each.
fn files() {
    let script = include_str!("local_files.sh");
    let output = Command::new(RINGSIDE)
        .args(["exec", "--", "bash", "-c", script])
        .output()
        .expect("ringside starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let best = |place: &str, program: &str| {
        let line = format!("{place} {program} ");
        let times = text.lines().filter_map(|text| text.strip_prefix(&line)?.parse::<f64>().ok());
        times.skip(1).fold(f64::INFINITY, f64::min)
    };
    for (program, name) in [("python", "python3 -c 1, again"), ("gcc", "gcc -c of a small file")] {
        let (host, own) = (best("host", program), best("own", program));
        print(&format!("{name}, from the host's files"), "s", host, "own files", own);
    }
}

/// The dashboard's start, its return from a crash, and what it costs at rest.
fn dashboard() {
    let start = Instant::now();
    let mut session = Session::start(Path::new(RINGSIDE), &[], 24, 80);
    session.wait_for(" connected");
    print("ringside to the first live frame", "s", start.elapsed().as_secs_f64(), "target", 0.7);
    std::thread::sleep(Duration::from_secs(3));
    at_rest(&session);
    session.keys("!");
    session.wait_for("Crash the kernel?");
    session.keys("y");
    session.wait_for("B boots a new guest");
    let start = Instant::now();
    session.keys("B");
    session.wait_for(" connected");
    print("from a crash to a fresh guest", "s", start.elapsed().as_secs_f64(), "target", 0.7);
    session.quit();
}

/// Ten seconds without a key.
fn at_rest(session: &Session) {
    const SECONDS: u64 = 10;
    let dashboard = session.pid().as_raw();
    let children = descendants(dashboard);
    let qemu = children.iter().copied().find(|pid| comm(*pid).starts_with("qemu"));
    let lab = children.iter().copied().find(|pid| Some(*pid) != qemu && comm(*pid) == "ringside");
    let before = (session.bytes(), ticks(dashboard), lab.map(ticks), qemu.map(ticks));
    std::thread::sleep(Duration::from_secs(SECONDS));
    let percent = |now: u64, then: u64| (now - then) as f64 / SECONDS as f64;
    let ours = percent(ticks(dashboard), before.1)
        + lab.map_or(0.0, |pid| percent(ticks(pid), before.2.unwrap_or(0)));
    print(
        "at rest: bytes written to the terminal",
        "B",
        (session.bytes() - before.0) as f64,
        "target",
        0.0,
    );
    print("at rest: dashboard and lab process", "% core", ours, "target", 0.3);
    if let Some(pid) = qemu {
        println!(
            "at rest: QEMU itself {:.1} % of a core",
            percent(ticks(pid), before.3.unwrap_or(0))
        );
    }
    print("at rest: memory of the dashboard", "MB", resident(dashboard), "target", 20.0);
    if let Some(pid) = lab {
        print("at rest: memory of the lab process", "MB", resident(pid), "target", 20.0);
    }
}

/// An edited my_name, rebuilt and loaded again in a running lab.
fn rebuild() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let copy = tempfile::tempdir().expect("the temporary folder can be written");
    // The modules include the contract from beside them.
    for folder in ["modules", "uapi"] {
        copy_folder(&repository.join(folder), &copy.path().join(folder));
    }
    let modules = copy.path().join("modules");
    let file = modules.join("my_name/my_name.rs");
    let text = fs::read_to_string(&file).expect("my_name has a source");
    let folder = modules.to_str().expect("a plain path").to_owned();
    run(&["build", &folder]);
    run(&["up"]);
    let mut times = Vec::new();
    for round in 0..3 {
        fs::write(&file, format!("{text}\n// edited {round}\n")).expect("the copy can be written");
        let start = Instant::now();
        let built =
            Command::new(RINGSIDE).args(["build", &folder]).output().expect("ringside starts");
        let said = String::from_utf8_lossy(&built.stdout).into_owned();
        let module =
            said.lines().find(|line| line.ends_with("my_name.ko")).expect("it names what it built");
        run(&["load", module.trim()]);
        times.push(start.elapsed());
        run(&["unload", "my_name"]);
    }
    print("my_name edited, rebuilt, loaded", "s", median(times).as_secs_f64(), "target", 3.0);
    run(&["down"]);
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the temporary folder can be written");
    for entry in fs::read_dir(from).expect("the modules are there").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}

/// The process ids below `pid`, and those of labs that it started and let go.
fn descendants(pid: i32) -> Vec<i32> {
    let mut found = Vec::new();
    let session = fs::read_dir("/proc").expect("/proc can be read");
    let all: Vec<i32> =
        session.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    let mut open = vec![pid];
    while let Some(parent) = open.pop() {
        for child in &all {
            if stat(*child).get(1).is_some_and(|field| *field == parent.to_string()) {
                found.push(*child);
                open.push(*child);
            }
        }
    }
    found
}

/// The fields of `/proc/<pid>/stat` after the name: state, parent, …
fn stat(pid: i32) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = text.rsplit_once(") ").map(|(_, rest)| rest).unwrap_or_default();
    rest.split_whitespace().map(str::to_owned).collect()
}

/// User and system time so far in hundredths of a second (`USER_HZ` is 100 on x86-64).
fn ticks(pid: i32) -> u64 {
    let fields = stat(pid);
    let field =
        |index: usize| fields.get(index).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    field(11) + field(12)
}

fn comm(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

/// Resident memory that is the process's own, in MB.
fn resident(pid: i32) -> f64 {
    let path = PathBuf::from(format!("/proc/{pid}/smaps_rollup"));
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("Rss:")).unwrap_or("Rss: 0 kB");
    line.split_whitespace().nth(1).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) * 1.024
        / 1000.0
}
