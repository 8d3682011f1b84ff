// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the keys of view 4 do: before, keys, after.

use super::state::Memory;
use super::subjects::Life;
use super::tests::{Script, at_work};
use crate::dashboard::core::{Connection, Effect, Event, Key, Layer};
use crate::dashboard::shell::model::Model;
use crate::dashboard::shell::update::update;
use crate::dashboard::views::fixture::{form_error, preview, screen};
use crate::kernel::api::{GuestState, LabStatus, ProgramEnd, Request, SubjectEvent};
use crate::kernel::{Item, TargetError};

/// Presses keys and answers nothing.
fn update_keys(model: &mut Model, keys: &str) -> Vec<Effect> {
    let keys = Key::parse_many(keys).unwrap();
    let starts = |effect: &Effect| matches!(effect, Effect::Start { .. });
    keys.into_iter().flat_map(|key| update(model, Event::Key(key))).filter(starts).collect()
}

#[test]
fn without_a_subject_nothing_can_be_allocated_and_the_key_to_press_is_named() {
    let mut script = Script::new();
    script.keys("a");
    assert!(script.model.layers.is_empty());
    let toasts = script.model.toasts.shown();
    assert!(toasts.iter().any(|toast| toast.text.contains("n starts one")));
}

#[test]
fn an_address_that_is_not_a_pages_is_refused_before_it_is_sent() {
    let mut script = Script::new();
    script.keys("na<ctrl-u>0x400000000010");
    assert!(form_error(&script.model).contains("not a multiple of 4096"));
    script.keys("<enter>");
    assert!(script.areas.is_empty());
}

#[test]
fn enter_goes_to_the_field_that_is_wrong() {
    let mut script = Script::new();
    script.keys("na<ctrl-u>0x400000000010<tab><enter>");
    let Some(Layer::Form(form)) = script.model.layers.last() else {
        panic!("no form");
    };
    assert_eq!(form.fields[form.focus].name, "vaddr");
}

#[test]
fn an_address_where_something_is_mapped_is_refused_before_it_is_sent() {
    let mut script = Script::new();
    script.keys("na<enter>a<ctrl-u>0x400000001000");
    assert!(form_error(&script.model).contains("EEXIST"));
    script.keys("<esc>a<ctrl-u>0x555555554000");
    assert!(form_error(&script.model).contains("/ringside is mapped there already"));
}

#[test]
fn what_is_no_number_is_a_question_mark_in_the_preview_and_not_0() {
    let mut script = Script::new();
    script.keys("na<enter>");
    for (keys, line) in [
        ("a<ctrl-u>zz", "ioctl(memalloc, ALLOCATE, {vaddr ?, num_pages 4, write 1})"),
        ("a<tab><ctrl-u>many", "num_pages ?, write 1})"),
        ("f<ctrl-u>", "ioctl(memalloc, FREE, {vaddr ?})"),
        ("r<ctrl-u>x<tab><ctrl-u>-", "memcpy(buf, ?, ?)"),
        ("w<ctrl-u>0xg", "memcpy(?, \"hello\", 5)"),
        ("w<tab><ctrl-u>zz<tab><space>", "memcpy(0x400000000000, ?, ?)"),
        ("o<ctrl-u>0x", "ioctl(memalloc, ACCESSPAGE, {vaddr ?})"),
        ("t<ctrl-u>1e99", "ioctl(memalloc, MEMALLOC_WALK, {vaddr ?})"),
    ] {
        script.keys(keys);
        let shown = preview(&script.model);
        assert!(shown.starts_with("[312] ") && shown.ends_with(line), "{keys}: {shown}");
        assert_ne!(form_error(&script.model), "", "{keys}");
        script.keys("<esc>");
    }
}

#[test]
fn more_pages_than_are_left_are_refused_before_they_are_sent() {
    let mut script = Script::new();
    script.keys("na<tab><ctrl-u>4093");
    assert!(form_error(&script.model).contains("only 4092 of 4096 are left"));
    script.keys("<ctrl-u>4092");
    assert_eq!(form_error(&script.model), "");
}

#[test]
fn the_end_of_user_space_depends_on_the_levels() {
    let mut script = Script::new();
    script.keys("na<ctrl-u>0x7ffffffff000");
    assert_eq!(form_error(&script.model), "");
    if let Some(kernel) = &mut script.model.link.kernel {
        kernel.page_table_levels = 4;
    }
    script.keys("<esc>a<ctrl-u>0x7ffffffff000");
    assert!(form_error(&script.model).contains("more than"));
}

#[test]
fn a_written_page_is_dirty_by_the_kernels_own_word() {
    let mut script = Script::new();
    script.keys("na<enter>l");
    assert!(screen(&mut script.model, 80, 24).contains("400000000000 wwww"));
    script.keys("w<enter>");
    let after = screen(&mut script.model, 80, 24);
    assert!(after.contains("400000000000 wWww"), "{after}");
    assert!(after.contains("P=1  RW=1  US=1  A=1  D=1  NX=1  PFN"), "{after}");
}

#[test]
fn freeing_takes_the_whole_request_away() {
    let mut script = Script::new();
    script.keys("na<enter>llf<enter>");
    assert!(script.areas.is_empty());
    assert!(!screen(&mut script.model, 80, 24).contains("memalloc  "));
}

#[test]
fn a_dead_subject_does_nothing_more_and_a_new_one_starts() {
    let mut script = Script::new();
    script.keys("nr<ctrl-u>0x10<enter>");
    assert!(script.dead);
    let died = screen(&mut script.model, 80, 24);
    assert!(died.contains("SIGSEGV, read of an address where nothing is mapped"), "{died}");
    assert!(died.contains("0x10: nothing is mapped there"), "{died}");
    script.keys("a");
    assert!(script.model.layers.is_empty());
    script.keys("xna<enter>");
    assert_eq!(script.model.views.get::<Memory>().unwrap().subjects.len(), 1);
    assert!(screen(&mut script.model, 80, 24).contains("313 alive"));
}

#[test]
fn a_subject_of_the_last_picture_stays_in_it() {
    let mut script = Script::new();
    script.keys("nr<ctrl-u>0x10<enter>");
    let guest = GuestState::Panicked { reason: "for a test".into() };
    script.model.link.lab = Some(LabStatus { guest, ..LabStatus::default() });
    script.model.link.post_mortem_left = Some(0);
    script.keys("x");
    let last = screen(&mut script.model, 80, 24);
    assert!(last.contains("312 dead"), "{last}");
}

#[test]
fn a_subject_that_dies_while_a_form_is_filled_in_has_not_died_of_what_is_typed_there() {
    let mut script = Script::new();
    script.keys("na<enter>w<ctrl-u>0x400000000000<tab><ctrl-u>second");
    script.killed();
    script.keys("<enter>");
    let after = screen(&mut script.model, 80, 24);
    assert!(after.contains("process 312 is dead: SIGKILL"), "{after}");
    assert!(after.contains("doing nothing that it was told to"), "{after}");
    assert!(!after.contains("second"), "{after}");
    assert!(script.model.calls.shown().next().is_none(), "nothing is sent to the dead");
}

#[test]
fn a_death_belongs_to_the_command_that_ran_and_not_to_the_next_one() {
    let mut script = Script::new();
    script.keys("n");
    // The second is asked for while the first is under way.
    let first = update_keys(&mut script.model, "r<ctrl-u>0x10<enter>");
    let second = update_keys(&mut script.model, "r<ctrl-u>0x20<enter>");
    assert!(second.is_empty(), "one at a time");
    let [Effect::Start { tag, request: Request::SubjectDo { pid, action }, .. }] = &first[..]
    else {
        panic!("one request: {first:?}");
    };
    // Its end may arrive before the word that the subject is dead.
    let gone = Item::Done(Err(TargetError::Ended("subject 312 has died".into())));
    let after = update(&mut script.model, Event::Item(*tag, gone));
    assert!(after.is_empty(), "nothing is sent to the dead: {after:?}");
    let (pid, end, during) = (*pid, ProgramEnd::Signalled(11), Some(action.clone()));
    script.bury(SubjectEvent::Died { pid, end, fault: None, during });
    let died = screen(&mut script.model, 80, 24);
    assert!(died.contains("memcpy(buf, 0x10, 64)") && !died.contains("0x20"), "{died}");
}

#[test]
fn the_death_of_a_subject_is_no_loss_of_the_connection() {
    let mut script = Script::new();
    script.keys("nr<ctrl-u>0x10<enter>");
    assert_eq!(script.model.link.connection, Connection::Up);
    assert!(script.model.layers.is_empty(), "the view tells it, nothing pops up");
}

#[test]
fn a_page_is_shared_with_a_second_subject() {
    let mut script = Script::new();
    script.keys("s");
    assert!(script.model.layers.is_empty());
    script.keys("na<enter>nNs<enter>");
    assert!(screen(&mut script.model, 80, 24).contains("400000000000 Owww"));
    script.keys("No<ctrl-u>0x600000000000<enter>N");
    assert!(screen(&mut script.model, 80, 24).contains("400000000000 Swww"));
}

#[test]
fn a_living_subject_is_ended_only_after_a_question_with_the_exact_command() {
    let mut script = Script::new();
    script.keys("nx");
    let Some(Layer::Confirm(question)) = script.model.layers.last() else {
        panic!("no question");
    };
    assert_eq!(question.command, "kill -9 312");
    script.keys("n");
    assert_eq!(script.model.views.get::<Memory>().unwrap().subjects[0].life, Life::Alive);
}

#[test]
fn what_a_subject_was_asked_enters_the_command_log_and_looking_does_not() {
    let script = at_work();
    let lines: Vec<&str> =
        script.model.command_log.lines().map(|line| line.command.as_str()).collect();
    assert!(lines.iter().any(|line| line.contains("ALLOCATE")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("memcpy(0x400000000000, \"hello\", 5)")));
    assert!(!lines.iter().any(|line| line.contains("MEMALLOC_WALK") || line.contains("maps")));
}

#[test]
fn a_walk_on_purpose_is_logged_and_shown() {
    let mut script = Script::new();
    script.keys("nt<ctrl-u>0x123456789abc<enter>");
    let last = script.model.command_log.from_end(0).unwrap();
    assert!(last.command.contains("WALK, {vaddr 0x123456789abc}"), "{}", last.command);
    assert!(screen(&mut script.model, 80, 24).contains("walk for 0x123456789abc"));
}

#[test]
fn a_refusal_leaves_the_form_open_names_the_errno_and_says_what_to_do() {
    let mut script = Script::new();
    script.keys("n");
    // The kernel refuses although nothing was known to be in the way.
    let effects = {
        let mut effects = Vec::new();
        for key in Key::parse_many("a<enter>").unwrap() {
            effects.extend(update(&mut script.model, Event::Key(key)));
        }
        effects
    };
    let mut pending = effects;
    let mut refused = false;
    while let Some(effect) = pending.pop() {
        let crate::dashboard::core::effect::Effect::Start { tag, request, .. } = effect else {
            continue;
        };
        let walk = matches!(
            &request,
            crate::kernel::api::Request::SubjectDo {
                action: crate::kernel::api::SubjectAction::Walk { .. },
                ..
            }
        );
        let result = if walk {
            Ok(())
        } else {
            refused = true;
            Err(TargetError::errno(3, "ALLOCATE 4 pages").with_hint("free some"))
        };
        let done = crate::kernel::Item::Done(result);
        pending.extend(update(&mut script.model, Event::Item(tag, done)));
        if refused {
            break;
        }
    }
    assert!(refused);
    // The form is still there, with what to do, and what was typed.
    let error = form_error(&script.model);
    assert_eq!(error, "free some (ESRCH)");
    assert!(preview(&script.model).contains("vaddr 0x400000000000"));
    // A key clears the reason; Enter sends it again, and that it is done closes it.
    script.keys("<tab>");
    assert_eq!(form_error(&script.model), "");
    script.keys("<enter>");
    assert!(script.model.layers.is_empty());
    assert_eq!(script.areas.len(), 1);
}
