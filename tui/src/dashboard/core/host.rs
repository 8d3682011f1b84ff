// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is asked of the machine that the dashboard runs on: its build tools, its
//! files, the lab around the kernel.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::field::Paths;
use super::symbols::Frame;
use super::workbench::{Bench, Case, News, Order};
use crate::kernel::signature::Signatures;

/// How much of a file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The most bytes.
    pub bytes: u64,
    /// What a larger file is refused with: why it may have no more. `None`: only
    /// its beginning is wanted.
    pub reason: Option<String>,
}

/// Something to be done, slow enough for a thread of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum HostRequest {
    /// Build the module of ours with this name: its file, or the compiler's last words.
    Build(String),
    /// Find the file of a module that the kernel with this release (`uname -r`) has loaded.
    FindModule { release: String, name: String },
    /// Find file and line of places in an oops of the kernel with this release.
    Locate { release: String, frames: Vec<Frame> },
    /// Find what the functions of a module take and return that the kernel with this
    /// release has loaded.
    Signatures { release: String, name: String },
    /// Start a lab in place of the one that is gone: the target then is the new one's.
    Revive,
    /// Let the lab that was started for the dashboard go on without it.
    Keep,
    /// Read a file; `~/` is the home folder.
    ReadFile { path: String, limit: Limit },
    /// What a path may go on with; `~/` is the home folder.
    Complete { path: String, which: Paths },
    /// Write a new file; `~/` is the home folder. Never overwrites.
    Save { path: String, bytes: Arc<Vec<u8>> },
    /// Build, load and run a folder's module on every save, until it is ordered to end;
    /// what happens meanwhile is sent as [`HostReply::News`].
    Watch(Bench),
    /// An order to whoever does that.
    Order(Order),
    /// Make a new module in this folder, in C or in Rust: its full path.
    NewModule { folder: String, c: bool },
    /// Run the unit tests of a folder's modules in a guest of their own; each that has
    /// ended is told as [`HostReply::Case`].
    Test(Bench),
}

impl HostRequest {
    /// It in a few words, for a recording: the same words for the same request.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Build(name) => format!("build {name}"),
            Self::FindModule { release, name } => format!("find {name} of {release}"),
            Self::Signatures { name, .. } => format!("read the functions of {name}"),
            Self::Locate { frames, .. } => format!("locate {} places in an oops", frames.len()),
            Self::Revive => "start a lab in place of the one that is gone".into(),
            Self::Keep => "let the lab go on".into(),
            Self::ReadFile { path, .. } => format!("read {path}"),
            Self::Save { path, .. } => format!("save {path}"),
            Self::Watch(bench) => format!("watch {}", bench.folder),
            Self::Order(order) => format!("order {order:?}"),
            Self::NewModule { folder, .. } => format!("make a module in {folder}"),
            Self::Test(bench) => format!("test {}", bench.folder),
            Self::Complete { path, .. } => format!("complete the path {path}"),
        }
    }
}

/// What came of a [`HostRequest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum HostReply {
    Done,
    /// A file's bytes.
    Bytes(Vec<u8>),
    /// The path of the file that was written.
    Path(String),
    /// The path as far as there is only one way to go on, and the names that it may
    /// go on with.
    Completed {
        path: String,
        names: Vec<String>,
    },
    /// File and line of each place, where they are known.
    Places(Vec<Option<String>>),
    /// On the way: what happened to a folder that is watched.
    News(News),
    /// On the way: a unit test has ended.
    Case(Case),
    /// What a module's functions take and return.
    Signatures(Box<Signatures>),
}

/// A reply, or in a few lines why there is none.
pub type HostResult = Result<HostReply, String>;

/// The machine that the dashboard runs on.
pub trait Host: Send + Sync {
    /// Does what is asked; runs on a thread of its own. `tell` hears what there is to
    /// say on the way.
    ///
    /// # Errors
    /// Why it can't be done, in a few lines for the user.
    fn ask(&self, request: HostRequest, tell: &mut dyn FnMut(HostReply)) -> HostResult;
}

impl HostReply {
    /// The bytes of a file, where that was asked for.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes,
            _ => Vec::new(),
        }
    }
}
