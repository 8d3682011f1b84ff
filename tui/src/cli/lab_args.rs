// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a lab is to be, as every command that starts one takes it: `up`,
//! `exec`, `shell` and the dashboard.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueHint};

use super::Failure;
use super::changes::FateArgs;
use super::consent::with_consent;
use super::kernel_choice::{chosen, flavours};
use super::meanwhile;
use super::progress::Show;
use super::settings::{OF_LABS, entries, entries_silently};
use crate::dashboard::core::config::Config;
use crate::lab::build_error::BuildResult;
use crate::lab::cache;
use crate::lab::error::LabError;
use crate::lab::flavour::Flavour;
use crate::lab::linux::Kernel;
use crate::lab::options::{BootKernel, LabOptions, MarksKept, PROCESSORS_MAX};
use crate::lab::progress::Event;
use crate::lab::ready::{equipped, ready};
use crate::lab::setup::Consent;
use crate::lab::vm::accel::Accelerator;
use crate::lab::vm::error::VmError;
use crate::lab::vm::share::HostFiles;
use crate::plain_file;

/// The least memory that a guest boots in, in MiB.
const MEMORY_MIN: u32 = 128;
/// More than this is a mistake, in MiB.
const MEMORY_MAX: u32 = 65_536;

/// How to start a lab
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "The lab")]
pub struct LabArgs {
    /// The kernel: `lab` is small and quick, `debug` finds mistakes (KASAN,
    /// lockdep, …) [default: RINGSIDE_KERNEL, else lab]
    #[arg(long, value_name = "lab|debug", value_parser = flavours(), hide_possible_values = true)]
    pub kernel: Option<Flavour>,

    /// Boot this kernel image (a bzImage) and build none
    /// [default: RINGSIDE_IMAGE]
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,

    /// Who runs the guest's instructions: the processor (kvm) or QEMU's
    /// emulation (tcg) [default: kvm where it works]
    #[arg(long, value_name = "kvm|tcg", value_parser = accelerators(), hide_possible_values = true)]
    pub accel: Option<Accelerator>,

    /// Boot the kernel instead of resuming the machine saved after the first boot
    #[arg(long)]
    pub cold: bool,

    /// Mark the guest only when told to, and not before each load, unload and
    /// crash and every 10 s while counters move (see `ringside rewind`)
    #[arg(long)]
    pub no_auto_marks: bool,

    /// Keep the marks when the lab ends: the next lab with this option and the same
    /// kernel, memory, processors and QEMU has them, and `ringside marks` lists them meanwhile
    #[arg(long)]
    pub keep_marks: bool,

    /// How many numbered marks are kept [default: as in config.toml, else 8]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub marks: Option<u32>,

    /// How much room all marks may take on the disk before numbered ones give way, in
    /// MiB [default: as in config.toml, else 4096]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..))]
    pub marks_mib: Option<u32>,

    /// Memory of the guest in MiB [default: 512, debug kernel 1024]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(i64::from(MEMORY_MIN)..=i64::from(MEMORY_MAX)))]
    pub memory: Option<u32>,

    /// Processors of the guest, at most 8 [default: 2]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=i64::from(PROCESSORS_MAX)))]
    pub processors: Option<u32>,

    /// Let the guest write to this folder of the host (may be given several
    /// times); changes to any other are gone with the guest. QEMU 7.2 makes no
    /// named pipe there, and truncates no file that was removed
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub rw: Vec<PathBuf>,

    /// How much of this machine's files the guest sees: all that you may read,
    /// the system's (/usr, /bin, /lib*, /etc without what only some may read)
    /// and the working directory, or none but the working directory
    /// [default: all]
    #[arg(long, value_name = "all|system|none", value_parser = host_files(), hide_possible_values = true)]
    pub host_files: Option<HostFiles>,

    /// Use this file or block device as the USB stick; without it the stick is
    /// empty and gone afterwards. From the first mark on, what is written to it is
    /// kept in FILE.changes and not in FILE; `ringside down` asks what becomes of it,
    /// and a lab with the same FILE goes on from there
    #[arg(long, value_name = "FILE")]
    pub disk: Option<PathBuf>,

    #[command(flatten)]
    pub fate: FateArgs,

    /// More for the kernel's command line, such as kmemleak=on
    /// [default: RINGSIDE_APPEND]
    #[arg(long, value_name = "ARGS")]
    pub append: Option<String>,
}

impl LabArgs {
    /// Is anything asked for that a lab which runs already can't take up?
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// The lab that these arguments describe, its kernel built first where it
    /// has to be.
    ///
    /// # Errors
    /// A file is missing, or the kernel can't be had.
    pub fn options(&self) -> Result<LabOptions, Failure> {
        self.options_with(entries, |flavour| {
            let mut show = Show::new();
            with_consent(false, |consent| ready(flavour, consent, &mut show))
        })
    }

    /// The same for a dashboard: while the kernel is built, the tour is played.
    ///
    /// # Errors
    /// As [`Self::options`].
    pub fn options_meanwhile(&self) -> Result<LabOptions, Failure> {
        self.options_with(entries, |flavour| {
            let mut show = Show::new();
            let there = with_consent(false, |consent| equipped(flavour, consent, &mut show))?;
            drop(show);
            there.map_or_else(|| meanwhile::build(flavour), Ok)
        })
    }

    /// The same where there is nobody to ask and nowhere to show progress.
    ///
    /// # Errors
    /// As [`Self::options`].
    pub fn options_silently(&self) -> Result<LabOptions, Failure> {
        self.options_with(entries_silently, |flavour| {
            ready(flavour, Consent::NobodyToAsk, &mut |_: Event| {})
        })
    }

    fn options_with(
        &self,
        settings: impl FnOnce(&[&str]) -> Result<Config, Failure>,
        ready: impl FnOnce(Flavour) -> BuildResult<Kernel>,
    ) -> Result<LabOptions, Failure> {
        let flavour = chosen(self.kernel)?;
        if self.keep_marks && self.disk.is_some() {
            return Err(Failure::usage(
                "--keep-marks and --disk don't go together: a mark has the stick's bytes as what \
                 differs from the file, which may be another one once the lab has ended",
            )
            .with_help("without --disk the stick's bytes are kept with the marks"));
        }
        let config = settings(&OF_LABS)?;
        let cache = cache::root()?;
        let work = std::env::current_dir()
            .map_err(|error| Failure::io("find the working directory", &error))?;
        let writable: Vec<PathBuf> =
            self.rw.iter().map(|folder| writable(folder)).collect::<Result<_, _>>()?;
        let disk = self.disk.as_deref().map(absolute_anyway).transpose()?;
        let append = match &self.append {
            Some(append) => append.clone(),
            None => match std::env::var("RINGSIDE_APPEND") {
                Err(std::env::VarError::NotUnicode(_)) => {
                    return Err(Failure::usage("RINGSIDE_APPEND holds bytes that are not UTF-8"));
                }
                append => append.unwrap_or_default(),
            },
        };
        // Last, since it may take minutes and ask for consent.
        let given = std::env::var_os("RINGSIDE_IMAGE").filter(|image| !image.is_empty());
        let kernel = match self.image.clone().or(given.map(PathBuf::from)) {
            Some(image) => {
                let image = absolute(&image)?;
                plain_file::check(&image)?;
                BootKernel { flavour, release: image.display().to_string(), image, built: None }
            }
            None => BootKernel::from(&ready(flavour)?),
        };
        let plain = LabOptions::new(kernel, work, cache);
        Ok(LabOptions {
            processors: self.processors.unwrap_or(plain.processors),
            writable,
            host_files: self.host_files.unwrap_or_default(),
            cold: self.cold,
            auto_marks: config.auto_marks && !self.no_auto_marks,
            marks: self.marks_kept(&config),
            keep_marks: self.keep_marks,
            accelerator: self.accel,
            memory_mib: self.memory,
            append,
            disk,
            disk_fate: self.fate.fate(),
            ..plain
        })
    }
}

impl LabArgs {
    fn marks_kept(&self, config: &Config) -> MarksKept {
        MarksKept {
            numbered: self.marks.unwrap_or(config.marks) as usize,
            bytes: u64::from(self.marks_mib.unwrap_or(config.marks_mib)) << 20,
        }
    }
}

/// The accelerators as they are typed.
fn accelerators() -> impl TypedValueParser<Value = Accelerator> {
    let all = [Accelerator::Kvm, Accelerator::Tcg].map(Accelerator::name);
    PossibleValuesParser::new(all).try_map(|name| name.parse::<Accelerator>())
}

/// How much of the host's files, as it is typed.
fn host_files() -> impl TypedValueParser<Value = HostFiles> {
    PossibleValuesParser::new(HostFiles::ALL.map(HostFiles::name)).map(|name| {
        let named = |files: &HostFiles| files.name() == name;
        HostFiles::ALL.into_iter().find(named).unwrap_or_default()
    })
}

/// A folder that a guest may write to, as its absolute path.
fn writable(folder: &Path) -> Result<PathBuf, Failure> {
    let folder = absolute(folder)?;
    let why = |why: &str| Err(Failure::new(format!("--rw {}: {why}", folder.display())));
    if !folder.is_dir() {
        return why("is not a folder");
    }
    if ["/proc", "/sys", "/dev"].iter().any(|own| folder.starts_with(own)) {
        return why("is the kernel's own, and the guest has one of its own");
    }
    if folder == Path::new("/") {
        return why("holds what no guest must write to; name the folders in it");
    }
    Ok(folder)
}

/// The absolute form of a path that must exist.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    path.canonicalize().map_err(|error| Failure::io(path.display(), &error))
}

/// The absolute form of a path that may not exist; the lab says so better.
fn absolute_anyway(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::io(path.display(), &error))
}

impl From<LabError> for Failure {
    fn from(error: LabError) -> Self {
        match error {
            LabError::Target(error) => error.into(),
            LabError::Vm(error) => error.into(),
            error => Self::new(error.to_string()),
        }
    }
}

impl From<VmError> for Failure {
    fn from(error: VmError) -> Self {
        match error {
            VmError::Agent(error) => error.into(),
            error => Self::new(error.to_string()).with_help(error.remedy().unwrap_or_default()),
        }
    }
}
