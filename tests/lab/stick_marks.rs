// SPDX-License-Identifier: MIT OR Apache-2.0
//! Marks of a lab whose USB stick is a file of the user's: the file is never wound
//! back, and what was written since the first mark is kept beside it.

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ringside::kernel::api::LabStatus;

use super::full_disk::on_small_disk;
use super::surroundings::{Surroundings, lives, on_terminal};

struct Disk {
    surroundings: Surroundings,
    file: PathBuf,
}

impl Disk {
    fn new() -> Self {
        let surroundings = Surroundings::new();
        let file = surroundings.path().join("disk.img");
        fs::write(&file, vec![0; 8 << 20]).expect("it can be written");
        Self { surroundings, file }
    }

    fn path(&self) -> &str {
        self.file.to_str().expect("UTF-8")
    }

    fn changes(&self) -> PathBuf {
        self.surroundings.path().join("disk.img.changes")
    }

    /// Starts a lab that marks its guest only when told to, with kmod.
    fn up(&self, more: &[&str]) -> LabStatus {
        let mut arguments = vec!["--no-auto-marks", "--disk", self.path()];
        arguments.extend(more);
        let status = self.surroundings.up(&arguments);
        self.surroundings.ok(&["load", "kmod"]);
        status
    }

    /// Has the guest write eight bytes to the beginning of its stick.
    fn write(&self, text: &str) {
        self.surroundings.ok(&["block", "write", "--offset", "0", "--text", text]);
        self.surroundings.ok(&["block", "sync"]);
    }

    /// What the guest reads there.
    fn seen(&self) -> String {
        self.surroundings.ok(&["block", "read", "--offset", "0", "--size", "8"])
    }

    /// What is in the user's file.
    fn held(&self) -> String {
        let bytes = fs::read(&self.file).expect("it can be read");
        String::from_utf8_lossy(&bytes[..8]).into_owned()
    }

    /// A lab whose file has `first___`, and beside it `second__`, which was written
    /// after a mark.
    fn marked(&self, more: &[&str]) -> LabStatus {
        let status = self.up(more);
        self.write("first___");
        assert_eq!(self.held(), "first___", "without a mark it is the file that is written");
        self.surroundings.ok(&["mark", "here"]);
        self.write("second__");
        assert_eq!(self.held(), "first___");
        status
    }
}

#[test]
fn a_file_of_the_users_is_never_rewound_and_gets_what_was_written_when_the_lab_ends() {
    let disk = Disk::new();
    disk.marked(&[]);
    let said = &disk.surroundings;
    // Pulled out and plugged in, and in a new guest, it is what was written last.
    said.ok(&["unload", "kmod"]);
    said.ok(&["vm", "unplug"]);
    said.ok(&["mark", "out"]);
    said.ok(&["vm", "plug"]);
    said.ok(&["load", "kmod"]);
    assert_eq!(disk.seen(), "second__");
    said.ok(&["vm", "reboot"]);
    said.ok(&["load", "kmod"]);
    assert_eq!(disk.seen(), "second__");
    for _ in 0..2 {
        said.ok(&["rewind", "here"]);
        assert_eq!(disk.seen(), "first___");
        disk.write("third___");
    }
    assert_eq!(disk.held(), "first___");
    // A mark with the stick pulled out has what was on it, too.
    said.ok(&["rewind", "out"]);
    said.ok(&["vm", "plug"]);
    said.ok(&["load", "kmod"]);
    assert_eq!(disk.seen(), "second__");

    let down = said.run(&["down", "--disk-keep"]);
    assert_eq!(down.status, 0, "{}", down.err);
    assert!(down.err.contains("is in") && down.err.contains("disk.img now"), "{}", down.err);
    assert_eq!(disk.held(), "second__");
    assert!(!disk.changes().exists());
}

#[test]
fn where_nobody_says_what_becomes_of_it_nothing_is_lost_and_the_next_lab_goes_on_with_it() {
    let disk = Disk::new();
    let said = &disk.surroundings;
    disk.marked(&[]);
    let down = said.run(&["down"]);
    assert_eq!(down.status, 0, "{}", down.err);
    for part in ["disk.img.changes", "--disk-keep", "--disk-discard"] {
        assert!(down.err.contains(part), "{part} in {}", down.err);
    }
    assert_eq!(disk.held(), "first___");
    assert!(disk.changes().exists());

    let status = disk.up(&[]);
    assert!(status.stick_changes.is_some_and(|path| path.ends_with("disk.img.changes")));
    assert_eq!(disk.seen(), "second__");
    // As `qemu-img commit` would find it, too: this is killed, not ended.
    kill(Pid::from_raw(status.pid), Signal::SIGKILL).expect("it runs");
    // Its QEMU ends with it, a moment later, and has the file until then.
    let qemu = status.qemu_pid.expect("it runs");
    let ended = (0..600).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        !lives(qemu)
    });
    assert!(ended, "QEMU goes on");
    assert_eq!(disk.held(), "first___");
    assert_eq!(said.run(&["exec", "--disk", disk.path(), "--disk-keep", "--", "true"]).status, 0);
    assert_eq!(disk.held(), "second__");
    assert!(!disk.changes().exists());
}

#[test]
fn what_was_written_since_the_first_mark_can_be_thrown_away_as_was_said_at_the_start() {
    let disk = Disk::new();
    let status = disk.marked(&["--disk-discard"]);
    // Not by `down`: the lab does it by itself.
    kill(Pid::from_raw(status.pid), Signal::SIGTERM).expect("it runs");
    let gone = (0..600).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        disk.surroundings.left().is_empty()
    });
    assert!(gone);
    assert_eq!(disk.held(), "first___");
    assert!(!disk.changes().exists());
}

#[test]
fn on_a_terminal_down_asks_what_becomes_of_it() {
    let disk = Disk::new();
    disk.marked(&[]);
    let printed = on_terminal(&disk.surroundings.command(&["down"]), "w\r");
    assert!(printed.contains("Write it to the file (w), throw it away (t)"), "{printed}");
    assert_eq!(disk.held(), "second__");
    assert!(!disk.changes().exists());
}

/// Writes 6 MiB after a mark, fills the disk and has the changes written back.
const FULL: &str = r#"
    truncate -s 64M disk.img && yes abcdefg | head -c 1M > data &&
    "$1" up --no-auto-marks --disk disk.img && "$1" load kmod && "$1" mark || exit 90
    for piece in 0 1 2 3 4 5; do
        "$1" block write --offset $((piece * 1048576)) --file data || exit 91
    done
    "$1" block sync || exit 92
    dd if=/dev/zero of=ballast bs=64k 2> /dev/null
    said=$("$1" down --disk-keep 2>&1) && exit 93
    case "$said" in *"nothing is lost"*) ;; *) echo "$said" >&2; exit 94;; esac
    test -e disk.img.changes || exit 95
    rm ballast &&"#;

#[test]
fn a_full_disk_of_the_host_loses_nothing_and_is_tried_again_when_there_is_room() {
    let surroundings = Surroundings::new();
    let folder = surroundings.path().join("small");
    fs::create_dir(&folder).expect("it can be made");
    let disk = folder.join("disk.img");
    let read = ["--", "head", "-c", "8", "/dev/ringside-usb"];
    let mut arguments = vec!["exec", "--disk", disk.to_str().expect("UTF-8"), "--disk-keep"];
    arguments.extend(read);
    let said = on_small_disk(&surroundings, &folder, 16, FULL, &arguments);
    assert_eq!(said.status, 0, "{}{}", said.out, said.err);
    assert!(said.out.ends_with("abcdefg\n"), "{}", said.out);
}
