// SPDX-License-Identifier: MIT OR Apache-2.0
//! Processes: those that a guest has, and those that act for a test.

use crate::kernel::{Replies, question};

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

/// A process that acts on command.
pub(super) struct Actor {
    pub(super) pid: i32,
    pub(super) events: Replies<question::Subject>,
}

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
