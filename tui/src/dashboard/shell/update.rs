// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one way in: an event changes the model and asks for effects.

use super::commands;
use super::experiment;
use super::layers;
use super::marks;
use super::repeat;
use super::streams;
use super::symbols;
use crate::dashboard::core::link;
use crate::dashboard::core::loader;
use crate::dashboard::core::trace;
use crate::dashboard::core::{
    CallTag, Effect, Event, Hit, HostReply, HostResult, Key, KeyCode, Move, Owner, Report, ViewCall,
};
use crate::dashboard::data::command_log::Outcome;
use crate::dashboard::shell::model::Model;
use crate::dashboard::views::view::Reply;
use crate::kernel::{Item, TargetError, TargetResult};

/// A call that does not end so long after it was cancelled is given up.
const DEAF_MS: u64 = 1500;

/// Takes an event; returns what is to be done outside of the model.
pub fn update(model: &mut Model, event: Event) -> Vec<Effect> {
    match event {
        Event::Tick { now_ms } => tick(model, now_ms),
        Event::Key(key) => self::key(model, key),
        Event::Paste(text) => paste(model, &text),
        Event::Click(hit) => click(model, hit),
        Event::Wheel { up } => wheel(model, up),
        Event::Resize { width, height } => {
            model.size = (width, height);
            model.changed();
        }
        Event::Item(tag, item) => self::item(model, tag, item),
        Event::CallFailed(tag, error) => self::item(model, tag, Item::Done(Err(error))),
        Event::Host(tag, result) => on_host(model, tag, result),
        Event::HostSays(tag, reply) => host_says(model, tag, reply),
        Event::Work => {
            model.log.work();
            streams::log_grew(model);
            model.changed();
        }
    }
    experiment::keep_up(model);
    let Model { views, shared, .. } = &mut *model;
    for message in std::mem::take(&mut shared.posted) {
        if let Some(view) =
            views.iter_mut().find_map(|view| view.take(shared, &message).then_some(view))
        {
            shared.show(view.about().id);
        }
    }
    if std::mem::take(&mut shared.entered) {
        views.current_mut(shared).enter(shared);
    }
    loader::next(model);
    streams::keep_up(model);
    trace::keep_up(model);
    repeat::keep_up(model);
    if !model.is_typing() {
        loader::offer(model);
    }
    commands::forget_refusals(model);
    std::mem::take(&mut model.effects)
}

/// Takes what came of a request to this machine.
fn on_host(model: &mut Model, tag: CallTag, result: HostResult) {
    let ended = match &result {
        Ok(_) => Ok(()),
        Err(why) => Err(TargetError::Invalid(why.clone())),
    };
    match (end(model, tag, &ended), result) {
        (Some(Owner::Loader(step)), result) => {
            loader::image(model, &step, result.map(HostReply::into_bytes));
        }
        (Some(Owner::Symbols(frames)), result) => symbols::located(model, frames, result),
        (Some(Owner::Signatures), result) => trace::signatures(model, result),
        (Some(Owner::View(call)), result) => view_reply(model, &call, &Reply::Host(result)),
        (Some(Owner::Path { form, field, text }), Ok(HostReply::Completed { path, names })) => {
            layers::form::completed(model, (&form, &field, &text), path, names);
        }
        (Some(Owner::Revive), Ok(_)) => {
            model.link.own_lab = true;
            streams::revived(model);
        }
        (Some(Owner::Keep), Ok(_)) => model.effect(Effect::Quit),
        (Some(Owner::Nobody), Ok(HostReply::Path(path))) => model.done(format!("saved to {path}")),
        _ => {}
    }
}

/// Takes what this machine says on the way.
fn host_says(model: &mut Model, tag: CallTag, reply: HostReply) {
    let owner = model.calls.get(tag).map(|call| call.owner.clone());
    if let Some(Owner::View(call)) = owner {
        view_reply(model, &call, &Reply::Host(Ok(reply)));
    }
}

fn view_reply(model: &mut Model, call: &ViewCall, reply: &Reply) {
    let Model { views, shared, .. } = model;
    let _taken = views.iter_mut().any(|view| view.reply(shared, call, reply));
}

fn tick(model: &mut Model, now_ms: u64) {
    let before = model.now_ms;
    model.now_ms = now_ms;
    if model.toasts.expire(now_ms) {
        model.changed();
    }
    // What shows its age in seconds, and the uptime in minutes.
    let ageing =
        model.calls.shown().next().is_some() || model.freeze.is_some() || model.link.hangs();
    if ageing && before / 1000 != now_ms / 1000 {
        model.changed();
    }
    let minute = |now: u64| model.link.uptime_ms(now).map(|uptime| uptime / 60_000);
    if minute(before) != minute(now_ms) {
        model.changed();
    }
    let unanswered: Vec<_> = model
        .calls
        .iter()
        .filter(|(_, call)| call.cancelled.is_some_and(|at| now_ms >= at + DEAF_MS))
        .map(|(tag, _)| tag)
        .collect();
    for tag in unanswered {
        item(model, tag, Item::Done(Err(TargetError::Cancelled)));
    }
    symbols::tick(model);
    let Model { views, shared, .. } = model;
    views.current_mut(shared).tick(shared);
}

fn key(model: &mut Model, key: Key) {
    model.changed();
    let interrupt = Key::parse("ctrl-c");
    if model.layers.is_empty() || Some(key) == interrupt {
        if Some(key) != interrupt {
            if !model.is_typing() && experiment::key(model, key) {
                return;
            }
            if model.link.shows_post_mortem() {
                if post_mortem(model, key) {
                    return;
                }
            } else if model.views.current_mut(&model.shared).key(&mut model.shared, key) {
                return;
            }
        }
        if let Some(command) = commands::for_key(model, key) {
            commands::run(model, command);
        }
        return;
    }
    layers::key(model, key);
}

/// Takes a key on the screen that says why the guest died.
fn post_mortem(model: &mut Model, key: Key) -> bool {
    // Nothing else is likelier to be meant here, Shift or not.
    let large = match key.code {
        KeyCode::Char(character) => KeyCode::Char(character.to_ascii_uppercase()),
        other => other,
    };
    let reboots = model.keymap.of("vm-reboot").contains(&Key { code: large, ..key });
    match commands::for_key(model, key) {
        _ if reboots || key.code == KeyCode::Enter => commands::run(model, "vm-reboot"),
        // First of all what was before, where there is a mark of it.
        _ if key == Key::plain(KeyCode::Char('r')) && model.marks.newest().is_some() => {
            commands::run(model, "rewind");
        }
        _ if key == Key::plain(KeyCode::Char('s')) && repeat::ring_mark(model).is_some() => {
            repeat::step(model);
        }
        _ if key == Key::plain(KeyCode::Char('a')) && !repeat::done_since(model).is_empty() => {
            repeat::again(model);
        }
        Some("copy") => {
            let lines: Vec<&str> = model.console.lines().collect();
            let text = lines.join("\n");
            model.effect(Effect::Copy(text));
            model.done("the console was copied");
        }
        Some("back") => put_away(model),
        Some(name) if model.views.go().iter().any(|info| info.name == name) => {
            put_away(model);
            return false;
        }
        _ => return false,
    }
    true
}

/// The last picture takes the place of the screen that says why the guest died.
fn put_away(model: &mut Model) {
    model.link.post_mortem_left = model.link.lab.as_ref().map(|lab| lab.generation);
}

fn paste(model: &mut Model, text: &str) {
    model.changed();
    if layers::paste(model, text) {
        return;
    }
    for character in text.chars().filter(|character| !character.is_control()) {
        let key = Key::plain(KeyCode::Char(character));
        if !model.layers.is_empty()
            || !model.views.current_mut(&model.shared).key(&mut model.shared, key)
        {
            return;
        }
    }
}

fn click(model: &mut Model, hit: Hit) {
    model.changed();
    match hit {
        Hit::Command(name) => commands::run(model, name),
        Hit::Row { pane, index } if model.layers.is_empty() => {
            model.views.current_mut(&model.shared).click(&mut model.shared, pane, index);
        }
        Hit::Experiment(choice) if model.layers.is_empty() => experiment::click(model, choice),
        Hit::Row { .. } | Hit::Experiment(_) => {}
        Hit::Layer(index) => layers::click(model, index),
    }
}

fn wheel(model: &mut Model, up: bool) {
    model.changed();
    let to = if up { Move::Up } else { Move::Down };
    for _ in 0..3 {
        if !layers::navigate(model, to) {
            model.views.current_mut(&model.shared).navigate(&mut model.shared, to);
        }
    }
}

/// Ends a call: command log, error message, lost connection. Returns its owner.
fn end(model: &mut Model, tag: CallTag, result: &TargetResult<()>) -> Option<Owner> {
    let call = model.calls.remove(tag)?;
    let now_ms = model.now_ms;
    model.deeds.over(tag, now_ms);
    if call.report != Report::Silent {
        model.changed();
    }
    if let Some(line) = call.log_line {
        model.changed();
        let took = model.now_ms.saturating_sub(call.started_ms);
        let outcome = match result {
            Ok(()) => Outcome::Done(took),
            Err(error) => Outcome::Failed(error.to_string()),
        };
        model.command_log.end(line, outcome);
    }
    if let Err(error) = result {
        if call.report == Report::Shown {
            if *error == TargetError::Cancelled {
                model.note(format!("{}: cancelled", call.title));
            } else {
                let message = model.explain(&call.title, error);
                model.message(message);
            }
        }
        // A subject that dies ends what it was doing with the same error.
        if link::is_lost(error) && !call.owner.is_mortal() {
            streams::lost(model, error);
        }
    }
    Some(call.owner)
}

fn item(model: &mut Model, tag: CallTag, item: Item) {
    let Some(call) = model.calls.get(tag) else {
        return;
    };
    let owner = call.owner.clone();
    if let Item::Done(result) = &item {
        end(model, tag, result);
    }
    match owner {
        Owner::Nobody
        | Owner::Symbols(_)
        | Owner::Path { .. }
        | Owner::Signatures
        | Owner::Revive
        | Owner::Keep => {}
        Owner::Trace => trace::item(model, item),
        Owner::Experiment => experiment::item(model, tag, item),
        Owner::Kernel
        | Owner::Lab
        | Owner::Modules
        | Owner::Watch
        | Owner::Kmsg
        | Owner::Console => streams::item(model, &owner, item),
        Owner::Marks | Owner::Marked | Owner::Unmarked => marks::item(model, &owner, item),
        Owner::Holders { module, refused } => loader::holders(model, &module, refused, item),
        Owner::Loader(step) => loader::on_reply(model, &step, item),
        Owner::View(call) => view_reply(model, &call, &Reply::Item(item)),
    }
}
