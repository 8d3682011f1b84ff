// SPDX-License-Identifier: MIT OR Apache-2.0
//! Between what happens in a dashboard and the entries of a recording.

use std::borrow::Cow;
use std::path::Path;

use crate::dashboard::core::config::Config;
use crate::dashboard::core::workbench::Bench;
use crate::dashboard::core::{
    CallTag, Effect, Event, Hit, HostReply, HostResult, Key, Message as ViewMessage,
};
use crate::dashboard::shell::commands;
use crate::dashboard::shell::experiment;
use crate::dashboard::shell::model::Model;
use crate::experiment::Script;
use crate::kernel::api::{Request, RunRequest};
use crate::kernel::modinfo::ModInfo;
use crate::tape::{Entry, Place, Reply, Start};

/// The entry of something that happened; `None`: it changes nothing.
pub fn entry(event: &Event) -> Option<Entry<'_>> {
    Some(match event {
        Event::Tick { now_ms } => Entry::Tick(*now_ms),
        Event::Key(key) => Entry::Key(key.written()?.into()),
        Event::Paste(text) => Entry::Paste(text.into()),
        Event::Click(hit) => Entry::Click(match *hit {
            Hit::Command(name) => Place::Command(name.into()),
            Hit::Row { pane, index } => Place::Row { pane, index },
            Hit::Layer(index) => Place::Layer(index),
            Hit::Experiment(choice) => Place::Experiment(choice),
        }),
        Event::Wheel { up } => Entry::Wheel { up: *up },
        Event::Resize { width, height } => Entry::Resize { width: *width, height: *height },
        Event::Item(tag, item) => Entry::Item { call: tag.0, item: Cow::Borrowed(item) },
        Event::CallFailed(tag, error) => Entry::Failed { call: tag.0, error: error.clone() },
        Event::Host(tag, result) => Entry::Reply { call: tag.0, result: reply(result) },
        Event::HostSays(tag, reply) => {
            Entry::Said { call: tag.0, what: serde_json::to_value(reply).ok()? }
        }
        Event::Work => Entry::Work,
    })
}

fn reply(result: &HostResult) -> Result<Reply, String> {
    Ok(match result.as_ref().map_err(Clone::clone)? {
        HostReply::Done => Reply::Done,
        // An image of some megabytes that nothing but `.modinfo` is read of.
        HostReply::Bytes(bytes) => Reply::Bytes(match ModInfo::parse(bytes) {
            Ok(info) => info.file(),
            Err(_) => bytes.clone(),
        }),
        HostReply::Path(path) => Reply::Path(path.clone()),
        HostReply::Places(places) => Reply::Places(places.clone()),
        other => Reply::Other(serde_json::to_value(other).unwrap_or_default()),
    })
}

/// The entry of something that was asked for; `None`: nobody outside is asked.
pub fn asked(effect: &Effect) -> Option<Entry<'_>> {
    Some(match effect {
        Effect::Start { tag, request, input } => {
            let request = without_environment(request);
            Entry::Call { call: tag.0, request, input: input.len() as u64 }
        }
        Effect::Cancel(tag) => Entry::Cancel { call: tag.0 },
        Effect::Host { tag, request } => Entry::Task { call: tag.0, what: request.words().into() },
        _ => return None,
    })
}

/// A request as it is recorded: a recording is handed on, and the environment of a
/// program has what is nobody else's business.
pub fn without_environment(request: &Request) -> Cow<'_, Request> {
    match request {
        Request::Run(run) => {
            Cow::Owned(Request::Run(RunRequest { environment: Vec::new(), ..run.clone() }))
        }
        other => Cow::Borrowed(other),
    }
}

/// The event of an entry; `tag` says which call of this model's a recorded one is.
/// `None`: it is no event, or concerns something that this program does not know.
pub fn event(
    entry: Entry<'static>,
    model: &Model,
    tag: impl Fn(u64) -> Option<CallTag>,
) -> Option<Event> {
    Some(match entry {
        Entry::Tick(now_ms) => Event::Tick { now_ms },
        Entry::Work => Event::Work,
        Entry::Key(key) => Event::Key(Key::parse(&key)?),
        Entry::Paste(text) => Event::Paste(text.into_owned()),
        Entry::Click(place) => Event::Click(match place {
            Place::Command(name) => {
                let mut known = commands::all(&model.views);
                Hit::Command(known.find(|entry| entry.info.name == name)?.info.name)
            }
            Place::Row { pane, index } => Hit::Row { pane, index },
            Place::Layer(index) => Hit::Layer(index),
            Place::Experiment(choice) => Hit::Experiment(choice),
        }),
        Entry::Wheel { up } => Event::Wheel { up },
        Entry::Resize { width, height } => {
            let (width, height) = bounded((width, height));
            Event::Resize { width, height }
        }
        Entry::Item { call, item } => Event::Item(tag(call)?, item.into_owned()),
        Entry::Failed { call, error } => Event::CallFailed(tag(call)?, error),
        Entry::Reply { call, result } => {
            let reply = match result {
                Ok(Reply::Done) => Ok(HostReply::Done),
                Ok(Reply::Bytes(bytes)) => Ok(HostReply::Bytes(bytes)),
                Ok(Reply::Path(path)) => Ok(HostReply::Path(path)),
                Ok(Reply::Places(places)) => Ok(HostReply::Places(places)),
                Ok(Reply::Other(value)) => Ok(serde_json::from_value(value).ok()?),
                Err(why) => Err(why),
            };
            Event::Host(tag(call)?, reply)
        }
        Entry::Said { call, what } => {
            Event::HostSays(tag(call)?, serde_json::from_value(what).ok()?)
        }
        Entry::Call { .. }
        | Entry::Input { .. }
        | Entry::Cancel { .. }
        | Entry::Task { .. }
        | Entry::Caption(_) => return None,
    })
}

/// A screen that somebody may have.
fn bounded((width, height): (u16, u16)) -> (u16, u16) {
    (width.min(1000), height.min(1000))
}

/// What a recording that begins now starts with.
pub fn start(model: &Model, workbench: Option<&Bench>) -> Start {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let keys =
        model.config.keys.iter().map(|(name, keys)| {
            (name.clone(), keys.iter().filter_map(|key| key.written()).collect())
        });
    Start {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        unix_ms: now.map_or(0, |now| now.as_millis() as u64),
        title: String::new(),
        size: model.size,
        own_lab: model.link.own_lab,
        sample_ms: model.config.sample_ms,
        log_records: model.config.log_records,
        mouse: model.config.mouse,
        keys: keys.collect(),
        workbench: workbench.cloned().map(|bench| (bench.folder, bench.parameters, bench.run)),
        remembered: model.remembered.clone(),
        experiment: model.experiment.as_ref().map(|running| {
            let script = &running.run.script;
            (script.id.clone(), script.text.to_string())
        }),
    }
}

/// The model that a recording begins with.
pub fn model(start: &Start) -> Model {
    let keys = start.keys.iter().map(|(name, keys)| {
        (name.clone(), keys.iter().filter_map(|key| Key::parse(key)).collect())
    });
    let config = Config {
        sample_ms: start.sample_ms.clamp(20, 60_000),
        log_records: start.log_records.clamp(1000, 1_000_000),
        mouse: start.mouse,
        keys: keys.collect(),
        ..Config::default()
    };
    let mut model = Model::new(config, start.remembered.clone());
    model.size = bounded(start.size);
    model.link.own_lab = start.own_lab;
    model.streams.all_tables = true;
    if let Some((folder, parameters, run)) = start.workbench.clone() {
        model.post(ViewMessage::Workbench(Bench { folder, parameters, run }));
    }
    if let Some((id, text)) = &start.experiment
        && let Ok(script) = Script::parse(id, text, Path::new(id))
    {
        experiment::start(&mut model, script);
    }
    model
}
