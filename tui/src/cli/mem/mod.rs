// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside mem`: makes subject processes use `/dev/memalloc`, line by line.

mod line;
mod report;

use self::line::{Line, parse};
use self::report::{cause, describe};
use super::output::say;
use super::{Connection, Failure, Outcome, input};
use crate::kernel::api::{SUBJECT_IO_MAX, SubjectAction, SubjectEvent, SubjectOutcome};
use crate::kernel::{Replies, Target, put, question};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Make processes allocate, share and touch memory by memalloc
///
///     ringside mem 'alloc 0x40000000 4 rw' 'write 0x40000000 hello' \
///                  'read 0x40000000 5' 'walk 0x40000000'
///     ringside mem < script             one action per line, # for comments
///
/// Actions; numbers in decimal or 0x…:
///     alloc ADDRESS PAGES ro|rw         map zeroed pages
///     free ADDRESS                      give back the request that starts there
///     read ADDRESS BYTES                load
///     write ADDRESS TEXT                store the rest of the line
///     hex ADDRESS 00ff…                 store bytes
///     share ADDRESS SUBJECT ro|rw       offer a page to another subject
///     access ADDRESS                    map the page that was offered
///     walk ADDRESS                      the page-table entries, PGD first
///     maps                              the address space
///     subject NUMBER                    go on with this subject (there is 1 first)
///
/// Each subject is a process of its own and ends with the command. Touching
/// what must not be touched kills it, and the command fails and says why.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Mem {
    /// The actions; none: they are read from standard input
    actions: Vec<String>,
    /// Print JSON, one line per action
    #[arg(long)]
    json: bool,
}

/// The longest line of a script: as many bytes in hex, with spaces, as are stored
/// at one time.
const LINE_MAX: u64 = 4 * SUBJECT_IO_MAX as u64;

/// What `--json` prints for a line.
#[derive(Serialize)]
struct Done<'a> {
    action: &'a str,
    subject: u32,
    pid: i32,
    outcome: SubjectOutcome,
}

impl Mem {
    /// Does it all in turn.
    pub fn run(&self, connection: &Connection) -> Outcome {
        // What makes no sense is refused before anything is done.
        for action in &self.actions {
            parse(action)?;
        }
        let mut session = Session::new(connection.open()?);
        if self.actions.is_empty() {
            input::ask_terminal("actions, one per line (`ringside mem --help` lists them)");
            let mut script = std::io::stdin().lock();
            while let Some(line) = input::line(&mut script, LINE_MAX)? {
                self.tell(session.line(&line)?)?;
            }
        } else {
            for action in &self.actions {
                self.tell(session.line(action)?)?;
            }
        }
        Ok(0)
    }

    fn tell(&self, done: Option<Done<'_>>) -> Result<(), Failure> {
        match done {
            Some(done) => {
                let text = format!("{}: {}", done.action, describe(&done.outcome));
                say(self.json, &text, &done)
            }
            None => Ok(()),
        }
    }
}

/// Subject processes, by number, and which of them acts.
pub(super) struct Session {
    target: Arc<dyn Target>,
    subjects: BTreeMap<u32, (i32, Replies<question::Subject>)>,
    current: u32,
}

impl Session {
    /// On this kernel; the subject 1 acts first. Dropping it ends the processes.
    pub(super) fn new(target: Arc<dyn Target>) -> Self {
        Self { target, subjects: BTreeMap::new(), current: 1 }
    }

    /// Does what the line asks for, and returns it in words.
    ///
    /// # Errors
    /// It makes no sense, was refused, or killed the process.
    pub(super) fn act(&mut self, text: &str) -> Result<String, Failure> {
        let done = self.line(text)?;
        Ok(done.map(|done| describe(&done.outcome)).unwrap_or_default())
    }

    /// Does what the line asks for; `None` where that is nothing to tell of.
    fn line<'a>(&mut self, text: &'a str) -> Result<Option<Done<'a>>, Failure> {
        let Some(line) = parse(text)? else {
            return Ok(None);
        };
        let action = match line {
            Line::Subject(number) => {
                self.current = number;
                self.pid(number)?;
                return Ok(None);
            }
            Line::Share(vaddr, number, write) => {
                SubjectAction::Share { vaddr, client: self.pid(number)?, write }
            }
            Line::Do(action) => action,
        };
        let pid = self.pid(self.current)?;
        match put(&*self.target, question::SubjectDo { pid, action }) {
            Ok(outcome) => {
                Ok(Some(Done { action: text.trim(), subject: self.current, pid, outcome }))
            }
            Err(error) => Err(self.dead(text).unwrap_or_else(|| error.into())),
        }
    }

    /// The process of a subject, which is started if there is none yet.
    fn pid(&mut self, number: u32) -> Result<i32, Failure> {
        if let Some((pid, _)) = self.subjects.get(&number) {
            return Ok(*pid);
        }
        let events = Replies::start(&*self.target, question::Subject)?;
        match events.next()? {
            Some(SubjectEvent::Started { pid }) => {
                self.subjects.insert(number, (pid, events));
                Ok(pid)
            }
            _ => Err(Failure::new(format!("subject {number} died before it had started"))),
        }
    }

    /// The failure that says how the current subject died, if it done.
    fn dead(&mut self, text: &str) -> Option<Failure> {
        let (pid, events) = self.subjects.get(&self.current)?;
        // A subject that lives answers nothing here, so it is asked first.
        let action = SubjectAction::Maps;
        if put(&*self.target, question::SubjectDo { pid: *pid, action }).is_ok() {
            return None;
        }
        match events.next() {
            Ok(Some(SubjectEvent::Died { pid, end, fault, during })) => {
                let cause = cause(end, fault.as_ref());
                let (line, number) = (text.trim(), self.current);
                Some(match during {
                    Some(_) => Failure::new(format!(
                        "{line}: subject {number} (pid {pid}) has died: {cause}"
                    )),
                    None => Failure::new(format!(
                        "subject {number} (pid {pid}) had died before, of {cause}: \
                         {line:?} was not done"
                    )),
                })
            }
            _ => None,
        }
    }
}
