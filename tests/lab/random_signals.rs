// SPDX-License-Identifier: MIT OR Apache-2.0
//! The processes of a lab are stopped for a while or killed at moments that chance
//! decides, from a seed that a failing test prints and `RINGSIDE_SEED` gives.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::random::Random;
use super::surroundings::{Said, Surroundings};

/// How long a command may take to end once what it speaks to is gone.
const ENDS_WITHIN: Duration = Duration::from_secs(240);
const ROUNDS: usize = 5;

/// The QEMU of a lab process, if it has one just now.
fn qemu(lab: i32) -> Option<i32> {
    let tasks = fs::read_dir(format!("/proc/{lab}/task")).ok()?;
    let children = tasks.flatten().filter_map(|task| {
        let text = fs::read_to_string(task.path().join("children")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    });
    children.into_iter().next()
}

fn ended(mut child: Child) -> Said {
    let start = Instant::now();
    while child.try_wait().expect("it is our child").is_none() {
        if start.elapsed() > ENDS_WITHIN {
            let _ = child.kill();
            panic!("it goes on though what it speaks to is gone");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().expect("it has ended").into()
}

fn in_background(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("ringside starts")
}

#[test]
fn whichever_process_is_stopped_or_killed_at_whatever_moment_commands_end_and_nothing_is_left() {
    let mut random = Random::new();
    println!("RINGSIDE_SEED={}", random.seed());
    for round in 0..ROUNDS {
        let surroundings = Surroundings::new();
        let lab = surroundings.up(&[]).pid;
        let qemu = qemu(lab).expect("a running lab has its QEMU");
        let script = "for i in $(seq 50); do echo $i; sleep 0.02; done; echo over";
        let command = surroundings.command(&["exec", "--lab", "1", "--", "sh", "-c", script]);
        let child = in_background(command);
        let client = child.id() as i32;
        std::thread::sleep(Duration::from_millis(random.below(1500) as u64));
        let (name, victim) = [("lab", lab), ("QEMU", qemu), ("client", client)][random.below(3)];
        let signal = if random.once_in(2) { Signal::SIGKILL } else { Signal::SIGSTOP };
        println!("round {round}: {signal} for the {name}");
        // The client may be done already.
        let sent = kill(Pid::from_raw(victim), signal);
        assert!(sent.is_ok() || name == "client", "{name}: {sent:?}");
        if signal == Signal::SIGSTOP {
            std::thread::sleep(Duration::from_millis(random.below(1200) as u64));
            let _ = kill(Pid::from_raw(victim), Signal::SIGCONT);
        }
        let said = ended(child);
        if signal == Signal::SIGSTOP {
            assert_eq!(said.status, 0, "{name} was stopped: {}{}", said.out, said.err);
            assert!(said.out.ends_with("50\nover\n"), "{}", said.out);
        } else if name != "client" && said.status != 0 {
            assert!(said.err.contains("error: "), "{name}: {}", said.err);
        }
        surroundings.run(&["down", "--all"]);
        let left = |pid: i32| {
            let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            !state.is_empty() && !state.contains(") Z ")
        };
        let start = Instant::now();
        while [lab, qemu].into_iter().any(left) {
            assert!(start.elapsed() < ENDS_WITHIN, "a process of the lab is left");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(surroundings.left(), Vec::<String>::new());
        // The next one is as good as ever.
        surroundings.ok(&["exec", "--", "true"]);
    }
}
