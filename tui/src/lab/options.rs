// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a lab is to be: what a command line says, and what a lab process is
//! given.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::flavour::Flavour;
use super::linux::Kernel;
use super::paths::exact;
use super::runtime;
use super::vm::accel::Accelerator;
use super::vm::error::VmResult;
use super::vm::share::{HostFiles, Wanted};
use super::vm::start::Plan;
use super::vm::stick::Stick;
use crate::kernel::api::{KernelView, StickFate};

/// Processors of a guest of which nothing else is said.
const PROCESSORS: u32 = 2;
/// The most that our kernels are built for (`CONFIG_NR_CPUS` in
/// `assets/kernel/base.config`).
pub const PROCESSORS_MAX: u32 = 8;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootKernel {
    /// How it was configured; decides memory and command line.
    pub flavour: Flavour,
    /// Its release, as built.
    pub release: String,
    /// The bzImage.
    #[serde(with = "exact")]
    pub image: PathBuf,
    /// Where it was built, if that is known.
    #[serde(default)]
    pub built: Option<KernelView>,
}

impl From<&Kernel> for BootKernel {
    fn from(kernel: &Kernel) -> Self {
        Self {
            flavour: kernel.flavour,
            release: kernel.release.clone(),
            image: kernel.image.clone(),
            built: Some(KernelView {
                release: kernel.release.clone(),
                build: kernel.build_dir.as_os_str().as_bytes().to_vec(),
                source: kernel.source_dir.as_os_str().as_bytes().to_vec(),
                make_arguments: kernel.make_arguments.clone(),
            }),
        }
    }
}

/// How many marks a lab keeps. Numbered ones give way to newer ones; those with a name
/// count for the room only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarksKept {
    /// Numbered ones.
    pub numbered: usize,
    /// What all of them may take on the disk, in bytes.
    pub bytes: u64,
}

impl Default for MarksKept {
    fn default() -> Self {
        Self { numbered: 8, bytes: 4 << 30 }
    }
}

/// A lab, as asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabOptions {
    pub kernel: BootKernel,
    /// The folder for initramfs, saved machines and the empty stick.
    #[serde(with = "exact")]
    pub cache: PathBuf,
    /// The working directory, in which the guest sees what the host changes.
    #[serde(with = "exact")]
    pub work: PathBuf,
    /// Folders that the guest may write to.
    #[serde(with = "exact")]
    pub writable: Vec<PathBuf>,
    /// How much of the host's files the guest sees.
    #[serde(default)]
    pub host_files: HostFiles,
    /// Mark the guest before what may be its end, and while its counters move.
    pub auto_marks: bool,
    /// How many marks are kept.
    #[serde(default)]
    pub marks: MarksKept,
    /// Keep the marks when the lab ends, and take those up that one like it has kept.
    #[serde(default)]
    pub keep_marks: bool,
    /// Boot from nothing and save nothing.
    pub cold: bool,
    /// The accelerator; `None`: the best that works.
    pub accelerator: Option<Accelerator>,
    /// Memory in MiB; `None`: what the kernel's flavour needs.
    pub memory_mib: Option<u32>,
    /// Processors of the guest, from 1 to [`PROCESSORS_MAX`].
    #[serde(default = "processors")]
    pub processors: u32,
    /// More for the kernel's command line; the last word on a setting wins.
    pub append: String,
    /// The file or block device behind the USB stick; `None`: an empty one.
    #[serde(with = "exact")]
    pub disk: Option<PathBuf>,
    /// What becomes of what was written on top of that file, by an earlier lab or this
    /// one; `None`: it stays beside the file.
    #[serde(default)]
    pub disk_fate: Option<StickFate>,
}

fn processors() -> u32 {
    PROCESSORS
}

impl LabOptions {
    /// The plainest lab with `kernel` that works in `work` and keeps what it
    /// makes in `cache`.
    pub fn new(kernel: BootKernel, work: PathBuf, cache: PathBuf) -> Self {
        Self {
            kernel,
            cache,
            work,
            writable: Vec::new(),
            host_files: HostFiles::All,
            auto_marks: true,
            marks: MarksKept::default(),
            keep_marks: false,
            cold: false,
            accelerator: None,
            memory_mib: None,
            processors: PROCESSORS,
            append: String::new(),
            disk: None,
            disk_fate: None,
        }
    }

    /// Memory of the guest in MiB.
    pub fn memory(&self) -> u32 {
        self.memory_mib.unwrap_or_else(|| self.kernel.flavour.memory_mib())
    }

    /// The USB stick that this lab is to have.
    ///
    /// # Errors
    /// The file is missing, in use or no disk; or there is no room for an empty one.
    pub fn stick(&self) -> VmResult<Stick> {
        match &self.disk {
            Some(path) => Stick::open(path, self.disk_fate),
            None => Stick::empty(&self.cache),
        }
    }

    /// The guest that this lab runs, with `stick` plugged in. Its init is the program that runs now,
    /// even where its file has been replaced since.
    pub fn plan(&self, stick: Option<Arc<Stick>>) -> Plan {
        Plan {
            kernel: self.kernel.image.clone(),
            kernel_arguments: self.kernel.flavour.kernel_arguments(&self.append),
            accelerator: self.accelerator,
            cold: self.cold,
            mark: None,
            memory_mib: self.memory(),
            processors: self.processors,
            wanted: Wanted {
                files: self.host_files,
                work: self.work.clone(),
                writable: self.writable.clone(),
                kernel: self.kernel.built.clone(),
                // Without one there are no sockets to hide.
                hidden: runtime::folder().into_iter().collect(),
            },
            stick,
            program: PathBuf::from("/proc/self/exe"),
            cache: self.cache.clone(),
        }
    }
}
