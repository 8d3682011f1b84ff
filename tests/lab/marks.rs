// SPDX-License-Identifier: MIT OR Apache-2.0
//! Marks: a guest wound back to what it was.

use std::fs;

use serde_json::Value;

use super::surroundings::Surroundings;

fn json(surroundings: &Surroundings, arguments: &[&str]) -> Value {
    serde_json::from_str(&surroundings.ok(arguments)).expect("JSON")
}

/// A counter's value.
pub fn counter(surroundings: &Surroundings, module: &str, name: &str) -> i64 {
    let printed = surroundings.ok(&["counters", module]);
    let line = printed.lines().find(|line| line.split_whitespace().nth(1) == Some(name));
    let value = line.and_then(|line| line.split_whitespace().nth(2));
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name}: {printed}"))
}

/// The eight bytes at the beginning of the stick, as kmod reads them and as they
/// are behind the kernel's caches.
fn on_the_stick(surroundings: &Surroundings) -> (String, String) {
    let read = "dd if=/dev/ringside-usb iflag=direct bs=512 count=1 status=none | head -c 8";
    (
        surroundings.ok(&["block", "read", "--offset", "0", "--size", "8"]),
        surroundings.ok(&["exec", "--lab", "1", "--", "sh", "-c", read]),
    )
}

#[test]
fn after_a_rewind_modules_counters_and_the_stick_are_as_they_were() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    surroundings.ok(&["load", "kmod"]);
    surroundings.ok(&["load", "producer_consumer", "prod=2", "cons=1", "size=10"]);
    surroundings.ok(&["set", "producer_consumer", "paused", "1"]);
    surroundings.ok(&["block", "write", "--offset", "0", "--text", "before!!"]);
    surroundings.ok(&["block", "sync"]);
    let produced = counter(&surroundings, "producer_consumer", "produced");
    let mark = json(&surroundings, &["mark", "here", "--json"]);
    assert_eq!(mark["name"], "here");
    assert_eq!(mark["modules"], serde_json::json!(["producer_consumer", "kmod"]));

    // Everything changes.
    surroundings.ok(&["set", "producer_consumer", "step", "7"]);
    assert!(counter(&surroundings, "producer_consumer", "produced") > produced);
    surroundings.ok(&["unload", "producer_consumer"]);
    surroundings.ok(&["load", "my_name"]);
    surroundings.ok(&["block", "write", "--offset", "0", "--text", "changed!"]);
    surroundings.ok(&["block", "sync"]);

    // Twice: a mark is not used up.
    for _ in 0..2 {
        surroundings.ok(&["rewind", "here"]);
        assert_eq!(counter(&surroundings, "producer_consumer", "produced"), produced);
        assert_eq!(on_the_stick(&surroundings), ("before!!".into(), "before!!".into()));
        let modules = surroundings.ok(&["modules"]);
        assert!(!modules.contains("my_name"), "{modules}");
        // The threads are there, and go on where they were told to stop.
        surroundings.ok(&["set", "producer_consumer", "step", "7"]);
        let stepped = counter(&surroundings, "producer_consumer", "produced");
        assert!(stepped > produced, "{stepped}");
        surroundings.ok(&["block", "write", "--offset", "0", "--text", "again..."]);
    }
}

#[test]
fn a_guest_is_wound_back_to_a_mark_made_after_its_stick_was_plugged_in_again() {
    let surroundings = Surroundings::new();
    surroundings.up(&["--no-auto-marks"]);
    surroundings.ok(&["vm", "unplug"]);
    surroundings.ok(&["mark", "out"]);
    surroundings.ok(&["vm", "plug"]);
    surroundings.ok(&["mark", "again"]);
    surroundings.ok(&["vm", "unplug"]);
    surroundings.ok(&["rewind", "again"]);
    let plugged = || json(&surroundings, &["vm", "status", "--json"])["stick_plugged"].clone();
    assert_eq!(plugged(), true);
    surroundings.ok(&["load", "kmod"]);
    surroundings.ok(&["unload", "kmod"]);
    surroundings.ok(&["rewind", "out"]);
    assert_eq!(plugged(), false);
    surroundings.ok(&["vm", "plug"]);
    surroundings.ok(&["load", "kmod"]);
}

#[test]
fn a_guest_that_crashed_goes_on_from_a_mark_before_the_crash() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    surroundings.ok(&["load", "my_name"]);
    surroundings.ok(&["mark"]);
    surroundings.ok(&["vm", "crash"]);
    let refused = surroundings.run(&["mark"]);
    assert_eq!(refused.status, 1, "{}", refused.err);
    assert!(refused.err.contains("the guest's kernel died"), "{}", refused.err);
    surroundings.ok(&["rewind"]);
    assert!(surroundings.ok(&["modules"]).contains("my_name"));
    let status = json(&surroundings, &["vm", "status", "--json"]);
    assert_eq!(status["guest"], "Running");
    assert_eq!(status["generation"], 2);
    // Its clock is not that of the mark.
    let guest: i64 = surroundings
        .ok(&["exec", "--lab", "1", "--", "date", "+%s"])
        .trim()
        .parse()
        .expect("a number of seconds");
    let host = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("it is later")
        .as_secs()
        .cast_signed();
    assert!((host - guest).abs() < 60, "{guest} on {host}");
}

#[test]
fn the_eight_newest_numbered_marks_are_kept_and_those_with_a_name() {
    let surroundings = Surroundings::new();
    surroundings.up(&["--no-auto-marks"]);
    let none = surroundings.run(&["rewind"]);
    assert_eq!(none.status, 1, "{}", none.err);
    assert!(none.err.contains("no mark") && none.err.contains("ringside mark"), "{}", none.err);
    surroundings.ok(&["mark", "named"]);
    for _ in 0..10 {
        surroundings.ok(&["mark"]);
    }
    surroundings.ok(&["mark", "named"]);
    let names = |surroundings: &Surroundings| -> Vec<String> {
        let marks = json(surroundings, &["marks", "--json"]);
        let names = marks.as_array().expect("an array").iter();
        names.map(|mark| mark["name"].as_str().expect("a name").to_owned()).collect()
    };
    let expected = ["3", "4", "5", "6", "7", "8", "9", "10", "named"];
    assert_eq!(names(&surroundings), expected);
    surroundings.ok(&["rewind", "-2"]);
    surroundings.ok(&["unmark", "named"]);
    let gone = surroundings.run(&["unmark", "named"]);
    assert!(gone.err.contains("no mark \"named\""), "{}", gone.err);
    surroundings.ok(&["unmark", "--all"]);
    assert!(names(&surroundings).is_empty());
    // As many as were asked for; another lab's are its own.
    surroundings.up(&["--no-auto-marks", "--marks", "2"]);
    let second = |arguments: &[&str]| surroundings.ok(&[&["--lab", "2"], arguments].concat());
    for _ in 0..3 {
        second(&["mark"]);
    }
    let kept: Value = serde_json::from_str(&second(&["marks", "--json"])).expect("JSON");
    assert_eq!(kept.as_array().map(Vec::len), Some(2), "{kept}");
    let first: Value =
        serde_json::from_str(&surroundings.ok(&["--lab", "1", "marks", "--json"])).expect("JSON");
    assert_eq!(first, serde_json::json!([]));
}

#[test]
fn a_lab_marks_its_guest_by_itself_before_what_may_be_its_end() {
    let surroundings = Surroundings::new();
    surroundings.up(&[]);
    surroundings.ok(&["load", "my_name"]);
    surroundings.ok(&["unload", "my_name"]);
    surroundings.ok(&["vm", "crash"]);
    let marks = json(&surroundings, &["marks", "--json"]);
    let marks = marks.as_array().expect("an array");
    let reasons: Vec<_> = marks.iter().map(|mark| mark["reason"].as_str().expect("one")).collect();
    assert_eq!(reasons, ["before load my_name", "before unload my_name", "before the crash"]);
    surroundings.ok(&["rewind", "2"]);
    assert!(surroundings.ok(&["modules"]).contains("my_name"));
    // While nothing moves, there is nothing to go back to.
    surroundings.ok(&["unmark", "--all"]);
    std::thread::sleep(std::time::Duration::from_secs(12));
    assert_eq!(json(&surroundings, &["marks", "--json"]), serde_json::json!([]));
    surroundings.ok(&["load", "producer_consumer", "prod=1", "cons=1"]);
    let moved = (0..600).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let marks = json(&surroundings, &["marks", "--json"]);
        let mut marks = marks.as_array().expect("an array").iter();
        marks.any(|mark| mark["reason"] == "counters moved")
    });
    assert!(moved, "{}", surroundings.ok(&["marks"]));
    // Loading again right after an unload is one change, and marked once. On a busy
    // machine it may not be right after.
    let reloaded = (0..10).any(|_| {
        surroundings.ok(&["unmark", "--all"]);
        surroundings.ok(&["unload", "producer_consumer"]);
        surroundings.ok(&["load", "producer_consumer"]);
        let marks = json(&surroundings, &["marks", "--json"]);
        let marks = marks.as_array().expect("an array");
        marks.len() == 1 && marks[0]["reason"] == "before unload producer_consumer"
    });
    assert!(reloaded, "{}", surroundings.ok(&["marks"]));
}

#[test]
fn there_is_no_mark_while_a_program_of_the_hosts_runs_and_there_is_one_when_it_has_ended() {
    let surroundings = Surroundings::new();
    surroundings.up(&["--no-auto-marks"]);
    surroundings.ok(&["mark", "first"]);
    let shell = |script: &str| surroundings.ok(&["exec", "--lab", "1", "--", "sh", "-c", script]);
    // What programs change stays, though the host's files come and go.
    shell("echo changed > /etc/motd; rm -f /usr/local/bin/sudo; chmod 700 /srv; mkdir /srv/new");
    surroundings.ok(&["mark", "after"]);
    let kept = "cat /etc/motd; stat -c %a /srv; ls -d /srv/new; ls /usr/local/bin/sudo 2>&1; true";
    let seen = shell(kept);
    for part in ["changed", "700", "/srv/new", "No such file"] {
        assert!(seen.contains(part), "{part} in {seen}");
    }
    // One that was left in the background counts like any other.
    let becomes_sleep = "until grep -q sleep /proc/$!/comm; do :; done";
    shell(&format!("sleep 1000 > /dev/null 2>&1 & echo $! > /tmp/pid; {becomes_sleep}"));
    let refused = surroundings.run(&["mark"]);
    assert_eq!(refused.status, 1, "{}", refused.err);
    assert!(refused.err.contains("no marks while `sleep 1000` (pid"), "{}", refused.err);
    shell("kill $(cat /tmp/pid)");
    surroundings.ok(&["mark", "ended"]);
    shell("mkdir -p /mnt/t && mount -t tmpfs tmpfs /mnt/t && echo here > /mnt/t/file");
    let refused = surroundings.run(&["mark"]);
    assert!(refused.err.contains("something is mounted on /mnt/t"), "{}", refused.err);
    assert_eq!(shell("cat /mnt/t/file; umount /mnt/t"), "here\n");
    surroundings.ok(&["mark", "unmounted"]);
    // Wound back, the guest has the host's files again, and what was changed by then.
    surroundings.ok(&["rewind", "after"]);
    assert!(shell(kept).contains("changed"));
    surroundings.ok(&["rewind", "first"]);
    assert!(!shell(kept).contains("changed"));
}

/// Kilobytes of memory that are the process's own and no file's.
fn own_memory(pid: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("it says");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}

fn descriptors(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").count()
}

#[test]
fn fifty_rewinds_bring_everything_back_and_leave_no_memory_descriptor_process_or_file_behind() {
    let surroundings = Surroundings::new();
    let disk = surroundings.path().join("disk.img");
    fs::write(&disk, vec![0; 8 << 20]).expect("it can be written");
    let status = surroundings.up(&["--no-auto-marks", "--disk", disk.to_str().expect("UTF-8")]);
    surroundings.ok(&["load", "kmod"]);
    surroundings.ok(&["load", "producer_consumer", "prod=2", "cons=1", "size=10"]);
    surroundings.ok(&["set", "producer_consumer", "paused", "1"]);
    surroundings.ok(&["block", "write", "--offset", "0", "--text", "before!!"]);
    surroundings.ok(&["block", "sync"]);
    let produced = counter(&surroundings, "producer_consumer", "produced");
    surroundings.ok(&["mark"]);
    let qemu = || {
        let status = json(&surroundings, &["vm", "status", "--json"]);
        i32::try_from(status["qemu_pid"].as_i64().expect("QEMU runs")).expect("a process id")
    };
    let files = || fs::read_dir(surroundings.path()).expect("it is there").count();
    // What is made once is there by then: the allocator's arenas of many threads, too.
    for _ in 0..40 {
        surroundings.ok(&["rewind"]);
    }
    let (memory, of_qemu, left) = (own_memory(status.pid), descriptors(qemu()), files());
    let before = descriptors(status.pid);
    for round in 0..50 {
        surroundings.ok(&["set", "producer_consumer", "step", "7"]);
        surroundings.ok(&["block", "write", "--offset", "0", "--text", "changed!"]);
        surroundings.ok(&["rewind"]);
        let seen = surroundings.ok(&["block", "read", "--offset", "0", "--size", "8"]);
        assert_eq!(seen, "before!!", "round {round}");
        let now = counter(&surroundings, "producer_consumer", "produced");
        assert_eq!(now, produced, "round {round}");
    }
    // A client that has just left may still be counted.
    let after = (0..250)
        .map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(20));
            descriptors(status.pid)
        })
        .find(|after| *after <= before);
    assert!(after.is_some(), "{before} descriptors before, {} after", descriptors(status.pid));
    assert_eq!(descriptors(qemu()), of_qemu, "of QEMU");
    assert_eq!(files(), left);
    let grown = own_memory(status.pid).saturating_sub(memory);
    assert!(grown < 4096, "{grown} kB more than the {memory} kB before");
    let children = format!("/proc/{0}/task/{0}/children", status.pid);
    let threads = fs::read_dir(format!("/proc/{}/task", status.pid)).expect("the lab runs");
    let mut children: Vec<String> = fs::read_to_string(children)
        .into_iter()
        .chain(
            threads
                .flatten()
                .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok()),
        )
        .flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    children.sort();
    children.dedup();
    assert_eq!(children.len(), 1, "one QEMU: {children:?}");
}

#[test]
fn marks_outlive_their_lab_where_that_is_wanted_and_the_next_one_goes_back_to_them() {
    let surroundings = Surroundings::new();
    // A machine that nobody else has, so that nobody else's marks are touched.
    let up = ["--no-auto-marks", "--keep-marks", "--memory", "437"];
    surroundings.up(&up);
    surroundings.ok(&["load", "producer_consumer", "prod=1", "cons=1", "size=10"]);
    surroundings.ok(&["set", "producer_consumer", "paused", "1"]);
    surroundings.ok(&["load", "kmod"]);
    surroundings.ok(&["block", "write", "--offset", "0", "--text", "before!!"]);
    surroundings.ok(&["block", "sync"]);
    let produced = counter(&surroundings, "producer_consumer", "produced");
    surroundings.ok(&["mark", "of-a-test"]);
    surroundings.ok(&["mark"]);
    surroundings.ok(&["down"]);
    let listed = surroundings.ok(&["marks"]);
    assert!(listed.contains("no lab runs") && listed.contains("of-a-test"), "{listed}");
    let names = |text: &str| -> Vec<String> {
        let marks: Value = serde_json::from_str(text).expect("JSON");
        let marks = marks.as_array().expect("an array").iter();
        marks.map(|mark| mark["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert!(names(&surroundings.ok(&["marks", "--json"])).contains(&"of-a-test".to_owned()));

    // Another kind of machine has nothing to do with them, and one that does not keep
    // marks leaves them alone.
    surroundings.up(&["--no-auto-marks", "--keep-marks", "--memory", "439"]);
    assert!(names(&surroundings.ok(&["marks", "--json"])).is_empty());
    surroundings.ok(&["down"]);
    surroundings.up(&["--no-auto-marks", "--memory", "437"]);
    assert!(names(&surroundings.ok(&["marks", "--json"])).is_empty());
    surroundings.ok(&["down"]);

    surroundings.up(&up);
    assert_eq!(names(&surroundings.ok(&["marks", "--json"])), ["of-a-test", "1"]);
    surroundings.ok(&["rewind", "of-a-test"]);
    assert_eq!(counter(&surroundings, "producer_consumer", "produced"), produced);
    assert_eq!(surroundings.ok(&["block", "read", "--offset", "0", "--size", "8"]), "before!!");
    // Numbers go on, and what is removed is gone for the next lab, too.
    surroundings.ok(&["mark"]);
    assert_eq!(names(&surroundings.ok(&["marks", "--json"])), ["of-a-test", "1", "2"]);
    surroundings.ok(&["unmark", "--all"]);
    surroundings.ok(&["down"]);
    let none = surroundings.run(&["marks"]);
    assert!(!none.out.contains("of-a-test"), "{}{}", none.out, none.err);
    let both = surroundings.run(&["up", "--keep-marks", "--disk", "/dev/null"]);
    assert_eq!(both.status, 2, "{}", both.err);
    assert!(both.err.contains("what differs from the file"), "{}", both.err);
}

#[test]
fn two_labs_that_keep_their_marks_at_the_same_time_both_keep_them() {
    let surroundings = Surroundings::new();
    // A machine that nobody else has, so that nobody else's marks are touched.
    let up = ["--no-auto-marks", "--keep-marks", "--memory", "433"];
    surroundings.up(&up);
    surroundings.ok(&["mark", "before-both"]);
    surroundings.ok(&["down"]);
    surroundings.up(&up);
    surroundings.up(&up);
    for (lab, module) in [("1", "my_name"), ("2", "kmod")] {
        surroundings.ok(&["--lab", lab, "load", module]);
        surroundings.ok(&["--lab", lab, "mark"]);
        surroundings.ok(&["--lab", lab, "mark", "here"]);
    }
    surroundings.ok(&["down", "1"]);
    surroundings.ok(&["down", "2"]);
    surroundings.up(&up);
    let marks = json(&surroundings, &["marks", "--json"]);
    let known: Vec<(&str, &Value)> = marks
        .as_array()
        .expect("an array")
        .iter()
        .map(|mark| (mark["name"].as_str().expect("a name"), &mark["modules"]))
        .collect();
    let (one, other) = (serde_json::json!(["my_name"]), serde_json::json!(["kmod"]));
    let expected = [
        ("before-both", serde_json::json!([])),
        ("2", one.clone()),
        ("here-2", one),
        ("1", other.clone()),
        ("here", other),
    ];
    let expected: Vec<_> = expected.iter().map(|(name, modules)| (*name, modules)).collect();
    assert_eq!(known, expected, "{marks}");
    surroundings.ok(&["rewind", "here-2"]);
    assert!(surroundings.ok(&["modules"]).contains("my_name"));
    surroundings.ok(&["unmark", "--all"]);
    surroundings.ok(&["down"]);
}

#[test]
fn a_lab_obeys_the_configuration_and_what_it_does_not_need_of_it_stops_nobody() {
    let surroundings = Surroundings::new();
    let home = surroundings.path().join("config");
    let file = home.join("ringside/config.toml");
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(&file, "auto_marks = false\nmarks = 2\ncolors = \"mauve\"\n").expect("a file");
    let run = |arguments: &[&str]| {
        let mut command = surroundings.command(arguments);
        let output = command.env("XDG_CONFIG_HOME", &home).output().expect("it starts");
        let said = super::surroundings::Said::from(output);
        assert_eq!(said.status, 0, "{}", said.err);
        said
    };
    let said = run(&["up"]);
    assert!(said.err.contains("warning: ") && said.err.contains("mauve"), "{}", said.err);
    surroundings.ok(&["load", "my_name"]);
    for _ in 0..3 {
        surroundings.ok(&["mark"]);
    }
    let marks = json(&surroundings, &["marks", "--json"]);
    let marks = marks.as_array().expect("an array").iter();
    let names: Vec<_> = marks.map(|mark| mark["name"].as_str().expect("a name")).collect();
    // None before the load, and two of three.
    assert_eq!(names, ["2", "3"]);
    let said = run(&["exec", "--", "echo", "works"]);
    assert_eq!(said.out, "works\n");
    assert!(said.err.contains("mauve"), "{}", said.err);
    // What a lab needs is not guessed.
    fs::write(&file, "marks = 0\n").expect("a file");
    let mut command = surroundings.command(&["up"]);
    let output = command.env("XDG_CONFIG_HOME", &home).output().expect("it starts");
    let said = super::surroundings::Said::from(output);
    assert!(said.status != 0 && said.err.contains("marks = 0"), "{}", said.err);
}
