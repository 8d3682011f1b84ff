// SPDX-License-Identifier: MIT OR Apache-2.0
//! Folders that people bring, loaded and driven from the keyboard.

use std::fs;
use std::path::{Path, PathBuf};

use super::dashboard::dashboard;
use super::runtime::{Runtime, ringside};
use super::session::Session;

const ENTER: &str = "\r";
const TAB: &str = "\t";

/// A copy of a folder of the lab's tests, in the runtime's own folder.
fn brought(runtime: &Runtime, name: &str) -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/lab/folders").join(name);
    let to = Path::new(runtime.folder()).join(name);
    fs::create_dir(&to).expect("a folder");
    for entry in fs::read_dir(from).expect("our folder").flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
    to
}

/// Types the beginning of a path into the form for what to load, and Tab.
fn load_by_tab(session: &mut Session, folder: &Path) {
    let path = folder.to_str().expect("UTF-8");
    session.keys("7");
    session.wait_for("Every module of this kernel");
    session.keys("L");
    session.wait_for("Load a module");
    session.keys(&path[..path.len() - 3]);
    session.wait_for("Tab complete");
    session.keys(TAB);
    let end = format!("{}/", &path[path.len() - 12..]);
    session.wait_for(&end);
    session.keys(ENTER);
    session.wait_until("the form, with the module built", |screen| {
        screen.contains("[Enter go]")
            && !screen.contains("Load a module")
            && !screen.contains("building")
    });
    session.keys(ENTER);
}

#[test]
fn a_folder_is_loaded_by_a_path_that_tab_completes() {
    let runtime = Runtime::new();
    let folder = brought(&runtime, "dash-in-name");
    let mut session = dashboard(&runtime);
    load_by_tab(&mut session, &folder);
    session.wait_for("with_dash loaded");
    drop(session.quit());
}

#[test]
fn students_modules_of_our_names_are_driven_from_the_keyboard() {
    let runtime = Runtime::new();
    let mut session = dashboard(&runtime);
    for name in ["memalloc", "kmod", "producer_consumer"] {
        let folder = brought(&runtime, &format!("{name}-of-a-student"));
        ringside(runtime.folder(), &["load", folder.to_str().expect("UTF-8")]);
    }
    session.keys("3");
    session.wait_for("A producer_consumer that is not Ringside's");
    session.wait_for("Consumer-1");
    session.wait_for("sleeping in ");

    session.keys("4");
    session.wait_for("no counters, no WALK; the rest works");
    session.keys("n");
    session.wait_for("alive");
    session.keys("a");
    session.wait_for("Allocate pages");
    session.keys(ENTER);
    session.wait_for("pages at 0x");
    session.wait_for("it has no WALK");
    session.keys("w");
    session.wait_for("Write memory");
    session.keys(ENTER);
    session.wait_for("wrote 5 bytes at 0x");
    session.keys("r");
    session.wait_for("Read memory");
    session.keys(ENTER);
    session.wait_for("\"hello");
    share_with_a_second_subject(&mut session);
    session.keys("f");
    session.wait_until("the form or the outcome", |screen| screen.contains("ree"));
    session.keys(ENTER);
    session.wait_for("freed the request at 0x");

    session.keys("5");
    session.wait_for("not Ringside's: no counters, no SYNC");
    // Before the device has been looked at, there is nothing to write to.
    session.wait_for("00000000  00 00 00 00");
    session.keys("w");
    session.wait_for("Write to the device");
    session.keys(ENTER);
    session.wait_for("wrote 5 bytes at 0x0");
    session.wait_for("68 65 6c 6c 6f");
    session.keys("r");
    session.wait_for("Read from the device");
    session.keys(ENTER);
    session.wait_for("read 512 bytes at 0x5");

    session.keys("7");
    session.wait_for("not ours");
    drop(session.quit());
}

/// Offers the page under the cursor to a new subject, which maps it and reads what the
/// first one wrote; the first one is shown again afterwards.
fn share_with_a_second_subject(session: &mut Session) {
    session.keys("n");
    session.wait_until("two subjects", |screen| screen.matches(" alive").count() == 2);
    session.keys("Ns");
    session.wait_for("Offer a page");
    session.keys(ENTER);
    session.wait_for("offered the page at 0x");
    session.keys("No");
    session.wait_for("Map the offered page");
    session.keys("\x150x600000000000");
    session.keys(ENTER);
    session.wait_for("mapped the offer at 0x600000000000");
    session.keys("r");
    session.wait_for("Read memory");
    session.keys("\x150x600000000000");
    session.keys(ENTER);
    session.wait_for("bytes at 0x600000000000: \"hello");
    session.keys("N");
}
