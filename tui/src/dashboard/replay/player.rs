// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plays a recording: what is shown, how fast, and who has the keyboard.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::bar::{self, Line};
use super::fold::Fold;
use super::head::Head;
use super::moments::{Kind, Moment};
use super::scout::Scout;
use crate::dashboard::core::keymap::Keymap;
use crate::dashboard::core::{Effect, Event, Key, KeyCode};
use crate::dashboard::paint::{Hits, Look, Role};
use crate::dashboard::shell::frame;
use crate::dashboard::shell::model::Model;
use crate::dashboard::shell::recordings::COMMANDS;
use crate::tape::Tape;

/// How fast it is played, in quarters of the speed that it was recorded at.
const SPEEDS: [u64; 9] = [1, 2, 4, 8, 16, 32, 64, 128, 256];
/// The speed that it was recorded at.
const NORMAL: usize = 2;
/// How far a key jumps.
const JUMP_MS: u64 = 10_000;

/// What whoever watches wants of the loop.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// To be done for him, outside of the model.
    Effect(Effect),
    /// To leave.
    Quit,
}

/// A recording that is played.
pub struct Player {
    tape: Tape,
    head: Head,
    /// The copy in which whoever watches looks around.
    own: Option<Fold>,
    scout: Scout,
    keymap: Keymap,
    size: (u16, u16),
    playing: bool,
    speed: usize,
    /// The time that is shown, in microseconds, so that a slow speed gets on.
    at_us: u64,
    /// What has passed beyond that, in quarters of a nanosecond.
    rest: u128,
    /// What was just jumped to, or why not.
    note: String,
    dirty: bool,
}

impl Player {
    /// A recording at its beginning; `keys` are those of whoever watches.
    pub fn new(tape: Tape, size: (u16, u16), keymap: Keymap) -> Self {
        let mut player = Self {
            head: Head::new(&tape),
            scout: Scout::new(&tape),
            own: None,
            tape,
            keymap,
            size,
            playing: true,
            speed: NORMAL,
            at_us: 0,
            rest: 0,
            note: String::new(),
            dirty: true,
        };
        player.go(0);
        player
    }

    /// The recording.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// The time that is shown, in milliseconds since the recording began.
    pub fn at_ms(&self) -> u64 {
        self.at_us / 1000
    }

    /// When the next entry happened; `None` behind the last.
    pub fn next_ms(&mut self) -> Option<u64> {
        self.head.next_ms(&self.tape)
    }

    /// Is it played, and not paused or over?
    pub fn plays(&self) -> bool {
        self.playing
    }

    /// Plays, or pauses.
    pub fn play(&mut self, play: bool) {
        self.playing = play;
        self.dirty = true;
    }

    /// The speed, in quarters of the one that it was recorded at.
    pub fn speed(&self) -> u64 {
        SPEEDS[self.speed]
    }

    /// Does whoever watches look around, and not follow?
    pub fn looks_around(&self) -> bool {
        self.own.is_some()
    }

    /// The model that is shown.
    pub fn model(&self) -> &Model {
        &self.own.as_ref().unwrap_or(&self.head.fold).model
    }

    /// Has anything on the screen changed since the last call?
    pub fn take_dirty(&mut self) -> bool {
        let followed = self.head.fold.model.take_dirty();
        let own = self.own.as_mut().is_some_and(|own| own.model.take_dirty());
        let shown = if self.own.is_some() { own } else { followed };
        std::mem::take(&mut self.dirty) | shown
    }

    /// Does what can be done ahead while there is nothing else to do; `false` when
    /// there is nothing left.
    pub fn work(&mut self, slice: Duration) -> bool {
        if let Some(own) = &mut self.own
            && own.model.has_work()
        {
            drop(own.viewer(Event::Work));
            return true;
        }
        if self.scout.over {
            return false;
        }
        self.scout.work(&self.tape, slice);
        self.dirty = true;
        true
    }

    /// Time passes for whoever watches.
    pub fn pass(&mut self, time: Duration) {
        if !self.playing {
            return;
        }
        let end_us = self.tape.length_ms() * 1000;
        // What is less than a microsecond is not lost, however often time passes.
        let passed = self.rest + time.as_nanos() * u128::from(self.speed());
        self.rest = passed % 4000;
        let passed = u64::try_from(passed / 4000).unwrap_or(u64::MAX);
        self.at_us = self.at_us.saturating_add(passed).min(end_us);
        self.run();
        if self.at_us == end_us {
            self.play(false);
        }
    }

    /// Goes on to the time that is to be shown.
    fn run(&mut self) {
        let before_ms = self.head.now_ms;
        let ms = self.at_ms();
        let own = &mut self.own;
        self.head.run_to(&self.tape, ms, &mut |_, entry| {
            if let Some(own) = own {
                own.take_kernels(entry.clone());
            }
        });
        // The time line shows seconds.
        self.dirty |= before_ms / 200 != self.head.now_ms / 200;
    }

    /// Goes to a time: what is shown then is what was shown then.
    pub fn go(&mut self, ms: u64) {
        let ms = ms.min(self.tape.length_ms());
        self.at_us = ms * 1000;
        if ms < self.head.now_ms || ms > self.head.now_ms + 2000 {
            let near = self.scout.before(&self.tape, ms);
            if ms < self.head.now_ms || near.now_ms > self.head.now_ms {
                self.head = near;
                self.head.run_to(&self.tape, ms, &mut |_, _| ());
                self.look_again();
                return;
            }
        }
        self.run();
        self.dirty = true;
    }

    /// After a jump: who looked around does so from there, in the same view.
    fn look_again(&mut self) {
        self.dirty = true;
        if let Some(own) = self.own.take() {
            let view = own.model.view;
            let own = self.look_around();
            own.model.show(view);
            drop(own.viewer(Event::Tick { now_ms: own.model.now_ms }));
        }
    }

    /// Hands the keyboard to whoever watches.
    fn look_around(&mut self) -> &mut Fold {
        let (head, keymap, size) = (&self.head, &self.keymap, self.size);
        self.dirty = true;
        self.own.get_or_insert_with(|| {
            let mut own = head.fold.clone();
            own.hand_over();
            own.model.keymap = keymap.clone();
            own.model.size = bar::above(size);
            own
        })
    }

    /// One item on or back.
    fn step(&mut self, forward: bool) {
        self.playing = false;
        self.dirty = true;
        if forward {
            let items = self.head.items;
            let own = &mut self.own;
            while self.head.items == items
                && self.head.step(&self.tape, &mut |_, entry| {
                    if let Some(own) = own {
                        own.take_kernels(entry.clone());
                    }
                })
            {}
        } else if let Some(items) = self.head.items.checked_sub(1) {
            self.head = self.scout.before_item(items);
            while self.head.items < items && self.head.step(&self.tape, &mut |_, _| ()) {}
            self.look_again();
        }
        self.at_us = self.head.now_ms * 1000;
    }

    /// To the next moment of a kind, or to the one before.
    fn jump(&mut self, kind: Kind, forward: bool) {
        let ms = self.at_ms();
        self.dirty = true;
        // Far behind what was looked through there may be one that is not known yet.
        while forward && self.scout.moments.next(kind, ms, true).is_none() && !self.scout.over {
            self.scout.work(&self.tape, Duration::from_millis(50));
        }
        match self.scout.moments.next(kind, ms, forward).cloned() {
            Some(Moment { ms, text, .. }) => {
                self.playing = false;
                self.go(ms);
                self.note = format!("{}: {text}", kind.name());
            }
            None => {
                let place = if forward { "after" } else { "before" };
                self.note = format!("there is no {} {place} this", kind.name());
            }
        }
    }

    /// Takes a key.
    pub fn key(&mut self, key: Key) -> Vec<Act> {
        self.note.clear();
        self.dirty = true;
        let leaves = |player: &Self| player.keymap.of("quit").contains(&key);
        let busy = self
            .own
            .as_ref()
            .is_some_and(|own| !own.model.layers.is_empty() || own.model.is_typing());
        let interrupt = key.ctrl && key.code == KeyCode::Char('c');
        if interrupt || (!busy && leaves(self)) {
            return vec![Act::Quit];
        }
        if !busy {
            let known = COMMANDS.iter().map(|info| info.name);
            let name = { known }.find(|name| self.keymap.of(name).contains(&key));
            if let Some(name) = name {
                self.command(name);
                return Vec::new();
            }
            // Nobody has to look around to leave the help of a recording.
            if self.own.is_none() && key.code == KeyCode::Esc {
                return Vec::new();
            }
        }
        self.event(Event::Key(key))
    }

    /// Takes something else of whoever watches, for the model.
    pub fn event(&mut self, event: Event) -> Vec<Act> {
        let own = self.look_around();
        let act = |effect| if effect == Effect::Quit { Act::Quit } else { Act::Effect(effect) };
        own.viewer(event).into_iter().map(act).collect()
    }

    /// What came of something that was to be done for whoever watches.
    pub fn done(&mut self, event: Event) {
        if let Some(own) = &mut self.own {
            drop(own.viewer(event));
            self.dirty = true;
        }
    }

    /// Does one of the commands of a recording.
    pub fn command(&mut self, name: &str) {
        let at_ms = self.at_ms();
        match name {
            "replay-play" => {
                if !self.playing && at_ms == self.tape.length_ms() {
                    self.go(0);
                }
                self.play(!self.playing);
            }
            "replay-slower" => self.speed = self.speed.saturating_sub(1),
            "replay-faster" => self.speed = (self.speed + 1).min(SPEEDS.len() - 1),
            "replay-item" => self.step(true),
            "replay-item-before" => self.step(false),
            "replay-on" => self.go(at_ms + JUMP_MS),
            "replay-back" => self.go(at_ms.saturating_sub(JUMP_MS)),
            "replay-warning" => self.jump(Kind::Warning, true),
            "replay-warning-before" => self.jump(Kind::Warning, false),
            "replay-command" => self.jump(Kind::Command, true),
            "replay-command-before" => self.jump(Kind::Command, false),
            "replay-mark" => self.jump(Kind::Mark, true),
            "replay-mark-before" => self.jump(Kind::Mark, false),
            "replay-crash" => self.jump(Kind::Crash, true),
            "replay-crash-before" => self.jump(Kind::Crash, false),
            "replay-follow" => self.own = None,
            _ => {}
        }
        self.dirty = true;
    }

    /// The screen of whoever watches has another size.
    pub fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
        self.dirty = true;
        if let Some(own) = &mut self.own {
            own.model.size = bar::above(size);
        }
    }

    /// The screen was clicked, or the mouse dragged, in the time line? Goes there.
    pub fn click(&mut self, x: u16, y: u16) -> bool {
        let Some(ms) = self.line().at(self.size, x, y) else {
            return false;
        };
        self.note.clear();
        self.go(ms);
        true
    }

    /// What the time line shows.
    fn line(&self) -> Line<'_> {
        Line {
            at_ms: self.at_ms(),
            length_ms: self.tape.length_ms(),
            plays: self.playing,
            speed: self.speed(),
            moments: self.scout.moments.list(),
            known_ms: (!self.scout.over).then(|| self.scout.now_ms()),
            words: self.words(),
            keymap: &self.keymap,
        }
    }

    /// What is to be read below it: what was jumped to, who has the keyboard, the
    /// caption, what is wrong with the recording.
    fn words(&self) -> Option<(String, Role)> {
        if !self.note.is_empty() {
            return Some((self.note.clone(), Role::Text));
        }
        if self.looks_around() {
            let text =
                "You look around: {replay-follow} follows again, {replay-play} plays and pauses";
            return Some((self.keymap.fill(text), Role::Warning));
        }
        let caption = &self.head.fold.caption;
        if !caption.is_empty() {
            return Some((caption.clone(), Role::Title));
        }
        if let Some(why) = self.tape.damage() {
            return Some((format!("cut off: {why}"), Role::Warning));
        }
        let unknown = self.scout.unknown();
        let text = format!("{unknown} entries of another version of ringside can't be read");
        (unknown > 0).then_some((text, Role::Warning))
    }

    /// Paints the dashboard, and the time line below it.
    pub fn draw(&mut self, buffer: &mut Buffer, hits: &mut Hits, look: Look) {
        let area = buffer.area;
        let (width, height) = bar::above((area.width, area.height));
        let mut above = Buffer::empty(Rect::new(0, 0, width, height));
        self.paint(&mut above, hits, look);
        for y in 0..height {
            for x in 0..width {
                buffer[(x, y)] = above[(x, y)].clone();
            }
        }
        bar::draw(buffer, hits, &self.line(), look);
    }

    /// Paints the dashboard alone, as it was on a screen of this size.
    pub fn paint(&mut self, buffer: &mut Buffer, hits: &mut Hits, look: Look) {
        let size = (buffer.area.width, buffer.area.height);
        let fold = self.own.as_mut().unwrap_or(&mut self.head.fold);
        let recorded = std::mem::replace(&mut fold.model.size, size);
        frame::draw(buffer, hits, &fold.model, look);
        fold.model.size = recorded;
    }
}
