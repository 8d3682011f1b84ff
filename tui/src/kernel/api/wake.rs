// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a guest gets to know when it starts or resumes: a saved machine knows
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
    /// What of the host's files there is to see.
    pub host: Box<HostView>,
}

/// What a guest sees of its host's files, mounted when a program of the host is
/// first run. Paths are absolute, and the same on the host and in the guest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostView {
    /// The folders that are shared; one above another comes first.
    pub shares: Vec<Share>,
    /// Symbolic links at the top, and where they lead: `/bin` to `usr/bin`.
    pub links: Vec<(Vec<u8>, Vec<u8>)>,
    /// Folders at the top that are there and hold nothing.
    pub folders: Vec<Vec<u8>>,
    /// What lies in a share and can't be reached through it.
    pub hollows: Vec<Hollow>,
    /// The kernel that runs, where its build is to be seen.
    pub kernel: Option<KernelView>,
}

/// A folder of the host that the guest can mount over 9p.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The mount tag.
    pub tag: String,
    /// The folder's path.
    pub path: Vec<u8>,
    /// What becomes of changes.
    pub kind: ShareKind,
}

/// What becomes of changes to a shared folder's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShareKind {
    /// The guest's are gone with it; the host's may never be seen.
    Kept,
    /// The guest's are gone with it; the host's are seen when a file is next opened.
    Fresh,
    /// The guest's are the host's.
    Written,
}

/// A place in a share that is something else to the guest than to the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hollow {
    /// Its path.
    pub path: Vec<u8>,
    /// What the guest sees there.
    pub kind: HollowKind,
}

/// What a guest sees in place of something that can't be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HollowKind {
    /// An empty folder, on which something else may be mounted.
    Folder,
    /// An empty file.
    File,
    /// Nothing.
    Nothing,
}

/// Where the kernel that runs was built.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelView {
    /// Its release.
    pub release: String,
    /// The folder it was built in.
    pub build: Vec<u8>,
    /// Its sources.
    pub source: Vec<u8>,
    /// What make must be told to build with the same tools: `RUSTC=…`, `LLVM=…`.
    pub make_arguments: Vec<String>,
}
