// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a guest is to be.

use std::path::PathBuf;
use std::sync::Arc;

use crate::lab::vm::accel::Accelerator;
use crate::lab::vm::command::{SharedFolder, Spec};
use crate::lab::vm::error::VmResult;
use crate::lab::vm::hotplug::Plugged;
use crate::lab::vm::mark::Mark;
use crate::lab::vm::share::Wanted;
use crate::lab::vm::stick::Stick;

/// What a guest is to be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The kernel's image: a bzImage or a vmlinux with a PVH entry.
    pub kernel: PathBuf,
    /// The command line of the kernel's flavour, beside what every kernel has.
    pub kernel_arguments: String,
    /// The accelerator asked for; `None`: the best that works.
    pub accelerator: Option<Accelerator>,
    /// Boot from nothing even where a saved machine could be resumed.
    pub cold: bool,
    /// Wind the guest back to this mark, and start it in no other way.
    pub mark: Option<Arc<Mark>>,
    /// Memory in MiB.
    pub memory_mib: u32,
    pub processors: u32,
    /// What the guest is to see of the host's files.
    pub wanted: Wanted,
    /// The USB stick; `None`: it is not plugged in.
    pub stick: Option<Arc<Stick>>,
    /// The program that becomes the guest's init and agent.
    pub program: PathBuf,
    /// Where initramfs, saved machines and verdicts are kept.
    pub cache: PathBuf,
}

impl Plan {
    /// The stick for a guest that is or will be saved: saved machines have an
    /// empty one, of which the guest's caches may hold a few sectors.
    pub(super) fn savable_stick(&self) -> VmResult<(Arc<Stick>, Plugged)> {
        match &self.stick {
            Some(stick) if stick.is_pristine() => Ok((Arc::clone(stick), Plugged::Right)),
            wanted => Ok((
                Arc::new(Stick::empty(&self.cache)?),
                Plugged::Substitute { wanted: wanted.clone() },
            )),
        }
    }

    pub(super) fn spec(
        &self,
        accelerator: Accelerator,
        initramfs: PathBuf,
        nothing: PathBuf,
        shares: Vec<SharedFolder>,
    ) -> Spec {
        Spec {
            accelerator,
            memory_mib: self.memory_mib,
            processors: self.processors,
            kernel: self.kernel.clone(),
            initramfs,
            kernel_arguments: self.kernel_arguments.clone(),
            shares,
            nothing,
        }
    }
}
