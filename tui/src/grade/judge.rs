// SPDX-License-Identifier: MIT OR Apache-2.0
//! Holds what was seen against what a step says must be, whoever looked.

use super::spec::{ErrnoName, FileCheck, Mismatch, Processes, Run, Text};
use crate::kernel::api::{ProcessInfo, ProgramEnd};
use crate::kernel::error::errno_name;
use crate::kernel::{TargetError, TargetResult};

/// A file of the kernel's is no longer.
pub const FILE_MAX: u32 = 64 << 10;
/// What a program prints and is kept, in bytes.
pub const PRINTED_MAX: usize = 1 << 20;
/// The number of processes or threads of a name.
///
/// # Errors
/// It is not as it must be.
pub fn processes(wanted: &Processes, all: &[ProcessInfo]) -> Result<(), Mismatch> {
    let Processes { name, count, asleep, .. } = wanted;
    let named: Vec<_> = all.iter().filter(|one| name.matches(&one.name)).collect();
    let sleeps = |one: &&&ProcessInfo| !asleep || matches!(one.state, 'S' | 'D' | 'I');
    let found = named.iter().filter(sleeps).count();
    if count.holds(&found.to_string()) {
        return Ok(());
    }
    let which = if *asleep { " and asleep" } else { "" };
    let mut excerpt = vec![format!("expected  {count} called {name}{which}")];
    excerpt
        .extend(named.iter().take(20).map(|one| format!("seen     {} ({})", one.name, one.state)));
    if named.is_empty() {
        excerpt.push("seen     none".into());
    }
    let reason =
        format!("the number of processes called {name}{which} is {found}, and not {count}");
    Err(Mismatch { reason, excerpt })
}

/// What a file holds.
///
/// # Errors
/// It is not as it must be.
pub fn file(wanted: &FileCheck, bytes: &[u8]) -> Result<(), Mismatch> {
    let path = &wanted.path;
    let text = String::from_utf8_lossy(bytes);
    if let Some(is) = wanted.is.as_ref().filter(|is| !is.holds(&text)) {
        let text = text.trim();
        let reason = format!("{path} holds {text:?}, and not {is}");
        return Err(Mismatch { reason, excerpt: Vec::new() });
    }
    wanted.text.as_ref().map_or(Ok(()), |wanted| wanted.judge(path, &text))
}

/// What was read, where it was to be exactly this; a zero byte is shown as `\0`.
///
/// # Errors
/// It is something else.
pub fn bytes(doing: &str, wanted: &str, bytes: &[u8]) -> Result<(), Mismatch> {
    if bytes == wanted.as_bytes() {
        return Ok(());
    }
    let seen = String::from_utf8_lossy(bytes).replace('\0', "\\0");
    let mut excerpt = Text::shown("expected", &wanted.replace('\0', "\\0"));
    excerpt.extend(Text::shown("seen", &seen));
    let reason = format!("{doing}: what was read is not what was expected");
    Err(Mismatch { reason, excerpt })
}

/// How many bytes were moved, where that matters.
///
/// # Errors
/// They are more, or fewer.
pub fn moved(doing: &str, wanted: Option<u32>, moved: usize) -> Result<(), Mismatch> {
    match wanted {
        Some(wanted) if wanted as usize != moved => {
            let reason = format!("{doing}: it moved {moved} bytes, and not {wanted}");
            Err(Mismatch { reason, excerpt: Vec::new() })
        }
        _ => Ok(()),
    }
}

/// What came of a request is not what was to come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwanted {
    /// It failed, and no refusal was wanted.
    Failed(TargetError),
    /// It was refused with another error, or not at all: the whole reason.
    Refusal(String),
}

/// What came of a request that may have to be refused with an error; `None`: it was.
///
/// # Errors
/// It failed, or was not refused as it had to be.
pub fn refused<T>(
    doing: &str,
    result: TargetResult<T>,
    wanted: Option<&ErrnoName>,
) -> Result<Option<T>, Unwanted> {
    match (result, wanted) {
        (result, None) => result.map(Some).map_err(Unwanted::Failed),
        (Err(TargetError::Errno { errno, .. }), Some(wanted)) if wanted.is(errno) => Ok(None),
        (Err(TargetError::Errno { errno, .. }), Some(wanted)) => {
            let name = errno_name(errno);
            let why = format!("{doing}: refused with {name}, and not with {wanted}");
            Err(Unwanted::Refusal(why))
        }
        (Err(error), Some(_)) => Err(Unwanted::Failed(error)),
        (Ok(_), Some(wanted)) => {
            let why = format!("{doing}: it was done, and not refused with {wanted}");
            Err(Unwanted::Refusal(why))
        }
    }
}

/// The program of a step with its arguments, run by the user it names.
///
/// # Errors
/// There is no such user.
pub fn command(run: &Run) -> Result<Vec<String>, String> {
    let Some(user) = &run.user else { return Ok(run.command.clone()) };
    let known = nix::unistd::User::from_name(user).ok().flatten();
    let known = known.ok_or_else(|| format!("there is no user {user}"))?;
    let mut command = vec![
        "setpriv".to_owned(),
        format!("--reuid={}", known.uid),
        format!("--regid={}", known.gid),
        "--clear-groups".to_owned(),
    ];
    command.extend_from_slice(&run.command);
    Ok(command)
}

/// What a program printed, and how it ended.
///
/// # Errors
/// It is not as it must be.
pub fn program(run: &Run, end: ProgramEnd, [out, err]: [&[u8]; 2]) -> Result<(), Mismatch> {
    let line = run.command.join(" ");
    let [out, err] = [out, err].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    if let Some(wanted) = &run.stdout {
        wanted.judge(&format!("what `{line}` prints"), &out)?;
    }
    if let Some(wanted) = &run.stderr {
        wanted.judge(&format!("what `{line}` prints to standard error"), &err)?;
    }
    let (status, wanted) = (end.status(), run.status);
    if status == wanted {
        return Ok(());
    }
    let mut excerpt = Text::shown("printed", &out);
    excerpt.extend(Text::shown("error", &err));
    let reason = format!("`{line}` ended with status {status}, and not with {wanted}");
    Err(Mismatch { reason, excerpt })
}

/// What a program of the host is given as its environment, but for its folder.
pub const ENVIRONMENT: [(&str, &str); 3] = [
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("HOME", "/root"),
    ("LC_ALL", "C.UTF-8"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(name: &str) -> ErrnoName {
        name.to_owned().try_into().unwrap()
    }

    #[test]
    fn another_error_than_the_wanted_one_or_none_at_all_is_not_what_was_wanted() {
        let refused = |result| refused("load x", result, Some(&wanted("EINVAL")));
        let failed = |errno| Err::<(), _>(TargetError::errno(errno, "load module x"));
        assert_eq!(refused(failed(nix::libc::EINVAL)), Ok(None));
        let why = |result| match refused(result) {
            Err(Unwanted::Refusal(why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            why(failed(nix::libc::EPERM)),
            "load x: refused with EPERM, and not with EINVAL"
        );
        assert_eq!(why(Ok(())), "load x: it was done, and not refused with EINVAL");
        // That nobody is there any more is no refusal.
        let gone = TargetError::Gone("it is gone".into());
        assert_eq!(refused(Err(gone.clone())), Err(Unwanted::Failed(gone)));
    }

    #[test]
    fn bytes_that_were_moved_are_counted_only_where_that_matters() {
        assert_eq!(moved("write", None, 7), Ok(()));
        assert_eq!(moved("write", Some(7), 7), Ok(()));
        let wrong = moved("write", Some(8), 7).unwrap_err();
        assert_eq!(wrong.reason, "write: it moved 7 bytes, and not 8");
    }
}
