// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside` without a command, and `ringside dashboard`: finds the kernel to
//! show, starts a lab where there is none, and hands over the terminal.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use clap::Args;

use super::connection::one;
use super::lab_args::LabArgs;
use super::relay::Relay;
use super::{Connection, Failure, Outcome, our_module};
use crate::dashboard::{self, Options};
use crate::kernel::modinfo::module_name;
use crate::kernel::{Item, Request, Target};
use crate::lab;
use crate::lab::client;
use crate::lab::error::LabError;
use crate::lab::progress::Event;
use crate::lab::symbols::BuildIds;

/// Open the dashboard: what `ringside` without a command does
///
///     ringside                             the lab that runs, or a new one
///     ringside dashboard --kernel debug    a new lab with the kernel that finds mistakes
///     ringside --connect 'ssh root@board ringside agent --stdio'
///
/// A lab that was started for the dashboard ends with it, unless you say
/// otherwise when q asks; one that ran before goes on. Settings are read from $XDG_CONFIG_HOME/ringside/config.toml.
///
/// Exit status: 0 after quit, 128 + N after signal N, 1 if it could not start.
#[derive(Args, Clone, Debug, Default)]
#[command(verbatim_doc_comment)]
pub struct Dashboard {
    #[command(flatten)]
    lab: LabArgs,

    /// Print the settings with their defaults and explanations, and do no more
    #[arg(long)]
    print_config: bool,
}

impl Dashboard {
    /// Runs it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        if self.print_config {
            std::io::stdout().write_all(crate::dashboard::core::config::DEFAULTS.as_bytes())?;
            return Ok(0);
        }
        if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
            return Err(dashboard::DashboardError::NoTerminal.into());
        }
        let config = dashboard::read_config()?;
        // Kept to the end: a lab of our own goes when its client does.
        let relay = Arc::new(self.kernel(connection)?);
        let (reviving, lab) = (Arc::clone(&relay), self.lab.clone());
        let keeping = Arc::clone(&relay);
        let target: Arc<dyn Target> = relay.clone();
        let options = Options {
            config,
            builder: builder(Arc::clone(&target)),
            reviver: Arc::new(move || reviving.revive(&lab).map_err(|failure| failure.to_string())),
            own_lab: relay.owns_lab(),
            keeper: Arc::new(move || keeping.keep().map_err(|failure| failure.to_string())),
            finder: finder(Arc::clone(&target)),
            locator: locator(Arc::clone(&target)),
            state: dashboard::state_path(),
        };
        let ended = dashboard::run(target, options)?;
        if let Some(id) = relay.kept() {
            println!(
                "lab {id} goes on: `ringside` opens its dashboard, `ringside down {id}` ends it"
            );
        }
        Ok(ended.status())
    }

    /// The kernel that is meant, and the lab around it if it is ours.
    fn kernel(&self, connection: &Connection) -> Result<Relay, Failure> {
        if connection.is_explicit() {
            if !self.lab.is_plain() {
                return Err(Failure::usage(
                    "options for a new lab make no sense for a kernel that runs already",
                ));
            }
            return Ok(Relay::new(connection.open_plain()?, None));
        }
        if self.lab.is_plain() {
            match client::attach(None) {
                Ok(lab) => return Ok(Relay::new(lab.target(), Some(lab))),
                Err(LabError::NoLab) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let lab = client::start(&self.lab.options()?, None)?;
        Ok(Relay::new(lab.target(), Some(lab)))
    }
}

/// Builds a module of ours for the kernel of `target`. Nobody sees the progress:
/// the dashboard shows that the build is pending, and the compiler's last words
/// if it fails.
fn builder(target: Arc<dyn Target>) -> dashboard::Builder {
    Arc::new(move |name| {
        // Tests of a panic in a thread provoke one; no release has this.
        #[cfg(debug_assertions)]
        assert!(
            std::env::var_os("RINGSIDE_TEST_PANIC").is_none(),
            "a panic that RINGSIDE_TEST_PANIC asks for"
        );
        let mut silent = |_: Event| {};
        let file = our_module::file(name, &*target, &mut silent, |error| error)
            .map_err(|failure| failure.to_string())?;
        std::fs::read(&file).map_err(|error| format!("read {}: {error}", file.display()))
    })
}

/// Reads the file of a loaded module, if it was built here.
fn finder(target: Arc<dyn Target>) -> dashboard::Finder {
    Arc::new(move |release, module| {
        let builds = builds(&*target);
        let id = builds.get(&module_name(module)).map(String::as_str);
        let file = lab::modules::loaded(release, module, id)?;
        std::fs::read(&file).map_err(|error| format!("read {}: {error}", file.display()))
    })
}

/// Looks places in an oops up in the kernel of the cache that it happened in, and
/// in the builds of modules that it has loaded. A kernel that panicked can't be
/// asked for them.
fn locator(target: Arc<dyn Target>) -> dashboard::Locator {
    Arc::new(move |release, frames| {
        let frames: Vec<_> = frames
            .iter()
            .map(|frame| lab::symbols::Frame { text: &frame.text, exact: frame.exact })
            .collect();
        lab::symbols::locate(release, &frames, &builds(&*target))
    })
}

/// The build ids of the modules that are loaded; none from a kernel that is dead.
fn builds(target: &dyn Target) -> BuildIds {
    let modules = match one(target, Request::Modules) {
        Ok(Item::Modules(modules)) => modules,
        _ => return BuildIds::new(),
    };
    let known = modules.into_iter().filter(|module| !module.build_id.is_empty());
    known.map(|module| (module.name, module.build_id.into())).collect()
}

impl From<dashboard::DashboardError> for Failure {
    fn from(error: dashboard::DashboardError) -> Self {
        Self::new(error.to_string())
    }
}
