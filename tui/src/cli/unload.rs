// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside unload`.

use clap::Args;
use serde::Serialize;

use super::output::say;
use super::{Connection, Outcome, candidates};
use crate::kernel::api::Request;
use crate::kernel::call::ask;
use crate::kernel::modinfo::module_name;

/// Unload a module
///
///     ringside unload my_name
///
/// The kernel refuses while something uses the module; the error says who.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Unload {
    /// The module's name, as `ringside modules` shows it
    #[arg(add = candidates::loaded())]
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Unloaded<'a> {
    module: &'a str,
    loaded: bool,
}

impl Unload {
    /// Unloads it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let target = connection.open()?;
        ask(&*target, Request::Unload { name: self.name.clone() }, &[])?;
        let name = module_name(&self.name);
        let unloaded = Unloaded { module: &name, loaded: false };
        say(self.json, &format!("{name} is unloaded"), &unloaded)?;
        Ok(0)
    }
}
