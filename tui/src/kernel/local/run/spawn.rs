// SPDX-License-Identifier: MIT OR Apache-2.0
//! Starting a program with its directory, environment, root and terminal.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{Error, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::fcntl::{FcntlArg, fcntl};
use nix::pty::{Winsize, openpty};

use crate::kernel::api::{OutputStream, ProgramEnd, RunRequest, TerminalSize};
use crate::kernel::error::{TargetError, TargetResult};
use crate::kernel::local::process::{AGENT_NICE, Process, spare_no_more};

/// Room in a pipe: fewer, larger reads than with the usual 64 KiB.
const PIPE_SIZE: i32 = 1 << 20;

/// Where a program's output is read.
pub(super) type Outputs = Vec<(OutputStream, File)>;

/// A program that runs, and our ends of what it reads and writes.
pub(super) struct Started {
    pub(super) process: Process,
    pub(super) input: File,
    pub(super) outputs: Outputs,
    pub(super) terminal: Option<File>,
}

/// Starts the program of `request`, seeing `root` as `/`. The inner error is how
/// a program ends that could not be started.
pub(super) fn spawn(
    request: &RunRequest,
    root: Option<&Path>,
) -> TargetResult<Result<Started, ProgramEnd>> {
    let Some((program, arguments)) = request.arguments.split_first() else {
        return Err(TargetError::Invalid("no program is named".into()));
    };
    let name = String::from_utf8_lossy(program).into_owned();
    let nul = || TargetError::Invalid(format!("an argument of {name} holds a NUL character"));
    if request.arguments.iter().any(|argument| argument.contains(&0)) {
        return Err(nul());
    }
    let directory = Path::new(OsStr::from_bytes(&request.directory));
    let seen = root.map_or_else(
        || directory.to_owned(),
        |root| root.join(directory.strip_prefix("/").unwrap_or(directory)),
    );
    if !seen.is_dir() {
        return Err(TargetError::errno(
            nix::libc::ENOENT,
            format!("enter {}", directory.display()),
        )
        .with_hint("the working directory does not exist there"));
    }
    let mut command = Command::new(OsStr::from_bytes(program));
    command.args(arguments.iter().map(|argument| OsStr::from_bytes(argument))).env_clear().envs(
        request
            .environment
            .iter()
            .filter(|(key, value)| {
                !key.is_empty() && !key.contains(&b'=') && !key.contains(&0) && !value.contains(&0)
            })
            .map(|(key, value)| (OsStr::from_bytes(key), OsStr::from_bytes(value))),
    );
    let root = root
        .map(|root| CString::new(root.as_os_str().as_bytes()))
        .transpose()
        .map_err(|_| nul())?;
    let directory = CString::new(request.directory.clone()).map_err(|_| nul())?;
    let on_terminal = request.terminal.is_some();
    // SAFETY: between fork and exec only system calls are made; the strings
    // were made before.
    unsafe {
        command.pre_exec(move || enter(root.as_deref(), &directory, on_terminal));
    }
    match request.terminal {
        Some(size) => spawn_on_terminal(command, size, &name),
        None => spawn_with_pipes(command, &name),
    }
}

/// In the child: takes its root, its directory and its terminal.
fn enter(
    root: Option<&std::ffi::CStr>,
    directory: &std::ffi::CStr,
    terminal: bool,
) -> std::io::Result<()> {
    let check = |result: i32| match result {
        -1 => Err(Error::last_os_error()),
        _ => Ok(()),
    };
    // SAFETY: plain system calls with strings that end in NUL; standard input
    // is the terminal where there is one.
    unsafe {
        // The program ends with the agent, however that ends: the thread that
        // starts it waits for its end.
        check(nix::libc::prctl(nix::libc::PR_SET_PDEATHSIG, nix::libc::SIGKILL))?;
        // A guest's agent comes before every other process; what it starts
        // is as any other program.
        if nix::libc::getpriority(nix::libc::PRIO_PROCESS, 0) == AGENT_NICE {
            check(nix::libc::setpriority(nix::libc::PRIO_PROCESS, 0, 0))?;
            spare_no_more()?;
        }
        if let Some(root) = root {
            check(nix::libc::chroot(root.as_ptr()))?;
        }
        check(nix::libc::chdir(directory.as_ptr()))?;
        if terminal {
            check(nix::libc::setsid())?;
            check(nix::libc::ioctl(0, nix::libc::TIOCSCTTY, 0))?;
        }
    }
    Ok(())
}

fn spawn_with_pipes(mut command: Command, name: &str) -> TargetResult<Result<Started, ProgramEnd>> {
    command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return not_started(&error, name).map(Err),
    };
    let (Some(input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(TargetError::Protocol("a program without its pipes".into()));
    };
    let [input, output, errors] =
        [OwnedFd::from(input), OwnedFd::from(output), OwnedFd::from(errors)].map(File::from);
    for pipe in [&input, &output] {
        // Not allowed to everybody; the usual size does too.
        let _ = fcntl(pipe, FcntlArg::F_SETPIPE_SZ(PIPE_SIZE));
    }
    Ok(Ok(Started {
        process: Process::new(child),
        input,
        outputs: vec![(OutputStream::Stdout, output), (OutputStream::Stderr, errors)],
        terminal: None,
    }))
}

fn spawn_on_terminal(
    mut command: Command,
    size: TerminalSize,
    name: &str,
) -> TargetResult<Result<Started, ProgramEnd>> {
    let failed = |error: &Error| TargetError::io(error, "make a terminal");
    let pair = openpty(Some(&window(size)), None)
        .map_err(|errno| failed(&Error::from_raw_os_error(errno as i32)))?;
    for fd in [&pair.master, &pair.slave] {
        fcntl(fd, FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))
            .map_err(|errno| failed(&Error::from_raw_os_error(errno as i32)))?;
    }
    let again = || pair.slave.try_clone().map_err(|error| failed(&error));
    command
        .stdin(Stdio::from(again()?))
        .stdout(Stdio::from(again()?))
        .stderr(Stdio::from(again()?));
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return not_started(&error, name).map(Err),
    };
    // Ours must be the only end left open, or the terminal never ends.
    drop(command);
    drop(pair.slave);
    let master = File::from(pair.master);
    let again = || master.try_clone().map_err(|error| failed(&error));
    Ok(Ok(Started {
        process: Process::new(child),
        input: again()?,
        outputs: vec![(OutputStream::Stdout, again()?)],
        terminal: Some(master),
    }))
}

/// How a program ends that could not be started.
fn not_started(error: &Error, name: &str) -> TargetResult<ProgramEnd> {
    match (error.kind(), error.raw_os_error()) {
        (ErrorKind::NotFound, _) => Ok(ProgramEnd::NotFound),
        (
            _,
            Some(nix::libc::EAGAIN | nix::libc::ENOMEM | nix::libc::EMFILE | nix::libc::ENFILE),
        )
        | (_, None) => Err(TargetError::io(error, format!("start {name}"))),
        (_, Some(errno)) => Ok(ProgramEnd::NotExecutable(errno)),
    }
}

fn window(size: TerminalSize) -> Winsize {
    Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// Tells a terminal its size; its programs get SIGWINCH.
pub(super) fn set_size(terminal: &File, size: TerminalSize) -> TargetResult<()> {
    let window = window(size);
    // SAFETY: TIOCSWINSZ reads a winsize.
    let result =
        unsafe { nix::libc::ioctl(terminal.as_raw_fd(), nix::libc::TIOCSWINSZ, &raw const window) };
    match result {
        -1 => Err(TargetError::io(&Error::last_os_error(), "set the terminal's size")),
        _ => Ok(()),
    }
}
