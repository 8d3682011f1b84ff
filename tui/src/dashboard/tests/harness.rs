// SPDX-License-Identifier: MIT OR Apache-2.0
//! Drives the update loop with keys and a scripted kernel, and looks at the screen.

use crate::dashboard::core::workbench::{Bench, News, Order};
use crate::dashboard::core::{CallTag, Effect, Event, HostReply, HostRequest, HostResult, Key};
use crate::dashboard::paint::{Hits, Look};
use std::collections::VecDeque;
use std::path::Path;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::scripted_kernel::{ScriptedKernel, module_file};
use crate::dashboard::core::config::{ColorDepth, Config, ThemeName};
use crate::dashboard::replay::convert;
use crate::dashboard::shell::frame::draw;
use crate::dashboard::shell::model::Model;
use crate::dashboard::shell::update::update;
use crate::kernel::api::{CounterValue, KmsgBatch, KmsgRecord, LabStatus, ModuleCounters, Sample};
use crate::kernel::{Item, TargetError};
use crate::tape::Recorder;

/// How many views there are; the number keys go to them.
pub(crate) const VIEWS: usize = 8;

/// The dashboard's model, a scripted kernel, and what the effects asked for.
pub(crate) struct Harness {
    pub(crate) model: Model,
    pub(crate) kernel: ScriptedKernel,
    pub(crate) copied: Vec<String>,
    /// What was saved: path and text.
    pub(crate) saved: Vec<(String, String)>,
    /// Tags that were cancelled.
    pub(crate) cancelled: Vec<CallTag>,
    /// Was the lab to go on?
    pub(crate) kept: bool,
    /// What comes of asking for that.
    pub(crate) keep: Result<(), String>,
    /// What is watched at the moment, and the orders that were given.
    pub(crate) watched: Option<(CallTag, Bench)>,
    pub(crate) orders: Vec<Order>,
    /// The unit tests that run.
    pub(crate) tested: Option<CallTag>,
    /// What comes of making a module.
    pub(crate) made: Result<String, String>,
    /// Did the user leave?
    pub(crate) quit: bool,
    /// What a build returns.
    pub(crate) build: Result<Vec<u8>, String>,
    /// What comes of looking for file and line.
    pub(crate) located: Result<Vec<Option<String>>, String>,
    now_ms: u64,
    pub(crate) recorder: Option<Recorder>,
}

impl Harness {
    /// A dashboard of 80×24 over this kernel, after its first second.
    pub(crate) fn new(kernel: ScriptedKernel) -> Self {
        Self::started(kernel, None)
    }

    /// The same, recorded in a file.
    pub(crate) fn recorded(kernel: ScriptedKernel, path: &Path) -> Self {
        let model = Model::new(Config::default(), Default::default());
        let recorder = Recorder::create(path, &convert::start(&model, None)).unwrap();
        Self::started(kernel, Some(recorder))
    }

    fn started(kernel: ScriptedKernel, recorder: Option<Recorder>) -> Self {
        let mut harness = Self {
            model: Model::new(Config::default(), Default::default()),
            kernel,
            copied: Vec::new(),
            saved: Vec::new(),
            cancelled: Vec::new(),
            kept: false,
            keep: Ok(()),
            watched: None,
            orders: Vec::new(),
            tested: None,
            made: Ok("/home/me/pulse".into()),
            quit: false,
            build: Ok(module_file(&[
                "parm=intParameter:the year",
                "parmtype=intParameter:int",
                "parmtype=charParameter:charp",
                "parmtype=name:charp",
                "description=Says hello",
            ])),
            located: Err("this kernel was built without debug information".into()),
            now_ms: 0,
            recorder,
        };
        harness.model.streams.all_tables = harness.recorder.is_some();
        harness.resize(80, 24);
        harness.pass(1000);
        harness
    }

    /// Sends an event and everything that follows from it.
    pub(crate) fn send(&mut self, event: Event) {
        let mut queue = VecDeque::from([event]);
        while let Some(event) = queue.pop_front() {
            if let (Some(recorder), Some(entry)) = (&mut self.recorder, convert::entry(&event)) {
                recorder.write(&entry);
            }
            for effect in update(&mut self.model, event) {
                if let (Some(recorder), Some(entry)) = (&mut self.recorder, convert::asked(&effect))
                {
                    recorder.write(&entry);
                }
                self.perform(effect, &mut queue);
            }
            if queue.is_empty() && self.model.has_work() {
                queue.push_back(Event::Work);
            }
        }
    }

    fn perform(&mut self, effect: Effect, queue: &mut VecDeque<Event>) {
        match effect {
            Effect::Start { tag, request, input } => {
                let items = self.kernel.answer(tag, &request, &input);
                queue.extend(items.into_iter().map(|item| Event::Item(tag, item)));
            }
            Effect::Cancel(tag) => {
                self.cancelled.push(tag);
                if Some(tag) == self.kernel.watch {
                    self.kernel.watch = None;
                    queue.push_back(Event::Item(tag, Item::Done(Err(TargetError::Cancelled))));
                }
            }
            Effect::Host { tag, request: HostRequest::Watch(bench) } => {
                self.watched = Some((tag, bench));
            }
            Effect::Host { tag, request: HostRequest::Test(_) } => self.tested = Some(tag),
            Effect::Host { tag, request } => queue.push_back(Event::Host(tag, self.host(request))),
            Effect::Copy(text) => self.copied.push(text),
            Effect::Quit => self.quit = true,
            Effect::Remember(_) | Effect::Mouse(_) | Effect::Suspend | Effect::Redraw => {}
        }
    }

    /// What this machine replies.
    fn host(&mut self, request: HostRequest) -> HostResult {
        match request {
            HostRequest::Build(_) | HostRequest::ReadFile { .. } => {
                self.build.clone().map(HostReply::Bytes)
            }
            HostRequest::Complete { path, .. } => {
                let names: Vec<_> = ["lesson-1/", "lesson-2/", "notes.ko"]
                    .into_iter()
                    .filter(|name| name.starts_with(path.as_str()))
                    .map(str::to_owned)
                    .collect();
                let path = if names.len() == 2 { "lesson-".to_owned() } else { path };
                let path = if names.len() == 1 { names[0].clone() } else { path };
                Ok(HostReply::Completed { path, names })
            }
            HostRequest::Save { path, bytes } => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                self.saved.push((path.clone(), text));
                Ok(HostReply::Path(path))
            }
            HostRequest::Keep => {
                self.kept = true;
                self.keep.clone().map(|()| HostReply::Done)
            }
            HostRequest::Revive => Ok(HostReply::Done),
            HostRequest::Order(order) => {
                self.orders.push(order);
                Ok(HostReply::Done)
            }
            HostRequest::NewModule { .. } => self.made.clone().map(HostReply::Path),
            HostRequest::Watch(_) | HostRequest::Test(_) => Ok(HostReply::Done),
            HostRequest::FindModule { .. } => Err("it was not built here".into()),
            HostRequest::Signatures { .. } => Err("module x was not built here".into()),
            HostRequest::Locate { .. } => self.located.clone().map(HostReply::Places),
        }
    }

    /// Presses keys, written as [`Key::parse_many`] reads them.
    pub(crate) fn keys(&mut self, keys: &str) {
        for key in Key::parse_many(keys).unwrap() {
            self.send(Event::Key(key));
        }
    }

    /// Lets time pass, in steps as the runtime does.
    pub(crate) fn pass(&mut self, ms: u64) {
        let end = self.now_ms + ms;
        while self.now_ms < end {
            self.now_ms = (self.now_ms + 100).min(end);
            let now_ms = self.now_ms;
            self.send(Event::Tick { now_ms });
        }
    }

    /// Changes the size of the screen.
    pub(crate) fn resize(&mut self, width: u16, height: u16) {
        self.send(Event::Resize { width, height });
    }

    /// The kernel says something.
    pub(crate) fn say(&mut self, level: u8, text: &str) {
        let sequence = self.kernel.sequence;
        self.kernel.sequence += 1;
        let record = KmsgRecord {
            sequence,
            at_us: 1_000_000 + sequence * 250_000,
            level,
            text: text.into(),
            ..KmsgRecord::default()
        };
        self.records(vec![record]);
    }

    /// Records arrive.
    pub(crate) fn records(&mut self, records: Vec<KmsgRecord>) {
        let tag = self.kernel.kmsg.unwrap();
        self.send(Event::Item(tag, Item::Kmsg(KmsgBatch { records })));
    }

    /// The guest writes to its console.
    pub(crate) fn console(&mut self, text: &str) {
        let tag = self.kernel.console.unwrap();
        self.send(Event::Item(tag, Item::Console(text.as_bytes().to_vec())));
    }

    /// A sample arrives.
    pub(crate) fn sample(&mut self, at_ms: u64, modules: &[(&str, &[(&str, i64)])]) {
        let value = |(name, value): &(&str, i64)| CounterValue::new(*name, value);
        let module = |(name, counters): &(&str, &[(&str, i64)])| ModuleCounters {
            module: (*name).into(),
            instance: 1,
            counters: counters.iter().map(value).collect(),
            controls: Vec::new(),
        };
        let sample =
            Sample { at_ms, modules: modules.iter().map(module).collect(), tables: Vec::new() };
        let tag = self.kernel.watch.unwrap();
        self.send(Event::Item(tag, Item::Sample(sample)));
    }

    /// The lab's state changes.
    pub(crate) fn lab(&mut self, status: LabStatus) {
        self.kernel.lab = Some(status.clone());
        let tag = self.kernel.lab_watch.unwrap();
        self.send(Event::Item(tag, Item::Lab(status.into())));
    }

    /// The connection breaks: every stream ends.
    pub(crate) fn disconnect(&mut self) {
        self.kernel.info = None;
        let gone = || Item::Done(Err(TargetError::Gone("the agent is gone".into())));
        for tag in [self.kernel.watch.take(), self.kernel.kmsg.take()].into_iter().flatten() {
            self.send(Event::Item(tag, gone()));
        }
    }

    /// The lab process dies: everything ends, and nothing can be started any more.
    pub(crate) fn lab_dies(&mut self) {
        self.disconnect();
        let gone = Item::Done(Err(TargetError::Gone("the connection ended".into())));
        let tag = self.kernel.lab_watch.take().unwrap();
        self.kernel.gone = true;
        self.send(Event::Item(tag, gone));
    }

    /// Something happens to the folder that is watched.
    pub(crate) fn news(&mut self, news: News) {
        let tag = self.watched.as_ref().unwrap().0;
        self.send(Event::HostSays(tag, HostReply::News(news)));
    }

    /// The time of the dashboard.
    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// The screen as text.
    pub(crate) fn screen(&self) -> String {
        self.screen_with(Look::new(ThemeName::Dark, ColorDepth::Indexed, true))
    }

    /// The screen with its colours.
    pub(crate) fn cells_with(&self, look: Look) -> Buffer {
        let (width, height) = self.model.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        draw(&mut buffer, &mut Hits::default(), &self.model, look);
        buffer
    }

    /// The screen as text, in another look.
    pub(crate) fn screen_with(&self, look: Look) -> String {
        let (width, height) = self.model.size;
        let buffer = self.cells_with(look);
        let rows = (0..height).map(|y| {
            let row: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
            row.trim_end().to_owned()
        });
        rows.collect::<Vec<_>>().join("\n")
    }

    /// Clicks where the screen first has this text.
    pub(crate) fn click(&mut self, text: &str) {
        let (width, height) = self.model.size;
        let (row, line) = {
            let screen = self.screen();
            let mut rows = screen.lines().enumerate();
            let found = rows.find(|(_, line)| line.contains(text));
            let (row, line) = found.unwrap_or_else(|| panic!("{text:?} is not in\n{screen}"));
            (row as u16, line.to_owned())
        };
        let column = line.find(text).map_or(0, |at| line[..at].chars().count()) as u16;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let mut hits = Hits::default();
        let look = Look::new(ThemeName::Dark, ColorDepth::Indexed, true);
        draw(&mut buffer, &mut hits, &self.model, look);
        let hit = hits.at(column, row).unwrap_or_else(|| panic!("nothing to click at {text:?}"));
        self.send(Event::Click(hit));
    }

    /// Does the screen show this text?
    pub(crate) fn shows(&self, text: &str) -> bool {
        self.screen().contains(text)
    }
}
