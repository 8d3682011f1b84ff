// SPDX-License-Identifier: MIT OR Apache-2.0
//! A module that oopses: what the dashboard makes of it, on a real kernel.

use std::path::Path;
use std::process::Command;

use super::dashboard::start;
use super::runtime::Runtime;

const RINGSIDE: &str = env!("CARGO_BIN_EXE_ringside");

/// The file of a module in `tests/broken/`, built for the kernel under test.
fn broken(module: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/broken");
    let output = Command::new(RINGSIDE).arg("build").arg(folder).output().expect("ringside starts");
    let built = String::from_utf8_lossy(&output.stdout).into_owned();
    let file = format!("/{module}.ko");
    let path = built.lines().find(|line| line.ends_with(&file));
    path.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr))).to_owned()
}

#[test]
fn an_oops_is_folded_with_its_reason_its_function_and_its_callers() {
    let module = broken("broken_null");
    let runtime = Runtime::new();
    let mut session = start(&runtime, (40, 130), &[]);
    session.keys("7");
    session.wait_for("Every module of this kernel");
    session.keys("L");
    session.wait_for("Load a module");
    session.keys(&format!("{module}\r"));
    session.wait_until("the form, with the file read", |screen| {
        screen.contains("Load broken_null")
            && screen.contains("[Enter go]")
            && !screen.contains("reading")
    });
    session.keys("\r");
    // The thread that loaded it is dead, and the request is not pending for ever.
    session.wait_for("the kernel oopsed while it did that");
    // The message's own way to the log.
    session.keys("6");
    session.wait_for("What the kernel says");
    session.keys("w");
    session.wait_until("one line that says what and where", |screen| {
        screen.lines().any(|line| {
            // KASAN notices it before the processor does.
            (line.contains("NULL pointer dereference") || line.contains("general protection"))
                && line.contains("in broken_put")
                && line.contains(" lines")
        })
    });
    session.keys("\t");
    session.wait_for("reason    ");
    session.wait_for("function  broken_put");
    session.wait_for("called by broken_");
    session.wait_for("do_init_module+0x");
    // Modules have debug information on either kernel, the kernel on one of them.
    session.wait_for("tests/broken/broken_null.c:14");
    if std::env::var("RINGSIDE_KERNEL").is_ok_and(|flavour| flavour == "debug") {
        session.wait_for("kernel/module/main.c:");
    }
    session.keys("!");
    session.wait_for("Crash the kernel?");
    session.keys("y");
    session.wait_for("sysrq triggered crash");
    // After an oops, a panic says no more of itself.
    session.wait_for("after ");
    session.wait_for("in broken_put");
    session.wait_for("by broken_");
    session.keys("q");
    assert!(session.wait().success());
}
