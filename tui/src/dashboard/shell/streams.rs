// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is asked of the kernel all the time: which it is, its lab, its modules,
//! the samples, the log, the console. Kept running, and started again after an
//! interruption.

use super::marks;
use super::model::Model;
use crate::dashboard::core::loader;
use crate::dashboard::core::{Connection, Loadable, Owner, Report, Shared, is_lost};
use crate::dashboard::data::log::rewound;
use crate::kernel::api::{GuestState, LabRequest, LabStatus, Request};
use crate::kernel::{Item, TargetError};

/// How often a kernel that does not answer is asked again, in milliseconds.
const RETRY_MS: u64 = 1000;
/// How often memory and taint are asked for.
const KERNEL_MS: u64 = 10_000;
/// A kernel that says nothing for so long counts as lost.
const SILENT_MS: u64 = 5000;
/// How often the list of modules is asked for while it is on the screen.
const MODULES_MS: u64 = 5000;
/// A picture of what no longer changes still scrolls: once a second.
const SCROLL_MS: u64 = 1000;

/// The connection broke.
pub(crate) fn lost(model: &mut Shared, error: &TargetError) {
    // A guest that starts has never been there: that is no loss, unless its lab is gone.
    let starting = |lab: &LabStatus| lab.guest == GuestState::Starting;
    if !model.link.lab_gone && model.link.lab.as_ref().is_some_and(starting) {
        return;
    }
    if !matches!(model.link.connection, Connection::Lost { .. }) {
        model.link.connection = Connection::Lost { why: error.to_string(), since_ms: model.now_ms };
        model.changed();
    }
}

fn due(last: Option<u64>, every: u64, now: u64) -> bool {
    last.is_none_or(|last| now >= last + every)
}

/// Starts what should run and does not. Runs after every event.
pub(crate) fn keep_up(model: &mut Model) {
    let now = model.now_ms;
    if model.modules_stale {
        // Taint and memory may have changed with them.
        model.streams.kernel_asked = None;
    }
    let up = model.link.connection == Connection::Up;
    let running = match &model.link.lab {
        Some(lab) => lab.guest == GuestState::Running,
        None => true,
    };
    // A stream that ends is started again, but never twice in one second: one
    // that can't be had must not keep us busy.
    if !model.streams.lab_failed
        && !model.link.lab_gone
        && (up || model.link.lab.is_none())
        && due(model.streams.lab_asked, RETRY_MS, now)
        && !model.calls.has(&Owner::Lab)
    {
        model.streams.lab_asked = Some(now);
        let request = Request::Lab(LabRequest::Watch);
        model.start(Owner::Lab, "watch the lab", Report::Silent, request);
    }
    if model.link.lab.is_some()
        && !model.link.lab_gone
        && model.console.missing.is_none()
        && due(model.streams.console_asked, RETRY_MS, now)
        && !model.calls.has(&Owner::Console)
    {
        model.streams.console_asked = Some(now);
        model.console.clear();
        let request = Request::Lab(LabRequest::Console { follow: true });
        model.start(Owner::Console, "follow the console", Report::Silent, request);
    }
    if running {
        give_up_silent(model);
        let every = if up { KERNEL_MS } else { RETRY_MS };
        if due(model.streams.kernel_asked, every, now) && !model.calls.has(&Owner::Kernel) {
            model.streams.kernel_asked = Some(now);
            model.start(Owner::Kernel, "ask the kernel", Report::Silent, Request::Kernel);
        }
    }
    if !up || !running {
        return;
    }
    let listed = model.views.current(&model.shared).shows_modules();
    let stale = model.modules_stale
        || model.streams.modules_asked.is_none()
        || (listed && due(model.streams.modules_asked, MODULES_MS, now));
    if stale && !model.calls.has(&Owner::Modules) {
        model.streams.modules_asked = Some(now);
        model.modules_stale = false;
        model.start(Owner::Modules, "list modules", Report::Silent, Request::Modules);
    }
    if model.log.failed.is_none()
        && due(model.streams.kmsg_asked, RETRY_MS, now)
        && !model.calls.has(&Owner::Kmsg)
    {
        model.streams.kmsg_asked = Some(now);
        let request = Request::Kmsg { from: model.log.next_sequence(), follow: true };
        model.start(Owner::Kmsg, "follow the log", Report::Silent, request);
    }
    keep_watching(model);
}

/// Lets go of a question that the kernel does not answer, so that it is asked again.
fn give_up_silent(model: &mut Model) {
    let (now, runs) = (model.now_ms, model.streams.guest_runs_ms);
    // It may have been asked long before there was a guest.
    let silent = model.calls.iter().find(|(_, call)| {
        call.owner == Owner::Kernel && now >= call.started_ms.max(runs) + SILENT_MS
    });
    if let Some((tag, _)) = silent {
        model.cancel(tag);
        model.calls.remove(tag);
        let why = "the kernel does not answer".to_owned();
        lost(model, &TargetError::Gone(why));
    }
}

/// The tables that are read with each sample are those of the view on the screen.
fn keep_watching(model: &mut Model) {
    let tables = if model.streams.all_tables {
        model.views.iter().flat_map(|view| view.tables(&model.shared)).collect()
    } else {
        model.views.current(&model.shared).tables(&model.shared)
    };
    let same = model.streams.watched.as_ref() == Some(&tables);
    let running: Vec<_> = model
        .calls
        .iter()
        .filter(|(_, call)| call.owner == Owner::Watch && call.cancelled.is_none())
        .map(|(tag, _)| tag)
        .collect();
    let recent = !due(model.streams.watch_asked, RETRY_MS, model.now_ms);
    if same && (recent || model.streams.watch_failed || !running.is_empty()) {
        return;
    }
    model.streams.watch_asked = Some(model.now_ms);
    for tag in running {
        model.cancel(tag);
    }
    model.streams.watched = Some(tables.clone());
    model.streams.watch_failed = false;
    let request =
        Request::Watch { interval_ms: model.config.sample_ms, modules: Vec::new(), tables };
    model.start(Owner::Watch, "watch the counters", Report::Silent, request);
}

/// Takes an item of one of the streams.
pub(crate) fn item(model: &mut Model, owner: &Owner, item: Item) {
    match (owner, item) {
        (Owner::Kernel, Item::Kernel(kernel)) => {
            model.link.kernel_at_ms = model.now_ms;
            if model.link.connection != Connection::Up {
                model.link.connection = Connection::Up;
                model.log.failed = None;
                model.streams.watch_failed = false;
                model.modules_stale = true;
                model.changed();
            }
            let same = model.link.kernel.as_ref().is_some_and(|before| {
                before.memory_kib.1 / 1024 == kernel.memory_kib.1 / 1024
                    && before.taint == kernel.taint
                    && before.missing == kernel.missing
            });
            model.link.kernel = Some(kernel);
            if !same {
                model.changed();
            }
        }
        (Owner::Kernel, Item::Done(Err(error))) => lost(model, &error),
        (Owner::Lab, Item::Lab(status)) => lab(model, *status),
        (Owner::Lab, Item::Done(Err(error))) => {
            model.streams.lab_failed = !is_lost(&error);
            model.link.lab_gone =
                is_lost(&error) && (model.link.lab.is_some() || model.link.own_lab);
            if model.link.lab_gone {
                // It may have died before it ever said that its guest runs.
                lost(model, &error);
            }
            if !is_lost(&error) {
                model.link.no_lab = Some(error.to_string());
                model.console.missing = Some(error.to_string());
            }
            model.changed();
        }
        (Owner::Modules, Item::Modules(modules)) if model.modules.ready() != Some(&modules) => {
            model.modules = Loadable::Ready(modules);
            let Model { views, shared, .. } = model;
            views.iter_mut().for_each(|view| view.modules_listed(shared));
            loader::listed(shared);
            model.changed();
        }
        (Owner::Modules, Item::Done(Err(error)))
            if model.modules.ready().is_none() && !is_lost(&error) =>
        {
            model.modules = Loadable::Failed(error);
            model.changed();
        }
        (Owner::Watch, Item::Sample(sample)) => {
            let names = |model: &Model| -> Vec<String> {
                let shown = model.counters.latest().modules.iter();
                shown.map(|module| module.module.clone()).collect()
            };
            let before = names(model);
            let changed = model.counters.push(sample);
            let Model { views, shared, .. } = &mut *model;
            views.current_mut(shared).sampled(shared);
            if changed && before != names(model) {
                model.modules_stale = true;
            }
            let scrolls = model.counters.quiet_ms() < model.range_ms()
                && model.now_ms >= model.streams.drawn_ms + SCROLL_MS;
            if model.freeze.is_none() && (changed || model.counters.quiet_ms() < 1500 || scrolls) {
                model.streams.drawn_ms = model.now_ms;
                model.changed();
            }
        }
        (Owner::Watch, Item::Done(Err(error))) => {
            model.streams.watch_failed = !is_lost(&error) && error != TargetError::Cancelled;
        }
        (Owner::Kmsg, Item::Kmsg(batch)) => {
            model.log.push(batch);
            log_grew(model);
            model.changed();
        }
        (Owner::Kmsg, Item::Done(Err(error)))
            if !is_lost(&error) && error != TargetError::Cancelled =>
        {
            model.log.failed = Some(error);
            model.changed();
        }
        (Owner::Console, Item::Console(bytes)) => {
            model.console.push(&bytes);
            model.changed();
        }
        (Owner::Console, Item::Done(Err(error))) if !is_lost(&error) => {
            model.console.missing = Some(error.to_string());
        }
        _ => {}
    }
}

fn lab(model: &mut Model, status: LabStatus) {
    let first_status = model.link.lab.is_none();
    let another = status.generation != model.streams.generation;
    if another {
        let first = model.streams.generation == 0;
        model.streams.generation = status.generation;
        if !first {
            new_guest(model, status.generation, status.rewound_ms);
        }
    }
    let runs = status.guest == GuestState::Running;
    let ran = model.link.lab.as_ref().is_some_and(|lab| lab.guest == GuestState::Running);
    if runs && !ran {
        model.streams.kernel_asked = None;
        model.streams.guest_runs_ms = model.now_ms;
        if model.streams.generation > 1 && !first_status {
            model.done(match status.rewound_ms {
                Some(by_ms) => rewound(by_ms),
                None => format!("guest {} runs", status.generation),
            });
        }
    }
    if status.guest == GuestState::Starting {
        model.link.connection = Connection::Connecting;
    }
    model.link.lab_at_ms = model.now_ms;
    model.link.lab_gone = false;
    let was_alive = model.link.dead().is_none();
    model.link.lab = Some(status);
    if was_alive && model.link.dead().is_some() {
        // The screen that says why offers the way back.
        marks::ask(model);
    }
    model.changed();
}

/// Another lab took the place of the one that was gone.
pub(crate) fn revived(model: &mut Model) {
    new_guest(model, 1, None);
    model.streams.generation = 0;
    model.streams.lab_asked = None;
    model.streams.console_asked = None;
    model.console.missing = None;
    model.link.lab = None;
    model.link.lab_gone = false;
    model.link.post_mortem_left = None;
    model.done("a new lab was started");
}

/// Another guest: nothing that was known of the old one holds. Where it is the old one,
/// wound back by so many milliseconds, log and charts go on behind a cut.
fn new_guest(model: &mut Model, generation: u32, rewound_ms: Option<u64>) {
    let streams: Vec<_> = model
        .calls
        .iter()
        .filter(|(_, call)| {
            matches!(call.owner, Owner::Watch | Owner::Kmsg | Owner::Kernel | Owner::Modules)
        })
        .map(|(tag, _)| tag)
        .collect();
    for tag in streams {
        model.cancel(tag);
        model.calls.remove(tag);
    }
    model.link.connection = Connection::Connecting;
    model.link.kernel = None;
    model.link.wound_back = rewound_ms.is_some();
    loader::guest_gone(model);
    model.modules = Loadable::Loading;
    match rewound_ms {
        Some(by_ms) => {
            model.counters.wound_back(by_ms);
            model.log.wound_back(by_ms);
        }
        None => {
            model.counters.clear();
            model.log.new_guest(generation);
        }
    }
    model.console.new_guest(generation);
    model.log.failed = None;
    model.streams.watched = None;
    model.streams.watch_failed = false;
    model.streams.modules_asked = None;
    model.streams.kernel_asked = None;
    model.streams.kmsg_asked = None;
    model.symbols.new_guest();
    let Model { views, shared, .. } = model;
    views.iter_mut().for_each(|view| view.new_guest(shared));
}

/// The log has more records, or more of it was searched.
pub(crate) fn log_grew(model: &mut Model) {
    let Model { views, shared, .. } = model;
    views.iter_mut().for_each(|view| view.log_grew(shared));
}
