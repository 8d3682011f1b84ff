// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside syscall`: the system call that is built into the lab's kernel.

use clap::Args;

use super::output::say;
use super::{Connection, Outcome};
use crate::kernel::call::ask;
use crate::kernel::{Request, put, question};

/// Make Ringside's own system call, and show its number, calls and message
///
///     ringside syscall                          show them
///     ringside syscall --times 3                make the call three times
///     ringside syscall --message 'hello'        set what it logs
///
/// The number is not written down anywhere: the kernel tells it in
/// /sys/kernel/my_syscall/number. On Linux 7.3 it is 473, the first that is free.
/// Course material says 463, which was the first free one up to Linux 6.12; since
/// 6.13 it is setxattrat, and a call without arguments gets EINVAL. 548, which
/// other material uses, lies behind the last number that there is: ENOSYS.
///
/// `ringside kmsg` shows what the calls have logged.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Syscall {
    /// Make the call this many times
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    times: Option<u32>,
    /// Set the message first
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Syscall {
    /// Does it and prints what came of it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let target = connection.open()?;
        if let Some(message) = self.message.clone() {
            ask(&*target, Request::SetSyscallMessage { message }, &[])?;
        }
        if let Some(times) = self.times {
            ask(&*target, Request::CallSyscall { times }, &[])?;
        }
        let info = put(&*target, question::Syscall)?;
        let text =
            format!("number   {}\ncalls    {}\nmessage  {}", info.number, info.calls, info.message);
        say(self.json, &text, &info)?;
        Ok(0)
    }
}
