// SPDX-License-Identifier: MIT OR Apache-2.0
//! What another user of this computer gets of a lab: nothing. Its folders stand where
//! everybody may go, so that it is their own modes that keep others out.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::surroundings::Surroundings;

/// A user that has nothing.
const NOBODY: u32 = 65_534;

/// Does this command succeed for another user?
fn nobody_can(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program)
        .args(arguments)
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.unwrap_or_else(|error| panic!("{program}: {error}")).success()
}

/// Everything below a folder, itself included.
fn all(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(all(&path)),
            _ => found.push(path),
        }
    }
    found
}

/// The processes of a lab: its own, and those below it.
fn processes(lab: u32) -> Vec<u32> {
    let mut found = vec![lab];
    let mut at = 0;
    while let Some(parent) = found.get(at) {
        let path = format!("/proc/{parent}/task");
        for task in fs::read_dir(path).into_iter().flatten().flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
        at += 1;
    }
    found
}

/// The numbers of the sockets that a process has open.
fn sockets(process: u32) -> Vec<String> {
    let files = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let targets = files.filter_map(|file| fs::read_link(file.path()).ok());
    let numbers = targets.filter_map(|target| {
        let text = target.to_string_lossy().into_owned();
        Some(text.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
    });
    numbers.collect()
}

#[test]
fn another_user_can_neither_reach_nor_disturb_a_lab() {
    if !nix::unistd::geteuid().is_root() {
        // Only root can be another user for a moment.
        return;
    }
    let surroundings = Surroundings::with_empty_cache();
    let everybodys = fs::Permissions::from_mode(0o1777);
    fs::set_permissions(surroundings.path(), everybodys).expect("it is ours");
    let status = surroundings.up(&[]);
    let program = env!("CARGO_BIN_EXE_ringside");

    for folder in [surroundings.labs_folder(), surroundings.cache().to_owned()] {
        for path in all(&folder) {
            let path = path.to_str().expect("a path in UTF-8");
            for (how, arguments) in
                [("ls", [path, "/"]), ("cat", [path, "/dev/null"]), ("rm", ["-rf", path])]
            {
                assert!(!nobody_can(how, &arguments), "{how} {path}");
            }
            assert!(!nobody_can("mv", &[path, "/tmp/taken-by-nobody"]), "mv {path}");
        }
    }
    let listening: Vec<String> = ["tcp", "tcp6", "udp", "udp6"]
        .iter()
        .filter_map(|kind| fs::read_to_string(format!("/proc/net/{kind}")).ok())
        .flat_map(|table| table.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let local = fs::read_to_string("/proc/net/unix").expect("it can be read");
    let processes = processes(status.pid as u32);
    assert!(processes.len() >= 2, "a lab process and its QEMU: {processes:?}");
    for pid in processes {
        let of = |file: &str| format!("/proc/{pid}/{file}");
        for file in ["environ", "mem", "maps", "stack"] {
            assert!(!nobody_can("cat", &[&of(file)]), "{}", of(file));
        }
        for file in ["fd/", "root/", "cwd/", "map_files/"] {
            assert!(!nobody_can("ls", &[&of(file)]), "{}", of(file));
        }
        assert!(!nobody_can("sh", &["-c", &format!("kill -KILL {pid}")]), "kill {pid}");
        for socket in sockets(pid) {
            let is_it = |line: &&String| line.split_whitespace().any(|word| word == socket);
            assert_eq!(listening.iter().find(is_it), None, "{pid} can be reached over a network");
            // Names without a file, which no folder protects.
            let mut lines =
                local.lines().filter(|line| line.split_whitespace().any(|it| it == socket));
            assert!(
                !lines.any(|line| line.contains(" @")),
                "{pid} has a socket that all can reach"
            );
        }
        assert_eq!(kill(Pid::from_raw(pid as i32), None::<Signal>), Ok(()), "{pid} is alive");
    }
    // The program itself gives them no lab of ours, whatever it is told.
    let runtime = format!("XDG_RUNTIME_DIR={}", surroundings.path().display());
    for arguments in [&["down", "--all"][..], &["exec", "--lab", "1", "--", "true"]] {
        let all = [&[&*runtime, program][..], arguments].concat();
        assert!(!nobody_can("env", &all), "{arguments:?}");
    }
    surroundings.ok(&["exec", "--lab", "1", "--", "true"]);
    surroundings.ok(&["down"]);
}

#[test]
fn what_another_user_has_put_in_the_way_of_a_lab_is_refused_and_left_alone() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let surroundings = Surroundings::new();
    let shared = surroundings.path();
    fs::set_permissions(shared, fs::Permissions::from_mode(0o1777)).expect("it is ours");
    let victim = shared.join("precious");
    fs::create_dir(&victim).expect("it can be made");
    fs::write(victim.join("file"), "mine").expect("it can be written");
    let planted = surroundings.labs_folder();
    let (planted_text, victim_text) =
        (planted.to_str().expect("UTF-8"), victim.to_str().expect("UTF-8"));
    for plant in [
        &["ln", "-s", victim_text, planted_text][..],
        &["ln", "-s", "/nowhere/at/all", planted_text],
        &["mkdir", "-m", "777", planted_text],
        &["mkdir", "-m", "700", planted_text],
        &["mkfifo", planted_text],
    ] {
        assert!(nobody_can(plant[0], &plant[1..]), "{plant:?}");
        let before = fs::symlink_metadata(&planted).expect("it is there");
        let said = surroundings.run(&["up"]);
        assert_ne!(said.status, 0, "{plant:?}: {}", said.out);
        assert!(
            said.err.contains(planted_text) && said.err.contains("XDG_RUNTIME_DIR"),
            "{}",
            said.err
        );
        let labs = surroundings.run(&["labs"]);
        assert!(!labs.out.contains("running"), "{}", labs.out);
        let after = fs::symlink_metadata(&planted).expect("it is still there");
        assert_eq!(before.permissions(), after.permissions(), "{plant:?}");
        assert_eq!(fs::read_dir(&victim).expect("it is there").count(), 1);
        assert_eq!(fs::read_to_string(victim.join("file")).expect("it is there"), "mine");
        match after.is_dir() {
            true => fs::remove_dir(&planted).expect("nothing was made in it"),
            false => fs::remove_file(&planted).expect("it is no folder"),
        }
    }
}
