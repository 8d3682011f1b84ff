// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command lines that forms show before anything is done.

use super::harness::Harness;
use super::scripted_kernel::ScriptedKernel;
use crate::dashboard::views::fixture::preview;

/// What the words of a preview are to a shell, after these keys.
fn words(keys: &str) -> Vec<String> {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.keys(keys);
    let line = preview(&dashboard.model);
    shlex::split(&line).unwrap_or_else(|| panic!("no shell takes {line}"))
}

#[test]
fn what_is_typed_is_one_word_for_a_shell_wherever_a_command_is_previewed() {
    assert_eq!(words("7L<ctrl-u>/tmp/my copy.ko"), ["insmod", "/tmp/my copy.ko"]);
    assert_eq!(words("6s<ctrl-u>my log's copy"), ["dmesg", ">", "my log's copy"]);
    assert_eq!(
        words("2m<ctrl-u>it's; rm -rf"),
        ["echo", "it's; rm -rf", ">", "/sys/kernel/my_syscall/message"]
    );
    assert_eq!(
        words("2<enter><tab><ctrl-u>a $HOME"),
        ["insmod", "my_name.ko", "intParameter=2025", "charParameter=\"a $HOME\"", "name=Ringside"]
    );
}

#[test]
fn the_file_that_is_loaded_is_in_the_preview_and_in_the_command_log() {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.keys("7L<ctrl-u>/tmp/my copy.ko<enter>");
    assert!(preview(&dashboard.model).starts_with("insmod '/tmp/my copy.ko'"));
    dashboard.keys("<enter>E");
    assert!(dashboard.shows("insmod '/tmp/my copy.ko'"), "{}", dashboard.screen());
}
