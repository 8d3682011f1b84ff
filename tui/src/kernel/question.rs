// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests whose type names what they are answered with, for whoever waits for it.

use std::marker::PhantomData;
use std::time::{Duration, Instant};

use super::api::{
    BlockAction, BlockDevice, BlockOutcome, Holder, Item, KernelInfo, KmsgBatch, LabRequest,
    LabStatus, MarkInfo, ModuleDetail, ModuleSummary, Request, Sample, SubjectAction, SubjectEvent,
    SubjectOutcome, SyscallInfo, TraceEvent,
};
use super::call::{CallControl, Calls, Target, ask, ask_within};
use super::error::{TargetError, TargetResult};

/// A request that is answered with replies of one type.
pub trait Question {
    /// What answers it.
    type Reply;

    /// As it is sent.
    fn request(self) -> Request;

    /// What an item says; `None`: it answers something else.
    fn reply(item: Item) -> Option<Self::Reply>;
}

/// Waits for the one reply to `question`.
///
/// # Errors
/// The request's, and [`TargetError::Protocol`] when the answer holds no reply.
pub fn put<Q: Question>(target: &dyn Target, question: Q) -> TargetResult<Q::Reply> {
    first::<Q>(ask(target, question.request(), &[])?)
}

/// The same for a reply that has to come `within` a time; `who` is who did not answer
/// then.
///
/// # Errors
/// As [`put`] and [`ask_within`].
pub fn put_within<Q: Question>(
    target: &dyn Target,
    question: Q,
    within: Duration,
    who: &str,
) -> TargetResult<Q::Reply> {
    first::<Q>(ask_within(target, question.request(), within, who)?)
}

fn first<Q: Question>(items: Vec<Item>) -> TargetResult<Q::Reply> {
    items.into_iter().next().and_then(Q::reply).ok_or_else(wrong)
}

fn wrong() -> TargetError {
    TargetError::Protocol("what came back answers another request".into())
}

/// The replies to a question that goes on, one by one.
pub struct Replies<Q> {
    calls: Calls,
    question: PhantomData<fn() -> Q>,
}

impl<Q: Question> Replies<Q> {
    /// Starts the request.
    ///
    /// # Errors
    /// As [`Target::start`].
    pub fn start(target: &dyn Target, question: Q) -> TargetResult<Self> {
        let calls = Calls::start(target, question.request())?;
        Ok(Self { calls, question: PhantomData })
    }

    /// Waits for the next reply; `None`: there are no more.
    ///
    /// # Errors
    /// The one that the request ended with.
    pub fn next(&self) -> TargetResult<Option<Q::Reply>> {
        Self::of(self.calls.next())
    }

    /// The same, but not beyond `until`; `None`: nothing came.
    pub fn next_before(&self, until: Instant) -> Option<TargetResult<Option<Q::Reply>>> {
        self.calls.next_before(until).map(Self::of)
    }

    /// What can be done to the request.
    pub fn control(&self) -> std::sync::Arc<dyn CallControl> {
        self.calls.control()
    }

    fn of(item: Item) -> TargetResult<Option<Q::Reply>> {
        match item {
            Item::Done(result) => result.map(|()| None),
            item => Q::reply(item).map(Some).ok_or_else(wrong),
        }
    }
}

/// A question: its fields, the request it makes of them, and which item says what.
macro_rules! question {
    ($(#[$about:meta])* $name:ident { $($field:ident: $type:ty),* }
     is $request:expr, $item:pat => $said:expr, $reply:ty) => {
        $(#[$about])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $(#[allow(missing_docs, reason = "as in the request")] pub $field: $type,)*
        }
        question!(@ $name, { let Self { $($field),* } = self; $request }, self, $item, $said, $reply);
    };
    ($(#[$about:meta])* $name:ident is $request:expr, $item:pat => $said:expr, $reply:ty) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;
        question!(@ $name, $request, self, $item, $said, $reply);
    };
    (@ $name:ident, $request:expr, $this:ident, $item:pat, $said:expr, $reply:ty) => {
        impl Question for $name {
            type Reply = $reply;
            fn request($this) -> Request {
                $request
            }
            fn reply(item: Item) -> Option<Self::Reply> {
                match item {
                    $item => Some($said),
                    _ => None,
                }
            }
        }
    };
}

question!(
    /// Which kernel is it?
    Kernel is Request::Kernel, Item::Kernel(kernel) => kernel, KernelInfo
);
question!(
    /// The modules that are loaded.
    Modules is Request::Modules, Item::Modules(modules) => modules, Vec<ModuleSummary>
);
question!(
    /// Everything about a module.
    Module { name: String } is Request::Module { name }, Item::Module(module) => module, ModuleDetail
);
question!(
    /// Who has a module in use.
    Holders { name: String }
    is Request::Holders { name }, Item::Holders(holders) => holders, Vec<Holder>
);
question!(
    /// The counters of a module, or of all.
    Counters { module: Option<String> }
    is Request::Counters { module }, Item::Sample(sample) => sample, Sample
);
question!(
    /// Counters as they change.
    WatchCounters { interval_ms: u32, modules: Vec<String> }
    is Request::Watch { interval_ms, modules, tables: Vec::new() },
    Item::Sample(sample) => sample, Sample
);
question!(
    /// The calls of a module's functions.
    Trace { module: String, functions: Vec<String>, interval_ms: Option<u32> }
    is Request::Trace { module, functions, interval_ms }, Item::Trace(event) => event, TraceEvent
);
question!(
    /// The log, from its oldest record.
    Log { follow: bool }
    is Request::Kmsg { from: None, follow }, Item::Kmsg(batch) => batch, KmsgBatch
);
question!(
    /// The system call.
    Syscall is Request::Syscall, Item::Syscall(syscall) => syscall, SyscallInfo
);
question!(
    /// A new subject process: how it fares.
    Subject is Request::Subject, Item::Subject(event) => event, SubjectEvent
);
question!(
    /// The subjects of a guest that was wound back.
    LeftSubjects is Request::LeftSubjects, Item::Subjects(subjects) => subjects, Vec<i32>
);
question!(
    /// One of them, to go on with: how it fares.
    TakeSubject { pid: i32 }
    is Request::TakeSubject { pid }, Item::Subject(event) => event, SubjectEvent
);
question!(
    /// Something for a subject to do.
    SubjectDo { pid: i32, action: SubjectAction }
    is Request::SubjectDo { pid, action }, Item::SubjectDid(outcome) => outcome, SubjectOutcome
);
question!(
    /// Any operation of `/dev/kmod`.
    Block { action: BlockAction }
    is Request::Block(action), Item::Block(outcome) => outcome, BlockOutcome
);
question!(
    /// What `/dev/kmod` reads from a place.
    BlockReadAt { offset: u64, size: u32 }
    is Request::Block(BlockAction::ReadAt { offset, size }),
    Item::Block(BlockOutcome::Bytes(bytes)) => bytes, Vec<u8>
);
question!(
    /// How many bytes `/dev/kmod` writes to a place.
    BlockWriteAt { offset: u64, data: Vec<u8> }
    is Request::Block(BlockAction::WriteAt { offset, data }),
    Item::Block(BlockOutcome::Written(bytes)) => bytes, u32
);
question!(
    /// Bytes of a device or file, without our module.
    Peek { path: String, offset: u64, size: u32 }
    is Request::Peek { path, offset, size }, Item::Bytes(bytes) => bytes, Vec<u8>
);
question!(
    /// The block devices.
    BlockDevices is Request::BlockDevices, Item::BlockDevices(devices) => devices, Vec<BlockDevice>
);
question!(
    /// What the lab is and does.
    Lab is Request::Lab(LabRequest::Status), Item::Lab(status) => *status, LabStatus
);
question!(
    /// The same at every change.
    WatchLab is Request::Lab(LabRequest::Watch), Item::Lab(status) => *status, LabStatus
);
question!(
    /// A new mark of the guest, which is in the reply.
    Mark { name: Option<String> }
    is Request::Lab(LabRequest::Mark { name }), Item::Marks(marks) => marks, Vec<MarkInfo>
);
question!(
    /// All marks of the lab.
    Marks is Request::Lab(LabRequest::Marks), Item::Marks(marks) => marks, Vec<MarkInfo>
);
question!(
    /// The serial console.
    Console { follow: bool }
    is Request::Lab(LabRequest::Console { follow }), Item::Console(bytes) => bytes, Vec<u8>
);
