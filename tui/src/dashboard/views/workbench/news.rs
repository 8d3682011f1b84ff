// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the watch of the folder reports, and what comes of it.

use super::forms;
use super::state::{Call, Loaded, Phase, Report, Tests, Workbench};
use super::watching::open;
use crate::dashboard::core::host::Limit;
use crate::dashboard::core::workbench::{Bench, News};
use crate::dashboard::core::{HostReply, HostRequest, HostResult, Owner, Report as Shown, Shared};

/// The most that is read of a file of source.
const SOURCE_MAX: u64 = 1 << 20;

/// Runs the unit tests.
pub(super) fn test(view: &mut Workbench, shared: &mut Shared) {
    let Some(bench) = view.bench.clone() else { return };
    view.runs += 1;
    view.selected = 0;
    view.tests = Some(Tests { since_ms: shared.now_ms, ..Tests::default() });
    let owner = Owner::view(Call::Test(view.runs));
    shared.ask_host(owner, "run the unit tests", Shown::Listed, HostRequest::Test(bench));
}

/// Takes what this machine says, on the way or in the end.
pub(super) fn on_host(view: &mut Workbench, shared: &mut Shared, call: Call, result: HostResult) {
    match (call, result) {
        (Call::Watch(number), result) if number == view.number => match result {
            Ok(HostReply::News(news)) => on_news(view, shared, news),
            Ok(_) => view.phase = Phase::Ended("it was told to end".into()),
            Err(why) => view.phase = Phase::Ended(why),
        },
        (Call::New(bench), Ok(HostReply::Path(folder))) => {
            shared.done(format!("{folder} is a new module"));
            open(view, shared, Bench { folder, ..bench });
        }
        (Call::New(bench), Err(why)) => forms::refuse(shared, &bench, why),
        (Call::Source(path), result) => {
            let text = result.map(HostReply::into_bytes);
            let lines = text
                .map(|bytes| String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect());
            view.sources.insert(path, lines);
        }
        (Call::Test(run), result) if run == view.runs => on_test(view, shared, result),
        _ => {}
    }
    shared.changed();
}

fn on_test(view: &mut Workbench, shared: &mut Shared, result: HostResult) {
    let Some(tests) = &mut view.tests else { return };
    match result {
        Ok(HostReply::Case(case)) => return tests.cases.push(case),
        Ok(_) => {}
        Err(why) => tests.failed = Some(why),
    }
    tests.took_ms = Some(shared.now_ms.saturating_sub(tests.since_ms));
}

fn on_news(view: &mut Workbench, shared: &mut Shared, news: News) {
    match news {
        News::Watching(root) => view.root = root,
        News::Building => {
            view.phase = Phase::Building;
            view.begin(shared);
        }
        News::NotBuilt { why, complaints } => {
            view.phase = Phase::NotBuilt(why);
            view.complaints = complaints;
            view.tests = None;
            view.selected = view.complaints.iter().position(|wrong| wrong.error).unwrap_or(0);
            view.sources.clear();
            ask_source(view, shared);
        }
        News::Unchanged => {
            view.complaints.clear();
            view.phase = if view.report.is_some() { Phase::Crashed } else { Phase::Loaded };
        }
        News::Loaded { names, took_ms } => {
            view.builds += 1;
            view.complaints.clear();
            view.report = None;
            view.selected = 0;
            view.phase = Phase::Loaded;
            view.loaded = Some(Loaded {
                names,
                number: view.builds,
                at_ms: shared.now_ms,
                took_ms: Some(took_ms),
            });
            shared.modules_stale = true;
        }
        News::Refused { why, hint } => {
            view.complaints.clear();
            // What the kernel reported says more.
            if view.report.is_none() {
                view.phase = Phase::Refused { why, hint };
            }
            shared.modules_stale = true;
        }
        News::Report { words, places, fatal } => {
            view.report = Some(Report { words, places });
            view.complaints.clear();
            view.tests = None;
            view.selected = 0;
            view.sources.clear();
            if fatal {
                view.phase = Phase::Crashed;
            }
            ask_source(view, shared);
        }
        News::Died(why) => view.phase = Phase::Died(why),
        News::Another { names, mark } => {
            view.another = false;
            view.report = None;
            view.selected = 0;
            view.begin(shared);
            let before = view.loaded.take();
            view.phase = Phase::Waiting { mark };
            if !names.is_empty() {
                view.phase = Phase::Loaded;
                let number = before.map_or(view.builds, |loaded| loaded.number);
                view.loaded = Some(Loaded { names, number, at_ms: shared.now_ms, took_ms: None });
            }
        }
        News::Output(bytes) => {
            view.ran_at.get_or_insert(shared.log.end());
            view.wrote(&bytes);
        }
        News::Ran(status) => {
            view.ran_at.get_or_insert(shared.log.end());
            view.ran = Some(status);
        }
    }
}

/// Reads the file around what is selected, if that was not done before.
pub(super) fn ask_source(view: &Workbench, shared: &mut Shared) {
    let Some(place) = view.place() else { return };
    let owner = Owner::view(Call::Source(place.file.clone()));
    if view.sources.contains_key(&place.file) || shared.calls.has(&owner) {
        return;
    }
    let limit = Limit { bytes: SOURCE_MAX, reason: None };
    let request = HostRequest::ReadFile { path: place.file, limit };
    shared.ask_host(owner, "read the source", Shown::Silent, request);
}
