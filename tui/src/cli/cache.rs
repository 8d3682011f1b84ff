// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside cache`: what Ringside keeps on disk, and removing it.

use std::io::Write;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::Outcome;
use super::output::{pretty_json, print_json};
use super::progress::Show;
use crate::lab::cache;
use crate::lab::cache::usage::{self, Part};
use crate::text::amount::amount;

/// Show what Ringside keeps on disk, or remove it
///
///     ringside cache
///     ringside cache clean guests
///     ringside cache clean --all
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
    #[arg(long, global = true)]
    json: bool,
}

/// What `cache clean --json` prints for each part.
#[derive(Serialize)]
struct Cleaned {
    name: &'static str,
    /// Bytes.
    freed: u64,
}

#[derive(Subcommand, Clone, Debug)]
enum Action {
    /// Remove parts of it, or all
    ///
    ///     ringside cache clean guests modules
    ///     ringside cache clean --all
    #[command(verbatim_doc_comment)]
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
                if self.json {
                    print_json(&Cleaned { name: part.name(), freed })?;
                } else {
                    show.say(&format!("{}: {} freed", part.name(), amount(freed)));
                }
            }
            return Ok(0);
        }
        let usage = usage::usage(&root);
        let total: u64 = usage.parts.iter().map(|part| part.bytes).sum();
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", pretty_json(&usage)?)?;
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
