// SPDX-License-Identifier: MIT OR Apache-2.0
//! A kernel that answers at once, from a script: for the tests of the screen.

use std::collections::BTreeMap;

use crate::dashboard::core::CallTag;
use crate::kernel::api::{
    Holder, KernelInfo, LabRequest, LabStatus, MarkInfo, ModuleDetail, ModuleSummary,
    ParameterValue, SyscallInfo,
};
use crate::kernel::parameters::words;
use crate::kernel::{Item, Request, TargetError};

/// A kernel that answers at once, from a script.
#[derive(Default)]
pub(crate) struct ScriptedKernel {
    /// The lab around it; none answers `Unsupported`.
    pub(crate) lab: Option<LabStatus>,
    /// What the kernel says of itself; none: it never answers.
    pub(crate) info: Option<KernelInfo>,
    /// The loaded modules, with the parameters they were loaded with.
    pub(crate) modules: Vec<(String, String)>,
    /// Which of its loads each module's last one was.
    pub(crate) instances: BTreeMap<String, u64>,
    /// The next requests fail with these, by the first word of their debug text.
    pub(crate) failures: Vec<(&'static str, TargetError)>,
    /// Requests with these first words are never answered.
    pub(crate) deaf: Vec<&'static str>,
    /// Every request but the polled ones.
    pub(crate) seen: Vec<String>,
    /// The lab's marks.
    pub(crate) marks: Vec<MarkInfo>,
    /// Who holds any module.
    pub(crate) holders: Vec<Holder>,
    /// The loaded modules only bear their names.
    pub(crate) foreign: bool,
    /// Nothing can even be sent.
    pub(crate) gone: bool,
    /// How many requests were made, polled ones too.
    pub(crate) requests: usize,
    /// Streams that run: the log, the samples.
    pub(crate) kmsg: Option<CallTag>,
    pub(crate) watch: Option<CallTag>,
    pub(crate) lab_watch: Option<CallTag>,
    pub(crate) console: Option<CallTag>,
    pub(crate) sequence: u64,
}

impl ScriptedKernel {
    /// A guest of a lab, running.
    pub(crate) fn guest() -> Self {
        Self { lab: Some(running_lab()), info: Some(kernel_info()), ..Self::default() }
    }

    pub(crate) fn answer(&mut self, tag: CallTag, request: &Request, input: &[u8]) -> Vec<Item> {
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
                    vec![Item::Lab(status.clone().into())]
                }
                None => {
                    let why = "this target is not a lab".to_owned();
                    vec![Item::Done(Err(TargetError::Unsupported(why)))]
                }
            },
            Request::Lab(LabRequest::Marks) => done(Item::Marks(self.marks.clone())),
            Request::Lab(LabRequest::Mark { .. }) => {
                let name = (self.marks.len() + 1).to_string();
                let mark = MarkInfo { name, stood_ms: 81, ..MarkInfo::default() };
                self.marks.push(mark.clone());
                done(Item::Marks(vec![mark]))
            }
            Request::Lab(LabRequest::Unmark { name }) => {
                self.marks.retain(|mark| Some(&mark.name) != name.as_ref());
                vec![Item::Done(Ok(()))]
            }
            Request::Lab(LabRequest::Console { .. }) => {
                self.console = Some(tag);
                vec![Item::Console(b"Linux boots\n".into())]
            }
            Request::Modules => {
                let summary = |(name, _): &(String, String)| ModuleSummary {
                    name: name.clone(),
                    size: 16384,
                    state: "Live".into(),
                    taint: "O".into(),
                    counters: true,
                    ours: !self.foreign,
                    instance: self.instances.get(name).copied().unwrap_or_default(),
                    ..ModuleSummary::default()
                };
                done(Item::Modules(self.modules.iter().rev().map(summary).collect()))
            }
            Request::Module { name } => {
                let loaded = self.modules.iter().find(|(loaded, _)| loaded == name);
                let given = loaded.and_then(|(_, line)| {
                    words(line).find_map(|word| word.strip_prefix("intParameter="))
                });
                done(Item::Module(ModuleDetail {
                    summary: ModuleSummary {
                        name: name.clone(),
                        instance: self.instances.get(name).copied().unwrap_or_default(),
                        ..ModuleSummary::default()
                    },
                    parameters: vec![ParameterValue {
                        name: "intParameter".into(),
                        value: Some(given.unwrap_or("2025").to_owned()),
                        writable: false,
                    }],
                    ..ModuleDetail::default()
                }))
            }
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
                self.seen.push(format!("load {name} {parameters} ({} bytes)", input.len()));
                self.modules.push((name.clone(), parameters.clone()));
                *self.instances.entry(name.clone()).or_default() += 1;
                vec![Item::Done(Ok(()))]
            }
            Request::Unload { name } => {
                self.seen.push(format!("unload {name}"));
                self.modules.retain(|(loaded, _)| loaded != name);
                vec![Item::Done(Ok(()))]
            }
            Request::Holders { .. } => {
                self.seen.push(text);
                done(Item::Holders(self.holders.clone()))
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
        guest: crate::kernel::api::GuestState::Running,
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
        stick_changes: None,
        rewound_ms: None,
        stick_fate: None,
        stick_trouble: None,
        troubles: Vec::new(),
    }
}

/// The smallest ELF file with a `.modinfo` section of these strings.
pub(crate) fn module_file(strings: &[&str]) -> Vec<u8> {
    let mut modinfo = Vec::new();
    for string in strings {
        modinfo.extend_from_slice(string.as_bytes());
        modinfo.push(0);
    }
    crate::kernel::modinfo::file_of(&modinfo)
}
