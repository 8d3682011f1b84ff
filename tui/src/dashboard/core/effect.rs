// SPDX-License-Identifier: MIT OR Apache-2.0
//! What [`crate::dashboard::shell::update`] asks the runtime to do: data only.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::host::HostRequest;
use crate::kernel::Request;

/// Names a call for as long as it runs; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallTag(pub u64);

/// Something to do outside of the shared.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send a request to the kernel; its items come back as
    /// [`crate::dashboard::core::event::Event::Item`], the last of which is `Done`.
    Start {
        tag: CallTag,
        /// What to ask.
        request: Request,
        /// The call's whole input (a module's image, mostly empty).
        input: Arc<Vec<u8>>,
    },
    /// Cancel a call, a build or a read of a file.
    Cancel(CallTag),
    /// Ask this machine for something; answered by [`super::event::Event::Host`].
    Host {
        tag: CallTag,
        /// What to ask.
        request: HostRequest,
    },
    /// Put text on the clipboard (OSC 52).
    Copy(String),
    /// Keep what was typed into forms for the next time.
    Remember(BTreeMap<String, String>),
    /// Turn mouse capture on or off.
    Mouse(bool),
    /// Stop this process as Ctrl-Z does.
    Suspend,
    /// Draw the whole screen again.
    Redraw,
    /// End the dashboard.
    Quit,
}
