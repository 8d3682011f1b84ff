// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside down`: ends labs.

use std::thread;

use clap::Args;
use serde::Serialize;

use super::changes::{Changes, FateArgs};
use super::output::say;
use super::{Failure, Outcome, candidates};
use crate::lab::client::{self, Ended};
use crate::lab::error::LabError;

/// End a lab, its virtual machine and everything it held
///
///     ringside down              the lab that runs, if it is the only one
///     ringside down 2            lab 2, as `ringside labs` shows it
///     ringside down --all        every lab of yours
///
/// A lab whose process does not answer is ended by force.
///
/// Where a lab with `--disk FILE` has kept what was written to its stick beside
/// FILE, since it was marked, this asks whether to write that to FILE. Where there
/// is no terminal to ask on, it stays in FILE.changes.
///
/// Exit status: 0 when it is gone, 1 if there is no such lab.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Down {
    /// The lab, as `ringside labs` shows it
    #[arg(value_name = "ID", conflicts_with = "all", add = candidates::labs())]
    id: Option<String>,

    /// End every lab of yours
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    fate: FateArgs,

    /// Print JSON, one line per lab
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    down: bool,
    /// Its process did not answer and was killed.
    killed: bool,
    /// Where what was written to its stick still is, and not in the user's file.
    #[serde(skip_serializing_if = "Option::is_none")]
    stick_changes: Option<String>,
}

impl Down {
    /// Ends them; `lab` is what `--lab` says.
    pub fn run(&self, lab: Option<&str>) -> Outcome {
        if lab.is_some() && (self.id.is_some() || self.all) {
            return Err(Failure::usage("which lab is to end is said twice")
                .with_help("`ringside down ID` ends one, `ringside down --all` all of them"));
        }
        let labs = client::labs()?;
        let ids = match self.id.as_deref().or(lab) {
            Some(id) => vec![id.to_owned()],
            None if self.all => labs,
            None => match labs.len() {
                0 => return Err(LabError::NoLab.into()),
                1 => labs,
                many => {
                    let which = labs.join(", ");
                    return Err(Failure::new(format!("{many} labs are running ({which})"))
                        .with_help(
                            "name one: `ringside down ID`; `ringside down --all` ends all",
                        ));
                }
            },
        };
        if ids.is_empty() && !self.json {
            say(false, "no lab is running", &())?;
        }
        let changes: Vec<_> = ids.iter().map(|id| Changes::of(id)).collect();
        // All at the same time: each may take some seconds.
        let ended: Vec<_> = thread::scope(|scope| {
            let ending: Vec<_> =
                ids.iter().map(|id| (id, scope.spawn(|| client::down(id)))).collect();
            // A thread that panicked has said so itself.
            ending.into_iter().filter_map(|(id, end)| Some((id, end.join().ok()?))).collect()
        });
        let (mut failed, mut unsettled) = (None, None);
        for ((id, ended), changes) in ended.into_iter().zip(changes) {
            let killed = match ended {
                Ok(ended) => ended == Ended::ByForce,
                Err(error) => {
                    failed.get_or_insert(error);
                    continue;
                }
            };
            let how = if killed { "; it did not answer and was killed" } else { "" };
            // What there is to say of its stick comes after what became of the lab.
            let text = format!("lab {id} is down{how}");
            if !self.json {
                say(false, &text, &())?;
            }
            let left = match changes.map(|changes| changes.resolve(self.fate.fate())) {
                Some(Ok(left)) => left,
                Some(Err(failure)) => {
                    unsettled.get_or_insert(failure);
                    None
                }
                None => None,
            };
            if self.json {
                say(true, &text, &Line { id, down: true, killed, stick_changes: left })?;
            }
        }
        if let Some(failure) = unsettled {
            return Err(failure);
        }
        failed.map_or(Ok(0), |error| Err(error.into()))
    }
}
