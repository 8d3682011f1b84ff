// SPDX-License-Identifier: MIT OR Apache-2.0
//! Putting there what is missing: the distribution's packages by its own
//! program, and bindgen by cargo where no package has one that fits.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::unistd::Uid;

use super::super::build_error::{BuildError, BuildResult};
use super::super::program::{self, Program};
use super::super::progress::{Progress, Stop};
use super::check::Report;
use super::packages::{self, Thing};
use super::system::{Family, System};

/// What setup wants to do, to be shown before it asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What is missing and what it is needed for, one sentence each.
    pub reasons: Vec<String>,
    /// The commands that will run, in order.
    pub commands: Vec<Vec<String>>,
}

impl Plan {
    /// The commands as a person would type them.
    pub fn lines(&self) -> Vec<String> {
        self.commands
            .iter()
            .map(|words| {
                shlex::try_join(words.iter().map(String::as_str))
                    .unwrap_or_else(|_| words.join(" "))
            })
            .collect()
    }
}

/// How commands become root's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    /// They are.
    Already,
    /// By sudo.
    Sudo,
    /// Not at all.
    No,
}

fn root() -> Root {
    if Uid::effective().is_root() {
        Root::Already
    } else if program::find("sudo").is_some() {
        Root::Sudo
    } else {
        Root::No
    }
}

/// What would put the missing things there.
///
/// # Errors
/// Packages are needed, and this system's are not known, or only root may
/// install them and nobody here is.
pub(super) fn plan(missing: &[Thing], report: &Report) -> BuildResult<Plan> {
    let system = System::here();
    let mut plan = Plan {
        reasons: report
            .missing()
            .filter(|check| check.thing.is_some_and(|thing| missing.contains(&thing)))
            .map(|check| format!("{} {}: {}", check.name, check.purpose, check.found))
            .collect(),
        commands: Vec::new(),
    };
    let root = root();
    plan.commands = commands(missing, &system, root);
    let lines = plan.lines();
    let needs_packages = plan.commands.iter().any(|words| !by_cargo(words));
    match (needs_packages, system.family.installs(), root) {
        (false, ..) | (true, true, Root::Already | Root::Sudo) => Ok(plan),
        (true, true, Root::No) => Err(BuildError::NotRoot { commands: lines }),
        (true, false, _) => Err(BuildError::UnknownSystem {
            system: system.name,
            missing: plan.reasons,
            commands: lines,
        }),
    }
}

fn by_cargo(words: &[String]) -> bool {
    words.first().is_some_and(|program| program == "cargo")
}

/// The commands, in order.
fn commands(missing: &[Thing], system: &System, root: Root) -> Vec<Vec<String>> {
    let mut names: Vec<&str> = missing
        .iter()
        .flat_map(|thing| packages::packages(*thing, system.family))
        .copied()
        .collect();
    names.sort_unstable();
    names.dedup();
    let as_root = |words: &[&str]| -> Vec<String> {
        let prefix: &[&str] = if root == Root::Already { &[] } else { &["sudo"] };
        prefix.iter().chain(words).map(|word| (*word).to_owned()).collect()
    };
    let mut commands = Vec::new();
    let apt = matches!(system.family, Family::Debian12 | Family::Debian13 | Family::Ubuntu);
    if let (false, Some(installer)) = (names.is_empty(), packages::installer(system.family)) {
        if apt {
            commands.push(as_root(&["apt-get", "update"]));
        }
        let mut words = as_root(installer);
        words.extend(names.iter().map(|name| (*name).to_owned()));
        commands.push(words);
    }
    for thing in missing {
        let no_package = packages::packages(*thing, system.family).is_empty();
        match thing {
            Thing::Bindgen if no_package => commands.push(packages::bindgen_command()),
            Thing::Rustc if no_package => {
                commands
                    .push(["rustup", "component", "add", "rust-src"].map(str::to_owned).to_vec());
            }
            Thing::Disk | Thing::Memory => {}
            // A system whose packages nobody knows: at least say what.
            other if no_package => commands.push(vec!["#".into(), format!("install {other:?}")]),
            _ => {}
        }
    }
    commands
}

/// How often it is asked whether to go on while only that other work is left.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Work that needs the network and the packages, but nothing that cargo installs: it is
/// done while cargo computes. It stops soon once the flag is set.
pub(super) type Beside<'a> = &'a (dyn Fn(&AtomicBool) + Sync);

/// Runs the commands of a plan, and `beside` while cargo's run.
///
/// # Errors
/// One fails, or the caller wants to stop.
pub(super) fn run(
    plan: &Plan,
    beside: Option<Beside<'_>>,
    progress: &mut dyn Progress,
) -> BuildResult<()> {
    let (cargo, packages): (Vec<_>, Vec<_>) = plan
        .commands
        .iter()
        .zip(plan.lines())
        .partition(|(words, _)| words.first().is_some_and(|program| program == "cargo"));
    run_all(&packages, progress)?;
    if cargo.is_empty() {
        return Ok(());
    }
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let other = beside.map(|work| scope.spawn(|| work(&stop)));
        let done = run_all(&cargo, progress);
        if done.is_err() {
            stop.store(true, Ordering::Relaxed);
        } else if let Some(other) = other.filter(|other| !other.is_finished()) {
            progress.step("Fetch and unpack the kernel's sources");
            while !other.is_finished() {
                progress.tick();
                if progress.stop() > Stop::No {
                    stop.store(true, Ordering::Relaxed);
                    return Err(BuildError::Stopped("fetching the kernel's sources".into()));
                }
                thread::sleep(LOOK_EVERY);
            }
        }
        done
    })
}

fn run_all(commands: &[(&Vec<String>, String)], progress: &mut dyn Progress) -> BuildResult<()> {
    for (words, line) in commands {
        progress.step(line.clone());
        let mut words = words.iter();
        let mut program = words.next().map_or("", String::as_str);
        let sudo = program == "sudo";
        let mut command = Command::new(program);
        if sudo {
            // A password can only be asked for on a terminal.
            if !std::io::IsTerminal::is_terminal(&std::io::stdin()) {
                command.arg("-n");
            }
            // sudo clears the environment, but lets it be set.
            command.args(SETTINGS.map(|(name, value)| format!("{name}={value}")));
            program = words.next().map_or("", String::as_str);
            command.arg(program);
        }
        command.args(words).envs(SETTINGS);
        if program == "apt-get" {
            // Another apt may be at work; it will end.
            command.args(["-o", "DPkg::Lock::Timeout=300"]);
        }
        if program == "cargo" {
            quiet_cargo(&mut command);
        }
        let mut running = Program::new(command, format!("`{line}`")).show_output();
        if sudo {
            running = running.with_terminal();
        }
        running.run(progress)?;
    }
    Ok(())
}

/// What keeps packages from asking.
const SETTINGS: [(&str, &str); 2] = [("DEBIAN_FRONTEND", "noninteractive"), ("LC_ALL", "C.UTF-8")];

/// Takes out of cargo's environment what belongs to the crate that is being
/// run or tested by it just now.
fn quiet_cargo(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let crates = [
            "CARGO_PKG",
            "CARGO_BIN",
            "CARGO_MANIFEST",
            "CARGO_TARGET",
            "CARGO_BUILD",
            "CARGO_ENCODED",
        ];
        if crates.iter().any(|stem| name.starts_with(stem))
            || name == "RUSTFLAGS"
            || name == "OUT_DIR"
        {
            command.env_remove(name.as_ref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(family: Family) -> System {
        System { name: "X".into(), family, codename: String::new() }
    }

    #[test]
    fn debian_12_gets_its_packages_first_and_then_bindgen() {
        let missing = [Thing::Bison, Thing::Flex, Thing::Rustc, Thing::Bindgen, Thing::Disk];
        let plan = Plan {
            reasons: Vec::new(),
            commands: commands(&missing, &system(Family::Debian12), Root::Sudo),
        };
        let lines = plan.lines();
        assert_eq!(lines[0], "sudo apt-get update");
        assert_eq!(
            lines[1],
            "sudo apt-get install -y --no-install-recommends bison flex rust-web-src rustc-web"
        );
        assert!(lines[2].starts_with("cargo install bindgen-cli"), "{}", lines[2]);
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn root_needs_no_sudo_and_one_package_is_named_once() {
        let missing = [Thing::Libclang, Thing::Clang];
        let arch = commands(&missing, &system(Family::Arch), Root::Already);
        assert_eq!(arch.len(), 1);
        assert_eq!(arch[0][..5], ["pacman", "-S", "--needed", "--noconfirm", "clang"]);
        assert_eq!(arch[0].iter().filter(|word| *word == "clang").count(), 1);
    }

    #[test]
    fn nothing_missing_runs_nothing() {
        assert!(commands(&[], &system(Family::Debian13), Root::Already).is_empty());
        assert!(commands(&[Thing::Memory], &system(Family::Debian13), Root::Already).is_empty());
    }
}
