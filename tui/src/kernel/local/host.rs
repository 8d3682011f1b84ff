// SPDX-License-Identifier: MIT OR Apache-2.0
//! The host's files in a guest: each shared folder under a layer of the guest's
//! own, so that everything can be changed and nothing of it lasts; put together
//! to one tree, which programs see as `/`.
//!
//! The host decides what is shared. Here nothing is hidden: what a guest must not
//! see does not reach it.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, Permissions};
use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::{Mode, SFlag, mknod};
use sha2::{Digest, Sha256};

use super::host_use::{self, LOWER, ROOT};
use crate::kernel::api::{HollowKind, HostView, KernelView, Share, ShareKind};
use crate::kernel::error::{TargetError, TargetResult};

/// Where it is put together.
const DRAFT: &str = "/run/ringside/new-root";
/// Takes the guest's changes, in the file system that all files share.
const CHANGES: &str = "/run/ringside/changes";
/// Says that a folder there has what it begins with.
const MADE: &str = "made";
/// Bytes per 9p message: fewer, larger ones are faster.
const MESSAGE_SIZE: u32 = 512_000;
/// A stand-in for hosts without sudo: whoever runs programs here is root.
const SUDO: &str = include_str!("sudo.sh");
/// Says of a folder of the upper layer that it hides the lower one's.
const OPAQUE: &std::ffi::CStr = c"trusted.overlay.opaque";

/// The mounted tree.
pub(super) struct Mounted {
    /// The layers under which the host may change files.
    fresh: Vec<File>,
    /// Where its parts are mounted.
    places: Vec<String>,
}

impl Mounted {
    /// Where its parts are mounted.
    pub(super) fn places(&self) -> &[String] {
        &self.places
    }

    /// Lets go of what is remembered of the host's files, so that the next look
    /// finds them as they are. Overlayfs takes it that nobody changes a lower
    /// layer and remembers names that were not there, too.
    pub(super) fn look_again(&self) {
        for layer in &self.fresh {
            // Remounting changes nothing but drops every name that is not in use.
            let path = format!("/proc/self/fd/{}", layer.as_raw_fd());
            let done =
                mount(None::<&str>, path.as_str(), None::<&str>, MsFlags::MS_REMOUNT, None::<&str>);
            if let Err(errno) = done {
                tracing::warn!("look at the host's files again: {}", errno.desc());
            }
        }
    }
}

/// Puts the tree together and in place: either all of it is there or none.
pub(super) fn mount_all(view: &HostView) -> TargetResult<Mounted> {
    put_together(view).inspect_err(|_| {
        // What is not mounted is refused, and all of it is tried again later.
        let _ = umount2(DRAFT, MntFlags::MNT_DETACH);
        for number in 0..view.shares.len() {
            let _ = umount2(lower(number).as_str(), MntFlags::MNT_DETACH);
        }
    })
}

/// Where the share with this number is mounted as it comes.
fn lower(number: usize) -> String {
    format!("{LOWER}/{number}")
}

fn put_together(view: &HostView) -> TargetResult<Mounted> {
    let draft = Path::new(DRAFT);
    let top = format!("{CHANGES}/top");
    for folder in [Path::new(&top), draft, Path::new(ROOT)] {
        make_folder(folder)?;
    }
    // A mount of its own, so that it can be moved.
    bind(&top, draft)?;
    allow_all(draft)?;
    for (link, target) in &view.links {
        let link = below(draft, link)?;
        match symlink(OsStr::from_bytes(target), &link) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(TargetError::io(&error, format!("make the link {}", link.display())));
            }
            _ => {}
        }
    }
    for folder in &view.folders {
        make_folder(&below(draft, folder)?)?;
    }
    for name in ["proc", "sys", "dev", "run", "tmp", "root"] {
        make_folder(&draft.join(name))?;
    }
    for name in ["proc", "sys", "dev"] {
        bind(&format!("/{name}"), &draft.join(name))?;
    }
    if !view.shares.iter().any(|share| share.path == b"/tmp") {
        bind("/tmp", &draft.join("tmp"))?;
        allow_all(&draft.join("tmp"))?;
    }
    let mut fresh = Vec::new();
    for (number, share) in view.shares.iter().enumerate() {
        fresh.extend(add(share, number, view, draft)?);
    }
    let made = Path::new(CHANGES).join(MADE);
    if !made.exists() {
        if let Some(kernel) = &view.kernel {
            prepare_make(kernel, draft);
        }
        stand_in_for_sudo(draft);
    }
    mount_one(DRAFT, Path::new(ROOT), "", MsFlags::MS_MOVE, "")?;
    // What was made for programs once is theirs to change, and not made again.
    note(&made)?;
    Ok(Mounted { fresh, places: host_use::places()? })
}

/// What is known of a tree that an earlier agent put together.
pub(super) fn mounted_before(view: &HostView) -> TargetResult<Mounted> {
    let layers = view.shares.iter().filter(|share| share.kind == ShareKind::Fresh);
    let paths = layers.filter_map(|share| below(Path::new(ROOT), &share.path).ok());
    let fresh = paths.filter_map(|path| layer(&path).ok()).collect();
    Ok(Mounted { fresh, places: host_use::places()? })
}

/// Adds a share to the tree; returns its layer if the host may change it.
fn add(share: &Share, number: usize, view: &HostView, draft: &Path) -> TargetResult<Option<File>> {
    let place = below(draft, &share.path)?;
    make_folder(&place)?;
    if share.kind == ShareKind::Written {
        // Written through at once; only memory maps go by the page cache.
        mount_share(&share.tag, &place, MsFlags::empty(), "cache=mmap,directio")?;
        return Ok(None);
    }
    let lower = lower(number);
    let cache = match share.kind {
        ShareKind::Fresh => "cache=none",
        _ => "cache=loose",
    };
    make_folder(Path::new(&lower))?;
    mount_share(&share.tag, Path::new(&lower), MsFlags::MS_RDONLY, cache)?;
    let changes = changes(&share.path);
    let (upper, work) = (changes.join("upper"), changes.join("work"));
    make_folder(&upper)?;
    make_folder(&work)?;
    let made = changes.join(MADE);
    if !made.exists() {
        resemble(Path::new(&lower), &upper)?;
        let inside = Path::new(OsStr::from_bytes(&share.path));
        for hollow in &view.hollows {
            let path = Path::new(OsStr::from_bytes(&hollow.path));
            if let Ok(rest) = path.strip_prefix(inside)
                && innermost(view, path) == Some(&share.path)
            {
                hollow_out(Path::new(&lower), &upper, rest, hollow.kind)?;
            }
        }
        note(&made)?;
    }
    let (upper, work) = (upper.display(), work.display());
    let layers = format!("lowerdir={lower},upperdir={upper},workdir={work}");
    mount_one("overlay", &place, "overlay", MsFlags::empty(), &layers)?;
    if share.kind == ShareKind::Fresh { layer(&place).map(Some) } else { Ok(None) }
}

/// Where the guest's changes to the share that shows `path` are kept. The numbers of
/// shares may be others after a rewind.
fn changes(path: &[u8]) -> PathBuf {
    let name: String = Sha256::digest(path).iter().take(8).map(|b| format!("{b:02x}")).collect();
    Path::new(CHANGES).join(name)
}

/// Leaves an empty file at `path`.
fn note(path: &Path) -> TargetResult<()> {
    File::create(path)
        .map(drop)
        .map_err(|error| TargetError::io(&error, format!("make {}", path.display())))
}

/// The share that `path` lies in, and not at the top of.
fn innermost<'a>(view: &'a HostView, path: &Path) -> Option<&'a Vec<u8>> {
    let above = |share: &&Share| {
        let place = Path::new(OsStr::from_bytes(&share.path));
        path != place && path.starts_with(place)
    };
    view.shares.iter().filter(above).map(|share| &share.path).max_by_key(|path| path.len())
}

fn layer(path: &Path) -> TargetResult<File> {
    File::options()
        .read(true)
        .custom_flags(nix::libc::O_PATH | nix::libc::O_DIRECTORY)
        .open(path)
        .map_err(|error| TargetError::io(&error, format!("open {}", path.display())))
}

/// Makes `upper/rest` what the guest is to see in place of `lower/rest`, which
/// can't be reached; the folders above it stay as they are.
fn hollow_out(lower: &Path, upper: &Path, rest: &Path, kind: HollowKind) -> TargetResult<()> {
    let (Some(above), Some(name)) = (rest.parent(), rest.file_name()) else {
        return Ok(());
    };
    let mut place = upper.to_owned();
    let mut seen = lower.to_owned();
    for part in above {
        place.push(part);
        seen.push(part);
        if !place.is_dir() {
            make_folder(&place)?;
            resemble(&seen, &place)?;
        }
    }
    place.push(name);
    let doing = || format!("make {}", place.display());
    match kind {
        HollowKind::Folder => {
            make_folder(&place)?;
            // SAFETY: setxattr reads two strings and a byte, which outlive the call.
            let set = unsafe {
                let path = std::ffi::CString::new(place.as_os_str().as_bytes())
                    .map_err(|_| TargetError::Invalid(doing()))?;
                nix::libc::setxattr(path.as_ptr(), OPAQUE.as_ptr(), c"y".as_ptr().cast(), 1, 0)
            };
            Errno::result(set).map(drop).map_err(|errno| failed(errno, doing()))
        }
        HollowKind::File => {
            File::create(&place).map(drop).map_err(|error| TargetError::io(&error, doing()))
        }
        // Overlayfs reads this as: it was removed.
        HollowKind::Nothing => match mknod(&place, SFlag::S_IFCHR, Mode::empty(), 0) {
            Err(errno) if errno != Errno::EEXIST => Err(failed(errno, doing())),
            _ => Ok(()),
        },
    }
}

/// Gives `to` the owner and the mode of `from`; where the upper layer of an
/// overlay has a folder, its own count.
fn resemble(from: &Path, to: &Path) -> TargetResult<()> {
    let set = |meta: &Metadata| {
        chown(to, Some(meta.uid()), Some(meta.gid()))?;
        fs::set_permissions(to, Permissions::from_mode(meta.mode() & 0o7777))
    };
    fs::symlink_metadata(from).and_then(|meta| set(&meta)).map_err(|error| {
        TargetError::io(&error, format!("give {} the mode of {}", to.display(), from.display()))
    })
}

/// Has make in the kernel's build folder use the tools that the kernel was built
/// with, without being told: it reads this file before the Makefile.
fn prepare_make(kernel: &KernelView, draft: &Path) {
    let build = Path::new(OsStr::from_bytes(&kernel.build));
    let built = draft.join(build.strip_prefix("/").unwrap_or(build));
    let mut lines = String::new();
    for argument in &kernel.make_arguments {
        lines.push_str(&format!("override {}\nMAKEOVERRIDES += {argument}\n", assigned(argument)));
    }
    lines.push_str("include Makefile\n");
    if built.is_dir()
        && let Err(error) = fs::write(built.join("GNUmakefile"), lines)
    {
        tracing::warn!("write {}: {error}", built.join("GNUmakefile").display());
    }
}

/// `A=b` as a line of a makefile.
fn assigned(argument: &str) -> String {
    argument.replacen('=', " := ", 1)
}

/// Scripts call it; whoever runs programs here is root anyway.
fn stand_in_for_sudo(draft: &Path) {
    let has = |folder: &str| draft.join(folder).join("sudo").symlink_metadata().is_ok();
    if !draft.join("usr/bin").is_dir() || ["usr/bin", "usr/local/bin", "bin"].iter().any(|f| has(f))
    {
        return;
    }
    let path = draft.join("usr/local/bin/sudo");
    let made = fs::create_dir_all(draft.join("usr/local/bin"))
        .and_then(|()| fs::write(&path, SUDO))
        .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o755)));
    if let Err(error) = made {
        tracing::warn!("make a stand-in for sudo: {error}");
    }
}

/// An absolute path of the guest's programs, as this process sees it.
fn below(root: &Path, path: &[u8]) -> TargetResult<PathBuf> {
    let path = Path::new(OsStr::from_bytes(path));
    match path.strip_prefix("/") {
        Ok(rest) => Ok(root.join(rest)),
        Err(_) => Err(TargetError::Invalid(format!("{} is no absolute path", path.display()))),
    }
}

fn make_folder(path: &Path) -> TargetResult<()> {
    fs::create_dir_all(path)
        .map_err(|error| TargetError::io(&error, format!("make the folder {}", path.display())))
}

fn mount_share(tag: &str, place: &Path, flags: MsFlags, cache: &str) -> TargetResult<()> {
    let options = format!("trans=virtio,version=9p2000.L,{cache},msize={MESSAGE_SIZE}");
    mount_one(tag, place, "9p", flags, &options)
}

fn bind(source: &str, place: &Path) -> TargetResult<()> {
    mount_one(source, place, "", MsFlags::MS_BIND | MsFlags::MS_REC, "")
}

/// Lets programs be run from a folder that was bound, whatever its file system
/// is mounted with.
fn allow_all(place: &Path) -> TargetResult<()> {
    mount_one("", place, "", MsFlags::MS_BIND | MsFlags::MS_REMOUNT, "")
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

fn failed(errno: Errno, doing: impl Into<String>) -> TargetError {
    TargetError::errno(errno as i32, doing)
}
