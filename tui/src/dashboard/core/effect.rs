// SPDX-License-Identifier: MIT OR Apache-2.0
//! What [`crate::dashboard::shell::update`] asks the runtime to do: data only.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::dashboard::shell::symbols::state::Frame;
use crate::kernel::Request;

/// Names a call for as long as it runs; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallTag(pub u64);

/// How much of a file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The most bytes.
    pub bytes: u64,
    /// What a larger file is refused with: why it may have no more. `None`: only
    /// its beginning is wanted.
    pub reason: Option<String>,
}

/// Something to do outside of the model.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send a request to the kernel; its items come back as
    /// [`crate::dashboard::core::event::Event::Item`], the last of which is `Done`.
    Start {
        /// The call.
        tag: CallTag,
        /// What to ask.
        request: Request,
        /// The call's whole input (a module's image, mostly empty).
        input: Arc<Vec<u8>>,
    },
    /// Cancel a call, a build or a read of a file.
    Cancel(CallTag),
    /// Build a module of ours; answered by [`crate::dashboard::core::event::Event::Built`].
    Build {
        /// The call.
        tag: CallTag,
        /// The module's name.
        name: String,
    },
    /// Read a file of this machine; answered by [`crate::dashboard::core::event::Event::FileRead`].
    ReadFile {
        /// The call.
        tag: CallTag,
        /// Its path; `~/` is the home folder.
        path: String,
        /// How much of it is read.
        limit: Limit,
    },
    /// Start a lab in place of the one that is gone; answered by
    /// [`crate::dashboard::core::event::Event::Revived`].
    Revive {
        /// The call.
        tag: CallTag,
    },
    /// Find the file of a module that is loaded; answered by
    /// [`crate::dashboard::core::event::Event::FileRead`].
    FindModule {
        /// The call.
        tag: CallTag,
        /// The kernel that has it (`uname -r`).
        release: String,
        /// The module.
        name: String,
    },
    /// Find the file and line of places in an oops; answered by
    /// [`crate::dashboard::core::event::Event::Located`].
    Locate {
        /// The call.
        tag: CallTag,
        /// The kernel that oopsed (`uname -r`).
        release: String,
        /// The places.
        frames: Vec<Frame>,
    },
    /// Write a file of this machine; answered by [`crate::dashboard::core::event::Event::Saved`].
    Save {
        /// The call.
        tag: CallTag,
        /// Its path; `~/` is the home folder. Never overwrites.
        path: String,
        /// What to write.
        bytes: Arc<Vec<u8>>,
    },
    /// Put text on the clipboard (OSC 52).
    Copy(String),
    /// Keep what was typed into forms for the next time.
    Remember(BTreeMap<String, String>),
    /// Turn mouse capture on or off.
    Mouse(bool),
    /// Stop this process as Ctrl-Z does.
    Suspend,
    /// Draw the whole screen anew.
    Redraw,
    /// Let the lab that was started here go on without this dashboard; answered
    /// by [`crate::dashboard::core::event::Event::Kept`].
    Keep {
        /// The call.
        tag: CallTag,
    },
    /// End the dashboard.
    Quit,
}
