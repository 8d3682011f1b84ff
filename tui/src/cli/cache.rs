// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside cache`: what Ringside keeps on disk, and removing it.

use std::io::Write;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use super::Outcome;
use super::progress::Show;
use crate::lab::cache::usage::{self, Part};
use crate::lab::cache::{self, amount};

/// Show what Ringside keeps on disk, or remove it
///
/// Everything that the lab fetches and builds lies in one folder,
/// ~/.cache/ringside unless RINGSIDE_CACHE or XDG_CACHE_HOME says otherwise.
/// Whatever is removed is made again when it is needed.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Cache {
    #[command(subcommand)]
    action: Option<Action>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand, Clone, Debug)]
enum Action {
    /// Remove parts of it, or all
    Clean {
        /// What to remove
        #[arg(value_parser = parts(), required_unless_present = "all")]
        parts: Vec<Part>,
        /// Remove everything
        #[arg(long, conflicts_with = "parts")]
        all: bool,
    },
}

/// The parts as they are typed.
fn parts() -> impl TypedValueParser<Value = Part> {
    let known = Part::ALL.map(|part| PossibleValue::new(part.name()).help(part.what()));
    PossibleValuesParser::new(known).try_map(|name| {
        let mut parts = Part::ALL.into_iter();
        parts.find(|part| part.name() == name).ok_or("no such part")
    })
}

impl Cache {
    /// Shows or cleans.
    pub fn run(&self) -> Outcome {
        let root = cache::root()?;
        if let Some(Action::Clean { parts, all }) = &self.action {
            let parts: Vec<Part> = match all {
                true => Part::ALL.to_vec(),
                false => parts.clone(),
            };
            let mut show = Show::new();
            for part in parts {
                let freed = usage::clean(&root, part, &mut show)?;
                show.say(&format!("{}: {} freed", part.name(), amount(freed)));
            }
            return Ok(0);
        }
        let usage = usage::usage(&root);
        let total: u64 = usage.parts.iter().map(|part| part.bytes).sum();
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&usage)?)?;
            return Ok(0);
        }
        writeln!(out, "{}", root.display())?;
        for part in &usage.parts {
            writeln!(out, "{:>10}  {:10} {}", amount(part.bytes), part.name, part.what)?;
        }
        writeln!(out, "{:>10}  in all", amount(total))?;
        Ok(0)
    }
}
