// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a subject touches memory, and what it says when that kills it.
//!
//! A signal handler on a stack of its own looks at what the processor reported,
//! at the mapping and at the page table, writes it to the agent, and lets the
//! signal kill the process, so that its end looks as it would for any program.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use nix::libc;
use ringside_uapi::memalloc::{DEVICE, WALK, WalkInfo};

use crate::kernel::api::Walk;
use crate::kernel::local::subject_link::FaultRecord;

/// The socket to the agent.
pub(super) const SOCKET: RawFd = 0;
/// Bytes of the signal handler's stack.
const HANDLER_STACK: usize = 64 * 1024;
/// Bytes of the address space's listing that are read at one time.
const CHUNK: usize = 1024;
/// Longer than the device's name, so that a zero ends it.
const PATH_MAX: usize = 32;

const _: () = assert!(DEVICE.len() < PATH_MAX);

/// What is being touched, so that the handler can say it where the processor
/// doesn't.
static TOUCHED: AtomicU64 = AtomicU64::new(0);
static STORING: AtomicU32 = AtomicU32::new(0);

/// Has SIGSEGV and SIGBUS handled on a stack of their own, once.
pub(super) fn catch_faults() -> std::io::Result<()> {
    let check = |result: i32| match result {
        -1 => Err(std::io::Error::last_os_error()),
        _ => Ok(()),
    };
    // The stack lives as long as the process.
    let stack: &'static mut [u8] = Box::leak(vec![0; HANDLER_STACK].into_boxed_slice());
    let stack =
        libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: stack.len() };
    // SAFETY: the stack is memory of ours that is never freed or used
    // otherwise; the handler has the signature that SA_SIGINFO asks for and
    // does only what is allowed in a signal handler.
    unsafe {
        check(libc::sigaltstack(&raw const stack, std::ptr::null_mut()))?;
        let mut action: libc::sigaction = std::mem::zeroed();
        let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = on_fault;
        action.sa_sigaction = handler as usize;
        // After the handler, the access is tried again and its signal then does
        // what it does by default.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESETHAND;
        check(libc::sigemptyset(&raw mut action.sa_mask))?;
        for signal in [libc::SIGSEGV, libc::SIGBUS] {
            check(libc::sigaction(signal, &raw const action, std::ptr::null_mut()))?;
        }
    }
    Ok(())
}

extern "C" fn on_fault(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel hands a signal handler both structures.
    let (code, address, registers) = unsafe {
        let registers = (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
        ((*info).si_code, (*info).si_addr() as u64, registers)
    };
    let mut record = FaultRecord {
        signal,
        code,
        address,
        error: registers[libc::REG_ERR as usize] as u64,
        trap: registers[libc::REG_TRAPNO as usize] as u64,
        storing: STORING.load(Ordering::Relaxed) != 0,
        touched: TOUCHED.load(Ordering::Relaxed),
        ..FaultRecord::default()
    };
    let place = record.place();
    record.permissions = with_bytes_of(c"/proc/self/maps", |next| permissions_at(place, next));
    record.walk = walk(place);
    let bytes = record.to_bytes();
    // SAFETY: `write` and `raise` may be called in a signal handler; raising
    // the signal again with its default action is how a handler lets it have
    // its effect.
    unsafe {
        libc::write(SOCKET, bytes.as_ptr().cast(), bytes.len());
        if code <= 0 {
            // Sent by a process: no access will be tried again.
            libc::raise(signal);
        }
    }
}

/// The page-table entries for an address, where memalloc is loaded.
fn walk(vaddr: u64) -> Option<Walk> {
    let mut path = [0_u8; PATH_MAX];
    path[..DEVICE.len()].copy_from_slice(DEVICE.as_bytes());
    let mut info = WalkInfo { vaddr, ..WalkInfo::default() };
    // SAFETY: the path ends with a zero, since it is longer than the device's
    // name; WALK takes this struct and touches no other memory. The three are
    // bare system calls, which a signal handler may make.
    let result = unsafe {
        let device = libc::open(path.as_ptr().cast(), libc::O_RDONLY | libc::O_CLOEXEC);
        if device < 0 {
            return None;
        }
        let result = libc::ioctl(device, u64::from(WALK) as _, &raw mut info);
        libc::close(device);
        result
    };
    let WalkInfo { vaddr, levels, depth, entry } = info;
    (result >= 0).then_some(Walk { vaddr, levels, depth, entry })
}

/// Reads a file byte by byte, as far as a signal handler may.
fn with_bytes_of<T>(
    path: &std::ffi::CStr,
    read: impl FnOnce(&mut dyn FnMut() -> Option<u8>) -> Option<T>,
) -> Option<T> {
    // SAFETY: the path ends with a zero, the buffer is as long as is said; the
    // three are bare system calls, which a signal handler may make.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if file < 0 {
            return None;
        }
        let mut buffer = [0_u8; CHUNK];
        let (mut at, mut end) = (0, 0);
        let found = read(&mut || {
            if at == end {
                let count = libc::read(file, buffer.as_mut_ptr().cast(), buffer.len());
                (at, end) = (0, usize::try_from(count).unwrap_or(0));
            }
            let byte = buffer[..end].get(at).copied();
            at += 1;
            byte
        });
        libc::close(file);
        found
    }
}

/// The permissions of the mapping that covers an address (`rw-s`), from the
/// bytes of `/proc/self/maps`. Allocates nothing.
fn permissions_at(address: u64, next: &mut dyn FnMut() -> Option<u8>) -> Option<[u8; 4]> {
    loop {
        let start = hexadecimal(next, b'-')?;
        let end = hexadecimal(next, b' ')?;
        let mut permissions = [0; 4];
        for permission in &mut permissions {
            *permission = next()?;
        }
        if (start..end).contains(&address) {
            return Some(permissions);
        }
        while next()? != b'\n' {}
    }
}

/// A number that ends with this byte.
fn hexadecimal(next: &mut dyn FnMut() -> Option<u8>, until: u8) -> Option<u64> {
    let mut number = 0;
    loop {
        match next()? {
            byte if byte == until => return Some(number),
            byte => number = number << 4 | u64::from(char::from(byte).to_digit(16)?),
        }
    }
}

/// Loads one byte, or dies.
pub(super) fn load(address: u64) -> u8 {
    STORING.store(0, Ordering::Relaxed);
    TOUCHED.store(address, Ordering::Relaxed);
    // SAFETY: none can be given: touching any address, and dying of it, is
    // what this process is for. By assembler, so that the compiler makes no
    // assumption about the address (such as that it is not null).
    unsafe {
        let byte: u8;
        std::arch::asm!("mov {byte}, [{address}]", byte = out(reg_byte) byte, address = in(reg) address,
            options(nostack, readonly, preserves_flags));
        byte
    }
}

/// Stores one byte, or dies.
pub(super) fn store(address: u64, byte: u8) {
    STORING.store(1, Ordering::Relaxed);
    TOUCHED.store(address, Ordering::Relaxed);
    // SAFETY: as for `load`; a store into this process's own memory harms this
    // process only.
    unsafe {
        std::arch::asm!("mov [{address}], {byte}", address = in(reg) address, byte = in(reg_byte) byte,
            options(nostack, preserves_flags));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_loaded_and_stored_where_told() {
        let mut bytes = [1_u8, 2, 3];
        let address = bytes.as_mut_ptr() as u64;
        store(address + 1, 77);
        assert_eq!(load(address + 1), 77);
        assert_eq!(bytes, [1, 77, 3]);
    }

    #[test]
    fn the_mapping_that_covers_an_address_is_found_among_all() {
        let text = "1000-3000 r--p 00000000 00:05 123          /a b\n\
                    3000-4000 ---p 00000000 00:00 0 \n\
                    ffffffffff600000-ffffffffff601000 --xp 0 00:00 0      [vsyscall]\n";
        let at = |address| {
            let mut bytes = text.bytes();
            permissions_at(address, &mut || bytes.next())
        };
        assert_eq!(at(0x2fff), Some(*b"r--p"));
        assert_eq!(at(0x3000), Some(*b"---p"));
        assert_eq!(at(0xffff_ffff_ff60_0fff), Some(*b"--xp"));
        assert_eq!((at(0), at(0x4000)), (None, None));
    }

    #[test]
    fn this_process_finds_its_own_code_among_its_mappings() {
        let code = permissions_at as *const () as u64;
        let found = with_bytes_of(c"/proc/self/maps", |next| permissions_at(code, next));
        assert_eq!(found, Some(*b"r-xp"));
    }
}
