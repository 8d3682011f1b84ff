// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the dashboard shows and offers when the guest has died, and after its reboot.

use super::harness::Harness;
use super::harness::VIEWS;
use super::scripted_kernel::{ScriptedKernel, running_lab};
use crate::dashboard::core::config::{ColorDepth, ThemeName};
use crate::dashboard::paint::{Look, Role};
use crate::kernel::TargetError;
use crate::kernel::api::GuestState;

/// A dashboard on which two modules of ours are loaded and one from a file.
fn working() -> Harness {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.keys("2L<ctrl-u>1999<enter>");
    dashboard.keys("7L/tmp/strange.ko<enter><enter>");
    // Somebody loaded this one from a shell.
    dashboard.kernel.modules.push(("memalloc".into(), String::new()));
    dashboard.keys("1");
    dashboard.pass(6000);
    dashboard.sample(7000, &[("memalloc", &[("pages_mapped", 12)]), ("my_name", &[])]);
    dashboard.kernel.seen.clear();
    dashboard
}

fn panic(dashboard: &mut Harness) {
    dashboard.disconnect();
    let mut dead = running_lab();
    dead.guest = GuestState::Panicked { reason: "Kernel panic - not syncing: for a test".into() };
    dashboard.lab(dead);
    dashboard.pass(1000);
}

fn reboot(dashboard: &mut Harness) {
    dashboard.kernel.info = Some(crate::dashboard::tests::scripted_kernel::kernel_info());
    dashboard.kernel.modules.clear();
    let mut again = running_lab();
    again.generation = 2;
    dashboard.lab(again);
    dashboard.pass(1000);
}

#[test]
fn every_key_that_the_post_mortem_names_does_what_it_says() {
    let mut dashboard = working();
    panic(&mut dashboard);
    assert!(dashboard.shows("The kernel panicked"));
    let hints = dashboard.screen().lines().last().unwrap_or_default().to_owned();
    assert_eq!(
        hints.trim(),
        "B boot a new guest  C whole console  y copy  Esc last picture  q quit",
        "{hints}"
    );
    dashboard.keys("y");
    assert!(dashboard.copied.last().is_some_and(|text| text.contains("Linux boots")));
    dashboard.keys("C");
    assert!(dashboard.shows("The guest's serial console"));
    dashboard.keys("<esc>");
    dashboard.keys("B");
    assert!(dashboard.kernel.seen.iter().any(|seen| seen.contains("Reboot { cold: false }")));
    dashboard.keys("<esc>");
    assert!(!dashboard.shows("The kernel panicked"));
    dashboard.keys("q");
    assert!(dashboard.quit);
}

#[test]
fn after_the_post_mortem_every_view_names_only_keys_that_work_without_a_guest() {
    let mut dashboard = working();
    panic(&mut dashboard);
    dashboard.keys("<esc>");
    for id in 1..=VIEWS {
        dashboard.keys(&id.to_string());
        dashboard.pass(1000);
        let screen = dashboard.screen();
        let hints = screen.lines().last().unwrap_or_default();
        assert!(hints.starts_with(" B Boot a new guest"), "{hints}");
        for dead in [
            "Load",
            "Unload",
            "Reload",
            "new subject",
            "Call",
            "pause",
            "Greet",
            "plug",
            "end subject",
        ] {
            let named = format!(" {dead} ");
            assert!(!hints.contains(&named), "{dead} in {hints}");
        }
        assert!(!screen.contains("b boots"), "{screen}");
        assert!(screen.contains("this is the last it showed"), "{screen}");
    }
    dashboard.keys("2c");
    assert!(dashboard.shows("B boots a new one"), "{}", dashboard.screen());
    dashboard.keys("B");
    assert!(dashboard.kernel.seen.iter().any(|seen| seen.contains("Reboot { cold: false }")));
}

#[test]
fn a_view_that_was_not_open_when_the_guest_died_waits_for_nothing() {
    let modules = vec![("producer_consumer".to_owned(), String::new())];
    let mut dashboard = Harness::new(ScriptedKernel { modules, ..ScriptedKernel::guest() });
    panic(&mut dashboard);
    dashboard.keys("<esc>3");
    dashboard.pass(1000);
    let screen = dashboard.screen();
    assert!(!screen.contains("Waiting for") && !screen.contains("Loading"), "{screen}");
    assert!(screen.contains("another view was open when the guest died"), "{screen}");
    assert!(screen.contains("Press B to boot a new guest"), "{screen}");
}

#[test]
fn in_the_last_picture_nothing_is_asked_for_and_no_key_is_named_that_needs_the_guest() {
    let name = |name: &str| (name.to_owned(), String::new());
    for modules in [vec![], vec![name("memalloc")], vec![name("memalloc"), name("kmod")]] {
        let mut dashboard = Harness::new(ScriptedKernel { modules, ..ScriptedKernel::guest() });
        panic(&mut dashboard);
        dashboard.keys("<esc>");
        for id in 1..=VIEWS {
            dashboard.keys(&id.to_string());
            dashboard.pass(1000);
            let screen = dashboard.screen();
            for living in [
                "Asking the kernel",
                "chooses the parameters",
                "calls it once",
                "starts a subject",
                "starts one",
                "Start a subject",
                "Nothing was read yet",
                "loads one",
                "r reads",
            ] {
                assert!(!screen.contains(living), "{living} in\n{screen}");
            }
        }
    }
}

#[test]
fn the_last_picture_stays_without_its_colours_until_the_reboot() {
    let mut dashboard = working();
    dashboard.keys("4");
    dashboard.pass(1000);
    assert!(dashboard.shows("pages 12/"), "{}", dashboard.screen());
    panic(&mut dashboard);
    dashboard.keys("<esc>");
    for look in [
        Look::new(ThemeName::Dark, ColorDepth::Indexed, true),
        Look::new(ThemeName::Light, ColorDepth::Sixteen, true),
        Look::new(ThemeName::Mono, ColorDepth::None, true),
    ] {
        let cells = dashboard.cells_with(look);
        let dim = look.style(Role::Dim);
        let (width, height) = dashboard.model.size;
        let body = (3..height - 1).flat_map(|y| (0..width).map(move |x| (x, y)));
        for at in body {
            let cell = &cells[at];
            if look.coloured() && look.style(Role::Selected).bg == Some(cell.bg) {
                continue;
            }
            let grey = dim.fg.unwrap_or(cell.fg);
            assert!(
                cell.symbol() == " " || cell.fg == grey,
                "{at:?} {:?} is {:?}",
                cell.symbol(),
                cell.fg
            );
            if look.coloured() {
                continue;
            }
            assert!(cell.symbol() == " " || cell.modifier.contains(dim.add_modifier), "{at:?}");
        }
    }
    assert!(dashboard.shows("pages 12/"), "{}", dashboard.screen());
    dashboard.keys("5");
    assert!(dashboard.shows("kmod was not loaded"), "{}", dashboard.screen());
    reboot(&mut dashboard);
    dashboard.keys("n4");
    assert!(dashboard.shows("memalloc is not loaded"), "{}", dashboard.screen());
}

#[test]
fn cards_say_that_a_module_was_loaded_when_its_guest_is_dead_or_out_of_reach() {
    for death in [true, false] {
        let mut dashboard = working();
        assert!(dashboard.shows("● loaded"));
        if death {
            panic(&mut dashboard);
            dashboard.keys("<esc>");
        } else {
            dashboard.disconnect();
            dashboard.pass(1000);
        }
        for view in ["1", "2"] {
            dashboard.keys(view);
            dashboard.pass(1000);
            assert!(dashboard.shows("○ was loaded"), "{}", dashboard.screen());
            assert!(!dashboard.shows("● loaded"), "{}", dashboard.screen());
        }
    }
}

#[test]
fn after_the_reboot_what_was_loaded_is_offered_with_the_parameters_it_had() {
    let mut dashboard = working();
    panic(&mut dashboard);
    dashboard.keys("B");
    reboot(&mut dashboard);
    assert!(dashboard.shows("Load again what was loaded?"), "{}", dashboard.screen());
    assert!(dashboard.shows("insmod my_name.ko intParameter=1999"), "{}", dashboard.screen());
    // What the kernel said of the one that was loaded from a shell.
    assert!(dashboard.shows("insmod memalloc.ko intParameter=2025"), "{}", dashboard.screen());
    assert!(dashboard.shows("insmod /tmp/strange.ko"), "{}", dashboard.screen());
    dashboard.kernel.seen.clear();
    dashboard.keys("y");
    let loads: Vec<_> =
        dashboard.kernel.seen.iter().filter(|seen| seen.starts_with("load")).collect();
    assert_eq!(loads.len(), 3, "{loads:?}");
    assert!(loads[0].starts_with("load my_name intParameter=1999"), "{loads:?}");
    assert!(loads[1].starts_with("load strange "), "{loads:?}");
    assert!(loads[2].starts_with("load memalloc intParameter=2025"), "{loads:?}");
    dashboard.pass(6000);
    assert_eq!(dashboard.model.modules.ready().map(Vec::len), Some(3));
}

#[test]
fn what_can_not_be_loaded_from_here_is_named_and_left_out_of_the_offer() {
    let mut dashboard = working();
    dashboard.kernel.modules.push(("foreign".into(), String::new()));
    dashboard.pass(6000);
    panic(&mut dashboard);
    reboot(&mut dashboard);
    assert!(dashboard.shows("foreign was not loaded from here"), "{}", dashboard.screen());
    dashboard.keys("y");
    assert!(!dashboard.kernel.seen.iter().any(|seen| seen.contains("load foreign")));
}

#[test]
fn the_offer_waits_until_nothing_is_typed_and_no_is_no() {
    let mut dashboard = working();
    panic(&mut dashboard);
    dashboard.keys("<esc>6/err");
    reboot(&mut dashboard);
    assert!(!dashboard.shows("Load again"), "{}", dashboard.screen());
    dashboard.keys("<enter>");
    dashboard.pass(200);
    assert!(dashboard.shows("Load again what was loaded?"), "{}", dashboard.screen());
    dashboard.keys("n");
    dashboard.pass(2000);
    assert!(!dashboard.shows("Load again"));
    assert!(!dashboard.kernel.seen.iter().any(|seen| seen.starts_with("load")));
}

#[test]
fn nothing_is_offered_after_a_guest_without_modules() {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.pass(6000);
    panic(&mut dashboard);
    reboot(&mut dashboard);
    assert!(dashboard.model.layers.is_empty(), "{}", dashboard.screen());
}

#[test]
fn a_reload_keeps_the_parameters_that_somebody_else_loaded_the_module_with() {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.kernel.modules.push(("my_name".into(), String::new()));
    dashboard.pass(6000);
    dashboard.keys("2R");
    let seen = &dashboard.kernel.seen;
    assert!(seen.iter().any(|seen| seen.starts_with("load my_name intParameter=2025")), "{seen:?}");
}

#[test]
fn who_holds_a_module_that_nobody_holds_is_told_without_any_error() {
    let mut dashboard = working();
    dashboard.keys("7o");
    let screen = dashboard.screen();
    assert!(screen.contains("Who holds my_name?"), "{screen}");
    assert!(screen.contains("Nobody: U can unload it."), "{screen}");
    for wrong in ["EBUSY", "Unload my_name", "✗ Who"] {
        assert!(!screen.contains(wrong), "{wrong}: {screen}");
    }
}

#[test]
fn who_holds_a_module_lists_its_holders() {
    use crate::kernel::api::Holder;
    let mut dashboard = working();
    dashboard.kernel.holders = vec![
        Holder::Module("other".into()),
        Holder::Process { pid: 7, comm: "subject".into(), what: "/dev/memalloc (mapped)".into() },
    ];
    dashboard.keys("7o");
    let screen = dashboard.screen();
    assert!(screen.contains("Who holds my_name?"), "{screen}");
    assert!(screen.contains("module other uses it"), "{screen}");
    assert!(screen.contains("process 7 (subject): /dev/memalloc (mapped)"), "{screen}");
    assert!(!screen.contains("EBUSY"), "{screen}");
}

#[test]
fn who_holds_a_module_says_why_when_the_kernel_can_not_tell() {
    let mut dashboard = working();
    let error = TargetError::errno(13, "look for who uses my_name");
    dashboard.kernel.failures.push(("Holders", error));
    dashboard.keys("7o");
    assert!(dashboard.shows("✗ Who holds my_name?"), "{}", dashboard.screen());
    assert!(dashboard.shows("EACCES"), "{}", dashboard.screen());
    assert!(!dashboard.shows("EBUSY"), "{}", dashboard.screen());
}
