// SPDX-License-Identifier: MIT OR Apache-2.0
//! Folders that people bring, loaded and driven from the keyboard.

use std::fs;
use std::path::{Path, PathBuf};

use super::dashboard::dashboard;
use super::runtime::Runtime;
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
