// SPDX-License-Identifier: MIT OR Apache-2.0
//! The USB stick: empty, a file, pulled out and plugged in.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use ringside::kernel::api::LabRequest;

use super::surroundings::{Surroundings, lab_request};

const READ: &str = "head -c 7 /dev/ringside-usb";

#[test]
fn a_stick_in_a_file_is_written_to_and_kept() {
    let surroundings = Surroundings::new();
    let disk = surroundings.path().join("disk.img");
    fs::write(&disk, vec![0; 8 << 20]).expect("it can be written");
    let path = disk.to_str().expect("UTF-8");
    let size = "blockdev --getsize64 /dev/ringside-usb; printf written > /dev/ringside-usb";
    let out = surroundings.ok(&["exec", "--disk", path, "--", "sh", "-c", size]);
    assert_eq!(out.trim(), (8 << 20).to_string());
    assert!(fs::read(&disk).expect("it can be read").starts_with(b"written"));
    // In a lab, too, which resumes a machine that had another stick.
    let status = surroundings.up(&["--disk", path]);
    assert_eq!(status.stick_file.as_deref(), Some(path));
    assert_eq!(surroundings.ok(&["exec", "--lab", "1", "--", "sh", "-c", READ]), "written");
    let busy = surroundings.run(&["exec", "--disk", path, "--", "true"]);
    assert_eq!(busy.status, 125);
    assert!(busy.err.contains("another lab"), "{}", busy.err);
    let change = "printf changed > /dev/ringside-usb";
    surroundings.ok(&["exec", "--lab", "1", "--", "sh", "-c", change]);
    surroundings.ok(&["down"]);
    assert!(fs::read(&disk).expect("it can be read").starts_with(b"changed"));
}

#[test]
fn a_stick_keeps_its_bytes_while_unplugged_and_over_a_reboot() {
    let surroundings = Surroundings::new();
    let id = surroundings.up(&[]).id;
    let lab = surroundings.lab(&id);
    let write = "printf 'kept up' > /dev/ringside-usb && sync";
    surroundings.ok(&["exec", "--lab", "1", "--", "sh", "-c", write]);
    lab_request(&lab, LabRequest::Unplug).expect("it can be pulled out");
    assert!(!lab.status().expect("it answers").stick_plugged);
    let gone = surroundings.run(&["exec", "--lab", "1", "--", "test", "-e", "/dev/ringside-usb"]);
    assert_eq!(gone.status, 1, "{}", gone.err);
    assert!(lab_request(&lab, LabRequest::Unplug).is_err());
    lab_request(&lab, LabRequest::Plug).expect("it can be plugged in");
    assert_eq!(surroundings.ok(&["exec", "--lab", "1", "--", "sh", "-c", READ]), "kept up");
    lab_request(&lab, LabRequest::Reboot { cold: false }).expect("it reboots");
    assert!(lab.status().expect("it answers").stick_plugged);
    assert_eq!(surroundings.ok(&["exec", "--lab", "1", "--", "sh", "-c", READ]), "kept up");
    // Unplugged, it stays so.
    lab_request(&lab, LabRequest::Unplug).expect("it can be pulled out");
    lab_request(&lab, LabRequest::Reboot { cold: false }).expect("it reboots");
    assert!(!lab.status().expect("it answers").stick_plugged);
    let gone = surroundings.run(&["exec", "--lab", "1", "--", "test", "-e", "/dev/ringside-usb"]);
    assert_eq!(gone.status, 1, "{}", gone.err);
}

#[test]
fn a_stick_pulled_out_in_the_middle_of_a_transfer_is_told_and_the_module_unloads() {
    let surroundings = Surroundings::new();
    let id = surroundings.up(&[]).id;
    let lab = surroundings.lab(&id);
    surroundings.ok(&["load", "kmod"]);
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let program = surroundings.path().join("kmod_gone");
    let compiled = Command::new("cc")
        .args(["-std=gnu11", "-O1", "-pthread", "-I"])
        .arg(root.join("uapi/include"))
        .arg("-o")
        .arg(&program)
        .arg(root.join("tests/c/kmod_gone.c"))
        .status();
    assert!(compiled.expect("cc is installed").success());
    // It reads and writes, says when it is at it, and sees what becomes of it.
    let program = program.to_str().expect("UTF-8");
    let mut user = surroundings
        .command(&["exec", "--lab", "1", "--", program, "wait"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("ringside starts");
    let mut said = BufReader::new(user.stdout.take().expect("it was piped")).lines();
    let mut lines = Vec::new();
    for line in said.by_ref().map_while(Result::ok) {
        let ready = line == "ready";
        lines.push(line);
        if ready {
            lab_request(&lab, LabRequest::Unplug).expect("it can be pulled out");
        }
    }
    let status = user.wait().expect("it is our child");
    assert!(status.success(), "{lines:#?}");
    assert!(lines.iter().any(|line| line == "ready"), "{lines:#?}");
    // The program has unloaded the module; with the stick back in it loads again.
    lab_request(&lab, LabRequest::Plug).expect("it can be plugged in");
    surroundings.ok(&["load", "kmod"]);
    surroundings.ok(&["unload", "kmod"]);
}

#[test]
fn a_disk_that_can_not_be_one_is_refused_before_anything_starts() {
    let surroundings = Surroundings::new();
    let said = surroundings.run(&["up", "--disk", "/nonexistent/disk"]);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("truncate -s 1G"), "{}", said.err);
    assert!(surroundings.left().is_empty());
}
