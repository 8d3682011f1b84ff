// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes the pictures of the README from a real run: starts the real dashboard
//! on a real guest, types, and draws what the terminal shows as SVG.
//!
//! `cargo run --release --example pictures` writes them to `assets/pictures/`.
#![allow(
    clippy::expect_used,
    unreachable_pub,
    reason = "a tool for whoever works on the repository; it says what it expected"
)]

#[path = "../terminal/session.rs"]
mod session;
mod svg;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use session::Session;

const ROWS: u16 = 32;
const COLUMNS: u16 = 110;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = root.join("assets/pictures");
    fs::create_dir_all(&folder).expect("the repository can be written");
    // The binary that cargo built beside this example.
    let example = std::env::current_exe().expect("a program has a path");
    let binary = example
        .parent()
        .and_then(Path::parent)
        .expect("it lies in target/<profile>/examples");
    let binary = binary.join("ringside");
    let built = Command::new(env!("CARGO"))
        .args(build_arguments(&binary))
        .status();
    if !built.is_ok_and(|status| status.success()) {
        eprintln!("cargo could not build the ringside binary");
        return ExitCode::FAILURE;
    }
    let mut session =
        Session::start_with(&binary, &[], ROWS, COLUMNS, &[("COLORTERM", "truecolor")]);
    let mut pictures = Pictures {
        folder,
        session: &mut session,
    };
    pictures.all();
    session.keys("q");
    session.wait();
    ExitCode::SUCCESS
}

/// Builds the binary in the profile this example was built in.
fn build_arguments(binary: &Path) -> Vec<&'static str> {
    let release = binary.to_string_lossy().contains("/release/");
    let mut arguments = vec!["build", "--bin", "ringside"];
    if release {
        arguments.push("--release");
    }
    arguments
}

struct Pictures<'session> {
    folder: PathBuf,
    session: &'session mut Session,
}

impl Pictures<'_> {
    fn all(&mut self) {
        self.session.wait_for("my_name");
        self.settle();
        self.take(
            "overview",
            "Ringside's overview: a card per module, the guest's health, the newest warnings",
        );
    }

    /// Lets what was asked for arrive and be drawn.
    fn settle(&self) {
        std::thread::sleep(Duration::from_millis(2500));
    }

    fn take(&mut self, name: &str, title: &str) {
        let path = self.folder.join(format!("{name}.svg"));
        fs::write(&path, svg::draw(&self.session.cells(), title))
            .expect("the repository can be written");
        println!("{}", path.display());
    }
}
