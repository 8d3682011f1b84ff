// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 8 with a scripted loop behind it.

use insta::assert_snapshot;

use crate::dashboard::core::workbench::{Case, Complaint, News, Order, Outcome};
use crate::dashboard::core::{Event, HostReply};
use crate::dashboard::tests::harness::Harness;
use crate::dashboard::tests::scripted_kernel::{ScriptedKernel, running_lab};

const SOURCE: &str = "\
// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>

static int beats;

static void beat(void)
{
\tbeats++
\tpr_info(\"beat\\n\");
}
";

fn complaint(line: u32, error: bool, message: &str) -> Complaint {
    let file = "/home/me/pulse/pulse.c".into();
    Complaint { file, line, column: 9, error, message: message.into() }
}

/// A dashboard with a folder open.
fn opened() -> Harness {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.build = Ok(SOURCE.into());
    dashboard.keys("8o/home/me/pulse<tab>interval_ms=50<tab>cat /proc/uptime<enter>");
    dashboard.news(News::Watching("/home/me/pulse".into()));
    dashboard.news(News::Building);
    dashboard
}

/// The same with its first build loaded.
fn loaded() -> Harness {
    let mut dashboard = opened();
    dashboard.kernel.modules.push(("pulse".into(), String::new()));
    dashboard.say(6, "pulse: a beat every 50 ms");
    dashboard.news(News::Loaded { names: vec!["pulse".into()], took_ms: 1234 });
    dashboard.news(News::Output(b"12.5 20.1\n".to_vec()));
    dashboard.news(News::Ran(0));
    dashboard.sample(2000, &[("pulse", &[("beats", 7), ("skipped", 0)])]);
    dashboard
}

fn broken() -> Harness {
    let mut dashboard = loaded();
    dashboard.pass(12_000);
    dashboard.news(News::Building);
    let complaints = vec![
        complaint(4, false, "'beats' defined but not used"),
        complaint(8, true, "expected ';' before 'pr_info'"),
    ];
    dashboard.news(News::NotBuilt { why: "pulse does not compile".into(), complaints });
    dashboard
}

fn crashed() -> Harness {
    let mut dashboard = loaded();
    for line in [
        "BUG: kernel NULL pointer dereference, address: 0000000000000008",
        "RIP: 0010:beat+0x4/0x10 [pulse]",
        "RAX: 0000000000000008 RBX: ffff888003a2c000 RCX: 0000000000000000",
        "Call Trace:",
        " pulse_init+0x12/0x20 [pulse]",
        "---[ end trace 0000000000000000 ]---",
    ] {
        dashboard.say(1, line);
    }
    dashboard.news(News::Report {
        words: "BUG: kernel NULL pointer dereference, address: 0000000000000008".into(),
        places: vec![
            "/home/me/pulse/pulse.c:9 (beat+0x4/0x10 [pulse])".into(),
            "pulse_init+0x12/0x20 [pulse]".into(),
        ],
        fatal: true,
    });
    dashboard
}

fn tested() -> Harness {
    let mut dashboard = loaded();
    dashboard.keys("u");
    let tag = dashboard.tested.unwrap();
    let case = |name: &str, outcome, lines: &[&str]| Case {
        name: format!("pulse.{name}"),
        outcome,
        time_us: 1500,
        why: String::new(),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    };
    let failed = ["# a_beat_counts: EXPECTATION FAILED at pulse.c:140", "Expected 1 == beats"];
    for one in [
        case("an_interval_is_kept", Outcome::Passed, &[]),
        case("a_beat_counts", Outcome::Failed, &failed),
    ] {
        dashboard.send(Event::HostSays(tag, HostReply::Case(one)));
    }
    dashboard.pass(2000);
    dashboard.send(Event::Host(tag, Ok(HostReply::Done)));
    dashboard.keys("j");
    dashboard
}

macro_rules! pictures {
    ($($name:ident: $dashboard:expr;)*) => {$(
        #[test]
        fn $name() {
            let mut dashboard = $dashboard;
            assert_snapshot!(concat!(stringify!($name), "_80x24"), dashboard.screen());
            dashboard.resize(200, 60);
            assert_snapshot!(concat!(stringify!($name), "_200x60"), dashboard.screen());
        }
    )*};
}

pictures! {
    no_folder_is_open: { let mut dashboard = Harness::new(ScriptedKernel::guest()); dashboard.keys("8"); dashboard };
    the_folder_is_built: opened();
    the_module_is_loaded: loaded();
    the_module_does_not_compile: broken();
    the_module_crashed: crashed();
    its_unit_tests_ran: tested();
}

#[test]
fn a_folder_opens_by_a_form_which_says_the_command_that_does_the_same() {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.keys("8o/home/me/my pulse<tab>a=1<tab>cat x");
    let screen = dashboard.screen();
    assert!(screen.contains("ringside watch '/home/me/my pulse' --run 'cat x' -- a=1"), "{screen}");
    dashboard.keys("<enter>");
    let (_, bench) = dashboard.watched.clone().unwrap();
    assert_eq!(
        (&*bench.folder, &*bench.parameters, &*bench.run),
        ("/home/me/my pulse", "a=1", "cat x")
    );
    assert!(dashboard.shows("opening"), "{}", dashboard.screen());
    // The next time it asks with what was typed.
    dashboard.keys("o");
    assert!(dashboard.shows("/home/me/my pulse"), "{}", dashboard.screen());
}

#[test]
fn a_new_module_is_opened_at_once_and_one_that_can_not_be_made_says_why() {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.made = Err("a module can't be called \"1\": it begins with a digit".into());
    dashboard.keys("8a1<enter>");
    assert!(dashboard.shows("it begins with a digit"), "{}", dashboard.screen());
    dashboard.made = Ok("/home/me/pulse".into());
    dashboard.keys("<esc>a<ctrl-u>pulse<enter>");
    assert_eq!(dashboard.watched.clone().unwrap().1.folder, "/home/me/pulse");
}

#[test]
fn a_build_that_fails_says_which_build_stays_and_keys_jump_from_message_to_message() {
    let mut dashboard = broken();
    let screen = dashboard.screen();
    assert!(screen.contains("not built"), "{screen}");
    assert!(
        screen.contains("1 error; build 1 of pulse (12 s old) is loaded, and stays"),
        "{screen}"
    );
    // The first error, and not the warning before it.
    assert!(screen.contains("pulse.c:8") && screen.contains("2 of 2 messages"), "{screen}");
    assert!(screen.contains("8         beats++"), "{screen}");
    assert!(screen.contains("^ expected ';' before 'pr_info'"), "{screen}");
    dashboard.keys("n");
    assert!(dashboard.shows("1 of 2 messages"), "{}", dashboard.screen());
    assert!(dashboard.shows("^ 'beats' defined but not used"), "{}", dashboard.screen());
    dashboard.keys("N");
    assert!(dashboard.shows("2 of 2 messages"), "{}", dashboard.screen());
    dashboard.keys("y");
    assert_eq!(dashboard.copied, ["/home/me/pulse/pulse.c:8:9: expected ';' before 'pr_info'"]);
    // The next build mends it, or is the same as what is loaded.
    dashboard.news(News::Building);
    dashboard.news(News::Unchanged);
    assert!(!dashboard.shows("expected ';'"), "{}", dashboard.screen());
}

#[test]
fn a_crash_shows_the_line_the_registers_and_the_way_back() {
    let mut dashboard = crashed();
    dashboard.resize(110, 40);
    let screen = dashboard.screen();
    for text in [
        "crashed",
        "at        pulse.c:9 (beat+0x4/0x10 [pulse])",
        "RAX: 0000000000000008",
        "9         pr_info(\"beat\\n\");",
        "r goes back to the last good build",
    ] {
        assert!(screen.contains(text), "{text}: {screen}");
    }
    dashboard.keys("r");
    assert_eq!(dashboard.orders, [Order::GoBack]);
    dashboard.news(News::Another { names: Vec::new(), mark: Some("4".into()) });
    assert!(dashboard.shows("the guest is as at mark 4"), "{}", dashboard.screen());
    dashboard.news(News::Loaded { names: vec!["pulse".into()], took_ms: 200 });
    assert!(dashboard.shows("build 2 of pulse (0 s old)"), "{}", dashboard.screen());
}

#[test]
fn the_output_and_the_kernels_words_stand_in_the_order_in_which_they_came() {
    let mut dashboard = loaded();
    dashboard.say(4, "pulse: late");
    let screen = dashboard.screen();
    let at = |text: &str| screen.find(text).unwrap_or_else(|| panic!("{text}: {screen}"));
    assert!(at("a beat every") < at("# cat /proc/uptime"));
    assert!(at("# cat /proc/uptime") < at("12.5 20.1") && at("12.5 20.1") < at("pulse: late"));
    // The next save begins again.
    dashboard.news(News::Building);
    assert!(!dashboard.shows("12.5 20.1") && !dashboard.shows("pulse: late"));
}

#[test]
fn another_guest_is_looked_at_and_what_is_told_of_a_folder_left_is_not_heard() {
    let mut dashboard = loaded();
    let (old, _) = dashboard.watched.clone().unwrap();
    let mut lab = running_lab();
    lab.generation += 1;
    dashboard.lab(lab);
    dashboard.pass(3000);
    assert_eq!(dashboard.orders, [Order::NewGuest], "once it is known what is loaded");
    dashboard.news(News::Another { names: Vec::new(), mark: None });
    assert!(dashboard.shows("nothing of this folder is loaded"), "{}", dashboard.screen());
    dashboard.keys("o<ctrl-u>/other<enter>");
    dashboard.send(Event::HostSays(old, HostReply::News(News::Died("x".into()))));
    assert!(!dashboard.shows("guest dead"), "{}", dashboard.screen());
}

#[test]
fn a_watch_that_ended_says_why_and_one_key_begins_it_again() {
    let mut dashboard = loaded();
    let (tag, _) = dashboard.watched.take().unwrap();
    dashboard.send(Event::Host(tag, Err("the lab is gone".into())));
    assert!(
        dashboard.shows("not watched  the lab is gone; b watches again"),
        "{}",
        dashboard.screen()
    );
    dashboard.keys("b");
    assert_eq!(dashboard.watched.clone().unwrap().1.folder, "/home/me/pulse");
    dashboard.keys("x");
    assert_eq!(dashboard.orders, [Order::End]);
    assert!(dashboard.shows("No folder is open"), "{}", dashboard.screen());
}

#[test]
fn a_module_that_somebody_else_unloads_is_not_said_to_be_loaded() {
    let mut dashboard = loaded();
    dashboard.pass(15_000);
    assert!(dashboard.shows("● loaded"), "{}", dashboard.screen());
    dashboard.kernel.modules.clear();
    dashboard.pass(6000);
    assert!(dashboard.shows("unloaded  somebody has unloaded it"), "{}", dashboard.screen());
    dashboard.keys("b");
    assert_eq!(dashboard.orders, [Order::Build]);
}
