// SPDX-License-Identifier: MIT OR Apache-2.0
//! What only a lab's guest does: wake up with the right time and fresh
//! randomness, mount the host when a program of it is first run, and know
//! where the USB stick is.
//!
//! A mounted share keeps a machine from being saved, so nothing of the host is
//! mounted before it is needed.

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_settime};

use super::task::Task;
use super::{block, files};
use crate::kernel::api::{STICK, Share, Wake};
use crate::kernel::error::{TargetError, TargetResult};

/// What the lab has told; kept in a file for an agent that is started anew.
const SHARES: &str = "/run/ringside/shares";
/// Where the host's root is mounted, read-only.
const LOWER: &str = "/run/ringside/host";
/// Takes the guest's changes, in the file system that all files share.
const CHANGES: &str = "/run/ringside/changes";
/// The host's root with the guest's changes: where programs run.
const ROOT: &str = "/run/ringside/root";
/// The tag of the share that is the host's root.
const ROOT_TAG: &str = "root";
/// Bytes per 9p message: fewer, larger ones are faster.
const MESSAGE_SIZE: u32 = 512_000;

/// The guest this agent is in charge of, if it is one.
#[derive(Default)]
pub(super) struct Guest {
    mounting: Mutex<()>,
}

fn only_in_a_guest() -> TargetResult<()> {
    if files::guest() {
        return Ok(());
    }
    Err(TargetError::Unsupported("this kernel is no lab's guest".into()))
}

fn failed(errno: Errno, doing: impl Into<String>) -> TargetError {
    TargetError::errno(errno as i32, doing)
}

impl Guest {
    /// Sets the clock, stirs the random pool, remembers the shares.
    pub(super) fn wake(&self, wake: Wake) -> TargetResult<()> {
        only_in_a_guest()?;
        let now = TimeSpec::from_duration(Duration::from_nanos(wake.unix_ns));
        clock_settime(ClockId::CLOCK_REALTIME, now)
            .map_err(|errno| failed(errno, "set the guest's clock"))?;
        reseed(&wake.entropy)?;
        let shares = postcard::to_stdvec(&wake.shares)
            .map_err(|error| TargetError::Protocol(error.to_string()))?;
        let path = Path::new(SHARES);
        let folder = path.parent().unwrap_or(path);
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(path, shares))
            .map_err(|error| TargetError::io(&error, format!("write {SHARES}")))
    }

    /// The folder that programs see as `/`: the host's root in a guest, which
    /// is mounted now if it is not yet; `None` elsewhere.
    pub(super) fn program_root(&self) -> TargetResult<Option<PathBuf>> {
        if !files::guest() {
            return Ok(None);
        }
        let _one_at_a_time = self.mounting.lock().unwrap_or_else(PoisonError::into_inner);
        let mounts = files::text("/proc/self/mounts")
            .map_err(|error| TargetError::io(&error, "read /proc/self/mounts"))?;
        let mounted = |place: &str| mounts.lines().any(|l| l.split(' ').nth(1) == Some(place));
        if !mounted(ROOT) {
            let shares = std::fs::read(SHARES)
                .ok()
                .and_then(|bytes| postcard::from_bytes(&bytes).ok())
                .ok_or_else(|| {
                    TargetError::Unsupported(
                        "this guest has not been told where the host's files are".into(),
                    )
                })?;
            mount_host(shares, mounted(LOWER))?;
        }
        Ok(Some(ROOT.into()))
    }
}

/// Mounts every share, the host's root first.
fn mount_host(shares: Vec<Share>, root_is_mounted: bool) -> TargetResult<()> {
    let root = shares.iter().find(|share| share.tag == ROOT_TAG);
    if root.is_none() {
        return Err(TargetError::Unsupported(
            "this lab does not share the host's files with its guest".into(),
        ));
    }
    if !root_is_mounted {
        mount_share(ROOT_TAG, Path::new(LOWER), false, "loose")?;
        make_folder(Path::new(CHANGES))?;
    }
    let (upper, work) = (format!("{CHANGES}/upper"), format!("{CHANGES}/work"));
    make_folder(Path::new(&upper))?;
    make_folder(Path::new(&work))?;
    make_folder(Path::new(ROOT))?;
    let layers = format!("lowerdir={LOWER},upperdir={upper},workdir={work}");
    // Prepared aside and moved into place last: either all of it is there or
    // none.
    let root = Path::new("/run/ringside/new-root");
    make_folder(root)?;
    mount_one("overlay", root, "overlay", MsFlags::empty(), &layers)?;
    for folder in ["proc", "sys", "dev"] {
        let place = root.join(folder);
        make_folder(&place)?;
        let source = format!("/{folder}");
        mount_one(&source, &place, "", MsFlags::MS_BIND | MsFlags::MS_REC, "")?;
    }
    let rest = shares.iter().filter(|share| share.tag != ROOT_TAG);
    for share in rest {
        let path = Path::new(std::ffi::OsStr::from_bytes(&share.path));
        let Ok(below) = path.strip_prefix("/") else {
            return Err(TargetError::Invalid(format!(
                "the share {} has no absolute path",
                share.tag
            )));
        };
        // What changes on the host while the lab runs must be seen: no cache.
        mount_share(&share.tag, &root.join(below), share.writable, "none")?;
    }
    mount_one(&root.to_string_lossy(), Path::new(ROOT), "", MsFlags::MS_MOVE, "")
}

fn mount_share(tag: &str, place: &Path, writable: bool, cache: &str) -> TargetResult<()> {
    make_folder(place)?;
    let options = format!("trans=virtio,version=9p2000.L,cache={cache},msize={MESSAGE_SIZE}");
    let flags = match writable {
        true => MsFlags::empty(),
        false => MsFlags::MS_RDONLY,
    };
    mount_one(tag, place, "9p", flags, &options)
}

fn make_folder(path: &Path) -> TargetResult<()> {
    std::fs::create_dir_all(path)
        .map_err(|error| TargetError::io(&error, format!("make the folder {}", path.display())))
}

fn mount_one(
    source: &str,
    place: &Path,
    kind: &str,
    flags: MsFlags,
    options: &str,
) -> TargetResult<()> {
    mount(Some(source), place, Some(kind), flags, Some(options)).map_err(|errno| {
        failed(errno, format!("mount {source} ({kind}) on {} in the guest", place.display()))
    })
}

/// Argument of `RNDADDENTROPY` (`struct rand_pool_info`) with room for a seed.
#[repr(C)]
struct PoolInfo {
    bits: i32,
    size: i32,
    seed: [u8; 64],
}

/// `_IOW('R', 0x03, int[2])`.
const RNDADDENTROPY: u32 = ringside_uapi::ioctl::iow(b'R', 0x03, 8);
/// `_IO('R', 0x07)`.
const RNDRESEEDCRNG: u32 = ringside_uapi::ioctl::io(b'R', 0x07);

/// Gives the kernel's random pool a seed that no other guest has had.
fn reseed(seed: &[u8]) -> TargetResult<()> {
    let doing = "reseed the guest's random pool";
    if seed.len() < 32 {
        return Err(TargetError::Invalid(format!(
            "{doing}: {} bytes are too few, 32 are needed",
            seed.len()
        )));
    }
    let mut pool = PoolInfo { bits: 0, size: 0, seed: [0; 64] };
    let length = seed.len().min(pool.seed.len());
    pool.seed[..length].copy_from_slice(&seed[..length]);
    pool.size = length as i32;
    pool.bits = pool.size * 8;
    let device = File::options()
        .write(true)
        .open("/dev/urandom")
        .map_err(|error| TargetError::io(&error, doing))?;
    let call = |request: u32, argument: *const PoolInfo| {
        let (device, request) = (device.as_raw_fd(), u64::from(request));
        // SAFETY: RNDADDENTROPY reads a pool_info with `size` bytes behind it,
        // which `pool` is; RNDRESEEDCRNG looks at no argument.
        let result = unsafe { nix::libc::ioctl(device, request as _, argument) };
        Errno::result(result).map_err(|errno| failed(errno, doing))
    };
    call(RNDADDENTROPY, &raw const pool)?;
    call(RNDRESEEDCRNG, std::ptr::null())?;
    Ok(())
}

/// Waits until the stick's node is there, or gone, and the link says so.
pub(super) fn await_stick(present: bool, timeout_ms: u32, task: &Task) -> TargetResult<()> {
    only_in_a_guest()?;
    let until = Instant::now() + Duration::from_millis(timeout_ms.into());
    loop {
        let stick = find_stick();
        if stick.is_some() == present {
            return point_to(stick.as_deref());
        }
        if Instant::now() >= until {
            let what = if present { "come" } else { "go" };
            return Err(TargetError::errno(
                nix::libc::ETIMEDOUT,
                format!("wait for the USB stick to {what}"),
            ));
        }
        if task.sleep(Duration::from_millis(5)) {
            return Err(TargetError::Cancelled);
        }
    }
}

/// The node of the newest disk on USB that is ready.
fn find_stick() -> Option<String> {
    let entries = Path::new("/sys/block").read_dir().ok()?;
    let mut names: Vec<_> = entries
        .flatten()
        .filter(|entry| block::is_usb(&entry.path()))
        .filter(|entry| files::number::<u64>(entry.path().join("size")).is_some_and(|n| n > 0))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| Path::new("/dev").join(name).exists())
        .collect();
    names.sort();
    names.pop()
}

/// Makes the link point to this disk, or takes it away, in one step.
fn point_to(disk: Option<&str>) -> TargetResult<()> {
    let done = match disk {
        Some(disk) => {
            let aside = format!("{STICK}.new");
            drop(std::fs::remove_file(&aside));
            std::os::unix::fs::symlink(disk, &aside).and_then(|()| std::fs::rename(&aside, STICK))
        }
        None => match std::fs::remove_file(STICK) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        },
    };
    done.map_err(|error| TargetError::io(&error, format!("set the link {STICK}")))
}
