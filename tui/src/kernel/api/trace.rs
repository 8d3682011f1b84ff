// SPDX-License-Identifier: MIT OR Apache-2.0
//! The calls of a module's functions.

use serde::{Deserialize, Serialize};

/// The registers that carry a function's first six words on x86-64, as
/// [`LastCall::registers`] has them.
pub const ARGUMENT_REGISTERS: [&str; 6] = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"];

impl std::fmt::Display for Unprobed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::NotWanted => "not asked for",
            Self::Library => "a library's code in the module; name it to trace it",
            Self::Blacklisted => "the kernel forbids probes in it (blacklist)",
            Self::Part => "a rarely used part of a function, split off by the compiler",
            Self::TooMany => "too many at one time; name those that matter",
            Self::Refused(why) => return write!(out, "the kernel refused: {why}"),
        })
    }
}

/// What a trace says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TraceEvent {
    /// The module's functions, once they are probed: first of all, and again when
    /// the module was loaded again.
    Functions(Vec<TracedFunction>),
    /// What was called since the last such event, if anything was.
    Calls(TraceCalls),
    /// The module was unloaded. Its probes are gone; it is waited for.
    Unloaded,
}

/// A function of the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedFunction {
    /// Its symbol, as the kernel has it.
    pub symbol: String,
    /// Why it is not traced; `None` where it is.
    pub unprobed: Option<Unprobed>,
}

/// Why a function is not traced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unprobed {
    /// It was not asked for.
    NotWanted,
    /// It is not the module's own, but compiled into it from a library, and was not
    /// asked for by name.
    Library,
    /// The kernel forbids it.
    Blacklisted,
    /// The compiler split a rarely used part of a function off; it is no function.
    Part,
    /// As many are traced as are possible at one time.
    TooMany,
    /// The kernel refused.
    Refused(String),
}

/// The functions that were called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceCalls {
    /// Milliseconds of the target's monotonic clock.
    pub at_ms: u64,
    /// The milliseconds before that in which it was counted, for rates.
    pub over_ms: u64,
    /// What has changed: index into the list of functions, and all that is known.
    pub functions: Vec<(u32, FunctionCalls)>,
}

/// What is known of one function's calls since its probes are set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCalls {
    /// How often it was called: every call is counted.
    pub calls: u64,
    /// Calls whose entry or return the kernel had no room to notice.
    pub missed: u64,
    /// Calls of which the time was taken: all, until they come too fast.
    pub measured: u64,
    /// The median of the newest [`RECENT`] times, in nanoseconds.
    pub median_ns: u64,
    /// The longest time, in nanoseconds.
    pub longest_ns: u64,
    /// The last call that was recorded.
    pub last: Option<LastCall>,
}

/// Of so many times a median is taken.
pub const RECENT: usize = 1024;

/// A call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastCall {
    /// When it began, in nanoseconds of the target's monotonic clock.
    pub at_ns: u64,
    /// The task it was made by.
    pub pid: i32,
    /// The task's name.
    pub comm: String,
    /// What [`ARGUMENT_REGISTERS`] held when it began.
    pub registers: [u64; 6],
    /// The register for the result (`rax`) and the time it took in nanoseconds,
    /// once it has returned.
    pub returned: Option<(u64, u64)>,
    /// Who called it, innermost first: `function+0x10/0x30 [module]`.
    pub stack: Vec<String>,
}
