// SPDX-License-Identifier: MIT OR Apache-2.0
//! What only a lab's guest does: wake up with the right time and fresh
//! randomness, mount the host when a program of it is first run, and know
//! where the USB stick is.
//!
//! A mounted share keeps a machine from being saved, so nothing of the host is
//! mounted before it is needed, and it is let go of when the last program has ended.

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_settime};

use super::host::{self, Mounted};
use super::task::Task;
use super::{block, files, host_use};
use crate::kernel::api::{HostView, STICK, Wake};
use crate::kernel::error::{TargetError, TargetResult};

/// What the lab has told; kept in a file for an agent that is started again.
const VIEW: &str = "/run/ringside/view";
/// How often what is remembered of the host's files is let go of while a
/// program runs.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// For how long after the last program they stay: the next one starts sooner.
const LINGER: Duration = Duration::from_secs(2);

/// The guest this agent is in charge of, if it is one.
#[derive(Default)]
pub(super) struct Guest {
    host: Mutex<Host>,
    /// A program was started, or has ended.
    programs_changed: Condvar,
}

/// The host's files, and who uses them.
#[derive(Default)]
struct Host {
    mounted: Option<Mounted>,
    programs: usize,
    looked_at: bool,
}

/// Keeps the host's files as they are on the host, until it is dropped.
pub(super) struct ProgramRoot {
    guest: Arc<Guest>,
    /// What a program sees as `/`.
    pub(super) path: PathBuf,
}

impl Drop for ProgramRoot {
    fn drop(&mut self) {
        self.guest.host().programs -= 1;
        self.guest.programs_changed.notify_all();
    }
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
    /// Sets the clock, stirs the random pool, remembers what there is of the host.
    pub(super) fn wake(&self, wake: Wake) -> TargetResult<()> {
        only_in_a_guest()?;
        let now = TimeSpec::from_duration(Duration::from_nanos(wake.unix_ns));
        clock_settime(ClockId::CLOCK_REALTIME, now)
            .map_err(|errno| failed(errno, "set the guest's clock"))?;
        reseed(&wake.entropy)?;
        let view = postcard::to_stdvec(&wake.host)
            .map_err(|error| TargetError::Protocol(error.to_string()))?;
        let path = Path::new(VIEW);
        let folder = path.parent().unwrap_or(path);
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(path, view))
            .map_err(|error| TargetError::io(&error, format!("write {VIEW}")))
    }

    fn host(&self) -> MutexGuard<'_, Host> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder that a program sees as `/`, for as long as it runs: the host's
    /// files in a guest, which are mounted now if they are not yet; `None`
    /// elsewhere.
    pub(super) fn program_root(self: &Arc<Self>) -> TargetResult<Option<ProgramRoot>> {
        if !files::guest() {
            return Ok(None);
        }
        let mut host = self.host();
        if host.mounted.is_none() {
            host.mounted = Some(mounted()?);
        }
        host.programs += 1;
        self.programs_changed.notify_all();
        let root = ProgramRoot { guest: Arc::clone(self), path: host_use::ROOT.into() };
        if let Some(mounted) = &host.mounted {
            mounted.look_again();
        }
        if !host.looked_at {
            let guest = Arc::clone(self);
            let spawned = std::thread::Builder::new()
                .name("look-again".into())
                .spawn(move || guest.keep_looking());
            // Without it, only the start of a program looks again.
            host.looked_at = spawned.is_ok();
        }
        drop(host);
        Ok(Some(root))
    }

    /// Lets go of the host's files, where there are any and no program uses them.
    ///
    /// # Errors
    /// One does: the sentence names it.
    pub(super) fn release(&self) -> TargetResult<()> {
        only_in_a_guest()?;
        self.host().let_go()
    }

    /// Has a look at the host's files again and again while programs run, and lets go
    /// of them when none does.
    fn keep_looking(&self) {
        let mut host = self.host();
        while host.mounted.is_some() {
            let idle = host.programs == 0;
            let wait = if idle { LINGER } else { LOOK_EVERY };
            let (waited, time) = self
                .programs_changed
                .wait_timeout(host, wait)
                .unwrap_or_else(PoisonError::into_inner);
            host = waited;
            match &host.mounted {
                Some(mounted) if host.programs > 0 => mounted.look_again(),
                // What was left in the background is looked for again.
                Some(_) if idle && time.timed_out() => drop(host.let_go()),
                _ => {}
            }
        }
        host.looked_at = false;
    }
}

impl Host {
    fn let_go(&mut self) -> TargetResult<()> {
        let Some(mounted) = &self.mounted else {
            return Ok(());
        };
        host_use::unused(mounted.places())?;
        if self.programs > 0 {
            return Err(TargetError::Invalid("no marks while a program starts".into()));
        }
        // Its open layers first: they are in use like any other file.
        self.mounted = None;
        host_use::take_out()
    }
}

/// Mounts the host's files, unless an agent before this one has.
fn mounted() -> TargetResult<Mounted> {
    let mounts = files::text("/proc/self/mounts")
        .map_err(|error| TargetError::io(&error, "read /proc/self/mounts"))?;
    let view: HostView = std::fs::read(VIEW)
        .ok()
        .and_then(|bytes| postcard::from_bytes(&bytes).ok())
        .ok_or_else(|| {
            TargetError::Unsupported(
                "this guest has not been told where the host's files are".into(),
            )
        })?;
    if mounts.lines().any(|line| line.split(' ').nth(1) == Some(host_use::ROOT)) {
        return host::mounted_before(&view);
    }
    host::mount_all(&view)
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
