// SPDX-License-Identifier: MIT OR Apache-2.0
//! The loop of whoever writes a module: on every save it is built, and the one
//! that is loaded replaced by it.
//!
//! ```text
//! change ► build ► unload the old ► load the new ► run a command ► what the kernel said
//! ```
//!
//! A build that fails changes nothing. After an oops the module can't be
//! unloaded: the next save, or [`Order::Reboot`], starts a new guest.

mod changes;
mod diagnostic;
mod guest;
mod news;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use diagnostic::Listener;
pub use diagnostic::{Diagnostic, diagnostics};
pub use news::{News, Order, Tell, WatchError};

use super::built_module::{self, BuiltModule};
use super::linux::Kernel;
use super::modules;
use super::oops;
use super::progress::Progress;
use super::symbols::BuildIds;
use crate::kernel::api::{Item, Request, RunRequest};
use crate::kernel::call::{Calls, ask};
use crate::kernel::{Call, Target, TargetError, TargetResult, put, question};

/// What is watched, and what is done about it.
pub struct Plan {
    pub folder: PathBuf,
    /// The kernel of the lab.
    pub kernel: Kernel,
    /// The lab.
    pub target: Arc<dyn Target>,
    /// The module's parameters, as `insmod` takes them.
    pub parameters: String,
    /// What is run in the guest after each load.
    pub command: Option<RunRequest>,
}

#[allow(clippy::large_enum_variant, reason = "nearly all of them are items")]
enum Event {
    Changed,
    Log { guest: u64, item: Item },
    Order(Order),
}

/// Gives orders to a [`Watch`].
#[derive(Clone)]
pub struct Orders(Sender<Event>);

impl Orders {
    /// Gives one; `false`: nobody listens any more.
    pub fn give(&self, order: Order) -> bool {
        self.0.send(Event::Order(order)).is_ok()
    }
}

/// The loop.
pub struct Watch {
    plan: Plan,
    events: (Sender<Event>, Receiver<Event>),
    /// Counts the guests, so that what the log of an old one says is known.
    guest: u64,
    log: Option<Call>,
    reader: oops::Reader,
    loaded: Vec<BuiltModule>,
    /// The modules of the last load, whether or not it succeeded.
    tried: Vec<String>,
    /// Which builds of it: what an oops names is looked up in these.
    builds: BuildIds,
    /// What was loaded before and did no harm.
    good: Vec<BuiltModule>,
    /// Has the kernel oopsed or died since the last boot?
    broken: bool,
    /// Has the log ended?
    log_ended: bool,
}

impl Watch {
    /// Begins to watch.
    ///
    /// # Errors
    /// The folder can't be watched, or the lab not be heard.
    pub fn new(plan: Plan) -> TargetResult<Self> {
        let events = channel();
        let heard = events.0.clone();
        changes::hear(&plan.folder, move || heard.send(Event::Changed).is_ok())
            .map_err(|error| TargetError::io(&error, format!("watch {}", plan.folder.display())))?;
        let mut this = Self {
            plan,
            events,
            guest: 0,
            log: None,
            reader: oops::Reader::default(),
            loaded: Vec::new(),
            tried: Vec::new(),
            log_ended: false,
            builds: BuildIds::new(),
            good: Vec::new(),
            broken: false,
        };
        this.listen()?;
        Ok(this)
    }

    /// What gives orders from another thread.
    pub fn orders(&self) -> Orders {
        Orders(self.events.0.clone())
    }

    /// Builds and loads, now and on every change, until [`Order::End`].
    ///
    /// # Errors
    /// The user has interrupted a build, or the lab is gone.
    pub fn run(
        &mut self,
        progress: &mut dyn FnMut() -> Box<dyn Progress>,
        tell: Tell<'_>,
    ) -> Result<(), WatchError> {
        self.cycle(progress, tell)?;
        loop {
            // The channel has a sender of our own.
            let Ok(event) = self.events.1.recv() else { return Ok(()) };
            match event {
                Event::Order(Order::End) => return Ok(()),
                Event::Order(order @ (Order::Reboot | Order::GoBack)) => {
                    let good = std::mem::take(&mut self.good);
                    match self.mark()?.filter(|_| order == Order::GoBack) {
                        Some(mark) => self.rewind(mark, tell)?,
                        None => self.reboot(tell)?,
                    }
                    if !good.is_empty() {
                        self.load(good, Instant::now(), tell);
                    }
                }
                Event::Order(Order::NewGuest) => self.look_again(tell),
                Event::Order(Order::Build) | Event::Changed => self.cycle(progress, tell)?,
                Event::Log { guest, item } => self.hear(guest, item, tell),
            }
        }
    }

    /// One round.
    fn cycle(
        &mut self,
        progress: &mut dyn FnMut() -> Box<dyn Progress>,
        tell: Tell<'_>,
    ) -> Result<(), WatchError> {
        let began = Instant::now();
        tell(News::Building);
        let mut listener = Listener { inner: progress(), lines: Vec::new() };
        let built = modules::build(&self.plan.kernel, &self.plan.folder, &mut listener);
        let lines = listener.lines;
        drop(listener.inner);
        let files = match built {
            Ok(files) => files,
            Err(error) if error.stopped() => return Err(error.into()),
            Err(error) => {
                let diagnostics = diagnostics(lines.iter().map(String::as_str));
                tell(News::NotBuilt { error: error.without_last_words(), diagnostics });
                return Ok(());
            }
        };
        let built = built_module::read(&files)?;
        // What was loaded and did no harm is what a reboot goes back to.
        if self.broken {
            self.reboot(tell)?;
        } else if built == self.loaded && self.is_there() {
            tell(News::Unchanged);
            return Ok(());
        } else if !self.loaded.is_empty() {
            self.good = self.loaded.clone();
        }
        self.load(built, began, tell);
        Ok(())
    }

    /// Puts `built` in the place of what is loaded.
    fn load(&mut self, built: Vec<BuiltModule>, began: Instant, tell: Tell<'_>) {
        if let Err(error) = self.replace(&built) {
            tell(News::Refused(error));
            return self.catch_up(tell);
        }
        let names = built.iter().map(|module| module.name.clone()).collect();
        self.loaded = built;
        tell(News::Loaded { names, took: began.elapsed() });
        if let Some(command) = self.plan.command.clone()
            && let Err(error) = self.command(command, tell)
        {
            tell(News::Refused(error));
        }
        self.catch_up(tell);
    }

    fn replace(&mut self, built: &[BuiltModule]) -> TargetResult<()> {
        let target = &*self.plan.target;
        // Also what somebody else has loaded of that name.
        let there: Vec<String> =
            put(target, question::Modules)?.into_iter().map(|module| module.name).collect();
        self.tried = built.iter().map(|module| module.name.clone()).collect();
        let old = self.loaded.iter().chain(built).rev().map(|module| &module.name);
        let mut done: Vec<&String> = Vec::new();
        for name in old {
            if there.contains(name) && !done.contains(&name) {
                ask(target, Request::Unload { name: name.clone() }, &[])?;
                done.push(name);
            }
        }
        self.loaded.clear();
        let id = |module: &BuiltModule| Some((module.name.clone(), module.build_id.clone()?));
        self.builds = built.iter().filter_map(id).collect();
        for module in built {
            let (name, parameters) = (module.name.clone(), self.plan.parameters.clone());
            ask(target, Request::Load { name, parameters }, &module.bytes)?;
        }
        Ok(())
    }

    /// Is what was loaded there, as it was built? Somebody else may have unloaded it.
    fn is_there(&self) -> bool {
        let there = put(&*self.plan.target, question::Modules).unwrap_or_default();
        self.loaded.iter().all(|module| {
            let id = module.build_id.as_deref().unwrap_or_default();
            there.iter().any(|other| other.name == module.name && *other.build_id == *id)
        })
    }

    fn names(&self) -> Vec<String> {
        self.loaded.iter().map(|module| module.name.clone()).collect()
    }

    fn command(&self, command: RunRequest, tell: Tell<'_>) -> TargetResult<()> {
        let run = Calls::start(&*self.plan.target, Request::Run(command))?;
        run.control().close_input()?;
        loop {
            match run.next() {
                Item::Output { bytes, .. } => tell(News::Output(bytes)),
                Item::Exited(end) => tell(News::Ran(end)),
                Item::Done(result) => return result,
                _ => {}
            }
        }
    }
}
