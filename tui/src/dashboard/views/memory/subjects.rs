// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the subjects are asked, one thing at a time; `outcomes` is what
//! comes of it.

use std::sync::Arc;

use super::page::{PAGE, SUGGESTED, TABLE, page_of};
use super::state::Call;
pub use super::subject::{Content, Life, Subject};
use super::subject::{Job, Why};
use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::effect::Effect;
use crate::dashboard::core::equivalent::equivalent;
use crate::dashboard::core::model::Model;
use crate::kernel::api::{Request, SubjectAction};

/// The most subjects in the list.
pub const MOST: usize = 16;
/// Pages that are walked again after they were touched.
pub(crate) const WALKED: u64 = 16;

/// Starts a subject and shows it.
pub(crate) fn start(model: &mut Model) {
    model.memory.started += 1;
    let number = model.memory.started;
    let title = format!("subject {number}");
    let tag =
        model.start(Owner::Memory(Call::Live(number)), &title, Report::Silent, Request::Subject);
    model.memory.subjects.push(Subject::new(number, tag));
    model.memory.selected = model.memory.subjects.len() - 1;
    model.memory.cursor = SUGGESTED;
}

/// Makes a subject do what the user wants.
pub(crate) fn ask(model: &mut Model, number: u32, action: SubjectAction) {
    let Some(subject) = model.memory.by_number(number) else {
        return;
    };
    // It may have died while the form was filled in.
    if subject.life != Life::Alive {
        let name = subject.name();
        return model.note(format!("{name} is dead: nothing was sent (n starts a new one)"));
    }
    if let Some((vaddr, pages)) = maps(&action) {
        for address in tables_along(vaddr, pages) {
            subject.jobs.push_back(Job {
                action: SubjectAction::Walk { vaddr: address },
                why: Why::Before,
            });
        }
    }
    subject.jobs.push_back(Job { action, why: Why::User });
    go_on(model, number);
}

/// The address and the number of the pages that an action maps, and for which
/// tables may come into being.
pub(crate) fn maps(action: &SubjectAction) -> Option<(u64, i32)> {
    match action {
        SubjectAction::Allocate { vaddr, pages, .. } => Some((*vaddr, *pages)),
        SubjectAction::Access { vaddr } => Some((*vaddr, 1)),
        _ => None,
    }
}

/// One address for each PTE table that the pages touch.
pub(crate) fn tables_along(vaddr: u64, pages: i32) -> Vec<u64> {
    let end = vaddr.saturating_add(pages.max(1) as u64 * PAGE);
    let mut addresses = vec![vaddr];
    let mut next = (vaddr / TABLE + 1).saturating_mul(TABLE);
    while next < end && addresses.len() < 16 {
        addresses.push(next);
        next += TABLE;
    }
    addresses
}

/// Walks a page so that its walk can be shown; of several such wishes that
/// wait, the latest is kept.
pub(crate) fn look(model: &mut Model, number: u32, page: u64) {
    let Some(subject) = model.memory.by_number(number) else {
        return;
    };
    if subject.life != Life::Alive {
        return;
    }
    subject
        .jobs
        .retain(|job| job.why != Why::Look || !matches!(job.action, SubjectAction::Walk { .. }));
    push_walk(subject, page);
    go_on(model, number);
}

pub(crate) fn push_walk(subject: &mut Subject, page: u64) {
    subject.jobs.push_back(Job { action: SubjectAction::Walk { vaddr: page }, why: Why::Look });
}

/// Asks for the address space, and walks the page under the cursor.
pub(crate) fn look_around(model: &mut Model, number: u32) {
    let page = page_of(model.memory.cursor);
    let Some(subject) = model.memory.by_number(number) else {
        return;
    };
    subject.jobs.push_back(Job { action: SubjectAction::Maps, why: Why::Look });
    push_walk(subject, page);
    go_on(model, number);
}

/// Starts the next thing that a subject is to do.
pub(crate) fn go_on(model: &mut Model, number: u32) {
    let Some(subject) = model.memory.by_number(number) else {
        return;
    };
    let (Some(pid), None) = (subject.pid, &subject.running) else {
        return;
    };
    let Some(job) = subject.jobs.pop_front() else {
        return;
    };
    let user = job.why == Why::User;
    let request = Request::SubjectDo { pid, action: job.action.clone() };
    if user {
        subject.last = equivalent(&request);
        subject.said = None;
    }
    subject.running = Some(job);
    let title = format!("process {pid}: {}", verb(&request));
    if user {
        model.start(Owner::Memory(Call::Do(number)), &title, Report::Listed, request);
    } else {
        // Only what the user wants enters the command log.
        let tag = model.call(Owner::Memory(Call::Do(number)), &title, Report::Silent, None);
        model.effect(Effect::Start { tag, request, input: Arc::default() });
    }
}

pub(crate) fn verb(request: &Request) -> &'static str {
    let Request::SubjectDo { action, .. } = request else {
        return "?";
    };
    match action {
        SubjectAction::Allocate { .. } => "allocate",
        SubjectAction::Free { .. } => "free",
        SubjectAction::Read { .. } => "read",
        SubjectAction::Write { .. } => "write",
        SubjectAction::Share { .. } => "share",
        SubjectAction::Access { .. } => "map an offered page",
        SubjectAction::Walk { .. } => "walk",
        SubjectAction::Maps => "list mappings",
    }
}
