// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the keys of view 3 do: before, keys, after.

use super::tests::{busy, moment};
use crate::app::keys::Key;
use crate::app::layer::Layer;
use crate::app::views::producer::{Call, Knob, MODULE, Pane, VIEW};
use crate::app::{CallTag, Effect, Event, Hit, Model, Owner, update};
use crate::kernel::api::Request;
use crate::kernel::{Item, TargetError};
use crate::ui::views::fixture::screen;

/// Presses keys; answers the controls that are written, with their calls.
fn press(model: &mut Model, keys: &str) -> Vec<(CallTag, String, String)> {
    let mut written = Vec::new();
    for key in Key::parse_many(keys).unwrap() {
        written.extend(sets(update(model, Event::Key(key))));
    }
    written
}

fn sets(effects: Vec<Effect>) -> Vec<(CallTag, String, String)> {
    let set = |effect| match effect {
        Effect::Start { tag, request: Request::Set { module, control, value }, .. } => {
            assert_eq!(module, MODULE);
            Some((tag, control, value))
        }
        _ => None,
    };
    effects.into_iter().filter_map(set).collect()
}

fn names(written: &[(CallTag, String, String)]) -> Vec<String> {
    let names = written.iter().map(|(_, control, value)| format!("{control}={value}"));
    names.collect()
}

/// The kernel has done what it was asked; answers what is asked next.
fn done(
    model: &mut Model,
    written: &[(CallTag, String, String)],
) -> Vec<(CallTag, String, String)> {
    sets(update(model, Event::Item(written[0].0, Item::Done(Ok(())))))
}

#[test]
fn p_pauses_and_p_again_goes_on_though_no_sample_came_between() {
    let mut model = busy(2, 2, 10, 5);
    let first = press(&mut model, "p");
    assert_eq!(names(&first), ["paused=1"]);
    done(&mut model, &first);
    assert_eq!(names(&press(&mut model, "p")), ["paused=0"]);
}

#[test]
fn what_the_kernel_says_counts_again_after_a_write() {
    let mut model = busy(2, 2, 10, 5);
    let first = press(&mut model, "p");
    done(&mut model, &first);
    // Somebody else let the threads go on meanwhile.
    for round in 5..8 {
        model.counters.push(moment(2, 2, 10, round));
    }
    assert_eq!(names(&press(&mut model, "p")), ["paused=1"]);
}

#[test]
fn a_step_is_never_overtaken_by_the_key_that_goes_on() {
    let mut model = busy(2, 2, 10, 5);
    let pause = press(&mut model, "psp");
    assert_eq!(names(&pause), ["paused=1"]);
    let step = done(&mut model, &pause);
    assert_eq!(names(&step), ["step=1"]);
    let resume = done(&mut model, &step);
    assert_eq!(names(&resume), ["paused=0"]);
    assert!(done(&mut model, &resume).is_empty());
}

#[test]
fn keys_pressed_while_a_write_is_under_way_become_one_write_after_it() {
    let mut model = busy(2, 2, 10, 5);
    model.producer.focus = Pane::Producers;
    let first = press(&mut model, "---");
    assert_eq!(names(&first), ["producer_delay=5000"]);
    let effects = update(&mut model, Event::Item(first[0].0, Item::Done(Ok(()))));
    assert_eq!(names(&sets(effects)), ["producer_delay=50000"]);
}

#[test]
fn the_focus_chooses_whose_pace_changes() {
    let mut model = busy(2, 2, 10, 5);
    assert_eq!(names(&press(&mut model, "+")), ["producer_delay=1000", "consumer_delay=100000"]);
    let mut model = busy(2, 2, 10, 5);
    assert_eq!(names(&press(&mut model, "<tab>+")), ["consumer_delay=100000"]);
    let mut model = busy(2, 2, 10, 5);
    assert_eq!(names(&press(&mut model, "<backtab>0")), ["producer_delay=0"]);
}

#[test]
fn steps_are_possible_only_while_paused_and_add_up() {
    let mut model = busy(2, 2, 10, 5);
    assert!(press(&mut model, "s").is_empty());
    let pause = press(&mut model, "p");
    done(&mut model, &pause);
    let first = press(&mut model, "sss");
    assert_eq!(names(&first), ["step=1"]);
    assert_eq!(names(&done(&mut model, &first)), ["step=2"]);
}

#[test]
fn a_write_that_fails_is_told_and_what_waited_for_it_is_dropped() {
    let mut model = busy(2, 2, 10, 5);
    model.producer.focus = Pane::Consumers;
    let first = press(&mut model, "--");
    let error = TargetError::errno(13, "write controls/consumer_delay");
    let effects = update(&mut model, Event::Item(first[0].0, Item::Done(Err(error))));
    assert!(sets(effects).is_empty());
    assert!(matches!(model.layers.last(), Some(Layer::Message(message))
        if message.lines.iter().any(|line| line.contains("EACCES"))));
}

#[test]
fn what_is_written_enters_the_command_log_as_echo() {
    let mut model = busy(2, 2, 10, 5);
    press(&mut model, "p");
    let line = &model.command_log.from_end(0).unwrap().command;
    assert_eq!(line, "echo 1 > /sys/module/producer_consumer/controls/paused");
}

#[test]
fn the_delays_form_refuses_more_than_a_minute() {
    let mut model = busy(2, 2, 10, 5);
    assert!(press(&mut model, "d<ctrl-u>60000001<enter>").is_empty());
    assert!(screen_with_form(&mut model).contains("more than 60000000"));
    let written = press(&mut model, "<ctrl-u>60000000<enter>");
    assert_eq!(names(&written), ["producer_delay=60000000", "consumer_delay=250000"]);
}

fn screen_with_form(model: &mut Model) -> String {
    match model.layers.last() {
        Some(Layer::Form(form)) => form.error(model).unwrap_or_default(),
        _ => String::new(),
    }
}

#[test]
fn the_parameters_form_starts_with_what_is_loaded() {
    let mut model = busy(5, 3, 10, 5);
    press(&mut model, "e");
    let Some(Layer::Form(form)) = model.layers.last() else {
        panic!("no form");
    };
    let values: Vec<&str> = form.fields.iter().map(|field| field.text()).collect();
    assert_eq!(values, ["5", "3", "10"]);
    assert!((form.preview)(form).contains("insmod producer_consumer.ko prod=5 cons=3 size=10"));
}

#[test]
fn the_cursor_stays_on_the_ring_and_tells_the_slot() {
    let mut model = busy(5, 3, 10, 5);
    press(&mut model, "ll");
    assert!(screen(&mut model, 80, 24).contains("Slot 2:"));
    press(&mut model, "Gl");
    assert!(screen(&mut model, 80, 24).contains("Slot 9:"));
    press(&mut model, "gh");
    assert!(screen(&mut model, 80, 24).contains("Slot 0:"));
}

#[test]
fn in_a_large_ring_the_cursor_moves_by_cells_and_rows() {
    let mut model = busy(5, 3, 10_000, 2);
    press(&mut model, "l");
    assert_eq!(model.producer.slot, 100);
    press(&mut model, "j");
    assert_eq!(model.producer.slot, 2100);
    assert!(screen(&mut model, 80, 24).contains("Slots 2100 to 2199"));
}

#[test]
fn a_click_selects_the_thread_and_gives_its_pane_the_focus() {
    let mut model = busy(5, 3, 10, 5);
    update(&mut model, Event::Click(Hit::Row { pane: 0, index: 3 }));
    assert_eq!(model.producer.focus, Pane::Producers);
    assert!(screen(&mut model, 80, 24).contains("Producer-4"));
}

#[test]
fn of_a_huge_ring_only_the_part_around_the_cursor_is_read() {
    let mut model = busy(1, 1, 1, 1);
    let mut sample = model.counters.shown().clone();
    sample.at_ms += 100;
    sample.modules[0].counters[0].value = "1000000".into();
    model.counters.push(sample);
    let part = |model: &Model| {
        let tables = (VIEW.tables)(model);
        (tables[1].offset, tables[1].size)
    };
    assert_eq!(part(&model), (0, 1 << 20));
    model.producer.slot = 999_999;
    let (offset, size) = part(&model);
    assert_eq!(offset + u64::from(size), 16_000_000);
}

#[test]
fn an_item_of_a_call_that_is_over_changes_nothing() {
    let mut model = busy(1, 1, 10, 5);
    crate::app::views::producer::item(&mut model, Call::Set(Knob::Step), Item::Done(Ok(())));
    assert!(!model.calls.has(&Owner::Producer(Call::Set(Knob::Step))));
}
