// SPDX-License-Identifier: MIT OR Apache-2.0
//! The commands of a recording that is played: what is said of them.

use std::borrow::Cow;

use crate::dashboard::core::Info;

const fn info(
    name: &'static str,
    keys: &'static [&'static str],
    title: &'static str,
    help: &'static str,
) -> Info {
    Info { name, keys, title, help: Cow::Borrowed(help), hint: false }
}

/// They come before the dashboard's own, of which the same keys would need a kernel.
pub const COMMANDS: &[Info] = &[
    info("replay-play", &["space"], "Play", "play the recording, or pause it"),
    info("replay-slower", &["<"], "Slower", "play at half the speed, down to a quarter"),
    info("replay-faster", &[">"], "Faster", "play at twice the speed, up to 64 times"),
    info("replay-item", &["."], "Next item", "pause, and go on by one item"),
    info("replay-item-before", &[","], "Item before", "pause, and go back by one item"),
    info("replay-on", &[")"], "On", "go on by ten seconds"),
    info("replay-back", &["("], "Back", "go back by ten seconds"),
    info("replay-warning", &["w"], "Warning", "go to the next warning of the kernel"),
    info("replay-warning-before", &["W"], "Warning before", "go to the warning before"),
    info("replay-command", &["x"], "Command", "go to the next command"),
    info("replay-command-before", &["X"], "Command before", "go to the command before"),
    info("replay-mark", &["t"], "Mark", "go to the next mark or caption"),
    info("replay-mark-before", &["T"], "Mark before", "go to the mark or caption before"),
    info("replay-crash", &["d"], "Crash", "go to the next crash"),
    info("replay-crash-before", &["D"], "Crash before", "go to the crash before"),
    info("replay-follow", &["F"], "Follow", "stop looking around: show what was shown"),
];
