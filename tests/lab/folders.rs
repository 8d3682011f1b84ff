// SPDX-License-Identifier: MIT OR Apache-2.0
//! Folders as people bring them: built by the real command for the real kernel,
//! from elsewhere, without a file written into them.

use std::fs;
use std::path::PathBuf;

use super::brought::{Brought, build, content, error, names};
use super::surroundings::Surroundings;

#[test]
fn a_folder_in_which_make_ran_is_built_from_its_sources() {
    let brought = Brought::new("touched-by-make");
    for (name, text) in [
        ("modules.order", "plain.o\n"),
        ("plain.o", "no object"),
        ("plain.mod.c", "no source"),
        (".plain.o.cmd", "savedcmd_plain.o := true\n"),
    ] {
        fs::write(brought.folder.join(name), text).expect("a left-over");
    }
    let (output, modules) = build(&[&brought.folder]);
    assert_eq!(names(&modules), ["plain.ko"], "{}", error(&output));
    assert!(output.status.success() && modules[0].is_file());
}

#[test]
fn pwd_is_the_folder_and_headers_above_it_are_found() {
    for (name, module) in [("include-by-pwd", "inc.ko"), ("include-above/module", "up.ko")] {
        let top = Brought::new(name.split('/').next().unwrap_or(name));
        let folder = match name.split_once('/') {
            Some((_, below)) => top.folder.join(below),
            None => top.folder.clone(),
        };
        let (output, modules) = build(&[&folder]);
        assert_eq!(names(&modules), [module], "{}", error(&output));
    }
}

#[test]
fn names_with_blanks_and_colons_and_links_build() {
    let brought = Brought::below("touched-by-make", "a name: with \"all\" that $is odd");
    let real = brought.folder.with_file_name("real.c");
    fs::rename(brought.folder.join("plain.c"), &real).expect("moved");
    std::os::unix::fs::symlink(&real, brought.folder.join("plain.c")).expect("a link");
    let (output, modules) = build(&[&brought.folder]);
    assert_eq!(names(&modules), ["plain.ko"], "{}", error(&output));
}

#[test]
fn a_module_of_another_folder_lands_in_this_builds_own_output() {
    let brought = Brought::new("two-that-belong-together");
    let folder = brought.folder.join("taker");
    fs::write(folder.join("Kbuild"), "obj-m += taker.o ../giver/giver.o\n").expect("a Kbuild");
    let (output, modules) = build(&[&folder]);
    assert_eq!(names(&modules), ["giver.ko", "taker.ko"], "{}", error(&output));
    assert!(content(&brought.folder).keys().all(|path| path.extension().is_none_or(|e| e != "ko")));
}

#[test]
fn one_module_that_fails_takes_no_other_with_it_and_its_option_is_named() {
    let brought = Brought::new("one-of-three-fails");
    let (output, modules) = build(&[&brought.folder]);
    assert_eq!(names(&modules), ["first.ko", "second.ko"], "{}", error(&output));
    assert_eq!(output.status.code(), Some(1));
    let said = error(&output);
    assert!(said.contains("wants_gpio was not built"), "{said}");
    assert!(said.contains("ringside kernel set CONFIG_GPIOLIB=y"), "{said}");
    // A source that does not compile, beside one whose symbol is missing.
    fs::write(brought.folder.join("second.c"), "int x = ;\n").expect("a mistake");
    let (output, modules) = build(&[&brought.folder]);
    assert_eq!(names(&modules), ["first.ko"], "{}", error(&output));
    let said = error(&output);
    assert!(said.contains("second was not built") && said.contains("second.c:1"), "{said}");
}

#[test]
fn folders_that_are_built_together_see_each_others_symbols() {
    let brought = Brought::new("two-that-belong-together");
    let [giver, taker] = ["giver", "taker"].map(|name| brought.folder.join(name));
    // A symbol that no other test exports.
    let symbol = format!("giver_number_{}", std::process::id());
    for file in [giver.join("giver.c"), taker.join("taker.c")] {
        let text = fs::read_to_string(&file).expect("our source");
        fs::write(file, text.replace("giver_number", &symbol)).expect("our source");
    }
    // Asked again, it is as undefined as before.
    drop(build(&[&taker]));
    let (output, modules) = build(&[&taker]);
    let said = error(&output);
    assert_eq!((output.status.code(), modules.len()), (Some(1), 0), "{said}");
    assert!(said.contains(&symbol) && said.contains("build both at once"), "{said}");
    let (output, modules) = build(&[&taker, &giver]);
    assert_eq!(names(&modules), ["taker.ko", "giver.ko"], "{}", error(&output));
    // Once the other is built, its symbols are found, and it is said whose they are.
    fs::write(taker.join("more.h"), "").expect("a change");
    let (output, modules) = build(&[&taker]);
    let said = error(&output);
    assert_eq!(names(&modules), ["taker.ko"], "{said}");
    assert!(said.contains(&format!("{symbol} comes from the module giver")), "{said}");
}

#[test]
fn the_compiler_is_the_kernels_whatever_the_makefile_says() {
    let brought = Brought::new("compiler-of-its-own");
    let (output, modules) = build(&[&brought.folder]);
    assert_eq!(names(&modules), ["gccs.ko"], "{}", error(&output));
    if std::env::var("RINGSIDE_KERNEL").is_ok_and(|name| name == "debug") {
        assert!(error(&output).contains("-fvar-tracking-assignments was dropped"));
    }
}

#[test]
fn names_of_long_ago_are_explained_beside_the_compilers_errors() {
    let brought = Brought::new("names-of-long-ago");
    let (output, modules) = build(&[&brought.folder]);
    let said = error(&output);
    assert_eq!((output.status.code(), modules.len()), (Some(1), 0), "{said}");
    for words in [
        "hint: from_timer is gone since Linux 6.16: use timer_container_of",
        "hint: no_llseek is gone since Linux 6.12",
        "hint: hrtimer_init is gone since Linux 6.15: use hrtimer_setup",
        "hint: del_timer_sync is gone since Linux 6.15: use timer_delete_sync",
        "EXTRA_CFLAGS in Makefile has no effect since Linux 6.15: write ccflags-y",
        "ancient was not built: ancient.c:",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    // Of every error the source is shown, whatever its line's number is.
    let text = fs::read_to_string(brought.folder.join("ancient.c")).expect("our source");
    let far = format!("{}{text}", "\n".repeat(200));
    fs::write(brought.folder.join("ancient.c"), far).expect("a change");
    let (output, _) = build(&[&brought.folder]);
    let said = error(&output);
    assert!(said.contains("hrtimer_init(&tick, CLOCK_MONOTONIC"), "{said}");
    assert!(said.contains("ancient was not built: ancient.c:2"), "{said}");
}

#[test]
fn what_is_no_folder_of_modules_is_refused_with_the_reason() {
    let brought = Brought::new("touched-by-make");
    let refused = |makefile: &str| {
        fs::write(brought.folder.join("Makefile"), makefile).expect("a Makefile");
        let (output, modules) = build(&[&brought.folder]);
        assert!(modules.is_empty() && !output.status.success());
        error(&output)
    };
    let said = refused("all:\n\techo hello\n");
    assert!(said.contains("names no module"), "{said}");
    let said = refused("obj-m += plain.o sub/\nplain-y := a.o\n$(error broken on purpose)\n");
    assert!(said.contains("broken on purpose"), "{said}");
    fs::create_dir(brought.folder.join("sub")).expect("a folder");
    fs::write(brought.folder.join("sub/Makefile"), "obj-m += plain.o\n").expect("a Makefile");
    let said = refused("obj-m += plain.o sub/\n");
    assert!(said.contains("have the name plain"), "{said}");
}

#[test]
fn a_makefile_that_prints_without_end_is_ended_and_nothing_is_built() {
    let brought = Brought::new("touched-by-make");
    for endless in [
        "obj-m += plain.o\nx := $(shell yes >&2)\n",
        "obj-m += plain.o\nx := $(shell yes | tr -d '\\n' >&2)\n",
        "obj-m += plain.o\n$(obj)/plain.o: never\nnever:\n\tyes\n.PHONY: never\n",
    ] {
        fs::write(brought.folder.join("Makefile"), endless).expect("a Makefile");
        let (output, modules) = build(&[&brought.folder]);
        let said = error(&output);
        assert_eq!((output.status.code(), modules.len()), (Some(1), 0), "{said}");
        // make keeps what a recipe prints in a file until the recipe ends.
        let reasons = ["printed more than 8 MiB", "wrote a file of more than 128 MiB"];
        assert!(reasons.iter().any(|reason| said.contains(reason)), "{said}");
        assert!(said.contains(", so it was ended"), "{said}");
    }
    // What a Makefile says of itself names no module, and is no matter.
    let text = "obj-m += plain.o\n$(info module loaded from here)\n";
    fs::write(brought.folder.join("Makefile"), text).expect("a Makefile");
    let (output, modules) = build(&[&brought.folder]);
    assert_eq!(names(&modules), ["plain.ko"], "{}", error(&output));
}

#[test]
fn nothing_changed_means_that_make_is_not_run() {
    let brought = Brought::new("include-by-pwd");
    let (_, first) = build(&[&brought.folder]);
    // Whoever asks make would have to find it.
    let surroundings = Surroundings::new();
    let mut command = surroundings.command(&["build"]);
    let output = command.arg(&brought.folder).env("PATH", "/nowhere").output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text.lines().map(PathBuf::from).collect::<Vec<_>>(), first, "{}", error(&output));
    // A header that the compiler read is enough of a change.
    fs::write(brought.folder.join("include/words.h"), "#define WORDS \"other\"\n")
        .expect("a change");
    let (_, modules) = build(&[&brought.folder]);
    let bytes = fs::read(&modules[0]).expect("the module");
    assert!(bytes.windows(5).any(|window| window == b"other"));
}

#[test]
fn editors_get_the_flags_of_each_source_when_asked_for() {
    let brought = Brought::new("include-by-pwd");
    let surroundings = Surroundings::new();
    let mut command = surroundings.command(&["build", "--editor"]);
    let output = command.arg(&brought.folder).output().expect("ringside runs");
    assert!(output.status.success(), "{}", error(&output));
    let text = fs::read_to_string(brought.folder.join("compile_commands.json")).expect("a file");
    let commands: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let source = brought.folder.canonicalize().expect("a folder").join("inc.c");
    assert_eq!(commands[0]["file"], source.to_string_lossy().as_ref());
    // The compiler takes them as they stand, from where they say.
    let line = commands[0]["command"].as_str().expect("a command");
    let words = shlex::split(line).expect("words");
    let (program, flags) = words.split_first().expect("a compiler");
    let mut checked = std::process::Command::new(program);
    checked.args(flags.iter().filter(|flag| !flag.starts_with("-Wp,-MMD"))).arg("-fsyntax-only");
    let checked = checked.current_dir(&brought.folder).output().expect("the compiler runs");
    assert!(checked.status.success(), "{}", error(&checked));
}

/// A folder that makes a module of each of these sources.
fn of_sources(sources: &[(&str, &str)]) -> Brought {
    let brought = Brought::new("dash-in-name");
    let mut kbuild = String::new();
    for (name, text) in sources {
        kbuild.push_str(&format!("obj-m += {name}.o\n"));
        let text = format!("#include <linux/module.h>\n{text}\n");
        fs::write(brought.folder.join(format!("{name}.c")), text).expect("a source");
    }
    fs::write(brought.folder.join("Kbuild"), kbuild).expect("a Kbuild");
    brought
}

#[test]
fn a_module_without_a_source_takes_no_other_with_it() {
    let brought = Brought::new("dash-in-name");
    fs::write(brought.folder.join("Kbuild"), "obj-m += missing.o with-dash.o\n").expect("a Kbuild");
    let (output, modules) = build(&[&brought.folder]);
    let said = error(&output);
    assert_eq!((output.status.code(), names(&modules)), (Some(1), vec!["with-dash.ko".into()]));
    assert!(said.contains("missing was not built: it has no source: neither missing.c"), "{said}");
}

#[test]
fn folders_below_that_make_modules_are_named_where_the_one_above_makes_none() {
    let brought = Brought::new("two-that-belong-together");
    let giver = brought.folder.join("giver").display().to_string();
    for makefile in [None, Some("all:\n\tfor d in giver taker; do make -C $$d; done\n")] {
        if let Some(text) = makefile {
            fs::write(brought.folder.join("Makefile"), text).expect("a Makefile");
        }
        let (output, modules) = build(&[&brought.folder]);
        let said = error(&output);
        assert!(modules.is_empty() && !output.status.success());
        assert!(said.contains(&format!("folders below it do: ringside build {giver}")), "{said}");
    }
    fs::rename(brought.folder.join("Makefile"), brought.folder.join("makefile")).expect("renamed");
    let said = error(&build(&[&brought.folder]).0);
    assert!(said.contains("Kbuild does not read its makefile"), "{said}");
}

#[test]
fn what_a_source_lacks_is_said_with_the_remedy() {
    const END: &str = "MODULE_LICENSE(\"GPL\");";
    let brought = of_sources(&[
        ("header", &format!("int x(void *p) {{ return virt_to_phys(p) != 0; }} {END}")),
        ("mode", &format!("static int m; module_param(m, int, 0666); {END}")),
        ("license", "int init_module(void) { return 0; }"),
        (
            "arguments",
            &format!(
                "#include <linux/device.h>\nvoid *x(void) {{ return class_create(THIS_MODULE, \
                 \"a\"); }} {END}"
            ),
        ),
        ("string", &format!("void x(char *a) {{ strncpy(a, \"b\", 2); }} {END}")),
    ]);
    let (output, modules) = build(&[&brought.folder]);
    let said = error(&output);
    assert_eq!((output.status.code(), modules.len()), (Some(1), 0), "{said}");
    for words in [
        "hint: virt_to_phys is declared in linux/io.h: #include <linux/io.h>",
        "0664 or 0644 in place of 0666",
        "license was not built: missing MODULE_LICENSE(); with MODULE_LICENSE(\"GPL\");",
        "class_create changed in Linux 6.4: use class_create(name)",
        "hint: strncpy is gone since Linux 7.2: use strscpy(to, from, size)",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    // The reason stands in the folder's own source, and not in a header of the kernel's.
    let reason = said.lines().find(|line| line.starts_with("arguments was not built"));
    assert!(reason.is_some_and(|line| line.contains("built: arguments.c:")), "{said}");
}

#[test]
fn what_a_source_of_elsewhere_wants_is_found_in_the_kernel_or_said_to_be_missing() {
    let brought = of_sources(&[
        ("operations", "static struct file_operations it = { .read = 0 };"),
        ("probe", "#include <linux/kprobe.h>"),
        ("program", "#include <stdio.h>"),
        ("taken", "#include <linux/fs.h>\nstatic int simple_open(void) { return 0; }"),
        ("giver", "int given(void) { return x; }\nEXPORT_SYMBOL(given);"),
        (
            "taker",
            "int given(void);\nint init_module(void) { return given(); }\nMODULE_LICENSE(\"GPL\");",
        ),
    ]);
    let crate_of_before = "use kernel::prelude::*;\nuse kernel::chrdev;\n";
    fs::write(brought.folder.join("old.rs"), crate_of_before).expect("a source");
    let mut kbuild = fs::read_to_string(brought.folder.join("Kbuild")).expect("a Kbuild");
    // As tutorials have it whose readers are to name their kernel.
    kbuild.push_str("ifndef KERNEL_DIR\n$(error KERNEL_DIR must be set)\nendif\nobj-m += old.o\n");
    fs::write(brought.folder.join("Kbuild"), kbuild).expect("a Kbuild");
    let (output, modules) = build(&[&brought.folder]);
    let said = error(&output);
    assert_eq!((output.status.code(), modules.len()), (Some(1), 0), "{said}");
    for words in [
        "hint: struct file_operations is defined in linux/fs.h: #include <linux/fs.h>",
        "hint: Linux has no linux/kprobe.h, but a linux/kprobes.h",
        "hint: stdio.h is for programs",
        "hint: Linux has a simple_open of its own, in linux/fs.h: give yours another name",
        "nothing exports given: giver.c does, and its module giver was not built",
        "hint: kernel::chrdev was never part of Linux: use kernel::miscdevice",
    ] {
        assert!(said.contains(words), "{words}\n{said}");
    }
    // The last lines name each module with its reason, its place and what helps.
    let lines: Vec<_> = said.lines().skip_while(|line| !line.contains("was not built")).collect();
    let old = lines.iter().position(|line| line.starts_with("old was not built: old.rs:2:"));
    let old = old.unwrap_or_else(|| panic!("{said}"));
    assert!(lines[old + 1].starts_with("  hint: kernel::chrdev"), "{said}");
}

#[test]
fn lines_that_end_as_on_windows_build() {
    let brought = Brought::new("char-device-of-a-course");
    for name in ["Makefile", "chardrv.c"] {
        let file = brought.folder.join(name);
        let text = fs::read_to_string(&file).expect("our file").replace('\n', "\r\n");
        fs::write(file, text).expect("our file");
    }
    // make itself takes no conditional with such an end: a plain line it does.
    fs::write(brought.folder.join("Makefile"), "obj-m += chardrv.o\r\n").expect("a Makefile");
    let (output, modules) = build(&[&brought.folder]);
    assert_eq!(names(&modules), ["chardrv.ko"], "{}", error(&output));
}
