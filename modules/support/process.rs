// SPDX-License-Identifier: GPL-2.0
//! Processes as such: not their tasks, which come and go, nor their numbers,
//! which are used again.
//!
//! C header: [`include/linux/pid.h`](srctree/include/linux/pid.h)

use core::ptr::NonNull;
use kernel::{bindings, prelude::*, sync::rcu};

/// A process, that is to say a thread group, dead or alive.
///
/// Two values are equal if they are the same process; a new process with the number of one that
/// has ended is another.
///
/// # Invariants
///
/// `pid` points to the `struct pid` of a thread group, and `self` owns a reference to it.
pub(crate) struct Process {
    pid: NonNull<bindings::pid>,
}

// SAFETY: A reference to a `struct pid` may be dropped by any thread.
unsafe impl Send for Process {}
// SAFETY: `&Process` allows only what any number of threads may do at once.
unsafe impl Sync for Process {}

impl Process {
    /// The process that runs now.
    pub(crate) fn current() -> Self {
        // SAFETY: The current task is valid while it runs, and it has a thread group.
        let pid = unsafe {
            bindings::get_task_pid(
                kernel::task::Task::current_raw(),
                bindings::pid_type_PIDTYPE_TGID,
            )
        };
        // INVARIANT: `get_task_pid` took a reference; a running task's thread group has a pid.
        Self {
            // SAFETY: As said, it is not null.
            pid: unsafe { NonNull::new_unchecked(pid) },
        }
    }

    /// The process, with memory of its own to map things into, that has a thread with the number
    /// `number` in the caller's namespace.
    ///
    /// `EINVAL` if that can't be a number of one, `ESRCH` if there is none.
    pub(crate) fn find(number: i32) -> Result<Self> {
        if number <= 0 {
            return Err(EINVAL);
        }
        // The look-ups are valid under RCU; only the last result takes a reference.
        let _rcu = rcu::read_lock();
        // SAFETY: We hold the RCU read lock; any number may be asked for.
        let task = unsafe {
            bindings::pid_task(bindings::find_vpid(number), bindings::pid_type_PIDTYPE_PID)
        };
        if task.is_null() {
            return Err(ESRCH);
        }
        // SAFETY: The task is valid under RCU; its flags may change meanwhile, but not this one.
        if unsafe { (&raw const (*task).flags).read_volatile() } & bindings::PF_KTHREAD != 0 {
            return Err(ESRCH);
        }
        // SAFETY: The task is valid under RCU.
        let pid = unsafe { bindings::get_task_pid(task, bindings::pid_type_PIDTYPE_TGID) };
        // A task that is being reaped has lost its thread group already.
        // INVARIANT: `get_task_pid` took a reference.
        Ok(Self { pid: NonNull::new(pid).ok_or(ESRCH)? })
    }

    /// Is there still a task of this process, be it a zombie?
    pub(crate) fn is_alive(&self) -> bool {
        let _rcu = rcu::read_lock();
        // SAFETY: By the type invariants the pid is valid; we hold the RCU read lock.
        !unsafe { bindings::pid_task(self.pid.as_ptr(), bindings::pid_type_PIDTYPE_TGID) }.is_null()
    }
}

impl PartialEq for Process {
    fn eq(&self, other: &Self) -> bool {
        self.pid == other.pid
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SAFETY: By the type invariants we own a reference, and give it up here.
        unsafe { bindings::put_pid(self.pid.as_ptr()) };
    }
}
