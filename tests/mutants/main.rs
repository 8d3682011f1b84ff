// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether the tests see what they are there to see. Each file in `patches/` puts
//! one small fault into the modules, the protocol or the lab, and names the tests
//! that catch it:
//!
//! ```text
//! RINGSIDE_MUTANTS=all cargo test --test mutants
//! RINGSIDE_MUTANTS=kmod-,wire- cargo test --test mutants
//! ```
//!
//! `RINGSIDE_MUTANTS` says which, by parts of their names. Each is built in a copy
//! of this tree, one after the other; a mutant that passes its tests is a survivor,
//! and fails. Without the variable it is only checked that every patch still fits
//! the code and names tests that exist.

#![allow(
    clippy::expect_used,
    unreachable_pub,
    reason = "a test says what it expected, and exports nothing"
)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use libtest_mimic::{Arguments, Failed, Trial};

mod copy;
mod mutant;
#[path = "../figures/record.rs"]
#[allow(dead_code, unreachable_pub, reason = "a part of what is shared is used")]
mod record;

use copy::Copy;
use mutant::Mutant;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They share one copy of the tree.
    arguments.test_threads = Some(1);
    let mutants = mutant::all();
    let wanted = std::env::var("RINGSIDE_MUTANTS").unwrap_or_default();
    let chosen = |mutant: &Mutant| {
        wanted
            .split(',')
            .any(|part| part == "all" || !part.is_empty() && mutant.name.contains(part))
    };
    let mut trials = vec![
        Trial::test("there_are_forty_mutants_or_more", {
            let count = mutants.len();
            move || (count >= 40).then_some(()).ok_or_else(|| format!("there are {count}").into())
        }),
        Trial::test("every_mutant_fits_the_code_and_names_tests_that_exist", {
            let mutants = mutants.clone();
            move || mutants.iter().try_for_each(fits)
        }),
    ];
    for mutant in mutants {
        let name = format!("caught::{}", mutant.name);
        let ignored = !chosen(&mutant);
        trials.push(
            Trial::test(name, move || {
                is_caught(&mutant)?;
                record::record(&format!("mutants.{}", mutant.name), 1, "", "--test mutants");
                Ok(())
            })
            .with_kind(if ignored { "only with RINGSIDE_MUTANTS" } else { "" })
            .with_ignored_flag(ignored),
        );
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is a folder in it").into()
}

fn fits(mutant: &Mutant) -> Result<(), Failed> {
    let output = git(&repository(), ["apply", "-C1", "--check"], &mutant.patch);
    if !output.status.success() {
        return Err(failed(mutant, "does not fit the code", &output));
    }
    mutant.tests.iter().try_for_each(|test| match mutant.suite.has(test) {
        true => Ok(()),
        false => Err(format!("{}: there is no test {test}", mutant.name).into()),
    })
}

fn is_caught(mutant: &Mutant) -> Result<(), Failed> {
    let copy = Copy::of(&repository())?;
    let applied = git(copy.path(), ["apply", "-C1"], &mutant.patch);
    if !applied.status.success() {
        return Err(failed(mutant, "does not fit the code", &applied));
    }
    let built = copy.cargo(mutant, &["--no-run"]);
    if !built.status.success() {
        return Err(failed(mutant, "does not build, so nothing is known of it", &built));
    }
    let tested = copy.cargo(mutant, &[]);
    let said = String::from_utf8_lossy(&tested.stdout);
    if tested.status.success() {
        return Err(failed(mutant, "survives", &tested));
    }
    if !said.contains("test result: FAILED") {
        return Err(failed(mutant, "ends its tests without a result", &tested));
    }
    Ok(())
}

/// The files that belong to the tree: those that git knows, and new ones.
fn git_files(tree: &Path) -> Result<Vec<PathBuf>, Failed> {
    let output = Command::new("git")
        .arg("-C")
        .arg(tree)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()?;
    let names = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| OsStr::from_bytes(name).into()).collect())
}

/// The copy lies in a folder that git ignores; in there, it is no part of this tree.
fn git<const N: usize>(folder: &Path, arguments: [&str; N], patch: &Path) -> Output {
    Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .arg(patch)
        .env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap_or(folder))
        .output()
        .expect("git can be started")
}

fn failed(mutant: &Mutant, what: &str, output: &Output) -> Failed {
    let Mutant { name, fault, suite, tests, .. } = mutant;
    format!(
        "{name} {what}: {fault}\ntests: {} {}\n{}{}",
        suite.name(),
        tests.join(", "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
    .into()
}

/// Is this the extension of the path?
fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension() == Some(OsStr::new(extension))
}
