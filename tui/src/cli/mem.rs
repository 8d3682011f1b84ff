// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside mem`: makes subject processes use `/dev/memalloc`, line by line.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::connection::{one, unexpected};
use super::error::visible;
use super::{Connection, Failure, Outcome};
use crate::target::Target;
use crate::target::api::{
    Fault, Item, ProgramEnd, Request, SubjectAction, SubjectEvent, SubjectOutcome, Walk,
};
use crate::target::call::Calls;

/// Make processes allocate, share and touch memory by memalloc
///
///     ringside mem 'alloc 0x40000000 4 rw' 'write 0x40000000 hello' \
///                  'read 0x40000000 5' 'walk 0x40000000'
///     ringside mem < script             one action per line, # for comments
///
/// Actions; numbers in decimal or 0x…:
///     alloc ADDRESS PAGES ro|rw         map zeroed pages
///     free ADDRESS                      give back the request that starts there
///     read ADDRESS BYTES                load
///     write ADDRESS TEXT                store the rest of the line
///     hex ADDRESS 00ff…                 store bytes
///     share ADDRESS SUBJECT ro|rw       offer a page to another subject
///     access ADDRESS                    map the page that was offered
///     walk ADDRESS                      the page-table entries, PGD first
///     maps                              the address space
///     subject NUMBER                    go on with this subject (there is 1 first)
///
/// Each subject is a process of its own and ends with the command. Touching
/// what must not be touched kills it, and the command fails and says why.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Mem {
    /// The actions; none: they are read from standard input
    actions: Vec<String>,
    /// Print JSON, one line per action
    #[arg(long)]
    json: bool,
}

/// A line of the script.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Subject(u32),
    /// The address, whom to share it with, writable.
    Share(u64, u32, bool),
    Do(SubjectAction),
}

/// What `--json` prints for a line.
#[derive(Serialize)]
struct Did<'a> {
    action: &'a str,
    subject: u32,
    pid: i32,
    outcome: SubjectOutcome,
}

impl Mem {
    /// Does it all in turn.
    pub fn run(&self, connection: &Connection) -> Outcome {
        // What makes no sense is refused before anything is done.
        for action in &self.actions {
            parse(action)?;
        }
        let mut session = Session {
            target: connection.open()?,
            subjects: BTreeMap::new(),
            current: 1,
            json: self.json,
        };
        if self.actions.is_empty() {
            for line in std::io::stdin().lock().lines() {
                let line =
                    line.map_err(|error| Failure::new(format!("read the script: {error}")))?;
                session.line(&line)?;
            }
        } else {
            for action in &self.actions {
                session.line(action)?;
            }
        }
        Ok(0)
    }
}

struct Session {
    target: Arc<dyn Target>,
    subjects: BTreeMap<u32, (i32, Calls)>,
    current: u32,
    json: bool,
}

impl Session {
    fn line(&mut self, text: &str) -> Result<(), Failure> {
        let Some(line) = parse(text)? else {
            return Ok(());
        };
        let action = match line {
            Line::Subject(number) => {
                self.current = number;
                self.pid(number)?;
                return Ok(());
            }
            Line::Share(vaddr, number, write) => SubjectAction::Share {
                vaddr,
                client: self.pid(number)?,
                write,
            },
            Line::Do(action) => action,
        };
        let pid = self.pid(self.current)?;
        let outcome = match one(&*self.target, Request::SubjectDo { pid, action }) {
            Ok(Item::SubjectDid(outcome)) => outcome,
            Ok(other) => return Err(unexpected(&other)),
            Err(failure) => return Err(self.dead(text).unwrap_or(failure)),
        };
        let mut out = std::io::stdout().lock();
        if self.json {
            let did = Did {
                action: text.trim(),
                subject: self.current,
                pid,
                outcome,
            };
            writeln!(out, "{}", serde_json::to_string(&did)?)?;
        } else {
            let done = format!("{}: {}", text.trim(), describe(&outcome));
            writeln!(out, "{}", visible(&done))?;
        }
        Ok(())
    }

    /// The process of a subject, which is started if there is none yet.
    fn pid(&mut self, number: u32) -> Result<i32, Failure> {
        if let Some((pid, _)) = self.subjects.get(&number) {
            return Ok(*pid);
        }
        let calls = Calls::start(&*self.target, Request::Subject)?;
        match calls.next() {
            Item::Subject(SubjectEvent::Started { pid }) => {
                self.subjects.insert(number, (pid, calls));
                Ok(pid)
            }
            Item::Done(Err(error)) => Err(error.into()),
            other => Err(unexpected(&other)),
        }
    }

    /// The failure that says how the current subject died, if it did.
    fn dead(&mut self, text: &str) -> Option<Failure> {
        let (pid, calls) = self.subjects.get(&self.current)?;
        // A subject that lives answers nothing here, so it is asked first.
        let action = SubjectAction::Maps;
        if one(&*self.target, Request::SubjectDo { pid: *pid, action }).is_ok() {
            return None;
        }
        match calls.next() {
            Item::Subject(SubjectEvent::Died { pid, end, fault }) => Some(Failure::new(format!(
                "{}: subject {} (pid {pid}) has died: {}",
                text.trim(),
                self.current,
                cause(end, fault.as_ref())
            ))),
            _ => None,
        }
    }
}

fn cause(end: ProgramEnd, fault: Option<&Fault>) -> String {
    let how = match end {
        ProgramEnd::Signalled(signal) => nix::sys::signal::Signal::try_from(signal)
            .map_or_else(|_| format!("signal {signal}"), |signal| signal.to_string()),
        other => format!("{other:?}"),
    };
    match fault {
        Some(fault) => format!("{how}, {} at {:#x}", fault.cause, fault.address),
        None => how,
    }
}

fn describe(outcome: &SubjectOutcome) -> String {
    match outcome {
        SubjectOutcome::Done => "done".into(),
        SubjectOutcome::Bytes(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let text: String = bytes
                .iter()
                .map(|byte| match byte {
                    0x20..=0x7e => char::from(*byte),
                    _ => '.',
                })
                .collect();
            format!("{hex}  {text}")
        }
        SubjectOutcome::Walk(walk) => describe_walk(walk),
        SubjectOutcome::Maps(mappings) => mappings
            .iter()
            .map(|m| {
                format!(
                    "\n{:016x}-{:016x} {} {}",
                    m.start, m.end, m.permissions, m.name
                )
            })
            .collect(),
    }
}

fn describe_walk(walk: &Walk) -> String {
    let names: &[&str] = match walk.levels {
        5 => &["PGD", "P4D", "PUD", "PMD", "PTE"],
        _ => &["PGD", "PUD", "PMD", "PTE"],
    };
    // With four levels P4D is folded into PGD, and its entry is the same again.
    let entries: Vec<u64> = match walk.levels {
        5 => walk.entry.to_vec(),
        _ => [&walk.entry[..1], &walk.entry[2..]].concat(),
    };
    let read =
        (walk.depth as usize).saturating_sub(usize::from(walk.levels != 5 && walk.depth > 1));
    let mut text = format!("{} levels", walk.levels);
    for (name, entry) in names.iter().zip(entries).take(read) {
        text.push_str(&format!("  {name} {entry:#018x}"));
    }
    if read < names.len() {
        text.push_str("  (nothing further)");
    }
    text
}

fn parse(text: &str) -> Result<Option<Line>, Failure> {
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
        let word = words
            .get(at)
            .ok_or_else(|| wrong(&format!("{name} is missing")))?;
        number(word).ok_or_else(|| wrong(&format!("{name} is no number: {word:?}")))
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
    let tail = || {
        rest.trim_start()
            .split_once(' ')
            .map_or("", |(_, tail)| tail)
    };
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
            let action = SubjectAction::Write {
                vaddr: address()?,
                bytes: tail().as_bytes().to_vec(),
            };
            (Line::Do(action), usize::MAX)
        }
        "hex" => {
            let action = SubjectAction::Write {
                vaddr: address()?,
                bytes: super::block::hex(tail()).ok_or_else(|| wrong("those are no hex digits"))?,
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
        "subject" => (
            Line::Subject(small(number(0, "its number")?, "its number")?),
            1,
        ),
        _ => return Err(wrong("there is no such action")),
    };
    words_at_most(count)?;
    Ok(Some(line))
}

/// A number in decimal or, after 0x, in hexadecimal.
pub fn number(word: &str) -> Option<u64> {
    match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
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
            SubjectAction::Allocate {
                vaddr: 0x4000_0000,
                pages: 4,
                write: true
            }
        );
        assert_eq!(
            action("write 4096 hello  world"),
            SubjectAction::Write {
                vaddr: 4096,
                bytes: b"hello  world".to_vec()
            }
        );
        assert_eq!(
            action("hex 0x1000 00 ff"),
            SubjectAction::Write {
                vaddr: 0x1000,
                bytes: vec![0, 255]
            }
        );
        assert_eq!(parse("share 0 2 ro"), Ok(Some(Line::Share(0, 2, false))));
        assert_eq!(parse("subject 2"), Ok(Some(Line::Subject(2))));
        assert_eq!(parse("  # comment"), Ok(None));
    }

    #[test]
    fn what_makes_no_sense_is_a_usage_error_that_says_what() {
        for bad in [
            "alloc",
            "alloc x 1 rw",
            "alloc 0 1",
            "free 0 1",
            "fly 0",
            "hex 0 0g",
        ] {
            assert_eq!(parse(bad).unwrap_err().status(), 2, "{bad}");
        }
    }

    #[test]
    fn a_walk_of_four_levels_leaves_the_folded_one_out() {
        let walk = Walk {
            vaddr: 0,
            levels: 4,
            depth: 5,
            entry: [1, 1, 2, 3, 4],
        };
        let text = describe_walk(&walk);
        assert!(
            !text.contains("P4D") && text.contains("PTE 0x0000000000000004"),
            "{text}"
        );
        let short = Walk {
            depth: 2,
            levels: 5,
            ..walk
        };
        assert!(describe_walk(&short).ends_with("P4D 0x0000000000000001  (nothing further)"));
    }
}
