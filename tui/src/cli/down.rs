// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside down`: ends labs.

use std::io::Write;

use clap::Args;

use super::Outcome;
use crate::lab::client;
use crate::lab::error::LabError;

/// End a lab, its virtual machine and everything it held
///
/// Without an ID: the lab that runs, if it is the only one.
///
/// Exit status: 0 when it is gone, 1 if there is no such lab.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Down {
    /// The lab, as `ringside labs` shows it
    #[arg(value_name = "ID", conflicts_with = "all")]
    id: Option<String>,

    /// End every lab of yours
    #[arg(long)]
    all: bool,
}

impl Down {
    /// Ends them; `lab` is what `--lab` says.
    pub fn run(&self, lab: Option<&str>) -> Outcome {
        let labs = client::labs()?;
        let ids = match self.id.as_deref().or(lab) {
            Some(id) => vec![id.to_owned()],
            None if self.all => labs,
            None => match labs.len() {
                0 => return Err(LabError::NoLab.into()),
                1 => labs,
                _ => return Err(LabError::WhichLab(labs).into()),
            },
        };
        let mut out = std::io::stdout().lock();
        for id in ids {
            client::down(&id)?;
            writeln!(out, "lab {id} is down")?;
        }
        Ok(0)
    }
}
