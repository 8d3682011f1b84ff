// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys, clicks and everything that a kernel may say, in any order: the dashboard draws
//! itself after each, and can be left after all.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::harness::{Harness, VIEWS};
use super::scripted_kernel::{ScriptedKernel, running_lab};
use crate::dashboard::core::keys::KeyCode;
use crate::dashboard::core::{Event, Hit, Key};
use crate::fuzz::{Budget, Random};
use crate::kernel::TargetError;
use crate::kernel::api::{GuestState, KmsgRecord};

/// Events of a sequence.
const LONGEST: usize = 60;

/// One of them, as a number from which it is made again.
fn do_one(dashboard: &mut Harness, random: &mut Random) {
    const OFTEN: [&str; 24] = [
        "<enter>",
        "<esc>",
        "<tab>",
        "<backtab>",
        "<up>",
        "<down>",
        "<left>",
        "<right>",
        "<pageup>",
        "<pagedown>",
        "<home>",
        "<end>",
        "<backspace>",
        "<delete>",
        "<space>",
        "<ctrl-u>",
        "<ctrl-w>",
        "<f1>",
        ":",
        "/",
        "?",
        "l",
        "L",
        "m",
    ];
    const TYPED: [&str; 14] = [
        ":load<enter>",
        ":quit<esc>",
        "/(<enter>",
        "/.*<enter>",
        "4a5<enter>",
        "99999999999999999999",
        "0x",
        "-1",
        "3p",
        "7/x<enter>",
        "8aname<enter>",
        "T<enter>",
        "Z",
        "M",
    ];
    match random.below(40) {
        0..12 => dashboard.keys(OFTEN[random.below(OFTEN.len())]),
        12..18 => {
            let letter = char::from(b'!' + random.below(94) as u8);
            dashboard.send(Event::Key(Key::plain(KeyCode::Char(letter))));
        }
        18..21 => dashboard.keys(&(1 + random.below(VIEWS)).to_string()),
        21..23 => dashboard.keys(TYPED[random.below(TYPED.len())]),
        23 => {
            let code = match random.below(3) {
                0 => KeyCode::F(random.next() as u8),
                1 => KeyCode::Char(char::from_u32(random.below(0x2_0000) as u32).unwrap_or('\0')),
                _ => KeyCode::Insert,
            };
            let (ctrl, alt) = (random.once_in(2), random.once_in(3));
            // Leaving is what comes at the end.
            if code != KeyCode::Char('c') {
                dashboard.send(Event::Key(Key { code, ctrl, alt }));
            }
        }
        24 => {
            let texts =
                ["x", "\u{1f980}\u{301}\u{202e}", "two\nlines\r\n\t", "\u{1b}[31m", "", "9"];
            let text = texts[random.below(texts.len())].repeat(1 + random.below(200));
            dashboard.send(Event::Paste(text));
        }
        25 | 26 => {
            let most = random.below(20);
            let index = random.below(1 << most);
            let hit = match random.below(2) {
                0 => Hit::Layer(index),
                _ => Hit::Row { pane: random.below(6) as u8, index },
            };
            dashboard.send(Event::Click(hit));
        }
        27 => dashboard.send(Event::Wheel { up: random.once_in(2) }),
        28 | 29 => {
            let sizes = [(80, 24), (200, 60), (1, 1), (0, 0), (20, 5), (39, 11), (300, 2), (7, 90)];
            let (width, height) = sizes[random.below(sizes.len())];
            dashboard.resize(width, height);
        }
        30..33 => dashboard.pass(random.below(3000) as u64),
        33 if dashboard.kernel.kmsg.is_some() => {
            let texts = [
                "BUG: kernel NULL pointer dereference",
                "RIP: 0010:f+0x1/0x2 [kmod]",
                "Call Trace:",
                "---[ end trace 0000000000000000 ]---",
                "",
                "x: \u{1f980}",
                "memalloc: 1 page",
            ];
            let text = texts[random.below(texts.len())].repeat(1 + random.below(3));
            if random.once_in(20) {
                // It goes on from there.
                dashboard.kernel.sequence = u64::MAX - random.below(3) as u64;
            }
            dashboard.records(vec![KmsgRecord {
                sequence: dashboard.kernel.sequence,
                at_us: if random.once_in(9) { random.next() } else { 1_000_000 },
                level: random.below(9) as u8,
                lost_before: if random.once_in(9) { random.next() } else { 0 },
                text,
                ..KmsgRecord::default()
            }]);
            dashboard.kernel.sequence = dashboard.kernel.sequence.wrapping_add(1);
        }
        34 if dashboard.kernel.console.is_some() => dashboard.console("\u{1b}[2Jx\r\n\0\u{7}y"),
        35 if dashboard.kernel.watch.is_some() => {
            let value = random.next() as i64;
            let at = match random.below(12) {
                0 => random.next(),
                1 => u64::MAX - random.below(3) as u64,
                _ => dashboard.now_ms() + random.below(100_000) as u64,
            };
            let counters = [("produced", value), ("occupancy", i64::MIN), ("pages_mapped", 4096)];
            let modules = ["producer_consumer", "memalloc", "kmod", "other"];
            dashboard.sample(at, &[(modules[random.below(4)], &counters)]);
        }
        36 if dashboard.kernel.lab_watch.is_some() => {
            let mut status = running_lab();
            if random.once_in(2) {
                status.guest = GuestState::Panicked { reason: "Fatal exception".into() };
            }
            dashboard.lab(status);
        }
        37 if random.once_in(8) => dashboard.disconnect(),
        38 => {
            let why = TargetError::Gone("it is gone".into());
            dashboard.kernel.failures.push((["Load", "Modules", "Unload"][random.below(3)], why));
        }
        _ => dashboard.keys("<enter>"),
    }
}

fn sequence(seed: u64) {
    let mut random = Random::from(seed);
    let kernel =
        if random.once_in(5) { ScriptedKernel::default() } else { ScriptedKernel::guest() };
    let mut dashboard = Harness::new(kernel);
    dashboard.model.link.own_lab = random.once_in(2);
    for _ in 0..random.below(LONGEST) {
        do_one(&mut dashboard, &mut random);
        let _ = dashboard.screen();
        if dashboard.quit {
            return;
        }
    }
    if random.once_in(2) {
        dashboard.keys("<ctrl-c><ctrl-c>");
    } else {
        // Out of whatever is open, which may be several things.
        dashboard.keys("<esc><esc><esc><esc><esc><esc>qq");
    }
    assert!(dashboard.quit, "it can't be left:\n{}", dashboard.screen());
}

#[test]
fn whatever_is_pressed_and_said_the_dashboard_goes_on_and_can_be_left() {
    let mut random = Random::new();
    let mut budget = Budget::new();
    let mut many = Vec::new();
    while budget.goes_on() {
        let seed = random.next();
        if catch_unwind(AssertUnwindSafe(|| sequence(seed))).is_err() {
            many.push(seed);
            break;
        }
    }
    assert!(many.is_empty(), "the sequences of these seeds fail: {many:?}");
}
