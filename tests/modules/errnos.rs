// SPDX-License-Identifier: MIT OR Apache-2.0
//! The log names the errno that a program gets, whichever it is.

use super::guest::{self, insmod, rmmod, set, text};
use super::kernel_log;

const THREADS_MAX: &str = "/proc/sys/kernel/threads-max";

/// Loads a module, which must fail; the log must say which errno that is.
fn refused(module: &str, parameters: &str) {
    let before = kernel_log::lines().len();
    let errno = insmod(module, parameters).expect_err("it can't be loaded");
    let said = kernel_log::lines().split_off(before);
    let ours = |line: &&String| line.starts_with(&format!("{module}: "));
    let named = said.iter().filter(ours).any(|line| line.contains(&format!("({errno:?})")));
    assert!(named, "{module} {parameters} is {errno:?}, and the log says {said:#?}");
    assert!(!said.iter().any(|line| line.contains("Error(")), "{said:#?}");
}

#[test]
fn a_refusal_is_in_the_log_with_the_name_of_its_errno() {
    guest::run("errnos::a_refusal_is_in_the_log_with_the_name_of_its_errno", || {
        refused("my_name", "intParameter=x");
        refused("kmod", "device=/dev/nothing-here");
        refused("kmod", "device=/etc/passwd/x");
        std::os::unix::fs::symlink("/tmp/circle", "/tmp/circle").expect("the guest's own /tmp");
        refused("kmod", "device=/tmp/circle");
        // No more threads than there are, and a few.
        let usual = text(THREADS_MAX);
        let threads = text("/proc/loadavg");
        let threads = threads.split(['/', ' ']).nth(4).expect("running/all");
        let few = threads.parse::<u32>().expect("a number") + 20;
        std::fs::write(THREADS_MAX, few.to_string()).expect("root may set it");
        refused("producer_consumer", "prod=400 cons=400");
        std::fs::write(THREADS_MAX, usual).expect("root may set it");
    });
}

#[test]
fn a_refusal_says_why_however_long_what_was_given_is() {
    guest::run("errnos::a_refusal_says_why_however_long_what_was_given_is", || {
        let long = "9".repeat(3000);
        let why =
            format!("{}... (3000 bytes) refused (EINVAL): it takes a whole number", &long[..100]);
        insmod("my_name", &format!("intParameter={long}")).expect_err("no such number");
        assert!(kernel_log::has(&format!("my_name: intParameter={why}")));
        insmod("producer_consumer", "").expect("it loads");
        set("producer_consumer", "paused", &long).expect_err("no such number");
        assert!(kernel_log::has(&format!("producer_consumer: paused: {why}")));
        rmmod("producer_consumer").expect("it unloads");
    });
}
