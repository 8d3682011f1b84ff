// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the subjects are asked, one thing at a time; `outcomes` is what
//! comes of it.

use super::page::{PAGE, SUGGESTED, TABLE, page_of};
use super::state::{Call, MODULE, Memory};
pub use super::subject::{Content, Life, Subject};
use super::subject::{Job, Why};
use crate::dashboard::core::equivalent::equivalent;
use crate::dashboard::core::{Owner, Report, Shared};
use crate::dashboard::views::ready::ready;
use crate::kernel::Item;
use crate::kernel::api::{Capability, Request, SubjectAction};

/// The most subjects in the list.
pub const MOST: usize = 16;
/// Pages that are walked again after they were touched.
pub(crate) const WALKED: u64 = 16;

/// Can another subject be started?
pub(crate) fn can_start(view: &Memory, shared: &Shared) -> Result<(), String> {
    ready(shared, MODULE, Capability::Subjects)?;
    if view.subjects.len() >= MOST {
        let keys = shared.fill("({subject-end} ends one)");
        return Err(format!("{} subjects are enough {keys}", MOST));
    }
    Ok(())
}

/// Starts a subject and shows it.
pub(crate) fn start(view: &mut Memory, shared: &mut Shared) {
    begin(view, shared, Request::Subject);
    view.selected = view.subjects.len() - 1;
    view.cursor = SUGGESTED;
}

fn begin(view: &mut Memory, shared: &mut Shared, request: Request) {
    view.started += 1;
    let number = view.started;
    let title = format!("subject {number}");
    let tag = shared.start(Owner::mortal(Call::Live(number)), &title, Report::Silent, request);
    view.subjects.push(Subject::new(number, tag));
}

/// Asks which subjects live in a guest that was wound back: their client was the
/// connection to the guest that it was.
pub(crate) fn look_for_left(shared: &mut Shared) {
    shared.start_unlogged(Owner::mortal(Call::Left), "subjects of the mark", Request::LeftSubjects);
}

/// Takes them up, and shows the first.
pub(crate) fn on_left(view: &mut Memory, shared: &mut Shared, item: Item) {
    let Item::Subjects(left) = item else { return };
    let room = MOST.saturating_sub(view.subjects.len());
    for pid in left.into_iter().take(room) {
        begin(view, shared, Request::TakeSubject { pid });
    }
    view.cursor = SUGGESTED;
}

/// Makes a subject do what the user wants.
pub(crate) fn ask(view: &mut Memory, shared: &mut Shared, number: u32, action: SubjectAction) {
    let Some(subject) = view.by_number(number) else {
        return;
    };
    // It may have died while the form was filled in.
    if subject.life != Life::Alive {
        let name = subject.name();
        let keys = shared.fill("({subject-new} starts a new one)");
        return shared.note(format!("{name} is dead: nothing was sent {keys}"));
    }
    queue(subject, action);
    go_on(view, shared, number);
}

/// Puts what the user wants behind all that a subject is to do.
pub(crate) fn queue(subject: &mut Subject, action: SubjectAction) {
    if let Some((vaddr, pages)) = maps(&action) {
        for address in tables_along(vaddr, pages) {
            subject.jobs.push_back(Job {
                action: SubjectAction::Walk { vaddr: address },
                why: Why::Before,
            });
        }
    }
    subject.jobs.push_back(Job { action, why: Why::User });
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
        next = next.saturating_add(TABLE);
    }
    addresses
}

/// Walks a page so that its walk can be shown; of several such wishes that
/// wait, the latest is kept.
pub(crate) fn look(view: &mut Memory, shared: &mut Shared, number: u32, page: u64) {
    let Some(subject) = view.by_number(number) else {
        return;
    };
    if subject.life != Life::Alive {
        return;
    }
    subject
        .jobs
        .retain(|job| job.why != Why::Look || !matches!(job.action, SubjectAction::Walk { .. }));
    push_walk(subject, page);
    go_on(view, shared, number);
}

pub(crate) fn push_walk(subject: &mut Subject, page: u64) {
    subject.jobs.push_back(Job { action: SubjectAction::Walk { vaddr: page }, why: Why::Look });
}

/// Asks for the address space, and walks the page under the cursor.
pub(crate) fn look_around(view: &mut Memory, shared: &mut Shared, number: u32) {
    let page = page_of(view.cursor);
    let Some(subject) = view.by_number(number) else {
        return;
    };
    subject.jobs.push_back(Job { action: SubjectAction::Maps, why: Why::Look });
    push_walk(subject, page);
    go_on(view, shared, number);
}

/// Starts the next thing that a subject is to do.
pub(crate) fn go_on(view: &mut Memory, shared: &mut Shared, number: u32) {
    let Some(subject) = view.by_number(number) else {
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
        shared.start(Owner::mortal(Call::Do(number)), &title, Report::Listed, request);
    } else {
        // Only what the user wants enters the command log.
        shared.start_unlogged(Owner::mortal(Call::Do(number)), &title, request);
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
