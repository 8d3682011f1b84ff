// SPDX-License-Identifier: MIT OR Apache-2.0
//! A subject process: allocates, touches and frees memory on command, by
//! `/dev/memalloc`, and may die of it.
//!
//! Its standard input is a socket to its agent (see `kernel::local::subject_link`).
//! It has one thread. What it does of its own is here, how it touches memory
//! and dies of it in `fault`.

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::libc;
use ringside_uapi::memalloc::{
    ACCESSPAGE, ALLOCATE, AccesspageInfo, AllocInfo, DEVICE, ERRNO_PAGES_LIMIT,
    ERRNO_REQUESTS_LIMIT, FREE, FreeInfo, PAGES_LIMIT, REQUESTS_LIMIT, SHAREPAGE, SharepageInfo,
    WALK, WalkInfo,
};

use super::fault::{SOCKET, catch_faults, load, store};
use crate::kernel::api::{Mapping, SubjectAction, SubjectOutcome, Walk};
use crate::kernel::local::subject_link::{receive, send};
use crate::kernel::{TargetError, TargetResult};

/// Serves the agent until it closes the socket.
///
/// # Errors
/// When standard input is not that socket, or what comes is not understood.
pub fn run() -> std::io::Result<()> {
    nix::sys::prctl::set_name(c"subject")?;
    catch_faults()?;
    // SAFETY: nothing else in this process owns standard input.
    let mut agent = UnixStream::from(unsafe { OwnedFd::from_raw_fd(SOCKET) });
    while let Some(action) = receive::<SubjectAction>(&mut agent)? {
        let answer: TargetResult<SubjectOutcome> = act(action);
        send(&mut agent, &answer)?;
    }
    Ok(())
}

fn act(action: SubjectAction) -> TargetResult<SubjectOutcome> {
    match action {
        SubjectAction::Allocate { vaddr, pages, write } => {
            let mut info =
                AllocInfo { vaddr, num_pages: pages, write: write.into(), padding: [0; 3] };
            let doing = format!("ALLOCATE {pages} pages at {vaddr:#x}");
            ioctl(ALLOCATE, &mut info, &doing).map(|()| SubjectOutcome::Done)
        }
        SubjectAction::Free { vaddr } => {
            let doing = format!("FREE the request at {vaddr:#x}");
            ioctl(FREE, &mut FreeInfo { vaddr }, &doing).map(|()| SubjectOutcome::Done)
        }
        SubjectAction::Share { vaddr, client, write } => {
            let mut info =
                SharepageInfo { vaddr, client_pid: client, write: write.into(), padding: [0; 3] };
            let doing = format!("SHAREPAGE {vaddr:#x} with process {client}");
            ioctl(SHAREPAGE, &mut info, &doing).map(|()| SubjectOutcome::Done)
        }
        SubjectAction::Access { vaddr } => {
            let doing = format!("ACCESSPAGE at {vaddr:#x}");
            ioctl(ACCESSPAGE, &mut AccesspageInfo { vaddr }, &doing).map(|()| SubjectOutcome::Done)
        }
        SubjectAction::Walk { vaddr } => {
            let mut info = WalkInfo { vaddr, ..WalkInfo::default() };
            ioctl(WALK, &mut info, &format!("WALK {vaddr:#x}"))?;
            Ok(SubjectOutcome::Walk(Walk {
                vaddr,
                levels: info.levels,
                depth: info.depth,
                entry: info.entry,
            }))
        }
        SubjectAction::Read { vaddr, size } => {
            let bytes = (0..u64::from(size)).map(|at| load(vaddr.wrapping_add(at)));
            Ok(SubjectOutcome::Bytes(bytes.collect()))
        }
        SubjectAction::Write { vaddr, bytes } => {
            for (at, byte) in bytes.iter().enumerate() {
                store(vaddr.wrapping_add(at as u64), *byte);
            }
            Ok(SubjectOutcome::Done)
        }
        SubjectAction::Maps => maps().map(SubjectOutcome::Maps),
    }
}

/// Calls memalloc. The device is opened for each call, so that an idle subject
/// does not keep the module in use.
fn ioctl<T>(request: u32, argument: &mut T, doing: &str) -> TargetResult<()> {
    let device = File::options().read(true).write(true).open(DEVICE).map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::NotFound => "load the module first: ringside load memalloc",
            ErrorKind::PermissionDenied => "only root may open it",
            _ => "",
        };
        TargetError::io(&error, format!("open {DEVICE}")).with_hint(hint)
    })?;
    // SAFETY: each request is used with the struct it takes, and the module
    // touches no memory but that struct and what it maps or unmaps itself.
    let result = unsafe {
        libc::ioctl(device.as_raw_fd(), u64::from(request) as _, std::ptr::from_mut(argument))
    };
    if result >= 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    let hint = match (request, error.raw_os_error().unwrap_or_default()) {
        (ALLOCATE, ERRNO_PAGES_LIMIT) => {
            format!("the module holds at most {PAGES_LIMIT} pages at one time; free some")
        }
        (ALLOCATE | ACCESSPAGE, ERRNO_REQUESTS_LIMIT) => {
            format!("the module holds at most {REQUESTS_LIMIT} requests at one time; free some")
        }
        (_, libc::EEXIST) => "something is mapped there already".into(),
        (ALLOCATE, libc::EINVAL) => {
            "the address must be a multiple of 4096 in user space, the number of pages at least 1"
                .into()
        }
        (FREE, libc::EINVAL | libc::ENOENT) => "no request starts at that address".into(),
        (SHAREPAGE, libc::ESRCH) => "there is no such process".into(),
        (ACCESSPAGE, libc::ENOENT) => "no page has been offered to this process".into(),
        _ => String::new(),
    };
    Err(TargetError::io(&error, doing).with_hint(hint))
}

/// This process's address space.
fn maps() -> TargetResult<Vec<Mapping>> {
    let text = std::fs::read("/proc/self/maps")
        .map_err(|error| TargetError::io(&error, "read /proc/self/maps"))?;
    let text = String::from_utf8_lossy(&text);
    Ok(text.lines().filter_map(mapping).collect())
}

fn mapping(line: &str) -> Option<Mapping> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let (permissions, rest) = rest.split_once(' ')?;
    // Offset, device and inode come before the name, which may hold spaces.
    let mut rest = rest;
    for _ in 0..3 {
        rest = rest.trim_start().split_once(' ').map_or("", |(_, r)| r);
    }
    Some(Mapping {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        permissions: permissions.to_owned(),
        name: rest.trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_maps_is_read_with_and_without_a_name() {
        let line = "40000000-40002000 rw-s 00000000 00:05 123          /dev/memalloc (deleted)";
        assert_eq!(
            mapping(line),
            Some(Mapping {
                start: 0x4000_0000,
                end: 0x4000_2000,
                permissions: "rw-s".into(),
                name: "/dev/memalloc (deleted)".into(),
            })
        );
        let line = "7fff0000-7fff1000 rw-p 00000000 00:00 0 ";
        assert_eq!(mapping(line).map(|mapping| mapping.name), Some(String::new()));
    }
}
