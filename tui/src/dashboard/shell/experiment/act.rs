// SPDX-License-Identifier: MIT OR Apache-2.0
//! Has the steps of an experiment done, by what the dashboard has for whoever does
//! them by hand.

use super::look;
use super::outcome;
use super::seen::Seen;
use crate::dashboard::core::experiment::{Doing, Look, Running};
use crate::dashboard::core::loader;
use crate::dashboard::core::message::{SubjectTask, Transfer};
use crate::dashboard::core::{Message, Owner, Report, Shared};
use crate::dashboard::shell::commands;
use crate::dashboard::shell::model::Model;
use crate::experiment::{Step, Telling, World};
use crate::grade::spec::{Act, BlockDo, BlockStep, ErrnoName, Load, Memory, Set, Unload};
use crate::kernel::api::{Capability, LabRequest, Request};

/// How long a view may take for a step.
const VIEW_WITHIN_MS: u64 = 60_000;

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
        Act::Load(load) => begin_load(model, load),
        Act::Unload(Unload { module: name, refused }) => {
            Ok(call(model, &format!("unload {name}"), Request::Unload { name }, refused))
        }
        Act::Set(set) => Ok(begin_set(model, set)),
        Act::Memory(ref memory) => {
            model.post_task(Message::Subject(subject_task(memory)));
            Ok(Doing::View { act: Box::new(act), busy: "memory.busy", since_ms: model.now_ms })
        }
        Act::Block(ref block) => {
            model.post_task(Message::Block(transfer(block)));
            Ok(Doing::View { act: Box::new(act), busy: "block.busy", since_ms: model.now_ms })
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
        Act::Run(_) | Act::Peek(_) | Act::File(_) | Act::Processes(_) | Act::NothingLeft(_) => {
            let mut look = Box::new(Look::new(act, model.now_ms));
            look::begin(model, &mut look)?;
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

fn begin_load(shared: &mut Shared, load: Load) -> Result<Doing, String> {
    shared.can(Capability::Modules)?;
    // Another instance of it would be no different, and somebody may use this one.
    let plain = load.parameters.is_empty() && load.refused.is_none();
    if plain && shared.loaded(&load.module).is_some_and(|one| !one.broken) {
        return Ok(Doing::Nothing);
    }
    shared.begin_task(Owner::Loader(loader::Step::Load(load.module.clone())));
    loader::load_with(shared, &load.module, &load.parameters);
    Ok(Doing::Load(load))
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

fn subject_task(memory: &Memory) -> SubjectTask {
    // Who the client is, the view knows.
    let action = memory.action.action(0);
    let with = memory.action.with().map(str::to_owned);
    SubjectTask { process: memory.process.clone(), action, with }
}

fn transfer(block: &BlockStep) -> Transfer {
    let at = block.action.at().map(u64::from);
    match &block.action {
        BlockDo::Read { size } | BlockDo::ReadOffset { size, .. } => {
            Transfer::Read { at, size: *size }
        }
        BlockDo::Write { .. } | BlockDo::WriteOffset { .. } => {
            Transfer::Write { at, data: block.action.data() }
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
        Doing::Load(load) => loaded(model, load),
        Doing::View { act, busy, since_ms } => viewed(model, act, busy, *since_ms),
    }
}

fn viewed(model: &Model, act: &Act, busy: &str, since_ms: u64) -> Option<Result<(), String>> {
    let busy = || Seen { model }.value(busy).is_some_and(|busy| busy != "0");
    match model.task_outcome() {
        Some(outcome) if !busy() => Some(outcome::judged(act, outcome.clone())),
        _ if model.now_ms < since_ms + VIEW_WITHIN_MS => None,
        _ => Some(Err(format!("nothing came of it in {} s", VIEW_WITHIN_MS / 1000))),
    }
}

fn loaded(model: &Model, load: &Load) -> Option<Result<(), String>> {
    let stale = model.modules_stale || model.calls.has(&Owner::Modules);
    if model.loader.jobs.contains_key(&load.module) || stale {
        return None;
    }
    if let Some(outcome) = model.task_outcome() {
        return Some(outcome::judged_load(load, outcome.clone()));
    }
    // It was not built, or what is loaded could not be unloaded; a message says why.
    Some(Err(format!("{} was not loaded", model.loader.name(&load.module))))
}
