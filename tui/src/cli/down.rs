// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside down`: ends labs.

use clap::Args;
use serde::Serialize;

use super::output::say;
use super::{Failure, Outcome, candidates};
use crate::lab::client;
use crate::lab::error::LabError;

/// End a lab, its virtual machine and everything it held
///
///     ringside down              the lab that runs, if it is the only one
///     ringside down 2            lab 2, as `ringside labs` shows it
///     ringside down --all        every lab of yours
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

    /// Print JSON, one line per lab
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Ended<'a> {
    id: &'a str,
    down: bool,
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
        for id in ids {
            client::down(&id)?;
            say(self.json, &format!("lab {id} is down"), &Ended { id: &id, down: true })?;
        }
        Ok(0)
    }
}
