// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the lab needs of this machine, what of it is missing, and installing it.

pub(crate) mod apt_sources;
pub mod check;
mod install;
mod needs;
pub(crate) mod packages;
pub mod system;
pub mod tools;
pub mod version;

use std::sync::atomic::AtomicBool;

use self::check::Report;
pub use self::install::Plan;
pub use self::needs::Needs;
use self::packages::Thing;
use super::build_error::{BuildError, BuildResult};
use super::linux;
use super::progress::{Event, Progress, Stop};

/// Who says whether something may be installed.
pub enum Consent<'a> {
    /// Yes to everything: `--yes`, `RINGSIDE_YES=1`.
    Given,
    /// Nobody can be asked: print the commands and fail.
    NobodyToAsk,
    /// Shows the plan and asks once.
    Ask(&'a mut dyn FnMut(&Plan) -> bool),
}

/// Refuses a machine that is not x86-64 Linux.
///
/// # Errors
/// It is not.
pub fn refuse_other_machines() -> BuildResult<()> {
    match system::machine() {
        name if name == "x86_64 Linux" => Ok(()),
        name => Err(BuildError::Machine(name)),
    }
}

/// Makes sure that everything in `needs` is there, and installs what is not.
///
/// # Errors
/// Something is missing and may not or can't be installed.
pub fn ensure(needs: Needs, consent: Consent<'_>, progress: &mut dyn Progress) -> BuildResult<()> {
    refuse_other_machines()?;
    progress.step("Look for what the lab needs");
    let report = check::report(needs);
    room(&report, needs, progress)?;
    let missing: Vec<Thing> = report.missing().filter_map(|check| check.thing).collect();
    let plan = install::plan(&missing, &report)?;
    if !plan.commands.is_empty() {
        if progress.stop() > Stop::No {
            return Err(BuildError::Stopped("nothing was installed".into()));
        }
        // The screen is the question's now.
        progress.report(Event::Done);
        match agree(&plan, consent) {
            Err(_) if progress.stop() > Stop::No => {
                return Err(BuildError::Stopped("nothing was installed".into()));
            }
            other => other?,
        }
        let fetch = |stop: &AtomicBool| linux::fetch_sources(stop);
        install::run(&plan, needs.sources.then_some(&fetch as _), progress)?;
        still_missing(&check::report(needs))?;
    }
    progress.report(Event::Done);
    Ok(())
}

/// Disk and memory, which can't be installed.
fn room(report: &Report, needs: Needs, progress: &mut dyn Progress) -> BuildResult<()> {
    for check in report.missing() {
        match check.thing {
            Some(Thing::Disk) => {
                let root = super::cache::root()?;
                let needed = needs.build.map_or(0, |flavour| linux::room_needed(&root, flavour));
                super::cache::room(&root, needed)?;
            }
            Some(Thing::Memory) => {
                progress.note(format!("there is little memory: {}", check.found))
            }
            _ => {}
        }
    }
    Ok(())
}

fn agree(plan: &Plan, consent: Consent<'_>) -> BuildResult<()> {
    match consent {
        Consent::Given => Ok(()),
        Consent::NobodyToAsk => Err(BuildError::NobodyToAsk { commands: plan.lines() }),
        Consent::Ask(ask) => match ask(plan) {
            true => Ok(()),
            false => Err(BuildError::Refused { commands: plan.lines() }),
        },
    }
}

/// Fails if something that could be installed is missing all the same.
fn still_missing(report: &Report) -> BuildResult<()> {
    let missing: Vec<String> = report
        .missing()
        .filter(|check| check.thing != Some(Thing::Memory))
        .map(|check| format!("{} ({})", check.name, check.found))
        .collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(BuildError::Missing(missing)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            reasons: vec!["flex makes parsers".into()],
            commands: vec![vec!["apt-get".into(), "install".into(), "flex".into()]],
        }
    }

    #[test]
    fn without_anybody_to_ask_the_commands_are_printed() {
        let error = agree(&plan(), Consent::NobodyToAsk).unwrap_err();
        let remedy = error.remedy().unwrap();
        assert!(remedy.contains("apt-get install flex") && remedy.contains("--yes"), "{remedy}");
    }

    #[test]
    fn a_no_installs_nothing_and_tells_how() {
        let error = agree(&plan(), Consent::Ask(&mut |_| false)).unwrap_err();
        assert!(error.to_string().contains("you said no"));
        assert!(error.remedy().unwrap().contains("apt-get install flex"));
        agree(&plan(), Consent::Ask(&mut |plan| plan.reasons.len() == 1)).unwrap();
    }
}
