// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tab in a shell: what a real bash is offered.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::surroundings::{Said, Surroundings};

/// What bash offers for the last word of `line`, one a line.
fn offered(surroundings: &Surroundings, line: &str) -> Vec<String> {
    // As readline does it: the words, which of them is completed, and what is typed of it.
    let script = r#"
        source <("$RINGSIDE" completions bash)
        complete -p ringside > /dev/null || exit 3
        read -ra COMP_WORDS <<< "$LINE"
        [[ "$LINE" == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 )) COMP_TYPE=9
        _clap_complete_ringside ringside "${COMP_WORDS[COMP_CWORD]}" 2> /dev/null
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", script])
        .env("RINGSIDE", env!("CARGO_BIN_EXE_ringside"))
        .env("LINE", line)
        .current_dir(surroundings.path());
    for (name, value) in surroundings.command(&[]).get_envs() {
        bash.env(name, value.unwrap_or_default());
    }
    let said = Said::from(bash.output().expect("bash is there"));
    assert_eq!(said.status, 0, "{line:?}: {}{}", said.out, said.err);
    said.out.lines().map(str::to_owned).collect()
}

#[test]
fn tab_knows_commands_values_and_paths_without_a_lab() {
    let surroundings = Surroundings::new();
    fs::create_dir(surroundings.path().join("mine")).expect("it can be made");
    fs::write(surroundings.path().join("mine.ko"), "").expect("it can be written");
    fs::write(surroundings.path().join("mine.c"), "").expect("it can be written");
    let offers = |line: &str, expected: &[&str]| {
        let offered = offered(&surroundings, line);
        assert_eq!(offered, expected, "{line:?}");
    };
    offers("ringside unl", &["unload"]);
    offers("ringside up --kernel ", &["lab", "debug"]);
    offers("ringside build --kernel d", &["debug"]);
    offers("ringside exec --accel ", &["kvm", "tcg"]);
    offers("ringside kmsg --level w", &["warn"]);
    offers("ringside cache clean gu", &["guests"]);
    offers("ringside vm re", &["reboot"]);
    offers("ringside load my_", &["my_name"]);
    // Modules and folders, and nothing else.
    offers("ringside load mi", &["mine.ko", "mine/"]);
    offers("ringside load my_name int", &["intParameter="]);
    offers("ringside up --acc", &["--accel"]);
    offers("ringside up --disk mine.", &["mine.c", "mine.ko"]);
}

#[test]
fn tab_knows_labs_modules_controls_and_the_parameters_of_a_file() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    surroundings.up(&[]);
    let loaded = ["load", "--lab", "2", "producer_consumer", "prod=1", "--json"];
    let loaded: serde_json::Value =
        serde_json::from_str(&surroundings.ok(&loaded)).expect("it says what it loaded");
    let file = Path::new(loaded["file"].as_str().expect("a path"));
    fs::copy(file, surroundings.path().join("copy.ko")).expect("it can be copied");
    let values = |line: &str| -> Vec<String> {
        let mut all = offered(&surroundings, line);
        all.retain(|value| !value.starts_with('-'));
        all.sort();
        all
    };
    assert_eq!(values("ringside down "), ["1", "2"]);
    assert_eq!(values("ringside kmsg --lab "), ["1", "2"]);
    assert_eq!(values("ringside unload --lab 2 "), ["producer_consumer"]);
    assert_eq!(values("ringside counters --lab 2 "), ["producer_consumer"]);
    assert_eq!(values("ringside unload --lab 1 "), [""; 0]);
    assert_eq!(values("ringside set --lab 2 "), ["my_syscall", "producer_consumer"]);
    let controls = ["consumer_delay", "paused", "producer_delay", "step"];
    assert_eq!(values("ringside set --lab 2 producer_consumer "), controls);
    assert_eq!(values("ringside set --lab 2 producer_consumer pa"), ["paused"]);
    let parameters = ["cons=", "consumer_delay=", "prod=", "producer_delay=", "size="];
    assert_eq!(values("ringside load copy.ko "), parameters);
    let others = ["cons=", "consumer_delay=", "producer_delay=", "size="];
    assert_eq!(values("ringside load copy.ko prod=1 "), others);
    assert_eq!(values("ringside block peek --lab 2 /dev/s"), ["/dev/sda"]);
    // Which of two is not said: nothing is offered, and nothing hangs.
    assert_eq!(values("ringside unload "), [""; 0]);
    surroundings.ok(&["down", "1"]);
    assert_eq!(values("ringside unload "), ["producer_consumer"]);
    // A dead guest has nothing to offer.
    surroundings.ok(&["vm", "crash"]);
    assert_eq!(values("ringside unload "), [""; 0]);
}
