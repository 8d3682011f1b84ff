// SPDX-License-Identifier: MIT OR Apache-2.0
//! Marks and subjects: processes that live again in a guest that was wound back.

use ringside::kernel::api::{SubjectAction, SubjectEvent, SubjectOutcome};
use ringside::kernel::call::ask;
use ringside::kernel::{Calls, Item, Request, Target, TargetError, TargetResult, put, question};

use super::marks::counter;
use super::surroundings::Surroundings;

/// Where the subject has its pages.
const PAGE: u64 = 0x4000_0000_0000;

/// What a subject reads at [`PAGE`].
fn page_of(target: &dyn Target, pid: i32) -> String {
    let action = SubjectAction::Read { vaddr: PAGE, size: 8 };
    match put(target, question::SubjectDo { pid, action }).expect("it can be read") {
        SubjectOutcome::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        other => panic!("{other:?}"),
    }
}

/// Goes on with a subject of the guest that was wound back.
fn taken_up(target: &dyn Target, pid: i32) -> TargetResult<Calls> {
    let subject = Calls::start(target, Request::TakeSubject { pid })?;
    match subject.next() {
        Item::Subject(SubjectEvent::Started { .. }) => Ok(subject),
        Item::Done(Err(error)) => Err(error),
        other => panic!("{other:?}"),
    }
}

#[test]
fn subjects_of_a_mark_live_again_after_a_rewind_with_the_pages_that_they_had() {
    let surroundings = Surroundings::new();
    surroundings.up(&["--no-auto-marks"]);
    surroundings.ok(&["load", "memalloc"]);
    let lab = surroundings.lab("1");
    let target = lab.target();
    let subject = Calls::start(&*target, Request::Subject).expect("it starts");
    let Item::Subject(SubjectEvent::Started { pid }) = subject.next() else {
        panic!("it says that it has started first");
    };
    let act = |action| ask(&*target, Request::SubjectDo { pid, action }, &[]);
    act(SubjectAction::Allocate { vaddr: PAGE, pages: 2, write: true }).expect("there is room");
    act(SubjectAction::Write { vaddr: PAGE, bytes: b"before!!".into() }).expect("it may");
    surroundings.ok(&["mark"]);
    act(SubjectAction::Write { vaddr: PAGE, bytes: b"changed!".into() }).expect("it may");
    act(SubjectAction::Read { vaddr: 0x10, size: 1 }).expect_err("it dies of that");
    for _ in 0..2 {
        surroundings.ok(&["rewind"]);
        assert_eq!(put(&*target, question::LeftSubjects), Ok(vec![pid]));
        let again = taken_up(&*target, pid).expect("nobody else has");
        assert_eq!(page_of(&*target, pid), "before!!");
        assert_eq!(counter(&surroundings, "memalloc", "pages_mapped"), 2);
        let Err(TargetError::Errno { errno: nix::libc::ESRCH, .. }) = taken_up(&*target, pid)
        else {
            panic!("it is taken up once");
        };
        act(SubjectAction::Read { vaddr: 0x10, size: 1 }).expect_err("it dies of that");
        let Item::Subject(SubjectEvent::Died { fault: Some(_), .. }) = again.next() else {
            panic!("its death is told to whoever has taken it up");
        };
    }
    // One that nobody takes up ends by itself.
    surroundings.ok(&["rewind"]);
    let mut mapped = (0..600).map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        counter(&surroundings, "memalloc", "pages_mapped")
    });
    assert!(mapped.any(|pages| pages == 0), "{}", surroundings.ok(&["counters", "memalloc"]));
    assert_eq!(put(&*target, question::LeftSubjects), Ok(Vec::new()));
}
