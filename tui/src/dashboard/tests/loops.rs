// SPDX-License-Identifier: MIT OR Apache-2.0
//! Modules, forms and keys: the update loop, driven with keys over a scripted kernel.

use super::harness::{Harness, VIEWS};
use super::scripted_kernel::ScriptedKernel;
use crate::dashboard::core::{Event, Hit};
use crate::kernel::TargetError;

fn guest() -> Harness {
    Harness::new(ScriptedKernel::guest())
}

#[test]
fn a_module_is_loaded_with_the_parameters_that_were_typed() {
    let mut dashboard = guest();
    dashboard.keys("2L");
    assert!(dashboard.shows("Load my_name"));
    dashboard.keys("<ctrl-u>2024<tab><ctrl-u>Summer term");
    // The kernel's quotes, in quotes that a shell takes away.
    let line = "insmod my_name.ko intParameter=2024 charParameter='\"Summer term\"'";
    assert!(dashboard.shows(line));
    dashboard.keys("<enter>");
    let seen = &dashboard.kernel.seen;
    assert!(
        seen[0].starts_with("load my_name intParameter=2024 charParameter=\"Summer term\""),
        "{seen:?}"
    );
    assert!(dashboard.shows("my_name loaded"));
    assert!(dashboard.shows("● loaded"));
    dashboard.keys("E");
    assert!(dashboard.shows("insmod my_name.ko intParameter=2024"));
}

#[test]
fn tab_completes_the_path_of_what_is_to_be_loaded() {
    let mut dashboard = guest();
    dashboard.keys("7L<ctrl-u>les");
    assert!(dashboard.shows("Tab complete"));
    dashboard.keys("<tab>");
    assert!(dashboard.shows("insmod lesson-"));
    assert!(dashboard.shows("lesson-1/  lesson-2/"));
    // What is typed meanwhile stays, and takes the list away.
    dashboard.keys("1");
    assert!(!dashboard.shows("lesson-2/"));
    dashboard.keys("<ctrl-u>no<tab>");
    assert!(dashboard.shows("insmod notes.ko"));
}

#[test]
fn tab_completes_the_folder_to_watch() {
    let mut dashboard = guest();
    dashboard.keys("8oles<tab>");
    assert!(dashboard.shows("ringside watch lesson-"), "{}", dashboard.screen());
    assert!(dashboard.shows("lesson-1/  lesson-2/"), "{}", dashboard.screen());
}

#[test]
fn what_was_typed_is_there_the_next_time() {
    let mut dashboard = guest();
    dashboard.keys("2L<ctrl-u>1999<enter>Uy");
    dashboard.keys("L");
    assert!(dashboard.shows("intParameter=1999"));
}

#[test]
fn a_form_with_a_wrong_value_is_never_sent() {
    let mut dashboard = guest();
    dashboard.keys("2L<ctrl-u>ten<enter>");
    assert!(dashboard.shows("not a whole number"));
    assert!(dashboard.kernel.seen.is_empty());
    dashboard.keys("<ctrl-u>99999999999<enter>");
    assert!(dashboard.shows("more than 2147483647"));
    assert!(dashboard.kernel.seen.is_empty());
}

#[test]
fn unloading_asks_first_and_shows_the_command() {
    let mut dashboard = guest();
    dashboard.keys("2L<enter>U");
    assert!(dashboard.shows("rmmod my_name"));
    dashboard.keys("n");
    assert_eq!(dashboard.kernel.seen.len(), 1);
    dashboard.keys("U<enter>");
    assert_eq!(dashboard.kernel.seen.len(), 1, "Enter is no yes");
    dashboard.keys("y");
    assert_eq!(dashboard.kernel.seen[1], "unload my_name");
}

#[test]
fn reloading_builds_unloads_and_loads_with_the_same_parameters() {
    let mut dashboard = guest();
    dashboard.keys("2L<ctrl-u>7<enter>R");
    let seen = &dashboard.kernel.seen;
    assert_eq!(seen[1], "unload my_name");
    assert!(seen[2].starts_with("load my_name intParameter=7"), "{seen:?}");
}

#[test]
fn a_failed_load_names_the_errno_its_meaning_and_what_to_do() {
    let mut dashboard = guest();
    let error = TargetError::errno(8, "load module my_name")
        .with_hint("it was built for another kernel: ringside build");
    dashboard.kernel.failures.push(("Load", error));
    dashboard.keys("2L<enter>");
    assert!(dashboard.shows("ENOEXEC"));
    assert!(dashboard.shows("Exec format error"));
    assert!(dashboard.shows("→ it was built for another kernel: ringside build"));
    dashboard.keys("<esc>");
    assert!(!dashboard.shows("ENOEXEC"));
}

#[test]
fn a_failed_build_shows_the_compilers_last_words() {
    let mut dashboard = guest();
    dashboard.build = Err("error[E0425]: cannot find value `x`\n --> my_name.rs:3".into());
    dashboard.keys("2L");
    assert!(dashboard.shows("cannot find value"));
    assert!(dashboard.kernel.seen.is_empty());
}

#[test]
fn a_busy_module_says_who_holds_it() {
    let mut dashboard = guest();
    dashboard.keys("2L<enter>");
    let busy = TargetError::errno(16, "unload module my_name");
    dashboard.kernel.failures.push(("Unload", busy));
    dashboard.keys("Uy");
    assert!(dashboard.kernel.seen[1].starts_with("Holders"));
}

#[test]
fn escape_backs_out_one_layer_at_a_time_and_q_quits() {
    let mut dashboard = guest();
    dashboard.keys("?:");
    assert_eq!(dashboard.model.layers.len(), 1, "help swallows other keys");
    dashboard.keys("<esc>:unplug");
    assert!(dashboard.shows("vm-unplug"));
    dashboard.keys("<esc>");
    assert!(dashboard.model.layers.is_empty());
    dashboard.keys("q");
    assert!(dashboard.quit);
}

#[test]
fn ctrl_c_quits_from_anywhere() {
    let mut dashboard = guest();
    dashboard.keys("2L<ctrl-c>");
    assert!(dashboard.quit);
}

#[test]
fn a_click_on_a_view_and_on_a_card_goes_there() {
    let mut dashboard = guest();
    dashboard.send(Event::Click(Hit::Command("log")));
    assert_eq!(dashboard.model.view, "log");
    dashboard.keys("1");
    dashboard.send(Event::Click(Hit::Row { pane: 0, index: 2 }));
    dashboard.send(Event::Click(Hit::Row { pane: 0, index: 2 }));
    assert_eq!(dashboard.model.view, "memory");
}

#[test]
fn nothing_is_redrawn_while_nothing_changes() {
    let mut dashboard = guest();
    dashboard.sample(1000, &[("my_name", &[("greetings", 1)])]);
    dashboard.pass(1000);
    for step in 0..700u64 {
        dashboard.sample(1100 + step * 100, &[("my_name", &[("greetings", 1)])]);
    }
    dashboard.model.take_dirty();
    dashboard.sample(72_000, &[("my_name", &[("greetings", 1)])]);
    dashboard.pass(500);
    assert!(!dashboard.model.take_dirty());
    dashboard.sample(72_100, &[("my_name", &[("greetings", 2)])]);
    assert!(dashboard.model.take_dirty());
}

#[test]
fn keys_that_act_on_the_list_of_modules_bring_it_back_while_charts_fill_the_view() {
    for (key, shown) in
        [("/", "┃/"), ("s", "by name"), ("<enter>", "┏ my_name"), ("<tab>", "┏ my_name")]
    {
        let mut dashboard = guest();
        dashboard.keys("2L<enter>7z");
        dashboard.pass(6000);
        dashboard.sample(8000, &[("my_name", &[("greetings", 1)])]);
        assert!(!dashboard.shows("1 module, "), "{}", dashboard.screen());
        dashboard.keys(key);
        assert!(dashboard.shows(shown), "{key}: {}", dashboard.screen());
        assert!(dashboard.shows(" module, "), "{key}: {}", dashboard.screen());
    }
}

#[test]
fn zoom_focus_and_time_range_are_refused_with_the_reason_where_they_mean_nothing() {
    let mut dashboard = guest();
    dashboard.keys("2z");
    assert!(!dashboard.model.zoom);
    assert!(dashboard.shows("Zoom: this view has no panel to zoom"), "{}", dashboard.screen());
    dashboard.keys("<tab>");
    assert!(dashboard.shows("Next panel: this view has no other panel"), "{}", dashboard.screen());
    dashboard.keys("]");
    assert!(dashboard.shows("Longer: this view has no charts"), "{}", dashboard.screen());
}

#[test]
fn a_wide_footer_names_more_keys_and_only_such_as_work_here() {
    for id in 1..=VIEWS {
        let mut dashboard = guest();
        dashboard.keys("2L<enter>");
        dashboard.keys(&id.to_string());
        dashboard.pass(6000);
        dashboard.resize(200, 60);
        let screen = dashboard.screen();
        let hints = screen.lines().last().unwrap_or_default();
        assert!(hints.contains("E Executed") && hints.contains("C Console"), "{hints}");
        for (key, title) in [("z", "Zoom"), ("y", "Copy"), ("]", "Longer"), ("<tab>", "Next panel")]
        {
            if hints.contains(&format!(" {title} ")) {
                dashboard.keys(key);
                assert!(!dashboard.shows(&format!("{title}: ")), "{}", dashboard.screen());
            }
        }
    }
}

#[test]
fn the_reference_of_keys_is_what_the_table_says() {
    let reference = crate::dashboard::shell::reference::keys();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/keys.md");
    if std::env::var_os("RINGSIDE_UPDATE_KEYS").is_some() {
        std::fs::write(file, &reference).unwrap();
    }
    let written = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        written == reference,
        "assets/keys.md is out of date: RINGSIDE_UPDATE_KEYS=1 cargo test writes it"
    );
}

#[test]
fn a_plain_fact_does_not_look_like_a_warning() {
    let mut dashboard = guest();
    dashboard.keys("6/nowhere<enter>n");
    assert!(dashboard.shows("ℹ there is no match further down"), "{}", dashboard.screen());
    dashboard.keys("3s");
    assert!(dashboard.shows("▲ step: "), "{}", dashboard.screen());
}

#[test]
fn a_list_with_nothing_under_way_names_no_key_that_cancels() {
    let mut dashboard = guest();
    dashboard.keys("P");
    assert!(dashboard.shows("Nothing is under way."), "{}", dashboard.screen());
    let screen = dashboard.screen();
    let hints = screen.lines().last().unwrap_or_default();
    assert_eq!(hints.trim(), "Esc close", "{hints}");
}
