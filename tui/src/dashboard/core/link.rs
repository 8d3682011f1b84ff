// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel at the other end: which it is, whether it answers, its lab.

use crate::kernel::TargetError;
use crate::kernel::api::{Capability, GuestState, KernelInfo, LabStatus, Trouble};

/// What is told to whoever wants something of the kernel in a recording.
pub const NO_KERNEL: &str = "this is a recording, and its kernel is not there any more";

/// The same of a guest that is dead; the key is still to be filled in.
pub const NOT_RUNNING: &str = "the guest is not running ({vm-reboot} boots a new one)";

/// Does the kernel answer?
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// Not yet.
    #[default]
    Connecting,
    /// It does.
    Up,
    /// No more: why, and since when in the shared's time.
    Lost {
        why: String,
        /// Since when.
        since_ms: u64,
    },
}

/// What is known of the kernel and its lab.
#[derive(Clone, Debug, Default)]
pub struct Link {
    /// Does it answer?
    pub connection: Connection,
    pub kernel: Option<KernelInfo>,
    /// When `kernel` arrived, in the shared's time.
    pub kernel_at_ms: u64,
    /// The lab around it.
    pub lab: Option<LabStatus>,
    /// When `lab` arrived, in the shared's time.
    pub lab_at_ms: u64,
    /// Why there is no lab.
    pub no_lab: Option<String>,
    /// The lab process itself is gone, so that trying again is no use.
    pub lab_gone: bool,
    /// The lab was started by this dashboard and ends with it.
    pub own_lab: bool,
    /// It is a recording, in which somebody looks around.
    pub recording: bool,
    /// This guest is the one before, wound back.
    pub wound_back: bool,
    /// The post-mortem screen was put away for this generation of the guest.
    pub post_mortem_left: Option<u32>,
}

impl Link {
    /// The guest is dead: its state and lab.
    pub fn dead(&self) -> Option<&LabStatus> {
        self.lab
            .as_ref()
            .filter(|lab| !matches!(lab.guest, GuestState::Running | GuestState::Starting))
    }

    /// What is wrong with a guest that runs, as of this time, the worst first.
    pub fn troubles(&self, now_ms: u64) -> Vec<Trouble> {
        let Some(lab) = &self.lab else {
            return Vec::new();
        };
        let since = now_ms.saturating_sub(self.lab_at_ms);
        let aged = lab.troubles.iter().cloned().map(|trouble| match trouble {
            Trouble::Silent { for_ms, cause } => {
                Trouble::Silent { for_ms: for_ms.saturating_add(since), cause }
            }
            other => other,
        });
        aged.collect()
    }

    /// Does a guest that runs hang, as far as its lab knows?
    pub fn hangs(&self) -> bool {
        self.lab.as_ref().is_some_and(|lab| lab.troubles.iter().any(Trouble::blocks))
    }

    /// Is it the kernel of a lab's guest?
    pub fn in_guest(&self) -> bool {
        self.kernel.as_ref().is_some_and(|kernel| kernel.guest)
    }

    /// Is the screen that says why the guest died to be shown?
    pub fn shows_post_mortem(&self) -> bool {
        self.dead().is_some_and(|lab| self.post_mortem_left != Some(lab.generation))
    }

    /// Milliseconds since the kernel (or, in a lab, the guest) started.
    pub fn uptime_ms(&self, now_ms: u64) -> Option<u64> {
        if let Some(lab) = &self.lab {
            return Some(lab.up_ms.saturating_add(now_ms.saturating_sub(self.lab_at_ms)));
        }
        let kernel = self.kernel.as_ref()?;
        Some(kernel.uptime_ms.saturating_add(now_ms.saturating_sub(self.kernel_at_ms)))
    }

    /// Why the target can't do something.
    pub fn missing(&self, capability: Capability) -> Option<&str> {
        if capability == Capability::Lab
            && let Some(reason) = &self.no_lab
        {
            return Some(reason);
        }
        let missing = &self.kernel.as_ref()?.missing;
        let found = missing.iter().find(|entry| entry.capability == capability)?;
        Some(&found.reason)
    }

    /// `Err` with the reason when the kernel can't do something now; keys in it are
    /// still to be filled in ([`super::keymap::Keymap::fill`]).
    pub fn can(&self, capability: Capability) -> Result<(), String> {
        if self.recording {
            return Err(NO_KERNEL.into());
        }
        if let Some(reason) = self.missing(capability) {
            return Err(reason.to_owned());
        }
        if capability == Capability::Lab {
            return match self.lab {
                Some(_) => Ok(()),
                None => Err("the lab has not answered yet".into()),
            };
        }
        if self.dead().is_some() {
            return Err(NOT_RUNNING.into());
        }
        match &self.connection {
            Connection::Up => Ok(()),
            Connection::Connecting => Err("the kernel has not answered yet".into()),
            Connection::Lost { why, .. } => Err(format!("no connection: {why}")),
        }
    }
}

/// Is the error the connection's and not the kernel's?
pub fn is_lost(error: &TargetError) -> bool {
    matches!(error, TargetError::Gone(_) | TargetError::Protocol(_))
}
