// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel, its modules, their counters, its log.

use serde::{Deserialize, Serialize};

/// The largest image of a module that is taken: debug information makes a module
/// of a few kilobytes one of several megabytes.
pub const IMAGE_MAX: usize = 64 << 20;

/// Which kernel a target is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelInfo {
    /// `uname -r`.
    pub release: String,
    /// `uname -m`.
    pub machine: String,
    /// Milliseconds since this kernel booted.
    pub uptime_ms: u64,
    /// Is it a guest of a Ringside lab (`ringside=1` on its command line)?
    pub guest: bool,
    /// May the agent load modules and write controls (is it root)?
    pub root: bool,
    /// Page-table levels the processor uses: 4 or 5.
    pub page_table_levels: u8,
    /// `/proc/sys/kernel/tainted`.
    pub taint: u64,
    /// Processors online.
    pub processors: u32,
    /// Memory in KiB: total and available.
    pub memory_kib: (u64, u64),
    /// What this kernel or agent can't do, each with the reason.
    pub missing: Vec<Missing>,
}

/// What there is in a kernel at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// Processes and kernel threads, in no order.
    pub processes: Vec<ProcessInfo>,
    /// The names in `/proc/devices` and `/proc/misc`, one for each line.
    pub devices: Vec<String>,
    /// The names of the loaded modules.
    pub modules: Vec<String>,
    /// `MemAvailable` of `/proc/meminfo`.
    pub available_kib: u64,
}

/// A process, or a kernel thread, whose parent is process 2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessInfo {
    /// Its process id.
    pub pid: i32,
    /// Its name, as `/proc/<pid>/stat` has it; of a kernel thread at most 63 characters.
    pub name: String,
    /// `R`, `S`, `D`, `I`, `T`, `t`, `Z` or `X`, as in `proc_pid_stat(5)`.
    pub state: char,
    /// The process id of its parent.
    pub parent: i32,
}

impl ProcessInfo {
    /// Is it a thread of the kernel's: a child of kthreadd, which is process 2?
    pub fn is_kernel_thread(&self) -> bool {
        self.parent == 2
    }
}

/// A capability that a target lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// What is missing.
    pub capability: Capability,
    /// Why, in one sentence.
    pub reason: String,
}

/// What a panel may need of its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Capability {
    /// Load and unload modules.
    Modules,
    /// Read the kernel log.
    Kmsg,
    /// Our system call.
    Syscall,
    /// Run subject processes.
    Subjects,
    /// Read and write block devices.
    Block,
    /// The lab's machine controls (reboot, stick, console).
    Lab,
}

/// What `/proc/modules` and `/sys/module/<name>` say of a loaded module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleSummary {
    /// Its name.
    pub name: String,
    /// Tells it from another that was loaded under the same name before or after.
    pub instance: u64,
    /// Bytes it takes.
    pub size: u64,
    /// Its use count; -1 when it can't be unloaded.
    pub users: i32,
    /// The modules that use it.
    pub used_by: Vec<String>,
    /// The kernel's word: `Live`, `Loading`, `Unloading`.
    pub state: String,
    /// Taint letters; empty when it taints nothing.
    pub taint: String,
    /// Has it a `counters` folder?
    pub counters: bool,
    /// Did it oops since it was loaded, so that it can't be used until a reboot?
    pub broken: bool,
    /// Identifies the build of its file, in hex; empty when it has none.
    pub build_id: Box<str>,
    /// Is it Ringside's own, or does it count as that does? One that only bears
    /// the name of one of ours is not.
    pub ours: bool,
}

/// A kernel thread, by `/proc`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelThread {
    /// Its number.
    pub pid: i32,
    /// Its name.
    pub name: String,
    /// `running`, `sleeping`, `waiting, not to be interrupted`, …
    pub state: String,
    /// The kernel function in which it waits; empty while it runs.
    pub waits_in: String,
}

/// Everything a target knows of a loaded module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleDetail {
    /// The short of it.
    pub summary: ModuleSummary,
    /// The modules it uses.
    pub uses: Vec<String>,
    /// `/sys/module/<name>/version`, if any.
    pub version: Option<String>,
    /// `/sys/module/<name>/srcversion`, if any.
    pub srcversion: Option<String>,
    /// Its parameters.
    pub parameters: Vec<ParameterValue>,
    /// Its controls with their values.
    pub controls: Vec<CounterValue>,
    /// Its kernel threads, as far as they can be told from others.
    pub threads: Box<[KernelThread]>,
}

/// A parameter in `/sys/module/<name>/parameters`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterValue {
    /// Its name.
    pub name: String,
    /// Its value; `None` when it can't be read.
    pub value: Option<String>,
    /// Can it be written?
    pub writable: bool,
}

/// Who has a module in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holder {
    /// Another module.
    Module(String),
    /// A process with the module's device open or mapped.
    Process {
        /// Its id.
        pid: i32,
        /// Its name (`comm`).
        comm: String,
        /// What it holds: `/dev/memalloc (fd 3)`, `/dev/memalloc (mapped)`.
        what: String,
    },
}

impl std::fmt::Display for Holder {
    /// `module other`, `cat (pid 7): /dev/kmod (fd 3)`.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Module(module) => write!(out, "module {module}"),
            Self::Process { pid, comm, what } => write!(out, "{comm} (pid {pid}): {what}"),
        }
    }
}

/// A part of a module's table to read with each sample.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TableRange {
    /// The module.
    pub module: String,
    /// The table's name.
    pub table: String,
    /// Bytes from its beginning.
    pub offset: u64,
    /// Bytes, at most 1 MiB.
    pub size: u32,
}

/// Counters of several modules, read at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Milliseconds of the target's monotonic clock.
    pub at_ms: u64,
    /// Per module, in alphabetical order.
    pub modules: Vec<ModuleCounters>,
    /// The tables asked for that could be read.
    pub tables: Vec<TableBytes>,
}

impl Sample {
    /// A sample of one module: counters and controls by name, and tables that were
    /// read from their beginning.
    pub fn of_module(
        at_ms: u64,
        module: &str,
        counters: &[(&str, u64)],
        controls: &[(&str, u64)],
        tables: Vec<(&str, Vec<u8>)>,
    ) -> Self {
        let values = |pairs: &[(&str, u64)]| {
            pairs.iter().map(|(name, value)| CounterValue::new(*name, value)).collect()
        };
        let (counters, controls) = (values(counters), values(controls));
        let table = |(name, bytes): (&str, Vec<u8>)| TableBytes::from_start(module, name, bytes);
        Self {
            at_ms,
            modules: vec![ModuleCounters {
                module: module.into(),
                instance: 1,
                counters,
                controls,
            }],
            tables: tables.into_iter().map(table).collect(),
        }
    }
}

/// The counters of one module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleCounters {
    /// The module.
    pub module: String,
    /// Tells it from another that was loaded under the same name before or after.
    pub instance: u64,
    /// Its counters, in alphabetical order.
    pub counters: Vec<CounterValue>,
    /// Its controls, in alphabetical order; those that can be read.
    pub controls: Vec<CounterValue>,
}

/// One counter or control and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterValue {
    /// The file's name.
    pub name: String,
    /// Its text, without the newline.
    pub value: String,
}

impl CounterValue {
    /// The value that the file `name` holds.
    pub fn new(name: impl Into<String>, value: impl ToString) -> Self {
        Self { name: name.into(), value: value.to_string() }
    }

    /// The value as a number, if it is one.
    pub fn number(&self) -> Option<i64> {
        self.value.parse().ok()
    }
}

/// A part of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableBytes {
    /// What was asked for.
    pub range: TableRange,
    /// What was read: shorter at the end of the table.
    pub bytes: Vec<u8>,
}

impl TableBytes {
    /// A table of `module` that was read from its beginning.
    pub fn from_start(module: &str, table: &str, bytes: Vec<u8>) -> Self {
        Self {
            range: TableRange {
                module: module.into(),
                table: table.into(),
                offset: 0,
                size: bytes.len() as u32,
            },
            bytes,
        }
    }
}

/// A piece of the kernel log as `/dev/kmsg` gave it: whole records, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KmsgText {
    /// The records, each as the kernel writes it.
    pub text: String,
    /// Where the kernel said that it had overwritten records before they were
    /// read: before the record at this offset, or before the next piece's first.
    pub overruns: Vec<u32>,
}

/// Records of the kernel log, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KmsgBatch {
    /// The records.
    pub records: Vec<KmsgRecord>,
}

/// One record of `/dev/kmsg` (`Documentation/ABI/testing/dev-kmsg`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KmsgRecord {
    /// Its sequence number: 64 bits, no gaps unless records were lost.
    pub sequence: u64,
    /// Microseconds since boot, by the kernel's monotonic clock.
    pub at_us: u64,
    /// 0 (emergency) to 7 (debug).
    pub level: u8,
    /// The syslog facility: 0 is the kernel.
    pub facility: u8,
    /// The text, unescaped; may hold anything but is valid UTF-8 (bytes that
    /// are not appear as U+FFFD). A record of several lines holds newlines.
    pub text: String,
    /// The dictionary: `SUBSYSTEM`, `DEVICE`, …
    pub fields: Vec<(String, String)>,
    /// Records lost just before this one (overwritten before they were read).
    pub lost_before: u64,
}

impl KmsgRecord {
    /// The number of the record that follows, if none is lost.
    pub fn next(&self) -> u64 {
        // Whoever sends a record may say any number.
        self.sequence.saturating_add(1)
    }
}

/// Our system call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyscallInfo {
    /// Its number.
    pub number: u32,
    /// Calls since boot.
    pub calls: u64,
    /// What it logs.
    pub message: String,
}
