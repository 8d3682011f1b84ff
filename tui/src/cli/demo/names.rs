// SPDX-License-Identifier: MIT OR Apache-2.0
//! A greeting with parameters, and a system call.

use super::stage::{Stage, count, expect};
use crate::cli::Failure;
use crate::kernel::api::{Request, SyscallInfo};
use crate::kernel::call::ask;
use crate::kernel::{Target, put, question};

/// How often the system call is made.
const CALLS: u32 = 3;
/// What each call logs.
const MESSAGE: &str = "hello from ring 0";

/// Loads my_name, which greets, and unloads it, which says goodbye.
pub(super) fn greet(stage: &mut Stage) -> Result<(), Failure> {
    stage.load(&["charParameter=Demo", "intParameter=2026"])?;
    let counters = stage.tell_counters()?;
    expect(count(&counters, "greetings") == 1, "it has not counted one greeting")?;
    stage.unload()
}

/// Sets the system call's message and makes it.
pub(super) fn call(stage: &mut Stage) -> Result<(), Failure> {
    let before = info(&*stage.target)?;
    let message = MESSAGE.to_owned();
    stage.ask(
        &format!("ringside syscall --message '{MESSAGE}'"),
        Request::SetSyscallMessage { message },
    )?;
    let mut after = SyscallInfo::default();
    stage.act(&format!("ringside syscall --times {CALLS}"), |target| {
        ask(target, Request::CallSyscall { times: CALLS }, &[])?;
        after = info(target)?;
        Ok(format!("number {}, calls {}, message {}", after.number, after.calls, after.message))
    })?;
    expect(after.message == MESSAGE, "the message is another")?;
    let made = after.calls - before.calls;
    expect(made == u64::from(CALLS), format!("{made} calls were counted, not {CALLS}"))
}

fn info(target: &dyn Target) -> Result<SyscallInfo, Failure> {
    Ok(put(target, question::Syscall)?)
}
