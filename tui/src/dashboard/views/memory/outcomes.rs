// SPDX-License-Identifier: MIT OR Apache-2.0
//! What comes of what a subject was asked to do, and of its life.

use ringside_uapi::describe::Unit;

use super::page::{PAGE, page_of};
use super::state::Memory;
use super::state::{Call, MODULE, Pane};
use super::subject::{Content, Job, Life, Subject, Why};
use super::subjects::{WALKED, go_on, look_around, maps, push_walk, tables_along, verb};
use super::tasks;
use crate::dashboard::core::advice;
use crate::dashboard::core::equivalent::equivalent;
use crate::dashboard::core::message::TaskOutcome;
use crate::dashboard::core::{Owner, Shared};
use crate::dashboard::paint::counted;
use crate::kernel::api::{ProgramEnd, Request, SubjectAction, SubjectEvent, SubjectOutcome, Walk};
use crate::kernel::{Item, TargetError, TargetResult};

/// Bytes read that are shown at once.
const SHOWN: usize = 12;

/// Takes an item of a subject's life.
pub(crate) fn on_life(view: &mut Memory, shared: &mut Shared, number: u32, item: Item) {
    let Some(subject) = view.by_number(number) else {
        return;
    };
    match item {
        Item::Subject(SubjectEvent::Started { pid }) => {
            subject.pid = Some(pid);
            subject.life = Life::Alive;
            look_around(view, shared, number);
            tasks::started(view, shared, number);
        }
        Item::Subject(SubjectEvent::Died { pid, end, fault, during }) => {
            // Looking on its own behalf, as this view makes it do, kills nobody.
            let looking = |action: &SubjectAction| {
                matches!(action, SubjectAction::Maps | SubjectAction::Walk { .. })
            };
            subject.died_of = during
                .filter(|action| !looking(action))
                .and_then(|action| equivalent(&Request::SubjectDo { pid, action }));
            // The entries as they were at that moment.
            if let Some(walk) = fault.as_ref().and_then(|fault| fault.walk) {
                let vaddr = page_of(walk.vaddr);
                subject.walks.insert(vaddr, Walk { vaddr, ..walk });
            }
            subject.life = Life::Dead { end, fault };
            died(view, shared, number);
        }
        Item::Done(result) => {
            if let Life::Starting | Life::Alive = subject.life {
                subject.life = match result {
                    Ok(()) => Life::Lost(TargetError::Gone("it ended without a word".into())),
                    Err(TargetError::Cancelled) => {
                        Life::Dead { end: ProgramEnd::Signalled(nix::libc::SIGKILL), fault: None }
                    }
                    Err(error) => Life::Lost(error),
                };
                died(view, shared, number);
            }
        }
        _ => {}
    }
}

fn died(view: &mut Memory, shared: &mut Shared, number: u32) {
    let owner = Owner::view(Call::Do(number));
    shared.end_hold(&owner, Ok(()));
    let mut pid = None;
    let mut cursor = None;
    if let Some(subject) = view.by_number(number) {
        let outcome = match &subject.life {
            Life::Lost(error) => TaskOutcome::Failed(error.clone()),
            _ => TaskOutcome::Died,
        };
        shared.end_task(&owner, outcome);
        subject.jobs.clear();
        subject.running = None;
        subject.offered.clear();
        pid = subject.pid;
        cursor = subject.fault().map(|fault| page_of(fault.address));
    }
    // An offer dies with either process.
    for other in &mut view.subjects {
        other.offered.retain(|_, client| Some(*client) != pid);
    }
    go_to(view, number, cursor);
}

/// Puts the cursor of a subject's address space there, if it is the one that is
/// shown. `true` when it is.
fn go_to(view: &mut Memory, number: u32, cursor: Option<u64>) -> bool {
    let shown = view.subject();
    match cursor.filter(|_| shown.is_some_and(|subject| subject.number == number)) {
        Some(cursor) => {
            view.cursor = cursor;
            true
        }
        None => false,
    }
}

/// Takes an item of something that a subject does.
pub(crate) fn on_reply(view: &mut Memory, shared: &mut Shared, number: u32, item: Item) {
    let Some(subject) = view.by_number(number) else {
        return;
    };
    match item {
        Item::SubjectDid(outcome) => noted(subject, outcome),
        Item::Done(result) => {
            let Some(job) = subject.running.take() else {
                return;
            };
            // It is dying; how comes with its last words. Nothing more is asked.
            // Recordings of older agents call that gone.
            if let Err(TargetError::Ended(_) | TargetError::Gone(_)) = result {
                shared.end_hold(&Owner::view(Call::Do(number)), Ok(()));
                return;
            }
            ended(view, shared, number, &job, result);
            go_on(view, shared, number);
        }
        _ => {}
    }
}

fn noted(subject: &mut Subject, outcome: SubjectOutcome) {
    let Some(job) = &subject.running else { return };
    match outcome {
        SubjectOutcome::Walk(walk) => {
            match job.why {
                Why::Before => subject.before.push(walk),
                Why::After => subject.later.push(walk),
                Why::User | Why::Look => {}
            }
            if job.why != Why::Before {
                subject.walks.insert(page_of(walk.vaddr), walk);
            }
        }
        SubjectOutcome::Bytes(bytes) => {
            if let SubjectAction::Read { vaddr, .. } = job.action {
                subject.content = Some(Content { vaddr, bytes });
            }
        }
        SubjectOutcome::Maps(maps) => subject.map(maps),
        SubjectOutcome::Done => {}
    }
}

fn ended(view: &mut Memory, shared: &mut Shared, number: u32, job: &Job, result: TargetResult<()>) {
    if let Err(error) = result {
        if matches!(job.why, Why::Before | Why::User)
            && let Some(subject) = view.by_number(number)
        {
            subject.before.clear();
            subject.said = Some(error.to_string());
        }
        if job.why == Why::User {
            let owner = Owner::view(Call::Do(number));
            let cancelled = error == TargetError::Cancelled;
            let reported = if cancelled { Ok(()) } else { Err(advice::sentence(&error)) };
            if shared.end_hold(&owner, reported)
                || shared.end_task(&owner, TaskOutcome::Failed(error.clone()))
                || cancelled
            {
                return;
            }
            let what = verb(&Request::SubjectDo { pid: 0, action: job.action.clone() });
            let title = format!("{MODULE}: {what}");
            shared.message(shared.explain(&title, &error));
        }
        return;
    }
    if job.why == Why::User {
        let owner = Owner::view(Call::Do(number));
        shared.end_hold(&owner, Ok(()));
        let content = view.by_number(number).and_then(|subject| subject.content.as_ref());
        let outcome = match (&job.action, content) {
            (SubjectAction::Read { .. }, Some(content)) => TaskOutcome::Read(content.bytes.clone()),
            _ => TaskOutcome::Done,
        };
        shared.end_task(&owner, outcome);
        succeeded(view, shared, number, &job.action);
    }
}

/// Notes what the user's action changed, and looks at what came of it.
fn succeeded(view: &mut Memory, shared: &mut Shared, number: u32, action: &SubjectAction) {
    let Some(subject) = view.by_number(number) else {
        return;
    };
    let pid = subject.pid;
    let mut touched = None;
    let mut cursor = None;
    subject.mapped_last = maps(action).is_some();
    if let Some((vaddr, pages)) = maps(action) {
        subject.earlier = std::mem::take(&mut subject.before);
        subject.later.clear();
        for address in tables_along(vaddr, pages) {
            subject
                .jobs
                .push_back(Job { action: SubjectAction::Walk { vaddr: address }, why: Why::After });
        }
    }
    let said = match action {
        SubjectAction::Allocate { vaddr, pages, write } => {
            cursor = Some(*vaddr);
            let access = if *write { "read-write" } else { "read-only" };
            let pages = counted(i64::from(*pages), Unit::Pages);
            format!("{pages} at {vaddr:#x}, {access}")
        }
        SubjectAction::Free { vaddr } => {
            if let Some(area) = subject.mapping(*vaddr).cloned() {
                let freed = |page: &u64| (area.start..area.end).contains(page);
                subject.walks.retain(|page, _| !freed(page));
                subject.offered.retain(|page, _| !freed(page));
                subject.shared.retain(|page| !freed(page));
            }
            format!("freed the request at {vaddr:#x}")
        }
        SubjectAction::Read { vaddr, size } => {
            touched = Some((*vaddr, u64::from(*size)));
            cursor = Some(*vaddr);
            let content = subject.content.as_ref();
            let bytes = content.map_or(&[][..], |content| &content.bytes);
            let shown = bytes[..bytes.len().min(SHOWN)].escape_ascii();
            format!("read {size} bytes at {vaddr:#x}: \"{shown}…\"")
        }
        SubjectAction::Write { vaddr, bytes } => {
            touched = Some((*vaddr, bytes.len() as u64));
            cursor = Some(*vaddr);
            format!("wrote {} bytes at {vaddr:#x}", bytes.len())
        }
        SubjectAction::Share { vaddr, client, .. } => {
            subject.offered.insert(page_of(*vaddr), *client);
            let key = shared.keymap.press("memory-access");
            format!("offered the page at {vaddr:#x} to process {client}: it maps it with {key}")
        }
        SubjectAction::Access { vaddr } => {
            subject.shared.insert(*vaddr);
            cursor = Some(*vaddr);
            format!("mapped the offer at {vaddr:#x}")
        }
        SubjectAction::Walk { vaddr } => {
            cursor = Some(*vaddr);
            format!("walked the page table for {vaddr:#x}")
        }
        SubjectAction::Maps => "listed its mappings".into(),
    };
    subject.said = Some(said);
    if let Some((vaddr, size)) = touched {
        let first = page_of(vaddr);
        let last = page_of(vaddr + size.saturating_sub(1));
        for page in (first..=last).step_by(PAGE as usize).take(WALKED as usize) {
            push_walk(subject, page);
        }
    }
    if let SubjectAction::Access { .. } = action {
        taken(view, pid);
    }
    if let SubjectAction::Read { .. } = action {
        view.content_row = 0;
    }
    if go_to(view, number, cursor) && view.focus == Pane::Subjects {
        view.focus = Pane::Space;
    }
    look_around(view, shared, number);
}

/// The process took what was offered to it: the owner's page is now shared.
fn taken(view: &mut Memory, client: Option<i32>) {
    let Some(client) = client else { return };
    for owner in &mut view.subjects {
        let taken: Vec<u64> =
            owner.offered.iter().filter(|(_, to)| **to == client).map(|(page, _)| *page).collect();
        for page in taken {
            owner.offered.remove(&page);
            owner.shared.insert(page);
        }
    }
}
