// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernel options of the user's own, up to where a kernel would be built.

use std::path::Path;

use super::surroundings::{Said, Surroundings};

/// Runs `ringside kernel …` for the user whose settings are in `home`.
fn kernel(surroundings: &Surroundings, home: &Path, arguments: &[&str]) -> Said {
    let mut command = surroundings.command(&["kernel"]);
    let output = command.args(arguments).env("XDG_CONFIG_HOME", home).output();
    output.expect("ringside starts").into()
}

#[test]
fn options_are_checked_kept_per_user_part_of_the_key_and_taken_back() {
    let surroundings = Surroundings::new();
    let (mine, yours) = (surroundings.path().join("mine"), surroundings.path().join("yours"));
    let my = |arguments: &[&str]| kernel(&surroundings, &mine, arguments);
    let options = |home: &Path| kernel(&surroundings, home, &["options"]).out;

    // What it depends on is named, and nothing of it is kept.
    let unmet = my(&["set", "--no-build", "CONFIG_GPIO_SIM=y"]);
    assert_eq!(unmet.status, 1, "{}", unmet.out);
    assert!(unmet.err.contains("CONFIG_GPIO_SIM=y can't be set"), "{}", unmet.err);
    assert!(unmet.err.contains("CONFIG_GPIOLIB"), "{}", unmet.err);
    let unknown = my(&["set", "--no-build", "CONFIG_GPIOLIBB=y"]);
    assert!(unknown.err.contains("has no option CONFIG_GPIOLIBB"), "{}", unknown.err);
    let needed = my(&["set", "--no-build", "CONFIG_RUST=n"]);
    assert!(needed.err.contains("CONFIG_RUST=y is what Ringside needs"), "{}", needed.err);
    assert!(options(&mine).contains("none of your own"), "{}", options(&mine));
    // What is off only to save time may be turned on.
    let console = my(&["set", "--no-build", "CONFIG_VT=y"]);
    assert_eq!(console.status, 0, "{}", console.err);
    assert_eq!(my(&["reset", "CONFIG_VT"]).status, 0);
    assert!(options(&mine).contains("none of your own"), "{}", options(&mine));

    // The built kernel is this configuration's, and with another there is none.
    let built = my(&["options", "kprobes"]);
    assert!(built.out.contains("CONFIG_KPROBES=y"), "{}{}", built.out, built.err);
    let set = my(&["set", "--no-build", "CONFIG_GPIOLIB=y"]);
    assert_eq!(set.status, 0, "{}", set.err);
    assert_eq!(options(&mine).trim(), "CONFIG_GPIOLIB=y");
    let built = my(&["options", "kprobes"]);
    assert!(built.err.contains("kernel is not built yet"), "{}{}", built.out, built.err);
    assert!(options(&yours).contains("none of your own"), "{}", options(&yours));

    let reset = my(&["reset", "CONFIG_GPIOLIB"]);
    assert_eq!(reset.status, 0, "{}", reset.err);
    assert!(options(&mine).contains("none of your own"), "{}", options(&mine));
    assert_eq!(my(&["options", "kprobes"]).status, 0);
}

/// What the kernel that this user has says of an option.
fn in_the_guest(surroundings: &Surroundings, home: &Path, option: &str) -> String {
    let script = format!("zcat /proc/config.gz | grep -w {option}");
    let mut command = surroundings.command(&["exec", "--", "sh", "-c", &script]);
    let output = command.env("XDG_CONFIG_HOME", home).output().expect("ringside starts");
    let said = Said::from(output);
    assert_eq!(said.status, 0, "{}", said.err);
    said.out.trim().to_owned()
}

#[test]
#[ignore = "it builds a kernel, for minutes: cargo test --test lab -- --ignored"]
fn an_option_that_was_set_is_in_the_kernel_that_is_built_for_it_and_in_no_other() {
    // One object and the Rust crates, which read every option, are built again for it.
    const OPTION: &str = "CONFIG_DUMMY_IRQ";
    let surroundings = Surroundings::new();
    let (mine, yours) = (surroundings.path().join("mine"), surroundings.path().join("yours"));
    let set = kernel(&surroundings, &mine, &["set", &format!("{OPTION}=y")]);
    assert_eq!(set.status, 0, "{}{}", set.out, set.err);
    assert_eq!(in_the_guest(&surroundings, &mine, OPTION), format!("{OPTION}=y"));
    assert_eq!(in_the_guest(&surroundings, &yours, OPTION), format!("# {OPTION} is not set"));
    // The kernel from before is there still, and built for nobody again.
    let reset = kernel(&surroundings, &mine, &["reset"]);
    assert_eq!(reset.status, 0, "{}{}", reset.out, reset.err);
    assert_eq!(in_the_guest(&surroundings, &mine, OPTION), format!("# {OPTION} is not set"));
}
