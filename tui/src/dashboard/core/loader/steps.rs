// SPDX-License-Identifier: MIT OR Apache-2.0
//! The steps of a job: unload if need be, load, and what comes of them.

use super::state::{Step, file, is_path};
use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::layer::Message;
use crate::dashboard::core::message::TaskOutcome;
use crate::dashboard::core::shared::Shared;
use crate::dashboard::data::lines;
use crate::kernel::api::{Holder, Request};
use crate::kernel::{Item, TargetError};

pub(crate) fn start_unload(shared: &mut Shared, key: &str) {
    let name = shared.loader.name(key);
    let owner = Owner::Loader(Step::Unload(key.to_owned()));
    let title = format!("unload {name}");
    shared.start(owner, &title, Report::Listed, Request::Unload { name });
}

/// The next step of a job, as soon as everything for it is there.
pub(crate) fn go_on(shared: &mut Shared, key: &str) {
    let Some(job) = shared.loader.jobs.get(key) else {
        return;
    };
    let (Some(image), Some(parameters)) = (job.image.clone(), job.parameters.clone()) else {
        return;
    };
    let name = shared.loader.name(key);
    if job.unload_first {
        return start_unload(shared, key);
    }
    shared.loader.last_parameters.insert(name.clone(), parameters.clone());
    if is_path(key) {
        shared.loader.files.insert(name.clone(), key.to_owned());
    }
    let owner = Owner::Loader(Step::Load(key.to_owned()));
    let title = format!("load {name}");
    let line = Some(lines::insmod(&file(key), &parameters));
    let request = Request::Load { name, parameters };
    shared.start_as(owner, &title, Report::Listed, (request, image), line);
}

/// Takes an item of a load or an unload.
pub(crate) fn on_reply(shared: &mut Shared, step: &Step, item: Item) {
    let Item::Done(result) = item else { return };
    shared.modules_stale = true;
    match (step, result) {
        (Step::Unload(key), Ok(())) => {
            let name = shared.loader.name(key);
            match shared.loader.jobs.get_mut(key) {
                Some(job) if job.unload_first => {
                    job.unload_first = false;
                    go_on(shared, key);
                }
                _ => shared.done(format!("{name} unloaded")),
            }
        }
        (Step::Unload(key), Err(error)) => {
            shared.loader.jobs.remove(key);
            let name = shared.loader.name(key);
            if matches!(&error, TargetError::Errno { errno, .. } if *errno == nix::libc::EBUSY) {
                let request = Request::Holders { name: name.clone() };
                let title = format!("who holds {name}?");
                let owner = Owner::Holders { module: name, refused: true };
                shared.start(owner, &title, Report::Silent, request);
            } else {
                failed(shared, &format!("Unload {name}"), &error);
            }
        }
        (Step::Load(key), Ok(())) => {
            shared.loader.jobs.remove(key);
            let name = shared.loader.name(key);
            let parameters = shared.loader.last_parameters(&name).unwrap_or_default().to_owned();
            shared.done(format!("{name} loaded"));
            shared.loader.current.insert(name, parameters);
            shared.loader.ended = true;
            shared.end_task(&Owner::Loader(step.clone()), TaskOutcome::Done);
        }
        (Step::Load(key), Err(error)) => {
            shared.loader.refused = Some((key.clone(), error));
            shared.loader.ended = true;
        }
        (Step::Image(_) | Step::Seen(_), _) => {}
    }
}

/// The kernel refused a module. A form that asked for parameters asks again: what
/// was typed can be mended once the reason is read.
pub(super) fn refused(
    shared: &mut Shared,
    key: &str,
    error: &TargetError,
    ask_again: fn(&mut Shared, Option<&str>),
) {
    let job = shared.loader.jobs.remove(key);
    if job.is_some_and(|job| job.from_form) && *error != TargetError::Cancelled {
        ask_again(shared, Some(key));
    }
    let owner = Owner::Loader(Step::Load(key.to_owned()));
    if shared.end_task(&owner, TaskOutcome::Failed(error.clone())) {
        return;
    }
    let title = format!("Load {}", shared.loader.name(key));
    failed(shared, &title, error);
}

fn failed(shared: &mut Shared, title: &str, error: &TargetError) {
    if *error == TargetError::Cancelled {
        shared.note(format!("{title}: cancelled"));
    } else {
        let message = shared.explain(title, error);
        shared.message(message);
    }
}

/// Who holds a module: asked for, or since it would not go.
pub(crate) fn holders(shared: &mut Shared, module: &str, refused: bool, item: Item) {
    let mut message = if refused {
        let busy = TargetError::errno(nix::libc::EBUSY, format!("unload module {module}"))
            .with_hint("End what holds it, then unload it again.");
        let mut message = shared.explain(&format!("Unload {module}"), &busy);
        message.lines.push("Somebody has the module in use.".into());
        message
    } else {
        Message { title: format!("Who holds {module}?"), ..Message::default() }
    };
    match item {
        Item::Holders(holders) => {
            message.lines.extend(holders.iter().map(|holder| match holder {
                Holder::Module(name) => format!("  module {name} uses it"),
                Holder::Process { pid, comm, what } => {
                    format!("  process {pid} ({comm}): {what}")
                }
            }));
            let users = shared.loaded(module).map_or(0, |module| module.users);
            match (holders.is_empty(), refused, users) {
                (false, true, _) => {}
                (false, false, _) => {
                    message.remedy.push("It can be unloaded once these have let go.".into());
                }
                (true, true, _) => message
                    .lines
                    .push("  nobody can be seen to hold it; it may just have let go".into()),
                (true, false, ..0) => message
                    .lines
                    .push("Nobody, but it has no way out: it stays until the reboot.".into()),
                (true, false, 0) => {
                    message.lines.push(shared.fill("Nobody: {unload} can unload it."))
                }
                (true, false, _) => message.lines.push(
                    "Its use count is not 0, but no module and no process can be seen to hold it."
                        .into(),
                ),
            }
        }
        Item::Done(Err(TargetError::Cancelled)) => return,
        Item::Done(Err(error)) if refused => {
            message.lines.push(format!("  who it is can't be seen: {error}"));
        }
        Item::Done(Err(error)) => {
            message = shared.explain(&message.title, &error);
        }
        _ => return,
    }
    shared.message(message);
}
