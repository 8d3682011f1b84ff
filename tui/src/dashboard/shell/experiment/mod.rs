// SPDX-License-Identifier: MIT OR Apache-2.0
//! The experiment under way: its keys, its steps, its panel, and the list of those
//! that come with the program.

mod act;
mod look;
mod outcome;
pub mod panel;
mod seen;

use self::seen::Seen;
use super::model::Model;
use crate::dashboard::core::experiment::{Doing, Running};
use crate::dashboard::core::{CallTag, Connection, Effect, Key, KeyCode, Move, Shared};
use crate::experiment::{Progress, Run, Script, Stage, names, shipped};
use crate::kernel::{Item, TargetError};

/// Begins one; another that was under way ends.
pub fn start(shared: &mut Shared, script: Script) {
    shared.leave_experiment();
    shared.experiment = Some(Running::new(Run::new(script)));
    shared.changed();
}

/// Goes on as far as the kernel lets it. Runs after every event.
pub(crate) fn keep_up(model: &mut Model) {
    let Some(mut running) = model.experiment.take() else { return };
    let before = (running.run.place(), running.run.stage().clone());
    if let Some(Doing::Look(look)) = &mut running.doing {
        look::tick(model, look);
    }
    loop {
        if let Some(result) = act::ended(model, &running) {
            running.doing = None;
            running.run.done(result);
        }
        // Nothing is done to a kernel that does not answer, or to a dead one.
        let up = model.link.connection == Connection::Up && model.modules.ready().is_some();
        let acting = matches!(running.run.stage(), Stage::Ready | Stage::Turn { .. });
        if !up && acting && model.link.dead().is_none() {
            break;
        }
        if let (Some(settled), None) = (running.run.wants_before(), &running.before) {
            if running.doing.is_none() {
                running.doing = Some(look::before(model, settled));
            }
            break;
        }
        let now_ms = model.now_ms;
        let Some(step) = running.run.go_on(&Seen { model }, now_ms) else { break };
        match act::perform(model, step) {
            Ok(doing) => running.doing = Some(doing),
            Err(why) => running.run.done(Err(why)),
        }
    }
    let after = (running.run.place(), running.run.stage().clone());
    if before != after {
        running.page = 0;
        model.changed();
        if after.1 == Stage::Over {
            let (progress, id) = (running.run.progress(), running.run.script.id.clone());
            progress.keep(&mut model.remembered, &id);
            let remembered = model.remembered.clone();
            model.effect(Effect::Remember(remembered));
        }
    }
    // A step may have opened another, or ended this one.
    if model.experiment.is_none() {
        model.experiment = Some(running);
    }
}

/// Takes a key that means something to the experiment; `false`: it is the view's.
pub(crate) fn key(model: &mut Model, key: Key) -> bool {
    let Some(mut running) = model.experiment.take() else { return false };
    let run = &mut running.run;
    let (mut taken, mut stays) = (true, true);
    match (key.code, key.ctrl || key.alt) {
        (KeyCode::Enter, false) if run.takes_enter() => {
            if running.page + 1 < panel::pages(model, &running) {
                running.page += 1;
            } else if *running.run.stage() == Stage::Over {
                stays = false;
            } else if let Some(command) = running.run.enter() {
                running.run.done(act::command(model, &command));
            }
        }
        (KeyCode::Esc, false) if *run.stage() == Stage::Over => stays = false,
        (KeyCode::Backspace, false) => taken = run.erase(),
        (KeyCode::Char(character), false) => taken = run.type_in(character),
        _ => taken = false,
    }
    if stays {
        model.experiment = Some(running);
    }
    taken
}

/// Takes a click on the panel, or on a choice of its question.
pub(crate) fn click(model: &mut Model, choice: Option<usize>) {
    let shows_text = |running: &Running| matches!(running.run.stage(), Stage::Text { .. });
    let code = match choice.map(panel::letter) {
        Some(letter) => KeyCode::Char(letter),
        None if model.experiment.as_ref().is_some_and(shows_text) => KeyCode::Enter,
        None => return,
    };
    key(model, Key::plain(code));
}

/// Takes an item of a step that it does itself.
pub(crate) fn item(model: &mut Model, tag: CallTag, item: Item) {
    let now_ms = model.now_ms;
    if matches!(item, Item::Done(_)) {
        model.modules_stale = true;
    }
    let Some(running) = &mut model.experiment else { return };
    let result = match (&running.doing, item) {
        (Some(Doing::Call { tag: own, title, refused }), Item::Done(result)) if *own == tag => {
            outcome::as_wanted(title, result, refused.as_ref()).map(drop)
        }
        // That the kernel has gone is what was wanted.
        (Some(Doing::Crash(own)), Item::Done(Err(TargetError::Gone(_)))) if *own == tag => return,
        (Some(Doing::Crash(own)), Item::Done(result)) if *own == tag => match result {
            Ok(()) => return,
            Err(error) => Err(error.to_string()),
        },
        (Some(Doing::Look(_)), item) => return look::item(running, tag, item, now_ms),
        _ => return,
    };
    running.doing = None;
    running.run.done(result);
}

/// Takes a key in the list of experiments.
pub(crate) fn list_key(
    model: &mut Model,
    selected: &mut usize,
    key: Key,
    to: Option<Move>,
) -> bool {
    let name = names().nth(*selected);
    match (key.code, to) {
        (KeyCode::Char('q'), _) => false,
        (KeyCode::Enter, _) => {
            match name.and_then(shipped) {
                Some(Ok(script)) => start(model, script),
                Some(Err(error)) => model.note(error.to_string()),
                None => {}
            }
            false
        }
        (KeyCode::Char('x'), _) => {
            if Progress::forget(&mut model.remembered, name) {
                let remembered = model.remembered.clone();
                model.effect(Effect::Remember(remembered));
            }
            true
        }
        (_, Some(to)) => {
            *selected = to.apply(*selected, names().count(), model.page());
            true
        }
        _ => true,
    }
}
