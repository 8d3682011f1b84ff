// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a guest sees of the host, and what its QEMU may do there: nothing of what
//! runs on the host, no way to leave a setuid file, a device or another owner.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::surroundings::{Said, Surroundings};

/// Where the guest's agent mounts the shares as they come, seen from a program.
const SHARES: &str = "/proc/1/root/run/ringside/host";

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// A program of the host with something in its environment that is nobody's
/// business.
struct Secret(Child);

impl Secret {
    fn new() -> Self {
        let mut command = Command::new("sleep");
        command.arg("600").env("RINGSIDE_TEST_SECRET", "what nobody must read");
        Self(command.stdin(Stdio::null()).spawn().expect("sleep starts"))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Runs a script in a guest of its own with `folder` as its working directory.
fn guest(surroundings: &Surroundings, folder: &Path, options: &[&str], script: &str) -> Said {
    let mut arguments = vec!["exec"];
    arguments.extend(options);
    arguments.extend(["--", "/bin/sh", "-c", script]);
    let output = surroundings.command(&arguments).current_dir(folder).output();
    Said::from(output.expect("ringside starts"))
}

#[test]
fn nothing_of_what_runs_on_the_host_is_found_in_any_share() {
    let surroundings = Surroundings::new();
    let secret = Secret::new();
    let script = format!(
        "ls {SHARES} | wc -l
         for share in {SHARES}/*; do
             for path in {pid}/environ {pid}/mem proc sys dev/mem run 1/environ; do
                 if [ -e $share/$path ] && [ ! -L $share/$path ]; then echo found $share/$path; fi
             done
         done
         if [ -e /proc/{pid}/environ ] && grep -q 'nobody must' /proc/{pid}/environ; then echo read; fi
         test -c /dev/null && test -d /sys/kernel && test -r /proc/self/status && echo own",
        pid = secret.pid()
    );
    let said = guest(&surroundings, surroundings.path(), &[], &script);
    let mut lines = said.out.lines();
    let shares: u32 = lines.next().unwrap_or_default().trim().parse().expect("a number");
    assert!(shares >= 3, "{}{}", said.out, said.err);
    assert_eq!(lines.collect::<Vec<_>>(), ["own"], "{}", said.err);
}

#[test]
fn what_a_chroot_has_mounted_again_is_not_reached_through_it() {
    let surroundings = Surroundings::new();
    let secret = Secret::new();
    let work = tempfile::tempdir().expect("a folder");
    for name in ["proc", "run"] {
        fs::create_dir(work.path().join(name)).expect("a folder");
    }
    fs::write(work.path().join("beside"), "seen\n").expect("a file");
    // The mounts are seen by this command and its guest, and by nobody else.
    let script = format!(
        "mount -t proc proc proc && mount --bind /run run && ls run > host-run && test -e proc/{pid}/environ &&
         exec {ringside} exec -- /bin/sh -c 'cat beside; cat proc/{pid}/environ; ls -A proc run;
             for share in {SHARES}/*; do
                 for path in proc/{pid}/environ proc/self/status; do
                     if [ -e $share/$path ]; then echo found $share/$path; fi
                 done
                 if [ -d $share/run ]; then ls -A $share/run; fi
             done'",
        pid = secret.pid(),
        ringside = env!("CARGO_BIN_EXE_ringside"),
    );
    let mut command = Command::new("unshare");
    command.arg(if is_root() { "--mount" } else { "--map-root-user" });
    if !is_root() {
        command.arg("--mount");
    }
    let output = command
        .args(["sh", "-c", &script])
        .current_dir(work.path())
        .env("XDG_RUNTIME_DIR", surroundings.path())
        .stdin(Stdio::null())
        .output()
        .expect("unshare starts");
    let said = Said::from(output);
    let lines: Vec<_> = said.out.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines, ["seen", "proc:", "run:"], "{}{}", said.out, said.err);
}

#[test]
fn the_sockets_of_labs_are_out_of_every_guests_sight() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    let folder = surroundings.labs_folder();
    fs::write(surroundings.path().join("beside"), "seen\n").expect("a file");
    let script = format!(
        "cat beside; ls -A; if [ -e {path} ]; then echo found; fi
         for share in {SHARES}/*; do
             for path in ringside/1 {tail}/1; do
                 if [ -e $share/$path ]; then echo found $share/$path; fi
             done
         done",
        path = folder.display(),
        tail = folder.strip_prefix("/tmp").unwrap_or(&folder).display(),
    );
    let said = guest(&surroundings, surroundings.path(), &[], &script);
    assert_eq!(said.out, "seen\nbeside\n", "{}", said.err);
}

/// The fields of `/proc/<pid>/status` of the QEMU of the lab process `parent`.
fn qemu_status(parent: i32) -> Vec<(String, String)> {
    let read = |entry: fs::DirEntry| fs::read_to_string(entry.path().join("status")).ok();
    let texts = fs::read_dir("/proc").expect("/proc is there").flatten().filter_map(read);
    let fields = texts.map(|text| {
        let field = |line: &str| {
            line.split_once(":\t").map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        };
        text.lines().filter_map(field).collect::<Vec<_>>()
    });
    let is = |fields: &Vec<(String, String)>, name, value: &str| {
        fields.iter().any(|(known, found)| known == name && found == value)
    };
    let mut all = fields
        .filter(|fields| is(fields, "PPid", &parent.to_string()))
        .filter(|fields| fields.iter().any(|(name, v)| name == "Name" && v.starts_with("qemu")));
    all.next().expect("the lab has a QEMU")
}

#[test]
fn qemu_has_no_privileges_that_it_does_not_need() {
    let surroundings = Surroundings::new();
    let writes = tempfile::tempdir().expect("a folder");
    let folder = writes.path().display().to_string();
    // Root keeps the right to read what is another's, and to write where it may.
    let (reads, writes) = if is_root() { (1 << 2, 1 << 2 | 1 << 1) } else { (0, 0) };
    for (options, capabilities) in [(&[][..], reads), (&["--rw", folder.as_str()][..], writes)] {
        let status = surroundings.up(options);
        let fields = qemu_status(status.pid);
        let field = |name: &str| {
            let found = fields.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        assert_eq!(field("NoNewPrivs"), "1");
        assert_eq!(field("Seccomp"), "2");
        for set in ["CapEff", "CapPrm", "CapBnd"] {
            let found = u64::from_str_radix(field(set), 16).expect("a set of capabilities");
            let found = if is_root() || set != "CapBnd" { found } else { 0 };
            assert_eq!(found, capabilities, "{set} with {options:?}");
        }
        for set in ["CapInh", "CapAmb"] {
            assert_eq!(field(set), "0000000000000000", "{set}");
        }
    }
}

#[test]
fn a_writable_folder_gets_no_setuid_file_no_device_and_no_other_owner() {
    let surroundings = Surroundings::new();
    let writable = tempfile::tempdir().expect("a folder");
    let path = writable.path().to_str().expect("it is UTF-8");
    let script = format!(
        "cd {path} && echo text > file || exit 1
         try() {{ if \"$@\" 2>error; then echo \"$1 worked\"; else sed 's/.*: //' error; fi; }}
         try chmod u+s file; try chmod g+s file; try chmod 4755 file; try chown 12345 file
         try mknod char c 1 3; try mknod block b 7 0; try install -m 6755 /bin/true program
         try chmod 755 file; rm -f error"
    );
    let said = guest(&surroundings, Path::new("/"), &["--rw", path], &script);
    let refused = ["Operation not permitted"; 7].join("\n");
    assert_eq!(said.out, format!("{refused}\nchmod worked\n"), "{}", said.err);
    let own = fs::metadata(writable.path()).expect("it is there").uid();
    for entry in fs::read_dir(writable.path()).expect("it is there").flatten() {
        let meta = entry.metadata().expect("it is there");
        assert!(meta.is_file(), "{entry:?}");
        assert_eq!((meta.mode() & 0o6000, meta.uid()), (0, own), "{entry:?}");
    }
    let file = fs::metadata(writable.path().join("file")).expect("it was written");
    assert_eq!(file.permissions().mode() & 0o777, 0o755);
}

#[test]
fn with_the_systems_files_a_guest_runs_programs_and_reads_no_secrets_and_nobodys_home() {
    let surroundings = Surroundings::new();
    let work = tempfile::tempdir().expect("a folder");
    let elsewhere = tempfile::tempdir().expect("a folder");
    fs::write(work.path().join("mine"), "mine\n").expect("a file");
    fs::write(elsewhere.path().join("private"), "private\n").expect("a file");
    let script = format!(
        "cat mine; grep -c '^root:' /etc/passwd; echo changed > mine; cat mine
         for path in /etc/shadow /etc/gshadow /root/.bashrc /root/.ssh /var/log /home/* {elsewhere}; do
             if [ -e \"$path\" ]; then echo found $path; fi
         done
         if grep -q . /etc/shadow {SHARES}/*/shadow 2>/dev/null; then echo read; fi",
        elsewhere = elsewhere.path().join("private").display()
    );
    let said = guest(&surroundings, work.path(), &["--host-files", "system"], &script);
    assert_eq!(said.out, "mine\n1\nchanged\n", "{}", said.err);
    let mine = fs::read_to_string(work.path().join("mine")).expect("it is there");
    assert_eq!(mine, "mine\n");
}

#[test]
fn without_the_hosts_files_a_guest_sees_its_working_directory_and_nothing_else() {
    let surroundings = Surroundings::new();
    let work = tempfile::tempdir().expect("a folder");
    let source = work.path().join("top.c");
    let text = "#include <dirent.h>\n#include <stdio.h>\n\
                int main(void) { DIR *d = opendir(\"/\"); struct dirent *e;\n\
                while ((e = readdir(d))) if (e->d_name[0] != '.') puts(e->d_name); return 0; }\n";
    fs::write(&source, text).expect("a file");
    let program = work.path().join("top");
    let built = Command::new("cc").arg("-static").arg("-o").args([&program, &source]).status();
    assert!(built.expect("cc starts").success());
    let arguments = ["exec", "--host-files", "none", "--", program.to_str().expect("UTF-8")];
    let output = surroundings.command(&arguments).current_dir(work.path()).output();
    let said = Said::from(output.expect("ringside starts"));
    let mut names: Vec<_> = said.out.lines().collect();
    names.sort_unstable();
    assert_eq!(names, ["dev", "proc", "root", "run", "sys", "tmp"], "{}", said.err);
    let output = surroundings
        .command(&["exec", "--host-files", "none", "--", "/bin/true"])
        .current_dir(work.path())
        .output();
    assert_eq!(Said::from(output.expect("ringside starts")).status, 127);
}

#[test]
fn the_cache_is_this_users_alone() {
    let surroundings = Surroundings::new();
    let cache = surroundings.path().join("cache");
    let mut command = surroundings.command(&["cache"]);
    let said = Said::from(command.env("RINGSIDE_CACHE", &cache).output().expect("it starts"));
    assert_eq!(said.status, 0, "{}", said.err);
    let mode = fs::metadata(&cache).expect("it was made").mode();
    assert_eq!(mode & 0o7777, 0o700);
}
