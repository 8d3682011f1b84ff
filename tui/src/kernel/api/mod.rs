// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be asked of a kernel, and what it answers: plain data, the same on
//! the wire and in the process.

mod block;
mod kernel;
mod lab;
mod run;
mod subject;
mod trace;
mod wake;

use serde::{Deserialize, Serialize};

pub use block::*;
pub use kernel::*;
pub use lab::*;
pub use run::*;
pub use subject::*;
pub use trace::*;
pub use wake::*;

use super::error::TargetResult;

/// One thing to do. Which items answer it is said beside each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Which kernel is this? One [`Item::Kernel`].
    Kernel,
    /// The modules that are loaded. One [`Item::Modules`].
    Modules,
    /// Everything about one loaded module. One [`Item::Module`].
    Module {
        /// Its name.
        name: String,
    },
    /// Load a module. Its image (the .ko file's bytes) is the call's input.
    Load {
        /// The name, for messages.
        name: String,
        /// `k=v k="v w"`, as on `insmod`'s command line.
        parameters: String,
    },
    /// Unload a module (`delete_module`, never forced).
    Unload {
        /// Its name.
        name: String,
    },
    /// Who has the module in use: other modules, processes with its device
    /// open or mapped. One [`Item::Holders`].
    Holders {
        /// Its name.
        name: String,
    },
    /// Write `/sys/module/<module>/parameters/<parameter>`.
    SetParameter {
        /// The module.
        module: String,
        /// The parameter.
        parameter: String,
        /// The value, as text.
        value: String,
    },
    /// The counters of one module or of all that have any. One [`Item::Sample`].
    Counters {
        /// The module, or all.
        module: Option<String>,
    },
    /// Counters and tables at a rate: an [`Item::Sample`] every interval, at
    /// once when the set of modules changes, until cancelled. Modules that come
    /// and go appear and vanish in the samples.
    Watch {
        /// Milliseconds between samples, 20 to 60 000.
        interval_ms: u32,
        /// Only these modules; empty: all that have counters.
        modules: Vec<String>,
        /// Parts of tables to read with each sample.
        tables: Vec<TableRange>,
    },
    /// Write `/sys/module/<module>/controls/<control>`.
    Set {
        /// The module.
        module: String,
        /// The control.
        control: String,
        /// The value, as text.
        value: String,
    },
    /// The kernel log: [`Item::KmsgText`] pieces. Without `follow` it ends at the
    /// newest record, with it when cancelled.
    Kmsg {
        /// Start at the record with this sequence number; `None`: at the oldest kept.
        from: Option<u64>,
        /// Go on with records that come later.
        follow: bool,
    },
    /// The calls of a module's functions: [`Item::Trace`]s until cancelled. A signal
    /// ends it once nothing of it is left in the kernel, without an error. A module
    /// that is unloaded is waited for.
    Trace {
        /// The module, which is loaded.
        module: String,
        /// Only these functions: symbols, names or ends of paths; none: all of its own.
        functions: Vec<String>,
        /// Milliseconds between two items, 20 to 60 000; `None`: list the functions, and
        /// trace none.
        interval_ms: Option<u32>,
    },
    /// The syscall's number, calls and message. One [`Item::Syscall`].
    Syscall,
    /// Make the system call this many times, from the agent.
    CallSyscall {
        /// 1 to 1 000 000.
        times: u32,
    },
    /// Write the system call's message.
    SetSyscallMessage {
        /// At most [`ringside_uapi::my_syscall::MESSAGE_MAX`] bytes.
        message: String,
    },
    /// Start a subject process. [`Item::Subject`]s: it started, it died; the
    /// call lasts as long as the process, and cancelling it kills the process.
    Subject,
    /// Make a subject do something. One [`Item::SubjectDid`].
    SubjectDo {
        /// Its process id, from [`SubjectEvent::Started`].
        pid: i32,
        /// What to do.
        action: SubjectAction,
    },
    /// An operation of `/dev/kmod`. One [`Item::Block`].
    Block(BlockAction),
    /// Bytes of a block device or file, by `pread` and not by our module. One [`Item::Bytes`].
    Peek {
        /// The path in the target.
        path: String,
        /// Bytes from its beginning.
        offset: u64,
        /// At most [`BLOCK_MAX`].
        size: u32,
    },
    /// The block devices. One [`Item::BlockDevices`].
    BlockDevices,
    /// Run a program: [`Item::Output`] and then [`Item::Exited`]; the call's
    /// input is its standard input.
    Run(RunRequest),
    /// Is anybody there? No items.
    Ping,
    /// Crash the kernel at once (`c` to `/proc/sysrq-trigger`).
    Crash,
    /// From a lab process to its guest's agent, once after each start or
    /// resume, before any other request.
    Wake(Wake),
    /// From a lab process: wait until the USB stick's node is there (or gone)
    /// and [`STICK`] points to it (or nowhere).
    AwaitStick {
        /// There or gone?
        present: bool,
        /// How long to wait in milliseconds.
        timeout_ms: u32,
    },
    /// From a lab process: let go of the host's files, so that the guest can be saved.
    /// Refused while a program uses them.
    Release,
    /// To the lab and not to its kernel.
    Lab(LabRequest),
    /// The subjects whose client is gone although they live: those of a guest that was
    /// wound back. One [`Item::Subjects`].
    LeftSubjects,
    /// Take up such a subject. Items as of [`Request::Subject`].
    TakeSubject {
        /// Its process id, from [`Item::Subjects`].
        pid: i32,
    },
    /// What there is: processes and kernel threads, devices, modules, free memory.
    /// One [`Item::Inventory`].
    Inventory {
        /// Write back and drop what can be read again before, so that the free memory of
        /// two moments can be compared.
        settled: bool,
    },
}

impl Request {
    /// Is the answer a stream, which goes on for as long as its reader wants
    /// and stops while its reader is slow? Anything else is answered at once
    /// and as a whole.
    pub fn is_stream(&self) -> bool {
        matches!(
            self,
            Self::Run(_)
                | Self::Kmsg { .. }
                | Self::Watch { .. }
                | Self::Trace { .. }
                | Self::Lab(LabRequest::Watch | LabRequest::Console { .. })
        )
    }

    /// Does it do more to the kernel than look at it?
    pub fn changes(&self) -> bool {
        match self {
            Self::Kernel
            | Self::Modules
            | Self::Module { .. }
            | Self::Holders { .. }
            | Self::Counters { .. }
            | Self::Watch { .. }
            | Self::Kmsg { .. }
            | Self::Syscall
            | Self::Peek { .. }
            | Self::BlockDevices
            | Self::Ping
            | Self::Wake(_)
            | Self::AwaitStick { .. }
            | Self::Release
            | Self::LeftSubjects
            | Self::TakeSubject { .. }
            | Self::Inventory { .. }
            | Self::Lab(_) => false,
            Self::Load { .. }
            | Self::Unload { .. }
            | Self::SetParameter { .. }
            | Self::Trace { .. }
            | Self::Set { .. }
            | Self::CallSyscall { .. }
            | Self::SetSyscallMessage { .. }
            | Self::Subject
            | Self::SubjectDo { .. }
            | Self::Block(_)
            | Self::Run(_)
            | Self::Crash => true,
        }
    }
}

/// One piece of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Item {
    /// The call is over; nothing follows.
    Done(TargetResult<()>),
    /// To [`Request::Kernel`].
    Kernel(KernelInfo),
    /// To [`Request::Modules`], in the kernel's order (newest first).
    Modules(Vec<ModuleSummary>),
    /// To [`Request::Module`].
    Module(ModuleDetail),
    /// To [`Request::Holders`].
    Holders(Vec<Holder>),
    /// To [`Request::Counters`] and [`Request::Watch`].
    Sample(Sample),
    /// To [`Request::Kmsg`]: the log's text, see [`super::call::parsed`].
    KmsgText(KmsgText),
    /// What [`super::call::parsed`] makes of it; never travels.
    Kmsg(KmsgBatch),
    /// To [`Request::Trace`].
    Trace(TraceEvent),
    /// To [`Request::Syscall`].
    Syscall(SyscallInfo),
    /// To [`Request::Subject`].
    Subject(SubjectEvent),
    /// To [`Request::SubjectDo`].
    SubjectDid(SubjectOutcome),
    /// To [`Request::Block`].
    Block(BlockOutcome),
    /// To [`Request::Peek`].
    Bytes(Vec<u8>),
    /// To [`Request::BlockDevices`].
    BlockDevices(Vec<BlockDevice>),
    /// To [`Request::Run`]: what the program wrote.
    Output {
        /// Where to.
        stream: OutputStream,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// To [`Request::Run`]: how the program ended.
    Exited(ProgramEnd),
    /// To [`LabRequest::Status`] and, on every change, to [`LabRequest::Watch`].
    Lab(Box<LabStatus>),
    /// To [`LabRequest::Mark`] and [`LabRequest::Marks`].
    Marks(Vec<MarkInfo>),
    /// To [`LabRequest::Console`]: bytes of the serial console.
    Console(Vec<u8>),
    /// To [`Request::LeftSubjects`]: their process ids, the lowest first.
    Subjects(Vec<i32>),
    /// To [`Request::Inventory`].
    Inventory(Inventory),
}
