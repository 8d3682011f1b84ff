// SPDX-License-Identifier: GPL-2.0
//! my_syscall: a system call of our own, in Rust, built into the kernel.
//!
//! A module cannot add a system call: the table is fixed when the kernel is
//! built. So this file is copied into the kernel's sources as
//! `kernel/my_syscall.rs`, and `assets/kernel/my_syscall.patch` adds one line to
//! the table and one to the Makefile. It stands alone: it can use nothing of
//! `modules/support`.
//!
//! The call takes no arguments and returns 0. It logs a message, and who called:
//! at most [`LINES_PER_SECOND`] lines each second, because anyone may call it.
//!
//! Try it, as root, in a kernel that has it:
//!
//! ```text
//! # cat /sys/kernel/my_syscall/number
//! 473
//! # python3 -c 'import ctypes; print(ctypes.CDLL(None).syscall(473))'
//! 0
//! # dmesg | tail -n 1
//! my_syscall: Hello from a system call in Rust (called by python3, pid 71, uid 0)
//! # echo 'Spring has come' > /sys/kernel/my_syscall/message
//! # cat /sys/kernel/my_syscall/calls
//! 1
//! ```

use kernel::{
    bindings,
    ffi::{c_char, c_long},
    fmt,
    prelude::*,
    sync::atomic::{Acquire, Atomic, Relaxed, Release},
};

/// The longest message in bytes; `uapi` has the same limit.
const MESSAGE_MAX: usize = 127;

/// How many calls are logged each second; the others are only counted.
const LINES_PER_SECOND: u32 = 20;

module! {
    type: MySyscall,
    name: "my_syscall",
    authors: ["The Ringside authors"],
    description: "A system call that says hello",
    license: "GPL",
}

/// The number in the system call table this kernel was built with.
const NUMBER: u32 = number_of(
    include_str!(concat!(
        env!("OBJTREE"),
        "/arch/x86/include/generated/uapi/asm/unistd_64.h"
    ))
    .as_bytes(),
    b"#define __NR_my_syscall ",
);

/// The number behind `name` in a generated header.
const fn number_of(header: &[u8], name: &[u8]) -> u32 {
    let mut start = 0;
    while start + name.len() < header.len() {
        let mut i = 0;
        while i < name.len() && header[start + i] == name[i] {
            i += 1;
        }
        if i == name.len() {
            let mut number = 0;
            let mut at = start + i;
            while at < header.len() && header[at].is_ascii_digit() {
                number = number * 10 + (header[at] - b'0') as u32;
                at += 1;
            }
            return number;
        }
        start += 1;
    }
    panic!("my_syscall is not in this kernel's system call table: apply my_syscall.patch")
}

/// A message: bytes that need not be UTF-8.
#[derive(Clone, Copy)]
struct Message {
    bytes: [u8; MESSAGE_MAX],
    length: usize,
}

impl Message {
    const fn new(text: &[u8]) -> Self {
        assert!(text.len() <= MESSAGE_MAX);
        let mut bytes = [0; MESSAGE_MAX];
        let mut i = 0;
        while i < text.len() {
            bytes[i] = text[i];
            i += 1;
        }
        Self {
            bytes,
            length: text.len(),
        }
    }

    /// A message as `echo` writes it: one line end is not part of it.
    fn parse(written: &[u8]) -> Result<Self> {
        let text = written.strip_suffix(b"\n").unwrap_or(written);
        if text.len() > MESSAGE_MAX || text.contains(&0) {
            pr_warn!(
                "message refused (EINVAL): {} bytes, and {MESSAGE_MAX} are the most, none of them NUL\n",
                text.len()
            );
            return Err(EINVAL);
        }
        Ok(Self::new(text))
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&self.bytes)
    }
}

/// Bytes as text that cannot forge a log line: UTF-8 as it is, control
/// characters and bytes that are no UTF-8 as escapes.
struct Escaped<'a>(&'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use core::fmt::Write as _;
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if character.is_control() {
                    write!(f, "\\x{:02x}", u32::from(character))?;
                } else {
                    f.write_char(character)?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

kernel::sync::global_lock! {
    // SAFETY: Initialised when the kernel starts, before `READY` is set, and
    // used only after that.
    unsafe(uninit) static MESSAGE: Mutex<Message> =
        Message::new(b"Hello from a system call in Rust");
}

/// 1 when [`MESSAGE`] can be used.
static READY: Atomic<u32> = Atomic::new(0);

/// Calls since the kernel started.
static CALLS: Atomic<u64> = Atomic::new(0);

/// The ticks at which the current second of the log began, and the lines that
/// were asked for in it.
static SECOND: Atomic<usize> = Atomic::new(0);
static LINES: Atomic<u32> = Atomic::new(0);

/// The message as it is now.
fn message() -> Message {
    *MESSAGE.lock()
}

/// Whether one more line may go to the log now.
fn may_log() -> bool {
    // SAFETY: The tick counter is always there; the timer interrupt changes it.
    let now = unsafe { core::ptr::read_volatile(&raw const bindings::jiffies) } as usize;
    let second = SECOND.load(Relaxed);
    if now.wrapping_sub(second) >= bindings::HZ as usize
        && SECOND.cmpxchg(second, now, Relaxed).is_ok()
    {
        let left_out = LINES.xchg(0, Relaxed).saturating_sub(LINES_PER_SECOND);
        if left_out > 0 {
            pr_info!("{left_out} calls were counted and not logged\n");
        }
    }
    LINES.fetch_add(1, Relaxed) < LINES_PER_SECOND
}

/// The name of the calling thread: its first 15 bytes.
fn comm() -> Message {
    let mut name = [0; bindings::TASK_COMM_LEN as usize];
    for (i, byte) in name.iter_mut().enumerate() {
        // SAFETY: A task has so many bytes of a name. Another thread may change
        // them meanwhile; what is read then is a mixture, but nothing else.
        *byte = unsafe { (&raw const (*current!().as_ptr()).comm[i]).read_volatile() };
    }
    let length = name.iter().position(|byte| *byte == 0);
    Message::new(name.get(..length.unwrap_or(name.len())).unwrap_or(&name))
}

/// What the system call does.
fn say_hello() {
    CALLS.add(1, Relaxed);
    if READY.load(Acquire) == 0 || !may_log() {
        return;
    }
    let task = current!();
    let uid = task.uid();
    // SAFETY: The first user namespace is always there.
    let uid = unsafe { bindings::from_kuid(&raw mut bindings::init_user_ns, uid.into_raw()) };
    pr_info!(
        "{} (called by {}, pid {}, uid {uid})\n",
        Escaped(message().as_bytes()),
        Escaped(comm().as_bytes()),
        task.tgid()
    );
}

/// The entry in the system call table.
///
/// # Safety
///
/// The kernel calls this for a process, with its registers.
#[no_mangle]
unsafe extern "C" fn __x64_sys_my_syscall(_registers: *const bindings::pt_regs) -> c_long {
    say_hello();
    0
}

type Attribute = bindings::kobj_attribute;

/// # Safety
///
/// The kernel calls this with a buffer of one page.
unsafe extern "C" fn show_number(
    _kobject: *mut bindings::kobject,
    _attribute: *mut Attribute,
    buffer: *mut c_char,
) -> isize {
    // SAFETY: By this function's contract.
    unsafe { bindings::sysfs_emit(buffer, c"%u\n".as_ptr().cast(), NUMBER) as isize }
}

/// # Safety
///
/// The kernel calls this with a buffer of one page.
unsafe extern "C" fn show_calls(
    _kobject: *mut bindings::kobject,
    _attribute: *mut Attribute,
    buffer: *mut c_char,
) -> isize {
    // SAFETY: By this function's contract.
    unsafe { bindings::sysfs_emit(buffer, c"%llu\n".as_ptr().cast(), CALLS.load(Relaxed)) as isize }
}

/// # Safety
///
/// The kernel calls this with a buffer of one page.
unsafe extern "C" fn show_message(
    _kobject: *mut bindings::kobject,
    _attribute: *mut Attribute,
    buffer: *mut c_char,
) -> isize {
    let message = message();
    let text = message.as_bytes();
    // SAFETY: By this function's contract; the precision bounds the read.
    let written = unsafe {
        bindings::sysfs_emit(
            buffer,
            c"%.*s\n".as_ptr().cast(),
            text.len() as c_int,
            text.as_ptr(),
        )
    };
    written as isize
}

/// # Safety
///
/// The kernel calls this with a buffer of `count` bytes.
unsafe extern "C" fn store_message(
    _kobject: *mut bindings::kobject,
    _attribute: *mut Attribute,
    buffer: *const c_char,
    count: usize,
) -> isize {
    // SAFETY: By this function's contract.
    let written = unsafe { core::slice::from_raw_parts(buffer.cast::<u8>(), count) };
    match Message::parse(written) {
        Ok(message) => {
            *MESSAGE.lock() = message;
            count as isize
        }
        Err(error) => error.to_errno() as isize,
    }
}

type Show = unsafe extern "C" fn(*mut bindings::kobject, *mut Attribute, *mut c_char) -> isize;
type Store =
    unsafe extern "C" fn(*mut bindings::kobject, *mut Attribute, *const c_char, usize) -> isize;

/// Makes a file in the folder. It is there as long as the kernel runs.
fn add_file(
    folder: *mut bindings::kobject,
    name: &'static CStr,
    mode: u16,
    show: Show,
    store: Option<Store>,
) -> Result {
    let mut attribute = Attribute::default();
    attribute.attr.name = name.as_ptr().cast();
    attribute.attr.mode = mode;
    #[cfg(CONFIG_DEBUG_LOCK_ALLOC)]
    {
        attribute.attr.key = kernel::static_lock_class!().as_ptr();
    }
    attribute.__bindgen_anon_1.show = Some(show);
    attribute.__bindgen_anon_2.store = store;
    let attribute = KBox::leak(KBox::new(attribute, GFP_KERNEL)?);
    // SAFETY: The folder exists, and the attribute lives for ever.
    kernel::error::to_result(unsafe {
        bindings::sysfs_create_file_ns(folder, &attribute.attr, core::ptr::null())
    })
}

/// What sets up `/sys/kernel/my_syscall/` when the kernel starts.
struct MySyscall;

impl kernel::Module for MySyscall {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // SAFETY: Called exactly once, and `READY` is not set yet.
        unsafe { MESSAGE.init() };
        READY.store(1, Release);
        // SAFETY: /sys/kernel has been made by now.
        let folder = unsafe {
            bindings::kobject_create_and_add(c"my_syscall".as_ptr().cast(), bindings::kernel_kobj)
        };
        if folder.is_null() {
            return Err(ENOMEM);
        }
        add_file(folder, c"number", 0o444, show_number, None)?;
        add_file(folder, c"calls", 0o444, show_calls, None)?;
        add_file(folder, c"message", 0o644, show_message, Some(store_message))?;
        pr_info!("system call {NUMBER}\n");
        Ok(Self)
    }
}

#[kunit_tests(my_syscall)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_that_of_the_table() {
        assert_eq!(number_of(b"x\n#define A 12\n#define AB 7\n", b"#define AB "), 7);
        assert!(NUMBER >= 473);
    }

    #[test]
    fn one_line_end_is_no_part_of_a_message() -> Result {
        assert_eq!(Message::parse(b"hello\n")?.as_bytes(), b"hello");
        assert_eq!(Message::parse(b"hello\n\n")?.as_bytes(), b"hello\n");
        assert_eq!(Message::parse(b"")?.as_bytes(), b"");
        Ok(())
    }

    #[test]
    fn a_message_that_is_too_long_is_refused() {
        assert!(Message::parse(&[b'x'; MESSAGE_MAX]).is_ok());
        assert!(Message::parse(&[b'x'; MESSAGE_MAX + 1]).is_err());
        assert!(Message::parse(b"a\0b").is_err());
    }
}
