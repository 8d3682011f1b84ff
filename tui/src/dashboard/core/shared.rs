// SPDX-License-Identifier: MIT OR Apache-2.0
//! What all views share: time, size, settings, the kernel at the other end and
//! what it said, the calls under way, and what is asked of the runtime.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::advice;
use super::calls::{Owner, Report, Running, RunningCalls};
use super::config::Config;
use super::deeds::Deeds;
use super::effect::{CallTag, Effect};
use super::equivalent::equivalent;
use super::experiment;
use super::experiment::Place;
use super::form::Held;
use super::host::HostRequest;
use super::keymap::Keymap;
use super::layer::Message;
use super::link::Link;
use super::loadable::Loadable;
use super::loader::state::Loader;
use super::marks::Marks;
use super::message;
use super::symbols::Symbols;
use super::toasts::{Toasts, Tone};
use super::traced::Trace;
use super::{form, layer};
use crate::dashboard::data::command_log::CommandLog;
use crate::dashboard::data::console::Console;
use crate::dashboard::data::counters::{Counters, RANGES_MS};
use crate::dashboard::data::log::Log;
use crate::kernel::TargetError;
use crate::kernel::api::{Capability, ModuleSummary, Request};

/// A form of the dashboard.
pub type Form = form::Form<Shared>;
/// Something over the view.
pub type Layer = layer::Layer<Shared>;
/// A question whose answer is yes or no.
pub type Confirm = layer::Confirm<Shared>;

/// How the other views and the header know a view.
#[derive(Debug, PartialEq, Eq)]
pub struct About {
    /// What it is called in the config file and the palette.
    pub id: &'static str,
    /// Its title, one or two words.
    pub title: &'static str,
    /// The title where there is little room.
    pub short: &'static str,
    /// What am I looking at? One line.
    pub about: &'static str,
    /// What there is to see, in a few words.
    pub shows: &'static str,
    /// The module that it drives.
    pub module: Option<&'static str>,
    /// Can one of its panels take the whole view?
    pub zooms: bool,
    /// Has it several panels for the focus to move between?
    pub panels: bool,
    /// Does it show charts, whose time range can be chosen?
    pub charts: bool,
}

impl About {
    /// Of a view that has nothing of all this.
    pub const BARE: Self = Self {
        id: "",
        title: "",
        short: "",
        about: "",
        shows: "",
        module: None,
        zooms: false,
        panels: false,
        charts: false,
    };
}

/// The picture stands still; everything goes on behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Since when, in the shared's time.
    pub since_ms: u64,
    /// The log's end at that moment, as [`Log::end`] counts.
    pub log_end: u64,
}

/// What all views share.
#[derive(Clone, Default)]
pub struct Shared {
    /// Milliseconds since the dashboard started.
    pub now_ms: u64,
    /// Columns and rows of the screen.
    pub size: (u16, u16),
    /// The settings.
    pub config: Config,
    /// What is pressed for which command.
    pub keymap: Keymap,
    /// The views, in the order of their keys.
    pub tabs: Vec<&'static About>,
    /// The view on the screen, by its [`About::id`].
    pub view: &'static str,
    /// What lies over it, bottom first.
    pub layers: Vec<Layer>,
    /// Short messages.
    pub toasts: Toasts,
    /// The picture stands still.
    pub freeze: Option<Freeze>,
    /// The focused panel takes the whole view.
    pub zoom: bool,
    /// Which of [`RANGES_MS`] charts show.
    pub range: usize,
    /// The kernel and its lab.
    pub link: Link,
    /// The loaded modules, newest first.
    pub modules: Loadable<Vec<ModuleSummary>>,
    /// Counters, controls, tables.
    pub counters: Counters,
    /// The kernel log.
    pub log: Log,
    /// The serial console.
    pub console: Console,
    /// File and line of what oopsed.
    pub symbols: Symbols,
    /// The moments that the guest can be wound back to.
    pub marks: Marks,
    /// The functions under trace.
    pub trace: Trace,
    /// Modules on their way in and out.
    pub loader: Loader,
    /// The experiment under way.
    pub experiment: Option<experiment::Running>,
    /// The calls under way.
    pub calls: RunningCalls,
    /// What was executed.
    pub command_log: CommandLog,
    /// What was done, to be done again after a rewind.
    pub deeds: Deeds,
    /// What was typed into forms, by form and field.
    pub remembered: BTreeMap<String, String>,
    /// The list of modules is out of date; taint and memory may be too.
    pub modules_stale: bool,
    /// The view came onto the screen and was not told yet.
    pub entered: bool,
    /// What views want of other views.
    pub posted: Vec<message::Message>,
    /// What is done for an experiment, and what came of it.
    pub task: Option<message::Task>,
    /// What the form that is being submitted waits for.
    pub holding: Option<Held>,
    pub(crate) dirty: bool,
    pub(crate) effects: Vec<Effect>,
}

impl Shared {
    /// Nothing is known yet.
    pub fn new(config: Config, remembered: BTreeMap<String, String>) -> Self {
        Self {
            log: Log::new(config.log_records),
            config,
            remembered,
            range: 2,
            dirty: true,
            ..Self::default()
        }
    }

    /// Has anything on the screen changed since the last call?
    pub fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    /// Something on the screen changed.
    pub fn changed(&mut self) {
        self.dirty = true;
    }

    /// Starts a request whose items go to `owner`; it enters the command log
    /// when it is one that a person could have typed.
    pub fn start(
        &mut self,
        owner: Owner,
        title: &str,
        report: Report,
        request: Request,
    ) -> CallTag {
        self.start_with(owner, title, report, request, Arc::default())
    }

    /// The same with input: a module's image.
    pub fn start_with(
        &mut self,
        owner: Owner,
        title: &str,
        report: Report,
        request: Request,
        input: Arc<Vec<u8>>,
    ) -> CallTag {
        let line = equivalent(&request);
        self.start_as(owner, title, report, (request, input), line)
    }

    /// The same, with the line that enters the command log.
    pub fn start_as(
        &mut self,
        owner: Owner,
        title: &str,
        report: Report,
        (request, input): (Request, Arc<Vec<u8>>),
        line: Option<String>,
    ) -> CallTag {
        let log_line = line.map(|line| self.command_log.start(line, self.now_ms));
        let tag = self.call(owner, title, report, log_line);
        self.deeds.note(tag, title, (&request, &input), self.now_ms);
        self.effects.push(Effect::Start { tag, request, input });
        tag
    }

    /// Notes a call that another effect than `Start` answers.
    pub fn call(
        &mut self,
        owner: Owner,
        title: &str,
        report: Report,
        log_line: Option<u64>,
    ) -> CallTag {
        self.changed();
        self.calls.add(Running {
            owner,
            title: title.to_owned(),
            report,
            started_ms: self.now_ms,
            cancelled: None,
            log_line,
        })
    }

    /// Asks this machine for something.
    pub fn ask_host(
        &mut self,
        owner: Owner,
        title: &str,
        report: Report,
        request: HostRequest,
    ) -> CallTag {
        let tag = self.call(owner, title, report, None);
        self.effect(Effect::Host { tag, request });
        tag
    }

    /// Asks the kernel for what nobody typed: it does not enter the command log.
    pub fn start_unlogged(&mut self, owner: Owner, title: &str, request: Request) -> CallTag {
        self.start_as(owner, title, Report::Silent, (request, Arc::default()), None)
    }

    /// Asks the runtime for something.
    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Cancels a call. Its end still arrives, as an event.
    pub fn cancel(&mut self, tag: CallTag) {
        let now = self.now_ms;
        if let Some(call) = self.calls.get_mut(tag) {
            call.cancelled = Some(now);
            self.effects.push(Effect::Cancel(tag));
            self.changed();
        }
    }

    /// Ends the experiment under way, and what it runs in the guest.
    pub fn leave_experiment(&mut self) {
        let doing = self.experiment.take().and_then(|running| running.doing);
        // What goes wrong from now on is shown as ever.
        self.task = None;
        if let Some(experiment::Doing::Look(look)) = doing
            && let Some(tag) = look.tag
        {
            self.cancel(tag);
        }
        self.changed();
    }

    /// Brings a view onto the screen; it is told at the end of this update.
    pub fn show(&mut self, view: &'static str) {
        self.view = view;
        self.zoom = false;
        self.entered = true;
        self.changed();
    }

    /// Puts something over the view.
    pub fn open(&mut self, layer: Layer) {
        self.layers.push(layer);
        self.changed();
    }

    /// Wants something of another view.
    pub fn post(&mut self, message: message::Message) {
        self.posted.push(message);
        self.changed();
    }

    /// Opens a form with what was typed the last time.
    pub fn open_form(&mut self, mut form: Form) {
        form.recall(&self.remembered);
        self.open(Layer::Form(form));
    }

    /// Asks before something that can't be undone; `yes` gets the state of the view `V`.
    pub fn confirm<V: 'static>(
        &mut self,
        title: impl Into<String>,
        text: impl Into<String>,
        command: impl Into<String>,
        yes: impl Fn(&mut V, &mut Self) + 'static,
    ) {
        self.open(Layer::Confirm(Confirm::new(title, text, command, yes)));
    }

    /// What a picture says: with keys to press, as [`Self::fill`] has them; of a guest that
    /// is dead, where they do nothing, other words.
    pub fn by_life(&self, living: &str, dead: &str) -> String {
        match self.link.dead() {
            Some(_) => dead.to_owned(),
            None => self.fill(living),
        }
    }

    /// A text of ours with what to press in place of each command's name in braces.
    pub fn fill(&self, text: &str) -> String {
        self.keymap.fill(text)
    }

    pub fn explain(&self, title: &str, error: &TargetError) -> Message {
        advice::explain(&self.keymap, title, error)
    }

    /// `Err` with the reason when the kernel can't do something now.
    ///
    /// # Errors
    /// The reason.
    pub fn can(&self, capability: Capability) -> Result<(), String> {
        self.link.can(capability).map_err(|reason| self.fill(&reason))
    }

    /// Shows a message that must be seen.
    pub fn message(&mut self, message: Message) {
        self.open(Layer::Message(message));
    }

    /// Says for a few seconds that something was done.
    pub fn done(&mut self, text: impl Into<String>) {
        self.toasts.add(text, Tone::Good, self.now_ms);
        self.changed();
    }

    /// Says something for a few seconds.
    pub fn note(&mut self, text: impl Into<String>) {
        self.toasts.add(text, Tone::Note, self.now_ms);
        self.changed();
    }

    /// The time range that charts show, in milliseconds.
    pub fn range_ms(&self) -> u64 {
        RANGES_MS[self.range.min(RANGES_MS.len() - 1)]
    }

    pub fn loaded(&self, module: &str) -> Option<&ModuleSummary> {
        let modules = self.modules.ready()?;
        modules.iter().find(|entry| entry.name == module)
    }

    /// Is what is loaded under the name of this module of ours another's?
    pub fn foreign(&self, module: &str) -> bool {
        ringside_uapi::module(module).is_some()
            && self.loaded(module).is_some_and(|entry| !entry.ours)
    }

    /// Columns and rows of a screen that had room for just what the view has.
    pub fn view_size(&self) -> (u16, u16) {
        match &self.experiment {
            Some(_) => Place::of(self.size).left(self.size),
            None => self.size,
        }
    }

    /// Rows that a page has, about.
    pub fn page(&self) -> usize {
        usize::from(self.view_size().1).saturating_sub(8).max(1)
    }

    /// The end of what is shown of the log: of all, or where the picture was frozen.
    pub fn log_end(&self) -> u64 {
        self.freeze.map_or(self.log.end(), |freeze| freeze.log_end)
    }

    /// Is there long work to do in slices?
    pub fn has_work(&self) -> bool {
        self.log.has_work()
    }
}
