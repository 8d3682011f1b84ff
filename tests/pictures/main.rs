// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes the pictures of the README from a real run: starts the real dashboard
//! on a real guest, types, and draws what the terminal shows as SVG.
//!
//! `cargo run --release --example pictures` writes them to `assets/pictures/`; with
//! `-- workbench` behind it only the one of the author's loop, with `-- experiment` only
//! the one of an experiment.
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
    let binary =
        example.parent().and_then(Path::parent).expect("it lies in target/<profile>/examples");
    let binary = binary.join("ringside");
    let built = Command::new(env!("CARGO")).args(build_arguments(&binary)).status();
    if !built.is_ok_and(|status| status.success()) {
        eprintln!("cargo could not build the ringside binary");
        return ExitCode::FAILURE;
    }
    let only = std::env::args().nth(1);
    let only = only.as_deref();
    if only.is_none() {
        let mut session = start(&binary, &[]);
        Pictures { folder: folder.clone(), session: &mut session }.all();
        session.quit();
    }
    if only.is_none_or(|only| only == "workbench") {
        workbench(&binary, &folder);
    }
    if only.is_none_or(|only| only == "experiment") {
        experiment(&binary, &folder);
    }
    ExitCode::SUCCESS
}

fn start(binary: &Path, arguments: &[&str]) -> Session {
    Session::start_with(binary, arguments, ROWS, COLUMNS, &[("COLORTERM", "truecolor")])
}

/// An experiment: what was predicted, and what happened.
fn experiment(binary: &Path, folder: &Path) {
    let mut session = start(binary, &["experiment", "fill-the-ring"]);
    session.wait_for("A producer puts an item");
    session.keys(ENTER);
    session.wait_for("I predict");
    session.keys(&format!("9{ENTER}"));
    session.wait_for("Not as predicted");
    let mut pictures = Pictures { folder: folder.to_owned(), session: &mut session };
    pictures.wait_until_still();
    pictures.take("experiment", "An experiment: the prediction, the full ring, and the reason");
    session.quit();
}

/// The author's loop: a new module that is loaded, and then a mistake in it.
fn workbench(binary: &Path, folder: &Path) {
    let place = tempfile::tempdir().expect("the temporary folder can be written");
    let module = place.path().join("pulse");
    let made = Command::new(binary).arg("new").arg(&module).output();
    assert!(made.is_ok_and(|made| made.status.success()), "a module can be made");
    let path = module.to_str().expect("a plain path");
    let run = "head -n 1 /proc/interrupts";
    let arguments = ["--workbench", path, "--parameter", "interval_ms=50", "--run", run];
    let mut session = start(binary, &arguments);
    session.wait_for("a beat every 50 ms");
    session.wait_for("beats");
    let source = module.join("pulse.rs");
    let text = fs::read_to_string(&source).expect("it has a source");
    let wrong = text.replace("let interval = interval(", "let interval = intervall(");
    fs::write(&source, wrong).expect("it can be written");
    session.wait_for("not built");
    let mut pictures = Pictures { folder: folder.to_owned(), session: &mut session };
    pictures.wait_until_still();
    pictures.take("workbench", "A build that failed: the message, the source, what stays loaded");
    session.quit();
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

const ENTER: &str = "\r";
const DOWN: &str = "\x1b[B";
const CONTROL_U: &str = "\x15";

impl Pictures<'_> {
    /// The tour: every view with something to see in it.
    fn all(&mut self) {
        self.session.wait_for(" connected");
        self.load("2", "a module with parameters", &format!("{DOWN}{CONTROL_U}Summer"));
        self.load(
            "3",
            "is not loaded",
            &format!("{CONTROL_U}5{DOWN}{CONTROL_U}3{DOWN}{CONTROL_U}24"),
        );
        // Slow enough to be watched: a twentieth of a second after each item.
        self.session.keys("-----");
        self.load("4", "is not loaded", "");
        self.load("5", "is not loaded", "");

        self.session.keys("3");
        self.wait_until_still();
        self.take(
            "producer-consumer",
            "Producers, a ring of slots and consumers, as the kernel shows them",
        );

        self.session.keys("4");
        for _ in 0..2 {
            self.session.keys("n");
            self.wait_until_still();
            self.session.keys("a");
            self.session.wait_for("Allocate pages");
            self.session.keys(ENTER);
            self.wait_until_still();
        }
        self.session.keys("w");
        self.session.wait_for("Write memory");
        self.session.keys(ENTER);
        self.wait_until_still();
        self.take(
            "memory",
            "Two processes, their pages, and the walk through five levels of tables",
        );

        self.session.keys("5");
        self.wait_until_still();
        for text in ["Ringside writes this from inside the kernel.", "dd reads it back."] {
            self.session.keys("w");
            self.session.wait_for("Write to the device");
            // From the first field, where, to the fourth, what.
            self.session.keys(&format!("{DOWN}{DOWN}{DOWN}{CONTROL_U}{text}{DOWN}"));
            self.session.keys(ENTER);
            self.wait_until_still();
        }
        self.take("block", "The USB stick's bytes in hex and text");

        self.session.keys("6");
        self.wait_until_still();
        self.take("log", "The kernel's log");

        self.session.keys("1");
        self.wait_until_still();
        self.take(
            "overview",
            "Ringside's overview: a card per module, the guest's health, the newest warnings",
        );
    }

    /// Loads the module of the view under `key`, after typing into its form.
    fn load(&mut self, key: &str, sight: &str, typed: &str) {
        self.session.keys(key);
        self.session.wait_for(sight);
        self.session.keys("L");
        self.session.wait_until("the form, with the module built", |screen| {
            screen.contains("[Enter go]") && !screen.contains("building")
        });
        self.session.keys(&format!("{typed}{ENTER}"));
        self.session.wait_until("the module", |screen| {
            screen.contains(" loaded") && !screen.contains("[Enter go]")
        });
        self.wait_until_still();
    }

    /// Lets what was asked for arrive and be drawn.
    fn wait_until_still(&self) {
        std::thread::sleep(Duration::from_millis(2500));
    }

    fn take(&mut self, name: &str, title: &str) {
        let path = self.folder.join(format!("{name}.svg"));
        fs::write(&path, svg::draw(&self.session.cells(), title))
            .expect("the repository can be written");
        println!("{}", path.display());
    }
}
