// SPDX-License-Identifier: MIT OR Apache-2.0
//! What view 3 looks like.

use super::state::Producer;
use std::mem::offset_of;

use insta::assert_snapshot;
use ringside_uapi::producer_consumer::{PHASE_PAUSED, PHASE_PAUSING, Snapshot};

use super::state::{MODULE, Pane};
use crate::dashboard::core::Connection;
use crate::dashboard::core::config::{ColorDepth, ThemeName};
use crate::dashboard::paint::Look;
use crate::dashboard::shell::model::Model;
use crate::dashboard::views::fixture::{cells, model, screen, text};
use crate::kernel::api::{Capability, Missing, Sample};

/// A ring in the middle of its work, after `rounds` samples.
pub(crate) fn busy(producers: u32, consumers: u32, capacity: u64, rounds: u64) -> Model {
    let mut model = model("producer-consumer", &[MODULE]);
    for round in 0..rounds {
        push(&mut model, moment(producers, consumers, capacity, round));
    }
    model
}

/// The kernel's next sample arrives.
pub(crate) fn push(model: &mut Model, sample: Sample) {
    model.counters.push(sample);
    let Model { views, shared, .. } = model;
    views.current_mut(shared).sampled(shared);
}

pub(crate) fn moment(producers: u32, consumers: u32, capacity: u64, round: u64) -> Sample {
    moment_where((producers, consumers), capacity, round, |_| ())
}

/// The same with other numbers.
fn moment_where(
    (producers, consumers): (u32, u32),
    capacity: u64,
    round: u64,
    change: impl FnOnce(&mut Snapshot),
) -> Sample {
    // A small ring is full and lets producers wait; a large one has room for all.
    let full = capacity < 100;
    let occupancy =
        if full { capacity.saturating_sub(round % 2) } else { capacity * 7 / 10 + round % 3 };
    let produced = round * 12 + occupancy;
    let consumed = round * 12;
    let mut threads = Vec::new();
    let mut waiting = 0;
    for (kind, count) in [(0u8, producers), (1u8, consumers)] {
        for index in 1..=count {
            let state = match (kind, (index + round as u32) % 5) {
                (_, 0) => 0,
                (0, 1 | 2) if full => 1,
                _ => 3,
            };
            waiting += u32::from(state == 1);
            threads.extend([kind, state, 0, 0]);
            threads.extend(index.to_le_bytes());
            threads.extend((round * u64::from(index)).to_le_bytes());
            threads.extend(round.to_le_bytes());
        }
    }
    let mut slots = vec![0; capacity as usize * 16];
    for item in consumed + 1..=produced {
        let at = ((item - 1) % capacity.max(1)) as usize * 16;
        slots[at..at + 8].copy_from_slice(&item.to_le_bytes());
        let producer = (item as u32) % producers.max(1) + 1;
        slots[at + 8..at + 12].copy_from_slice(&producer.to_le_bytes());
    }
    let mut now = Snapshot {
        capacity,
        occupancy,
        // What is missing is in the hands of a thread that runs.
        empty: if waiting > 0 { 0 } else { capacity - occupancy },
        full: occupancy,
        produced,
        consumed,
        producer_waits: u64::from(full) * 4 * round,
        producers,
        consumers,
        producers_waiting: waiting,
        slots: capacity as u32,
        ..Snapshot::default()
    };
    change(&mut now);
    let mut table = head(&now);
    table.extend(threads);
    table.extend(slots);
    let counters: Vec<(&str, u64)> = vec![
        ("capacity", capacity),
        ("consumed", consumed),
        ("consumer_waits", now.consumer_waits),
        ("empty", now.empty),
        ("full", now.full),
        ("occupancy", occupancy),
        ("produced", produced),
        ("producer_waits", now.producer_waits),
    ];
    Sample::of_module(
        1000 + round * 100,
        MODULE,
        &counters,
        &[("consumer_delay", 250_000), ("paused", 0), ("producer_delay", 1500), ("step", 0)],
        vec![("snapshot", table)],
    )
}

/// The numbers of a snapshot as the table has them.
fn head(now: &Snapshot) -> Vec<u8> {
    let mut bytes = vec![0; size_of::<Snapshot>()];
    macro_rules! put {
        ($($field:ident)+) => { $(
            let (at, number) = (offset_of!(Snapshot, $field), now.$field.to_le_bytes());
            bytes[at..at + number.len()].copy_from_slice(&number);
        )+ };
    }
    put!(phase capacity occupancy empty full produced consumed producer_waits consumer_waits);
    put!(producers consumers producers_waiting consumers_waiting slots);
    put!(last_item last_slot last_producer last_kind last_thread);
    bytes
}

#[test]
fn a_small_ring_is_drawn_as_a_loop_at_80_by_24() {
    assert_snapshot!(screen(&mut busy(5, 3, 10, 40), 80, 24));
}

#[test]
fn a_small_ring_uses_the_space_of_200_by_60() {
    assert_snapshot!(screen(&mut busy(5, 3, 10, 40), 200, 60));
}

#[test]
fn one_thread_on_each_side_and_one_slot_are_readable() {
    assert_snapshot!(screen(&mut busy(1, 1, 1, 40), 80, 24));
}

#[test]
fn a_hundred_threads_and_ten_thousand_slots_fit_into_80_by_24() {
    assert_snapshot!(screen(&mut busy(100, 100, 10_000, 40), 80, 24));
}

#[test]
fn a_hundred_threads_and_ten_thousand_slots_fill_200_by_60() {
    assert_snapshot!(screen(&mut busy(100, 100, 10_000, 40), 200, 60));
}

#[test]
fn the_legend_of_the_ring_is_never_cut() {
    for (capacity, width) in [(10, 80), (100, 60), (100, 80), (10_000, 60), (10_000, 80)] {
        let screen = screen(&mut busy(2, 2, capacity, 40), width, 24);
        for cut in ["underlined…", "how f…", " of 1…", "; 1 …"] {
            assert!(!screen.contains(cut), "{screen}");
        }
        let legends = ["next put", "per cell", "producer"];
        assert!(legends.iter().any(|legend| screen.contains(legend)), "{screen}");
    }
}

#[test]
fn a_hundred_slots_each_have_a_cell() {
    let mut model = busy(12, 12, 100, 40);
    model.views.get_mut::<Producer>().unwrap().focus = Pane::Producers;
    model.views.get_mut::<Producer>().unwrap().producer = 7;
    assert_snapshot!(screen(&mut model, 80, 24));
}

#[test]
fn the_ring_takes_the_whole_view_when_zoomed() {
    let mut model = busy(5, 3, 1000, 40);
    model.zoom = true;
    assert_snapshot!(screen(&mut model, 80, 24));
}

#[test]
fn paused_is_written_out_with_who_moved_last() {
    let mut model = busy(2, 2, 10, 40);
    push(&mut model, moment_where((2, 2), 10, 41, |now| now.phase = PHASE_PAUSING));
    assert!(screen(&mut model, 80, 24).contains("pausing"));
    let paused = moment_where((2, 2), 10, 42, |now| {
        now.phase = PHASE_PAUSED;
        (now.last_item, now.last_slot, now.last_producer, now.last_thread) = (15, 4, 2, 2);
    });
    push(&mut model, paused);
    let screen = screen(&mut model, 80, 24);
    assert!(screen.contains("PAUSED"));
    assert!(screen.contains("All parked. Last: Producer-2 put item 15 into slot 4."));
}

#[test]
fn what_waits_and_what_the_semaphores_hold_is_of_one_moment() {
    let mut model = busy(2, 3, 10, 40);
    let full = moment_where((2, 3), 10, 41, |now| {
        (now.occupancy, now.produced, now.consumed) = (9, 1009, 1000);
        (now.empty, now.producers_waiting) = (0, 1);
        (now.full, now.consumers_waiting) = (9, 0);
    });
    push(&mut model, full);
    let screen = screen(&mut model, 80, 24);
    assert!(screen.contains("0 free, 1 waits"), "{screen}");
    assert!(screen.contains("9 items\n") && screen.contains("90 % of 10"), "{screen}");
}

#[test]
fn fifteen_hundred_threads_and_two_million_slots_are_drawn_from_little() {
    let mut model = model("producer-consumer", &[MODULE]);
    let large = |round| {
        let mut sample = moment_where((750, 750), 0, round, |now| {
            (now.capacity, now.occupancy, now.slots) = (2_000_000, 1_200_000, 0);
            (now.produced, now.consumed) = (9_200_000, 8_000_000);
        });
        sample.modules[0].counters[0].value = "2000000".into();
        sample
    };
    for round in 0..12 {
        push(&mut model, large(round));
    }
    for size in [(80, 24), (200, 60)] {
        let screen = screen(&mut model, size.0, size.1);
        assert!(screen.contains("Ring of 2,000,000 slots"), "{screen}");
        assert!(screen.contains("Producers 750") && screen.contains("60 %"), "{screen}");
        let asked = model.views.current(&model).tables(&model)[0].size as usize;
        assert_eq!(asked, size_of::<Snapshot>() + 1500 * 24, "no slot is read");
    }
}

#[test]
fn a_module_that_is_not_loaded_is_introduced_with_the_key_that_loads_it() {
    assert_snapshot!(screen(&mut model("producer-consumer", &["kmod"]), 80, 24));
}

#[test]
fn before_the_first_sample_it_says_what_it_waits_for() {
    let screen = screen(&mut model("producer-consumer", &[MODULE]), 80, 24);
    assert!(screen.contains("Waiting for the first sample of its counters."));
}

#[test]
fn a_lost_connection_is_told_with_its_reason_and_age() {
    let mut model = busy(1, 1, 10, 5);
    model.now_ms = 65_000;
    model.link.connection =
        Connection::Lost { why: "the agent closed the connection".into(), since_ms: 5000 };
    assert_snapshot!(screen(&mut model, 80, 24));
}

#[test]
fn a_capability_that_is_missing_is_told_with_its_reason() {
    let mut model = model("producer-consumer", &[]);
    if let Some(kernel) = &mut model.link.kernel {
        kernel.missing = vec![Missing {
            capability: Capability::Modules,
            reason: "The agent is not root, so it can't load modules.".into(),
        }];
    }
    let screen = screen(&mut model, 80, 24);
    assert!(screen.contains("The agent is not root"));
    assert!(screen.contains("The other views work."));
}

#[test]
fn hostile_text_stays_text() {
    let mut model = model("producer-consumer", &[]);
    model.link.connection =
        Connection::Lost { why: "\u{1b}[2J\u{202e}gone\u{7}\u{9b}31m".repeat(9), since_ms: 0 };
    let screen = screen(&mut model, 80, 24);
    assert!(screen.chars().all(|character| character == '\n' || !character.is_control()));
    assert!(screen.contains("\\x1b[2J") && !screen.contains('\u{202e}'));
}

#[test]
fn ascii_glyphs_are_enough() {
    let look = Look::new(ThemeName::Mono, ColorDepth::None, false);
    let screen = text(&cells(&mut busy(100, 3, 1000, 40), 80, 24, look));
    assert!(screen.is_ascii(), "{screen}");
}

#[test]
fn no_size_of_the_screen_is_too_small_to_draw() {
    let mut small = busy(3, 3, 10, 5);
    let mut large = busy(200, 200, 3000, 2);
    for width in (0..90).step_by(7) {
        for height in (0..30).step_by(2) {
            for zoom in [false, true] {
                small.zoom = zoom;
                large.zoom = zoom;
                screen(&mut small, width, height);
                screen(&mut large, width, height);
            }
        }
    }
}
