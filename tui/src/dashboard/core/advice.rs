// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an error means here, and what to do next.

use super::keymap::Keymap;
use super::layer::Message;
use crate::kernel::TargetError;
use crate::kernel::error::{errno_name, errno_text};

/// The message for an error: its name, what it means here, what to do.
pub fn explain(keymap: &Keymap, title: &str, error: &TargetError) -> Message {
    let mut lines = Vec::new();
    let mut remedy: Vec<String> = error.hint().map(str::to_owned).into_iter().collect();
    match error {
        TargetError::Errno { errno, doing: what, .. } => {
            lines.push(format!("{what}: {}", errno_name(*errno)));
            lines.push(format!("{}.", errno_text(*errno)));
            if let Some((meaning, next)) = advice(*errno) {
                lines.push(meaning.to_owned());
                if remedy.is_empty() {
                    remedy.push(keymap.fill(next));
                }
            }
        }
        TargetError::Gone(why) | TargetError::Protocol(why) => {
            lines.push(why.clone());
            remedy.push("The dashboard tries to reach the kernel again by itself.".into());
        }
        TargetError::Oopsed(_) => {
            lines.push(format!("{error}."));
            lines.push("What the module held is stuck, and it can't be unloaded.".into());
            remedy.push(keymap.fill("The kernel log ({log}) shows where and why."));
            remedy.push(keymap.fill("In a lab, {vm-reboot} boots a new guest."));
        }
        TargetError::Silent(why) => {
            lines.push(format!("{why}."));
            remedy.push(keymap.fill("In a lab, {vm-reboot} boots a new guest."));
        }
        TargetError::Unsupported(why) | TargetError::Invalid(why) | TargetError::Ended(why) => {
            lines.push(why.clone());
        }
        TargetError::Cancelled => lines.push("It was cancelled.".into()),
    }
    if remedy.is_empty() {
        remedy.push(keymap.fill("The kernel log ({log}) may say more."));
    }
    Message { failed: true, title: title.to_owned(), lines, remedy }
}

/// The same in a short sentence, for a form that stays open and shows itself
/// what was done: what to do next comes first, where it is known.
pub fn sentence(error: &TargetError) -> String {
    match (error, error.hint()) {
        (TargetError::Errno { errno, .. }, Some(hint)) => {
            format!("{hint} ({})", errno_name(*errno))
        }
        _ => error.to_string(),
    }
}

/// What an error number means whatever was being done. What it means of an operation
/// says who carries it out, with the error.
fn advice(errno: i32) -> Option<(&'static str, &'static str)> {
    use nix::libc::{EACCES, EIO, ENODEV, ENOMEM, ENOSPC, EPERM, ESRCH};
    Some(match errno {
        EPERM | EACCES => {
            ("Only root may do this.", "Run the agent, or ringside --local, as root.")
        }
        ENOMEM => (
            "The kernel has no memory left for it.",
            "Free something, or start a lab with more memory.",
        ),
        ENODEV => ("The device is gone.", "Plug it in again and reload the module."),
        EIO => ("The device reported an error.", "The kernel log ({log}) says more."),
        ENOSPC => ("The end of the device was reached.", "Choose a smaller offset."),
        ESRCH => ("There is no such process.", "Start a new one."),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_explained_with_its_name_its_meaning_and_a_remedy() {
        let error = TargetError::errno(12, "load module memalloc");
        let message = explain(&Keymap::default(), "Load memalloc", &error);
        assert!(message.lines[0].contains("ENOMEM"));
        assert!(message.lines[2].contains("no memory left"));
        assert!(message.remedy[0].contains("more memory"));
    }

    #[test]
    fn the_targets_own_hint_comes_before_the_general_one() {
        let error = TargetError::errno(16, "unload module memalloc").with_hint("Kill 42.");
        let message = explain(&Keymap::default(), "Unload", &error);
        assert_eq!(message.remedy, ["Kill 42."]);
    }
}
