// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a guest is told when it starts or resumes: a saved machine knows
//! neither the time nor what has happened since.

use serde::{Deserialize, Serialize};

/// Where a lab's guest always has its USB stick: a link that is set when the
/// stick is plugged in.
pub const STICK: &str = "/dev/ringside-usb";

/// What a guest needs to know first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wake {
    /// Nanoseconds since 1970, UTC: what the guest's clock is set to.
    pub unix_ns: u64,
    /// Fresh random bytes (at least 32) for the guest's random pool, which a
    /// resumed guest shares with every other one resumed from that state.
    pub entropy: Vec<u8>,
    /// The 9p shares there are; mounted when a program of the host is first run.
    pub shares: Vec<Share>,
}

/// A folder of the host that the guest can mount over 9p.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The mount tag: `root` for the host's `/`, `work` for the working directory.
    pub tag: String,
    /// The folder's path on the host, and in the guest.
    pub path: Vec<u8>,
    /// May the guest write there?
    pub writable: bool,
}
