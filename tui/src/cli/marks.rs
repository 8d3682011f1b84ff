// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside mark`, `marks`, `rewind`, `unmark`: winding a lab's guest back.

use std::io::Write;

use clap::Args;

use super::labs::uptime;
use super::output::{json, print_json, say};
use super::{Connection, Failure, Outcome};
use crate::kernel::api::{LabRequest, MarkInfo, Request};
use crate::kernel::call::ask;
use crate::kernel::{put, question};
use crate::lab::error::LabError;
use crate::lab::{cache, client, kept_marks};
use crate::text::amount::amount;
use crate::text::escape::visible;

/// Mark the guest, so that it can be wound back to this moment
///
///     ringside mark                  the next number: 1, 2, …
///     ringside mark before-the-bug
///     ringside rewind before-the-bug
///
/// A lab also marks its guest by itself: before each load, each unload and each
/// crash on purpose, and every 10 s while counters move (unless it was started
/// with --no-auto-marks). Those are numbered, too. A load right after an unload is
/// one change with it, and marked once.
///
/// A mark holds the guest's processors, memory and devices, and what is on its
/// USB stick. The guest stands still for a moment while it is made. The eight
/// newest numbered marks are kept (`ringside up --marks COUNT`, `--marks-mib MIB`),
/// those with a name until they are removed; all are gone when the lab ends, unless it
/// was started with --keep-marks.
///
/// While a program of this computer's runs in the guest (`exec`, `shell`), its files
/// are mounted there, and there can be no mark: it says which program that is.
///
/// Where the USB stick is a file of yours (--disk FILE), what is written to it from
/// the first mark on is kept in FILE.changes, and FILE itself is never wound back.
/// There is no mark of a guest whose stick is a device of this computer's.
///
/// Exit status: 0 done, 1 failed, 2 a command line that makes no sense.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Mark {
    /// What to call it; a mark of that name is replaced
    #[arg(value_parser = name)]
    name: Option<String>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// List the moments that the guest can be wound back to
///
///     ringside marks
///     ringside marks --json | jq -r '.[].name'
///
/// Where no lab runs, those are listed that `ringside up --keep-marks` has kept.
/// The oldest comes first. AGE is the time since the mark was made, SIZE what
/// it takes on the disk.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Marks {
    /// Print them as a JSON array
    #[arg(long)]
    json: bool,
}

/// Wind the guest back to a mark
///
///     ringside rewind                to the newest mark
///     ringside rewind before-the-bug
///     ringside rewind -2             to the one before the newest
///
/// Memory, processors, devices and the USB stick are as they were; the guest's
/// clock is set to the present and its random pool stirred. What was connected
/// to the old guest (a program under `exec`, a process under `mem`) ends. Processes
/// that mapped pages at that moment live again with them: a dashboard goes on with
/// them, and without one they end after 10 s. The mark stays, so the same moment can
/// be gone back to again. It works on a guest that crashed, too.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Rewind {
    /// Which mark; -1 is the newest, -2 the one before it
    #[arg(value_parser = name_or_place, allow_hyphen_values = true)]
    name: Option<String>,
    /// Print the lab's status afterwards as JSON
    #[arg(long)]
    json: bool,
}

/// Remove a mark
///
///     ringside unmark before-the-bug
///     ringside unmark --all
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Unmark {
    /// Which
    #[arg(value_parser = name, required_unless_present = "all", conflicts_with = "all")]
    name: Option<String>,
    /// All of them
    #[arg(long)]
    all: bool,
    /// Print the marks that are left as a JSON array
    #[arg(long)]
    json: bool,
}

/// A mark's name: what can be typed and printed without quotes.
fn name(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_alphanumeric() || "-_.+".contains(c);
    match text {
        _ if text.starts_with('-') => Err("a name does not begin with a dash"),
        _ if text.chars().count() > 40 => Err("a name has at most 40 characters"),
        _ if !text.is_empty() && text.chars().all(plain) => Ok(text.to_owned()),
        _ => Err("a name has letters, digits and the characters - _ . +"),
    }
}

fn name_or_place(text: &str) -> Result<String, &'static str> {
    match text.strip_prefix('-').map(str::parse::<usize>) {
        Some(Ok(1..)) => Ok(text.to_owned()),
        _ => name(text),
    }
}

impl Mark {
    /// Makes it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let target = connection.open()?;
        let made = put(&*target, question::Mark { name: self.name.clone() })?;
        let made = made.first().ok_or_else(|| Failure::new("the lab made no mark"))?;
        let line = format!(
            "mark {}: {} of memory and devices, the guest stood still for {} ms",
            made.name,
            amount(made.bytes),
            made.stood_ms
        );
        say(self.json, &line, made)?;
        Ok(0)
    }
}

impl Marks {
    /// Prints them.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let (marks, kept) = marks(connection)?;
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", json(&marks)?)?;
        } else if marks.is_empty() {
            writeln!(out, "this lab has no marks; `ringside mark` makes one")?;
        } else {
            if kept {
                writeln!(
                    out,
                    "no lab runs; kept for one started with `ringside up --keep-marks`:"
                )?;
            }
            writeln!(
                out,
                "{:<16} {:>8} {:>9} {:>6}  {:<24} MODULES",
                "NAME", "AGE", "SIZE", "GUEST", "MADE"
            )?;
            for mark in &marks {
                writeln!(out, "{}", line(mark))?;
            }
        }
        Ok(0)
    }
}

/// The lab's marks; where none runs, those that were kept, and `true`.
fn marks(connection: &Connection) -> Result<(Vec<MarkInfo>, bool), Failure> {
    if !connection.is_explicit()
        && let Err(LabError::NoLab) = client::attach(None)
    {
        let kept = kept_marks::list(&cache::root()?);
        if !kept.is_empty() {
            return Ok((kept, true));
        }
    }
    Ok((put(&*connection.open()?, question::Marks)?, false))
}

fn line(mark: &MarkInfo) -> String {
    let modules = match mark.modules.is_empty() {
        true => "none".to_owned(),
        false => mark.modules.join(" "),
    };
    visible(&format!(
        "{:<16} {:>8} {:>9} {:>6}  {:<24} {modules}",
        mark.name,
        uptime(mark.age_ms),
        amount(mark.bytes),
        mark.generation,
        mark.reason.as_deref().unwrap_or("when asked"),
    ))
}

impl Rewind {
    /// Does it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let target = connection.open()?;
        let all = put(&*target, question::Marks)?;
        let wanted = match &self.name {
            None => all.last(),
            Some(name) => match name.strip_prefix('-').and_then(|place| place.parse().ok()) {
                Some(place) => all.len().checked_sub(place).and_then(|at| all.get(at)),
                None => all.iter().rfind(|mark| mark.name == *name),
            },
        };
        let Some(mark) = wanted else {
            let wanted = self.name.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
            return Err(Failure::new(format!("this lab has no mark{wanted}"))
                .with_help("`ringside marks` lists them, `ringside mark` makes one"));
        };
        let rewind = LabRequest::Rewind { name: Some(mark.name.clone()) };
        ask(&*target, Request::Lab(rewind), &[])?;
        let line = format!("the guest is back at mark {}, {} ago", mark.name, uptime(mark.age_ms));
        match self.json {
            true => print_json(&super::vm::status(&*target)?)?,
            false => say(false, &line, &())?,
        }
        Ok(0)
    }
}

impl Unmark {
    /// Does it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let target = connection.open()?;
        let unmark = LabRequest::Unmark { name: self.name.clone() };
        ask(&*target, Request::Lab(unmark), &[])?;
        if self.json {
            print_json(&put(&*target, question::Marks)?)?;
        } else {
            let what = self.name.as_ref().map(|name| format!("mark {name} is"));
            say(false, &format!("{} gone", what.as_deref().unwrap_or("all marks are")), &())?;
        }
        Ok(0)
    }
}
