// SPDX-License-Identifier: MIT OR Apache-2.0
//! Marking the guest and winding it back, by keys.

use super::harness::Harness;
use super::scripted_kernel::{ScriptedKernel, kernel_info, running_lab};
use crate::kernel::api::{CounterValue, GuestState, MarkInfo, ModuleCounters};

fn guest() -> Harness {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.pass(1000);
    dashboard.kernel.seen.clear();
    dashboard
}

/// A mark that the lab made by itself.
fn before(name: &str, age_ms: u64, reason: &str) -> MarkInfo {
    MarkInfo {
        name: name.into(),
        age_ms,
        reason: Some(reason.into()),
        modules: vec!["kmod".into()],
        bytes: 76 << 20,
        stick_plugged: true,
        ..MarkInfo::default()
    }
}

fn rewinds(dashboard: &Harness) -> Vec<&String> {
    dashboard.kernel.seen.iter().filter(|request| request.contains("Rewind")).collect()
}

#[test]
fn a_key_marks_the_guest_and_says_how_to_come_back() {
    let mut dashboard = guest();
    dashboard.keys("M");
    assert!(dashboard.shows("mark 1: the guest stood still for 81 ms; Z comes back here"));
    assert_eq!(dashboard.kernel.marks.len(), 1);
}

#[test]
fn the_list_shows_each_mark_and_enter_winds_back_to_it_after_a_question() {
    let mut dashboard = guest();
    dashboard.keys("T");
    assert!(dashboard.shows("There is no mark yet: M marks the guest as it is now."));
    dashboard.keys("<esc>");
    dashboard.kernel.marks =
        vec![before("1", 65_000, "before load kmod"), before("2", 3000, "counters moved")];
    dashboard.keys("T");
    for said in ["before load kmod", "counters moved", " ago", "Loaded: kmod.", "76 MiB"] {
        assert!(dashboard.shows(said), "{said}\n{}", dashboard.screen());
    }
    dashboard.keys("<down><enter>");
    assert!(dashboard.shows("Rewind to mark 1?"));
    assert!(rewinds(&dashboard).is_empty());
    dashboard.keys("y");
    assert_eq!(rewinds(&dashboard), ["Lab(Rewind { name: Some(\"1\") })"]);
}

#[test]
fn the_selected_mark_is_named_whole_and_its_counters_by_their_module() {
    let mut dashboard = guest();
    let counters = |module: &str, pairs: &[(&str, u64)]| ModuleCounters {
        module: module.into(),
        counters: pairs.iter().map(|(name, value)| CounterValue::new(*name, *value)).collect(),
        ..ModuleCounters::default()
    };
    let mut mark = before("31", 3000, "counters moved");
    mark.modules.push("my_name".into());
    mark.counters = vec![
        counters("kmod", &[("bytes_read", 8512), ("errors", 0)]),
        counters("my_name", &[("greetings", 1)]),
    ];
    dashboard.kernel.marks = vec![mark];
    dashboard.keys("T");
    assert!(dashboard.shows("▶ 31 "), "{}", dashboard.screen());
    let holds = "Loaded: kmod, my_name. kmod: bytes_read 8512. my_name: greetings 1.";
    assert!(dashboard.shows(holds), "{}", dashboard.screen());
}

#[test]
fn however_much_a_mark_holds_and_however_many_there_are_it_is_told_to_the_end() {
    let mut dashboard = guest();
    let counters = |module: &str| ModuleCounters {
        module: module.into(),
        counters: ["operations_that_went_well", "bytes_that_were_moved"]
            .map(|name| CounterValue::new(name, 123_456_u64))
            .into(),
        ..ModuleCounters::default()
    };
    let loaded = ["kmod", "memalloc", "my_name", "producer_consumer"];
    dashboard.kernel.marks = (1..=30)
        .map(|number| {
            let mut mark = before(&number.to_string(), 3000, "counters moved");
            mark.counters = loaded.map(counters).into();
            mark
        })
        .collect();
    dashboard.keys("T");
    assert!(dashboard.shows("on the disk."), "{}", dashboard.screen());
    assert!(dashboard.shows("▶ 30 ") && dashboard.shows("  24 "), "{}", dashboard.screen());
}

#[test]
fn a_mark_is_removed_from_the_list_with_a_key() {
    let mut dashboard = guest();
    dashboard.kernel.marks = vec![before("1", 65_000, "before load kmod")];
    dashboard.keys("Tx");
    assert!(dashboard.kernel.marks.is_empty());
    assert!(dashboard.shows("There is no mark yet"));
}

#[test]
fn after_a_crash_the_way_back_is_offered_and_needs_no_question() {
    let mut dashboard = guest();
    dashboard.kernel.marks = vec![before("4", 4000, "before the crash")];
    dashboard.disconnect();
    let mut dead = running_lab();
    dead.guest = GuestState::Panicked { reason: "Kernel panic - not syncing: for a test".into() };
    dashboard.lab(dead);
    assert!(dashboard.shows("r rewinds to 4 s before that (mark 4)"), "{}", dashboard.screen());
    dashboard.keys("r");
    assert_eq!(rewinds(&dashboard), ["Lab(Rewind { name: None })"]);
}

fn panic(dashboard: &mut Harness) {
    dashboard.disconnect();
    let mut dead = running_lab();
    dead.guest = GuestState::Panicked { reason: "Kernel panic - not syncing: for a test".into() };
    dashboard.lab(dead);
}

/// The guest is back, wound back.
fn back(dashboard: &mut Harness) {
    dashboard.kernel.info = Some(kernel_info());
    let mut again = running_lab();
    (again.generation, again.rewound_ms) = (2, Some(4000));
    dashboard.lab(again);
}

#[test]
fn after_a_crash_what_was_done_since_the_mark_is_done_again_in_its_order() {
    let mut dashboard = guest();
    // Before the mark, and so no part of it.
    dashboard.keys("2L<enter>");
    dashboard.pass(3000);
    let marked_ms = dashboard.now_ms();
    dashboard.keys("8");
    dashboard.keys("7L/tmp/strange.ko<enter><enter>");
    dashboard.pass(1000);
    dashboard.keys("2U");
    dashboard.keys("y");
    dashboard.pass(1000);
    dashboard.kernel.marks = vec![before("4", dashboard.now_ms() - marked_ms, "counters moved")];
    panic(&mut dashboard);
    let offer = "a rewinds and repeats the 2 commands since then, the last: rmmod my_name";
    assert!(dashboard.shows(offer), "{}", dashboard.screen());
    dashboard.kernel.seen.clear();
    dashboard.keys("a");
    assert_eq!(rewinds(&dashboard), ["Lab(Rewind { name: Some(\"4\") })"]);
    dashboard.kernel.seen.clear();
    dashboard.pass(2000);
    let done = |dashboard: &Harness| -> Vec<String> {
        let words = dashboard.kernel.seen.iter().filter(|request| request.contains("load "));
        words.map(|request| request.split(" (").next().unwrap_or_default().to_owned()).collect()
    };
    assert!(done(&dashboard).is_empty(), "not before the guest is back");
    back(&mut dashboard);
    let said = (0..12).any(|_| {
        dashboard.pass(500);
        dashboard.shows("what you did since the mark was done again")
    });
    assert!(said, "{}", dashboard.screen());
    assert_eq!(
        done(&dashboard),
        ["load strange ", "unload my_name"],
        "{:?}",
        dashboard.kernel.seen
    );
    // Once, and not at every rewind.
    dashboard.kernel.seen.clear();
    dashboard.pass(3000);
    assert!(done(&dashboard).is_empty());
}

#[test]
fn after_a_crash_the_ring_can_be_gone_through_step_by_step_from_the_mark_on() {
    let mut dashboard = guest();
    dashboard.kernel.marks = vec![before("4", 4000, "counters moved")];
    panic(&mut dashboard);
    assert!(!dashboard.shows("pauses the ring"), "it was not loaded then");
    let mut dashboard = guest();
    let mut mark = before("4", 4000, "counters moved");
    mark.modules.push("producer_consumer".into());
    dashboard.kernel.marks = vec![mark];
    panic(&mut dashboard);
    assert!(dashboard.shows("s rewinds, and pauses the ring"), "{}", dashboard.screen());
    dashboard.keys("s");
    assert_eq!(rewinds(&dashboard), ["Lab(Rewind { name: Some(\"4\") })"]);
    dashboard.kernel.modules.push(("producer_consumer".into(), String::new()));
    back(&mut dashboard);
    dashboard.pass(1000);
    let set = "Set { module: \"producer_consumer\", control: \"paused\", value: \"1\" }";
    assert!(dashboard.kernel.seen.iter().any(|request| request == set));
    assert!(dashboard.shows("the ring is paused: s lets one item through"));
}

#[test]
fn what_was_planned_for_a_rewind_is_not_done_in_a_guest_that_was_booted_instead() {
    let mut dashboard = guest();
    let mut mark = before("4", 4000, "counters moved");
    mark.modules.push("producer_consumer".into());
    dashboard.kernel.marks = vec![mark];
    panic(&mut dashboard);
    dashboard.keys("s");
    dashboard.kernel.info = Some(kernel_info());
    let mut other = running_lab();
    other.generation = 2;
    dashboard.lab(other);
    dashboard.pass(3000);
    assert!(!dashboard.kernel.seen.iter().any(|request| request.contains("paused")));
}
