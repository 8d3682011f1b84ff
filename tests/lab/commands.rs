// SPDX-License-Identifier: MIT OR Apache-2.0
//! What commands do when their input, their output or their surroundings are not
//! what they should be.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::surroundings::{Said, Surroundings, image, on_terminal};

/// Runs it with a standard output that is full.
fn into_a_full_disk(surroundings: &Surroundings, arguments: &[&str]) -> Said {
    let full = File::options().write(true).open("/dev/full").expect("it is there");
    let output = surroundings.command(arguments).stdout(full).stderr(Stdio::piped()).output();
    Said::from(output.expect("ringside starts"))
}

#[test]
fn the_help_of_syscall_says_why_its_number_is_not_that_of_the_course() {
    let help = Surroundings::new().ok(&["syscall", "--help"]);
    for words in ["473, the first that is free", "463", "setxattrat", "EINVAL", "548", "ENOSYS"] {
        assert!(help.contains(words), "{words}: {help}");
    }
}

#[test]
fn whatever_prints_to_a_full_disk_says_so_and_fails() {
    let surroundings = Surroundings::new();
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["load", "--help"],
        &["completions", "bash"],
        &["dashboard", "--print-config"],
        &["labs"],
        &["labs", "--json"],
        &["cache"],
        &["--local", "info"],
        &["--local", "info", "--json"],
    ] {
        let said = into_a_full_disk(&surroundings, arguments);
        assert_eq!(said.status, 1, "{arguments:?}: {}", said.err);
        let expected = "error: write to standard output: No space left on device (ENOSPC)\n";
        assert_eq!(said.err, expected, "{arguments:?}");
    }
}

#[test]
fn a_program_whose_output_fills_a_disk_is_ended_with_a_word() {
    let surroundings = Surroundings::new();
    let said = into_a_full_disk(&surroundings, &["exec", "--", "yes"]);
    assert_eq!(said.status, 125, "{}", said.err);
    assert!(said.err.contains("write to standard output: No space left"), "{}", said.err);
    surroundings.up(&[]);
    let said = into_a_full_disk(&surroundings, &["exec", "--lab", "1", "--", "yes"]);
    assert_eq!(said.status, 125, "{}", said.err);
    for arguments in [&["kmsg"][..], &["vm", "status"], &["load", "my_name"]] {
        let said = into_a_full_disk(&surroundings, arguments);
        assert_eq!(said.status, 1, "{arguments:?}: {}", said.err);
        assert!(said.err.contains("ENOSPC"), "{arguments:?}: {}", said.err);
    }
    // A reader that has seen enough is no failure to speak of.
    let mut exec = surroundings
        .command(&["exec", "--lab", "1", "--", "yes"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ringside starts");
    drop(exec.stdout.take());
    let said = Said::from(exec.wait_with_output().expect("it ends"));
    assert_eq!((said.status, said.err.as_str()), (141, ""));
}

#[test]
fn a_lab_starts_in_a_folder_whose_name_is_not_utf_8() {
    let surroundings = Surroundings::new();
    let folder = surroundings.path().join(OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&folder).expect("it can be made");
    fs::write(folder.join("here"), "seen").expect("it can be written");
    let disk = folder.join(OsStr::from_bytes(b"disk\xff"));
    File::create(&disk).and_then(|file| file.set_len(1 << 20)).expect("it can be made");
    let mut up = surroundings.command(&["up", "--disk"]);
    let said = Said::from(up.arg(&disk).current_dir(&folder).output().expect("ringside starts"));
    assert_eq!(said.status, 0, "{}", said.err);
    let mut exec = surroundings.command(&["exec", "--lab", "1", "--", "cat", "here"]);
    let said = Said::from(exec.current_dir(&folder).output().expect("ringside starts"));
    assert_eq!((said.status, said.out.as_str()), (0, "seen"), "{}", said.err);
    let status: Value = serde_json::from_str(&surroundings.ok(&["vm", "status", "--json"]))
        .expect("a status in JSON");
    assert!(status["stick_file"].as_str().is_some_and(|file| file.contains("caf\u{fffd}")));
}

#[test]
fn what_can_not_be_a_module_is_refused_at_once() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    let fifo = surroundings.path().join("fifo.ko");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("it can be made");
    let empty = surroundings.path().join("empty");
    fs::create_dir(&empty).expect("it can be made");
    let large = surroundings.path().join("large.ko");
    File::create(&large).and_then(|file| file.set_len(1 << 40)).expect("it can be made");
    let text = surroundings.path().join("text.ko");
    fs::write(&text, "no module").expect("it can be written");
    for (path, why) in [
        (fifo.to_str(), "is a pipe (FIFO), not a file"),
        (Some("/dev/zero"), "is a device, not a file"),
        (Some("/dev/full"), "is a device, not a file"),
        (empty.to_str(), "it has no Kbuild file"),
        (large.to_str(), "has more than 64 MiB"),
        (text.to_str(), "is no kernel module"),
        (Some("./none.ko"), "No such file or directory (ENOENT)"),
    ] {
        let path = path.expect("UTF-8");
        let said = surroundings.run(&["load", path]);
        assert_eq!(said.status, 1, "{path}: {}", said.err);
        assert!(said.err.contains(why), "{path}: {}", said.err);
    }
    let fifo = fifo.to_str().expect("UTF-8");
    for file in [fifo, "/dev/zero"] {
        let said = surroundings.run(&["block", "write", "--file", file]);
        assert_eq!(said.status, 1, "{file}: {}", said.err);
        assert!(said.err.contains("not a file"), "{file}: {}", said.err);
    }
    let said = surroundings.run(&["up", "--image", fifo]);
    assert!(said.status == 1 && said.err.contains("not a file"), "{}", said.err);
}

#[test]
fn input_without_an_end_is_refused_and_not_collected() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    for arguments in [&["mem"][..], &["block", "write"]] {
        let zero = File::open("/dev/zero").expect("it is there");
        let output = surroundings.command(arguments).stdin(zero).output().expect("it starts");
        let said = Said::from(output);
        assert_eq!(said.status, 1, "{arguments:?}: {}", said.err);
        assert!(said.err.contains("more than"), "{arguments:?}: {}", said.err);
    }
}

#[test]
fn a_variable_that_makes_no_sense_is_refused_and_not_ignored() {
    let surroundings = Surroundings::new();
    let with = |name: &str, value: &OsStr, arguments: &[&str]| {
        let output = surroundings.command(arguments).env(name, value).output();
        Said::from(output.expect("ringside starts"))
    };
    for arguments in [&["cache"][..], &["up"], &["build", "--kernel-only"]] {
        let said = with("RINGSIDE_CACHE", OsStr::new("cache"), arguments);
        assert_eq!(said.status, 1, "{arguments:?}: {}", said.err);
        assert!(said.err.contains("RINGSIDE_CACHE is set to \"cache\""), "{}", said.err);
        assert!(said.err.contains("help: set it to one that begins with /"), "{}", said.err);
    }
    let said = with("RINGSIDE_CACHE", OsStr::new("cache"), &["exec", "--", "true"]);
    assert_eq!(said.status, 125, "{}", said.err);
    let odd = OsStr::from_bytes(b"\xff");
    for (name, value) in [
        ("RINGSIDE_LOG", OsStr::new("loud")),
        ("RINGSIDE_KERNEL", OsStr::new("fast")),
        ("RINGSIDE_KERNEL", odd),
        ("RINGSIDE_APPEND", odd),
    ] {
        let said = with(name, value, &["up"]);
        assert_eq!(said.status, 2, "{name}: {}", said.err);
        assert!(said.err.contains(name), "{name}: {}", said.err);
    }
    assert!(!surroundings.path().join("cache").exists());
}

#[test]
fn set_names_what_there_is_and_why_a_value_can_not_be_set() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    let refused = |arguments: &[&str]| {
        let said = surroundings.run(arguments);
        assert_eq!(said.status, 1, "{arguments:?}: {}{}", said.out, said.err);
        said.err
    };
    let gone = refused(&["set", "my_name", "intParameter", "1"]);
    assert!(gone.contains("not loaded"), "{gone}");
    surroundings.ok(&["load", "my_name"]);
    // Root is told what is so, and not that only root may.
    let fixed = refused(&["set", "my_name", "intParameter", "1"]);
    assert!(fixed.contains("EACCES") && fixed.contains("it is read-only"), "{fixed}");
    assert!(fixed.contains("load it with intParameter=1") && !fixed.contains("root"), "{fixed}");
    let unknown = refused(&["set", "my_name", "pause", "1"]);
    assert!(unknown.contains("neither a control nor a parameter called pause"), "{unknown}");
    assert!(unknown.contains("charParameter, intParameter"), "{unknown}");
    surroundings.ok(&["load", "producer_consumer"]);
    let unknown = refused(&["set", "producer_consumer", "pause", "1"]);
    assert!(unknown.contains("its controls are") && unknown.contains("paused"), "{unknown}");
    assert!(unknown.contains("only when it is loaded it takes"), "{unknown}");
}

#[test]
fn every_change_is_told_in_json_when_that_is_asked_for() {
    let surroundings = Surroundings::new();
    let id = surroundings.up(&[]).id;
    let json = |arguments: &[&str]| -> Value {
        let text = surroundings.ok(arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    };
    let loaded = json(&["load", "producer_consumer", "prod=1", "--json"]);
    assert_eq!(loaded["module"], "producer_consumer");
    assert_eq!((&loaded["loaded"], &loaded["parameters"]), (&true.into(), &"prod=1".into()));
    assert!(loaded["file"].as_str().is_some_and(|file| file.ends_with("producer_consumer.ko")));
    let set = json(&["set", "--json", "producer_consumer", "paused", "1"]);
    assert_eq!(set["name"], "paused");
    assert_eq!(set["value"], "1");
    let unloaded = json(&["unload", "producer_consumer", "--json"]);
    assert_eq!(unloaded["loaded"], false);
    assert_eq!(json(&["vm", "--json", "status"])["guest"], "Running");
    assert_eq!(json(&["vm", "unplug", "--json"])["stick_plugged"], false);
    assert_eq!(json(&["vm", "plug", "--json"])["stick_plugged"], true);
    let crashed = json(&["vm", "crash", "--json"]);
    assert!(crashed["guest"]["Panicked"].is_object(), "{crashed}");
    let console = surroundings.ok(&["vm", "console", "--json"]);
    let lines: Vec<Value> = console
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is an object"))
        .collect();
    let panic = |line: &Value| line["line"].as_str().is_some_and(|text| text.contains("sysrq"));
    assert!(lines.len() > 2 && lines.iter().any(panic), "{console}");
    assert_eq!(json(&["vm", "reboot", "--json"])["generation"], 2);
    assert_eq!(json(&["vm", "power-off", "--json"])["guest"], "Off");
    let down = json(&["down", "--json"]);
    assert_eq!((&down["id"], &down["down"]), (&id.into(), &true.into()));
}

#[test]
fn a_status_without_json_is_for_people() {
    let surroundings = Surroundings::new();
    let status = surroundings.up(&[]);
    let text = surroundings.ok(&["vm", "status"]);
    assert!(text.contains("guest      running\n") && text.contains(&status.kernel), "{text}");
}

#[test]
fn which_of_several_labs_goes_down_is_to_be_said_and_how() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    surroundings.up(&[]);
    let said = surroundings.run(&["down"]);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("2 labs are running (1, 2)"), "{}", said.err);
    assert!(said.err.contains("`ringside down ID`") && said.err.contains("--all"), "{}", said.err);
    let said = surroundings.run(&["down", "--lab", "1", "2"]);
    assert_eq!(said.status, 2, "{}", said.err);
    let said = surroundings.run(&["down", "--local"]);
    assert_eq!(said.status, 2, "{}", said.err);
    surroundings.ok(&["down", "--lab", "1"]);
    surroundings.ok(&["down", "2"]);
    assert_eq!(surroundings.ok(&["down", "--all"]), "no lab is running\n");
}

#[test]
fn the_log_in_json_steers_no_terminal() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    let mark = "C1 \u{9b}31m and \u{202e}backwards";
    let mut exec = surroundings
        .command(&["exec", "--lab", "1", "--", "sh", "-c", "cat > /dev/kmsg"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("ringside starts");
    let mut input = exec.stdin.take().expect("it was piped");
    // Without its end, a line is not in the log before the next one begins.
    writeln!(input, "{mark}").expect("it reads");
    drop(input);
    assert!(exec.wait().expect("it ends").success());
    let text = surroundings.ok(&["kmsg", "--json", "--grep", "C1 "]);
    assert!(text.contains(r"\u009b31m and \u202ebackwards"), "{text}");
    let record: Value = serde_json::from_str(text.trim()).expect("JSON");
    assert_eq!(record["text"], mark);
    let shown = surroundings.ok(&["kmsg", "--grep", "C1 "]);
    assert!(shown.contains(r"\u{9b}31m and \u{202e}backwards"), "{shown}");
}

/// What a user who is not root has: copies of the program and the kernel, since
/// the originals may lie where only we can look, and folders for cache and labs.
struct Somebody {
    surroundings: Surroundings,
    user: u32,
}

impl Somebody {
    fn new(user: u32) -> Self {
        let surroundings = Surroundings::new();
        let this = Self { surroundings, user };
        this.own(this.surroundings.path(), 0o755);
        let program = Path::new(env!("CARGO_BIN_EXE_ringside"));
        // By another process: a file that this one has open to write can't be run, also
        // while a child of another test still holds it.
        let copied = Command::new("cp").arg(program).arg(this.path("ringside")).status();
        assert!(copied.expect("cp runs").success(), "the program can be copied");
        fs::copy(image(), this.path("kernel")).expect("the kernel can be copied");
        for folder in ["cache", "runtime", "tmp"] {
            fs::create_dir(this.path(folder)).expect("a folder");
            this.own(&this.path(folder), 0o700);
        }
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.surroundings.path().join(name)
    }

    /// Gives a file to the user, where only root can do so; else it is ours.
    fn own(&self, path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
        if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(path, Some(self.user), Some(self.user)).expect("we are root");
        }
    }

    fn run(&self, runtime: Option<&Path>, arguments: &[&str]) -> Said {
        let mut command = Command::new(self.path("ringside"));
        command
            .args(arguments)
            .current_dir(self.surroundings.path())
            .env("RINGSIDE_CACHE", self.path("cache"))
            .env("RINGSIDE_IMAGE", self.path("kernel"))
            .env("TMPDIR", self.path("tmp"))
            .env_remove("XDG_RUNTIME_DIR")
            .stdin(Stdio::null());
        if let Some(runtime) = runtime {
            command.env("XDG_RUNTIME_DIR", runtime);
        }
        if nix::unistd::geteuid().is_root() {
            command.uid(self.user).gid(self.user);
        }
        Said::from(command.output().expect("ringside starts"))
    }
}

/// Takes the right to write from everything below `folder`, or gives it back.
fn may_write(folder: &Path, may: bool) {
    let entries = fs::read_dir(folder).expect("it can be read");
    for path in entries.flatten().map(|entry| entry.path()) {
        match path.is_dir() {
            true => may_write(&path, may),
            false => set_mode(&path, if may { 0o600 } else { 0o400 }),
        }
    }
    set_mode(folder, if may { 0o700 } else { 0o500 });
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

#[test]
fn a_saved_machine_starts_from_a_cache_that_can_not_be_written() {
    let somebody = Somebody::new(65_534);
    let runtime = somebody.path("runtime");
    let run = |arguments: &[&str]| {
        let said = somebody.run(Some(&runtime), arguments);
        assert_eq!(said.status, 0, "{arguments:?}: {}", said.err);
        said.out
    };
    run(&["exec", "--", "true"]);
    may_write(&somebody.path("cache"), false);
    let write = "printf kept > /dev/ringside-usb && sync && head -c 4 /dev/ringside-usb";
    assert_eq!(run(&["exec", "--", "sh", "-c", write]), "kept");
    let status: Value = serde_json::from_str(&run(&["up", "--json"])).expect("a status in JSON");
    assert_eq!((&status["resumed"], &status["stick_plugged"]), (&true.into(), &true.into()));
    run(&["down"]);
    // So that it can be removed, and to see that nothing was left anywhere.
    may_write(&somebody.path("cache"), true);
    assert_eq!(fs::read_dir(somebody.path("tmp")).expect("it is there").count(), 0);
}

#[test]
fn a_folder_for_sockets_that_another_user_has_taken_is_left_to_them() {
    if !nix::unistd::geteuid().is_root() {
        // Nobody else can make a folder for another; a unit test looks at the rest.
        return;
    }
    // A user that nobody is.
    let user = 1_000_000_000 + std::process::id();
    let taken = PathBuf::from(format!("/tmp/ringside-{user}"));
    fs::create_dir(&taken).expect("nobody has it");
    set_mode(&taken, 0o700);
    let somebody = Somebody::new(user);
    let up = somebody.run(None, &["up", "--json"]);
    let labs = somebody.run(None, &["labs"]);
    let down = somebody.run(None, &["down"]);
    let own = PathBuf::from(format!("/tmp/ringside-{user}.1"));
    let about = fs::metadata(&own);
    drop(fs::remove_dir(&own));
    fs::remove_dir(&taken).expect("nothing was made in it");
    assert_eq!(up.status, 0, "{}", up.err);
    assert!(labs.out.contains("running"), "{}{}", labs.out, labs.err);
    assert_eq!(down.status, 0, "{}", down.err);
    let about = about.expect("it was made beside");
    assert_eq!((about.uid(), about.mode() & 0o777), (user, 0o700));
}

#[test]
fn the_prompt_of_the_guests_shell_is_short_however_deep_the_folder() {
    let surroundings = Surroundings::new();
    let deep = surroundings.path().join("a-folder-with-a-name/that-lies-in-another/and-so-on");
    fs::create_dir_all(&deep).expect("it can be made");
    surroundings.up(&[]);
    let mut shell = surroundings.command(&["shell"]);
    // As somebody has it who has no settings of their own.
    shell.env("SHELL", "/bin/bash").env("HOME", surroundings.path()).current_dir(&deep);
    let printed = on_terminal(&shell, "echo \"in $PWD\"; exit\n");
    assert!(printed.contains(&format!("in {}", deep.display())), "{printed}");
    let prompt = printed.lines().find_map(|line| line.split_once("# echo")).map(|(start, _)| start);
    let prompt = prompt.unwrap_or_else(|| panic!("no prompt in {printed:?}"));
    let shown = prompt.rsplit('\u{1b}').next().unwrap_or_default();
    assert!(shown.len() < 40 && shown.ends_with("/and-so-on"), "{prompt:?}");
}

#[test]
fn what_is_to_be_typed_is_asked_for() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    surroundings.ok(&["load", "kmod"]);
    surroundings.ok(&["load", "memalloc"]);
    let written = on_terminal(&surroundings.command(&["block", "write"]), "hello\n\u{4}");
    assert!(written.contains("type what to write; Ctrl-D"), "{written}");
    assert!(written.contains("6 bytes written"), "{written}");
    let mem = on_terminal(&surroundings.command(&["mem"]), "maps\n\u{4}");
    assert!(mem.contains("type actions, one per line") && mem.contains("[stack]"), "{mem}");
    // Hex and text on a terminal, the bytes as they are elsewhere.
    let read = ["block", "read", "--offset", "0", "--size", "5"];
    let shown = on_terminal(&surroundings.command(&read), "");
    assert!(shown.contains("68 65 6c 6c 6f") && shown.contains("hello"), "{shown}");
    assert_eq!(surroundings.ok(&read), "hello");
}

#[test]
fn an_agent_on_a_terminal_says_that_it_talks_with_no_person() {
    let mut script = Command::new("bash");
    let agent = format!("{} agent --stdio; echo status $?", env!("CARGO_BIN_EXE_ringside"));
    script.args(["-c", &agent]);
    let printed = on_terminal(&script, "");
    assert!(printed.contains("standard input is a terminal"), "{printed}");
    assert!(printed.contains("status 2"), "{printed}");
}
