// SPDX-License-Identifier: MIT OR Apache-2.0
//! Loading modules by folder, file and name, with parameters of every kind.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::brought::{Brought, build, names};
use super::surroundings::{Said, Surroundings};

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn dashes_and_underscores_are_one_in_every_command() {
    let brought = Brought::new("dash-in-name");
    build(&[&brought.folder]);
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    for name in ["with-dash", "with_dash", "with-dash.ko"] {
        let loaded = surroundings.run(&["load", name]);
        assert_eq!((loaded.status, loaded.out.as_str()), (0, "with_dash is loaded\n"), "{name}");
        assert!(loaded.err.contains(&format!("from {}", text(&brought.folder))), "{}", loaded.err);
        assert!(loaded.err.contains("/with-dash.ko, built "), "{}", loaded.err);
        assert!(surroundings.ok(&["modules", name]).contains("module      with_dash\n"));
        let counters = surroundings.run(&["counters", name]);
        assert!(counters.err.contains("module with_dash has no counters"), "{}", counters.err);
        let set = surroundings.run(&["set", name, "volume", "1"]);
        assert!(set.err.contains("neither a control nor a parameter"), "{}", set.err);
        assert_eq!(surroundings.ok(&["unload", name]), "with_dash is unloaded\n");
    }
    // The file by its own name.
    let (_, modules) = build(&[&brought.folder]);
    assert_eq!(surroundings.ok(&["load", text(&modules[0])]), "with_dash is loaded\n");
    surroundings.ok(&["unload", "with-dash"]);
}

/// A lab for the module with parameters of every kind.
struct Every {
    brought: Brought,
    surroundings: Surroundings,
}

impl Every {
    fn new() -> Self {
        let (brought, surroundings) = (Brought::new("every-parameter"), Surroundings::new());
        surroundings.up(&[]);
        Self { brought, surroundings }
    }

    fn load(&self, parameters: &[&str]) -> Said {
        let mut arguments = vec!["load", text(&self.brought.folder)];
        arguments.extend(parameters);
        self.surroundings.run(&arguments)
    }

    /// What the module says of its parameters once it is loaded with these.
    fn loaded(&self, parameters: &[&str]) -> String {
        let said = self.load(parameters);
        assert_eq!(said.status, 0, "{parameters:?}: {}", said.err);
        self.words_and_unload()
    }

    fn words_and_unload(&self) -> String {
        let log = self.surroundings.ok(&["kmsg"]);
        let line = log.lines().rfind(|line| line.contains("two_words")).expect("it speaks");
        self.surroundings.ok(&["unload", "every"]);
        line.to_owned()
    }

    /// Parameters that the kernel refuses, and what it is heard to say.
    fn refused(&self, parameters: &[&str], words: &str) {
        let said = self.load(parameters);
        assert_ne!(said.status, 0, "{parameters:?}");
        assert!(said.err.contains(words), "{parameters:?}: {}", said.err);
        let modules = self.surroundings.ok(&["modules"]);
        assert!(!modules.contains("every"), "{modules}");
    }
}

#[test]
fn parameters_are_taken_as_insmod_takes_them() {
    let every = Every::new();
    // One that the file does not describe, and a flag without a value.
    assert!(every.loaded(&["level=3"]).contains("level 3 "));
    assert!(every.loaded(&["verbose"]).contains("verbose 1 "));
    assert!(every.loaded(&["two-words=4", "--", "a=2"]).contains(" a 2 "));
    for (given, stored) in [
        ("who=\"two words\"", "who <two words>"),
        ("who=two words", "who <two words>"),
        ("who=", "who <>"),
        ("who= x", "who < x>"),
        ("list=1,2", "list 2"),
        ("big=0x10", "big 16"),
    ] {
        let words = every.loaded(&[given]);
        assert!(words.contains(stored), "{given}: {words}");
    }
    assert!(every.loaded(&["a=1 who=x"]).contains(" a 1 tag <none> big 0 who <x>"));
}

#[test]
fn what_the_kernel_refuses_or_ignores_is_told_in_its_own_words() {
    let every = Every::new();
    every.refused(&["big=-1"], "`-1' invalid for parameter `big'");
    every.refused(&["a=0x1z"], "`0x1z' invalid for parameter `a'");
    every.refused(&["tag=0123456789abcdefgh"], "too large for parameter `tag'");
    every.refused(&["list=1,2,3,4"], "can only take 3 arguments");
    every.refused(&["who=\"x", "a=1"], "a quote that is not closed");
    // Two parameters are taken, and one is not known.
    let said = every.load(&["a=1 who=x y"]);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("every is loaded, but"), "{}", said.err);
    assert!(said.err.contains("unknown parameter 'y' ignored"), "{}", said.err);
    let words = every.words_and_unload();
    assert!(words.contains(" a 1 ") && words.contains("who <x>"), "{words}");
    let said = every.load(&["a=1", "--", "--", "b=2"]);
    assert!(said.err.contains("'b=2' after `--' ignored"), "{}", said.err);
    every.words_and_unload();
}

#[test]
fn a_loaded_modules_parameters_are_set_or_it_is_said_that_they_cannot_be() {
    let every = Every::new();
    assert_eq!(every.load(&[]).status, 0);
    for (name, value) in [("who", "x"), ("big", "1")] {
        let said = every.surroundings.run(&["set", "every", name, value]);
        assert_eq!(said.status, 1, "{name}");
        assert!(said.err.contains("it is read-only"), "{}", said.err);
        assert!(!said.err.contains("only root"), "{}", said.err);
    }
    every.surroundings.ok(&["set", "every", "two-words", "3"]);
    every.surroundings.ok(&["set", "every", "level", "-7"]);
    let detail = every.surroundings.ok(&["modules", "every"]);
    assert!(detail.contains("two_words = 3 (writable)"), "{detail}");
    assert!(detail.contains("level = -7 (writable)"), "{detail}");
    let said = every.surroundings.run(&["set", "every", "a", "many"]);
    assert!(said.err.contains("(EINVAL)"), "{}", said.err);
}

#[test]
fn a_module_that_needs_what_the_kernel_is_built_without_is_told_so() {
    let brought = Brought::new("needs-gpio-when-loaded");
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    let said = surroundings.run(&["load", text(&brought.folder)]);
    assert_eq!(said.status, 1, "{}", said.out);
    assert!(
        said.err.contains("load module blinks: Function not implemented (ENOSYS)"),
        "{}",
        said.err
    );
    assert!(said.err.contains("is built without"), "{}", said.err);
    assert!(said.err.contains("ringside kernel options WORD"), "{}", said.err);
}

#[test]
fn what_a_module_depends_on_is_loaded_before_it() {
    let brought = Brought::new("two-that-belong-together");
    // Names and a symbol that no other test has.
    let number = std::process::id();
    let [giver, taker] = [format!("giver{number}"), format!("taker{number}")];
    for name in ["giver", "taker"] {
        let folder = brought.folder.join(name);
        let source = fs::read_to_string(folder.join(format!("{name}.c"))).expect("our source");
        let source = source.replace("giver_number", &format!("number_of_{number}"));
        fs::write(folder.join(format!("{name}{number}.c")), source).expect("our source");
        let kbuild = format!("obj-m += {name}{number}.o\n");
        fs::write(folder.join("Kbuild"), kbuild).expect("a Kbuild");
    }
    let [giver_folder, taker_folder] = ["giver", "taker"].map(|name| brought.folder.join(name));
    let (_, modules) = build(&[&giver_folder, &taker_folder]);
    assert_eq!(names(&modules), [format!("{giver}.ko"), format!("{taker}.ko")]);
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    for named in [taker.as_str(), text(&taker_folder), text(&modules[1])] {
        let said = surroundings.run(&["load", named]);
        assert_eq!(said.out, format!("{giver} is loaded\n{taker} is loaded\n"), "{}", said.err);
        assert!(said.err.contains(&format!("{taker} needs {giver}")), "{}", said.err);
        surroundings.ok(&["unload", &taker]);
        // What is loaded already is not loaded again.
        assert_eq!(surroundings.ok(&["load", named]), format!("{taker} is loaded\n"));
        surroundings.ok(&["unload", &taker]);
        surroundings.ok(&["unload", &giver]);
    }
}

#[test]
fn packed_files_are_loaded_as_they_are() {
    let brought = Brought::new("touched-by-make");
    let (_, modules) = build(&[&brought.folder]);
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    for (program, end) in [("gzip", "gz"), ("xz", "xz"), ("zstd", "zst")] {
        let Ok(packed) = Command::new(program).arg("-c").arg(&modules[0]).output() else {
            // Set-up installs the first two, since kernel sources come packed.
            assert_eq!(program, "zstd");
            continue;
        };
        let file = surroundings.path().join(format!("plain.ko.{end}"));
        fs::write(&file, packed.stdout).expect("a file");
        assert_eq!(surroundings.ok(&["load", text(&file)]), "plain is loaded\n");
        surroundings.ok(&["unload", "plain"]);
    }
    let damaged = surroundings.path().join("damaged.ko.gz");
    fs::write(&damaged, [0x1f, 0x8b, 8, 0, 0]).expect("a file");
    let said = surroundings.run(&["load", text(&damaged)]);
    assert!(said.err.contains("is packed with gzip and can't be unpacked"), "{}", said.err);
}

#[test]
fn what_can_hold_no_module_is_refused_at_once() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    let fifo = surroundings.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    let empty = surroundings.path().join("empty");
    fs::create_dir(&empty).expect("a folder");
    for (what, why) in [
        (text(&fifo), "is a pipe (FIFO), not a file"),
        ("/dev/zero", "is a device, not a file"),
        (text(&empty), "it has no Kbuild file and no Makefile"),
        ("never-built", "none of that name was built here"),
    ] {
        let said = surroundings.run(&["load", what]);
        assert_eq!(said.status, 1, "{what}");
        assert!(said.err.contains(why), "{what}: {}", said.err);
    }
}

#[test]
fn a_module_that_oopsed_is_another_than_the_one_loaded_after_it() {
    let brought = Brought::new("oopses-in-a-thread");
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    surroundings.ok(&["load", text(&brought.folder)]);
    let state = || surroundings.ok(&["modules", "thread_oops"]);
    let start = Instant::now();
    while !state().contains("oopsed: unusable until a reboot") {
        assert!(start.elapsed() < Duration::from_secs(60), "{}", surroundings.ok(&["kmsg"]));
    }
    surroundings.ok(&["unload", "thread_oops"]);
    surroundings.ok(&["load", text(&brought.folder), "quiet=1"]);
    assert!(state().contains("state       Live\n"), "{}", state());
}
