// SPDX-License-Identifier: MIT OR Apache-2.0
//! Running other programs as part of long work: their output is heard line by
//! line and kept in a log, they stop when the caller wants to stop, and they
//! do not outlive this process.

mod output;
mod running;

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::os::fd::RawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use self::output::{POLL, Printed};
use self::running::{GRACE, Running, die_with_us, limit_files};
use super::build_error::{BuildError, BuildResult};
use super::progress::{Progress, Stop};
use super::supervisor;

/// How many lines an error shows.
const LAST: usize = 15;

/// A program to run.
pub(crate) struct Program<'a> {
    command: Command,
    what: String,
    log: Option<PathBuf>,
    with_terminal: bool,
    file_max: Option<u64>,
    listen: Listener<'a>,
}

/// Gets each line; says whether it belongs into an error's last words.
type Listener<'a> = Box<dyn FnMut(&str, &mut dyn Progress) -> bool + 'a>;

impl<'a> Program<'a> {
    /// `command`, which does `what` (as in “`what` failed”).
    pub(crate) fn new(command: Command, what: impl Into<String>) -> Self {
        Self {
            command,
            what: what.into(),
            log: None,
            with_terminal: false,
            file_max: None,
            listen: Box::new(|_, _| true),
        }
    }

    /// Everything it prints goes to this file, which is made again.
    pub(crate) fn log(mut self, path: &Path) -> Self {
        self.log = Some(path.to_owned());
        self
    }

    /// No file that it writes may get larger, in bytes.
    pub(crate) fn file_max(mut self, bytes: u64) -> Self {
        self.file_max = Some(bytes);
        self
    }

    /// It may have to talk to the user, as sudo does: it stays in the
    /// terminal's foreground and gets its signals from there.
    pub(crate) fn with_terminal(mut self) -> Self {
        self.with_terminal = true;
        self
    }

    /// Each line of its output goes to `listen`, which says whether the line
    /// may explain a failure.
    pub(crate) fn listen(
        mut self,
        listen: impl FnMut(&str, &mut dyn Progress) -> bool + 'a,
    ) -> Self {
        self.listen = Box::new(listen);
        self
    }

    /// Each line of its output is reported as it is.
    pub(crate) fn show_output(self) -> Self {
        self.listen(|line, progress| {
            progress.report(super::progress::Event::Output(line.into()));
            true
        })
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// It can't be started, fails, or the caller wants to stop.
    pub(crate) fn run(mut self, progress: &mut dyn Progress) -> BuildResult<()> {
        if progress.stop() > Stop::No {
            return Err(BuildError::Stopped(self.what));
        }
        let mut log = match &self.log {
            Some(path) => Some(File::create(path).map_err(BuildError::on("write", path))?),
            None => None,
        };
        let over = Arc::default();
        let (lines, mut child) = self.start(progress.locks(), &over)?;
        let mut last = VecDeque::new();
        let mut stop = Stop::No;
        let mut asked = Instant::now();
        let mut exited: Option<ExitStatus> = None;
        loop {
            match lines.recv_timeout(POLL) {
                Ok(Printed { bytes, lines }) => {
                    progress.printed(bytes);
                    if let Some(log) = &mut log {
                        let text: String =
                            lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
                        let path = self.log.as_deref().unwrap_or(Path::new("the log"));
                        log.write_all(text.as_bytes()).map_err(BuildError::on("write", path))?;
                    }
                    for line in lines {
                        if (self.listen)(&line, progress) && !line.trim().is_empty() {
                            last.push_back(line);
                            if last.len() > LAST {
                                last.pop_front();
                            }
                        }
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) if exited.is_none() => {
                    exited = child.child.try_wait().map_err(BuildError::io("wait"))?;
                    over.store(exited.is_some(), Ordering::Release);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            progress.tick();
            let wanted = progress.stop();
            if wanted > stop {
                stop = wanted;
                asked = Instant::now();
                child.stop(stop);
            } else if stop == Stop::Gently && asked.elapsed() > GRACE {
                stop = Stop::AtOnce;
                child.stop(stop);
            }
            if stop == Stop::AtOnce && asked.elapsed() > GRACE {
                break;
            }
        }
        let status = match exited {
            Some(status) => status,
            None if stop == Stop::AtOnce => return Err(BuildError::Stopped(self.what)),
            None => child.child.wait().map_err(BuildError::io("wait"))?,
        };
        if stop > Stop::No || progress.stop() > Stop::No {
            return Err(BuildError::Stopped(self.what));
        }
        if status.success() {
            return Ok(());
        }
        Err(BuildError::Command {
            what: self.what,
            status: status.to_string(),
            last: last.into(),
            log: self.log,
        })
    }

    /// Starts it with one pipe for both kinds of output, holding `locks`.
    fn start(
        &mut self,
        locks: Vec<RawFd>,
        over: &Arc<AtomicBool>,
    ) -> BuildResult<(Receiver<Printed>, Running)> {
        let (reader, writer) = std::io::pipe().map_err(BuildError::io("make a pipe"))?;
        let second = writer.try_clone().map_err(BuildError::io("make a pipe"))?;
        self.command.stdout(writer).stderr(second);
        if let Some(bytes) = self.file_max {
            limit_files(&mut self.command, bytes);
        }
        if self.with_terminal {
            die_with_us(&mut self.command);
        } else {
            // Out of reach of the terminal's signals, which are passed on.
            self.command.stdin(Stdio::null()).process_group(0);
            supervisor::put_before(&mut self.command, locks);
        }
        let child = self.command.spawn().map_err(|source| BuildError::Start {
            program: self.command.get_program().to_string_lossy().into_owned(),
            source,
        })?;
        // Drops our ends of the pipe, so that it ends with the program.
        self.command.stdout(Stdio::null()).stderr(Stdio::null());
        let lines = output::listen(reader, Arc::clone(over));
        Ok((lines, Running { child, supervised: !self.with_terminal }))
    }
}

/// What a program prints on standard output; `None` when it can't be started
/// or fails. For questions like `rustc --version`.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// Finds a program in the folders of PATH, and in those of a system
/// administrator that a plain user's PATH may lack.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| {
        nix::unistd::access(file, nix::unistd::AccessFlags::X_OK).is_ok() && file.is_file()
    })
}

#[cfg(test)]
mod tests {
    use super::output::{LINE_MAX, READ};
    use super::*;
    use crate::lab::progress::Event;
    use std::cell::Cell;
    use std::time::Duration;

    /// Stops once a file is there.
    struct StopWhen(PathBuf, Stop);
    impl Progress for StopWhen {
        fn report(&mut self, _: Event) {}
        fn stop(&self) -> Stop {
            if self.0.exists() { self.1 } else { Stop::No }
        }
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("bash");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failure_shows_the_last_words_and_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let program = Program::new(
            shell("for i in {1..40}; do echo $i; done; echo bad >&2; exit 3"),
            "counting",
        );
        let error = program.log(&log).run(&mut |_| {}).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("counting failed (exit status: 3)") && text.ends_with("bad"),
            "{text}"
        );
        assert!(!text.contains("\n  9\n"), "{text}");
        assert!(std::fs::read_to_string(log).unwrap().starts_with("1\n2\n"));
    }

    #[test]
    fn a_second_stop_ends_even_what_ignores_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let ready = folder.path().join("ready");
        let script =
            format!("trap '' INT TERM; touch {}; sleep 600 & wait; sleep 600", ready.display());
        let start = Instant::now();
        let mut at_once = StopWhen(ready, Stop::AtOnce);
        let error = Program::new(shell(&script), "sleeping").run(&mut at_once).unwrap_err();
        assert!(error.stopped());
        assert!(start.elapsed() < Duration::from_secs(120), "{:?}", start.elapsed());
    }

    #[test]
    fn a_first_stop_reaches_everything_that_was_started() {
        let folder = tempfile::tempdir().unwrap();
        let (ready, mark) = (folder.path().join("ready"), folder.path().join("mark"));
        let script = format!(
            "bash -c 'trap \"echo tidied > {}; exit\" INT; touch {}; sleep 600 & wait'",
            mark.display(),
            ready.display()
        );
        let mut gently = StopWhen(ready, Stop::Gently);
        assert!(Program::new(shell(&script), "x").run(&mut gently).unwrap_err().stopped());
        assert_eq!(std::fs::read_to_string(mark).unwrap(), "tidied\n");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = Program::new(Command::new("no-such-program"), "x").run(&mut |_| {});
        assert!(error.unwrap_err().to_string().contains("no-such-program can't be started"));
        assert_eq!(find("no-such-program"), None);
    }

    #[test]
    fn every_byte_is_counted_also_of_a_line_that_never_ends() {
        #[derive(Default)]
        struct Bounded(usize);
        impl Progress for Bounded {
            fn report(&mut self, _: Event) {}
            fn printed(&mut self, bytes: usize) {
                self.0 += bytes;
            }
            fn stop(&self) -> Stop {
                if self.0 > 1 << 20 { Stop::AtOnce } else { Stop::No }
            }
        }
        for endless in ["yes", "yes | tr -d '\\n'"] {
            let mut longest = 0;
            let program = Program::new(shell(endless), "printing").listen(|line, _| {
                longest = longest.max(line.len());
                false
            });
            assert!(program.run(&mut Bounded::default()).unwrap_err().stopped());
            assert!(longest <= LINE_MAX + READ, "{longest}");
        }
    }

    #[test]
    fn a_grandchild_that_lives_on_holds_nobody_up() {
        let start = Instant::now();
        let mut heard = Vec::new();
        // It leaves its group and session, as a daemon does.
        Program::new(shell("setsid sleep 60 & echo done"), "x")
            .with_terminal()
            .listen(|line, _| {
                heard.push(line.to_owned());
                true
            })
            .run(&mut |_| {})
            .unwrap();
        assert!(start.elapsed() < Duration::from_secs(50), "it was waited for");
        assert_eq!(heard, ["done"]);
    }

    #[test]
    fn each_line_of_both_outputs_is_heard() {
        let count = Cell::new(0);
        Program::new(shell("echo a; echo b >&2; printf c"), "x")
            .listen(|_, _| {
                count.set(count.get() + 1);
                true
            })
            .run(&mut |_| {})
            .unwrap();
        assert_eq!(count.get(), 3);
    }
}
