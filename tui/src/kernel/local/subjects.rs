// SPDX-License-Identifier: MIT OR Apache-2.0
//! Subject processes: started, told what to do, buried.
//!
//! memalloc maps pages into the process that calls it, and touching them may
//! kill that process, so neither an agent nor a dashboard does it itself.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use parking_lot::{Condvar, Mutex};

use super::process::{Process, THIS_PROGRAM, spare_no_more};
use super::subject_link::{FaultRecord, FromSubject, receive_answer, send};
use super::sysfs;
use super::task::{LocalCall, NoInput, Task};
use crate::kernel::api::{
    Fault, Item, SUBJECT_IO_MAX, SubjectAction, SubjectEvent, SubjectOutcome,
};
use crate::kernel::call::{Call, Sink};
use crate::kernel::error::{TargetError, TargetResult};

/// So long a subject whose client is gone waits for another: a dashboard takes it up
/// at once, and without one nobody could end it.
const LEFT_FOR: Duration = Duration::from_secs(10);
/// The hidden command that makes it a subject.
const SUBJECT: &str = "subject";

/// The subjects that live.
#[derive(Default)]
pub(super) struct Subjects {
    by_pid: Mutex<HashMap<i32, Arc<Subject>>>,
}

struct Subject {
    process: Arc<Process>,
    /// One action at a time.
    link: Mutex<Link>,
    /// Taken for a moment only, and never with `link`.
    fate: Mutex<Fate>,
    changed: Condvar,
}

#[derive(Default)]
struct Fate {
    /// Its client is gone.
    left: bool,
    /// Its death.
    died: Option<SubjectEvent>,
}

struct Link {
    stream: UnixStream,
    /// What it is doing; stays when it dies of it.
    running: Option<SubjectAction>,
    /// The access that killed it, if one did.
    fault: Option<FaultRecord>,
    /// It has died: nothing more is sent, so that no later action is taken for
    /// the one that it died of.
    dead: bool,
}

/// Starts a subject.
pub(super) fn start(subjects: Arc<Subjects>, sink: Sink) -> TargetResult<Call> {
    let task = Task::new(sink);
    task.spawn("subject", move |task| live(&subjects, task))?;
    Ok(Call::new(Arc::new(LocalCall::new(task, NoInput))))
}

/// A subject's life, from its start to its burial.
fn live(subjects: &Subjects, task: &Task) -> TargetResult<()> {
    let doing = "start a subject process";
    let io = |error: &std::io::Error| TargetError::io(error, doing);
    let (ours, theirs) = UnixStream::pair().map_err(|error| io(&error))?;
    let mut command = Command::new(THIS_PROGRAM);
    // SAFETY: between fork and exec this makes system calls only. Elsewhere than
    // in a guest there is nothing to take back, and it may not be possible.
    unsafe {
        command.pre_exec(|| {
            let _ = spare_no_more();
            Ok(())
        });
    }
    let child = command
        .arg(SUBJECT)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| io(&error))?;
    // It holds the subject's end of the socket, whose end tells of its death.
    drop(command);
    let process = Arc::new(Process::new(child));
    let pid = process.pid();
    let link = Link { stream: ours, running: None, fault: None, dead: false };
    let subject = Arc::new(Subject {
        process,
        link: Mutex::new(link),
        fate: Mutex::default(),
        changed: Condvar::new(),
    });
    subjects.by_pid.lock().insert(pid, Arc::clone(&subject));
    subject.belongs_to(task);
    task.emit(Item::Subject(SubjectEvent::Started { pid }));
    let end = subject.process.wait();
    subjects.by_pid.lock().remove(&pid);
    let (fault, during) = subject.last_words();
    let died = SubjectEvent::Died { pid, end, fault, during };
    subject.fate.lock().died = Some(died.clone());
    subject.changed.notify_all();
    task.emit(Item::Subject(died));
    Ok(())
}

/// Takes up a subject whose client is gone.
pub(super) fn take_up(subjects: &Subjects, pid: i32, sink: Sink) -> TargetResult<Call> {
    let subject = subjects.by_pid.lock().get(&pid).cloned();
    let left = |subject: &Arc<Subject>| std::mem::take(&mut subject.fate.lock().left);
    let subject = subject.filter(left).ok_or_else(|| {
        TargetError::errno(nix::libc::ESRCH, format!("take up subject {pid}"))
            .with_hint("it has ended, or somebody else has taken it up")
    })?;
    subject.changed.notify_all();
    let task = Task::new(sink);
    subject.belongs_to(&task);
    task.spawn("subject", move |task| {
        task.emit(Item::Subject(SubjectEvent::Started { pid }));
        let died = loop {
            let mut fate = subject.fate.lock();
            if let Some(died) = &fate.died {
                break died.clone();
            }
            subject.changed.wait(&mut fate);
        };
        task.emit(Item::Subject(died));
        Ok(())
    })?;
    Ok(Call::new(Arc::new(LocalCall::new(task, NoInput))))
}

impl Subject {
    /// It dies when the task is cancelled; when the task's client is gone, it is left.
    fn belongs_to(self: &Arc<Self>, task: &Task) {
        let (victim, left) = (Arc::clone(&self.process), Arc::clone(self));
        task.on_cancel(move || victim.signal(Signal::SIGKILL, false));
        task.on_leave(move || left.leave());
    }

    /// Kills it unless it is taken up in time.
    fn leave(self: Arc<Self>) {
        self.fate.lock().left = true;
        let subject = Arc::clone(&self);
        let spawned = std::thread::Builder::new().name("left".into()).spawn(move || {
            let until = Instant::now() + LEFT_FOR;
            let mut fate = subject.fate.lock();
            while fate.left && fate.died.is_none() {
                if subject.changed.wait_until(&mut fate, until).timed_out() {
                    fate.left = false;
                    return subject.process.signal(Signal::SIGKILL, false);
                }
            }
        });
        if spawned.is_err() {
            self.process.signal(Signal::SIGKILL, false);
        }
    }

    /// The fault a subject died of and what it was doing, once it is dead:
    /// whoever made it act has read the fault, or it is still in the socket.
    fn last_words(&self) -> (Option<Fault>, Option<SubjectAction>) {
        let mut link = self.link.lock();
        link.dead = true;
        while link.fault.is_none() {
            match receive_answer(&mut link.stream) {
                Ok(FromSubject::Fault(record)) => link.fault = Some(record),
                Ok(FromSubject::Answer(_)) => {}
                Err(_) => break,
            }
        }
        (link.fault.map(|record| record.fault()), link.running.take())
    }

    fn act(&self, pid: i32, action: SubjectAction) -> TargetResult<SubjectOutcome> {
        let mut link = self.link.lock();
        if link.dead || send(&mut link.stream, &action).is_err() {
            link.dead = true;
            return Err(TargetError::Ended(format!("subject {pid} had died before")));
        }
        link.running = Some(action);
        let received = receive_answer(&mut link.stream);
        if let Ok(FromSubject::Answer(answer)) = received {
            link.running = None;
            return answer;
        }
        link.dead = true;
        match received {
            Ok(FromSubject::Fault(record)) => {
                link.fault = Some(record);
                let fault = record.fault();
                let name = Signal::try_from(fault.signal).map_or("a signal", Signal::as_str);
                Err(TargetError::Ended(format!(
                    "subject {pid} has died of {name}: {} ({:#x})",
                    fault.cause, fault.address
                )))
            }
            _ => Err(TargetError::Ended(format!("subject {pid} has died"))),
        }
    }
}

impl Subjects {
    /// Those whose client is gone, by process id.
    pub(super) fn left(&self) -> Vec<i32> {
        let by_pid = self.by_pid.lock();
        let left = by_pid.iter().filter(|(_, subject)| subject.fate.lock().left);
        let mut left: Vec<i32> = left.map(|(pid, _)| *pid).collect();
        left.sort_unstable();
        left
    }

    /// Makes a subject do something.
    pub(super) fn act(&self, pid: i32, action: SubjectAction) -> TargetResult<SubjectOutcome> {
        if matches!(action, SubjectAction::Walk { .. }) {
            let name = ringside_uapi::memalloc::MODULE.name;
            if sysfs::folder(name).exists() && !sysfs::is_ours(name) {
                let has = "alloc, free, read, write, share and access work";
                return Err(sysfs::not_ours(name, "WALK", has));
            }
        }
        let size = match &action {
            SubjectAction::Read { size, .. } => *size as usize,
            SubjectAction::Write { bytes, .. } => bytes.len(),
            _ => 0,
        };
        if size > SUBJECT_IO_MAX as usize {
            return Err(TargetError::Invalid(format!(
                "{size} bytes at one time; a subject moves at most {SUBJECT_IO_MAX}"
            )));
        }
        let subject = self.by_pid.lock().get(&pid).cloned();
        let subject = subject.ok_or_else(|| {
            TargetError::errno(nix::libc::ESRCH, format!("find subject {pid}"))
                .with_hint("it has ended, or it is no subject of this agent's")
        })?;
        subject.act(pid, action)
    }
}
