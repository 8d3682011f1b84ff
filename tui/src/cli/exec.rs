// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside exec` and `ringside shell`: programs of the host in the guest.

use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;

use clap::{Args, ValueHint};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGWINCH};
use signal_hook::iterator::Signals;

use super::error::visible;
use super::lab_args::LabArgs;
use super::{Connection, Failure, Outcome, candidates};
use crate::kernel::api::{
    Item, OutputStream, ProgramEnd, Request, RunRequest, Signal, TerminalSize,
};
use crate::kernel::error::{errno_name, errno_text};
use crate::kernel::wire::PAYLOAD_MAX;
use crate::kernel::{CallControl, Target, TargetError};
use crate::lab::private::PrivateLab;

/// Exit status when Ringside itself failed, and not the program.
pub(super) const OWN_FAILURE: u8 = 125;
/// Exit status of a program whose output nobody reads any more (SIGPIPE).
const NO_READER: u8 = 128 + 13;

/// Exit status of a run that a second Ctrl-C gave up (SIGINT).
const INTERRUPTED: u8 = 128 + 2;

/// Run a program of this machine inside a lab's guest, as root
///
///     ringside exec -- uname -a
///     ringside exec -- make -C tests check < input > output
///     ringside exec --lab 1 -- cat /proc/slabinfo
///
/// Without --lab, a lab of its own is started for it and ends with it. The
/// program sees this machine's files (changes to them stay in the guest), the
/// same working directory and environment, and never a terminal: that is what
/// `ringside shell` is for. Standard input, output and error are passed
/// through, and so are Ctrl-C and the exit status.
///
/// Exit status: the program's own; 128 + N if signal N killed it; 127 if there
/// is no such program; 126 if it can't be executed; 125 if Ringside failed.
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
        if connection.is_explicit() {
            let target = connection.open().map_err(own)?;
            return run(&target, request).map_err(own);
        }
        let options = self.lab.options().map_err(own)?;
        let lab = PrivateLab::start(&options, &|_| ()).map_err(|error| own(error.into()))?;
        run(&lab.target(), request).map_err(own)
    }
}

/// Open a shell inside the guest of a lab that runs
///
///     ringside shell                    your own shell
///     ringside shell -- htop            any program that wants a terminal
///
/// It runs as root on a terminal of its own, which follows the size of this
/// one. Exit statuses are as for `ringside exec`.
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
        let target = connection.open().map_err(own)?;
        let _raw = RawTerminal::enter().map_err(own)?;
        run(&target, request).map_err(own)
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

fn request(
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

/// What ends a run.
enum Event {
    Exited(ProgramEnd),
    Done(Result<(), TargetError>),
    /// Our own output takes no more.
    Unwritable(OutputStream, std::io::Error),
}

/// Runs a program with our standard input, output and error, and returns its
/// exit status.
fn run(target: &Arc<dyn Target>, request: RunRequest) -> Outcome {
    let on_terminal = request.terminal.is_some();
    let name = String::from_utf8_lossy(&request.arguments[0]).into_owned();
    // Before the program starts, so that no signal is missed.
    let signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH])
        .map_err(|error| Failure::io("wait for signals", &error))?;
    let (send, events) = channel();
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
        drop(send.send(event));
    });
    let call = target.start(Request::Run(request), sink)?;
    forward_signals(signals, call.control(), on_terminal);
    feed(call.control(), on_terminal);
    let mut end = None;
    for event in events {
        match event {
            Event::Exited(how) => end = Some(how),
            Event::Unwritable(_, error) if error.kind() == ErrorKind::BrokenPipe => {
                return Ok(NO_READER);
            }
            Event::Unwritable(stream, error) => {
                let name = match stream {
                    OutputStream::Stdout => "standard output",
                    OutputStream::Stderr => "standard error",
                };
                return Err(Failure::io(format!("write to {name}"), &error)
                    .with_help("the program was ended, since its output is lost"));
            }
            Event::Done(Err(TargetError::Cancelled)) => return Ok(INTERRUPTED),
            Event::Done(result) => {
                result?;
                break;
            }
        }
    }
    let end = end.ok_or_else(|| Failure::new(format!("{name}: how it ended is not known")))?;
    match end {
        ProgramEnd::NotFound => complain(&format!("{name}: there is no such program"), on_terminal),
        ProgramEnd::NotExecutable(errno) => complain(
            &format!("{name} can't be executed: {} ({})", errno_text(errno), errno_name(errno)),
            on_terminal,
        ),
        ProgramEnd::Exited(_) | ProgramEnd::Signalled(_) => {}
    }
    Ok(end.status())
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

/// Passes our standard input on, on a thread that ends with the program.
fn feed(control: Arc<dyn CallControl>, on_terminal: bool) {
    std::thread::spawn(move || {
        let input = std::io::stdin().as_fd().try_clone_to_owned();
        let Ok(mut input) = input.map(std::fs::File::from) else {
            return drop(control.close_input());
        };
        let mut buffer = vec![0; PAYLOAD_MAX];
        loop {
            match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(size) => {
                    if control.send(&buffer[..size]).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        // A terminal that is gone takes the program with it (SIGHUP).
        if on_terminal {
            drop(control.signal(Signal(SIGHUP)));
        }
        drop(control.close_input());
    });
}

/// Passes signals on to the program. A second Ctrl-C ends the run, in case the
/// program or its kernel does not care for the first.
fn forward_signals(mut signals: Signals, control: Arc<dyn CallControl>, on_terminal: bool) {
    std::thread::spawn(move || {
        let mut interrupted = false;
        for signal in signals.forever() {
            let passed = match signal {
                SIGWINCH if on_terminal => control.resize(terminal_size()),
                SIGWINCH => Ok(()),
                SIGINT if interrupted => {
                    control.cancel();
                    Ok(())
                }
                signal => {
                    interrupted |= signal == SIGINT;
                    control.signal(Signal(signal))
                }
            };
            if passed.is_err() {
                return;
            }
        }
    });
}
