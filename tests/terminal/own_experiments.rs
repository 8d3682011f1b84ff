// SPDX-License-Identifier: MIT OR Apache-2.0
//! Experiments of one's own: what they may do, and what is said where it goes wrong.

use std::path::Path;

use super::experiments::{Student, panel, printed};
use super::runtime::Runtime;

#[test]
fn one_of_ones_own_has_the_steps_of_judging() {
    let runtime = Runtime::new();
    let file = Path::new(runtime.folder()).join("lesson.toml");
    let lesson = r#"
title = "All steps"
about = "What is judged can be shown"

[[step]]
load = { module = "my_name", parameters = "charParameter=Fall intParameter=1999" }

[[step]]
log = { text = { matches = ['a student of CSE330 Fall 1999$'] } }

[[step]]
file = { path = "/sys/module/my_name/counters/greetings", is = ">= 1" }

[[step]]
set = { module = "my_name", control = "nothing", value = "1", refused = "ENOENT" }

[[step]]
run = { command = ["sh", "-c", "read word; echo got $word; echo no >&2; exit 3"], input = "it\n", status = 3, stdout = { is = "got it" }, stderr = { contains = ["no"] } }

[[step]]
peek = { path = "/proc/version", is = "Linux version 7" }

[[step]]
processes = { name = "kthreadd", count = "== 1" }

[[step]]
say = "It printed {run.printed} and ended with {run.status}."

[[step]]
run = { command = ["true"], status = 1 }

[[step]]
say = "Not reached before it is tried again."
"#;
    let crash = r#"
title = "A crash"
about = "What is left of a kernel"

[[step]]
crash = {}

[[step]]
log = { text = { contains = ["sysrq triggered crash"] } }

[[step]]
say = "It is dead."
"#;
    std::fs::write(&file, lesson).expect("there is room");
    let mut student = Student::begins(&runtime, file.to_str().expect("a plain path"));
    student.goes_on("It printed got it and ended with 3.");
    // What is not as it must be is said, and can be tried again.
    student.session.wait_until("why it does not go on", |screen| {
        panel(screen).contains("`true` ended with status 0, and not with 1.")
            && screen.contains("Enter: try again")
    });
    student.session.keys(":experiment-leave\r");
    student.session.wait_until("no panel", |screen| !screen.contains("Experiment:"));
    assert!(student.session.quit().success());
    std::fs::write(&file, crash).expect("there is room");
    let mut student = Student::begins(&runtime, file.to_str().expect("a plain path"));
    student.reads("It is dead.");
    drop(student.session.quit());
}

/// A lesson whose steps hold what comes of them against what it wants.
const JUDGED: &str = r#"
title = "What is wanted"
about = "Refusals, bytes, deaths, and what is left"

[[step]]
load = { module = "producer_consumer", refused = "EINVAL", parameters = "size=-1" }

[[step]]
load = { module = "memalloc" }

[[step]]
memory = { action = { allocate = { at = 0x500000000000, pages = 1 } } }

[[step]]
memory = { action = { allocate = { at = 0x500000000000, pages = 1 } }, refused = "EEXIST" }

[[step]]
memory = { action = { share = { at = 0x500000000000, with = "b" } } }

[[step]]
memory = { process = "b", action = { access = { at = 0x500000000000 } } }

[[step]]
memory = { process = "b", action = { read = { at = 0x500000000000, size = 1 } }, reads = "\u0000" }

[[step]]
memory = { process = "b", action = "end" }

[[step]]
memory = { action = { write = { at = 0x500000000000, text = "x" } }, dies = true }

[[step]]
say = "Memory is as it must be."

[[step]]
unload = { module = "memalloc" }

[[step]]
load = { module = "kmod", parameters = "device=/dev/ringside-usb" }

[[step]]
block = { action = { write_offset = { offset = 512, text = "ring", times = 2 } }, moves = 8 }

[[step]]
block = { action = { read_offset = { offset = 512, size = 4 } }, reads = "ring", moves = 4 }

[[step]]
unload = { module = "kmod" }

[[step]]
run = { command = ["id", "-un"], user = "nobody", stdout = { is = "nobody" } }

[[step]]
nothing_left = { memory_kib = 32768 }

[[step]]
say = "The stick is as it must be."

[[step]]
"#;

/// What ends the lesson, and what the panel says of it: each is not as it must be.
const WRONG: [(&str, &str); 6] = [
    (
        "load = { module = \"kmod\", parameters = \"device=/dev/ringside-usb\", refused = \"EPERM\" }",
        "and not refused with EPERM",
    ),
    ("nothing_left = {}", "it leaves the device kmod, the module kmod behind"),
    (
        "block = { action = { read_offset = { offset = 512, size = 4 } }, reads = \"king\" }",
        "not what was expected",
    ),
    (
        "block = { action = { read_offset = { offset = 512, size = 4 } }, moves = 5 }",
        "it moved 4 bytes, and not 5",
    ),
    ("memory = { action = { free = { at = 0x500000000000 } } }", "memalloc is not loaded"),
    ("run = { command = [\"id\"], user = \"no-such\" }", "there is no user no-such"),
];

#[test]
fn what_judging_wants_of_a_step_is_wanted_in_ones_own_too() {
    let runtime = Runtime::new();
    let file = Path::new(runtime.folder()).join("lesson.toml");
    let path = file.to_str().expect("a plain path");
    for (index, (step, why)) in WRONG.into_iter().enumerate() {
        // The first is preceded by all that is right, the others by what they need.
        let before = match index {
            0 => JUDGED.to_owned(),
            _ => "title = \"T\"\nabout = \"A\"\n[[step]]\nload = { module = \"kmod\", parameters = \"device=/dev/ringside-usb\" }\n[[step]]\nblock = { action = { write_offset = { offset = 512, text = \"ring\" } } }\n[[step]]\n".to_owned(),
        };
        std::fs::write(&file, format!("{before}{step}\n")).expect("there is room");
        let mut student = Student::begins(&runtime, path);
        if index == 0 {
            student.goes_on("Memory is as it must be.");
            student.goes_on("The stick is as it must be.");
        }
        student.session.wait_until("why it does not go on", |screen| {
            let panel = panel(screen).split_whitespace().collect::<Vec<_>>().join(" ");
            panel.contains(why) && screen.contains("Enter: try again")
        });
        student.session.keys(":experiment-leave\r");
        student.session.wait_until("no panel", |screen| !screen.contains("Experiment:"));
        assert!(student.session.quit().success());
    }
}

#[test]
fn one_of_ones_own_is_checked_with_line_and_column_and_done() {
    let runtime = Runtime::new();
    let file = Path::new(runtime.folder()).join("lesson.toml");
    let path = file.to_str().expect("a plain path");
    let lesson = "title = \"Mine\"\nabout = \"One step\"\n\n[[step]]\nsay = \"Press {load}.\"\n";
    std::fs::write(&file, lesson.replace("say", "sya")).expect("there is room");
    let (_, err, status) = printed(&runtime, &["--check", path]);
    assert_eq!(status, Some(2));
    assert!(err.contains("lesson.toml:5:1: ") && err.contains("sya"), "{err}");
    std::fs::write(&file, lesson).expect("there is room");
    let (out, _, status) = printed(&runtime, &["--check", path]);
    assert_eq!((out.trim(), status), ("Mine: it makes sense (steps: 1, predictions: 0)", Some(0)));
    let (_, err, status) = printed(&runtime, &["no-such"]);
    assert_eq!(status, Some(2));
    assert!(err.contains("there is no experiment no-such") && err.contains("five-tables"), "{err}");
    let mut student = Student::begins(&runtime, path);
    student.goes_on("Press L.");
    student.ends("That was it.");
}
