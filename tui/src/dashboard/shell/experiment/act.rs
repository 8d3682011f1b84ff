// SPDX-License-Identifier: MIT OR Apache-2.0
//! Has the steps of an experiment done, by what the dashboard has for whoever does
//! them by hand.

use super::look;
use super::seen::Seen;
use crate::dashboard::core::experiment::{Doing, Look, Running};
use crate::dashboard::core::loader;
use crate::dashboard::core::message::{SubjectTask, Transfer};
use crate::dashboard::core::{Message, Owner, Report, Shared};
use crate::dashboard::shell::commands;
use crate::dashboard::shell::model::Model;
use crate::experiment::{Step, Telling, World};
use crate::grade::spec::{Act, BlockDo, BlockStep, ErrnoName, Load, Memory, MemoryDo, Set, Unload};
use crate::kernel::api::{Capability, LabRequest, Request, SUBJECT_IO_MAX, SubjectAction};

/// Begins a step.
///
/// # Errors
/// Why it can't be done.
pub(super) fn perform(model: &mut Model, step: Step) -> Result<Doing, String> {
    match step {
        Step::Own(telling) => tell(model, telling).map(|()| Doing::Nothing),
        Step::Act(act) => act_on(model, act),
    }
}

fn tell(model: &mut Model, telling: Telling) -> Result<(), String> {
    match telling {
        Telling::Show(view) => {
            let known = model.tabs.iter().find(|about| about.id == view);
            let id = known.ok_or_else(|| format!("there is no view {view}"))?.id;
            if model.view != id {
                model.show(id);
            }
            Ok(())
        }
        Telling::Command(name) => command(model, &name),
        Telling::Say(_)
        | Telling::Ask(_)
        | Telling::Look(_)
        | Telling::Keep(_)
        | Telling::Turn(_)
        | Telling::Value(_) => Ok(()),
    }
}

fn act_on(model: &mut Model, act: Act) -> Result<Doing, String> {
    match act {
        Act::Load(load) => begin_load(model, &load),
        Act::Unload(Unload { module: name, refused }) => {
            Ok(call(model, &format!("unload {name}"), Request::Unload { name }, refused))
        }
        Act::Set(set) => Ok(begin_set(model, set)),
        Act::Memory(memory) => {
            model.post(Message::Subject(subject_task(memory)));
            Ok(Doing::View("memory.busy"))
        }
        Act::Block(block) => {
            model.post(Message::Block(transfer(block)));
            Ok(Doing::View("block.busy"))
        }
        Act::Plug => Ok(call(model, "plug the stick in", Request::Lab(LabRequest::Plug), None)),
        Act::Unplug => {
            Ok(call(model, "pull the stick out", Request::Lab(LabRequest::Unplug), None))
        }
        Act::Crash => {
            let title = "crash the kernel";
            let tag = model.start(Owner::Experiment, title, Report::Listed, Request::Crash);
            Ok(Doing::Crash(tag))
        }
        Act::Run(_) | Act::Peek(_) | Act::File(_) | Act::Processes(_) => {
            let mut look = Box::new(Look::new(act, model.now_ms));
            look::begin(model, &mut look);
            Ok(Doing::Look(look))
        }
        Act::Counter(_) | Act::Log(_) | Act::Pause(_) => Ok(Doing::Nothing),
    }
}

/// Carries out a command of the dashboard.
pub(super) fn command(model: &mut Model, name: &str) -> Result<(), String> {
    if !commands::all(&model.views).any(|entry| entry.info.name == name) {
        return Err(format!("there is no command {name}"));
    }
    commands::enabled(model, name)?;
    commands::run(model, name);
    Ok(())
}

fn call(shared: &mut Shared, title: &str, request: Request, refused: Option<ErrnoName>) -> Doing {
    let tag = shared.start(Owner::Experiment, title, Report::Listed, request);
    Doing::Call { tag, title: title.to_owned(), refused }
}

fn begin_load(shared: &mut Shared, load: &Load) -> Result<Doing, String> {
    shared.can(Capability::Modules)?;
    // Another instance of it would be no different, and somebody may use this one.
    if load.parameters.is_empty() && shared.loaded(&load.module).is_some_and(|one| !one.broken) {
        return Ok(Doing::Nothing);
    }
    loader::load_with(shared, &load.module, &load.parameters);
    Ok(Doing::Load(load.module.clone()))
}

fn begin_set(shared: &mut Shared, set: Set) -> Doing {
    let Set { module, value, control, parameter, refused } = set;
    let request = match (control, parameter) {
        (Some(control), _) => Request::Set { module, control, value },
        (None, parameter) => {
            Request::SetParameter { module, parameter: parameter.unwrap_or_default(), value }
        }
    };
    call(shared, "set a value", request, refused)
}

fn subject_task(memory: Memory) -> SubjectTask {
    let mut with = None;
    let action = match memory.action {
        MemoryDo::Allocate { at, pages, write } => {
            Some(SubjectAction::Allocate { vaddr: at, pages, write })
        }
        MemoryDo::Free { at } => Some(SubjectAction::Free { vaddr: at }),
        MemoryDo::Read { at, size } => {
            Some(SubjectAction::Read { vaddr: at, size: size.min(SUBJECT_IO_MAX) })
        }
        MemoryDo::Write { at, text } => {
            Some(SubjectAction::Write { vaddr: at, bytes: text.into_bytes() })
        }
        MemoryDo::Share { at, with: client, write } => {
            with = Some(client);
            Some(SubjectAction::Share { vaddr: at, client: 0, write })
        }
        MemoryDo::Access { at } => Some(SubjectAction::Access { vaddr: at }),
        MemoryDo::End => None,
    };
    SubjectTask { process: memory.process, action, with }
}

fn transfer(block: BlockStep) -> Transfer {
    let repeated = |text: String, times: u32| text.repeat(times as usize).into_bytes();
    match block.action {
        BlockDo::Read { size } => Transfer::Read { at: None, size },
        BlockDo::ReadOffset { offset, size } => Transfer::Read { at: Some(offset.into()), size },
        BlockDo::Write { text, times } => Transfer::Write { at: None, data: repeated(text, times) },
        BlockDo::WriteOffset { offset, text, times } => {
            Transfer::Write { at: Some(offset.into()), data: repeated(text, times) }
        }
    }
}

/// What came of the step that is being done; `None`: it is under way, or none is.
pub(super) fn ended(model: &Model, running: &Running) -> Option<Result<(), String>> {
    match running.doing.as_ref()? {
        Doing::Nothing => Some(Ok(())),
        // Its reply ends it.
        Doing::Call { .. } | Doing::Look(_) => None,
        Doing::Crash(_) => model.link.dead().map(|_| Ok(())),
        Doing::Load(module) => loaded(model, module),
        Doing::View(busy) => {
            let busy = Seen { model }.value(busy);
            let asked = !model.posted.is_empty();
            (!asked && busy.is_none_or(|busy| busy == "0")).then_some(Ok(()))
        }
    }
}

fn loaded(model: &Model, module: &str) -> Option<Result<(), String>> {
    let stale = model.modules_stale || model.calls.has(&Owner::Modules);
    if model.loader.jobs.contains_key(module) || stale {
        return None;
    }
    let name = model.loader.name(module);
    match model.loaded(&name).is_some() && model.loader.current.contains_key(&name) {
        true => Some(Ok(())),
        false => Some(Err(format!("{name} was not loaded"))),
    }
}
