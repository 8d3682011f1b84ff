// SPDX-License-Identifier: MIT OR Apache-2.0
//! What QEMU may do, set between fork and exec: no new privileges, no
//! capabilities but those for reading shared folders, no way to make a setuid
//! file or a device on the host, and a view of the host's files in which some
//! folders are empty.
//!
//! QEMU's own sandbox comes on top of it.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::io::{Error, Result};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

use super::error::{VmError, VmResult};

/// Root's right to read what its permissions forbid.
const CAP_DAC_READ_SEARCH: u32 = 2;
/// The same for writing.
const CAP_DAC_OVERRIDE: u32 = 1;
/// More capabilities than any kernel has.
const CAPABILITIES: u32 = 64;
/// `fchmodat2`, in Linux since 6.6.
const FCHMODAT2: i64 = 452;
/// The first version of `capset`'s argument with 64 bits.
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// Folders that QEMU is to find empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masks {
    pub folders: Vec<PathBuf>,
    /// How.
    pub cover: Option<Cover>,
}

/// How folders can be covered in QEMU's own view of the host's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cover {
    /// In a mount namespace.
    Mounts,
    /// In a mount namespace inside a user namespace: this user is not root.
    User,
}

impl Cover {
    /// The way that this process is allowed, if any: tried by a child.
    pub fn possible() -> Option<Self> {
        [Self::Mounts, Self::User].into_iter().find(|cover| {
            // SAFETY: the child makes system calls only, and ends.
            let child = unsafe { libc::fork() };
            if child == 0 {
                let entered = unshare(*cover);
                // SAFETY: it ends the child without running anything of the parent's.
                unsafe { libc::_exit(i32::from(entered.is_err())) };
            }
            let mut status = -1;
            // SAFETY: waits for the child above; nobody else does.
            child > 0 && unsafe { libc::waitpid(child, &raw mut status, 0) } == child && status == 0
        })
    }
}

/// Enters namespaces of this process's own, out of which no mount leads.
fn unshare(cover: Cover) -> Result<()> {
    let flags = match cover {
        Cover::Mounts => libc::CLONE_NEWNS,
        Cover::User => libc::CLONE_NEWNS | libc::CLONE_NEWUSER,
    };
    // SAFETY: it takes flags only; this process has one thread.
    check(unsafe { libc::unshare(flags) })?;
    // SAFETY: mount reads strings that are constants.
    check(unsafe {
        libc::mount(
            std::ptr::null(),
            c"/".as_ptr(),
            std::ptr::null(),
            libc::MS_REC | libc::MS_PRIVATE,
            std::ptr::null(),
        )
    })
}

fn check(result: libc::c_int) -> Result<()> {
    Errno::result(result).map(drop).map_err(Error::from)
}

/// Everything that is prepared for a QEMU before it is forked.
pub(super) struct Confinement {
    cover: Option<Cover>,
    covered: Vec<CString>,
    /// The map of a user namespace: each number stays itself.
    maps: [(&'static std::ffi::CStr, CString); 3],
    kept: u64,
    filters: [BpfProgram; 2],
}

impl Confinement {
    /// For a QEMU that is to see `masks` empty, and may write to a share or not.
    ///
    /// # Errors
    /// A path holds a NUL, or the filter can't be made.
    pub(super) fn new(masks: &Masks, writes: bool) -> VmResult<Self> {
        let unsupported = |what: &str| VmError::Unsupported(format!("confine QEMU: {what}"));
        let string =
            |bytes: &[u8]| CString::new(bytes).map_err(|_| unsupported("a path holds NUL"));
        let covered = masks.folders.iter().map(|folder| string(folder.as_os_str().as_bytes()));
        let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
        let filter = |rules, errno| {
            SeccompFilter::new(
                rules,
                SeccompAction::Allow,
                SeccompAction::Errno(errno as u32),
                TargetArch::x86_64,
            )
            .and_then(BpfProgram::try_from)
            .map_err(|error| unsupported(&error.to_string()))
        };
        Ok(Self {
            cover: masks.cover.filter(|_| !masks.folders.is_empty()),
            covered: covered.collect::<VmResult<_>>()?,
            maps: [
                (c"/proc/self/setgroups", string(b"deny")?),
                (c"/proc/self/uid_map", string(format!("{user} {user} 1").as_bytes())?),
                (c"/proc/self/gid_map", string(format!("{group} {group} 1").as_bytes())?),
            ],
            kept: 1 << CAP_DAC_READ_SEARCH | u64::from(writes) << CAP_DAC_OVERRIDE,
            filters: [
                filter(dangerous_modes(), libc::EPERM)?,
                filter(ways_around(), libc::ENOSYS)?,
            ],
        })
    }

    /// Confines this process. To be called between fork and exec: it makes system
    /// calls only.
    ///
    /// # Errors
    /// The kernel refuses: nothing is started then.
    pub(super) fn enter(&self) -> Result<()> {
        if let Some(cover) = self.cover {
            unshare(cover)?;
            if cover == Cover::User {
                for (path, text) in &self.maps {
                    write(path, text)?;
                }
            }
            for folder in &self.covered {
                // SAFETY: mount reads strings that outlive the call.
                check(unsafe {
                    libc::mount(
                        c"nothing".as_ptr(),
                        folder.as_ptr(),
                        c"tmpfs".as_ptr(),
                        libc::MS_RDONLY | libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC,
                        c"size=4k,mode=000".as_ptr().cast(),
                    )
                })?;
            }
        }
        self.drop_capabilities()?;
        nix::sys::prctl::set_no_new_privs()?;
        for filter in &self.filters {
            apply_filter(filter).map_err(|_| Error::from(Errno::last()))?;
        }
        Ok(())
    }

    /// What exec gives root is bounded from now on.
    fn drop_capabilities(&self) -> Result<()> {
        for capability in (0..CAPABILITIES).filter(|number| self.kept >> number & 1 == 0) {
            // SAFETY: prctl takes numbers.
            let dropped = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
            match Errno::result(dropped) {
                // Numbers that this kernel does not know; and who is not root has
                // none to lose.
                Ok(_) | Err(Errno::EINVAL | Errno::EPERM) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        // SAFETY: prctl takes numbers.
        let cleared =
            unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) };
        check(cleared)?;
        // None is inherited past exec; what is effective goes with it.
        let header = [CAPABILITY_VERSION, 0];
        let mut sets = [[0_u32; 3]; 2];
        // SAFETY: capget fills two structs of three words for this version.
        check(unsafe {
            libc::syscall(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr()) as libc::c_int
        })?;
        for set in &mut sets {
            set[2] = 0;
        }
        // SAFETY: capset reads the same two structs.
        check(unsafe {
            libc::syscall(libc::SYS_capset, header.as_ptr(), sets.as_ptr()) as libc::c_int
        })
    }
}

/// Writes a file of /proc in one go.
fn write(path: &std::ffi::CStr, text: &CString) -> Result<()> {
    let bytes = text.as_bytes();
    // SAFETY: open reads a string that ends in NUL, write as many bytes as there
    // are; the descriptor is closed with exec.
    let written = unsafe {
        let file = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        libc::write(file, bytes.as_ptr().cast(), bytes.len())
    };
    Errno::result(written).map(drop).map_err(Error::from)
}

/// The system calls that would make a setuid or setgid file, or a device.
fn dangerous_modes() -> BTreeMap<i64, Vec<SeccompRule>> {
    let bits = [u64::from(libc::S_ISUID), u64::from(libc::S_ISGID)];
    let kinds = [u64::from(libc::S_IFCHR), u64::from(libc::S_IFBLK)];
    let has = |argument, mask: u64| condition(argument, SeccompCmpOp::MaskedEq(mask), mask);
    let is =
        |argument, kind| condition(argument, SeccompCmpOp::MaskedEq(u64::from(libc::S_IFMT)), kind);
    let set = |argument: u8| bits.map(|bit| rule(vec![has(argument, bit)]));
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for (call, argument) in [
        (libc::SYS_chmod, 1),
        (libc::SYS_fchmod, 1),
        (libc::SYS_fchmodat, 2),
        (FCHMODAT2, 2),
        (libc::SYS_creat, 1),
    ] {
        rules.insert(call, set(argument).into());
    }
    // Without O_CREAT the mode has no meaning.
    let creates = u64::from(libc::O_CREAT.cast_unsigned());
    for (call, flags, mode) in [(libc::SYS_open, 1, 2), (libc::SYS_openat, 2, 3)] {
        let created = bits.map(|bit| rule(vec![has(flags, creates), has(mode, bit)]));
        rules.insert(call, created.into());
    }
    for (call, argument) in [(libc::SYS_mknod, 1), (libc::SYS_mknodat, 2)] {
        let mut all: Vec<_> = set(argument).into();
        all.extend(kinds.map(|kind| rule(vec![is(argument, kind)])));
        rules.insert(call, all);
    }
    rules
}

/// The system calls that do the same by other ways, which a filter can't look at.
fn ways_around() -> BTreeMap<i64, Vec<SeccompRule>> {
    [libc::SYS_openat2, libc::SYS_io_uring_setup].map(|call| (call, Vec::new())).into()
}

fn rule(conditions: Vec<SeccompCondition>) -> SeccompRule {
    #[expect(clippy::expect_used, reason = "only a rule without conditions is refused")]
    SeccompRule::new(conditions).expect("there are conditions")
}

fn condition(argument: u8, how: SeccompCmpOp, value: u64) -> SeccompCondition {
    #[expect(clippy::expect_used, reason = "only a seventh argument is refused")]
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, how, value).expect("there are six")
}
