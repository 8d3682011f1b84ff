// SPDX-License-Identifier: MIT OR Apache-2.0
//! The first dashboard of a user: the tour is played while the kernel is built.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use ringside::lab::setup::tools;

use super::runtime::Runtime;
use super::session::Session;

/// A user whose kernel is being built by somebody else, and what ends that.
struct First {
    runtime: Runtime,
    building: Flock<File>,
}

impl First {
    fn new() -> Self {
        let runtime = Runtime::new();
        let lock = Self::cache(&runtime).join("build/lab.lock");
        fs::create_dir_all(lock.parent().expect("a folder")).expect("it can be made");
        let file = File::create(lock).expect("it can be made");
        let building = Flock::lock(file, FlockArg::LockExclusive).expect("nobody else has it");
        Self { runtime, building }
    }

    fn cache(runtime: &Runtime) -> PathBuf {
        Path::new(runtime.folder()).join("cache")
    }

    fn dashboard(&self, rows: u16) -> Session {
        let folder = self.runtime.folder();
        let cache = Self::cache(&self.runtime);
        // What no package has is in the cache of whoever runs the tests.
        let (bindgen, _) = tools::bindgen().expect("the machine is set up");
        let mut path = vec![bindgen.parent().expect("a folder").to_owned()];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").expect("there is one")));
        let path = std::env::join_paths(path).expect("plain names");
        let environment = [
            ("XDG_RUNTIME_DIR", folder),
            ("XDG_STATE_HOME", folder),
            ("XDG_CONFIG_HOME", folder),
            ("RINGSIDE_CACHE", cache.to_str().expect("a plain path")),
            ("RINGSIDE_KERNEL", "lab"),
            ("PATH", path.to_str().expect("plain names")),
        ];
        let binary = Path::new(env!("CARGO_BIN_EXE_ringside"));
        Session::start_with(binary, &[], rows, 80, &environment)
    }

    /// The kernel is there now: the one of whoever runs the tests, in this cache.
    fn built(self) -> Runtime {
        let own = ringside::lab::cache::root().expect("there is a cache");
        let cache = Self::cache(&self.runtime);
        let build = |root: &Path| root.join("build/lab").display().to_string();
        std::os::unix::fs::symlink(build(&own), build(&cache)).expect("it can be made");
        let note = fs::read_to_string(own.join("kernels/lab.json")).expect("it is built");
        let kernels = cache.join("kernels");
        fs::create_dir_all(&kernels).expect("it can be made");
        let note = note.replace(&build(&own), &build(&cache));
        fs::write(kernels.join("lab.json"), note).expect("it can be written");
        drop(self.building);
        self.runtime
    }
}

#[test]
fn the_tour_is_played_while_the_kernel_is_built_and_then_the_dashboard_is_live() {
    if std::env::var_os("RINGSIDE_IMAGE").is_some() {
        eprintln!("with a kernel of one's own nothing is built");
        return;
    }
    let first = First::new();
    let mut session = first.dashboard(24);
    session.wait_for("waiting for another ringside");
    session.wait_for("playing");
    // Whoever waits may look around, and the build is still in the header.
    session.keys(" ");
    session.wait_for("paused");
    session.wait_for("waiting for another ringside");
    session.keys(" ");
    session.wait_for("playing");
    let _runtime = first.built();
    session.wait_until("the tour to end", |screen| {
        !screen.contains("playing") && !screen.contains("waiting for another ringside")
    });
    session.wait_for(" connected");
    assert!(session.quit().success());
}

#[test]
fn who_leaves_the_tour_stops_the_build() {
    if std::env::var_os("RINGSIDE_IMAGE").is_some() {
        eprintln!("with a kernel of one's own nothing is built");
        return;
    }
    let first = First::new();
    let mut session = first.dashboard(24);
    session.wait_for("waiting for another ringside");
    session.keys("q");
    let status = session.wait();
    assert!(!status.success(), "there is no dashboard");
    assert!(session.count("stopping where the next run can go on") == 1);
    session.assert_restored();
}
