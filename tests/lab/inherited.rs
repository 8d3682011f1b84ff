// SPDX-License-Identifier: MIT OR Apache-2.0
//! What whoever starts a lab has open stays its own: the lab process and QEMU
//! hold neither its locks nor its pipes.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};

use super::surroundings::Surroundings;

/// Long after what should have happened.
const PATIENCE: Duration = Duration::from_secs(120);

/// Gives `command` a copy of `file` that every program after it inherits.
fn hand(command: &mut Command, file: &File, number: RawFd) {
    let from = file.as_raw_fd();
    // SAFETY: dup2 and fcntl take numbers; `file` is open until the command has started.
    unsafe {
        command.pre_exec(move || {
            let handed = match from == number {
                // dup2 would leave it as it is: to be closed.
                true => nix::libc::fcntl(number, nix::libc::F_SETFD, 0),
                false => nix::libc::dup2(from, number),
            };
            if handed == -1 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
        });
    }
}

/// What the descriptors of a process lead to.
fn open_files(pid: i32) -> Vec<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("the process is there");
    let links = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    links.map(|link| link.to_string_lossy().into_owned()).collect()
}

fn assert_free_of(pid: i32, file: &Path) {
    let open = open_files(pid);
    assert!(!open.iter().any(|link| Path::new(link) == file), "{pid} holds {open:?}");
}

#[test]
fn a_callers_lock_is_free_once_the_caller_has_ended() {
    let surroundings = Surroundings::new();
    let path = surroundings.path().join("lock");
    let file = File::create(&path).expect("a file");
    let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).expect("the lock");
    let mut command = surroundings.command(&["up", "--json"]);
    hand(&mut command, &lock, 9);
    let output = command.output().expect("ringside starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    drop((command, lock));
    let status = surroundings.lab("1").status().expect("the lab runs");
    assert_free_of(status.pid, &path);
    assert_free_of(status.qemu_pid.expect("QEMU runs"), &path);
    let again = File::open(&path).expect("the file");
    Flock::lock(again, FlockArg::LockExclusiveNonblock).expect("nobody holds the lock any more");
}

#[test]
fn a_pipe_that_up_was_given_ends_with_up() {
    let surroundings = Surroundings::new();
    let mut command = surroundings.command(&["up"]);
    // As `ringside up 3>&1 >/dev/null | cat` has it.
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let writer = File::from(std::os::fd::OwnedFd::from(writer));
    hand(&mut command, &writer, 3);
    command.stdout(Stdio::null());
    let status = command.status().expect("ringside starts");
    assert!(status.success());
    drop((command, writer));
    let (send, ended) = channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        drop(send.send(reader.read_to_string(&mut text)));
    });
    ended.recv_timeout(PATIENCE).expect("the pipe ends").expect("it can be read");
    assert!(!surroundings.left().is_empty(), "the lab goes on");
}

#[test]
fn the_qemu_of_exec_holds_nothing_of_its_callers() {
    let surroundings = Surroundings::new();
    let path = surroundings.path().join("private");
    let file = File::create(&path).expect("a file");
    let mut command = surroundings.command(&["exec", "--", "sh", "-c", "echo ready; read line"]);
    hand(&mut command, &file, 7);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("ringside starts");
    let mut ready = [0; 6];
    child.stdout.take().expect("its output").read_exact(&mut ready).expect("the program runs");
    let start = Instant::now();
    let qemu = loop {
        let of = format!("/proc/{0}/task/{0}/children", child.id());
        // Children of any of its threads are its process's.
        let children = fs::read_to_string(&of).unwrap_or_default();
        let all = fs::read_dir(format!("/proc/{}/task", child.id())).expect("its threads");
        let more: String = all
            .flatten()
            .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
            .collect();
        let found = children.split_whitespace().chain(more.split_whitespace()).find_map(|pid| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
            name.starts_with("qemu-system").then(|| pid.parse::<i32>().ok())?
        });
        if let Some(qemu) = found {
            break qemu;
        }
        assert!(start.elapsed() < PATIENCE, "exec has no QEMU");
    };
    assert!(open_files(child.id() as i32).iter().any(|link| Path::new(link) == path));
    assert_free_of(qemu, &path);
    drop(child.stdin.take());
    assert!(child.wait().expect("it ends").code().is_some());
}
