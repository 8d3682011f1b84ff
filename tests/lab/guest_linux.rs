// SPDX-License-Identifier: MIT OR Apache-2.0
//! To whoever works in a guest it is a normal Linux: everything can be written
//! to, modules are built and loaded as courses do it, and what changes on the
//! host is seen.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::surroundings::{Said, Surroundings, on_terminal};

/// Courses' folders with their scripts.
const FOLDERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/lab/folders");
const COURSE: &str = "script-of-a-course";

fn run(surroundings: &Surroundings, folder: &Path, arguments: &[&str]) -> Said {
    let output = surroundings.command(arguments).current_dir(folder).output();
    Said::from(output.expect("ringside starts"))
}

/// A copy of the course's folder, and what is in it.
fn course(name: &str) -> (tempfile::TempDir, BTreeMap<PathBuf, Vec<u8>>) {
    let folder = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(Path::new(FOLDERS).join(name)).expect("our folder").flatten() {
        fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("a copy");
    }
    let content = content(folder.path());
    (folder, content)
}

fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    entries.map(|entry| (entry.path(), fs::read(entry.path()).unwrap_or_default())).collect()
}

#[test]
fn a_courses_script_builds_loads_and_unloads_and_leaves_the_folder_as_it_is() {
    let surroundings = Surroundings::new();
    let (folder, before) = course(COURSE);
    let said = run(&surroundings, folder.path(), &["exec", "--", "bash", "./check.sh"]);
    assert_eq!((said.status, said.out.as_str()), (0, "PASSED\n"), "{}", said.err);
    assert!(content(folder.path()) == before, "{:?}", content(folder.path()).keys());
}

#[test]
fn a_script_with_sudo_mknod_and_the_log_runs_as_it_is() {
    let surroundings = Surroundings::new();
    let (folder, before) = course("char-device-of-a-course");
    let said = run(&surroundings, folder.path(), &["exec", "--", "bash", "./test.sh"]);
    assert_eq!((said.status, said.out.as_str()), (0, "PASSED\n"), "{}", said.err);
    assert!(content(folder.path()) == before, "{:?}", content(folder.path()).keys());
}

#[test]
fn a_courses_script_passes_in_a_shell_too() {
    let surroundings = Surroundings::new();
    let (folder, before) = course(COURSE);
    surroundings.up(&[]);
    let script = folder.path().join("check.sh").display().to_string();
    let said = on_terminal(&surroundings.command(&["shell", "--", "bash", &script]), "");
    assert!(said.contains("PASSED"), "{said}");
    assert!(content(folder.path()) == before, "{:?}", content(folder.path()).keys());
}

#[test]
fn every_folder_can_be_written_to_and_changes_vanish_with_the_guest() {
    let surroundings = Surroundings::new();
    let work = tempfile::tempdir().expect("a folder");
    fs::write(work.path().join("there"), "before\n").expect("a file");
    let script = "for folder in . / /usr/lib /etc /tmp /root /run; do
                      echo x > $folder/ringside-test && rm $folder/ringside-test || echo $folder
                  done
                  for folder in . / /tmp /root; do
                      cp /bin/true $folder/ringside-test && $folder/ringside-test || echo $folder
                      rm $folder/ringside-test
                  done
                  echo after > there; mv there moved; mkdir new; cat moved";
    for files in ["all", "system"] {
        let arguments = ["exec", "--host-files", files, "--", "/bin/sh", "-c", script];
        let said = run(&surroundings, work.path(), &arguments);
        assert_eq!((said.out.as_str(), said.err.as_str()), ("after\n", ""), "{files}");
        assert_eq!(fs::read(work.path().join("there")).expect("it is there"), b"before\n");
        assert_eq!(content(work.path()).len(), 1);
    }
}

#[test]
fn a_lab_started_at_the_top_has_devices_processes_and_the_kernels_files() {
    let surroundings = Surroundings::new();
    let script = "test -c /dev/null && test -r /proc/self/status && test -d /sys/kernel &&
                  test -d /usr/bin && echo x > /new && cat /new";
    let said = run(&surroundings, Path::new("/"), &["exec", "--", "/bin/sh", "-c", script]);
    assert_eq!((said.status, said.out.as_str()), (0, "x\n"), "{}", said.err);
    assert!(!Path::new("/new").exists());
}

#[test]
fn what_changes_on_the_host_is_seen_at_the_next_look() {
    let surroundings = Surroundings::new();
    let work = tempfile::tempdir().expect("a folder");
    let path = |name: &str| work.path().join(name);
    for name in ["grows", "replaced", "removed", "mine"] {
        fs::write(path(name), "old\n").expect("a file");
    }
    // It has looked at everything, names that are not there too, when it says so.
    let script = "cat grows replaced removed mine new > first 2>&1; echo guest > mine; echo ready
                  until [ -e new ]; do sleep 0.1; done
                  until [ ! -e removed ]; do sleep 0.1; done
                  cat new grows replaced mine; ls";
    let mut child = surroundings
        .command(&["exec", "--", "/bin/sh", "-c", script])
        .current_dir(work.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ringside starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut next = || lines.next().and_then(Result::ok);
    assert_eq!(next().as_deref(), Some("ready"));
    fs::write(path("grows"), "old\nand much more than there was before\n").expect("it is written");
    fs::write(path("other"), "replaced\n").expect("a file");
    fs::rename(path("other"), path("replaced")).expect("it is renamed");
    fs::write(path("mine"), "host\n").expect("a file");
    fs::remove_file(path("removed")).expect("it was there");
    fs::write(path("new"), "new\n").expect("a file");
    let rest: Vec<String> = std::iter::from_fn(next).collect();
    drop(child.wait());
    let seen = ["new", "old", "and much more than there was before", "replaced", "guest"];
    let names = ["first", "grows", "mine", "new", "replaced"];
    assert_eq!(rest, seen.iter().chain(&names).map(|line| (*line).to_owned()).collect::<Vec<_>>());
}

/// What may be done to files, done in the folder that it is given.
const FILES_C: &str = r#"
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define CHECK(what) do { if (!(what)) { perror(#what); return 1; } } while (0)
int main(int argc, char **argv)
{
    char text[8] = "";
    struct stat st;
    CHECK(argc == 2 && chdir(argv[1]) == 0);
    int fd = open("written", O_RDWR | O_CREAT | O_EXCL, 0644);
    CHECK(fd >= 0 && write(fd, "text", 4) == 4 && fstat(fd, &st) == 0 && st.st_size == 4);
    CHECK(link("written", "linked") == 0 && rename("linked", "renamed") == 0);
    CHECK(stat("renamed", &st) == 0 && st.st_nlink == 2);
    CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0);
    CHECK(symlink("written", "symlink") == 0 && truncate("symlink", 2) == 0);
    int gone = open("gone", O_RDWR | O_CREAT, 0644);
    CHECK(gone >= 0 && unlink("gone") == 0 && write(gone, "kept", 4) == 4);
    CHECK(pread(gone, text, 4, 0) == 4 && memcmp(text, "kept", 4) == 0);
    CHECK(fstat(gone, &st) == 0 && st.st_size == 4);
    int mapped = open("mapped", O_RDWR | O_CREAT, 0644);
    CHECK(mapped >= 0 && ftruncate(mapped, 8192) == 0);
    char *map = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, mapped, 0);
    CHECK(map != MAP_FAILED);
    memcpy(map + 4096, "by a map", 8);
    CHECK(msync(map, 8192, MS_SYNC) == 0 && munmap(map, 8192) == 0);
    CHECK(mkdir("folder", 0755) == 0 && rename("mapped", "folder/mapped") == 0);
    return 0;
}
"#;

#[test]
fn several_folders_can_be_written_through_in_every_way() {
    let surroundings = Surroundings::new();
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let [first, second] = [0, 1].map(|number| folders[number].path().display().to_string());
    let tools = tempfile::tempdir().expect("a folder");
    let (source, program) = (tools.path().join("files.c"), tools.path().join("files"));
    fs::write(&source, FILES_C).expect("a file");
    let built = Command::new("cc").arg("-o").args([&program, &source]).status();
    assert!(built.expect("cc starts").success());
    let script = format!("./files {first} && ./files {second}");
    let arguments = ["exec", "--rw", &first, "--rw", &second, "--", "/bin/sh", "-c", &script];
    let said = run(&surroundings, tools.path(), &arguments);
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    for folder in &folders {
        let read = |name: &str| fs::read(folder.path().join(name)).expect("it is there");
        assert_eq!(read("written"), b"te");
        assert_eq!(read("renamed"), b"te");
        assert_eq!(read("folder/mapped")[4096..4104], *b"by a map");
        let link = fs::read_link(folder.path().join("symlink")).expect("it is a link");
        assert_eq!(link, Path::new("written"));
        assert!(!folder.path().join("gone").exists());
    }
}

#[test]
fn modprobe_modinfo_and_the_kernels_options_are_as_anywhere() {
    let surroundings = Surroundings::new();
    surroundings.ok(&["build"]);
    // The program itself lies in a folder that the guest sees.
    let ringside = env!("CARGO_BIN_EXE_ringside");
    let script = "release=$(uname -r)
                  test -f /lib/modules/$release/build/Module.symvers || echo no build
                  test -f /lib/modules/$release/source/MAINTAINERS || echo no source
                  test -s /lib/modules/$release/modules.dep || echo no modules.dep
                  test -s /lib/modules/$release/modules.builtin || echo no modules.builtin
                  zcat /proc/config.gz | grep -c '^CONFIG_RUST=y'
                  modinfo -F license my_name
                  modprobe my_name && grep -o '^my_name' /proc/modules && modprobe -r my_name
                  $RINGSIDE load my-name >load.out && $RINGSIDE unload my_name >load.out
                  depmod && sudo -E -u root env FOUND=sudo sh -c 'echo $FOUND'";
    let script = script.replace("$RINGSIDE", ringside);
    let said = run(&surroundings, surroundings.path(), &["exec", "--", "bash", "-c", &script]);
    let lines: Vec<_> = said.out.lines().collect();
    assert_eq!(lines, ["1", "GPL", "my_name", "sudo"], "{}", said.err);
}
