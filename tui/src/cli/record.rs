// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside record`: a recording without a dashboard.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use clap::{Args, ValueHint};

use super::dashboard::{ThisMachine, open_kernel, recorded_text, resolve_changes};
use super::interrupt::Interrupt;
use super::lab_args::LabArgs;
use super::settings::{OF_RECORDINGS, entries};
use super::{Connection, Failure, Outcome, candidates, exec};
use crate::dashboard::{self, Options, Recording};
use crate::kernel::Target;
use crate::lab::progress::Stop;

/// How often a signal is looked for.
const LOOK: Duration = Duration::from_millis(50);

/// Record a kernel without a dashboard, while a program runs or until Ctrl-C
///
///     ringside record run.ringside                    until Ctrl-C
///     ringside record run.ringside -- make check      while this runs in the guest
///     ringside record run.ringside --lab 2            the lab with this name
///     ringside replay run.ringside                    play it
///
/// It records what `ringside --record FILE` does of a dashboard that nobody touches:
/// the kernel log, every module's counters and tables, the console, the lab's state;
/// and of the program its output and input, but not its environment. The program
/// runs as `ringside exec` has it. Without a lab that runs, one is started, and ends
/// with the recording. The file is valid up to its last second, however this ends.
///
/// Exit status: the program's, as `ringside exec` returns it; without a program 0
/// after Ctrl-C or SIGTERM, 1 if nothing could be recorded.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Record {
    /// The file to record in; it must not exist
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    #[command(flatten)]
    lab: LabArgs,
    /// The program and its arguments, if one is to run
    #[arg(last = true, value_name = "CMD", add = candidates::programs())]
    command: Vec<OsString>,
}

impl Record {
    /// Runs it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let runs = !self.command.is_empty();
        let own = |failure: Failure| match runs {
            true => failure.with_status(exec::OWN_FAILURE),
            false => failure,
        };
        self.record(connection).map_err(own)
    }

    fn record(&self, connection: &Connection) -> Outcome {
        let config = entries(&OF_RECORDINGS)?;
        let relay = Arc::new(open_kernel(connection, &self.lab, LabArgs::options)?);
        let options = Options {
            config,
            own_lab: relay.owns_lab(),
            host: Arc::new(ThisMachine::new(&relay, &self.lab)),
            record: Some(self.file.clone()),
            state: None,
            workbench: None,
            experiment: None,
        };
        let (send, over) = channel();
        let target: Arc<dyn Target> = relay.clone();
        // Nobody listens where a program runs.
        let gone = move || send.send(()).unwrap_or_default();
        let recording = dashboard::record(target, options, gone)?;
        let ended = self.until_the_end(&recording, connection, &over);
        let recorded = recording.finish();
        resolve_changes(&relay)?;
        let status = ended?;
        let recorded = recorded?;
        eprintln!("{}", recorded_text(&recorded));
        Ok(status)
    }

    /// Runs the program, or waits for a signal.
    fn until_the_end(
        &self,
        recording: &Recording,
        connection: &Connection,
        over: &Receiver<()>,
    ) -> Outcome {
        if !self.command.is_empty() {
            let request = exec::request(&self.command, None, None)?;
            let patience = connection.patience("a second Ctrl-C");
            return Ok(exec::run(recording.target(), request, patience)?.status());
        }
        let interrupt =
            Interrupt::catch().map_err(|error| Failure::io("wait for signals", &error))?;
        eprintln!("recording in {}; Ctrl-C ends it", self.file.display());
        while interrupt.stop() == Stop::No {
            match over.recv_timeout(LOOK) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                    eprintln!("note: nothing more comes to be recorded");
                    break;
                }
            }
        }
        Ok(0)
    }
}
