// SPDX-License-Identifier: MIT OR Apache-2.0
//! A guest, a connection or a lab that is gone, hangs, or never was.

use super::harness::Harness;
use super::scripted_kernel::{ScriptedKernel, kernel_info, running_lab};
use crate::kernel::api::{GuestState, Trouble};

fn guest() -> Harness {
    Harness::new(ScriptedKernel::guest())
}

#[test]
fn a_kernel_that_never_answers_leaves_every_key_working() {
    let mut kernel = ScriptedKernel::guest();
    kernel.deaf.push("Load");
    let mut dashboard = Harness::new(kernel);
    dashboard.keys("2L<enter>");
    dashboard.pass(3000);
    assert!(dashboard.shows("load my_name, 3 s"));
    dashboard.keys("6");
    assert_eq!(dashboard.model.view, "log");
    dashboard.keys("X");
    assert_eq!(dashboard.cancelled.len(), 1);
    dashboard.pass(2000);
    assert!(!dashboard.shows("load my_name, "), "a deaf call is given up");
}

#[test]
fn a_panic_shows_why_and_one_key_boots_a_new_guest() {
    let mut dashboard = guest();
    dashboard.keys("2");
    let mut dead = running_lab();
    dead.guest =
        GuestState::Panicked { reason: "Kernel panic - not syncing: sysrq triggered crash".into() };
    dashboard.lab(dead);
    assert!(dashboard.shows("The kernel panicked"));
    assert!(dashboard.shows("sysrq triggered crash"));
    assert!(dashboard.shows("Linux boots"), "the console's last lines");
    assert!(dashboard.shows("`ringside dump FILE`"));
    dashboard.keys("b");
    assert!(dashboard.kernel.seen.iter().any(|seen| seen.contains("Reboot { cold: false }")));
    let mut again = running_lab();
    again.generation = 2;
    dashboard.lab(again);
    dashboard.pass(200);
    assert!(!dashboard.shows("The kernel panicked"));
    assert!(dashboard.shows("guest 2 runs"));
}

#[test]
fn crashing_on_purpose_asks_first() {
    let mut dashboard = guest();
    dashboard.keys("!");
    assert!(dashboard.shows("echo c > /proc/sysrq-trigger"));
    assert!(dashboard.kernel.seen.is_empty());
    dashboard.keys("y");
    assert_eq!(dashboard.kernel.seen, ["Crash"]);
}

#[test]
fn a_broken_connection_is_shown_and_tried_again() {
    let mut dashboard = guest();
    dashboard.disconnect();
    dashboard.pass(2000);
    assert!(dashboard.shows("disconnected"));
    assert!(dashboard.shows("the agent is gone"));
    dashboard.kernel.info = Some(kernel_info());
    dashboard.pass(7000);
    assert!(dashboard.shows("connected") && !dashboard.shows("disconnected"));
}

#[test]
fn a_kernel_that_falls_silent_is_shown_as_such() {
    let mut dashboard = guest();
    dashboard.kernel.info = None;
    dashboard.pass(30_000);
    assert!(dashboard.shows("does not answer"));
}

#[test]
fn a_kernel_is_not_silent_while_its_guest_still_starts() {
    let mut kernel = ScriptedKernel::guest();
    kernel.info = None;
    if let Some(lab) = &mut kernel.lab {
        lab.guest = GuestState::Starting;
    }
    let mut dashboard = Harness::new(kernel);
    dashboard.pass(20_000);
    dashboard.lab(running_lab());
    dashboard.pass(3000);
    assert!(!dashboard.shows("disconnected") && !dashboard.shows("does not answer"));
    dashboard.pass(5000);
    assert!(dashboard.shows("does not answer"));
}

#[test]
fn what_can_not_be_had_is_asked_for_once_a_second_at_most() {
    for lab in [true, false] {
        let mut dashboard = guest();
        if lab {
            dashboard.lab_dies();
        } else {
            dashboard = Harness::new({
                let mut kernel = ScriptedKernel::guest();
                kernel.gone = true;
                kernel
            });
        }
        let before = dashboard.kernel.requests;
        dashboard.pass(10_000);
        let asked = dashboard.kernel.requests - before;
        assert!((5..=25).contains(&asked), "{asked} requests in 10 s");
    }
}

#[test]
fn a_lab_that_is_gone_is_told_from_a_guest_that_is_gone() {
    let mut dashboard = guest();
    dashboard.lab_dies();
    dashboard.pass(2000);
    assert!(dashboard.shows("B starts a new one"));
    dashboard.keys("q");
    assert!(dashboard.quit);
}

#[test]
fn a_lab_that_dies_before_its_guest_ran_is_told_as_gone() {
    let mut kernel = ScriptedKernel::guest();
    if let Some(lab) = &mut kernel.lab {
        lab.guest = GuestState::Starting;
    }
    let mut dashboard = Harness::new(kernel);
    dashboard.pass(1000);
    assert!(dashboard.shows("starting"));
    dashboard.lab_dies();
    dashboard.pass(2000);
    assert!(dashboard.shows("B starts a new one"));
    assert!(dashboard.shows("disconnected"));
}

#[test]
fn a_target_without_a_lab_says_so_and_the_rest_works() {
    let mut kernel = ScriptedKernel::guest();
    kernel.lab = None;
    let mut dashboard = Harness::new(kernel);
    dashboard.keys("C");
    assert!(dashboard.shows("this target is not a lab"));
    dashboard.keys("<esc>B");
    assert!(dashboard.shows("this target is not a lab"));
    dashboard.keys("2L<enter>");
    assert!(dashboard.shows("my_name loaded"));
}

#[test]
fn a_guest_that_hangs_is_told_with_its_age_and_one_key_starts_another() {
    let mut dashboard = guest();
    let mut hung = running_lab();
    hung.troubles = vec![Trouble::Silent { for_ms: 7_000, cause: None }];
    dashboard.lab(hung);
    dashboard.pass(2000);
    let screen = dashboard.screen();
    assert!(dashboard.shows("✗ hangs 9 s"), "{screen}");
    assert!(
        dashboard.shows("✗ the guest has not answered for 9 s   B boots a new one"),
        "{screen}"
    );
    // A guest that can't be asked needs no question.
    dashboard.keys("B");
    assert!(dashboard.kernel.seen.iter().any(|seen| seen.contains("Reboot")), "{screen}");
    dashboard.lab(running_lab());
    dashboard.pass(6000);
    assert!(!dashboard.shows("hangs"));
}

#[test]
fn a_full_disk_of_the_host_is_told_and_is_no_reason_to_reboot() {
    let mut dashboard = guest();
    let mut full = running_lab();
    full.troubles = vec![Trouble::NoRoom { place: "/var/tmp".into() }];
    dashboard.lab(full);
    let screen = dashboard.screen();
    assert!(dashboard.shows("the host's disk is full (/var/tmp)"), "{screen}");
    assert!(!dashboard.shows("boots a new one"), "{screen}");
}
