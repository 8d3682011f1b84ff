// SPDX-License-Identifier: MIT OR Apache-2.0
//! Leaving, and what becomes of the lab that was started for the dashboard.

use super::harness::Harness;
use super::scripted_kernel::{ScriptedKernel, running_lab};
use crate::dashboard::core::{Event, Hit};
use crate::kernel::api::GuestState;

/// A dashboard that started its lab, with these modules loaded.
fn owner(modules: &[&str]) -> Harness {
    let mut kernel = ScriptedKernel::guest();
    kernel.modules = modules.iter().map(|name| ((*name).into(), String::new())).collect();
    let mut dashboard = Harness::new(kernel);
    dashboard.model.link.own_lab = true;
    dashboard.pass(6000);
    dashboard
}

#[test]
fn q_asks_where_modules_would_go_with_the_lab_and_q_again_leaves() {
    let mut dashboard = owner(&["my_name", "kmod"]);
    dashboard.keys("q");
    assert!(!dashboard.quit);
    let screen = dashboard.screen();
    for said in ["lab 1", "Loaded there: my_name and kmod.", "ends", "keep", "stay"] {
        assert!(screen.contains(said), "{said}: {screen}");
    }
    dashboard.keys("q");
    assert!(dashboard.quit && !dashboard.kept);
}

#[test]
fn escape_stays_and_other_keys_answer_nothing() {
    let mut dashboard = owner(&["my_name"]);
    dashboard.keys("q<enter>yn6");
    assert!(dashboard.shows("Loaded there: my_name."), "{}", dashboard.screen());
    dashboard.keys("<esc>");
    assert!(!dashboard.quit && dashboard.model.layers.is_empty());
}

#[test]
fn k_lets_the_lab_go_on_and_leaves() {
    let mut dashboard = owner(&["my_name"]);
    dashboard.keys("qk");
    assert!(dashboard.kept && dashboard.quit);
}

#[test]
fn a_lab_that_can_not_be_kept_is_not_left_without_a_word() {
    let mut dashboard = owner(&["my_name"]);
    dashboard.keep = Err("release the lab: Broken pipe".into());
    dashboard.keys("qk");
    assert!(!dashboard.quit);
    assert!(dashboard.shows("Broken pipe"), "{}", dashboard.screen());
}

#[test]
fn an_answer_can_be_clicked() {
    let mut dashboard = owner(&["my_name"]);
    dashboard.keys("q");
    dashboard.send(Event::Click(Hit::Layer(1)));
    assert!(dashboard.kept && dashboard.quit);
}

#[test]
fn ctrl_c_asks_too_and_leaves_when_it_comes_again() {
    let mut dashboard = owner(&["my_name"]);
    dashboard.keys("L<ctrl-c>");
    assert!(!dashboard.quit && dashboard.shows("Loaded there: my_name."));
    dashboard.keys("<ctrl-c>");
    assert!(dashboard.quit);
}

#[test]
fn nothing_is_asked_where_nothing_would_be_lost() {
    let mut nothing_loaded = owner(&[]);
    nothing_loaded.keys("q");
    assert!(nothing_loaded.quit);

    let mut not_ours = owner(&["my_name"]);
    not_ours.model.link.own_lab = false;
    not_ours.keys("q");
    assert!(not_ours.quit);

    let mut dead = owner(&["my_name"]);
    let mut status = running_lab();
    status.guest = GuestState::Off;
    dead.lab(status);
    dead.keys("q");
    assert!(dead.quit);

    let mut lab_gone = owner(&["my_name"]);
    lab_gone.lab_dies();
    lab_gone.keys("q");
    assert!(lab_gone.quit);
}

#[test]
fn a_lab_that_takes_the_place_of_one_that_is_gone_is_ours() {
    let mut dashboard = owner(&["my_name"]);
    dashboard.model.link.own_lab = false;
    dashboard.lab_dies();
    dashboard.keys("B");
    assert!(dashboard.model.link.own_lab);
}
