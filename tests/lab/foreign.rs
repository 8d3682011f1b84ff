// SPDX-License-Identifier: MIT OR Apache-2.0
//! Modules in C that bear the names of ours: what the old contract covers works,
//! and what can't be seen is said.

use std::fs;
use std::path::Path;

use ringside::lab::modules;

use super::brought::{Brought, build};
use super::surroundings::{Said, Surroundings};

/// A lab with a student's module loaded.
fn lab_with(name: &str, parameters: &[&str]) -> Surroundings {
    let brought = Brought::new(&format!("{name}-of-a-student"));
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    let mut arguments = vec!["load", brought.folder.to_str().expect("UTF-8")];
    arguments.extend(parameters);
    surroundings.ok(&arguments);
    let detail = surroundings.ok(&["modules", name]);
    assert!(detail.contains("not ours"), "{detail}");
    surroundings
}

fn refused(said: &Said, words: &[&str]) {
    assert_eq!(said.status, 1, "{}", said.out);
    for words in words {
        assert!(said.err.contains(words), "{words}: {}", said.err);
    }
}

#[test]
fn a_students_memalloc_is_driven_by_the_old_contract() {
    let surroundings = lab_with("memalloc", &[]);
    let counters = surroundings.run(&["counters", "memalloc"]);
    refused(&counters, &["is not Ringside's, so it has no counters"]);
    let told = surroundings.ok(&[
        "mem",
        "alloc 0x400000000000 2 rw",
        "write 0x400000000000 hello",
        "read 0x400000000000 5",
        "share 0x400000000000 2 rw",
        "subject 2",
        "access 0x500000000000",
        "read 0x500000000000 5",
        "write 0x500000000000 there",
        "subject 1",
        "read 0x400000000000 5",
        "free 0x400000000000",
    ]);
    assert_eq!(told.matches("hello").count(), 3, "{told}");
    assert!(told.contains("7468657265  there"), "{told}");
    let alloc = "alloc 0x400000000000 1 ro";
    let walk = surroundings.run(&["mem", alloc, "walk 0x400000000000"]);
    refused(&walk, &["is not Ringside's, so it has no WALK", "alloc, free, read, write, share"]);
    let dead = surroundings.run(&["mem", alloc, "write 0x400000000000 x"]);
    refused(&dead, &["SIGSEGV"]);
    surroundings.ok(&["unload", "memalloc"]);
}

#[test]
fn a_students_kmod_reads_and_writes_at_every_place_that_its_contract_reaches() {
    let surroundings = lab_with("kmod", &[]);
    assert_eq!(
        surroundings.ok(&["block", "write", "--offset", "4096", "--text", "hello"]),
        "5 bytes written\n"
    );
    assert_eq!(surroundings.ok(&["block", "read", "--offset", "4096", "--size", "5"]), "hello");
    surroundings.ok(&["block", "write", "--offset", "100", "--seek", "--text", "a"]);
    surroundings.ok(&["block", "write", "--text", "b"]);
    assert_eq!(surroundings.ok(&["block", "read", "--offset", "100", "--size", "2"]), "ab");
    let here = "`ringside block read` and `write` work";
    refused(&surroundings.run(&["block", "info"]), &["has no INFO", here]);
    refused(&surroundings.run(&["block", "sync"]), &["has no SYNC", here]);
    let far = surroundings.run(&["block", "read", "--offset", "0x100000000", "--size", "1"]);
    refused(&far, &["beyond 4 GiB"]);
    surroundings.ok(&["unload", "kmod"]);
}

#[test]
fn a_students_threads_are_listed_with_what_they_wait_for() {
    let surroundings = lab_with("producer_consumer", &["prod=2", "cons=1", "size=1"]);
    let counters = surroundings.run(&["counters", "producer_consumer"]);
    refused(&counters, &["is not Ringside's, so it has no counters"]);
    let detail = surroundings.ok(&["modules", "producer_consumer"]);
    let thread = |name: &str| {
        let line = detail.lines().find(|line| line.contains(name));
        line.unwrap_or_else(|| panic!("{name}: {detail}"))
    };
    // There is one place, and its consumer is slow. Whether the semaphore's function
    // stands in the stack is the compiler's affair.
    for name in ["Producer-1", "Producer-2"] {
        let line = thread(name);
        let waits = ["sleeping in down_interruptible", "sleeping in produce"];
        assert!(waits.iter().any(|words| line.ends_with(words)), "{line}");
    }
    assert!(thread("Consumer-1").starts_with("thread "), "{detail}");
    surroundings.ok(&["unload", "producer_consumer"]);
}

#[test]
fn the_build_that_is_loaded_is_found_also_when_another_is_newer() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    let release = surroundings.ok(&["exec", "--lab", "1", "--", "uname", "-r"]);
    let release = release.trim();
    let id = |name: &str| {
        let detail = surroundings.ok(&["modules", name, "--json"]);
        let detail: serde_json::Value = serde_json::from_str(&detail).expect("JSON");
        detail["module"]["summary"]["build_id"].as_str().expect("a build id").to_owned()
    };
    let name = format!("twin{}", std::process::id());
    let folder = |words: &str| {
        let brought = Brought::new("dash-in-name");
        let source = brought.folder.join("with-dash.c");
        let text = fs::read_to_string(&source).expect("our source").replace("a dash", words);
        fs::write(brought.folder.join(format!("{name}.c")), text).expect("a source");
        let kbuild = format!("obj-m += {name}.o\n");
        fs::write(brought.folder.join("Kbuild"), kbuild).expect("a Kbuild");
        brought
    };
    let (old, new) = (folder("the old one"), folder("the new one"));
    let (_, old_file) = build(&[&old.folder]);
    let image = |file: &Path| fs::read(file).expect("a module");
    let found = |id: &str| image(&modules::loaded(release, &name, Some(id)).expect("its build"));
    surroundings.ok(&["load", old_file[0].to_str().expect("UTF-8")]);
    let (_, new_file) = build(&[&new.folder]);
    let loaded = id(&name);
    assert!(found(&loaded) == image(&old_file[0]), "it is the old one");
    // Nobody knows which of two it was; and the newest is not simply taken for it.
    let several = modules::loaded(release, &name, None).expect_err("there are two");
    assert!(several.contains("2 builds of module"), "{several}");
    surroundings.ok(&["unload", &name]);
    surroundings.ok(&["load", &name]);
    let new_image = image(&new_file[0]);
    assert!(found(&id(&name)) == new_image, "it is the new one");
    // Also once it is built again.
    let source = new.folder.join(format!("{name}.c"));
    let text = fs::read_to_string(&source).expect("a source").replace("new one", "newest one");
    fs::write(&source, text).expect("a source");
    build(&[&new.folder]);
    assert!(image(&new_file[0]) != new_image, "it was built again");
    assert!(found(&id(&name)) == new_image, "the one that is loaded");
    let strange = modules::loaded(release, &name, Some("00ff")).expect_err("nobody built it");
    assert!(strange.contains("or loaded from elsewhere"), "{strange}");
}
