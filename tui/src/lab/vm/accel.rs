// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who runs the guest's instructions: the processor (KVM) or QEMU's emulation
//! (TCG).
//!
//! That `/dev/kvm` can be opened says little: nested or restricted
//! virtualisation may abort or hang. So KVM is used where this kernel has
//! booted with it once, and that verdict is kept per boot of this machine,
//! QEMU and kernel.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::initramfs::{digest, prune};
use crate::lab::{durable, proc};

/// The device behind KVM.
const DEVICE: &str = "/dev/kvm";
/// Verdicts that are kept.
const KEPT: usize = 16;

/// An accelerator, in QEMU's sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Accelerator {
    /// The processor itself.
    Kvm,
    /// Emulation.
    Tcg,
}

impl Accelerator {
    /// `kvm` or `tcg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        }
    }
}

impl std::str::FromStr for Accelerator {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "kvm" => Ok(Self::Kvm),
            "tcg" => Ok(Self::Tcg),
            other => Err(format!("{other} is no accelerator: kvm or tcg")),
        }
    }
}

/// An accelerator and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Which.
    pub accelerator: Accelerator,
    /// Why, in one sentence.
    pub reason: String,
    /// Has to be tried out, with a deadline.
    pub untried: bool,
}

impl Choice {
    fn new(accelerator: Accelerator, reason: impl Into<String>) -> Self {
        Self { accelerator, reason: reason.into(), untried: false }
    }
}

#[derive(Serialize, Deserialize)]
struct Verdict {
    works: bool,
    reason: String,
}

/// The verdict on KVM for one combination of boot, QEMU and kernel.
#[derive(Clone, Debug)]
pub struct Verdicts {
    folder: PathBuf,
    key: String,
}

impl Verdicts {
    /// Kept in `folder`; `qemu` and `kernel` identify the two.
    pub fn new(folder: &Path, qemu: &str, kernel: &str) -> Self {
        Self { folder: folder.to_owned(), key: digest([proc::boot().as_str(), qemu, kernel]) }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.kvm", self.key))
    }

    /// What to use, when `asked` is what the user wants.
    pub fn choose(&self, asked: Option<Accelerator>) -> Choice {
        match asked {
            Some(accelerator) => Choice::new(accelerator, "as asked for"),
            None => self.find(Path::new(DEVICE)),
        }
    }

    fn find(&self, device: &Path) -> Choice {
        let tcg = |reason: String| Choice::new(Accelerator::Tcg, reason);
        if let Err(error) = OpenOptions::new().read(true).write(true).open(device) {
            let device = device.display();
            return match error.kind() {
                ErrorKind::NotFound => tcg(format!(
                    "emulated: there is no {device} (no hardware virtualisation, or it is switched off)"
                )),
                ErrorKind::PermissionDenied => tcg(format!(
                    "emulated: you may not open {device}; joining the group kvm allows it"
                )),
                _ => tcg(format!("emulated: {device} can't be opened: {error}")),
            };
        }
        let verdict = fs::read(self.path())
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Verdict>(&bytes).ok());
        match verdict {
            Some(Verdict { works: true, reason }) => Choice::new(Accelerator::Kvm, reason),
            Some(Verdict { works: false, reason }) => tcg(reason),
            None => Choice {
                accelerator: Accelerator::Kvm,
                reason: "hardware virtualisation: this kernel boots with it".into(),
                untried: true,
            },
        }
    }

    /// Remembers how the trial of an untried choice went and returns what is
    /// to be used from now on; `Err` holds what was seen.
    pub fn record(&self, trial: Result<(), String>) -> Choice {
        let (accelerator, reason) = match trial {
            Ok(()) => {
                (Accelerator::Kvm, "hardware virtualisation: this kernel boots with it".to_owned())
            }
            Err(seen) => {
                // QEMU's first line says it; an assertion may follow.
                let seen = seen.split("; ").next().unwrap_or_default();
                (
                    Accelerator::Tcg,
                    format!(
                        "emulated: {DEVICE} is there, but this kernel does not boot with it ({seen})"
                    ),
                )
            }
        };
        let verdict = Verdict { works: accelerator == Accelerator::Kvm, reason: reason.clone() };
        // Without a kept verdict the next start tries again: slower, not wrong.
        if let Ok(bytes) = serde_json::to_vec(&verdict) {
            let kept = fs::create_dir_all(&self.folder)
                .and_then(|()| durable::write(&self.path(), &bytes));
            if let Err(error) = kept {
                tracing::warn!("the verdict on KVM is not kept: {error}");
            }
            prune(&self.folder, "kvm", KEPT);
        }
        Choice::new(accelerator, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_holds_for_its_own_kernel_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let device = folder.path().join("kvm");
        fs::write(&device, b"").unwrap();
        let verdicts = |kernel| Verdicts::new(folder.path(), "qemu 7", kernel);
        assert!(verdicts("one").find(&device).untried);
        let choice =
            verdicts("one").record(Err("the guest said nothing for 8 s; abort: line 7".into()));
        assert_eq!(choice.accelerator, Accelerator::Tcg);
        assert_eq!(verdicts("one").find(&device), choice);
        assert!(choice.reason.ends_with("said nothing for 8 s)"));
        assert!(verdicts("two").find(&device).untried);
        verdicts("two").record(Ok(()));
        assert_eq!(verdicts("two").find(&device).accelerator, Accelerator::Kvm);
        assert!(!verdicts("two").find(&device).untried);
    }

    #[test]
    fn without_the_device_the_guest_is_emulated_and_the_reason_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let choice = Verdicts::new(folder.path(), "q", "k").find(&folder.path().join("kvm"));
        assert_eq!(choice.accelerator, Accelerator::Tcg);
        assert!(choice.reason.contains("there is no"), "{}", choice.reason);
    }

    #[test]
    fn what_the_user_asks_for_is_not_questioned() {
        let folder = tempfile::tempdir().unwrap();
        let choice = Verdicts::new(folder.path(), "q", "k").choose(Some(Accelerator::Kvm));
        assert_eq!(choice, Choice::new(Accelerator::Kvm, "as asked for"));
    }
}
