// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside kernel`: options of the user's own for the lab's kernels.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::kernel_choice::KernelChoice;
use super::output::pretty_json;
use super::progress::Show;
use super::{Failure, Outcome};
use crate::lab::linux::config::Config;
use crate::lab::linux::{self, option_check, own_options};
use crate::text::escape::visible;

/// Choose options of the kernel, as in its .config
///
///     ringside kernel options                   # yours
///     ringside kernel options gpio              # of the built kernel, by name
///     ringside kernel set CONFIG_GPIOLIB=y
///     ringside kernel set --fragment lesson.config
///     ringside kernel reset CONFIG_GPIOLIB
///
/// What you set is kept for you and holds for every kernel that is built from
/// now on, lab and debug. Only what changed is compiled again. What Kconfig
/// does not take is refused, with what it depends on.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Kernel {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    Options(Options),
    Set(Set),
    Reset(Reset),
}

/// Show your options; with a word, the built kernel's options of that name
///
///     ringside kernel options
///     ringside kernel options gpio --kernel debug
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
struct Options {
    /// Part of an option's name, in any case
    part: Option<String>,
    #[command(flatten)]
    kernel: KernelChoice,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Set options, and build the kernel with them
///
///     ringside kernel set CONFIG_GPIOLIB=y CONFIG_GPIO_SIM=y
///     ringside kernel set --fragment lesson.config --no-build
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
struct Set {
    /// CONFIG_NAME=y, =n, a number or a text
    #[arg(value_name = "CONFIG_NAME=VALUE", required_unless_present = "fragment")]
    options: Vec<String>,
    /// A file with such lines
    #[arg(long, value_name = "FILE")]
    fragment: Option<PathBuf>,
    #[command(flatten)]
    kernel: KernelChoice,
    /// Only check and keep them; the next start builds the kernel
    #[arg(long)]
    no_build: bool,
    /// Print JSON: all options of your own
    #[arg(long)]
    json: bool,
}

/// Take options back: all of yours, or those named
///
///     ringside kernel reset
///     ringside kernel reset CONFIG_GPIO_SIM
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
struct Reset {
    /// CONFIG_NAME
    #[arg(value_name = "CONFIG_NAME")]
    options: Vec<String>,
    /// Print JSON: the options of your own that are left
    #[arg(long)]
    json: bool,
}

impl Kernel {
    /// Shows, sets or resets.
    pub fn run(&self) -> Outcome {
        match &self.command {
            Command::Options(command) => command.run(),
            Command::Set(command) => command.run(),
            Command::Reset(command) => command.run(),
        }
    }
}

impl Options {
    fn run(&self) -> Outcome {
        let config = match &self.part {
            None => own_options::read(),
            Some(part) => self.built()?.with_names_like(part),
        };
        let text = match (&self.part, config.is_empty()) {
            (_, false) => config.text().trim_end().to_owned(),
            (None, true) => {
                "none of your own; set one with `ringside kernel set CONFIG_NAME=y`".to_owned()
            }
            (Some(part), true) => {
                format!("the kernel has no option with {part:?} in its name that is on")
            }
        };
        show_all(self.json, &text, &config)
    }

    /// The configuration of the kernel as it was built.
    fn built(&self) -> Result<Config, Failure> {
        let flavour = self.kernel.flavour()?;
        let kernel = linux::built(flavour).ok_or_else(|| {
            Failure::new(format!("the {flavour} kernel is not built yet"))
                .with_help(format!("ringside build --kernel {flavour} --kernel-only"))
        })?;
        let path = kernel.build_dir.join(".config");
        let text = std::fs::read_to_string(&path)
            .map_err(|error| Failure::new(format!("read {}: {error}", path.display())))?;
        Ok(Config::parse(&text))
    }
}

impl Set {
    fn run(&self) -> Outcome {
        let flavour = self.kernel.flavour()?;
        let mut wanted = own_options::read();
        if let Some(path) = &self.fragment {
            wanted = wanted.with(own_options::fragment(path)?);
        }
        for text in &self.options {
            let (name, value) = own_options::assignment(text).map_err(Failure::usage)?;
            wanted.set(name, value);
        }
        let mut show = Show::new();
        option_check::check(flavour, &wanted, &mut show)?;
        own_options::write(&wanted)?;
        if !self.no_build {
            linux::ensure(flavour, &mut show)?;
        }
        drop(show);
        let text = match wanted.iter().count() {
            1 => "1 option of your own is set".to_owned(),
            count => format!("{count} options of your own are set"),
        };
        show_all(self.json, &text, &wanted)
    }
}

impl Reset {
    fn run(&self) -> Outcome {
        let before = own_options::read();
        let names: Vec<&str> =
            self.options.iter().map(|name| name.trim_start_matches("CONFIG_")).collect();
        if let Some(unknown) = names.iter().find(|name| !before.contains(name)) {
            return Err(Failure::new(format!("CONFIG_{unknown} is no option of yours"))
                .with_help("`ringside kernel options` lists them"));
        }
        let left: Config = before
            .iter()
            .filter(|(name, _)| !names.is_empty() && !names.contains(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        own_options::write(&left)?;
        let gone = before.iter().count() - left.iter().count();
        let what = if gone == 1 { "option" } else { "options" };
        let text = format!("{gone} {what} taken back; the next start builds the kernel");
        show_all(self.json, &text, &left)
    }
}

/// Prints `text`, or the options as JSON.
fn show_all(json: bool, text: &str, config: &Config) -> Outcome {
    let mut out = std::io::stdout().lock();
    if json {
        let all: serde_json::Map<_, _> =
            config.iter().map(|(name, value)| (format!("CONFIG_{name}"), json!(value))).collect();
        writeln!(out, "{}", pretty_json(&all)?)?;
    } else {
        for line in text.lines() {
            writeln!(out, "{}", visible(line))?;
        }
    }
    Ok(0)
}
