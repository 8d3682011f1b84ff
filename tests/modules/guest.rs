// SPDX-License-Identifier: MIT OR Apache-2.0
//! Running a test's body inside a guest, and what such a body needs there.

use std::ffi::CString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::kmod::{DeleteModuleFlags, ModuleInitFlags, delete_module, finit_module};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ringside::lab::progress::Event;
use ringside::lab::{linux, modules};

#[path = "../figures/record.rs"]
#[allow(dead_code, reason = "a part of what is shared is used")]
mod record;

/// Set inside the guest to the name of the test to run there.
const INSIDE: &str = "RINGSIDE_TEST_IN_GUEST";
/// Set inside the guest to the folders of the built modules, as in `PATH`.
const MODULES: &str = "RINGSIDE_TEST_MODULES";

/// Where the sources of the modules lie, if it is not in this repository: a copy with a
/// fault, which the tests have to find (`tests/mutants`).
const SOURCES: &str = "RINGSIDE_TEST_MODULE_SOURCES";

/// Which kernel the tests run on: `lab`, or what `RINGSIDE_KERNEL` says.
pub fn flavour() -> String {
    std::env::var("RINGSIDE_KERNEL").unwrap_or_else(|_| "lab".into())
}

/// How long a test may take in its guest: ten times what the longest does on a busy
/// computer.
const ENDS_WITHIN: Duration = Duration::from_secs(3600);
/// The same of one program there.
pub const PROGRAM_ENDS_WITHIN: Duration = Duration::from_secs(900);

/// Is this the kernel with the sanitizers?
pub fn debug_kernel() -> bool {
    flavour() == "debug"
}

/// Does this run inside a guest?
pub fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs `body` inside a fresh guest, as the test called `name` (its full path,
/// `module::test`). Fails when the body panics, when it hangs for longer than
/// the guest is given, or when the kernel's log holds a report afterwards.
pub fn run(name: &str, body: impl FnOnce()) {
    run_with(
        name,
        &[],
        || vec![built_modules()],
        || {
            body();
            super::kernel_log::assert_clean();
        },
    );
}

/// As [`run`], in a guest started with these `options` of `ringside exec`, with
/// the modules that [`insmod`] loads in folders of its own, and without the look
/// at the log.
pub fn run_with(
    name: &str,
    options: &[&str],
    modules: impl FnOnce() -> Vec<PathBuf>,
    body: impl FnOnce(),
) {
    if std::env::var(INSIDE).as_deref() == Ok(name) {
        return body();
    }
    let this = std::env::current_exe().expect("the test binary has a path");
    let folders = std::env::join_paths(modules()).expect("no colon in a folder's name");
    let mut exec = Command::new(env!("CARGO_BIN_EXE_ringside"));
    exec.arg("exec")
        .args(options)
        .arg("--")
        .arg(this)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, name)
        .env(MODULES, folders);
    let output = output_within(&mut exec, ENDS_WITHIN);
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && stdout.contains("1 passed"),
        "in the guest, {name} ended with {}\n--- stdout\n{stdout}\n--- stderr\n{stderr}",
        output.status
    );
    record::record_lines(&stdout, &format!("--test {} {name}", env!("CARGO_CRATE_NAME")));
}

/// What a command prints and how it ends, which it is made to after `limit`: with
/// SIGTERM, and what it has printed until then.
pub fn output_within(command: &mut Command, limit: Duration) -> Output {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let pid = Pid::from_raw(child.id() as i32);
    let (ended, waits) = channel::<()>();
    let watch = std::thread::spawn(move || {
        if waits.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            // It is our child and not waited for yet, or just so.
            let _ = kill(pid, Signal::SIGTERM);
        }
    });
    let output = child.wait_with_output().expect("it is our child");
    drop(ended);
    watch.join().expect("it only waits");
    output
}

/// The folder that holds our modules, built for the kernel under test.
pub fn built_modules() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let sources = || std::env::var_os(SOURCES).map(PathBuf::from);
    FOLDER.get_or_init(|| built(&sources().unwrap_or_else(|| repository().join("modules")))).clone()
}

/// Builds the modules in `source` for the kernel under test; the folder with the .ko files.
pub fn built(source: &Path) -> PathBuf {
    let flavour = flavour().parse().expect("RINGSIDE_KERNEL names a kernel");
    let kernel = linux::ensure(flavour, &mut |_: Event| {}).expect("the kernel is built");
    let files = modules::build(&kernel, source, &mut |_: Event| {}).expect("the modules build");
    let file = files.first().expect("a module was built");
    file.parent().expect("a file has a folder").to_owned()
}

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package lies in the repository")
        .to_owned()
}

/// `insmod` of one of our modules.
pub fn insmod(module: &str, parameters: &str) -> Result<(), Errno> {
    let path = module_file(module);
    let file = fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let parameters = CString::new(parameters).expect("no NUL in parameters");
    finit_module(file, &parameters, ModuleInitFlags::empty())
}

/// The file of one of the modules, inside the guest.
pub fn module_file(module: &str) -> PathBuf {
    let folders = std::env::var_os(MODULES).expect("set by the outer test");
    std::env::split_paths(&folders)
        .map(|folder| folder.join(format!("{module}.ko")))
        .find(|file| file.exists())
        .unwrap_or_else(|| panic!("{module} was not built"))
}

/// `rmmod`.
pub fn rmmod(module: &str) -> Result<(), Errno> {
    let name = CString::new(module).expect("no NUL in a name");
    delete_module(&name, DeleteModuleFlags::O_NONBLOCK)
}

/// The text of a file in sysfs or procfs, without the last newline.
pub fn text(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("read {path}: {error}"));
    text.trim_end_matches('\n').to_owned()
}

/// A counter of a module.
pub fn counter(module: &str, name: &str) -> u64 {
    let text = text(&format!("/sys/module/{module}/counters/{name}"));
    text.parse().unwrap_or_else(|_| panic!("{module}/{name} holds {text:?} and no number"))
}

/// Writes a control of a module.
pub fn set(module: &str, control: &str, value: &str) -> std::io::Result<()> {
    fs::write(format!("/sys/module/{module}/controls/{control}"), value)
}

/// Waits until `condition` holds; panics with `what` after two minutes, which a
/// guest with detectors on a busy computer may need.
pub fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !condition() {
        assert!(Instant::now() < deadline, "waited two minutes in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The names of all threads of the kernel and of processes (`comm`).
pub fn thread_names() -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("/proc can be read");
    processes
        .flatten()
        .filter_map(|entry| fs::read_to_string(entry.path().join("comm")).ok())
        .map(|name| name.trim_end().to_owned())
        .collect()
}

/// Runs `body` in a child process under the user and group 65534, without any
/// capability; the child's exit status tells whether it panicked.
pub fn as_nobody(test: &str) -> std::process::Output {
    use std::os::unix::process::CommandExt;
    let this = std::env::current_exe().expect("the test binary has a path");
    Command::new(this)
        .args(["--exact", test, "--nocapture", "--ignored"])
        .uid(65534)
        .gid(65534)
        .output()
        .expect("a child can be started")
}
