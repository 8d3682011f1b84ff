// SPDX-License-Identifier: MIT OR Apache-2.0
//! Disks of the host that are full: the guest hears of it, whoever watches is
//! told, and all goes on when there is room.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ringside::kernel::api::{LabStatus, Trouble};

use super::surroundings::{Said, Surroundings};

/// Runs ringside where `folder` is a small disk of its own, `mib` in size.
pub fn on_small_disk(
    surroundings: &Surroundings,
    folder: &Path,
    mib: u32,
    before: &str,
    arguments: &[&str],
) -> Said {
    let ringside = surroundings.command(arguments);
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c"]);
    let script = format!(
        "mount -t tmpfs -o size={mib}m tmpfs \"$0\" && cd \"$0\" && {before} cd /usr && exec \"$@\""
    );
    command.arg(script).arg(folder).arg(ringside.get_program()).args(ringside.get_args());
    for (name, value) in ringside.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(std::process::Stdio::null());
    command.output().expect("unshare starts").into()
}

/// A lab with a stick of 64 MiB in a file on a disk of 16; where its process
/// sees that disk, and its status.
fn lab_on_small_disk(surroundings: &Surroundings) -> (PathBuf, LabStatus) {
    let folder = surroundings.path().join("small");
    fs::create_dir(&folder).expect("it can be made");
    let disk = folder.join("disk.img");
    let arguments = ["up", "--json", "--disk", disk.to_str().expect("UTF-8")];
    let said = on_small_disk(
        surroundings,
        &folder,
        16,
        "truncate -s 64M disk.img && head -c 8M /dev/zero > ballast &&",
        &arguments,
    );
    assert_eq!(said.status, 0, "{}", said.err);
    let status: LabStatus = serde_json::from_str(&said.out).expect("a status in JSON");
    let seen = folder.strip_prefix("/").expect("an absolute path");
    (Path::new(&format!("/proc/{}/root", status.pid)).join(seen), status)
}

/// The troubles of lab 1, once they are as wanted.
fn wait_for_troubles(surroundings: &Surroundings, wanted: &[Trouble]) {
    let lab = surroundings.lab("1");
    let start = Instant::now();
    loop {
        let found = lab.status().expect("the lab answers").troubles;
        if found == wanted {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{found:?} and not {wanted:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_guest_hears_of_a_full_disk_below_its_stick_and_goes_on_when_there_is_room() {
    let surroundings = Surroundings::new();
    let (small, _) = lab_on_small_disk(&surroundings);
    let shell = |script: &str| surroundings.run(&["exec", "--lab", "1", "--", "sh", "-c", script]);
    let fill = "dd if=/dev/zero of=/dev/ringside-usb bs=1M count=32 conv=fsync";
    let full = shell(fill);
    assert_eq!(full.status, 1, "{}", full.err);
    assert!(full.err.contains("No space left on device"), "{}", full.err);
    // The guest is well, and whoever looks is told.
    let disk = surroundings.path().join("small/disk.img").display().to_string();
    wait_for_troubles(&surroundings, &[Trouble::NoRoom { place: disk.clone() }]);
    let labs = surroundings.ok(&["labs"]);
    assert!(labs.contains("1    running"), "{labs}");
    assert!(labs.contains(&format!("the host's disk is full ({disk})")), "{labs}");
    surroundings.ok(&["modules"]);
    // There is room again: nobody has to do anything in the lab.
    fs::remove_file(small.join("ballast")).expect("it is there");
    wait_for_troubles(&surroundings, &[]);
    let again = shell("dd if=/dev/zero of=/dev/ringside-usb bs=1M count=4 seek=40 conv=fsync");
    assert_eq!(again.status, 0, "{}", again.err);
}

#[test]
fn kmod_tells_its_caller_of_a_full_disk() {
    let surroundings = Surroundings::new();
    lab_on_small_disk(&surroundings);
    surroundings.ok(&["load", "kmod"]);
    let data = surroundings.path().join("data");
    fs::write(&data, vec![0x5a; 1 << 20]).expect("it can be written");
    let data = data.to_str().expect("UTF-8");
    let failed = (0..32).find_map(|at| {
        let offset = (at << 20).to_string();
        let write = ["block", "write", "--offset", &offset, "--file", data];
        let said = [&write[..], &["block", "sync"]].into_iter().map(|line| surroundings.run(line));
        said.into_iter().find(|said| said.status != 0)
    });
    let failed = failed.expect("the disk is full at some time");
    // The lab says so, too, in a note.
    let error = failed.err.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
    assert!(error.contains("ENOSPC"), "{}", failed.err);
}

#[test]
fn a_guest_that_can_not_be_saved_for_want_of_room_runs_all_the_same() {
    let surroundings = Surroundings::with_empty_cache();
    let cache = surroundings.cache().to_owned();
    fs::create_dir(&cache).expect("it can be made");
    // All that a start needs is there, but for the saved machine, and for that
    // there is no room.
    let before = "\"$1\" exec -- true && rm states/*.state && \
                  free=$(df --output=avail -B1 . | tail -n 1) && \
                  head -c $((free - (8 << 20))) /dev/zero > ballast && \
                  \"$1\" exec -- echo started && ls states && test -s initramfs/*.cpio &&";
    let after = ["exec", "--", "echo", "started again"];
    let said = on_small_disk(&surroundings, &cache, 512, before, &after);
    assert_eq!(said.status, 0, "{}", said.err);
    // No draft was left.
    assert_eq!(said.out, "started\nstarted again\n");
}

#[test]
fn a_cache_without_room_for_the_first_files_is_told_with_what_to_do() {
    let surroundings = Surroundings::with_empty_cache();
    let cache = surroundings.cache().to_owned();
    fs::create_dir(&cache).expect("it can be made");
    for (command, status) in [(&["exec", "--", "true"][..], 125), (&["up"], 1)] {
        let said = on_small_disk(&surroundings, &cache, 1, "", command);
        assert_eq!(said.status, status, "{}", said.err);
        assert!(said.err.contains("No space left on device"), "{}", said.err);
        assert!(said.err.contains("RINGSIDE_CACHE=DIR puts it on another disk"), "{}", said.err);
    }
}

/// Wherever in the making of the first machine the room ends, the run works or says why
/// not, and what it left half made is not trusted once there is room.
#[test]
fn a_cache_that_fills_up_anywhere_is_told_or_done_without_and_trusted_only_where_whole() {
    for mib in [2, 4, 7, 12, 20, 33, 60] {
        let surroundings = Surroundings::with_empty_cache();
        let cache = surroundings.cache().to_owned();
        fs::create_dir(&cache).expect("it can be made");
        // Twice with too little room, and twice with enough.
        let before = "for round in 1 2; do \"$1\" exec -- echo ran; echo \"status $?\"; done && \
                      mount -o remount,size=512m . && \"$1\" exec -- echo ran with room &&";
        let after = ["exec", "--", "echo", "resumed"];
        let said = on_small_disk(&surroundings, &cache, mib, before, &after);
        assert_eq!(said.status, 0, "{mib} MiB: {}{}", said.out, said.err);
        let mut lines = said.out.lines();
        let mut failed = 0;
        for _ in 0..2 {
            match lines.next() {
                Some("ran") => assert_eq!(lines.next(), Some("status 0"), "{mib} MiB"),
                Some("status 125") => failed += 1,
                other => panic!("{mib} MiB: {other:?}\n{}", said.err),
            }
        }
        assert_eq!(lines.collect::<Vec<_>>(), ["ran with room", "resumed"], "{mib} MiB");
        let told = said.err.matches("No space left on device").count();
        assert!(told >= failed, "{mib} MiB: {failed} failed\n{}", said.err);
    }
}
