// SPDX-License-Identifier: MIT OR Apache-2.0
//! Holds what was seen against what a step says must be, whoever looked.

use super::spec::{FileCheck, Mismatch, Processes, Run, Text};
use crate::kernel::api::ProgramEnd;

/// A file of the kernel's is no longer.
pub const FILE_MAX: u32 = 64 << 10;
/// What a program prints and is kept, in bytes.
pub const PRINTED_MAX: usize = 1 << 20;
/// Prints each process as the kernel does in `/proc/<pid>/stat`, for [`processes`].
/// Without a fork: a process that only looks is none too many.
pub const PROCESSES: [&str; 3] = [
    "sh",
    "-c",
    "for one in /proc/[0-9]*; do { read -r line < $one/stat && echo \"$line\"; } 2>/dev/null; \
     done; true",
];

/// A process or kernel thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) state: char,
    pub(super) parent: i32,
}

/// By a line of `/proc/<pid>/stat`.
pub(super) fn process(line: &str) -> Option<Seen> {
    // A name may hold anything, a `)` too.
    let (head, rest) = line.rsplit_once(") ")?;
    let (_, name) = head.split_once('(')?;
    let mut words = rest.split(' ');
    let state = words.next()?.chars().next()?;
    let parent = words.next()?.parse().ok()?;
    Some(Seen { name: name.to_owned(), state, parent })
}

/// The number of processes or threads in a listing by [`PROCESSES`].
///
/// # Errors
/// It is not as it must be.
pub fn processes(wanted: &Processes, listing: &str) -> Result<(), Mismatch> {
    let Processes { name, count, asleep, .. } = wanted;
    let all = listing.lines().filter_map(process);
    let named: Vec<_> = all.filter(|one| name.matches(&one.name)).collect();
    let sleeps = |one: &&Seen| !asleep || matches!(one.state, 'S' | 'D' | 'I');
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

    #[test]
    fn a_process_is_read_from_its_line_whatever_its_name_holds() {
        let seen = process("71 (a) b (c) S 2 0 0 0 -1").unwrap();
        assert_eq!(seen, Seen { name: "a) b (c".into(), state: 'S', parent: 2 });
        assert_eq!(process("nonsense"), None);
    }
}
