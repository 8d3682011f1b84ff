// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a description of a guest to one whose agent answers: resumed from a
//! saved machine where there is one, else booted, and saved for the next time.
//!
//! A guest is saved before it has mounted anything and before it was told
//! anything of this run ([`crate::kernel::api::Wake`]), so that every later run can resume it.

mod abort;
mod attempt;
mod guest;
mod plan;

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

pub use self::abort::Abort;
use self::attempt::Attempt;
pub use self::guest::{Connect, Guest, Hooks, StartStep, reach_agent};
pub use self::plan::Plan;
use super::accel::{Accelerator, Verdicts};
use super::command::{QEMU, Wiring, arguments};
use super::confine::Cover;
use super::error::{VmError, VmResult};
use super::initramfs::{self, identity};
use super::line::shell_line;
use super::saved::{Key, States};
use super::share::{self, Shared};
use super::watchdog::Limits;

/// How long a boot may take.
const BOOT: Limits = Limits { quiet: Duration::from_secs(15), whole: Duration::from_secs(120) };

/// How long a first boot with KVM may take before emulation is used instead.
const TRIAL: Limits = Limits { quiet: Duration::from_secs(10), whole: Duration::from_secs(10) };

/// Starts the guest that `plan` describes.
///
/// # Errors
/// QEMU is missing or refuses, or the kernel does not boot: the error then
/// holds the last lines of its console.
pub fn start(plan: &Plan, hooks: &Hooks<'_>) -> VmResult<Guest> {
    let kernel = kernel_identity(plan)?;
    let qemu = qemu_identity()?;
    let initramfs = initramfs::ensure(&plan.cache.join("initramfs"), &plan.program)?;
    let verdicts = Verdicts::new(&plan.cache.join("verdicts"), &qemu, &kernel);
    let states = States::new(&plan.cache.join("states"));
    let nothing = share::nothing(&plan.cache)?;
    // Of what the host has mounted now.
    let shared = plan.wanted.share(&plan.cache, Cover::possible)?;
    let mut choice = verdicts.choose(plan.accelerator);
    loop {
        let spec = plan.spec(
            choice.accelerator,
            initramfs.path.clone(),
            nothing.clone(),
            shared.folders.clone(),
        );
        let key = Key::new(&qemu, &spec, &kernel, &initramfs.key);
        let attempt = Attempt {
            spec: &spec,
            plan,
            hooks,
            states: &states,
            key: &key,
            view: &shared.view,
            masks: &shared.masks,
        };
        if !choice.untried {
            return attempt.run(choice, BOOT);
        }
        match attempt.run(choice.clone(), TRIAL) {
            Ok(guest) => {
                verdicts.record(Ok(()));
                return Ok(guest);
            }
            // It says nothing of the accelerator.
            Err(VmError::Aborted) => return Err(VmError::Aborted),
            Err(error) => {
                choice = verdicts.record(Err(error.brief()));
                (hooks.steps)(StartStep::Detour(choice.reason.clone()));
            }
        }
    }
}

/// The command that boots the guest that `plan` describes by hand, for a shell.
/// KVM that has not been tried out yet is left alone.
///
/// # Errors
/// The kernel is not there, or the initramfs can't be made.
pub fn by_hand(plan: &Plan, wiring: &Wiring) -> VmResult<OsString> {
    let kernel = kernel_identity(plan)?;
    let qemu = qemu_identity()?;
    let initramfs = initramfs::ensure(&plan.cache.join("initramfs"), &plan.program)?;
    let verdicts = Verdicts::new(&plan.cache.join("verdicts"), &qemu, &kernel);
    let choice = verdicts.choose(plan.accelerator);
    let accelerator = if choice.untried { Accelerator::Tcg } else { choice.accelerator };
    let shared = by_hand_view(plan)?;
    let nothing = share::nothing(&plan.cache)?;
    let spec = plan.spec(accelerator, initramfs.path, nothing, shared.folders);
    Ok(shell_line(Path::new(QEMU), &arguments(&spec, wiring)))
}

/// What a guest that is booted by hand shares: there is nobody to hide anything
/// from its QEMU, so a folder that holds what must not be seen is left out.
///
/// # Errors
/// It can't be found out what the host has mounted.
pub fn by_hand_view(plan: &Plan) -> VmResult<Shared> {
    plan.wanted.share(&plan.cache, || None)
}

fn kernel_identity(plan: &Plan) -> VmResult<String> {
    identity(&plan.kernel)
        .map_err(VmError::io(format!("look at the kernel {}", plan.kernel.display())))
}

/// What identifies the installed QEMU.
fn qemu_identity() -> VmResult<String> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let program = std::env::split_paths(&folders)
        .map(|folder| folder.join(QEMU))
        .find(|path| path.is_file())
        .ok_or(VmError::NoQemu)?;
    identity(&program).map_err(VmError::io(format!("look at {}", program.display())))
}
