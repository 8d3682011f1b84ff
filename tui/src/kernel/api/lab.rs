// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lab around a guest: what it is and what can be asked of it. Answered by
//! the lab process; a target without one answers `Unsupported`.

use serde::{Deserialize, Serialize};

use super::ModuleCounters;

/// Something for the lab itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LabRequest {
    /// One [`super::Item::Lab`].
    Status,
    /// An [`super::Item::Lab`] at once and on every change, until cancelled.
    Watch,
    /// The serial console from its first byte: [`super::Item::Console`]s. With
    /// `follow` until cancelled.
    Console {
        /// Go on with what comes later.
        follow: bool,
    },
    /// End this guest and start a new one; done when its agent answers.
    Reboot {
        /// Boot from nothing and not from the saved state.
        cold: bool,
    },
    /// End the guest; the lab stays and can start another.
    PowerOff,
    /// Plug the USB stick in; done when the guest has a node for it.
    Plug,
    /// Pull the USB stick out.
    Unplug,
    /// Mark the guest as it is now, so that it can be wound back: an
    /// [`super::Item::Marks`] of the new mark.
    Mark {
        /// What to call it, in place of the next number. A mark of that name is replaced.
        name: Option<String>,
    },
    /// An [`super::Item::Marks`] of all of the lab's marks, the oldest first.
    Marks,
    /// End this guest and go on from a mark; done when its agent answers.
    Rewind {
        /// Which; `None`: the newest.
        name: Option<String>,
    },
    /// Forget a mark.
    Unmark {
        /// Which; `None`: all of them.
        name: Option<String>,
    },
    /// Open a way to the guest for gdb: an [`super::Item::Bytes`] with the path of
    /// the socket.
    Gdb,
    /// Write the guest's memory to a file of the lab's machine, which exists.
    Dump {
        /// Its path.
        path: String,
        /// In makedumpfile's compressed format, and not as an ELF file?
        compress: bool,
    },
    /// End the lab.
    Down,
}

/// A moment of a lab's guest to which it can be wound back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkInfo {
    /// What it is called: a number, or the name it was given.
    pub name: String,
    /// Milliseconds since it was made.
    pub age_ms: u64,
    /// Milliseconds for which the guest stood still for it.
    pub stood_ms: u64,
    /// Bytes on the host's disk.
    pub bytes: u64,
    /// The generation of the guest that was marked.
    pub generation: u32,
    /// Why it was made by itself: `before load kmod`; `None`: it was asked for.
    pub reason: Option<String>,
    /// The modules that were loaded, the newest first.
    pub modules: Vec<String>,
    /// The counters as they were.
    pub counters: Vec<ModuleCounters>,
    /// Was the USB stick plugged in?
    pub stick_plugged: bool,
}

/// What becomes of what was written on top of a file of the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StickFate {
    /// It is written to the file.
    Keep,
    /// It is thrown away.
    Discard,
}

/// A lab and its guest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabStatus {
    /// The lab's name: `1`, `2`, …
    pub id: String,
    /// The lab process.
    pub pid: i32,
    /// What the guest is doing.
    pub guest: GuestState,
    /// Counts the guests of this lab: 1 for the first, 2 after a reboot.
    pub generation: u32,
    /// `lab` or `debug`.
    pub flavour: String,
    /// The kernel's release, as built.
    pub kernel: String,
    /// `kvm` or `tcg`.
    pub accelerator: String,
    /// Why that accelerator, in one sentence.
    pub accelerator_reason: String,
    /// By how many milliseconds the guest was wound back to become this one; `None`: it
    /// was started again.
    pub rewound_ms: Option<u64>,
    /// Did this guest resume from a saved state?
    pub resumed: bool,
    /// Milliseconds from the start of QEMU to the agent's first answer.
    pub started_in_ms: u64,
    /// Milliseconds since then: the uptime to show.
    pub up_ms: u64,
    /// QEMU's process id while there is one.
    pub qemu_pid: Option<i32>,
    /// Guest memory in MiB and processors.
    pub memory_mib: u32,
    /// Processors of the guest.
    pub processors: u32,
    /// Is the USB stick plugged in?
    pub stick_plugged: bool,
    /// The file behind the stick; `None`: an empty one that is gone afterwards.
    pub stick_file: Option<String>,
    /// The file in which what is written to the stick is kept, and not in
    /// [`Self::stick_file`]: so from the first mark on.
    pub stick_changes: Option<String>,
    /// What becomes of that when the lab ends, where that is settled.
    pub stick_fate: Option<StickFate>,
    /// Why the stick is not in the state that it was told to be in.
    pub stick_trouble: Option<String>,
    /// What is wrong although the guest runs, the worst first.
    pub troubles: Vec<Trouble>,
}

/// What can be wrong with a guest that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trouble {
    /// Its agent does not answer, although it had the processor.
    Silent {
        /// Milliseconds since it was asked.
        for_ms: u64,
        /// What is known of the cause: the kernel's own words, or what QEMU does.
        cause: Option<String>,
    },
    /// The agent answers, but the kernel says that something is stuck.
    Stuck {
        /// The kernel's own words.
        words: String,
    },
    /// gdb holds it still.
    Halted {
        /// Where, as far as that is known.
        place: Option<String>,
    },
    /// The host has no room for what the guest writes to its USB stick.
    NoRoom {
        /// Where there is none: a file, or a folder.
        place: String,
    },
}

impl Trouble {
    /// It in a sentence, without what to do about it.
    pub fn sentence(&self) -> String {
        match self {
            Self::Silent { for_ms, cause } => {
                let mut text = format!("the guest has not answered for {} s", for_ms / 1000);
                if let Some(cause) = cause {
                    text.push_str(&format!(" ({cause})"));
                }
                text
            }
            Self::Halted { place: Some(place) } => format!("the guest is halted by gdb at {place}"),
            Self::Halted { place: None } => "the guest is halted by gdb".into(),
            Self::Stuck { words } => format!("the guest's kernel is stuck: {words}"),
            Self::NoRoom { place } => format!(
                "the host's disk is full ({place}): what the guest writes to its USB stick fails \
                 with ENOSPC until there is room"
            ),
        }
    }

    /// Does a debugger hold the guest still?
    pub fn is_halt(&self) -> bool {
        matches!(self, Self::Halted { .. })
    }

    /// Does it keep the guest from answering?
    pub fn blocks(&self) -> bool {
        !matches!(self, Self::NoRoom { .. })
    }
}

/// What a guest is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum GuestState {
    /// QEMU starts, the kernel boots or resumes.
    #[default]
    Starting,
    /// The agent answers.
    Running,
    /// The kernel panicked; QEMU holds it still.
    Panicked {
        /// The kernel's own line: `Kernel panic - not syncing: …`
        reason: String,
    },
    /// It powered off, by itself or because it was asked to.
    Off,
    /// QEMU ended in a way nobody asked for.
    Killed {
        /// `killed by signal 9`, `exited with status 1: …`
        how: String,
    },
    /// It could not be started.
    Failed {
        /// Why.
        why: String,
    },
}
