// SPDX-License-Identifier: MIT OR Apache-2.0
//! The calls under way: who asked, what it is called, since when.

use std::collections::BTreeMap;

use super::effect::CallTag;
use crate::dashboard::shell::loader::state::Step;
use crate::dashboard::shell::symbols::state::Frame;
use crate::dashboard::views::block::state::Call as BlockCall;
use crate::dashboard::views::memory::state::Call as MemoryCall;
use crate::dashboard::views::modules::state::Call as ModulesCall;
use crate::dashboard::views::name::state::Call as NameCall;
use crate::dashboard::views::producer::state::Call as ProducerCall;

/// Who gets the items of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nobody: only errors are shown.
    Nobody,
    /// [`crate::dashboard::core::link`]: which kernel is it?
    Kernel,
    /// [`crate::dashboard::core::link`]: the lab's state.
    Lab,
    /// [`crate::dashboard::core::link`]: the list of modules.
    Modules,
    /// [`crate::dashboard::data::counters`]: the stream of samples.
    Watch,
    /// [`crate::dashboard::data::log`]: the stream of the kernel log.
    Kmsg,
    /// [`crate::dashboard::data::console`]: the serial console.
    Console,
    /// [`crate::dashboard::shell::loader`]: who holds a module.
    Holders {
        /// The module.
        module: String,
        /// Asked since it would not go?
        refused: bool,
    },
    /// [`crate::dashboard::shell::loader`]: a step of loading or unloading a module.
    Loader(Step),
    /// [`crate::dashboard::shell::symbols`]: file and line of these.
    Symbols(Vec<Frame>),
    /// View 2.
    Name(NameCall),
    /// View 3.
    Producer(ProducerCall),
    /// View 4.
    Memory(MemoryCall),
    /// View 5.
    Block(BlockCall),
    /// View 7.
    Module(ModulesCall),
}

/// What the user gets to see of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Nothing: the owner shows errors in its own place.
    Silent,
    /// It is listed while it runs; the owner shows errors.
    Listed,
    /// It is listed while it runs, and an error pops up.
    Shown,
}

/// A call under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Who gets its items.
    pub owner: Owner,
    /// What it is called: `load kmod`.
    pub title: String,
    /// What the user gets to see.
    pub report: Report,
    /// When it started, in the model's time.
    pub started_ms: u64,
    /// When the user asked for its end.
    pub cancelled: Option<u64>,
    /// Its line in the command log.
    pub log_line: Option<u64>,
}

/// All calls under way.
#[derive(Clone, Debug, Default)]
pub struct RunningCalls {
    last: u64,
    running: BTreeMap<CallTag, Running>,
}

impl RunningCalls {
    /// Notes a new call and names it.
    pub fn add(&mut self, call: Running) -> CallTag {
        self.last += 1;
        let tag = CallTag(self.last);
        self.running.insert(tag, call);
        tag
    }

    /// A call, if it still runs.
    pub fn get(&self, tag: CallTag) -> Option<&Running> {
        self.running.get(&tag)
    }

    /// A call, if it still runs, to change it.
    pub fn get_mut(&mut self, tag: CallTag) -> Option<&mut Running> {
        self.running.get_mut(&tag)
    }

    /// Forgets a call.
    pub fn remove(&mut self, tag: CallTag) -> Option<Running> {
        self.running.remove(&tag)
    }

    /// Is a call of this owner under way?
    pub fn has(&self, owner: &Owner) -> bool {
        self.running.values().any(|call| call.owner == *owner)
    }

    /// Every call, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (CallTag, &Running)> {
        self.running.iter().map(|(tag, call)| (*tag, call))
    }

    /// Those that the user waits for, oldest first.
    pub fn shown(&self) -> impl Iterator<Item = (CallTag, &Running)> {
        self.iter().filter(|(_, call)| call.report != Report::Silent)
    }
}
