// SPDX-License-Identifier: MIT OR Apache-2.0
//! Drives the update loop with keys and a scripted kernel, and looks at the screen.

use std::collections::VecDeque;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::theme::Look;
use super::{Hits, draw};
use crate::app::config::{ColorDepth, Config, ThemeName};
use crate::app::{CallTag, Effect, Event, Key, Model, update};
use crate::target::api::{
    CounterValue, KernelInfo, KmsgBatch, KmsgRecord, LabRequest, LabStatus, ModuleCounters,
    ModuleDetail, ModuleSummary, ParameterValue, Sample, SyscallInfo,
};
use crate::target::{Item, Request, TargetError};

/// A kernel that answers at once, from a script.
#[derive(Default)]
pub(crate) struct ScriptedKernel {
    /// The lab around it; none answers `Unsupported`.
    pub(crate) lab: Option<LabStatus>,
    /// What the kernel says of itself; none: it never answers.
    pub(crate) info: Option<KernelInfo>,
    /// The loaded modules, with the parameters they were loaded with.
    pub(crate) modules: Vec<(String, String)>,
    /// The next requests fail with these, by the first word of their debug text.
    pub(crate) failures: Vec<(&'static str, TargetError)>,
    /// Requests with these first words are never answered.
    pub(crate) deaf: Vec<&'static str>,
    /// Every request but the polled ones.
    pub(crate) seen: Vec<String>,
    /// Nothing can even be sent.
    pub(crate) gone: bool,
    /// How many requests were made, polled ones too.
    pub(crate) requests: usize,
    /// Streams that run: the log, the samples.
    kmsg: Option<CallTag>,
    watch: Option<CallTag>,
    lab_watch: Option<CallTag>,
    sequence: u64,
}

impl ScriptedKernel {
    /// A guest of a lab, running.
    pub(crate) fn guest() -> Self {
        Self {
            lab: Some(running_lab()),
            info: Some(kernel_info()),
            ..Self::default()
        }
    }

    fn answer(&mut self, tag: CallTag, request: &Request, input: &[u8]) -> Vec<Item> {
        self.requests += 1;
        if self.gone {
            let why = "the connection ended".to_owned();
            return vec![Item::Done(Err(TargetError::Gone(why)))];
        }
        let text = format!("{request:?}");
        let word: String = text.chars().take_while(|c| c.is_alphanumeric()).collect();
        if self.deaf.contains(&word.as_str()) {
            return Vec::new();
        }
        if let Some(index) = self.failures.iter().position(|(name, _)| *name == word) {
            return vec![Item::Done(Err(self.failures.remove(index).1))];
        }
        let done = |item: Item| vec![item, Item::Done(Ok(()))];
        match request {
            Request::Kernel => match &self.info {
                Some(info) => done(Item::Kernel(info.clone())),
                None => Vec::new(),
            },
            Request::Lab(LabRequest::Watch) => match &self.lab {
                Some(status) => {
                    self.lab_watch = Some(tag);
                    vec![Item::Lab(status.clone())]
                }
                None => {
                    let why = "this target is not a lab".to_owned();
                    vec![Item::Done(Err(TargetError::Unsupported(why)))]
                }
            },
            Request::Lab(LabRequest::Console { .. }) => {
                vec![Item::Console(b"Linux boots\n".into())]
            }
            Request::Modules => {
                let summary = |(name, _): &(String, String)| ModuleSummary {
                    name: name.clone(),
                    size: 16384,
                    state: "Live".into(),
                    taint: "O".into(),
                    counters: true,
                    ..ModuleSummary::default()
                };
                done(Item::Modules(self.modules.iter().map(summary).collect()))
            }
            Request::Module { name } => done(Item::Module(ModuleDetail {
                summary: ModuleSummary {
                    name: name.clone(),
                    ..ModuleSummary::default()
                },
                parameters: vec![ParameterValue {
                    name: "intParameter".into(),
                    value: Some("2025".into()),
                    writable: false,
                }],
                ..ModuleDetail::default()
            })),
            Request::Watch { .. } => {
                self.watch = Some(tag);
                Vec::new()
            }
            Request::Kmsg { .. } => {
                self.kmsg = Some(tag);
                Vec::new()
            }
            Request::Syscall => done(Item::Syscall(SyscallInfo {
                number: 473,
                calls: 3,
                message: "Hello from the kernel".into(),
            })),
            Request::Load { name, parameters } => {
                self.seen
                    .push(format!("load {name} {parameters} ({} bytes)", input.len()));
                self.modules.push((name.clone(), parameters.clone()));
                vec![Item::Done(Ok(()))]
            }
            Request::Unload { name } => {
                self.seen.push(format!("unload {name}"));
                self.modules.retain(|(loaded, _)| loaded != name);
                vec![Item::Done(Ok(()))]
            }
            other => {
                self.seen.push(format!("{other:?}"));
                vec![Item::Done(Ok(()))]
            }
        }
    }
}

/// What a kernel of a lab says of itself.
pub(crate) fn kernel_info() -> KernelInfo {
    KernelInfo {
        release: "7.3.4-ringside-lab-1a2b3c".into(),
        machine: "x86_64".into(),
        uptime_ms: 200_000,
        guest: true,
        root: true,
        page_table_levels: 5,
        taint: 1 << 12,
        processors: 2,
        memory_kib: (501_000, 450_000),
        missing: Vec::new(),
    }
}

/// A lab whose guest runs.
pub(crate) fn running_lab() -> LabStatus {
    LabStatus {
        id: "1".into(),
        pid: 4242,
        guest: crate::target::api::GuestState::Running,
        generation: 1,
        flavour: "lab".into(),
        kernel: "7.3.4-ringside-lab-1a2b3c".into(),
        accelerator: "tcg".into(),
        accelerator_reason: "/dev/kvm does not boot a guest here".into(),
        resumed: true,
        started_in_ms: 420,
        up_ms: 200_000,
        qemu_pid: Some(4243),
        memory_mib: 512,
        processors: 2,
        stick_plugged: true,
        stick_file: None,
    }
}

/// The dashboard's model, a scripted kernel, and what the effects asked for.
pub(crate) struct Harness {
    pub(crate) model: Model,
    pub(crate) kernel: ScriptedKernel,
    /// What was copied.
    pub(crate) copied: Vec<String>,
    /// What was saved: path and text.
    pub(crate) saved: Vec<(String, String)>,
    /// Tags that were cancelled.
    pub(crate) cancelled: Vec<CallTag>,
    /// Did the user leave?
    pub(crate) quit: bool,
    /// What a build answers.
    pub(crate) build: Result<Vec<u8>, String>,
    /// What comes of looking for file and line.
    pub(crate) located: Result<Vec<Option<String>>, String>,
    now_ms: u64,
}

impl Harness {
    /// A dashboard of 80×24 over this kernel, after its first second.
    pub(crate) fn new(kernel: ScriptedKernel) -> Self {
        let mut harness = Self {
            model: Model::new(Config::default(), Default::default()),
            kernel,
            copied: Vec::new(),
            saved: Vec::new(),
            cancelled: Vec::new(),
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
        };
        harness.resize(80, 24);
        harness.pass(1000);
        harness
    }

    /// Sends an event and everything that follows from it.
    pub(crate) fn send(&mut self, event: Event) {
        let mut queue = VecDeque::from([event]);
        while let Some(event) = queue.pop_front() {
            for effect in update(&mut self.model, event) {
                self.perform(effect, &mut queue);
            }
            if queue.is_empty() && self.model.has_work() {
                queue.push_back(Event::Work);
            }
        }
    }

    fn perform(&mut self, effect: Effect, queue: &mut VecDeque<Event>) {
        match effect {
            Effect::Start {
                tag,
                request,
                input,
            } => {
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
            Effect::Build { tag, .. } => queue.push_back(Event::Built(tag, self.build.clone())),
            Effect::ReadFile { tag, .. } => {
                queue.push_back(Event::FileRead(tag, self.build.clone()));
            }
            Effect::Save { tag, path, bytes } => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                self.saved.push((path.clone(), text));
                queue.push_back(Event::Saved(tag, Ok(path)));
            }
            Effect::Locate { tag, .. } => {
                queue.push_back(Event::Located(tag, self.located.clone()));
            }
            Effect::Copy(text) => self.copied.push(text),
            Effect::Quit => self.quit = true,
            Effect::Remember(_) | Effect::Mouse(_) | Effect::Suspend | Effect::Redraw => {}
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

    /// A sample arrives.
    pub(crate) fn sample(&mut self, at_ms: u64, modules: &[(&str, &[(&str, i64)])]) {
        let value = |(name, value): &(&str, i64)| CounterValue {
            name: (*name).into(),
            value: value.to_string(),
        };
        let module = |(name, counters): &(&str, &[(&str, i64)])| ModuleCounters {
            module: (*name).into(),
            counters: counters.iter().map(value).collect(),
            controls: Vec::new(),
        };
        let sample = Sample {
            at_ms,
            modules: modules.iter().map(module).collect(),
            tables: Vec::new(),
        };
        let tag = self.kernel.watch.unwrap();
        self.send(Event::Item(tag, Item::Sample(sample)));
    }

    /// The lab's state changes.
    pub(crate) fn lab(&mut self, status: LabStatus) {
        self.kernel.lab = Some(status.clone());
        let tag = self.kernel.lab_watch.unwrap();
        self.send(Event::Item(tag, Item::Lab(status)));
    }

    /// The connection breaks: every stream ends.
    pub(crate) fn disconnect(&mut self) {
        self.kernel.info = None;
        let gone = || Item::Done(Err(TargetError::Gone("the agent is gone".into())));
        for tag in [self.kernel.watch.take(), self.kernel.kmsg.take()]
            .into_iter()
            .flatten()
        {
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

    /// The screen as text.
    pub(crate) fn screen(&self) -> String {
        self.screen_with(Look::new(ThemeName::Dark, ColorDepth::Indexed, true))
    }

    /// The screen as text, in another look.
    pub(crate) fn screen_with(&self, look: Look) -> String {
        let (width, height) = self.model.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        draw(&mut buffer, &mut Hits::default(), &self.model, look);
        let rows = (0..height).map(|y| {
            let row: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
            row.trim_end().to_owned()
        });
        rows.collect::<Vec<_>>().join("\n")
    }

    /// Does the screen show this text?
    pub(crate) fn shows(&self, text: &str) -> bool {
        self.screen().contains(text)
    }
}

/// The smallest ELF file with a `.modinfo` section of these strings.
pub(crate) fn module_file(strings: &[&str]) -> Vec<u8> {
    let mut modinfo = Vec::new();
    for string in strings {
        modinfo.extend_from_slice(string.as_bytes());
        modinfo.push(0);
    }
    let names = b"\0.modinfo\0.shstrtab\0";
    let modinfo_at = 64usize;
    let names_at = modinfo_at + modinfo.len();
    let sections_at = (names_at + names.len()).next_multiple_of(8);
    let mut file = Vec::new();
    file.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&62u16.to_le_bytes());
    file.extend_from_slice(&1u32.to_le_bytes());
    file.extend_from_slice(&[0; 16]);
    file.extend_from_slice(&(sections_at as u64).to_le_bytes());
    file.extend_from_slice(&0u32.to_le_bytes());
    for half in [64u16, 0, 0, 64, 3, 2] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    file.extend_from_slice(&modinfo);
    file.extend_from_slice(names);
    file.resize(sections_at, 0);
    let mut section = |name: u32, kind: u32, at: usize, size: usize| {
        file.extend_from_slice(&name.to_le_bytes());
        file.extend_from_slice(&kind.to_le_bytes());
        for word in [0u64, 0, at as u64, size as u64, 0, 1, 0] {
            let bytes = word.to_le_bytes();
            file.extend_from_slice(&bytes);
        }
    };
    section(0, 0, 0, 0);
    section(1, 1, modinfo_at, modinfo.len());
    section(10, 3, names_at, names.len());
    // Each entry is 64 bytes: link and info stand in one of the words above.
    Arc::new(file).to_vec()
}
