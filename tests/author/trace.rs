// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside trace`: what it tells of a module's calls, and that nothing of it stays in
//! the kernel, however it ends.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use super::made::{Made, wait_for};
use super::surroundings::kill;

/// A module in C or Rust that is loaded and does something ten times a second.
fn busy(name: &str, options: &[&str]) -> Made {
    let made = Made::new(name, options);
    made.at.up(&[]);
    made.at.ok(&["load", made.path(), "interval_ms=100"]);
    made
}

/// How long a trace may be silent on a busy machine.
const SILENCE: Duration = Duration::from_secs(120);

/// A trace under way, and the lines that it prints, which are always taken: it must
/// not wait for its reader when it is to end.
struct Trace {
    process: Child,
    lines: Receiver<String>,
}

impl Trace {
    fn start(made: &Made, arguments: &[&str]) -> Self {
        let mut command = made.at.command(&["trace", "--json", "--interval", "100", &made.name]);
        let mut process =
            command.args(arguments).stdout(Stdio::piped()).spawn().expect("ringside starts");
        let printed = BufReader::new(process.stdout.take().expect("it is piped"));
        let (send, lines) = channel();
        std::thread::spawn(move || {
            printed.lines().map_while(Result::ok).try_for_each(|line| send.send(line))
        });
        Self { process, lines }
    }

    /// The next event of this name.
    fn event(&mut self, name: &str) -> Value {
        loop {
            let line = self.lines.recv_timeout(SILENCE).expect("it goes on");
            let event: Value = serde_json::from_str(&line).expect("JSON");
            if event["event"] == name {
                return event;
            }
        }
    }

    /// The calls of a function, once something holds for them.
    fn calls(&mut self, function: &str, holds: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.event("calls");
            let functions = event["functions"].as_array().expect("a list");
            if let Some(found) = functions.iter().find(|one| one["name"] == function)
                && holds(found)
            {
                return found.clone();
            }
        }
    }
}

/// What the kernel holds of traces: probes, and instances of tracefs. `exec` is a
/// program in the guest, which mounts tracefs where it likes.
fn left_behind(made: &Made) -> String {
    let script = "mkdir -p /run/traces &&
        { [ -e /run/traces/README ] || mount -t tracefs tracefs /run/traces; } &&
        cat /run/traces/kprobe_events && ls /run/traces/instances";
    let lab = ["exec", "--lab", "1", "--", "sh", "-c", script];
    made.at.ok(&lab).trim().to_owned()
}

/// Waits until nothing is left; that there was something is seen before.
fn nothing_stays(made: &Made) {
    wait_for("the probes to go", || left_behind(made).is_empty().then_some(()));
}

#[test]
fn a_trace_tells_how_often_how_long_with_what_and_by_whom_a_c_function_is_called() {
    let made = busy("traced_c", &["--c"]);
    let mut trace = Trace::start(&made, &[]);
    let listed = trace.event("functions");
    let all = listed["functions"].as_array().expect("a list");
    let beat = all.iter().find(|one| one["name"] == "beat").expect("it is listed");
    assert_eq!(beat["not_traced"], Value::Null, "{beat}");
    assert!(beat["parameters"].is_array(), "{beat}");
    let calls = trace.calls("beat", |one| one["calls"].as_u64() >= Some(3));
    assert!(calls["timed"].as_u64() >= Some(2), "{calls}");
    assert!(calls["median_ns"].as_u64() > Some(0), "{calls}");
    assert!(calls["longest_ns"].as_u64() >= calls["median_ns"].as_u64(), "{calls}");
    let last = &calls["last"];
    let argument = &last["arguments"][0];
    let address = last["registers"]["rdi"].as_str().expect("a value");
    assert!(address.starts_with("0xff"), "it is an address of the kernel's: {last}");
    // clang, which builds for the debug kernel, keeps no place for what is not used.
    let debug = std::env::var("RINGSIDE_KERNEL").is_ok_and(|name| name == "debug");
    if argument["value"] != "?" || !debug {
        assert_eq!(argument["value"], address, "{last}");
    }
    let stack = last["stack"].as_array().expect("a stack");
    let stack: Vec<_> = stack.iter().filter_map(Value::as_str).collect();
    // The caller itself comes first, and nothing of the probe.
    assert!(stack.first().is_some_and(|frame| frame.starts_with("call_timer_fn+")), "{stack:?}");
    assert!(!left_behind(&made).is_empty(), "it is in the kernel while it runs");
    // Ctrl-C; that nothing is left is true when it has ended.
    interrupt(&trace.process);
    assert_eq!(trace.process.wait().expect("it is our child").code(), Some(0));
    assert_eq!(left_behind(&made), "");
}

fn interrupt(process: &Child) {
    let pid = nix::unistd::Pid::from_raw(process.id() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("it runs");
}

#[test]
fn a_trace_of_a_rust_module_has_readable_names_and_says_what_can_not_be_traced() {
    let made = busy("traced_rust", &[]);
    let listed: Value =
        serde_json::from_str(&made.at.ok(&["trace", &made.name, "--list", "--json"]))
            .expect("JSON");
    let functions = listed["functions"].as_array().expect("a list");
    let names: Vec<_> = functions.iter().filter_map(|one| one["name"].as_str()).collect();
    assert!(names.iter().all(|name| !name.starts_with("_R")), "{names:?}");
    assert!(!listed["inlined"].as_array().expect("a list").is_empty());
    assert_eq!(left_behind(&made), "", "a list probes nothing");
    // Counting is not sampling: the module and the trace agree.
    let mut trace = Trace::start(&made, &[]);
    let calls = loop {
        let event = trace.event("calls");
        let all = event["functions"].as_array().expect("a list").clone();
        // The timer's callback, which nothing but the timer calls.
        let beats = |one: &Value| {
            let name = one["name"].as_str().unwrap_or_default();
            name.ends_with("::run") && one["calls"].as_u64() >= Some(3)
        };
        if let Some(found) = all.into_iter().find(beats) {
            break found;
        }
    };
    assert!(calls["last"]["comm"].as_str().is_some_and(|comm| !comm.is_empty()), "{calls}");
    drop(trace.process.kill());
    trace.process.wait().expect("it is our child");
    nothing_stays(&made);
}

#[test]
fn a_function_that_is_not_there_is_refused_with_a_hint() {
    let made = busy("refused", &["--c"]);
    let refused = made.at.run(&["trace", &made.name, "bea"]);
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains("(ENOENT)") && refused.err.contains("beat"), "{}", refused.err);
    let absent = made.at.run(&["trace", "no_such_module"]);
    assert!(absent.err.contains("it is not loaded"), "{}", absent.err);
    assert_eq!(left_behind(&made), "");
}

#[test]
fn a_trace_whose_command_is_killed_leaves_no_probe() {
    let made = busy("orphaned", &["--c"]);
    let mut trace = Trace::start(&made, &["beat"]);
    trace.calls("beat", |_| true);
    assert!(!left_behind(&made).is_empty());
    kill(trace.process.id() as i32);
    trace.process.wait().expect("it is our child");
    nothing_stays(&made);
    // The module still beats, and still can go.
    let before = made.value("beats").expect("it is loaded");
    wait_for("another beat", || made.value("beats").filter(|beats| *beats > before));
    made.at.ok(&["unload", &made.name]);
}

#[test]
fn a_trace_whose_agent_is_killed_leaves_no_probe() {
    let made = busy("agentless", &["--c"]);
    let mut trace = Trace::start(&made, &["beat"]);
    trace.calls("beat", |_| true);
    assert!(!left_behind(&made).is_empty());
    // The agent is a child of the guest's first process.
    let script = "for process in /proc/[0-9]*; do
            tr '\\0' ' ' < $process/cmdline | grep -q '[-]-port' && kill -9 ${process#/proc/}
        done";
    drop(made.at.run(&["exec", "--lab", "1", "--", "sh", "-c", script]));
    trace.process.wait().expect("it is our child");
    wait_for("another agent", || made.value("beats"));
    nothing_stays(&made);
}

#[test]
fn a_module_can_be_unloaded_while_it_is_traced_and_is_traced_again_when_it_comes_back() {
    let made = busy("came_back", &["--c"]);
    let mut trace = Trace::start(&made, &["beat"]);
    trace.calls("beat", |_| true);
    made.at.ok(&["unload", &made.name]);
    trace.event("unloaded");
    assert_eq!(left_behind(&made), "", "it waits without probes");
    made.at.ok(&["load", made.path(), "interval_ms=100"]);
    trace.event("functions");
    trace.calls("beat", |one| one["calls"].as_u64() >= Some(2));
    interrupt(&trace.process);
    trace.process.wait().expect("it is our child");
    assert_eq!(left_behind(&made), "");
}

#[test]
fn a_trace_ends_with_a_guest_that_is_rebooted_and_the_new_one_has_no_probe() {
    let made = busy("rebooted", &["--c"]);
    let mut trace = Trace::start(&made, &["beat"]);
    trace.calls("beat", |_| true);
    made.at.ok(&["vm", "reboot"]);
    let status = trace.process.wait().expect("it is our child");
    assert_eq!(status.code(), Some(1), "it says that the guest is gone");
    wait_for("the new guest", || made.at.run(&["modules"]).status.eq(&0).then_some(()));
    assert_eq!(left_behind(&made), "");
}

#[test]
fn calls_that_come_too_fast_are_all_counted_and_only_some_are_timed() {
    let made = Made::new("flooded", &["--c"]);
    made.edit(
        "static void beat(",
        "static noinline int once(int number)\n{\n\tbarrier();\n\treturn number & 1;\n}\n\nstatic void beat(",
    );
    let source = std::fs::read_to_string(made.source()).expect("its source");
    let body = source.find("static void beat(").and_then(|at| {
        let open = source[at..].find("{\n")?;
        Some(at + open + 2)
    });
    let body = body.expect("beat has a body");
    let flood = "\tint number, found;\n\n\tfor (number = 0; number < 10000; number++)\n\t\tWRITE_ONCE(found, once(number));\n";
    let flooded = format!("{}{flood}{}", &source[..body], &source[body..]);
    std::fs::write(made.source(), flooded).expect("it can be written");
    made.at.up(&[]);
    made.at.ok(&["load", made.path(), "interval_ms=2000"]);
    let mut trace = Trace::start(&made, &["once"]);
    let calls = trace.calls("once", |one| one["calls"].as_u64() >= Some(10_000));
    let (counted, timed) = (calls["calls"].as_u64(), calls["timed"].as_u64());
    assert!(timed > Some(0) && timed < counted, "{calls}");
    // Nothing of a call that was not seen to its end is taken for its time.
    assert!(calls["longest_ns"].as_u64() < Some(1_000_000_000), "{calls}");
    interrupt(&trace.process);
    trace.process.wait().expect("it is our child");
    assert_eq!(left_behind(&made), "");
}
