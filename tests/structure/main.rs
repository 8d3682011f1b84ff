// SPDX-License-Identifier: MIT OR Apache-2.0
//! Holds the sources against what is said of them: imports run one way, no files
//! need each other in a circle, and what the texts name is there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod arrows;
mod figures;
mod readmes;
mod sources;
mod tokens;

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use arrows::{Arrows, circles};
use sources::Sources;

/// Which parts of the program a part may import, beside itself.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("main.rs", &["cli"]),
    (
        "cli",
        &[
            "dashboard",
            "experiment",
            "grade",
            "lab",
            "agent",
            "kernel",
            "text",
            "embedded.rs",
            "log_file.rs",
            "plain_file.rs",
            "tape",
        ],
    ),
    ("dashboard", &["experiment", "grade", "kernel", "text", "tape", "plain_file.rs"]),
    ("experiment", &["grade", "plain_file.rs", "embedded.rs"]),
    ("tape", &["kernel", "plain_file.rs"]),
    ("grade", &["lab", "kernel", "text", "plain_file.rs"]),
    ("lab", &["kernel", "text", "embedded.rs", "plain_file.rs"]),
    ("agent", &["kernel", "text"]),
    ("kernel", &["text"]),
    ("embedded.rs", &[]),
    ("log_file.rs", &[]),
    ("plain_file.rs", &["kernel", "text"]),
    ("text", &[]),
    ("dashboard/runtime", &["replay", "shell", "views", "paint", "core", "data"]),
    ("dashboard/replay", &["shell", "views", "paint", "core", "data"]),
    ("dashboard/shell", &["views", "paint", "core", "data"]),
    ("dashboard/views", &["paint", "core", "data"]),
    ("dashboard/paint", &["data"]),
    ("dashboard/core", &["data"]),
    ("dashboard/data", &[]),
];

/// What `module!` puts into each module's root, for the macros that each may use.
const MADE_BY_MODULE: &[&str] = &["crate::LocalModule", "crate::__LOG_PREFIX"];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn program() -> Arrows {
    let source = top().join("tui/src");
    let mut sources = Sources::default();
    sources.read("ringside", &source.join("lib.rs"));
    sources.read("main", &source.join("main.rs"));
    sources.arrows(&source)
}

fn kernel_side() -> Arrows {
    let folder = top().join("modules");
    let mut sources = Sources::default();
    for name in ["my_name", "producer_consumer", "memalloc", "kmod", "my_syscall"] {
        sources.read(name, &folder.join(name).join(name).with_extension("rs"));
    }
    let mut arrows = sources.arrows(&folder);
    for needed in arrows.values_mut() {
        needed.retain(|_, name| !MADE_BY_MODULE.contains(&name.as_str()));
    }
    arrows
}

fn list(arrows: &Arrows) -> String {
    let mut text = String::new();
    for circle in circles(arrows) {
        writeln!(text, "{} files need each other:", circle.len()).unwrap();
        for from in &circle {
            for (to, name) in arrows[from].iter().filter(|(to, _)| circle.contains(*to)) {
                writeln!(text, "    {} → {} ({name})", from.display(), to.display()).unwrap();
            }
        }
    }
    text
}

#[test]
fn no_files_of_the_program_need_each_other() {
    let circles = list(&program());
    assert!(circles.is_empty(), "{circles}");
}

#[test]
fn no_files_of_the_kernel_side_need_each_other() {
    let circles = list(&kernel_side());
    assert!(circles.is_empty(), "{circles}");
}

/// The folder directly below `folder` that a file is in.
fn part<'a>(file: &'a Path, folder: &str) -> Option<&'a str> {
    file.strip_prefix(folder).ok()?.iter().next()?.to_str()
}

#[test]
fn imports_run_one_way() {
    let mut wrong = String::new();
    for (from, needed) in &program() {
        for (to, name) in needed {
            for folder in ["", "dashboard"] {
                let (Some(a), Some(b)) = (part(from, folder), part(to, folder)) else { continue };
                let known = Path::new(folder).join(a);
                let rule = MAY_IMPORT.iter().find(|(part, _)| Path::new(part) == known);
                let (_, may) =
                    rule.unwrap_or_else(|| panic!("what may {} import?", known.display()));
                if a != b && !may.contains(&b) {
                    writeln!(wrong, "{} → {} ({name})", from.display(), to.display()).unwrap();
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn no_view_sees_another() {
    let folder = "dashboard/views";
    let mut wrong = String::new();
    for (from, needed) in &program() {
        for (to, name) in needed {
            let (Some(a), Some(b)) = (part(from, folder), part(to, folder)) else { continue };
            let is_view = |part: &str| !part.ends_with(".rs");
            if a != b && is_view(a) && is_view(b) {
                writeln!(wrong, "{} → {} ({name})", from.display(), to.display()).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
