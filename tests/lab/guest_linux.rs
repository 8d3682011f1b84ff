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

/// What may be done to files: one thing, done in the folder that it is given.
const FILES_C: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#define CHECK(what) do { if (!(what)) { perror(#what); return 1; } } while (0)
static struct stat st;
static int written(void)
{
    int fd = open("written", O_RDWR | O_CREAT | O_EXCL, 0644);
    CHECK(fd >= 0 && write(fd, "text", 4) == 4 && fstat(fd, &st) == 0 && st.st_size == 4);
    CHECK(symlink("written", "symlink") == 0 && truncate("symlink", 2) == 0);
    return 0;
}
static int renamed(void)
{
    CHECK(close(open("old", O_WRONLY | O_CREAT, 0644)) == 0 && rename("old", "new") == 0);
    CHECK(mkdir("folder", 0755) == 0 && rename("new", "folder/new") == 0);
    CHECK(rename("folder", "moved") == 0 && stat("moved/new", &st) == 0);
    CHECK(stat("old", &st) == -1 && errno == ENOENT);
    return 0;
}
static int linked(void)
{
    CHECK(close(open("one", O_WRONLY | O_CREAT, 0644)) == 0 && link("one", "two") == 0);
    CHECK(stat("two", &st) == 0 && st.st_nlink == 2);
    int fd = open("two", O_WRONLY);
    CHECK(fd >= 0 && write(fd, "both", 4) == 4 && stat("one", &st) == 0 && st.st_size == 4);
    return 0;
}
static int locked(void)
{
    int status, fd = open("lock", O_RDWR | O_CREAT, 0644);
    CHECK(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
    if (fork() == 0) {
        int other = open("lock", O_RDWR);
        _exit(flock(other, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK ? 0 : 1);
    }
    CHECK(wait(&status) > 0 && status == 0);
    CHECK(flock(fd, LOCK_UN) == 0);
    return 0;
}
static int mapped(void)
{
    int fd = open("mapped", O_RDWR | O_CREAT, 0644);
    CHECK(fd >= 0 && ftruncate(fd, 8192) == 0);
    char *map = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED);
    memcpy(map + 4096, "by a map", 8);
    CHECK(msync(map, 8192, MS_SYNC) == 0 && munmap(map, 8192) == 0);
    return 0;
}
static int removed(void)
{
    char text[8] = "";
    int fd = open("gone", O_RDWR | O_CREAT, 0644);
    CHECK(fd >= 0 && unlink("gone") == 0 && write(fd, "kept", 4) == 4);
    CHECK(pread(fd, text, 4, 0) == 4 && memcmp(text, "kept", 4) == 0);
    CHECK(fstat(fd, &st) == 0 && st.st_size == 4);
    return 0;
}
static int piped(void)
{
    /* QEMU 7.2 opens what it has made to give it its mode, and opens no pipe. */
    if (mkfifo("pipe", 0644) == 0)
        return 0;
    CHECK(errno == ENXIO && stat("pipe", &st) == -1);
    return 0;
}
int main(int argc, char **argv)
{
    struct { const char *name; int (*run)(void); } all[] = {
        { "written", written }, { "renamed", renamed }, { "linked", linked }, { "locked", locked },
        { "mapped", mapped }, { "removed", removed }, { "piped", piped } };
    CHECK(argc == 3 && chdir(argv[1]) == 0);
    for (int i = 0; i < 7; i++)
        if (strcmp(all[i].name, argv[2]) == 0)
            return all[i].run();
    return 2;
}
"#;

/// Does one thing to files in each of two folders that are written through.
fn written_through(what: &str) -> [tempfile::TempDir; 2] {
    let surroundings = Surroundings::new();
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let [first, second] = [0, 1].map(|number| folders[number].path().display().to_string());
    let tools = tempfile::tempdir().expect("a folder");
    let (source, program) = (tools.path().join("files.c"), tools.path().join("files"));
    fs::write(&source, FILES_C).expect("a file");
    let built = Command::new("cc").arg("-o").args([&program, &source]).status();
    assert!(built.expect("cc starts").success());
    let script = format!("./files {first} {what} && ./files {second} {what}");
    let arguments = ["exec", "--rw", &first, "--rw", &second, "--", "/bin/sh", "-c", &script];
    let said = run(&surroundings, tools.path(), &arguments);
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    folders
}

#[test]
fn several_folders_can_be_written_through() {
    for folder in written_through("written") {
        assert_eq!(fs::read(folder.path().join("written")).expect("it is there"), b"te");
        let link = fs::read_link(folder.path().join("symlink")).expect("it is a link");
        assert_eq!(link, Path::new("written"));
    }
}

#[test]
fn files_and_folders_are_renamed_on_the_host() {
    for folder in written_through("renamed") {
        assert_eq!(content(folder.path()).len(), 1);
        assert!(folder.path().join("moved/new").is_file());
    }
}

#[test]
fn hard_links_are_made_on_the_host() {
    use std::os::unix::fs::MetadataExt;
    for folder in written_through("linked") {
        assert_eq!(fs::read(folder.path().join("one")).expect("it is there"), b"both");
        assert_eq!(fs::metadata(folder.path().join("two")).expect("it is there").nlink(), 2);
    }
}

#[test]
fn a_file_that_one_program_locks_no_other_of_the_guest_does() {
    drop(written_through("locked"));
}

#[test]
fn what_a_map_changes_is_in_the_hosts_file() {
    for folder in written_through("mapped") {
        let bytes = fs::read(folder.path().join("mapped")).expect("it is there");
        assert_eq!(bytes[4096..4104], *b"by a map");
    }
}

#[test]
fn a_removed_file_that_is_open_is_written_and_read_and_leaves_nothing() {
    for folder in written_through("removed") {
        assert!(content(folder.path()).is_empty());
    }
}

#[test]
fn a_named_pipe_is_made_or_refused_and_then_leaves_nothing() {
    use std::os::unix::fs::FileTypeExt;
    for folder in written_through("piped") {
        for entry in fs::read_dir(folder.path()).expect("a folder").flatten() {
            assert!(entry.file_type().expect("a type").is_fifo());
        }
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
