// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lab process: owns a QEMU, lasts over its reboots, and serves any number
//! of clients on a socket.
//!
//! It is started by [`super::client::start`] with one end of a socket as its
//! standard input, on which it gets its options and replies with its name.
//! The end of that socket is the end of the lab, so it never outlives its
//! starter, not even one that was killed, unless the starter releases it.
//!
//! QEMU dies with this process: the kernel sees to it (see [`super::vm::machine`]).

mod gdb;
mod marks;
mod order;
mod starting;
mod status;
mod stream;
mod supervisor;
mod target;
mod waiting;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::Uid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use self::marks::Marks;
use self::order::Order;
use self::status::Status;
use self::supervisor::Supervisor;
use self::target::LabTarget;
use super::error::{LabError, LabResult};
use super::options::LabOptions;
use super::runtime::{self, LabFolder};
use super::vm::console::Console;
use super::vm::stick::Stick;
use crate::agent::serve;
use crate::kernel::api::LabStatus;

/// How long a client may take to receive that the lab is down.
const FAREWELL: Duration = Duration::from_millis(100);
/// What the starter says when the lab is to go on without it.
pub(super) const RELEASE: u8 = b'r';

/// What the lab process reports to its starter, one line of JSON.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) enum Startup {
    /// It listens under this name.
    Listening(String),
    /// It can't be.
    Failed(String),
}

/// Runs a lab until it is to end. To be called first thing in a process of its
/// own whose standard input is the starter's socket.
///
/// # Errors
/// Only when not even the starter can be sent what went wrong.
pub fn run() -> LabResult<()> {
    let input = std::io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map_err(LabError::io("use the starter's socket"))?;
    let starter = UnixStream::from(input);
    // Out of the reach of the terminal; fails only where that is so already.
    if let Err(error) = nix::unistd::setsid() {
        tracing::debug!("setsid: {error}");
    }
    drop(std::env::set_current_dir("/"));
    // It was started by way of /proc/self/exe, and would be shown as `exe`.
    if let Err(error) = nix::sys::prctl::set_name(c"ringside") {
        tracing::debug!("set the process's name: {error}");
    }
    let mut to = &starter;
    match Lab::prepare(&starter) {
        Ok(lab) => {
            let listening = Startup::Listening(lab.folder.id().to_owned());
            report(&mut to, &listening)?;
            lab.run(starter);
            Ok(())
        }
        Err(LabError::Vm(error)) => report(&mut to, &Startup::Failed(error.report())),
        Err(error) => report(&mut to, &Startup::Failed(error.to_string())),
    }
}

fn report(starter: &mut &UnixStream, startup: &Startup) -> LabResult<()> {
    let mut line = serde_json::to_string(startup).unwrap_or_default();
    line.push('\n');
    starter.write_all(line.as_bytes()).map_err(LabError::io("answer the starter"))
}

/// How often a guest whose counters move is marked.
const MARK_EVERY: Duration = Duration::from_secs(10);

/// Everything a lab needs before its first guest.
struct Lab {
    options: LabOptions,
    folder: LabFolder,
    listener: UnixListener,
    stick: Stick,
}

impl Lab {
    fn prepare(starter: &UnixStream) -> LabResult<Self> {
        let mut line = String::new();
        BufReader::new(starter)
            .read_line(&mut line)
            .map_err(LabError::io("read what the lab is to be"))?;
        let options: LabOptions = serde_json::from_str(&line)
            .map_err(|error| LabError::NotStarted(format!("it was told nonsense: {error}")))?;
        let stick = options.stick()?;
        let folder = LabFolder::create(&runtime::folder()?)?;
        let listener = folder.listen()?;
        Ok(Self { options, folder, listener, stick })
    }

    fn run(self, starter: UnixStream) {
        let (orders, received) = channel();
        let status = Arc::new(Status::new(self.status()));
        let console = Console::new();
        let marks = Arc::new(Marks::new(self.options.marks));
        let served = LabTarget {
            status: Arc::clone(&status),
            console: Arc::clone(&console),
            marks: Arc::clone(&marks),
            auto_marks: self.options.auto_marks,
            orders: orders.clone(),
            gdb: self.folder.path().join(runtime::GDB_SOCKET),
        };
        let clients = Arc::new(());
        let connected = Arc::downgrade(&clients);
        let listener = self.listener;
        let ready = thread::Builder::new()
            .name("listen".into())
            .spawn(move || listen(&listener, &served, &clients))
            .map(drop)
            .and_then(|()| end_on_signal(orders.clone()))
            .and_then(|()| end_with(starter, orders.clone()))
            .and_then(|()| match self.options.auto_marks {
                true => keep_time(orders.clone()),
                false => Ok(()),
            });
        if let Err(error) = ready {
            tracing::error!("the lab process can't start its threads: {error}");
            return;
        }
        let supervisor = Supervisor::new(
            self.options,
            self.folder.path().to_owned(),
            self.stick,
            status,
            console,
            marks,
            orders,
        );
        let done = supervisor.run(&received);
        // First the traces, then the answer, so that whoever hears it finds none.
        self.folder.remove();
        if let Some((done, result)) = done {
            done(result);
            // The answer is on its way; whoever got it hangs up.
            let until = Instant::now() + FAREWELL;
            while connected.strong_count() > 1 && Instant::now() < until {
                thread::sleep(Duration::from_millis(2));
            }
        }
    }

    fn status(&self) -> LabStatus {
        LabStatus {
            id: self.folder.id().into(),
            pid: std::process::id() as i32,
            flavour: self.options.kernel.flavour.name().into(),
            kernel: self.options.kernel.release.clone(),
            memory_mib: self.options.memory(),
            processors: self.options.processors,
            stick_file: self.stick.path.as_ref().map(|path| path.display().to_string()),
            stick_changes: self.stick.changes().map(|changes| changes.path().display().to_string()),
            stick_fate: self.options.disk_fate,
            ..LabStatus::default()
        }
    }
}

/// Serves everyone who connects, each on a thread of its own.
fn listen(listener: &UnixListener, served: &LabTarget, clients: &Arc<()>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // Out of descriptors, say: later it may work again.
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        let (served, connected) = (served.clone(), Arc::clone(clients));
        let spawned = thread::Builder::new().name("client".into()).spawn(move || {
            client(stream, &served);
            drop(connected);
        });
        if let Err(error) = spawned {
            tracing::warn!("a client was turned away: {error}");
        }
    }
}

fn client(stream: UnixStream, served: &LabTarget) {
    // The folder keeps others out already; root may come in.
    let known = getsockopt(&stream, PeerCredentials)
        .is_ok_and(|peer| peer.uid() == Uid::effective().as_raw() || peer.uid() == 0);
    if !known {
        return;
    }
    let Ok(writer) = stream.try_clone() else {
        return;
    };
    if let Err(error) = serve(stream, writer, served) {
        tracing::debug!("a client: {error}");
    }
}

/// Ends the lab when somebody asks the process to end.
fn end_on_signal(orders: Sender<Order>) -> std::io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        if signals.forever().next().is_some() {
            drop(orders.send(Order::Down(None)));
        }
    })?;
    Ok(())
}

/// Ends the lab when its starter's end of the socket is gone, unless the starter
/// has released it before.
fn end_with(mut starter: UnixStream, orders: Sender<Order>) -> std::io::Result<()> {
    thread::Builder::new().name("starter".into()).spawn(move || {
        let mut word = [0];
        match starter.read(&mut word) {
            Ok(1) if word == [RELEASE] => {}
            _ => drop(orders.send(Order::Down(None))),
        }
    })?;
    Ok(())
}

/// Says when it is time for a mark, as long as there is a lab.
fn keep_time(orders: Sender<Order>) -> std::io::Result<()> {
    thread::Builder::new().name("mark-time".into()).spawn(move || {
        loop {
            thread::sleep(MARK_EVERY);
            if orders.send(Order::MarkTime).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}
