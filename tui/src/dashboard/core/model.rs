// SPDX-License-Identifier: MIT OR Apache-2.0
//! The model: everything the screen is drawn from.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::calls::{Owner, Report, Running, RunningCalls};
use super::config::Config;
use super::effect::{CallTag, Effect};
use super::equivalent::equivalent;
use super::form::Form;
use super::layer::{Layer, Message};
use super::link::Link;
pub use super::loadable::Loadable;
use super::toasts::{Toasts, Tone};
use crate::dashboard::data::command_log::CommandLog;
use crate::dashboard::data::console::Console;
use crate::dashboard::data::counters::{Counters, RANGES_MS};
use crate::dashboard::data::log::Log;
use crate::dashboard::shell::loader::state::Loader;
use crate::dashboard::shell::streams::state::Streams;
use crate::dashboard::shell::symbols::state::Symbols;
use crate::dashboard::views::block::state::State as Block;
use crate::dashboard::views::id::ViewId;
use crate::dashboard::views::log::State as LogView;
use crate::dashboard::views::memory::state::State as Memory;
use crate::dashboard::views::modules::state::State as ModulesView;
use crate::dashboard::views::name::state::State as Name;
use crate::dashboard::views::overview::state::State as Overview;
use crate::dashboard::views::producer::state::State as Producer;
use crate::kernel::api::{ModuleSummary, Request};

/// The picture stands still; everything goes on behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Since when, in the model's time.
    pub since_ms: u64,
    /// The log's end at that moment, as [`Log::end`] counts.
    pub log_end: u64,
}

/// Everything the screen is drawn from.
#[derive(Default)]
pub struct Model {
    /// Milliseconds since the dashboard started.
    pub now_ms: u64,
    /// Columns and rows of the screen.
    pub size: (u16, u16),
    /// The settings.
    pub config: Config,
    /// The view on the screen.
    pub view: ViewId,
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
    /// Modules on their way in and out.
    pub loader: Loader,
    /// The calls under way.
    pub calls: RunningCalls,
    /// What was executed.
    pub command_log: CommandLog,
    /// What was typed into forms, by form and field.
    pub remembered: BTreeMap<String, String>,
    /// View 1.
    pub overview: Overview,
    /// View 2.
    pub name: Name,
    /// View 3.
    pub producer: Producer,
    /// View 4.
    pub memory: Memory,
    /// View 5.
    pub block: Block,
    /// View 6.
    pub log_view: LogView,
    /// View 7.
    pub modules_view: ModulesView,
    pub(crate) streams: Streams,
    /// The view came onto the screen and was not told yet.
    pub(crate) entered: bool,
    pub(crate) dirty: bool,
    pub(crate) effects: Vec<Effect>,
}

impl Model {
    /// A model with these settings and remembered inputs.
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

    /// Brings a view onto the screen; it is told at the end of this update.
    pub fn show(&mut self, view: ViewId) {
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

    /// Opens a form with what was typed the last time.
    pub fn open_form(&mut self, mut form: Form) {
        form.recall(self);
        self.open(Layer::Form(form));
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

    /// A loaded module.
    pub fn loaded(&self, module: &str) -> Option<&ModuleSummary> {
        let modules = self.modules.ready()?;
        modules.iter().find(|entry| entry.name == module)
    }

    /// Rows that a page has, about.
    pub fn page(&self) -> usize {
        usize::from(self.size.1).saturating_sub(8).max(1)
    }

    /// Is text being typed into the view itself?
    pub fn is_typing(&self) -> bool {
        match self.view {
            ViewId::Log => self.log_view.typing.is_some(),
            ViewId::Modules => self.modules_view.typing.is_some(),
            _ => false,
        }
    }

    /// Does time matter now, so that ticks must come ten times a second?
    /// Otherwise once a second is enough.
    pub fn wants_ticks(&self) -> bool {
        !self.toasts.shown().is_empty() || self.calls.shown().next().is_some()
    }

    /// Is there long work to do in slices?
    pub fn has_work(&self) -> bool {
        self.log.has_work()
    }
}
