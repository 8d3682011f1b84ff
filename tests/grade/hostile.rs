// SPDX-License-Identifier: MIT OR Apache-2.0
//! Submissions that mean harm: whatever they do costs their own tests, says why, and
//! reaches nothing beyond their guest.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::submissions::{copy, grade, reason, top};
use super::surroundings::Surroundings;

/// What a hostile program leaves wherever it can write.
const MARK: &str = "ringside-was-here";

fn hostile() -> PathBuf {
    top().join("tests/grade/hostile")
}

/// How a verdict names the line of a file that has this text.
fn at_line(file: &str, text: &str) -> String {
    let path = hostile().join(file);
    let lines = fs::read_to_string(&path).expect("a file");
    let line = lines.lines().position(|line| line.contains(text)).expect("the line") + 1;
    let name = path.file_name().expect("a name").to_string_lossy();
    format!(", at {name}:{line}")
}

fn outcome(graded: &serde_json::Value, test: &str) -> String {
    let verdicts = graded["verdicts"].as_array().expect("verdicts");
    let verdict = verdicts.iter().find(|one| one["test"] == test).expect("there is such a test");
    verdict["outcome"].as_str().expect("text").to_owned()
}

pub fn what_a_module_or_program_does_costs_its_own_test_and_says_why() {
    let at = Surroundings::new();
    let folder = at.path().join("mallory");
    copy(&hostile().join("modules"), &folder);
    let (said, graded) = grade(&at, &hostile().join("spec.toml"), &[&folder], &["-j", "1"]);
    let graded = &graded[0];
    // KASAN looks at the address before the processor does.
    let reported = match super::kernel() == "debug" {
        true => "the kernel reported: Oops: general protection fault",
        false => "the kernel reported: BUG: ",
    };
    let reasons = [
        ("hangs", "load hostile how=hangs: it had not ended when the limit of 8 s was over"),
        ("stays", "unload hostile: it had not ended when the limit of 10 s was over"),
        // It may not even answer that the module is loaded.
        ("floods", ""),
        ("kills", "the agent has ended and was started again"),
        ("forges", "the kernel's log lacks \"innocent: at your service\""),
        ("faults", reported),
        ("faults", &at_line("modules/hostile.c", "*(volatile int *)NULL = 1;")),
        ("restarts", "the guest is powered off"),
        ("eats", "memory"),
        ("sysrq", "Kernel panic - not syncing: sysrq triggered crash"),
        ("agent", "the agent has ended and was started again"),
        ("log", "the kernel's log lacks \"innocent: at your service\""),
        ("prints", "./program prints: it had not ended when the limit of 10 s was over"),
    ];
    let wrong: Vec<_> = reasons
        .into_iter()
        .filter(|(test, words)| {
            outcome(graded, test) != "failed" || !reason(graded, test).contains(words)
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:?} of {}{}", said.out, said.err);
    for test in ["looks", "innocent"] {
        assert_eq!(outcome(graded, test), "passed", "{test}: {}", reason(graded, test));
    }
    assert_eq!(graded["points"], 6.0);
    for place in ["/", "/usr", "/etc", "/tmp", "/bin", "/lib"] {
        assert!(!Path::new(place).join(MARK).exists(), "{place}");
    }
}

pub fn what_a_build_does_stays_in_its_guest_and_says_why() {
    let at = Surroundings::new();
    let make = |name: &OsStr, kbuild: &str| {
        let folder = at.path().join(name);
        copy(&hostile().join("builds"), &folder);
        fs::remove_file(folder.join("spec.toml")).expect("it was copied");
        fs::write(folder.join("Kbuild"), format!("{kbuild}\nobj-m := a.o\n")).expect("a file");
        folder
    };
    let looks = "$(shell echo x > /usr/ringside-was-here)\n$(error home [$(shell ls -A /home /root)] \
                 net [$(shell ls /sys/class/net)] shadow [$(shell ls /etc/shadow)])";
    let submissions = [
        make(OsStr::new("crashes"), "$(shell echo c > /proc/sysrq-trigger)"),
        make(OsStr::new("fills"), "$(shell cat /dev/zero > big)"),
        make(OsStr::new("kills"), "$(shell kill -9 -1)"),
        make(OsStr::new("looks"), looks),
        make(OsStr::new("prints"), "$(shell yes so many lines that say nothing >&2)"),
    ];
    let spec = hostile().join("builds/spec.toml");
    let folders: Vec<&Path> = submissions.iter().map(|folder| &**folder).collect();
    let (said, graded) = grade(&at, &spec, &folders, &["-j", "2"]);
    let reasons = [
        (0, "failed", "Kernel panic - not syncing: sysrq triggered crash"),
        (1, "failed", "No space left on device"),
        (2, "failed", "its build ended the guest: the agent has ended and was started again"),
        (3, "failed", "net [lo] shadow []"),
        (3, "failed", "ls: cannot access '/home'"),
        (4, "failed", "its build had not ended after 60 s"),
    ];
    let wrong: Vec<_> = reasons
        .into_iter()
        .filter(|(number, word, words)| {
            let graded = &graded[*number];
            outcome(graded, "load") != *word || !reason(graded, "load").contains(words)
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:?} of {}{}", said.out, said.err);
    assert!(!Path::new("/usr").join(MARK).exists());
}

pub fn a_name_that_is_no_text_is_no_obstacle_and_moves_no_cursor() {
    let at = Surroundings::new();
    let folder = at.path().join(OsStr::from_bytes(b"odd \xff\x1b[2J"));
    copy(&hostile().join("builds"), &folder);
    fs::write(folder.join("Kbuild"), "obj-m := a.o\n").expect("a file");
    fs::write(folder.join(OsStr::from_bytes(b"\xfe.c")), "int odd;").expect("a file");
    let spec = at.path().join("spec.toml");
    let text = fs::read_to_string(hostile().join("builds/spec.toml")).expect("a file");
    fs::write(&spec, text.replace("time_limit = 60", "time_limit = 900")).expect("a file");
    let (said, graded) = grade(&at, &spec, &[&folder], &[]);
    assert_eq!(outcome(&graded[0], "load"), "passed", "{}{}", said.out, said.err);
    assert!(!said.err.contains("\u{1b}[2J"), "{}", said.err);
}
