// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one way in: an event changes the model and asks for effects.

use super::commands;
use super::layers;
use super::loader;
use super::streams;
use super::symbols;
use crate::dashboard::core::advice;
use crate::dashboard::core::advice::Doing;
use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::effect::{CallTag, Effect};
use crate::dashboard::core::event::{Event, Hit, Move};
use crate::dashboard::core::keys::{Key, KeyCode};
use crate::dashboard::core::link;
use crate::dashboard::core::model::Model;
use crate::dashboard::data::command_log::Outcome;
use crate::dashboard::views;
use crate::kernel::{Item, TargetError, TargetResult};

/// A call that does not end so long after it was cancelled is given up.
const DEAF_MS: u64 = 1500;

/// Takes an event; answers what is to be done outside of the model.
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
        Event::Built(tag, result) | Event::FileRead(tag, result) => {
            match end(model, tag, &outcome(&result)) {
                Some(Owner::Loader(step)) => loader::image(model, &step, result),
                Some(Owner::Block(call)) => views::block::file(model, call, result),
                Some(Owner::Module(call)) => views::modules::file(model, &call, result),
                _ => {}
            }
        }
        Event::Revived(tag, result) => {
            let result = result.map_err(TargetError::Invalid);
            if end(model, tag, &result).is_some() && result.is_ok() {
                model.link.own_lab = true;
                streams::revived(model);
            }
        }
        Event::Kept(tag, result) => {
            let result = result.map_err(TargetError::Invalid);
            if end(model, tag, &result).is_some() && result.is_ok() {
                model.effect(Effect::Quit);
            }
        }
        Event::Located(tag, result) => {
            if let Some(Owner::Symbols(frames)) = end(model, tag, &Ok(())) {
                symbols::located(model, frames, result);
            }
        }
        Event::Saved(tag, result) => saved(model, tag, result),
        Event::Work => {
            model.log.work();
            views::log::worked(model);
            model.changed();
        }
    }
    if std::mem::take(&mut model.entered) {
        (views::view(model.view).enter)(model);
    }
    streams::keep_up(model);
    loader::offer(model);
    commands::forget_refusals(model);
    std::mem::take(&mut model.effects)
}

fn outcome(result: &Result<Vec<u8>, String>) -> TargetResult<()> {
    match result {
        Ok(_) => Ok(()),
        Err(why) => Err(TargetError::Invalid(why.clone())),
    }
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
    let deaf: Vec<_> = model
        .calls
        .iter()
        .filter(|(_, call)| call.cancelled.is_some_and(|at| now_ms >= at + DEAF_MS))
        .map(|(tag, _)| tag)
        .collect();
    for tag in deaf {
        item(model, tag, Item::Done(Err(TargetError::Cancelled)));
    }
    symbols::tick(model);
    (views::view(model.view).tick)(model);
}

fn key(model: &mut Model, key: Key) {
    model.changed();
    let interrupt = Key::parse("ctrl-c");
    if model.layers.is_empty() || Some(key) == interrupt {
        if Some(key) != interrupt {
            if model.link.mourning() {
                if post_mortem(model, key) {
                    return;
                }
            } else if (views::view(model.view).key)(model, key) {
                return;
            }
        }
        if let Some(command) = commands::for_key(model, key) {
            commands::run(model, command.name);
        }
        return;
    }
    layers::key(model, key);
}

/// Takes a key on the screen that says why the guest died.
fn post_mortem(model: &mut Model, key: Key) -> bool {
    match key.code {
        KeyCode::Char('b' | 'B') | KeyCode::Enter => commands::run(model, "vm-reboot"),
        KeyCode::Char('y') => {
            let lines: Vec<&str> = model.console.lines().collect();
            let text = lines.join("\n");
            model.effect(Effect::Copy(text));
            model.done("the console was copied");
        }
        KeyCode::Char('1'..='7') => {
            model.link.mourned = model.link.lab.as_ref().map(|lab| lab.generation);
            return false;
        }
        KeyCode::Esc => model.link.mourned = model.link.lab.as_ref().map(|lab| lab.generation),
        _ => return false,
    }
    true
}

fn paste(model: &mut Model, text: &str) {
    model.changed();
    if layers::paste(model, text) {
        return;
    }
    for character in text.chars().filter(|character| !character.is_control()) {
        let key = Key::plain(KeyCode::Char(character));
        if !model.layers.is_empty() || !(views::view(model.view).key)(model, key) {
            return;
        }
    }
}

fn click(model: &mut Model, hit: Hit) {
    model.changed();
    match hit {
        Hit::Command(name) => commands::run(model, name),
        Hit::Row { pane, index } if model.layers.is_empty() => {
            (views::view(model.view).click)(model, pane, index);
        }
        Hit::Row { .. } => {}
        Hit::Layer(index) => layers::click(model, index),
    }
}

fn wheel(model: &mut Model, up: bool) {
    model.changed();
    let to = if up { Move::Up } else { Move::Down };
    for _ in 0..3 {
        if !layers::navigate(model, to) {
            (views::view(model.view).navigate)(model, to);
        }
    }
}

fn saved(model: &mut Model, tag: CallTag, result: Result<String, String>) {
    let ended = match &result {
        Ok(_) => Ok(()),
        Err(why) => Err(TargetError::Invalid(why.clone())),
    };
    end(model, tag, &ended);
    if let Ok(path) = result {
        model.done(format!("saved to {path}"));
    }
}

/// Ends a call: command log, error message, lost connection. Answers its owner.
fn end(model: &mut Model, tag: CallTag, result: &TargetResult<()>) -> Option<Owner> {
    let call = model.calls.remove(tag)?;
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
                let message = advice::explain(&call.title, Doing::Other, error);
                model.message(message);
            }
        }
        // A subject that dies ends what it was doing with the same error.
        if link::is_lost(error) && !matches!(call.owner, Owner::Memory(_)) {
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
        Owner::Nobody | Owner::Symbols(_) => {}
        Owner::Kernel
        | Owner::Lab
        | Owner::Modules
        | Owner::Watch
        | Owner::Kmsg
        | Owner::Console => streams::item(model, &owner, item),
        Owner::Holders { module, refused } => loader::holders(model, &module, refused, item),
        Owner::Loader(step) => loader::item(model, &step, item),
        Owner::Name(call) => views::name::item(model, call, item),
        Owner::Producer(call) => views::producer::item(model, call, item),
        Owner::Memory(call) => views::memory::item(model, call, item),
        Owner::Block(call) => views::block::item(model, call, item),
        Owner::Module(call) => views::modules::item(model, call, item),
    }
}
