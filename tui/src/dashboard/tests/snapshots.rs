// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pictures of the frame and of views 1, 2, 6 and 7.

use insta::assert_snapshot;

use super::harness::Harness;
use super::scripted_kernel::{ScriptedKernel, running_lab};
use crate::dashboard::core::config::{ColorDepth, ThemeName};
use crate::dashboard::paint::Look;
use crate::kernel::TargetError;
use crate::kernel::api::{GuestState, KmsgRecord};

/// A dashboard in the middle of things: modules loaded, counters moving, a log.
fn busy() -> Harness {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.keys("2L<enter>");
    for name in ["producer_consumer", "memalloc"] {
        dashboard.kernel.modules.push((name.into(), String::new()));
    }
    dashboard.keys("1");
    for step in 0..200i64 {
        dashboard.sample(
            10_000 + step as u64 * 100,
            &[
                (
                    "memalloc",
                    &[("pages_mapped", step % 40), ("requests", step % 7), ("allocations", step)],
                ),
                ("my_name", &[("greetings", 1)]),
                (
                    "producer_consumer",
                    &[("consumed", step * 118), ("occupancy", step % 11), ("produced", step * 120)],
                ),
            ],
        );
    }
    dashboard.say(6, "my_name: Hello, I am Ringside, a student of CSE330 Spring 2025");
    dashboard.say(6, "my_syscall: Hello from the kernel (called by ringside, pid 71, uid 0)");
    dashboard.say(4, "memalloc: ALLOCATE refused: 5000 pages, 4096 are allowed");
    dashboard.say(6, "Consumer-1 takes item 12 of Producer-2");
    for line in [
        "BUG: kernel NULL pointer dereference, address: 0000000000000008",
        "RIP: 0010:broken_ioctl+0x12/0x40 [broken]",
        "Call Trace:",
        " vfs_ioctl+0x10/0x20",
        " do_syscall_64+0x55/0x90",
        "---[ end trace 0000000000000000 ]---",
    ] {
        dashboard.say(1, line);
    }
    dashboard.say(6, "usb 2-1: a record\nof two lines");
    dashboard.pass(6000);
    dashboard
}

fn hostile() -> Harness {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.kernel.modules.push(("evil\x1b[2J\u{202e}".into(), String::new()));
    dashboard.pass(6000);
    dashboard.say(
        4,
        "evil: \x1b[31mred\x1b[2J\x07 \u{202e}backwards\u{200b} \u{9b}5A tab\tend \u{4f60}\u{597d}",
    );
    dashboard.say(3, &"very long ".repeat(60));
    dashboard
}

macro_rules! pictures {
    ($($name:ident: $keys:literal;)*) => {$(
        #[test]
        fn $name() {
            let mut dashboard = busy();
            dashboard.keys($keys);
            dashboard.pass(6000);
            assert_snapshot!(concat!(stringify!($name), "_80x24"), dashboard.screen());
            dashboard.resize(200, 60);
            assert_snapshot!(concat!(stringify!($name), "_200x60"), dashboard.screen());
        }
    )*};
}

pictures! {
    overview: "1";
    name_and_syscall: "2";
    kernel_log: "6";
    kernel_log_searched_and_expanded: "6/refused<enter><enter>";
    kernel_log_oops_unfolded: "6w<enter>";
    modules: "7";
    modules_charts: "7jz";
    help: "6?";
    palette: "1:log";
    command_log: "1E";
    console: "1C";
    load_form: "7Lkmod<enter>";
    question: "2U";
}

macro_rules! states {
    ($($name:ident: $dashboard:expr;)*) => {$(
        #[test]
        fn $name() {
            let mut dashboard = $dashboard;
            for (key, view) in [("1", "overview"), ("2", "name"), ("6", "log"), ("7", "modules")] {
                dashboard.keys(key);
                dashboard.pass(6000);
                assert_snapshot!(format!("{}_{view}", stringify!($name)), dashboard.screen());
            }
        }
    )*};
}

states! {
    empty: Harness::new(ScriptedKernel::guest());
    loading: {
        let mut kernel = ScriptedKernel::guest();
        kernel.deaf = vec!["Modules", "Syscall", "Module"];
        Harness::new(kernel)
    };
    failing: {
        let mut kernel = ScriptedKernel::guest();
        let denied = |doing: &str| TargetError::errno(1, doing);
        for _ in 0..20 {
            kernel.failures.push(("Modules", denied("list modules")));
            kernel.failures.push(("Syscall", denied("read /sys/kernel/my_syscall/number")));
        }
        kernel.failures.push(("Kmsg", denied("open /dev/kmsg")));
        Harness::new(kernel)
    };
    disconnected: {
        let mut dashboard = Harness::new(ScriptedKernel::guest());
        dashboard.disconnect();
        dashboard
    };
    connecting: Harness::new(ScriptedKernel::default());
    hostile_text: hostile();
}

#[test]
fn post_mortem() {
    let mut dashboard = busy();
    let mut dead = running_lab();
    dead.guest =
        GuestState::Panicked { reason: "Kernel panic - not syncing: Fatal exception".into() };
    dashboard.lab(dead);
    dashboard.pass(6000);
    assert_snapshot!("post_mortem_80x24", dashboard.screen());
    dashboard.resize(200, 60);
    assert_snapshot!("post_mortem_200x60", dashboard.screen());
}

#[test]
fn an_error() {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    let error = TargetError::errno(22, "load module kmod")
        .with_hint("a parameter has a value that the module refuses");
    dashboard.kernel.failures.push(("Load", error));
    dashboard.build = Ok(crate::dashboard::tests::scripted_kernel::module_file(&[
        "parm=device:the block device",
    ]));
    dashboard.keys("5L<enter>");
    assert_snapshot!(dashboard.screen());
}

#[test]
fn a_window_that_is_too_small() {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.resize(59, 15);
    assert_snapshot!(dashboard.screen());
}

#[test]
fn the_smallest_window() {
    let mut dashboard = busy();
    dashboard.resize(60, 16);
    assert_snapshot!(dashboard.screen());
}

#[test]
fn ascii_has_no_character_beyond_ascii_of_its_own() {
    let mut dashboard = busy();
    let look = Look::new(ThemeName::Mono, ColorDepth::None, false);
    for key in ["1", "2", "6", "7", "7jz", "E", "C"] {
        dashboard.keys(key);
        dashboard.pass(6000);
        let screen = dashboard.screen_with(look);
        assert!(screen.is_ascii(), "{key}: {screen}");
        dashboard.keys("<esc><esc>");
    }
}

#[test]
fn kernel_text_never_reaches_the_terminal_as_a_control() {
    let mut dashboard = hostile();
    dashboard.records(vec![KmsgRecord {
        sequence: 9,
        text: "a\u{1b}]52;c;AAAA\u{7}b".into(),
        fields: vec![("SUBSYSTEM".into(), "\u{1b}[H".into())],
        ..KmsgRecord::default()
    }]);
    for keys in ["1", "2", "6", "6k<enter>", "7"] {
        dashboard.keys(keys);
        let screen = dashboard.screen();
        let control =
            |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!screen.contains(control), "{keys}");
    }
}
