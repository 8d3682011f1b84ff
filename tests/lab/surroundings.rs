// SPDX-License-Identifier: MIT OR Apache-2.0
//! A runtime folder for one test, and running `ringside` in it.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use ringside::kernel::api::{GuestState, Item, LabRequest, LabStatus};
use ringside::kernel::call::ask;
use ringside::kernel::{Request, TargetResult};
use ringside::lab::client::{LabClient, attach_in};
use ringside::lab::linux;
use ringside::lab::progress::Event;

/// How long a lab process may take to listen.
const STARTS_WITHIN: Duration = Duration::from_secs(120);

/// A folder for sockets and one for caches. Dropping it ends its labs.
pub struct Surroundings {
    folder: tempfile::TempDir,
    cache: Option<(PathBuf, PathBuf)>,
}

/// What ran and what it said.
pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Surroundings {
    /// With the user's own cache: starts resume.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder, cache: None }
    }

    /// With an empty cache: the first start boots. The kernel is the user's.
    pub fn with_empty_cache() -> Self {
        let mut this = Self::new();
        this.cache = Some((this.folder.path().join("cache"), image()));
        this
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn cache(&self) -> &Path {
        let (cache, _) = self.cache.as_ref().expect("the test has its own cache");
        cache
    }

    /// Where labs have their folders.
    pub fn labs_folder(&self) -> PathBuf {
        self.folder.path().join("ringside")
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringside"));
        command.args(arguments).env("XDG_RUNTIME_DIR", self.folder.path()).stdin(Stdio::null());
        if let Some((cache, image)) = &self.cache {
            command.env("RINGSIDE_IMAGE", image).env("RINGSIDE_CACHE", cache);
        }
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Said {
        let output = self.command(arguments).output().expect("ringside starts");
        Said::from(output)
    }

    /// Runs it, expects success and returns what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments);
        assert_eq!(said.status, 0, "{arguments:?}: {}{}", said.out, said.err);
        said.out
    }

    /// Starts a lab and returns its status.
    pub fn up(&self, arguments: &[&str]) -> LabStatus {
        let mut all = vec!["up", "--json"];
        all.extend(arguments);
        serde_json::from_str(&self.ok(&all)).expect("a status in JSON")
    }

    /// A client of the lab `id`, which may be just starting.
    pub fn lab(&self, id: &str) -> LabClient {
        let start = Instant::now();
        loop {
            match attach_in(&self.labs_folder(), Some(id)) {
                Ok(lab) => return lab,
                Err(error) => assert!(start.elapsed() < STARTS_WITHIN, "lab {id}: {error}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The names of what lies in the labs' folder.
    pub fn left(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.labs_folder()) else {
            return Vec::new();
        };
        let names = entries.flatten().map(|entry| entry.file_name());
        names.map(|name| name.to_string_lossy().into_owned()).collect()
    }
}

impl Drop for Surroundings {
    fn drop(&mut self) {
        // Whatever the test did, it leaves no lab behind.
        drop(self.command(&["down", "--all"]).output());
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The saved machines in the test's own cache.
pub fn states(surroundings: &Surroundings) -> Vec<PathBuf> {
    let folder = surroundings.cache().join("states");
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "state")).collect()
}

/// What the command prints on a terminal on which this is `typed` at once; it must
/// succeed.
pub fn on_terminal(command: &Command, typed: &str) -> String {
    let mut program = CommandBuilder::new(command.get_program());
    program.args(command.get_args());
    let here = std::env::current_dir().expect("there is a working directory");
    program.cwd(command.get_current_dir().unwrap_or(&here));
    program.env("TERM", "dumb");
    for (name, value) in command.get_envs() {
        program.env(name, value.unwrap_or_default());
    }
    // So wide that nothing is cut or wrapped to fit.
    let size = PtySize { rows: 50, cols: 200, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).expect("a pseudo-terminal can be made");
    let mut child = pair.slave.spawn_command(program).expect("the program is there");
    // It ends with the last who has it open; then reading fails.
    drop(pair.slave);
    let mut keyboard = pair.master.take_writer().expect("the terminal can be written");
    keyboard.write_all(typed.as_bytes()).expect("it takes keys");
    let mut output = pair.master.try_clone_reader().expect("the terminal can be read");
    let (mut printed, mut buffer) = (Vec::new(), [0; 65536]);
    while let Ok(size @ 1..) = output.read(&mut buffer) {
        printed.extend_from_slice(&buffer[..size]);
    }
    let status = child.wait().expect("it is our child");
    let printed = String::from_utf8_lossy(&printed).replace('\r', "");
    assert!(status.success(), "{status:?}: {printed}");
    printed
}

/// The image of the kernel under test.
pub fn image() -> PathBuf {
    if let Some(image) = std::env::var_os("RINGSIDE_IMAGE") {
        return image.into();
    }
    let flavour = std::env::var("RINGSIDE_KERNEL").unwrap_or_else(|_| "lab".into());
    let flavour = flavour.parse().expect("RINGSIDE_KERNEL names a kernel");
    linux::ensure(flavour, &mut |_: Event| {}).expect("the kernel is built").image
}

/// Asks the lab itself for something.
pub fn lab_request(lab: &LabClient, request: LabRequest) -> TargetResult<Vec<Item>> {
    ask(&*lab.target(), Request::Lab(request), &[])
}

/// Waits for a state of the guest.
pub fn wait_for(lab: &LabClient, what: &str, enough: impl Fn(&GuestState) -> bool) -> LabStatus {
    let start = Instant::now();
    loop {
        let status = lab.status().expect("the lab answers");
        if enough(&status.guest) {
            return status;
        }
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "waited for {what}, and the guest is {:?}",
            status.guest
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Does the process exist (and is no zombie)?
pub fn lives(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status
        .lines()
        .find(|line| line.starts_with("State:"))
        .is_some_and(|line| !line.contains('Z') && !line.contains('X'))
}

/// The children of all threads of a process.
pub fn children(pid: u32) -> Vec<i32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs").flatten();
    let texts = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let all: String = texts.collect();
    all.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Waits until the process is gone.
pub fn expect_gone(pid: i32, what: &str) {
    let start = Instant::now();
    while lives(pid) {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} ({pid}) lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until a process has taken the signal that it was sent: two that come together
/// count as one.
pub fn expect_taken(pid: u32, signal: nix::sys::signal::Signal) {
    let pending = || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let masks = status.lines().filter_map(|line| {
            line.strip_prefix("ShdPnd:").or_else(|| line.strip_prefix("SigPnd:"))
        });
        masks
            .filter_map(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .any(|mask| mask & (1 << (signal as u64 - 1)) != 0)
    };
    let start = Instant::now();
    while pending() {
        assert!(start.elapsed() < Duration::from_secs(120), "{signal} stays with process {pid}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn kill(pid: i32) {
    let pid = nix::unistd::Pid::from_raw(pid);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("it is there");
}
