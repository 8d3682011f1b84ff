// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside` without a command, and `ringside dashboard`: finds the kernel to
//! show, starts a lab where there is none, and hands over the terminal.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::changes::Changes;
use super::experiment_module::module_folder;
use super::lab_args::LabArgs;
use super::loadable::{self, Loadable};
use super::relay::Relay;
use super::workbench::{self, Watched, WorkbenchArgs};
use super::{Connection, Failure, Outcome};
use crate::dashboard::core::symbols::Frame;
use crate::dashboard::host::{Host, HostReply, HostRequest, HostResult};
use crate::dashboard::replay::bar::clock;
use crate::dashboard::{self, Options};
use crate::experiment::Script;
use crate::kernel::call::ask;
use crate::kernel::modinfo::module_name;
use crate::kernel::signature::Signatures;
use crate::kernel::{Request, Target, put, question};
use crate::lab;
use crate::lab::client;
use crate::lab::error::LabError;
use crate::lab::options::LabOptions;
use crate::lab::progress::Event;
use crate::lab::symbols::BuildIds;
use crate::tape::Recorded;
use crate::text::amount::amount;

/// Open the dashboard: what `ringside` without a command does
///
///     ringside                             the lab that runs, or a new one
///     ringside dashboard --kernel debug    a new lab with the kernel that finds mistakes
///     ringside --workbench pulse --parameter interval_ms=50    a module of yours, in view 8
///     ringside --record run.ringside       and keep all of it, to be played later
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
    #[command(flatten)]
    workbench: WorkbenchArgs,

    /// Record everything that reaches the dashboard in a new file, for `ringside replay`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// Print the settings with their defaults and explanations, and do no more
    #[arg(long)]
    print_config: bool,

    /// The experiment to begin with.
    #[arg(skip)]
    experiment: Option<Script>,
}

impl Dashboard {
    /// As it is opened without a command.
    pub(super) fn with(workbench: WorkbenchArgs, record: Option<PathBuf>) -> Self {
        Self { workbench, record, ..Self::default() }
    }

    /// As it is opened for an experiment.
    pub(super) fn for_experiment(lab: LabArgs, script: Script) -> Self {
        Self { lab, experiment: Some(script), ..Self::default() }
    }

    /// Runs it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        if self.print_config {
            std::io::stdout().write_all(crate::dashboard::core::config::DEFAULTS.as_bytes())?;
            return Ok(0);
        }
        if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
            return Err(dashboard::DashboardError::NoTerminal.into());
        }
        let workbench = self.workbench.bench()?;
        let config = dashboard::read_config()?;
        // Kept to the end: a lab of our own goes when its client does.
        let relay = Arc::new(open_kernel(connection, &self.lab, LabArgs::options_meanwhile)?);
        let target: Arc<dyn Target> = relay.clone();
        let options = Options {
            config,
            own_lab: relay.owns_lab(),
            host: Arc::new(ThisMachine::new(&relay, &self.lab)),
            record: self.record.clone(),
            state: dashboard::state_path(),
            workbench,
            experiment: self.experiment.clone(),
        };
        let left = dashboard::run(target, options)?;
        resolve_changes(&relay)?;
        if let Some(id) = relay.kept() {
            println!(
                "lab {id} goes on: `ringside` opens its dashboard, `ringside down {id}` ends it"
            );
        }
        if let Some(recorded) = left.recorded {
            println!("{}", recorded_text(&recorded));
        }
        Ok(left.ended.status())
    }
}

/// The kernel that is meant: the one that was named, the lab that runs, or that of a
/// lab that is started now.
pub(super) fn open_kernel(
    connection: &Connection,
    arguments: &LabArgs,
    options: impl FnOnce(&LabArgs) -> Result<LabOptions, Failure>,
) -> Result<Relay, Failure> {
    if connection.is_explicit() {
        if !arguments.is_plain() {
            return Err(Failure::usage(
                "options for a new lab make no sense for a kernel that runs already",
            ));
        }
        return Ok(Relay::new(connection.open_plain()?, None));
    }
    if arguments.is_plain() {
        match client::attach(None) {
            Ok(lab) => return Ok(Relay::new(lab.target(), Some(lab))),
            Err(LabError::NoLab) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let lab = client::start(&options(arguments)?, None)?;
    Ok(Relay::new(lab.target(), Some(lab)))
}

/// Ends a lab of our own that leaves changes to a file of the user's, and asks what
/// becomes of them.
pub(super) fn resolve_changes(relay: &Relay) -> Result<(), Failure> {
    let status = relay.owns_lab().then(|| put(relay, question::Lab).ok()).flatten();
    if let Some(changes) = status.as_ref().and_then(Changes::from) {
        // The lab goes first, with what it has not written yet.
        relay.end();
        changes.resolve(None)?;
    }
    Ok(())
}

/// What was recorded, in a sentence.
pub(super) fn recorded_text(recorded: &Recorded) -> String {
    let path = recorded.path.display();
    format!(
        "recorded {} in {path} ({}): `ringside replay {path}` plays it",
        clock(recorded.ms),
        amount(recorded.bytes)
    )
}

/// What the dashboard may ask of this machine.
pub(super) struct ThisMachine {
    relay: Arc<Relay>,
    /// What a new lab is started with.
    lab: LabArgs,
    /// The folder of view 8.
    watched: Watched,
}

impl Host for ThisMachine {
    fn ask(&self, request: HostRequest, tell: &mut dyn FnMut(HostReply)) -> HostResult {
        match request {
            HostRequest::Build(name) => self.build(&name).map(HostReply::Bytes),
            HostRequest::FindModule { release, name } => {
                self.find(&release, &name).map(HostReply::Bytes)
            }
            HostRequest::Locate { release, frames } => {
                self.locate(&release, &frames).map(HostReply::Places)
            }
            HostRequest::Signatures { release, name } => {
                self.signatures(&release, &name).map(HostReply::Signatures)
            }
            HostRequest::Revive => done(self.relay.revive(&self.lab)),
            HostRequest::Keep => done(self.relay.keep()),
            HostRequest::Watch(bench) => {
                let target: Arc<dyn Target> = self.relay.clone();
                self.watched.watch(&bench, target, tell)
            }
            HostRequest::Order(order) => self.watched.order(order),
            HostRequest::NewModule { folder, c } => workbench::new_module(&folder, c),
            HostRequest::Test(bench) => workbench::run_tests(&bench, tell),
            HostRequest::ReadFile { .. }
            | HostRequest::Complete { .. }
            | HostRequest::Save { .. } => {
                Err("the dashboard's own loop reads and writes files".into())
            }
        }
    }
}

fn done(result: Result<(), Failure>) -> HostResult {
    result.map(|()| HostReply::Done).map_err(|failure| failure.to_string())
}

impl ThisMachine {
    pub(super) fn new(relay: &Arc<Relay>, lab: &LabArgs) -> Self {
        Self { relay: Arc::clone(relay), lab: lab.clone(), watched: Watched::default() }
    }

    /// Builds or reads a module for the kernel that is shown: one of ours, one that was
    /// built before, a folder's, a file's. What it needs is loaded. Nobody sees the progress:
    /// the dashboard shows that the build is pending, and the compiler's last words
    /// if it fails.
    fn build(&self, name: &str) -> Result<Vec<u8>, String> {
        // Tests of a panic in a thread provoke one; no release has this.
        #[cfg(debug_assertions)]
        assert!(
            std::env::var_os("RINGSIDE_TEST_PANIC").is_none(),
            "a panic that RINGSIDE_TEST_PANIC asks for"
        );
        let mut silent = |_: Event| {};
        let path = match module_folder(name) {
            Some(folder) => folder?,
            None => dashboard::in_home(name),
        };
        let Loadable { images, asked } =
            loadable::find(&path, &*self.relay, &mut silent, |error| error)
                .map_err(|failure| failure.to_string())?;
        if asked.len() > 1 {
            return Err(format!(
                "{name} makes {} modules, which are built now: load each by its name ({})",
                asked.len(),
                asked.join(", ")
            ));
        }
        let mut wanted = None;
        for image in images {
            if asked.contains(&image.name) {
                wanted = Some(image.bytes);
                continue;
            }
            let request = Request::Load { name: image.name, parameters: String::new() };
            ask(&*self.relay, request, &image.bytes).map_err(|error| error.to_string())?;
        }
        wanted.ok_or_else(|| format!("{name} makes no module"))
    }

    /// Reads the file of a loaded module, if it was built here.
    fn find(&self, release: &str, module: &str) -> Result<Vec<u8>, String> {
        let builds = builds(&*self.relay);
        let id = builds.get(&module_name(module)).map(String::as_str);
        let file = lab::modules::loaded(release, module, id)?;
        std::fs::read(&file).map_err(|error| format!("read {}: {error}", file.display()))
    }

    /// Reads what the functions of a loaded module take and return, if it was built here.
    fn signatures(&self, release: &str, module: &str) -> Result<Box<Signatures>, String> {
        let builds = builds(&*self.relay);
        let id = builds.get(&module_name(module)).map(String::as_str);
        lab::signatures::of(release, module, id).map(Box::new)
    }

    /// Looks places in an oops up in the kernel of the cache that it happened in, and
    /// in the builds of modules that it has loaded. A kernel that panicked can't be
    /// asked for them.
    fn locate(&self, release: &str, frames: &[Frame]) -> Result<Vec<Option<String>>, String> {
        let frames: Vec<_> = frames
            .iter()
            .map(|frame| lab::symbols::Frame { text: &frame.text, exact: frame.exact })
            .collect();
        lab::symbols::locate(release, &frames, &builds(&*self.relay))
    }
}

/// The build ids of the modules that are loaded; none from a kernel that is dead.
fn builds(target: &dyn Target) -> BuildIds {
    let modules = put(target, question::Modules).unwrap_or_default();
    let known = modules.into_iter().filter(|module| !module.build_id.is_empty());
    known.map(|module| (module.name, module.build_id.into())).collect()
}

impl From<dashboard::DashboardError> for Failure {
    fn from(error: dashboard::DashboardError) -> Self {
        Self::new(error.to_string())
    }
}
