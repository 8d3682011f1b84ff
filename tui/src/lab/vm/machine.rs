// SPDX-License-Identifier: MIT OR Apache-2.0
//! One QEMU process: started with our ends of its channels, told what to do
//! over QMP, and never left behind.
//!
//! Each QEMU has a thread that starts it and stays until it has ended. The
//! kernel's promise to kill it with its parent (PR_SET_PDEATHSIG) is bound to
//! the thread that started it, so that thread must last as long.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use serde_json::json;

use super::command::{QEMU, STICK, Spec, StickFile, Wiring, arguments};
use super::console::Console;
use super::error::{VmError, VmResult};
use super::qmp::{Qmp, QmpEvent};
use super::stick::Stick;

/// How much of what QEMU says about its own end is kept.
const WORDS: u64 = 4096;
/// How long QEMU may take to end once it is killed.
const DEATH: Duration = Duration::from_secs(5);

/// What happens to a machine by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MachineEvent {
    /// The guest's kernel is dead; it still empties its console.
    Panicked,
    /// The guest stopped for good; QEMU holds it.
    Shutdown {
        /// QEMU's word for why: `guest-shutdown`, `guest-reset`, …
        reason: String,
    },
    /// QEMU ended. The last event.
    Exited {
        /// `killed by signal 9 (SIGKILL)`, `exited with status 1: …`
        how: String,
    },
}

/// Hears of [`MachineEvent`]s, on the machine's threads; must not block.
pub type MachineEvents = Arc<dyn Fn(MachineEvent) + Send + Sync>;

/// A QEMU process. Dropping it kills it.
pub struct Machine {
    qmp: Qmp,
    pid: i32,
    agent: Mutex<Option<UnixStream>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    child: Option<Child>,
    ended: Option<String>,
    deleted: Vec<String>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `ready` gives something, at most until `until`.
    fn wait<T>(&self, until: Instant, mut ready: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let mut state = self.state();
        loop {
            if let Some(found) = ready(&mut state) {
                return Some(found);
            }
            let left = until.checked_duration_since(Instant::now())?;
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn kill(&self) {
        if let Some(child) = &mut self.state().child {
            // It may have ended by itself already.
            drop(child.kill());
        }
    }
}

impl Machine {
    /// Starts QEMU for `spec` with `stick` plugged in, from nothing or from the
    /// saved machine `incoming` (which then is stopped until [`Self::go_on`]).
    /// What its console writes goes to `console`, what happens to it to `events`.
    ///
    /// # Errors
    /// QEMU is missing, refuses its command line or the saved machine, or is silent.
    pub fn launch(
        spec: &Spec,
        stick: Option<&Stick>,
        incoming: Option<&File>,
        console: &Arc<Console>,
        events: &MachineEvents,
    ) -> VmResult<Self> {
        let pair = || UnixStream::pair().map_err(VmError::io("make a socket for QEMU"));
        let (qmp, their_qmp) = pair()?;
        let (serial, their_serial) = pair()?;
        let (agent, their_agent) = pair()?;
        let wiring = Wiring::Inherited {
            qmp: their_qmp.as_raw_fd(),
            console: their_serial.as_raw_fd(),
            agent: their_agent.as_raw_fd(),
            stick: stick.map(|stick| StickFile {
                descriptor: stick.file.as_raw_fd(),
                is_device: stick.is_device,
            }),
            incoming: incoming.map(AsRawFd::as_raw_fd),
        };
        let mut inherited = vec![
            their_qmp.as_raw_fd(),
            their_serial.as_raw_fd(),
            their_agent.as_raw_fd(),
        ];
        inherited.extend(incoming.map(AsRawFd::as_raw_fd));
        inherited.extend(stick.map(|stick| stick.file.as_raw_fd()));
        let mut command = Command::new(QEMU);
        command
            .args(arguments(spec, &wiring))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        bind(&mut command, inherited);

        let shared = Arc::new(Shared::default());
        let (started, start) = channel();
        let (about, tell) = (Arc::clone(&shared), Arc::clone(events));
        let theirs = [their_qmp, their_serial, their_agent];
        thread::Builder::new()
            .name("qemu".into())
            .spawn(move || {
                let spawned = command.spawn();
                drop(theirs);
                keep(spawned, &started, &about, &tell);
            })
            .map_err(VmError::io("start a thread"))?;
        // The thread answers before anything else.
        let pid = start.recv().unwrap_or(Err(VmError::NoQemu))?;
        listen(serial, Arc::clone(console))?;

        let (about, tell) = (Arc::clone(&shared), Arc::clone(events));
        let qmp = Qmp::connect(qmp, move |event| match event {
            QmpEvent::Panicked => tell(MachineEvent::Panicked),
            QmpEvent::Shutdown { reason } => tell(MachineEvent::Shutdown { reason }),
            QmpEvent::DeviceDeleted { device } => {
                about.state().deleted.push(device);
                about.changed.notify_all();
            }
            QmpEvent::Closed => about.changed.notify_all(),
            QmpEvent::Other(name) => tracing::debug!("QEMU: {name}"),
        });
        let qmp = match qmp {
            Ok(qmp) => qmp,
            Err(error) => return Err(explain(&shared, error)),
        };
        Ok(Self {
            qmp,
            pid,
            agent: Mutex::new(Some(agent)),
            shared,
        })
    }

    /// QEMU's process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// How QEMU ended, if it has.
    pub fn ended(&self) -> Option<String> {
        self.shared.state().ended.clone()
    }

    /// Our end of the agent's port; the first caller gets it.
    pub fn take_agent(&self) -> Option<UnixStream> {
        self.agent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Waits until the saved machine is read in, then lets it run.
    ///
    /// # Errors
    /// QEMU can't make sense of it, or takes longer than `deadline`.
    pub fn go_on(&self, deadline: Duration) -> VmResult<()> {
        let until = Instant::now() + deadline;
        loop {
            let status = self
                .qmp
                .execute("query-status", json!({}))
                .map_err(|error| explain(&self.shared, error))?;
            match status["status"].as_str() {
                Some("inmigrate") if Instant::now() < until => {
                    thread::sleep(Duration::from_millis(2));
                }
                Some("inmigrate") => {
                    return Err(VmError::Silent {
                        command: "resume".into(),
                        after: deadline,
                    });
                }
                _ => break,
            }
        }
        self.qmp
            .execute("cont", json!({}))
            .map(drop)
            .map_err(|error| explain(&self.shared, error))
    }

    /// Writes the machine as it is now to `file`. The guest stands still
    /// meanwhile and goes on afterwards, whether it worked or not.
    ///
    /// # Errors
    /// QEMU refuses (a mounted share forbids it), the disk is full, or it takes
    /// longer than `deadline`.
    pub fn save(&self, file: &File, deadline: Duration) -> VmResult<()> {
        self.qmp.execute("stop", json!({}))?;
        let written = self.write_state(file, deadline);
        let resumed = self.qmp.execute("cont", json!({}));
        written.and(resumed.map(drop))
    }

    fn write_state(&self, file: &File, deadline: Duration) -> VmResult<()> {
        // The default of 128 MiB/s is meant for networks.
        self.qmp.execute(
            "migrate-set-parameters",
            json!({"max-bandwidth": 1_u64 << 40}),
        )?;
        self.qmp
            .execute_with("getfd", json!({"fdname": "state"}), file.as_fd())?;
        self.qmp.execute("migrate", json!({"uri": "fd:state"}))?;
        let until = Instant::now() + deadline;
        loop {
            let progress = self.qmp.execute("query-migrate", json!({}))?;
            match progress["status"].as_str() {
                Some("completed") => return Ok(()),
                Some("failed" | "cancelled") => {
                    return Err(VmError::Refused {
                        command: "migrate".into(),
                        why: progress["error-desc"]
                            .as_str()
                            .unwrap_or("no reason")
                            .into(),
                    });
                }
                _ if Instant::now() > until => {
                    // Nothing better is known to do if even that fails.
                    drop(self.qmp.execute("migrate_cancel", json!({})));
                    return Err(VmError::Silent {
                        command: "migrate".into(),
                        after: deadline,
                    });
                }
                _ => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Stops the guest's processors for good.
    ///
    /// # Errors
    /// QEMU is gone.
    pub fn stop(&self) -> VmResult<()> {
        self.qmp.execute("stop", json!({})).map(drop)
    }

    /// Plugs `stick` in.
    ///
    /// # Errors
    /// One is plugged in already, or QEMU refuses it.
    pub fn plug(&self, stick: &Stick) -> VmResult<()> {
        self.qmp
            .execute_with("add-fd", json!({"fdset-id": 1}), stick.file.as_fd())?;
        let driver = if stick.is_device {
            "host_device"
        } else {
            "file"
        };
        // Another QEMU is kept off by Stick's own lock.
        let file = json!({
            "driver": driver,
            "filename": "/dev/fdset/1",
            "locking": "off",
            "discard": "unmap",
        });
        let plugged = self
            .qmp
            .execute(
                "blockdev-add",
                json!({"driver": "raw", "node-name": STICK, "discard": "unmap", "file": file}),
            )
            .and_then(|_| {
                let device =
                    json!({"driver": "usb-storage", "id": STICK, "drive": STICK, "bus": "usb.0"});
                self.qmp.execute("device_add", device)
            });
        if let Err(error) = plugged {
            self.forget_stick();
            return Err(error);
        }
        Ok(())
    }

    /// Pulls the stick out, without asking the guest.
    ///
    /// # Errors
    /// None is plugged in, or QEMU does not let go of it.
    pub fn unplug(&self) -> VmResult<()> {
        self.shared.state().deleted.clear();
        self.qmp.execute("device_del", json!({"id": STICK}))?;
        let deadline = Duration::from_secs(5);
        self.shared
            .wait(Instant::now() + deadline, |state| {
                (state.deleted.iter().any(|device| device == STICK) || state.ended.is_some())
                    .then_some(())
            })
            .ok_or(VmError::Silent {
                command: "device_del".into(),
                after: deadline,
            })?;
        self.forget_stick();
        Ok(())
    }

    /// Lets go of what is behind a stick that is not plugged in.
    fn forget_stick(&self) {
        for (command, arguments) in [
            ("blockdev-del", json!({"node-name": STICK})),
            ("remove-fd", json!({"fdset-id": 1})),
        ] {
            // Refused where a plug failed before there was anything to remove.
            if let Err(error) = self.qmp.execute(command, arguments) {
                tracing::debug!("{error}");
            }
        }
    }

    /// Ends QEMU at once and waits until it is gone.
    pub fn kill(&self) {
        self.shared.kill();
        let gone = self
            .shared
            .wait(Instant::now() + DEATH, |state| state.ended.clone());
        if gone.is_none() {
            tracing::warn!("QEMU {} does not end", self.pid);
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Makes `command` die with the thread that starts it, out of reach of the
/// terminal's signals, with `inherited` descriptors kept open.
fn bind(command: &mut Command, inherited: Vec<RawFd>) {
    let parent = Pid::this();
    command.process_group(0);
    let prepare = move || {
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        // QEMU aborts where KVM is broken; a guest's memory is no use as a core file.
        setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
        // The parent may have died just before.
        if Pid::parent() != parent {
            return Err(std::io::Error::from_raw_os_error(nix::libc::ESRCH));
        }
        for descriptor in &inherited {
            // SAFETY: the descriptor is open: whoever built this command holds
            // it until the command was started.
            let result = unsafe { nix::libc::fcntl(*descriptor, nix::libc::F_SETFD, 0) };
            nix::errno::Errno::result(result)?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec `prepare` makes system calls only: it takes
    // no lock and allocates nothing.
    unsafe { command.pre_exec(prepare) };
}

/// Reports the start, then stays until QEMU has ended and says how.
fn keep(
    spawned: std::io::Result<Child>,
    started: &Sender<VmResult<i32>>,
    shared: &Shared,
    events: &MachineEvents,
) {
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            let error = if error.kind() == std::io::ErrorKind::NotFound {
                VmError::NoQemu
            } else {
                VmError::io(format!("start {QEMU}"))(error)
            };
            // Whoever asked waits for this.
            drop(started.send(Err(error)));
            return;
        }
    };
    let pid = child.id() as i32;
    let words = child.stderr.take();
    shared.state().child = Some(child);
    drop(started.send(Ok(pid)));

    let mut said = Vec::new();
    if let Some(mut words) = words {
        // What can't be read is missing from a message, no more.
        drop((&mut words).take(WORDS).read_to_end(&mut said));
        drop(std::io::copy(&mut words, &mut std::io::sink()));
    }
    // Wait without reaping, so that the number stays QEMU's until the lock is
    // held and nobody can kill a stranger.
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    while waitid(Id::Pid(Pid::from_raw(pid)), flags) == Err(nix::errno::Errno::EINTR) {}
    let mut state = shared.state();
    let status = state.child.take().map(|mut child| child.wait());
    let how = describe(status.and_then(Result::ok), &String::from_utf8_lossy(&said));
    state.ended = Some(how.clone());
    drop(state);
    shared.changed.notify_all();
    events(MachineEvent::Exited { how });
}

fn describe(status: Option<ExitStatus>, said: &str) -> String {
    let mut how = match status.map(|status| (status.signal(), status.code())) {
        Some((Some(signal), _)) => match Signal::try_from(signal) {
            Ok(name) => format!("killed by signal {signal} ({name})"),
            Err(_) => format!("killed by signal {signal}"),
        },
        Some((None, Some(code))) => format!("exited with status {code}"),
        _ => "ended in an unknown way".into(),
    };
    let words: Vec<&str> = said
        .lines()
        .map(|line| line.trim().trim_start_matches("qemu-system-x86_64: "))
        .filter(|line| !line.is_empty())
        .collect();
    if !words.is_empty() {
        how.push_str(": ");
        how.push_str(&words.join("; "));
    }
    how
}

/// An error on the control channel of a QEMU that has ended is told as its end.
fn explain(shared: &Shared, error: VmError) -> VmError {
    if matches!(error, VmError::Refused { .. } | VmError::Silent { .. }) {
        return error;
    }
    let soon = Instant::now() + Duration::from_millis(500);
    let ended = shared.wait(soon, |state| state.ended.clone());
    shared.kill();
    match ended {
        Some(how) => VmError::Ended { how },
        None => error,
    }
}

/// Hands what the serial line carries to the console, until it ends.
fn listen(mut serial: UnixStream, console: Arc<Console>) -> VmResult<()> {
    thread::Builder::new()
        .name("console".into())
        .spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = serial.read(&mut buffer) {
                console.write(&buffer[..read]);
            }
        })
        .map(drop)
        .map_err(VmError::io("start a thread"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_qemu_is_told_with_its_own_words() {
        let killed = ExitStatus::from_raw(9);
        assert_eq!(describe(Some(killed), ""), "killed by signal 9 (SIGKILL)");
        let refused = ExitStatus::from_raw(1 << 8);
        assert_eq!(
            describe(Some(refused), "qemu-system-x86_64: no such kernel\n"),
            "exited with status 1: no such kernel"
        );
    }
}
