// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interrupting it: nothing is left, and `--resume` goes on.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::submissions::{copy, top};
use super::surroundings::{Surroundings, children, expect_gone};

/// On a busy machine; it takes a part of a second.
const ENDS_WITHIN: Duration = Duration::from_secs(60);

const SPEC: &str = r#"
title = "It takes its time"
[[test]]
name = "first"
title = "The module can be loaded"
points = 1
do = [{ load = { module = "a" } }]
[[test]]
name = "second"
title = "It takes longer than anybody waits"
points = 1
time_limit = 3000
do = [{ run = { command = ["SECOND", "2000"] } }]
"#;

/// A run of `ringside grade` with a folder for temporary files.
struct Run {
    child: Child,
    lines: BufReader<std::process::ChildStderr>,
    temporary: PathBuf,
}

impl Run {
    fn start(at: &Surroundings, folder: &Path, more: &[&str]) -> Self {
        let temporary = at.path().join("tmp");
        fs::create_dir_all(&temporary).expect("a folder");
        let mut command = at.command(&["grade", "--json", "--kernel", "lab", "-j", "1"]);
        command.args(more).arg(at.path().join("spec.toml")).arg(folder);
        command.env("TMPDIR", &temporary).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let lines = BufReader::new(child.stderr.take().expect("it is piped"));
        Self { child, lines, temporary }
    }

    fn wait_for(&mut self, words: &str) {
        let mut said = String::new();
        while !said.contains(words) {
            let size = self.lines.read_line(&mut said).expect("it can be read");
            assert!(size > 0, "{words:?} is not in {said}");
        }
    }

    /// Its guest, and whoever watches over it.
    fn descendants(&self) -> Vec<i32> {
        let mut found = children(self.child.id());
        let mut next = 0;
        while let Some(pid) = found.get(next) {
            if Path::new(&format!("/proc/{pid}/task")).exists() {
                found.extend(children(pid.unsigned_abs()));
            }
            next += 1;
        }
        found
    }

    /// Sends a signal; returns the status, and what it then said.
    fn end(mut self, signal: Signal) -> (i32, String) {
        let others = self.descendants();
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("it is there");
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                break status;
            }
            assert!(start.elapsed() < ENDS_WITHIN, "it goes on after {signal}");
            std::thread::sleep(Duration::from_millis(20));
        };
        let mut said = String::new();
        self.lines.read_to_string(&mut said).expect("text");
        for pid in others {
            expect_gone(pid, "a process of it");
        }
        let left: Vec<_> = fs::read_dir(&self.temporary).expect("it is there").flatten().collect();
        assert!(left.is_empty(), "{left:?}");
        (status.code().unwrap_or(-1), said)
    }

    /// The verdicts.
    fn result(mut self) -> Value {
        let mut out = String::new();
        self.child.stdout.take().expect("it is piped").read_to_string(&mut out).expect("text");
        self.child.wait().expect("it is our child");
        serde_json::from_str(&out).expect("JSON")
    }
}

pub fn an_interrupt_ends_it_at_once_and_resume_goes_on() {
    let at = Surroundings::new();
    let folder = at.path().join("alice");
    copy(&top().join("tests/grade/hostile/builds"), &folder);
    // Nobody has built just this before.
    fs::write(folder.join("Kbuild"), format!("obj-m := a.o\n# {}\n", at.path().display()))
        .expect("a file");
    let spec = |second: &str| {
        let text = SPEC.replace("SECOND", second);
        fs::write(at.path().join("spec.toml"), text).expect("a file");
    };
    spec("sleep");
    // While a guest starts, or builds.
    for (signal, status) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let mut run = Run::start(&at, &folder, &[]);
        run.wait_for("building");
        let (ended, said) = run.end(signal);
        assert_eq!(ended, status, "{said}");
        assert!(said.contains("--resume"), "{said}");
    }
    // In the middle of a test.
    let mut run = Run::start(&at, &folder, &[]);
    run.wait_for("first passed");
    let (ended, said) = run.end(Signal::SIGINT);
    assert_eq!(ended, 130, "{said}");
    assert!(said.contains("--resume"), "{said}");
    // What was judged is not judged again.
    spec("true");
    let first = Run::start(&at, &folder, &["--resume"]).result();
    let again = Run::start(&at, &folder, &["--resume"]).result();
    assert_eq!(first[0]["points"], 2.0);
    assert_eq!(first, again);
    let second = Run::start(&at, &folder, &[]).result();
    let seconds = |graded: &Value| graded[0]["verdicts"][0]["seconds"].clone();
    assert!(seconds(&second) != seconds(&first), "{second}");
}
