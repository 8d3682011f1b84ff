// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside load`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::loadable::{self, Loadable};
use super::output::say;
use super::parameter_line::parameter_line;
use super::progress::Show;
use super::{Connection, Failure, Outcome, candidates};
use crate::kernel::api::Request;
use crate::kernel::call::ask;
use crate::lab::build_error::BuildError;
use crate::lab::paths::lossy;

/// Load a module: by its name, its folder or its .ko file
///
///     ringside load my_name charParameter=Summer intParameter=2025
///     ringside load producer_consumer prod=5 cons=3 size=10
///     ringside load my-module/              build the folder, load what it makes
///     ringside load my_module               what was built last under that name
///     ringside load ./mine.ko debug=1       also .ko.gz, .ko.xz and .ko.zst
///
/// A name means one of Ringside's modules, else the newest build of that name; it
/// is said which. One of Ringside's is built first if its sources have changed,
/// and so is a folder's (see `ringside build --help`). What the module depends on
/// is loaded before it, if it was built here. The file is sent to the kernel, so
/// the guest needs no access to it. `ringside kmsg` shows what the module says.
///
/// Parameters are written as for insmod: a flag needs no value, a value with
/// blanks needs your shell's quotes. The kernel ignores what the module does not
/// have; then the module is loaded, and the status is 1.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Load {
    /// The module's name, or the path of a folder with a Kbuild file or Makefile,
    /// or of a .ko file
    #[arg(value_name = "NAME|FOLDER|FILE.ko", add = candidates::loadable())]
    module: PathBuf,
    /// The module's parameters
    #[arg(value_name = "PARAMETER[=VALUE]", add = candidates::parameters())]
    parameters: Vec<String>,
    /// Print JSON, one line per module
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Loaded<'a> {
    module: &'a str,
    loaded: bool,
    #[serde(serialize_with = "lossy")]
    file: &'a Path,
    parameters: &'a str,
}

impl Load {
    /// Loads it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let parameters = parameter_line(&self.parameters)?;
        let target = connection.open()?;
        let mut show = Show::new();
        let words = BuildError::without_last_words;
        let Loadable { images, asked } = loadable::find(&self.module, &*target, &mut show, words)?;
        drop(show);
        if asked.len() > 1 && !parameters.is_empty() {
            return Err(Failure::usage(format!(
                "{} makes {} modules ({}), and parameters are for one",
                self.module.display(),
                asked.len(),
                asked.join(", ")
            ))
            .with_help("load each by its name after `ringside build`"));
        }
        for image in images {
            let name = image.name.clone();
            let parameters = match asked.contains(&name) {
                true => parameters.clone(),
                false => String::new(),
            };
            ask(&*target, Request::Load { name, parameters: parameters.clone() }, &image.bytes)?;
            let loaded = Loaded {
                module: &image.name,
                loaded: true,
                file: &image.path,
                parameters: &parameters,
            };
            say(self.json, &format!("{} is loaded", image.name), &loaded)?;
        }
        Ok(0)
    }
}
