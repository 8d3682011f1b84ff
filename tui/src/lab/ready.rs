// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything that a lab needs before it can start, in one call.

use super::build_error::BuildResult;
use super::flavour::Flavour;
use super::linux::{self, Kernel};
use super::program::find;
use super::progress::Progress;
use super::setup::{self, Consent, Needs};

/// The kernel of this flavour, and everything that boots it: programs are
/// installed (once `consent` is had) and the kernel is built as far as they are
/// missing. When nothing is, this looks at a few files and no more.
///
/// # Errors
/// As [`setup::ensure`] and [`linux::ensure`].
pub fn ready(
    flavour: Flavour,
    consent: Consent<'_>,
    progress: &mut dyn Progress,
) -> BuildResult<Kernel> {
    match equipped(flavour, consent, progress)? {
        Some(kernel) => Ok(kernel),
        None => linux::ensure(flavour, progress),
    }
}

/// The kernel of this flavour where it is there already. Where it is not, `None`: then
/// everything is that builds it.
///
/// # Errors
/// As [`setup::ensure`].
pub fn equipped(
    flavour: Flavour,
    consent: Consent<'_>,
    progress: &mut dyn Progress,
) -> BuildResult<Option<Kernel>> {
    setup::refuse_other_machines()?;
    let kernel = linux::built(flavour);
    let qemu = find("qemu-system-x86_64").is_some();
    if kernel.is_some() && qemu {
        return Ok(kernel);
    }
    let build = kernel.is_none().then_some(flavour);
    let needs = Needs { vm: true, build, sources: build.is_some(), gdb: false };
    setup::ensure(needs, consent, progress)?;
    Ok(kernel)
}
