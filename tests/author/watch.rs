// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside watch`: save, see, break, mend, crash, go on.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::made::{Made, wait_for};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(150);

/// The command while it runs.
struct Watching {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Watching {
    fn start(made: &Made, arguments: &[&str]) -> Self {
        let mut command = made.at.command(&["watch", made.path()]);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().expect("ringside starts");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                drop(send.send(line));
            }
        });
        Self { child, lines, seen: Vec::new() }
    }

    /// Waits for a line that holds `text`, and returns it.
    fn expect(&mut self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(_) => panic!("no line with {text:?} after\n{}", self.seen.join("\n")),
            }
        }
    }

    fn say(&mut self, text: &str) {
        let input = self.child.stdin.as_mut().expect("it is piped");
        writeln!(input, "{text}").expect("it takes orders");
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It has ended already where all went well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The loop, with what is `said` at load, something that does not compile and
/// something that oopses put in its place.
fn goes_round(options: &[&str], said: &str, wrong: (&str, &str), crash: &str) {
    let made = Made::new("watched", options);
    made.at.up(&[]);
    let run = "echo the interval is $(cat /sys/module/watched/counters/skipped)";
    let run = format!("sh -c '{run}'");
    let mut watching = Watching::start(&made, &["--run", &run, "--", "interval_ms=7"]);
    watching.expect("== watched loaded after");
    watching.expect("the interval is 0");
    watching.expect("watched: a beat every 7 ms");
    made.edit("a beat every", "a blow every");
    watching.expect("watched: unloaded");
    watching.expect("watched: a blow every 7 ms");
    let before = made.value("beats").expect("it is loaded");
    made.edit(wrong.0, wrong.1);
    watching.expect("== not built, what is loaded stays");
    watching.expect("     at watched.");
    wait_for("the old one to go on", || made.value("beats").filter(|beats| *beats > before));
    made.edit(wrong.1, wrong.0);
    watching.expect("== nothing has changed");
    made.edit(said, crash);
    watching.expect("the kernel oopsed while it did that");
    let source = made.source();
    let place = watching.expect("     at ");
    let text = std::fs::read_to_string(&source).expect("its source");
    let line = text.lines().position(|line| line.contains(crash)).expect("it is there") + 1;
    assert!(place.contains(&format!("{}:{line} ", source.display())), "{place}: {line}");
    watching.expect("type `reboot` (or `rewind`");
    watching.say("reboot");
    watching.expect("== a new guest runs");
    watching.expect("watched: a blow every 7 ms");
    made.edit(crash, said);
    watching.expect("== nothing has changed");
    watching.say("quit");
    let status = watching.child.wait().expect("it is our child");
    assert!(status.success(), "{status}");
    assert!(made.value("beats").is_some(), "it stays loaded");
}

#[test]
fn a_module_in_c_is_replaced_on_every_save_and_survives_mistakes_and_a_crash() {
    goes_round(
        &["--c"],
        "\tpr_info(\"a blow every",
        ("return milliseconds >= 1", "retrun milliseconds >= 1"),
        "\t*(volatile int *)8 = 1; pr_info(\"a blow every",
    );
}

#[test]
fn a_module_in_rust_is_replaced_on_every_save_and_survives_mistakes_and_a_crash() {
    goes_round(
        &[],
        "        pr_info!(\"a blow every",
        ("let interval = interval(", "let interval == interval("),
        "        unsafe { (8 as *mut u32).write_volatile(1) }; pr_info!(\"a blow every",
    );
}

#[test]
fn a_module_that_logs_without_end_keeps_no_save_waiting() {
    let made = Made::new("chatty", &["--c"]);
    made.at.up(&[]);
    made.edit("atomic64_inc(&beats);", "pr_info(\"beat %lld\\n\", atomic64_inc_return(&beats));");
    let mut watching = Watching::start(&made, &["--", "interval_ms=20"]);
    watching.expect("chatty: beat 1");
    made.edit("a beat every", "a blow every");
    watching.expect("chatty: a blow every 20 ms");
    watching.say("quit");
    assert!(watching.child.wait().expect("it is our child").success());
}
