// SPDX-License-Identifier: MIT OR Apache-2.0
//! Processes that use /dev/memalloc.

use super::fault::{Fault, expect, refusal};
use super::process::Actor;
use super::state::Session;
use crate::grade::judge;
use crate::grade::spec::Memory;
use crate::kernel::api::{Item, Request, SubjectEvent, SubjectOutcome};
use crate::kernel::{Replies, TargetError, question};

impl Session<'_> {
    pub(super) fn memory(&mut self, step: &Memory) -> Result<(), Fault> {
        let name = &step.process;
        let with = step.action.with();
        let client = with.map(|with| self.process(with)).transpose()?.unwrap_or_default();
        let Some(action) = step.action.action(client) else {
            return match self.processes.remove(name) {
                Some(process) => self.ends(process, name).map(drop),
                None => Err(Fault::new(format!("there is no process {name} to end"))),
            };
        };
        let pid = self.process(name)?;
        let doing = step.doing();
        let result = self.ask(Request::SubjectDo { pid, action }, Vec::new());
        if step.dies {
            return match result {
                Err(TargetError::Ended(_)) if self.is_dead(name)? => Ok(()),
                Err(error) => Err(refusal(&doing)(error)),
                Ok(_) => {
                    Err(Fault::new(format!("{doing}: the process lives on, and was to die of it")))
                }
            };
        }
        let items = expect(result, step.refused.as_ref(), &doing)?;
        let Some(wanted) = &step.reads else { return Ok(()) };
        let bytes = items.into_iter().find_map(|item| match item {
            Item::SubjectDid(SubjectOutcome::Bytes(bytes)) => Some(bytes),
            _ => None,
        });
        Ok(judge::bytes(&doing, wanted, &bytes.unwrap_or_default())?)
    }

    /// The process of this name, which is started when it is first needed.
    fn process(&mut self, name: &str) -> Result<i32, Fault> {
        if let Some(process) = self.processes.get(name) {
            return Ok(process.pid);
        }
        let doing = format!("start process {name}");
        let events = Replies::start(&*self.target, question::Subject).map_err(refusal(&doing))?;
        let first = self.clock.wait(|until| events.next_before(until)).map_err(refusal(&doing))?;
        let pid = match first {
            Some(Ok(Some(SubjectEvent::Started { pid }))) => pid,
            Some(Err(error)) => return Err(refusal(&doing)(error)),
            Some(Ok(_)) => return Err(Fault::new(format!("{doing}: it ended at once"))),
            None => return Err(Fault::new(format!("{doing}: the guest does not answer"))),
        };
        self.processes.insert(name.to_owned(), Actor { pid, events });
        Ok(pid)
    }

    /// Has a process died by itself?
    fn is_dead(&mut self, name: &str) -> Result<bool, Fault> {
        let Some(process) = self.processes.remove(name) else { return Ok(false) };
        let doing = format!("process {name}");
        let events = &process.events;
        let next = self.clock.wait(|until| events.next_before(until)).map_err(refusal(&doing))?;
        match next {
            Some(Ok(Some(SubjectEvent::Died { .. }))) => Ok(true),
            Some(Err(error)) => Err(refusal(&doing)(error)),
            _ => Ok(false),
        }
    }

    /// Kills a process, and waits until it is gone.
    fn ends(&self, process: Actor, name: &str) -> Result<(), Fault> {
        let pid = process.pid;
        // Cancelling its call kills it.
        drop(process);
        let path = format!("/proc/{pid}/stat");
        self.until(10, |session| {
            let request = Request::Peek { path: path.clone(), offset: 0, size: 64 };
            match session.ask(request, Vec::new()) {
                Err(TargetError::Errno { .. }) => Ok(()),
                Err(error) => Err(refusal(&format!("end process {name}"))(error)),
                Ok(_) => Err(Fault::new(format!("process {name} does not end"))),
            }
        })
    }
}
