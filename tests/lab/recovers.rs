// SPDX-License-Identifier: MIT OR Apache-2.0
//! What others did to the folders, files and processes of a lab is got over: the
//! next command works, or says what is in its way, and nothing is left behind.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ringside::kernel::api::LabStatus;
use ringside::lab::flavour::Flavour;
use ringside::lab::progress::Event;
use ringside::lab::{linux, modules};

use super::random::Random;
use super::surroundings::{Said, Surroundings, states};

/// How long an interrupted program may take to end.
const ENDS_WITHIN: Duration = Duration::from_secs(120);

/// A number from the environment, for whoever has more time than CI.
fn number(variable: &str, default: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.map_or(default, |text| text.parse().expect("the variable holds a number"))
}

/// The processes that were started in these surroundings and still run.
fn processes(surroundings: &Surroundings) -> Vec<String> {
    let mark = format!("XDG_RUNTIME_DIR={}", surroundings.path().display());
    let entries = fs::read_dir("/proc").expect("/proc can be read").flatten();
    let ours = entries.filter(|entry| {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    });
    ours.map(|entry| fs::read_to_string(entry.path().join("comm")).unwrap_or_default()).collect()
}

/// Waits until none of them runs any more.
fn expect_no_process(surroundings: &Surroundings) {
    let start = Instant::now();
    loop {
        let left = processes(surroundings);
        if left.is_empty() {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{left:?} live on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Every file below `folder`.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                found.insert(entry.path());
            }
        }
    }
    found
}

#[test]
fn a_runtime_folder_that_is_somebody_elses_or_no_folder_is_refused_until_it_is_gone() {
    let surroundings = Surroundings::new();
    let folder = surroundings.labs_folder();
    let elsewhere = surroundings.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("it can be made");
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o700)).expect("it is ours");
    let refused = |what: &str| {
        for arguments in [&["up"][..], &["labs"], &["modules"], &["down", "--all"]] {
            let said = surroundings.run(arguments);
            assert_eq!(said.status, 1, "{what}, {arguments:?}: {}", said.err);
            let named = said.err.contains(folder.to_str().expect("UTF-8"));
            assert!(named && said.err.contains("mode 0700"), "{what}: {}", said.err);
        }
    };
    symlink(&elsewhere, &folder).expect("it can be made");
    refused("a link to a folder");
    assert!(files(&elsewhere).is_empty(), "nothing is made behind the link");
    fs::remove_file(&folder).expect("it is ours");
    symlink("/nowhere", &folder).expect("it can be made");
    refused("a link to nothing");
    fs::remove_file(&folder).expect("it is ours");
    fs::write(&folder, "").expect("it can be made");
    refused("a file");
    fs::remove_file(&folder).expect("it is ours");
    assert_eq!(surroundings.up(&[]).id, "1");
}

#[test]
fn a_lab_takes_no_number_whose_folder_is_something_else() {
    let surroundings = Surroundings::new();
    // Makes the folder with the right mode.
    surroundings.ok(&["labs"]);
    let folder = surroundings.labs_folder();
    let elsewhere = surroundings.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("it can be made");
    fs::write(elsewhere.join("socket"), "mine").expect("it can be written");
    fs::write(folder.join("1"), "a file").expect("it can be made");
    symlink(&elsewhere, folder.join("2")).expect("it can be made");
    symlink("/nowhere", folder.join("3")).expect("it can be made");
    assert_eq!(surroundings.ok(&["labs", "--json"]).trim(), "[]");
    let status = surroundings.up(&[]);
    assert_eq!(status.id, "4");
    surroundings.ok(&["exec", "--lab", "4", "--", "true"]);
    surroundings.ok(&["modules"]);
    surroundings.ok(&["down"]);
    // What is not ours stays as it was.
    assert_eq!(fs::read_to_string(folder.join("1")).expect("it is there"), "a file");
    assert_eq!(fs::read_to_string(elsewhere.join("socket")).expect("it is there"), "mine");
}

/// A module as it was built, and the ways in which it can have been mutilated.
fn mutilated(whole: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for part in [0, 1, 2, 4, 7, 9] {
        found.push((format!("{part} tenths of it"), whole[..whole.len() * part / 10].to_vec()));
    }
    found.push(("all but its last byte".into(), whole[..whole.len() - 1].to_vec()));
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = whole.to_vec();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    // The fields of an ELF header, by their place in it.
    found.push(("another magic number".into(), with(0, b"\x7fELG")));
    found.push(("32 bits".into(), with(4, &[1])));
    found.push(("an executable".into(), with(16, &2u16.to_le_bytes())));
    found.push(("another machine's code".into(), with(18, &183u16.to_le_bytes())));
    found.push(("section headers beyond its end".into(), with(40, &u64::MAX.to_le_bytes())));
    found.push(("section headers of no size".into(), with(58, &0u16.to_le_bytes())));
    found.push(("65,535 sections".into(), with(60, &u16::MAX.to_le_bytes())));
    found.push(("section names nowhere".into(), with(62, &u16::MAX.to_le_bytes())));
    let sections = u64::from_le_bytes(whole[40..48].try_into().expect("8 bytes")) as usize;
    let size = whole.len() - sections;
    found.push(("section headers of zeros".into(), with(sections, &vec![0; size])));
    found.push(("section headers of ones".into(), with(sections, &vec![0xff; size])));
    found.push(("zeros behind its header".into(), with(64, &vec![0; whole.len() - 64])));
    found
}

#[test]
fn a_mutilated_module_is_refused_and_leaves_guest_and_module_as_they_were() {
    let surroundings = Surroundings::new();
    let flavour = Flavour::from_environment().expect("RINGSIDE_KERNEL names a kernel");
    let kernel = linux::ensure(flavour, &mut |_: Event| {}).expect("the kernel is built");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/lab/folders/touched-by-make");
    let built = modules::build(&kernel, &source, &mut |_: Event| {}).expect("the module builds");
    let whole = fs::read(built.first().expect("it is one")).expect("it can be read");
    let status = surroundings.up(&[]);
    let file = surroundings.path().join("plain.ko");
    let path = file.to_str().expect("UTF-8");
    for (how, bytes) in mutilated(&whole) {
        fs::write(&file, bytes).expect("it can be written");
        let said = surroundings.run(&["load", path]);
        assert_eq!(said.status, 1, "{how}: {}{}", said.out, said.err);
        assert!(
            said.err.starts_with("error: ") && said.err.contains("plain"),
            "{how}: {}",
            said.err
        );
        assert_eq!(surroundings.ok(&["modules", "--json"]).trim(), "[]", "{how}");
    }
    fs::write(&file, &whole).expect("it can be written");
    surroundings.ok(&["load", path]);
    surroundings.ok(&["unload", "plain"]);
    let now = surroundings.lab("1").status().expect("the lab runs");
    assert_eq!((now.qemu_pid, now.generation), (status.qemu_pid, status.generation));
}

#[test]
fn a_built_module_that_was_damaged_in_the_cache_is_built_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("Kbuild"), "obj-m += plain.o\n").expect("it can be written");
    let source = "tests/lab/folders/touched-by-make/plain.c";
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(source);
    fs::copy(source, folder.path().join("plain.c")).expect("it can be copied");
    let flavour = Flavour::from_environment().expect("RINGSIDE_KERNEL names a kernel");
    let kernel = linux::ensure(flavour, &mut |_: Event| {}).expect("the kernel is built");
    let build = || {
        let built = modules::build(&kernel, folder.path(), &mut |_: Event| {});
        built.expect("the module builds").remove(0)
    };
    let file = build();
    let whole = fs::read(&file).expect("it can be read");
    let time = fs::metadata(&file).expect("it is there").modified().expect("it has a time");
    // As a failing disk does it: nothing shows but the bytes.
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 0x40;
    fs::write(&file, damaged).expect("it can be written");
    let open = fs::File::options().write(true).open(&file).expect("it opens");
    open.set_modified(time).expect("it is ours");
    assert_eq!(fs::read(build()).expect("it can be read"), whole);
}

#[test]
fn garbage_in_place_of_a_saved_machine_is_replaced_by_a_boot() {
    let surroundings = Surroundings::with_empty_cache();
    surroundings.ok(&["exec", "--", "true"]);
    let state = states(&surroundings).pop().expect("the guest was saved");
    let whole = fs::metadata(&state).expect("it is there").len();
    for (what, garbage) in
        [("nothing", vec![]), ("zeros", vec![0; 1 << 20]), ("text", b"QEVM".repeat(999))]
    {
        fs::write(&state, garbage).expect("it can be written");
        surroundings.ok(&["exec", "--", "true"]);
        let again = fs::metadata(&state).expect("it was saved again").len();
        assert!(again > whole / 2, "{what}: {again} bytes after {whole}");
    }
    // What can't be replaced is no reason not to boot.
    fs::remove_file(&state).expect("it is ours");
    fs::create_dir_all(state.join("not/empty")).expect("it can be made");
    surroundings.ok(&["exec", "--", "true"]);
    fs::remove_dir_all(&state).expect("it is ours");
    symlink("/dev/zero", &state).expect("it can be made");
    surroundings.ok(&["exec", "--", "true"]);
    assert!(surroundings.up(&[]).resumed, "a whole one is in its place");
}

#[test]
fn ten_labs_that_start_at_once_get_ten_numbers_and_ten_guests() {
    let surroundings = Surroundings::new();
    let started: Vec<Child> = (0..10)
        .map(|_| {
            let mut command = surroundings.command(&["up", "--json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("ringside starts")
        })
        .collect();
    let labs: Vec<LabStatus> = started
        .into_iter()
        .map(|up| {
            let said = Said::from(up.wait_with_output().expect("it is our child"));
            assert_eq!(said.status, 0, "{}", said.err);
            serde_json::from_str(&said.out).expect("a status in JSON")
        })
        .collect();
    let ids: BTreeSet<u32> = labs.iter().map(|lab| lab.id.parse().expect("a number")).collect();
    assert_eq!(ids, (1..=10).collect());
    let qemus: BTreeSet<_> = labs.iter().map(|lab| lab.qemu_pid).collect();
    assert_eq!(qemus.len(), 10);
    assert!(labs.iter().all(|lab| lab.stick_plugged), "{labs:?}");
    for id in &ids {
        let id = id.to_string();
        let name = surroundings.ok(&["exec", "--lab", &id, "--", "echo", "lab", &id]);
        assert_eq!(name, format!("lab {id}\n"));
    }
    surroundings.ok(&["down", "--all"]);
    assert!(surroundings.left().is_empty(), "{:?}", surroundings.left());
    expect_no_process(&surroundings);
}

#[test]
fn an_exec_that_is_interrupted_at_any_moment_ends_and_leaves_nothing() {
    let surroundings = Surroundings::with_empty_cache();
    surroundings.ok(&["exec", "--", "true"]);
    let before = files(surroundings.cache());
    let mut random = Random::new();
    println!("RINGSIDE_SEED={}", random.seed());
    let start = Instant::now();
    surroundings.ok(&["exec", "--", "true"]);
    // From before its first line to after the last.
    let whole = start.elapsed().as_micros() as usize * 3 / 2;
    for round in 0..number("RINGSIDE_INTERRUPTS", 25) {
        let signals = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];
        let signal = signals[random.below(signals.len())];
        let moment = Duration::from_micros(random.below(whole) as u64);
        let mut exec = surroundings
            .command(&["exec", "--", "true"])
            .stderr(Stdio::null())
            .spawn()
            .expect("ringside starts");
        std::thread::sleep(moment);
        // It may have ended before.
        let _ = kill(Pid::from_raw(exec.id() as i32), signal);
        let start = Instant::now();
        while exec.try_wait().expect("it is our child").is_none() {
            if start.elapsed() > ENDS_WITHIN {
                exec.kill().expect("it is our child");
                panic!("round {round}: {signal} after {moment:?} did not end it");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        expect_no_process(&surroundings);
        assert!(surroundings.left().is_empty(), "{signal} after {moment:?}");
        assert_eq!(files(surroundings.cache()), before, "{signal} after {moment:?}");
    }
    surroundings.ok(&["exec", "--", "true"]);
}

#[test]
fn many_execs_one_after_another_all_work_and_leave_nothing() {
    let surroundings = Surroundings::new();
    for round in 1..=number("RINGSIDE_EXECS", 20) {
        let said = surroundings.ok(&["exec", "--", "echo", &round.to_string()]);
        assert_eq!(said, format!("{round}\n"));
    }
    assert!(surroundings.left().is_empty(), "{:?}", surroundings.left());
    expect_no_process(&surroundings);
}
