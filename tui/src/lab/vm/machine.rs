// SPDX-License-Identifier: MIT OR Apache-2.0
//! One QEMU process: started with our ends of its channels, told what to do
//! over QMP, and never left behind.

use super::child::{Shared, bind, explain, keep};
use super::command::{QEMU, Spec, StickFile, Wiring, arguments};
use super::confine::{Confinement, Masks};
use super::console::Console;
use super::error::{CONT, VmError, VmResult};
use super::event::{MachineEvent, MachineEvents};
use super::halt::Halt;
use super::qmp::{Qmp, QmpEvent};
use super::stick::Stick;
use crate::lab::proc;
use parking_lot::Mutex;
use serde_json::json;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// So long QEMU may refuse to let a guest go on whose machine it has saved.
const FINALIZED: Duration = Duration::from_secs(3);

/// What QEMU calls its end of gdb's socket.
const GDB: &str = "gdb";
/// How long QEMU may take to end once it is killed.
const DEATH: Duration = Duration::from_secs(5);

/// What ends a QEMU from elsewhere.
pub struct Killer(Arc<Shared>);

impl Killer {
    /// Kills it, without waiting for its end.
    pub fn kill(&self) {
        self.0.kill();
    }
}

/// A QEMU process. Dropping it kills it.
pub struct Machine {
    qmp: Qmp,
    pid: i32,
    agent: Mutex<Option<UnixStream>>,
    shared: Arc<Shared>,
    halt: Arc<Halt>,
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
        masks: &Masks,
        stick: Option<&Stick>,
        incoming: Option<&File>,
        console: &Arc<Console>,
        events: &MachineEvents,
    ) -> VmResult<Self> {
        let pair = || UnixStream::pair().map_err(VmError::io("make a socket for QEMU"));
        let (qmp, their_qmp) = pair()?;
        let (serial, their_serial) = pair()?;
        let (agent, their_agent) = pair()?;
        let files = stick.map(Stick::files).transpose()?;
        let wiring = Wiring::Inherited {
            qmp: their_qmp.as_raw_fd(),
            console: their_serial.as_raw_fd(),
            agent: their_agent.as_raw_fd(),
            stick: stick.zip(files.as_ref()).map(|(stick, files)| StickFile {
                descriptor: files.file.as_raw_fd(),
                is_device: stick.is_device,
                changes: files.changes.as_ref().map(AsRawFd::as_raw_fd),
            }),
            incoming: incoming.map(AsRawFd::as_raw_fd),
        };
        let mut inherited =
            vec![their_qmp.as_raw_fd(), their_serial.as_raw_fd(), their_agent.as_raw_fd()];
        inherited.extend(incoming.map(AsRawFd::as_raw_fd));
        let files = files.iter().flat_map(|files| [Some(&files.file), files.changes.as_ref()]);
        inherited.extend(files.flatten().map(AsRawFd::as_raw_fd));
        let mut command = Command::new(QEMU);
        command
            .args(arguments(spec, &wiring))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let writes = spec.shares.iter().any(|share| share.writable);
        let confined = Confinement::new(masks, writes)?;
        bind(&mut command, inherited, confined);

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
        let halt = Arc::<Halt>::default();
        let held = Arc::clone(&halt);
        let qmp = Qmp::connect(qmp, move |event| match event {
            QmpEvent::Panicked => tell(MachineEvent::Panicked),
            QmpEvent::Shutdown { reason } => tell(MachineEvent::Shutdown { reason }),
            QmpEvent::NoRoom => tell(MachineEvent::NoRoom),
            QmpEvent::DeviceDeleted { device } => {
                about.state().deleted.push(device);
                about.changed.notify_all();
            }
            QmpEvent::Closed => {
                about.changed.notify_all();
            }
            QmpEvent::Other(name) => {
                match name.as_str() {
                    "STOP" => held.stopped(true),
                    "RESUME" => held.stopped(false),
                    _ => {}
                }
                tracing::debug!("QEMU: {name}");
            }
        });
        let qmp = match qmp {
            Ok(qmp) => qmp,
            Err(error) => return Err(explain(&shared, error)),
        };
        Ok(Self { qmp, pid, agent: Mutex::new(Some(agent)), shared, halt })
    }

    /// QEMU's process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// How QEMU ended, if it has.
    pub fn ended(&self) -> Option<String> {
        self.shared.state().ended.clone()
    }

    /// The processor time that QEMU has used so far.
    pub fn worked(&self) -> Duration {
        proc::worked(self.pid)
    }

    /// Our end of the agent's port; the first caller gets it.
    pub fn take_agent(&self) -> Option<UnixStream> {
        self.agent.lock().take()
    }

    /// Does something with our end of the agent's port, before anybody takes it.
    ///
    /// # Errors
    /// Those of `what`.
    pub(super) fn with_agent(
        &self,
        what: impl FnOnce(&UnixStream) -> std::io::Result<()>,
    ) -> VmResult<()> {
        match &*self.agent.lock() {
            Some(port) => what(port).map_err(VmError::io("write to the agent's port")),
            None => Ok(()),
        }
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
                    return Err(VmError::Silent { command: "resume".into(), after: deadline });
                }
                _ => break,
            }
        }
        self.qmp.execute(CONT, json!({})).map(drop).map_err(|error| explain(&self.shared, error))
    }

    /// Writes the machine as it is now to `file`. The guest stands still
    /// meanwhile and goes on afterwards, whether it worked or not.
    ///
    /// # Errors
    /// QEMU refuses (a mounted share forbids it), the disk is full, or it takes
    /// longer than `deadline`.
    pub fn save(&self, file: &File, deadline: Duration) -> VmResult<()> {
        self.hold(|| self.write_state(file, deadline))
    }

    /// Can the machine be saved as it is?
    ///
    /// # Errors
    /// Something in it forbids that: QEMU says what.
    pub(super) fn can_be_saved(&self) -> VmResult<()> {
        let state = self.qmp.execute("query-migrate", json!({}))?;
        match state["blocked-reasons"][0].as_str() {
            Some(why) => Err(VmError::Refused { command: "migrate".into(), why: why.into() }),
            None => Ok(()),
        }
    }

    /// Does `work` while the guest stands still; it goes on afterwards, whether
    /// that worked or not.
    ///
    /// # Errors
    /// Those of `work`; QEMU is gone.
    pub(super) fn hold<T>(&self, work: impl FnOnce() -> VmResult<T>) -> VmResult<T> {
        // One that somebody else halted, gdb say, must not go on for this.
        if self.qmp.execute("query-status", json!({}))?["running"] != true {
            return Err(VmError::Unsupported("the guest stands still".into()));
        }
        self.qmp.execute("stop", json!({}))?;
        let done = work();
        let resumed = self.release();
        let done = done?;
        resumed.map(|_| done)
    }

    /// Lets a guest that was held go on. A machine is saved a moment before QEMU takes
    /// that: until then it refuses ("Migration is not finalized yet").
    fn release(&self) -> VmResult<()> {
        let until = Instant::now() + FINALIZED;
        loop {
            match self.qmp.execute(CONT, json!({})) {
                Err(VmError::Refused { .. }) if Instant::now() < until => {
                    thread::sleep(Duration::from_millis(2));
                }
                other => return other.map(drop),
            }
        }
    }

    /// Writes a machine that stands still to `file`.
    pub(super) fn write_state(&self, file: &File, deadline: Duration) -> VmResult<()> {
        // The default of 128 MiB/s is meant for networks.
        self.qmp.execute("migrate-set-parameters", json!({"max-bandwidth": 1_u64 << 40}))?;
        self.qmp.execute_with("getfd", json!({"fdname": "state"}), file.as_fd())?;
        self.qmp.execute("migrate", json!({"uri": "fd:state"}))?;
        let until = Instant::now() + deadline;
        loop {
            let progress = self.qmp.execute("query-migrate", json!({}))?;
            match progress["status"].as_str() {
                Some("completed") => return Ok(()),
                Some("failed" | "cancelled") => {
                    return Err(VmError::Refused {
                        command: "migrate".into(),
                        why: progress["error-desc"].as_str().unwrap_or("no reason").into(),
                    });
                }
                _ if Instant::now() > until => {
                    // Nothing better is known to do if even that fails.
                    drop(self.qmp.execute("migrate_cancel", json!({})));
                    return Err(VmError::Silent { command: "migrate".into(), after: deadline });
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

    /// Whether a debugger holds the guest still.
    pub fn halt(&self) -> &Arc<Halt> {
        &self.halt
    }

    /// Do the guest's processors run? `None`: they are held, as they are for a moment
    /// while the machine is saved.
    ///
    /// # Errors
    /// QEMU is gone.
    pub fn runs(&self) -> VmResult<Option<bool>> {
        let status = self.qmp.execute("query-status", json!({}))?;
        let held = ["paused", "finish-migrate", "postmigrate", "save-vm"];
        Ok(match status["status"].as_str() {
            Some(word) if held.contains(&word) => None,
            _ => Some(status["running"].as_bool() == Some(true)),
        })
    }

    /// Lets the guest's processors run.
    ///
    /// # Errors
    /// QEMU is gone.
    pub fn proceed(&self) -> VmResult<()> {
        self.qmp.execute(CONT, json!({})).map(drop)
    }

    /// Opens QEMU's stub for gdb on this socket, which halts the guest.
    ///
    /// # Errors
    /// QEMU refuses.
    pub fn gdb(&self, socket: BorrowedFd<'_>) -> VmResult<()> {
        self.qmp.execute_with("getfd", json!({"fdname": GDB}), socket)?;
        let address = json!({"type": "fd", "data": {"str": GDB}});
        let backend = json!({"type": "socket", "data": {"addr": address, "server": false}});
        self.qmp.execute("chardev-add", json!({"id": GDB, "backend": backend}))?;
        let said = self.monitor(&format!("gdbserver chardev:{GDB}"))?;
        if said.contains("Could not") {
            return Err(VmError::Refused { command: "gdbserver".into(), why: said });
        }
        Ok(())
    }

    /// The registers of all processors, as QEMU prints them.
    ///
    /// # Errors
    /// QEMU is gone.
    pub fn registers(&self) -> VmResult<String> {
        self.monitor("info registers -a")
    }

    /// A command of QEMU's that has no other form.
    fn monitor(&self, line: &str) -> VmResult<String> {
        let said = self.qmp.execute("human-monitor-command", json!({"command-line": line}))?;
        Ok(said.as_str().unwrap_or_default().trim().to_owned())
    }

    /// Writes the guest's memory and registers to `file`. It stands still
    /// meanwhile.
    ///
    /// # Errors
    /// QEMU refuses, or the disk is full.
    pub fn dump(&self, file: &File, compress: bool) -> VmResult<()> {
        let format = if compress { "kdump-zlib" } else { "elf" };
        self.qmp.execute_with("getfd", json!({"fdname": "dump"}), file.as_fd())?;
        let how = json!({"paging": false, "protocol": "fd:dump", "detach": true, "format": format});
        self.qmp.execute("dump-guest-memory", how)?;
        loop {
            let progress = self.qmp.execute("query-dump", json!({}))?;
            match progress["status"].as_str() {
                Some("active") => thread::sleep(Duration::from_millis(20)),
                Some("completed") => return Ok(()),
                _ => {
                    return Err(VmError::Refused {
                        command: "dump-guest-memory".into(),
                        why: "the file could not be written whole; is the disk full?".into(),
                    });
                }
            }
        }
    }

    /// Its control channel.
    pub(super) fn qmp(&self) -> &Qmp {
        &self.qmp
    }

    /// What its threads share.
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// What ends it while somebody else has it.
    pub fn killer(&self) -> Killer {
        Killer(Arc::clone(&self.shared))
    }

    /// Ends QEMU at once and waits until it is gone.
    pub fn kill(&self) {
        self.shared.kill();
        let gone = self.shared.wait(Instant::now() + DEATH, |state| state.ended.clone());
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
