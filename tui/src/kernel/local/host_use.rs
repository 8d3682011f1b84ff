// SPDX-License-Identifier: MIT OR Apache-2.0
//! Letting go of the host's files: who uses them, and taking them out of the guest
//! once nobody does. What programs have changed stays, and is there again when the
//! files are mounted the next time.

use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};

use super::files;
use crate::kernel::error::{TargetError, TargetResult};

/// Where programs run.
pub(super) const ROOT: &str = "/run/ringside/root";
/// Where shares are mounted as they come.
pub(super) const LOWER: &str = "/run/ringside/host";
/// So many programs are named.
const NAMED: usize = 3;
/// So much of a program's command line is shown.
const SHOWN: usize = 40;

/// Where something of the host's tree is mounted, in the order of mounting.
pub(super) fn places() -> TargetResult<Vec<String>> {
    let mounts = files::text("/proc/self/mounts")
        .map_err(|error| TargetError::io(&error, "read /proc/self/mounts"))?;
    let places = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    let ours = |place: &&str| within(place, ROOT) || within(place, LOWER);
    Ok(places.filter(ours).map(unescaped).collect())
}

fn within(place: &str, folder: &str) -> bool {
    place.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A path of `/proc/self/mounts`, where blanks and the like are `\040`.
fn unescaped(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let octal = after.get(..3).filter(|_| *first == b'\\');
        let value = octal.and_then(|digits| std::str::from_utf8(digits).ok());
        match value.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Makes sure that no process sees the host's files, and that nobody has mounted
/// anything among them since they were at `mounted`.
///
/// # Errors
/// It says who does.
pub(super) fn unused(mounted: &[String]) -> TargetResult<()> {
    let users = users();
    if !users.is_empty() {
        let more = match users.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names: Vec<_> = users.into_iter().take(NAMED).collect();
        return Err(in_use(format!("{}{more} runs in the guest", names.join(", "))));
    }
    match places()?.iter().find(|place| !mounted.contains(place)) {
        Some(place) => {
            let seen = place.strip_prefix(ROOT).unwrap_or(place);
            Err(in_use(format!("something is mounted on {seen} in the guest")))
        }
        None => Ok(()),
    }
}

fn in_use(why: String) -> TargetError {
    TargetError::Invalid(format!("no marks while {why}: it uses this computer's files"))
}

/// The programs that see the host's files.
fn users() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let processes = entries.flatten().map(|entry| entry.path());
    let sees = |process: &Path| {
        ["root", "cwd"].iter().any(|link| {
            let seen = std::fs::read_link(process.join(link));
            seen.is_ok_and(|seen| within(&seen.to_string_lossy(), ROOT))
        })
    };
    processes.filter(|process| sees(process)).filter_map(|process| named(&process)).collect()
}

/// `` `sleep 1000` (pid 45) ``; nothing where it has ended meanwhile.
fn named(process: &Path) -> Option<String> {
    let pid = process.file_name()?.to_str()?.parse::<i32>().ok()?;
    let line = std::fs::read(process.join("cmdline")).ok()?;
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    let line = match line.trim().is_empty() {
        true => files::text(process.join("comm")).ok()?,
        false => line.trim().to_owned(),
    };
    let shown: String = line.chars().take(SHOWN).collect();
    let dots = if shown.len() < line.len() { "…" } else { "" };
    Some(format!("`{shown}{dots}` (pid {pid})"))
}

/// Takes the host's tree out, the last mount first.
///
/// # Errors
/// The kernel itself uses some of it. The rest is gone then, and it goes as well as
/// soon as it can.
pub(super) fn take_out() -> TargetResult<()> {
    let mut failed = None;
    for place in places()?.iter().rev() {
        if let Err(errno) = umount2(place.as_str(), MntFlags::UMOUNT_NOFOLLOW) {
            let _ = umount2(place.as_str(), MntFlags::MNT_DETACH);
            failed = failed.or(Some((place.clone(), errno)));
        }
    }
    match failed {
        None => Ok(()),
        Some((_, Errno::EBUSY)) => Err(in_use("the guest's kernel has a file of it open".into())),
        Some((place, errno)) => {
            Err(TargetError::errno(errno as i32, format!("unmount {place} in the guest")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_with_blanks_is_read_back_as_it_is() {
        assert_eq!(unescaped(r"/run/a\040b\134c"), r"/run/a b\c");
        assert_eq!(unescaped(r"/run/x\"), r"/run/x\");
    }

    #[test]
    fn only_what_lies_in_a_folder_is_within_it() {
        assert!(within("/run/ringside/root", ROOT) && within("/run/ringside/root/usr", ROOT));
        assert!(!within("/run/ringside/root2", ROOT));
    }
}
