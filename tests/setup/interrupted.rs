// SPDX-License-Identifier: MIT OR Apache-2.0
//! Setup that is interrupted or killed.

use std::fs;
use std::io::Read;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::place::{Place, says, wait_for};

/// A setup that hangs in an apt that ignores Ctrl-C; the pid of that apt.
fn hanging_setup(place: &Place) -> (Child, Pid) {
    place.program(
        "apt-get",
        "trap '' INT TERM; echo $$ > \"$RINGSIDE_CACHE.pid\"; while :; do /bin/sleep 0.1; done",
    );
    let mut command = place.bare(&["setup", "--yes"]);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let file = place.path("cache.pid");
    wait_for("apt-get runs", || fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n')));
    let apt = fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    (child, Pid::from_raw(apt))
}

#[test]
fn a_second_interruption_ends_setup_at_once_with_all_it_started() {
    let place = Place::new();
    let (mut child, apt) = hanging_setup(&place);
    let pid = Pid::from_raw(child.id() as i32);
    kill(pid, Signal::SIGINT).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none(), "the first asks, and waits");
    let second = Instant::now();
    kill(pid, Signal::SIGINT).unwrap();
    let status = child.wait().unwrap();
    assert!(second.elapsed() < Duration::from_secs(3), "{:?}", second.elapsed());
    assert_eq!(status.code(), Some(130));
    let mut text = String::new();
    child.stderr.unwrap().read_to_string(&mut text).unwrap();
    says(&text, &["Ctrl-C again ends at once", "error: stopped: "]);
    wait_for("apt-get is gone", || kill(apt, None).is_err());
}

#[test]
fn what_setup_started_does_not_outlive_it_even_when_it_is_killed() {
    let place = Place::new();
    place.program("apt-get", "echo $$ > \"$RINGSIDE_CACHE.pid\"; exec /bin/sleep 60");
    let mut child = place.bare(&["setup", "--yes"]).stderr(Stdio::null()).spawn().unwrap();
    let file = place.path("cache.pid");
    wait_for("apt-get runs", || fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n')));
    let apt = Pid::from_raw(fs::read_to_string(&file).unwrap().trim().parse().unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for("apt-get is gone", || kill(apt, None).is_err());
}
