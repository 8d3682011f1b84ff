// SPDX-License-Identifier: MIT OR Apache-2.0
//! A line of the script: what it asks for.

use crate::cli::Failure;
use crate::kernel::api::SubjectAction;
use crate::text::bytes::{parse_bytes, parse_offset};

/// A line of the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Subject(u32),
    /// The address, whom to share it with, writable.
    Share(u64, u32, bool),
    Do(SubjectAction),
}

pub(super) fn parse(text: &str) -> Result<Option<Line>, Failure> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let wrong = |what: &str| {
        Failure::usage(format!("{text:?}: {what}"))
            .with_help("`ringside mem --help` lists the actions")
    };
    let (verb, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let words: Vec<_> = rest.split_ascii_whitespace().collect();
    let number = |at: usize, name: &str| {
        let word = words.get(at).ok_or_else(|| wrong(&format!("{name} is missing")))?;
        parse_offset(word).map_err(|error| wrong(&format!("{name}: {error}")))
    };
    let address = || number(0, "the address");
    let writable = |at: usize| match words.get(at) {
        Some(&"rw") => Ok(true),
        Some(&"ro") => Ok(false),
        _ => Err(wrong("say ro or rw at the end")),
    };
    let small = |value: u64, name: &str| {
        u32::try_from(value).map_err(|_| wrong(&format!("{name} is too large")))
    };
    let words_at_most = |count: usize| match words.len() > count {
        true => Err(wrong("there are too many words")),
        false => Ok(()),
    };
    // The text to store is what follows the address and one space.
    let tail = || rest.trim_start().split_once(' ').map_or("", |(_, tail)| tail);
    let (line, count) = match verb {
        "alloc" => {
            let pages = number(1, "the number of pages")?;
            let action = SubjectAction::Allocate {
                vaddr: address()?,
                pages: i32::try_from(pages).map_err(|_| wrong("too many pages"))?,
                write: writable(2)?,
            };
            (Line::Do(action), 3)
        }
        "free" => (Line::Do(SubjectAction::Free { vaddr: address()? }), 1),
        "read" => {
            let action = SubjectAction::Read {
                vaddr: address()?,
                size: small(number(1, "the number of bytes")?, "the number of bytes")?,
            };
            (Line::Do(action), 2)
        }
        "write" => {
            let action =
                SubjectAction::Write { vaddr: address()?, bytes: tail().as_bytes().to_vec() };
            (Line::Do(action), usize::MAX)
        }
        "hex" => {
            let action = SubjectAction::Write {
                vaddr: address()?,
                bytes: parse_bytes(tail())
                    .map_err(|error| wrong(&format!("the bytes: {error}")))?,
            };
            (Line::Do(action), usize::MAX)
        }
        "share" => {
            let subject = small(number(1, "the subject")?, "the subject's number")?;
            (Line::Share(address()?, subject, writable(2)?), 3)
        }
        "access" => (Line::Do(SubjectAction::Access { vaddr: address()? }), 1),
        "walk" => (Line::Do(SubjectAction::Walk { vaddr: address()? }), 1),
        "maps" => (Line::Do(SubjectAction::Maps), 0),
        "subject" => (Line::Subject(small(number(0, "its number")?, "its number")?), 1),
        _ => return Err(wrong("there is no such action")),
    };
    words_at_most(count)?;
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_understood() {
        let action = |text: &str| match parse(text) {
            Ok(Some(Line::Do(action))) => action,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(
            action("alloc 0x40000000 4 rw"),
            SubjectAction::Allocate { vaddr: 0x4000_0000, pages: 4, write: true }
        );
        assert_eq!(
            action("write 4096 hello  world"),
            SubjectAction::Write { vaddr: 4096, bytes: b"hello  world".to_vec() }
        );
        assert_eq!(
            action("hex 0x1000 00 ff"),
            SubjectAction::Write { vaddr: 0x1000, bytes: vec![0, 255] }
        );
        assert_eq!(parse("share 0 2 ro"), Ok(Some(Line::Share(0, 2, false))));
        assert_eq!(parse("subject 2"), Ok(Some(Line::Subject(2))));
        assert_eq!(parse("  # comment"), Ok(None));
    }

    #[test]
    fn what_makes_no_sense_is_a_usage_error_that_says_what() {
        for bad in ["alloc", "alloc x 1 rw", "alloc 0 1", "free 0 1", "fly 0", "hex 0 0g"] {
            assert_eq!(parse(bad).unwrap_err().status(), 2, "{bad}");
        }
    }
}
