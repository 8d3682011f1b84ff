// SPDX-License-Identifier: MIT OR Apache-2.0
//! Asking once whether what is missing may be installed.

use std::io::{BufRead, BufReader, IsTerminal, Write};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::interrupt::Interrupt;
use crate::lab::progress::Stop;
use crate::lab::setup::{Consent, Plan};
use crate::text::escape::visible;

/// Whether `RINGSIDE_YES` says yes.
pub fn said_yes() -> bool {
    std::env::var_os("RINGSIDE_YES").is_some_and(|value| !value.is_empty() && value != "0")
}

/// Calls `with` with whoever is to be asked: nobody when `yes` is given
/// already or there is no terminal.
pub fn with_consent<T>(yes: bool, with: impl FnOnce(Consent<'_>) -> T) -> T {
    if yes || said_yes() {
        return with(Consent::Given);
    }
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return with(Consent::NobodyToAsk);
    }
    with(Consent::Ask(&mut |plan| ask(plan)))
}

/// Shows the plan and reads the answer; an empty one means yes.
fn ask(plan: &Plan) -> bool {
    // Before the question appears: the answer to it may be Ctrl-C.
    let Ok(interrupt) = Interrupt::catch() else {
        return false;
    };
    let mut out = std::io::stderr().lock();
    let mut text = String::from("\nThe lab needs what is missing here:\n");
    for reason in &plan.reasons {
        text.push_str(&format!("  {reason}\n"));
    }
    text.push_str("\nRingside would run:\n");
    for line in plan.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    text.push_str("\nShall it? [Y/n] ");
    if out.write_all(visible(&text).as_bytes()).and_then(|()| out.flush()).is_err() {
        return false;
    }
    drop(out);
    answer(&interrupt).is_some_and(|line| is_yes(&line))
}

/// A line of standard input; `None` at its end or after Ctrl-C.
fn answer(interrupt: &Interrupt) -> Option<String> {
    let input = std::io::stdin();
    loop {
        if interrupt.stop() > Stop::No {
            return None;
        }
        let mut wait = [PollFd::new(std::os::fd::AsFd::as_fd(&input), PollFlags::POLLIN)];
        // A signal ends the waiting early, which the loop then sees.
        if poll(&mut wait, PollTimeout::from(100_u8)).is_ok_and(|ready| ready > 0) {
            break;
        }
    }
    let mut line = String::new();
    let size = BufReader::new(input.lock()).read_line(&mut line).ok()?;
    (size > 0).then_some(line)
}

fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "" | "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        assert!(is_yes("\n") && is_yes("y\n") && is_yes("Yes\n"));
        assert!(!is_yes("n\n") && !is_yes("what?\n"));
    }
}
