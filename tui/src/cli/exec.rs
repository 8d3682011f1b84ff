// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside exec` and `ringside shell`: programs of the host in the guest.

use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};

use clap::{Args, ValueHint};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGWINCH};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithRawSiginfo;

use super::lab_args::LabArgs;
use super::patience::{Patience, Patient};
use super::{Connection, Failure, Outcome, candidates};
use crate::kernel::api::{
    Item, OutputStream, ProgramEnd, Request, RunRequest, Signal, TerminalSize,
};
use crate::kernel::wire::PAYLOAD_MAX;
use crate::kernel::{CallControl, Target, TargetError};
use crate::lab::private::PrivateLab;
use crate::text::escape::visible;

/// What Ctrl-C is on a terminal in raw mode.
const CTRL_C: u8 = 3;
/// Exit status when Ringside itself failed, and not the program.
pub(super) const OWN_FAILURE: u8 = 125;
/// Exit status of a program whose output nobody reads any more (SIGPIPE).
const NO_READER: u8 = 128 + 13;

/// Run a program of this machine inside a lab's guest, as root
///
///     ringside exec -- uname -a
///     ringside exec -- make -C tests check < input > output
///     ringside exec --lab 1 -- cat /proc/slabinfo
///
/// Without --lab, a lab of its own is started for it and ends with it. The
/// program sees this machine's files, the same working directory and
/// environment, and never a terminal: that is what `ringside shell` is for. It
/// may change every file, but changes are gone with the guest; only below the
/// folders given with --rw they are written to this machine, without setuid
/// bits, devices or other owners. It never sees /proc, /sys, /dev and /run of
/// this machine, and has its own. With --host-files system or none it sees less. Standard input, output and error are passed
/// through, and so are Ctrl-C and the exit status. A second Ctrl-C ends the run
/// whatever program and guest do, and so does SIGTERM, SIGHUP or SIGQUIT.
///
/// Exit status: the program's own; 128 + N if signal N killed it or ended the
/// run; 127 if there is no such program; 126 if it can't be executed; 125 if
/// Ringside failed.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Exec {
    /// The working directory there, if it is to be another than here
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,
    #[command(flatten)]
    lab: LabArgs,
    /// The program and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD",
        add = candidates::programs()
    )]
    command: Vec<OsString>,
}

impl Exec {
    /// Runs it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let own = |failure: Failure| failure.with_status(OWN_FAILURE);
        let request = request(&self.command, self.dir.as_ref(), None).map_err(own)?;
        let patience = |advice: &str| connection.patience(advice);
        if connection.is_explicit() {
            let target = connection.open_plain().map_err(own)?;
            let ended = run(target, request, patience("a second Ctrl-C")).map_err(own)?;
            return Ok(ended.status());
        }
        if self.lab.keep_marks {
            return Err(own(Failure::usage("a lab of one program's own has no marks to keep")
                .with_help("`ringside up --keep-marks` starts one that has")));
        }
        let options = self.lab.options().map_err(own)?;
        let lab = PrivateLab::start(&options, &|_| ()).map_err(|error| own(error.into()))?;
        let alone = Patience::new(connection.timeout, "a second Ctrl-C ends it");
        let ended = run(lab.target(), request, alone).map_err(own)?;
        if matches!(ended, Ended::Signal(_)) {
            lab.kill();
        }
        Ok(ended.status())
    }
}

/// Open a shell inside the guest of a lab that runs
///
///     ringside shell                    your own shell
///     ringside shell -- htop            any program that wants a terminal
///
/// It runs as root on a terminal of its own, which follows the size of this
/// one. Ctrl-C is the program's, but in a guest that hangs the second one leaves
/// the shell. Exit statuses are as for `ringside exec`.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Shell {
    /// The working directory there, if it is to be another than here
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,
    /// The program and its arguments, if not your shell
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD",
          add = candidates::programs())]
    command: Vec<OsString>,
}

impl Shell {
    /// Runs it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let own = |failure: Failure| failure.with_status(OWN_FAILURE);
        if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
            return Err(own(Failure::new("a shell needs a terminal")
                .with_help("`ringside exec -- CMD` runs a program without one")));
        }
        let mut command = self.command.clone();
        if command.is_empty() {
            let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
            command.push(shell.unwrap_or_else(|| "/bin/sh".into()));
        }
        let size = terminal_size();
        let mut request = request(&command, self.dir.as_ref(), Some(size)).map_err(own)?;
        let trim = |(name, _): &(Vec<u8>, Vec<u8>)| name == b"PROMPT_DIRTRIM";
        if self.command.is_empty() && !request.environment.iter().any(trim) {
            // Bash then shows one folder in its prompt, and not the whole way to it.
            request.environment.push((b"PROMPT_DIRTRIM".to_vec(), b"1".to_vec()));
        }
        let target = connection.open_plain().map_err(own)?;
        let patience = Patience { raw: true, ..connection.patience("Ctrl-C twice") };
        let _raw = RawTerminal::enter().map_err(own)?;
        run(target, request, patience).map_err(own).map(Ended::status)
    }
}

/// The terminal without line editing and signal keys; as it was when dropped.
struct RawTerminal;

impl RawTerminal {
    fn enter() -> Result<Self, Failure> {
        crossterm::terminal::enable_raw_mode()
            .map_err(|error| Failure::io("use the terminal", &error))?;
        Ok(Self)
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        // There is nobody to tell, and nothing else to try.
        drop(crossterm::terminal::disable_raw_mode());
    }
}

fn terminal_size() -> TerminalSize {
    let (columns, rows) = crossterm::terminal::size().unwrap_or((80, 24));
    TerminalSize { rows, columns }
}

/// A request to run a program in our working directory and environment.
pub(super) fn request(
    command: &[OsString],
    directory: Option<&PathBuf>,
    terminal: Option<TerminalSize>,
) -> Result<RunRequest, Failure> {
    let directory = match directory {
        Some(directory) => directory.clone(),
        None => std::env::current_dir()
            .map_err(|error| Failure::io("find the working directory", &error))?,
    };
    Ok(RunRequest {
        arguments: command.iter().map(|word| word.as_bytes().to_vec()).collect(),
        environment: std::env::vars_os()
            .map(|(key, value)| (key.into_vec(), value.into_vec()))
            .collect(),
        directory: directory.into_os_string().into_vec(),
        terminal,
    })
}

/// What happens while a program runs.
enum Event {
    Exited(ProgramEnd),
    Done(Result<(), TargetError>),
    /// Our own output takes no more.
    Unwritable(OutputStream, std::io::Error),
    /// A signal to us.
    Signal(i32),
}

/// How a run ended.
pub(super) enum Ended {
    /// By itself, with this exit status.
    Program(u8),
    /// By a signal to us, whatever became of the program.
    Signal(i32),
}

impl Ended {
    pub(super) fn status(self) -> u8 {
        match self {
            Self::Program(status) => status,
            Self::Signal(signal) => 128u8.wrapping_add(signal as u8),
        }
    }
}

/// Runs a program with our standard input, output and error until it ends, or
/// until a signal ends the run at once, whatever program and guest do.
pub(super) fn run(
    target: Arc<dyn Target>,
    request: RunRequest,
    patience: Patience,
) -> Result<Ended, Failure> {
    let on_terminal = request.terminal.is_some();
    let name = String::from_utf8_lossy(&request.arguments[0]).into_owned();
    let (send, events) = channel();
    // Before the program starts, so that no signal is missed.
    let signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH])
        .map_err(|error| Failure::io("wait for signals", &error))?;
    listen(signals, send.clone());
    let target = Patient::new(target, patience);
    let tell = send.clone();
    // Blocking here holds up this call only, and stops the program in time.
    let sink = Box::new(move |item: Item| {
        let event = match item {
            Item::Output { stream, bytes } => match write(stream, &bytes) {
                Ok(()) => return,
                Err(error) => Event::Unwritable(stream, error),
            },
            Item::Exited(end) => Event::Exited(end),
            Item::Done(result) => Event::Done(result),
            _ => return,
        };
        // Nobody listens any more when the run was given up.
        drop(tell.send(event));
    });
    let call = target.start(Request::Run(request), sink)?;
    let control = call.control();
    feed(call.control(), on_terminal.then(|| (target.hangs(), send)));
    let mut end = None;
    let mut interrupted = false;
    for event in events {
        match event {
            Event::Exited(how) => end = Some(how),
            Event::Unwritable(_, error) if error.kind() == ErrorKind::BrokenPipe => {
                return Ok(Ended::Program(NO_READER));
            }
            Event::Unwritable(stream, error) => {
                let name = match stream {
                    OutputStream::Stdout => "standard output",
                    OutputStream::Stderr => "standard error",
                };
                return Err(Failure::io(format!("write to {name}"), &error)
                    .with_help("the program was ended, since its output is lost"));
            }
            Event::Done(result) => {
                result?;
                break;
            }
            // What can't be passed on ends with the call, which is about to be told.
            Event::Signal(SIGWINCH) if on_terminal => drop(control.resize(terminal_size())),
            Event::Signal(SIGWINCH) => {}
            Event::Signal(signal) => {
                drop(control.signal(Signal(signal)));
                if signal != SIGINT || interrupted {
                    return Ok(Ended::Signal(signal));
                }
                interrupted = true;
            }
        }
    }
    let end = end.ok_or_else(|| Failure::new(format!("{name}: how it ended is not known")))?;
    match end {
        ProgramEnd::NotFound | ProgramEnd::NotExecutable(_) => {
            complain(&format!("{name}: {end}"), on_terminal);
        }
        ProgramEnd::Exited(_) | ProgramEnd::Signalled(_) => {}
    }
    Ok(Ended::Program(end.status()))
}

/// Says why a program did not start; its exit status says it too.
fn complain(text: &str, raw: bool) {
    let end = if raw { "\r\n" } else { "\n" };
    drop(write!(std::io::stderr(), "error: {}{end}", visible(text)));
}

fn write(stream: OutputStream, bytes: &[u8]) -> std::io::Result<()> {
    // Past the standard library's buffers, which look for line ends.
    let file = |fd: std::os::fd::BorrowedFd<'_>| fd.try_clone_to_owned().map(std::fs::File::from);
    match stream {
        OutputStream::Stdout => file(std::io::stdout().as_fd())?.write_all(bytes),
        OutputStream::Stderr => file(std::io::stderr().as_fd())?.write_all(bytes),
    }
}

/// Passes our standard input on, on a thread that ends with the program. On a
/// terminal, where Ctrl-C is a byte like any other, the second one ends the run
/// while the guest hangs.
fn feed(control: Arc<dyn CallControl>, terminal: Option<(Arc<AtomicBool>, Sender<Event>)>) {
    std::thread::spawn(move || {
        let input = std::io::stdin().as_fd().try_clone_to_owned();
        let Ok(mut input) = input.map(std::fs::File::from) else {
            return drop(control.close_input());
        };
        let mut interrupts = 0;
        let mut buffer = vec![0; PAYLOAD_MAX];
        loop {
            match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(size) => {
                    if let Some((hangs, events)) = &terminal {
                        let typed = buffer[..size].iter().filter(|byte| **byte == CTRL_C).count();
                        let hangs = hangs.load(Ordering::Relaxed);
                        interrupts = if hangs { interrupts + typed } else { 0 };
                        for _ in 0..if interrupts >= 2 { 2 } else { 0 } {
                            // Nobody listens any more once the run is over.
                            drop(events.send(Event::Signal(SIGINT)));
                        }
                    }
                    if control.send(&buffer[..size]).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        // A terminal that is gone takes the program with it (SIGHUP).
        if terminal.is_some() {
            drop(control.signal(Signal(SIGHUP)));
        }
        drop(control.close_input());
    });
}

/// Keeps each signal: of two interrupts, a busy thread would find one otherwise.
type Signals = SignalsInfo<WithRawSiginfo>;

/// Hands the signals that come to the loop.
fn listen(mut signals: Signals, events: Sender<Event>) {
    std::thread::spawn(move || {
        for signal in signals.forever().map(|info| info.si_signo) {
            // To the end of the process: a signal must never come to nothing.
            if events.send(Event::Signal(signal)).is_err() {
                drop(signal_hook::low_level::emulate_default_handler(signal));
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn two_signals_of_a_kind_are_two_however_late_they_are_looked_at() {
        let signals = Signals::new([SIGWINCH]).unwrap();
        for _ in 0..2 {
            signal_hook::low_level::raise(SIGWINCH).unwrap();
        }
        let (send, events) = channel();
        listen(signals, send);
        for _ in 0..2 {
            let event = events.recv_timeout(Duration::from_secs(60)).unwrap();
            assert!(matches!(event, Event::Signal(SIGWINCH)));
        }
    }
}
