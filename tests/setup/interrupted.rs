// SPDX-License-Identifier: MIT OR Apache-2.0
//! Setup that is interrupted or killed.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant, UNIX_EPOCH};

use nix::fcntl::{Flock, FlockArg};
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
    let mut words = BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    // Two that come together count as one.
    while !text.contains("Ctrl-C again ends at once") {
        assert!(words.read_line(&mut text).unwrap() > 0, "{text}");
    }
    assert!(child.try_wait().unwrap().is_none(), "the first asks, and waits");
    kill(pid, Signal::SIGINT).unwrap();
    // Whom it waits for never ends by itself.
    assert_eq!(child.wait().unwrap().code(), Some(130));
    words.read_to_string(&mut text).unwrap();
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

/// A kernel of which make never gets further than a compiler, which no polite
/// signal ends.
fn endless_kernel(place: &Place) -> String {
    let tree = place.tree([7, 3, 4]);
    fs::create_dir(tree.join("kernel")).unwrap();
    let mut makefile = fs::OpenOptions::new().append(true).open(tree.join("Makefile")).unwrap();
    let compiler = "trap '' INT TERM HUP PIPE; echo $$$$ > \"$$RINGSIDE_CACHE.pid\"; \
                    while :; do sleep 0.1; done";
    // make starts make, as a kernel's does.
    let rules = format!("allnoconfig:\n\t$(MAKE) cc\ncc:\n\t@bash -c '{compiler}'; true\n");
    makefile.write_all(rules.as_bytes()).unwrap();
    // There is nothing in this tree that our patches could apply to.
    place.program("patch", "true");
    tree.to_str().unwrap().to_owned()
}

/// The process whose number the file will hold.
fn pid_in(place: &Place) -> Pid {
    let file = place.path("cache.pid");
    wait_for("it runs", || fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n')));
    Pid::from_raw(fs::read_to_string(&file).unwrap().trim().parse().unwrap())
}

fn is_free(lock: &std::path::Path) -> bool {
    let file = fs::OpenOptions::new().write(true).open(lock).unwrap();
    Flock::lock(file, FlockArg::LockExclusiveNonblock).is_ok()
}

#[test]
fn a_build_that_is_killed_takes_all_that_make_started_along_and_its_lock_lasts_as_long() {
    let place = Place::new();
    let tree = endless_kernel(&place);
    let mut build = place.equipped(&["build", "--kernel-source", &tree]);
    let mut build = build.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let compiler = pid_in(&place);
    let lock = place.path("cache/build/lab.lock");
    assert!(!is_free(&lock));
    build.kill().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        // In this order: what is gone now was gone when the lock was free.
        let free = is_free(&lock);
        let lives = kill(compiler, None).is_ok();
        assert!(!(free && lives), "another build could begin beside this compiler");
        if free {
            break;
        }
        assert!(Instant::now() < deadline, "the lock is never free (compiler lives: {lives})");
    }
    build.wait().unwrap();
}

#[test]
fn what_a_killed_build_was_writing_is_made_again() {
    let place = Place::new();
    let tree = endless_kernel(&place);
    let compiling = || {
        drop(fs::remove_file(place.path("cache.pid")));
        let mut build = place.equipped(&["build", "--kernel-source", &tree]);
        let build = build.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        pid_in(&place);
        build
    };
    let kill = |mut build: Child| {
        build.kill().unwrap();
        build.wait().unwrap();
        wait_for("the lock is free", || is_free(&place.path("cache/build/lab.lock")));
    };
    kill(compiling());
    // Kbuild notes an object's command in another file as soon as the object is whole.
    let made = |name: &str, second| {
        let path = place.path("cache/build/lab").join(name);
        let file = fs::File::create(&path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(second)).unwrap();
        path
    };
    let (whole, half) = (made("whole.o", 1), made("half.o", 3));
    made(".whole.o.cmd", 2);
    made(".half.o.cmd", 2);
    kill(compiling());
    assert!(whole.exists() && !half.exists());
}

#[test]
fn a_build_that_is_told_to_end_ends_at_once_and_says_by_what() {
    for (signal, status) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129), (Signal::SIGQUIT, 131)]
    {
        let place = Place::new();
        let tree = endless_kernel(&place);
        let mut build = place.equipped(&["build", "--kernel-source", &tree]);
        let mut build = build.stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let compiler = pid_in(&place);
        kill(Pid::from_raw(build.id() as i32), signal).unwrap();
        assert_eq!(build.wait().unwrap().code(), Some(status));
        assert!(kill(compiler, None).is_err(), "the compiler lives on");
    }
}
