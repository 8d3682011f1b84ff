// SPDX-License-Identifier: MIT OR Apache-2.0
//! The system call that is built into the kernel.

use std::time::Instant;

use super::guest::{self, text};
use super::kernel_log;

const FOLDER: &str = ringside_uapi::my_syscall::FOLDER;
/// How many calls a second the kernel logs; one more line counts the others.
const LINES_PER_SECOND: usize = 20;

fn number() -> i64 {
    text(&format!("{FOLDER}/number")).parse().expect("the number is one")
}

fn calls() -> u64 {
    text(&format!("{FOLDER}/calls")).parse().expect("the count is a number")
}

fn call() -> i64 {
    // SAFETY: the call takes no arguments and touches no memory of ours.
    unsafe { nix::libc::syscall(number()) }
}

#[test]
fn it_returns_zero_counts_and_names_its_caller() {
    guest::run("my_syscall::it_returns_zero_counts_and_names_its_caller", || {
        let before = calls();
        assert_eq!(number(), 473);
        assert_eq!(call(), 0);
        assert_eq!(calls(), before + 1);
        let pid = std::process::id().to_string();
        let message = text(&format!("{FOLDER}/message"));
        let lines = kernel_log::lines();
        let line =
            lines.iter().rfind(|line| line.contains(&message)).expect("the message is logged");
        assert!(line.contains(&pid), "{line:?} does not name the caller {pid}");
    });
}

#[test]
fn numbers_of_older_kernels_do_what_this_kernel_has_them_for() {
    guest::run("my_syscall::numbers_of_older_kernels_do_what_this_kernel_has_them_for", || {
        let before = calls();
        let errno = |number: i64| {
            // SAFETY: setxattrat refuses arguments without a size before it touches
            // memory, and there is no system call 548.
            let result = unsafe { nix::libc::syscall(number, 0, 0, 0, 0, 0, 0) };
            assert_eq!(result, -1, "{number}");
            std::io::Error::last_os_error().raw_os_error()
        };
        assert_eq!(errno(463), Some(nix::libc::EINVAL));
        assert_eq!(errno(548), Some(nix::libc::ENOSYS));
        assert_eq!(calls(), before);
    });
}

#[test]
fn root_edits_the_message_within_its_limit() {
    guest::run("my_syscall::root_edits_the_message_within_its_limit", || {
        let file = format!("{FOLDER}/message");
        std::fs::write(&file, "Good evening\n").expect("root may write");
        assert_eq!(text(&file), "Good evening");
        assert_eq!(call(), 0);
        assert!(kernel_log::has("Good evening"));
        let longest = "x".repeat(ringside_uapi::my_syscall::MESSAGE_MAX);
        std::fs::write(&file, &longest).expect("the longest fits");
        assert_eq!(text(&file), longest);
        let error = std::fs::write(&file, format!("{longest}x")).expect_err("one more does not");
        assert_eq!(error.raw_os_error(), Some(nix::libc::EINVAL));
        assert_eq!(text(&file), longest, "a refused message changes nothing");
    });
}

#[test]
fn many_calls_are_all_counted_but_not_all_logged() {
    guest::run("my_syscall::many_calls_are_all_counted_but_not_all_logged", || {
        let number = number();
        let before = (calls(), kernel_log::lines().len());
        let start = Instant::now();
        for _ in 0..1000 {
            // SAFETY: the call takes no arguments and touches no memory of ours.
            assert_eq!(unsafe { nix::libc::syscall(number) }, 0);
        }
        // The seconds that were begun, and one line in each of what was left out.
        let seconds = start.elapsed().as_secs() as usize + 2;
        assert_eq!(calls(), before.0 + 1000);
        let logged = kernel_log::lines().len() - before.1;
        let most = seconds * (LINES_PER_SECOND + 1);
        assert!((1..=most).contains(&logged), "{logged} lines for 1000 calls in {seconds} s");
    });
}

#[test]
fn anyone_may_call_it_and_only_root_may_edit_it() {
    guest::run("my_syscall::anyone_may_call_it_and_only_root_may_edit_it", || {
        let output = guest::as_nobody("my_syscall::as_nobody");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    });
}

#[test]
#[ignore = "the part of another test that runs as the user nobody"]
fn as_nobody() {
    let before = calls();
    assert_eq!(call(), 0);
    assert!(calls() > before);
    let error = std::fs::write(format!("{FOLDER}/message"), "mine").expect_err("not for nobody");
    assert_eq!(error.raw_os_error(), Some(nix::libc::EACCES));
}
