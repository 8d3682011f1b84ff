// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 2 over a scripted kernel: greeting, and greeting again.

use super::harness::Harness;
use super::scripted_kernel::ScriptedKernel;
use crate::kernel::TargetError;

/// View 2 with my_name loaded with a year.
fn greeted(year: &str) -> Harness {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.keys(&format!("2<enter><ctrl-u>{year}<enter>"));
    dashboard.pass(2000);
    assert!(dashboard.shows(&format!("intParameter   {year}")), "{}", dashboard.screen());
    dashboard.kernel.seen.clear();
    dashboard
}

#[test]
fn greeting_while_it_is_loaded_unloads_and_loads_with_the_forms_parameters() {
    let mut dashboard = greeted("1999");
    dashboard.keys("<enter>");
    assert!(dashboard.shows("# rmmod my_name"), "{}", dashboard.screen());
    dashboard.keys("<ctrl-u>2024");
    assert!(dashboard.shows("insmod my_name.ko intParameter=2024"), "{}", dashboard.screen());
    dashboard.keys("<enter>");
    let seen = &dashboard.kernel.seen;
    assert_eq!(seen[0], "unload my_name");
    assert!(seen[1].starts_with("load my_name intParameter=2024 "), "{seen:?}");
    assert!(dashboard.shows("my_name loaded"), "{}", dashboard.screen());
    // What it runs with now, and not what the one before did.
    dashboard.pass(2000);
    assert!(dashboard.shows("intParameter   2024"), "{}", dashboard.screen());
}

#[test]
fn a_form_that_is_closed_unloads_nothing() {
    let mut dashboard = greeted("1999");
    dashboard.keys("<enter><esc>");
    dashboard.pass(2000);
    assert!(dashboard.kernel.seen.is_empty(), "{:?}", dashboard.kernel.seen);
}

#[test]
fn a_module_that_is_held_stays_and_its_holder_is_named() {
    let mut dashboard = greeted("1999");
    let busy = TargetError::errno(nix::libc::EBUSY, "unload module my_name");
    dashboard.kernel.failures.push(("Unload", busy));
    dashboard.keys("<enter><enter>");
    assert!(dashboard.shows("EBUSY"), "{}", dashboard.screen());
    let loads = dashboard.kernel.seen.iter().filter(|seen| seen.starts_with("load"));
    assert_eq!(loads.count(), 0, "{:?}", dashboard.kernel.seen);
}

#[test]
fn a_load_that_is_refused_keeps_its_form_to_be_mended() {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    let refused = TargetError::errno(nix::libc::EINVAL, "load module my_name");
    let refused = refused.with_hint("the kernel says: out of range");
    dashboard.kernel.failures.push(("Load", refused));
    dashboard.keys("2<enter><ctrl-u>1999<enter>");
    assert!(dashboard.shows("the kernel says: out of range"), "{}", dashboard.screen());
    dashboard.keys("<esc>");
    assert!(dashboard.shows("insmod my_name.ko intParameter=1999"), "{}", dashboard.screen());
    dashboard.keys("<ctrl-u>2000<enter>");
    assert!(dashboard.shows("my_name loaded"), "{}", dashboard.screen());
    let seen = &dashboard.kernel.seen;
    assert!(
        seen.iter().any(|seen| seen.starts_with("load my_name intParameter=2000 ")),
        "{seen:?}"
    );
}

#[test]
fn a_folder_is_built_and_what_it_makes_is_loaded_under_its_own_name() {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.keys("7L<ctrl-u>~/lesson 1/<enter>");
    assert!(dashboard.shows("insmod"), "{}", dashboard.screen());
    dashboard.keys("<enter>");
    let loads = dashboard.kernel.seen.iter().filter(|seen| seen.starts_with("load "));
    assert_eq!(loads.count(), 1, "{:?}", dashboard.kernel.seen);
}

#[test]
fn a_module_that_only_bears_the_name_of_ours_is_called_that() {
    let mut kernel = ScriptedKernel::guest();
    kernel.foreign = true;
    let mut dashboard = Harness::new(kernel);
    dashboard.keys("2<enter><enter>");
    dashboard.pass(2000);
    assert!(dashboard.shows("my_name is not Ringside's"), "{}", dashboard.screen());
}

#[test]
fn it_says_why_the_number_is_not_the_one_of_the_course() {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.keys("2");
    dashboard.pass(2000);
    for words in ["Courses say 463", "setxattrat", "EINVAL", "548", "ENOSYS"] {
        assert!(dashboard.shows(words), "{words}\n{}", dashboard.screen());
    }
}

#[test]
fn every_view_says_of_a_module_that_is_not_ours_what_cannot_be_seen() {
    let mut kernel = ScriptedKernel::guest();
    kernel.foreign = true;
    for name in ["producer_consumer", "memalloc", "kmod"] {
        kernel.modules.push((name.into(), String::new()));
    }
    let mut dashboard = Harness::new(kernel);
    for (key, words) in [
        ("1", "Another module of that name"),
        ("3", "no table of its slots"),
        ("4", "no counters, no WALK"),
        ("5", "not Ringside's: no counters, no SYNC"),
        ("7", "not ours"),
    ] {
        dashboard.keys(key);
        dashboard.pass(2000);
        assert!(dashboard.shows(words), "{key} {words}\n{}", dashboard.screen());
    }
    // Keys that have nothing to act on say why.
    dashboard.keys("3p");
    assert!(dashboard.shows("it has no controls"), "{}", dashboard.screen());
    dashboard.keys("5s");
    assert!(dashboard.shows("it has no SYNC"), "{}", dashboard.screen());
}
