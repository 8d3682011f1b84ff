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

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

pub use diagnostic::{Diagnostic, diagnostics};

use super::build_error::BuildError;
use super::built_module::{self, BuiltModule};
use super::linux::Kernel;
use super::modules;
use super::oops;
use super::progress::{self, Progress};
use super::symbols::BuildIds;
use crate::kernel::api::{Item, KmsgRecord, LabRequest, ProgramEnd, Request, RunRequest};
use crate::kernel::call::parsed;
use crate::kernel::call::{Calls, ask};
use crate::kernel::{Call, Target, TargetError, TargetResult, put, question};

/// How long the lines of a report may be on their way.
const ON_THE_WAY: Duration = Duration::from_millis(300);

/// What is watched, and what is done about it.
pub struct Plan {
    /// The folder.
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

/// What is told.
#[derive(Debug)]
pub enum News {
    /// A build begins.
    Building,
    /// It failed; what is loaded stays.
    NotBuilt {
        /// Why, for people.
        error: BuildError,
        /// The compilers' complaints.
        diagnostics: Vec<Diagnostic>,
    },
    /// Nothing is new.
    Unchanged,
    /// The modules that are loaded now.
    Loaded {
        /// Their names.
        names: Vec<String>,
        /// From the save to here.
        took: Duration,
    },
    /// The old can't be unloaded, or the new not loaded.
    Refused(TargetError),
    /// The kernel said something.
    Said(KmsgRecord),
    /// The kernel reported a mistake.
    Report {
        /// Its first line.
        words: String,
        /// Where, the innermost first.
        places: Vec<String>,
        /// Is the module unusable until a reboot?
        fatal: bool,
    },
    /// The guest is dead.
    Died(String),
    /// A new guest runs.
    Rebooted {
        /// The modules of the folder that are loaded in it.
        names: Vec<String>,
    },
    /// The guest was wound back.
    Rewound {
        /// To this mark.
        mark: String,
    },
    /// The command wrote this.
    Output(Vec<u8>),
    /// The command has ended.
    Ran(ProgramEnd),
}

/// What the user may ask for meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Start a new guest and load the last build that did no harm.
    Reboot,
    /// Wind the guest back to before the load, or start a new one where there is no
    /// mark of that moment; and load the last build that did no harm.
    GoBack,
    /// Build and load now, although nothing was saved.
    Build,
    /// Somebody else has started another guest, or wound this one back.
    NewGuest,
    /// End.
    End,
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
    /// What is loaded.
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
    deaf: bool,
}

/// Hears what is told.
pub type Tell<'a> = &'a mut dyn FnMut(News);

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
            deaf: false,
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

    /// Builds and loads, now and on every change, until it is told to end.
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

    /// Another guest runs, and not because of us.
    fn look_again(&mut self, tell: Tell<'_>) {
        if !self.deaf {
            // It was us, or nothing has happened to what is listened to.
            return;
        }
        if self.listen().is_err() {
            // It is dead already, which is told when it is used.
            return;
        }
        self.broken = false;
        self.reader = oops::Reader::default();
        if !self.is_there() {
            self.loaded.clear();
        }
        tell(News::Rebooted { names: self.names() });
    }

    fn names(&self) -> Vec<String> {
        self.loaded.iter().map(|module| module.name.clone()).collect()
    }

    /// The newest mark of the moment before the last load; none where the lab made
    /// none, or there is no lab.
    fn mark(&self) -> TargetResult<Option<String>> {
        let Some(first) = self.tried.first() else { return Ok(None) };
        let reason = format!("before load {first}");
        match put(&*self.plan.target, question::Marks) {
            Ok(marks) => Ok(marks
                .into_iter()
                .rfind(|mark| mark.reason.as_ref() == Some(&reason))
                .map(|mark| mark.name)),
            Err(TargetError::Unsupported(_)) => Ok(None),
            Err(error) => Err(error),
        }
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

    /// Tells what the kernel has said up to now.
    fn catch_up(&mut self, tell: Tell<'_>) {
        let mut later = Vec::new();
        while let Ok(event) = self.events.1.recv_timeout(ON_THE_WAY) {
            match event {
                Event::Log { guest, item } => self.hear(guest, item, tell),
                other => later.push(other),
            }
        }
        for event in later {
            // The receiver is ours.
            drop(self.events.0.send(event));
        }
    }

    fn hear(&mut self, guest: u64, item: Item, tell: Tell<'_>) {
        if guest != self.guest {
            return;
        }
        match item {
            Item::Kmsg(batch) => {
                for record in batch.records {
                    let reports: Vec<_> =
                        record.text.lines().filter_map(|line| self.reader.line(line)).collect();
                    tell(News::Said(record));
                    for report in reports {
                        self.broken |= report.fatal;
                        tell(News::Report {
                            places: report.places(&self.plan.kernel.release, &self.builds),
                            words: report.words,
                            fatal: report.fatal,
                        });
                    }
                }
            }
            Item::Done(Err(TargetError::Gone(why))) => {
                self.deaf = true;
                self.broken = true;
                tell(News::Died(why));
            }
            _ => {}
        }
    }

    /// Starts a new guest, with nothing loaded.
    fn reboot(&mut self, tell: Tell<'_>) -> TargetResult<()> {
        self.replace_guest(LabRequest::Reboot { cold: false })?;
        tell(News::Rebooted { names: Vec::new() });
        Ok(())
    }

    /// Winds the guest back to a mark of the moment before a load.
    fn rewind(&mut self, mark: String, tell: Tell<'_>) -> TargetResult<()> {
        self.replace_guest(LabRequest::Rewind { name: Some(mark.clone()) })?;
        tell(News::Rewound { mark });
        Ok(())
    }

    fn replace_guest(&mut self, how: LabRequest) -> TargetResult<()> {
        self.log = None;
        self.loaded.clear();
        ask(&*self.plan.target, Request::Lab(how), &[])?;
        self.broken = false;
        self.reader = oops::Reader::default();
        self.listen()
    }

    /// Hears the log of the guest from here on.
    fn listen(&mut self) -> TargetResult<()> {
        let mut next = None;
        for item in ask(&*self.plan.target, Request::Kmsg { from: None, follow: false }, &[])? {
            if let Item::Kmsg(batch) = item {
                next = batch.records.last().map(|record| record.next()).or(next);
            }
        }
        self.guest += 1;
        let (guest, heard) = (self.guest, self.events.0.clone());
        let request = Request::Kmsg { from: next, follow: true };
        let sink = parsed(
            &request,
            // Nobody listens any more when the watch is over.
            Box::new(move |item| drop(heard.send(Event::Log { guest, item }))),
        );
        self.log = Some(self.plan.target.start(request, sink)?);
        self.deaf = false;
        Ok(())
    }
}

/// Why a watch ended.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The build was interrupted.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// What was built is no module.
    #[error(transparent)]
    File(#[from] built_module::ModuleFileError),
    /// The lab is gone.
    #[error(transparent)]
    Target(#[from] TargetError),
}

/// Keeps what compilers print, and passes it on.
struct Listener {
    inner: Box<dyn Progress>,
    lines: Vec<String>,
}

impl Progress for Listener {
    fn report(&mut self, event: progress::Event) {
        if let progress::Event::Output(line) = &event {
            self.lines.push(line.clone());
        }
        self.inner.report(event);
    }

    fn tick(&mut self) {
        self.inner.tick();
    }

    fn stop(&self) -> progress::Stop {
        self.inner.stop()
    }

    fn locks(&self) -> Vec<std::os::fd::RawFd> {
        self.inner.locks()
    }
}
