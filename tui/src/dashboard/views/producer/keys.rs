// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the keys of view 3 do: before, keys, after.

use super::queue::Knob;
use super::state::Producer;
use super::state::{Call, MODULE, Pane};
use super::tests::{busy, moment, push};
use crate::dashboard::core::{CallTag, Effect, Event, Hit, Key, Layer, Owner};
use crate::dashboard::shell::model::Model;
use crate::dashboard::shell::update::update;
use crate::dashboard::views::fixture;
use crate::dashboard::views::fixture::screen;
use crate::kernel::api::{Request, Sample};
use crate::kernel::{Item, TargetError};

/// Presses keys; returns the controls that are written, with their calls.
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

/// The kernel has done what it was asked; returns what is asked next.
fn done(
    model: &mut Model,
    written: &[(CallTag, String, String)],
) -> Vec<(CallTag, String, String)> {
    sets(update(model, Event::Item(written[0].0, Item::Done(Ok(())))))
}

/// The sample of a round in which somebody has paused the ring.
fn paused(round: u64) -> Sample {
    let mut sample = moment(2, 2, 10, round);
    for control in &mut sample.modules[0].controls {
        if control.name == "paused" {
            control.value = "1".into();
        }
    }
    sample
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
        push(&mut model, moment(2, 2, 10, round));
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
    model.views.get_mut::<Producer>().unwrap().focus = Pane::Producers;
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
    model.views.get_mut::<Producer>().unwrap().focus = Pane::Consumers;
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
    assert!(press(&mut model, "d<ctrl-u>61s<enter>").is_empty());
    assert!(screen_with_form(&mut model).contains("more than 60 s"));
    let written = press(&mut model, "<ctrl-u>1min<enter>");
    assert_eq!(names(&written), ["producer_delay=60000000", "consumer_delay=250000"]);
}

fn screen_with_form(model: &mut Model) -> String {
    match model.layers.last() {
        Some(Layer::Form(form)) => {
            form.error(model.views.state(form.view()), model).unwrap_or_default()
        }
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
    assert_eq!(values, ["5", "3", "10", "1.5 ms", "250 ms"]);
    let line = "insmod producer_consumer.ko prod=5 cons=3 size=10 producer_delay=1500";
    assert!(form.preview().contains(line), "{}", form.preview());
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
    assert_eq!(model.views.get::<Producer>().unwrap().slot, 100);
    press(&mut model, "j");
    assert_eq!(model.views.get::<Producer>().unwrap().slot, 2100);
    assert!(screen(&mut model, 80, 24).contains("Slots 2100 to 2199"));
}

#[test]
fn a_click_selects_the_thread_and_gives_its_pane_the_focus() {
    let mut model = busy(5, 3, 10, 5);
    update(&mut model, Event::Click(Hit::Row { pane: 0, index: 3 }));
    assert_eq!(model.views.get::<Producer>().unwrap().focus, Pane::Producers);
    assert!(screen(&mut model, 80, 24).contains("Producer-4"));
}

#[test]
fn loaded_from_here_an_item_takes_long_enough_to_be_seen() {
    for keys in ["L", "e"] {
        let mut model = fixture::model("producer-consumer", &[]);
        press(&mut model, keys);
        let Some(Layer::Form(form)) = model.layers.last() else {
            panic!("no form");
        };
        let line = "prod=1 cons=1 size=10 producer_delay=300000 consumer_delay=300000";
        let preview = form.preview();
        assert!(preview.contains(line), "{keys}: {preview}");
    }
}

#[test]
fn slots_are_read_only_while_each_has_a_cell_of_its_own() {
    let read = |model: &Model| model.views.current(model).tables(model)[0].size;
    let mut model = busy(1, 1, 1000, 5);
    model.size = (80, 24);
    let without = read(&model);
    model.size = (200, 60);
    assert_eq!(read(&model), without + 1000 * 16);
}

#[test]
fn a_message_that_steps_need_a_pause_goes_when_it_is_paused() {
    let mut model = busy(2, 2, 10, 5);
    press(&mut model, "s");
    let shown = |model: &Model| {
        let shown = model.toasts.shown().iter();
        shown.map(|toast| toast.text.clone()).collect::<Vec<_>>().join("; ")
    };
    assert!(shown(&model).contains("only while paused"), "{}", shown(&model));
    press(&mut model, "p");
    assert_eq!(shown(&model), "");
    // Somebody else pauses it: no key was pressed here.
    let mut model = busy(2, 2, 10, 5);
    press(&mut model, "s");
    assert!(shown(&model).contains("only while paused"), "{}", shown(&model));
    push(&mut model, paused(5));
    update(&mut model, Event::Tick { now_ms: 1600 });
    assert_eq!(shown(&model), "");
}

#[test]
fn an_item_of_a_call_that_is_over_changes_nothing() {
    let mut model = busy(1, 1, 10, 5);
    update(&mut model, Event::Item(CallTag(99), Item::Done(Ok(()))));
    assert!(!model.calls.has(&Owner::view(Call::Set(Knob::Step))));
}
