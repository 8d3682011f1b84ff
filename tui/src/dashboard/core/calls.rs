// SPDX-License-Identifier: MIT OR Apache-2.0
//! The calls under way: who asked, what it is called, since when.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::rc::Rc;

use super::effect::CallTag;
use super::symbols::Frame;
use crate::dashboard::core::loader::state::Step;

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
    /// [`crate::dashboard::core::loader`]: who holds a module.
    Holders {
        module: String,
        /// Asked since it would not go?
        refused: bool,
    },
    /// [`crate::dashboard::core::loader`]: a step of loading or unloading a module.
    Loader(Step),
    /// [`crate::dashboard::shell::symbols`]: file and line of these.
    Symbols(Vec<Frame>),
    /// A path in a field of a form: what is in it may be another when it arrives.
    Path { form: String, field: String, text: String },
    /// A lab in place of the one that was gone.
    Revive,
    /// The lab is to go on without the dashboard.
    Keep,
    /// [`crate::dashboard::shell::marks`]: the list of marks.
    Marks,
    /// [`crate::dashboard::shell::marks`]: a new mark.
    Marked,
    /// [`crate::dashboard::shell::marks`]: the end of a mark.
    Unmarked,
    /// [`crate::dashboard::core::trace`]: the calls of a module's functions.
    Trace,
    /// [`crate::dashboard::core::trace`]: what its functions take and return.
    Signatures,
    /// [`crate::dashboard::shell::experiment`]: a step that it does itself.
    Experiment,
    /// The view whose kind of call this is.
    View(ViewCall),
}

/// A call of one view, of a kind that only the view knows.
#[derive(Clone, Debug)]
pub struct ViewCall {
    call: Rc<dyn AnyCall>,
    mortal: bool,
}

/// A view's kind of calls.
trait AnyCall: Any + Debug {
    fn same(&self, other: &dyn AnyCall) -> bool;
}

impl<C: Any + Debug + PartialEq> AnyCall for C {
    fn same(&self, other: &dyn AnyCall) -> bool {
        let other: &dyn Any = other;
        other.downcast_ref() == Some(self)
    }
}

impl PartialEq for ViewCall {
    fn eq(&self, other: &Self) -> bool {
        self.call.same(&*other.call)
    }
}

impl Eq for ViewCall {}

impl ViewCall {
    /// The call, if it is of this view's kind.
    pub fn get<C: Clone + 'static>(&self) -> Option<C> {
        let call: &dyn Any = &*self.call;
        call.downcast_ref().cloned()
    }
}

impl Owner {
    /// The view whose kind of calls `C` is.
    pub fn view<C: Any + Debug + PartialEq>(call: C) -> Self {
        Self::View(ViewCall { call: Rc::new(call), mortal: false })
    }

    /// The same for a call to a process that may die by itself: that nobody replies
    /// any more says nothing of the kernel.
    pub fn mortal<C: Any + Debug + PartialEq>(call: C) -> Self {
        Self::View(ViewCall { call: Rc::new(call), mortal: true })
    }

    /// Is it a call to a process that may die by itself?
    pub fn is_mortal(&self) -> bool {
        matches!(self, Self::View(ViewCall { mortal: true, .. }))
    }
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
    /// When it started, in the shared's time.
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
