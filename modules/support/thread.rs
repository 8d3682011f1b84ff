// SPDX-License-Identifier: GPL-2.0
//! Kernel threads that end when their handle is dropped.

use super::helpers::{ringside_sched_idle, ringside_set_interruptible, ringside_set_running};
use core::ptr::NonNull;
use kernel::{
    bindings, error::from_err_ptr, fmt, prelude::*, str::CString, sync::aref::ARef, task::Task,
    time::Delta, types::NotThreadSafe,
};

/// A kernel thread. Dropping it tells the thread to stop, wakes it, and waits
/// until it has ended, so what its body borrows from the module stays valid.
///
/// The body must return soon after [`Current::should_stop`] says so; the waits
/// in this folder that can last ([`Current::wait`], `Semaphore::down`) end by
/// themselves then. It may return earlier. A body that owns its own handle
/// waits for itself forever.
///
/// As all registrations of the kernel's Rust code a handle must not be leaked:
/// the module's code goes, and the thread would stay.
pub(crate) struct Thread {
    task: ARef<Task>,
    body: *mut c_void,
    free_body: unsafe fn(*mut c_void),
}

// SAFETY: The body is touched only by the thread itself and, after that has
// ended, by `drop`; it is `Send`.
unsafe impl Send for Thread {}
// SAFETY: As above: `&Thread` only allows to wake the task.
unsafe impl Sync for Thread {}

impl Thread {
    /// Starts a thread that runs when the processor has nothing else to do, or
    /// little: as [`SCHED_IDLE`]. Of its name the first 15 bytes show in `ps`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, `EAGAIN` at the limit of threads, `EINTR` when the process that
    /// starts it is killed.
    ///
    /// [`SCHED_IDLE`]: https://man7.org/linux/man-pages/man7/sched.7.html
    pub(crate) fn start_idle<F>(name: fmt::Arguments<'_>, body: F) -> Result<Self>
    where
        F: FnOnce(&Current) + Send + 'static,
    {
        let name = CString::try_from_fmt(name)?;
        let body = KBox::into_raw(KBox::new(Some(body), GFP_KERNEL)?).cast::<c_void>();
        // SAFETY: `run::<F>` takes what `body` points to. The name is copied.
        let task = from_err_ptr(unsafe {
            bindings::kthread_create_on_node(
                Some(Self::run::<F>),
                body,
                bindings::NUMA_NO_NODE,
                c"%s".as_ptr().cast(),
                name.as_ptr(),
            )
        });
        let task = match task.and_then(|task| NonNull::new(task.cast::<Task>()).ok_or(ENOMEM)) {
            // SAFETY: A thread that was created waits to be woken and exists until then. `Task`
            // is a transparent wrapper of what this points to.
            Ok(task) => ARef::from(unsafe { task.as_ref() }),
            Err(error) => {
                // SAFETY: There is no thread, so the body is still ours.
                unsafe { Self::free::<F>(body) };
                return Err(error);
            }
        };
        let thread = Self { task, body, free_body: Self::free::<F> };
        // SAFETY: We hold a reference to the task.
        kernel::error::to_result(unsafe { ringside_sched_idle(thread.task.as_ptr()) })?;
        thread.wake();
        Ok(thread)
    }

    /// Ends a wait of the thread, so that it looks at its condition again.
    pub(crate) fn wake(&self) {
        self.task.wake_up();
    }

    /// # Safety
    ///
    /// The kernel calls this once in the new thread, with the body made by
    /// [`Self::start`] for the same `F`.
    unsafe extern "C" fn run<F: FnOnce(&Current)>(body: *mut c_void) -> c_int {
        // SAFETY: `body` lives until the handle is dropped, which waits for
        // this thread; meanwhile nobody else looks at it.
        let body = unsafe { &mut *body.cast::<Option<F>>() };
        if let Some(body) = body.take() {
            body(&Current(NotThreadSafe));
        }
        0
    }

    /// # Safety
    ///
    /// `body` was made by [`Self::start`] for the same `F`, and the thread has
    /// ended or never was.
    unsafe fn free<F>(body: *mut c_void) {
        // SAFETY: By this function's contract. A thread that was stopped before
        // it first ran has not taken the body out: then it is dropped here.
        drop(unsafe { KBox::from_raw(body.cast::<Option<F>>()) });
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // SAFETY: We hold a reference, so it may have ended already. When this
        // returns, the thread is past all code of ours.
        unsafe { bindings::kthread_stop(self.task.as_ptr()) };
        // SAFETY: The thread has ended.
        unsafe { (self.free_body)(self.body) };
    }
}

/// The thread was told to stop.
pub(crate) struct Stopped;

/// How long to wait.
pub(crate) enum Wait {
    /// Until somebody wakes the thread.
    Woken,
    /// So long at most.
    AtMost(Delta),
}

/// The kernel thread that runs just now: only its body has one.
pub(crate) struct Current(NotThreadSafe);

impl Current {
    /// Whether the handle is being dropped.
    pub(crate) fn should_stop(&self) -> bool {
        // SAFETY: Only bodies of kernel threads have a `Current`.
        unsafe { bindings::kthread_should_stop() }
    }

    /// Waits until `how_long` says `None`. It is asked first, whenever the time
    /// it said is over, and whenever the thread is woken: who changes what it
    /// looks at and then calls [`Thread::wake`] is sure to be noticed.
    ///
    /// `how_long` must not sleep.
    ///
    /// # Errors
    ///
    /// [`Stopped`] as soon as the thread is told to stop.
    pub(crate) fn wait(&self, mut how_long: impl FnMut() -> Option<Wait>) -> Result<(), Stopped> {
        loop {
            // Before looking: a wake-up between the look and the sleep makes
            // the sleep return at once.
            // SAFETY: It concerns the current thread only.
            unsafe { ringside_set_interruptible() };
            let wait = if self.should_stop() { Err(Stopped) } else { Ok(how_long()) };
            match wait {
                Ok(Some(Wait::Woken)) => {
                    // SAFETY: A kernel thread may sleep.
                    unsafe { bindings::schedule() };
                }
                Ok(Some(Wait::AtMost(time))) => {
                    let mut nanos = time.as_nanos().max(0);
                    // A little late is fine and lets timers come together.
                    let slack = (nanos as u64 / 64).min(50_000);
                    // SAFETY: A kernel thread may sleep, and `nanos` outlives
                    // the call.
                    unsafe {
                        bindings::schedule_hrtimeout_range(
                            &mut nanos,
                            slack,
                            bindings::hrtimer_mode_HRTIMER_MODE_REL,
                        )
                    };
                }
                Ok(None) | Err(Stopped) => {
                    // SAFETY: It concerns the current thread only.
                    unsafe { ringside_set_running() };
                    return wait.map(|_| ());
                }
            }
        }
    }
}
