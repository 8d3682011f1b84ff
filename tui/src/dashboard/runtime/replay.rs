// SPDX-License-Identifier: MIT OR Apache-2.0
//! The loop that plays a recording.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{Event as TerminalEvent, MouseButton, MouseEventKind};

use super::beside::Beside;
use super::environment::look;
use super::message::Message;
use super::options::{DashboardError, Ended};
use super::runner::{FRAME, PanicHook, ask, background, suspend};
use super::screen::{Ownership, Screen};
use super::{input, signals};
use crate::dashboard::core::config::Config;
use crate::dashboard::core::host::Host;
use crate::dashboard::core::link::NO_KERNEL;
use crate::dashboard::core::{Effect, Event, Hit, HostReply, HostRequest, HostResult, Key};
use crate::dashboard::replay::{Act, Player};
use crate::dashboard::shell::model::Model;
use crate::dashboard::shell::recordings;
use crate::tape::Tape;

/// How long the loop does what can be done ahead before it looks for keys.
const SLICE: Duration = Duration::from_millis(10);
/// How often what goes on beside it is looked at.
const GLANCE: Duration = Duration::from_millis(200);
/// How long nothing may happen at all.
const IDLE: Duration = Duration::from_secs(1);

/// What a recording is played with.
pub struct Playing {
    /// The settings of whoever watches.
    pub config: Config,
    /// Where to begin, in milliseconds.
    pub from_ms: u64,
    /// Stand still there, and do not play?
    pub paused: bool,
    /// What goes on meanwhile, if it is played only until that is over.
    pub beside: Option<Arc<Beside>>,
}

struct Runner {
    player: Player,
    screen: Screen,
    send: Sender<Message>,
    ended: Option<Ended>,
    beside: Option<Arc<Beside>>,
}

/// Plays until whoever watches leaves.
pub(crate) fn run(tape: Tape, playing: &Playing) -> Result<Ended, DashboardError> {
    let (send, receive) = channel();
    let ownership = Ownership::default();
    let _hook = PanicHook::install(ownership.clone(), send.clone());
    signals::start(send.clone(), ownership.clone())?;
    let config = &playing.config;
    let screen = Screen::new(look(config), config.mouse, ownership)?;
    input::start(send.clone())?;
    let keymap = Model::new(config.clone(), Default::default()).shared.keymap;
    let mut player = Player::new(tape, screen.size(), keymap);
    player.go(playing.from_ms);
    player.play(!playing.paused);
    let mut runner = Runner { player, screen, send, ended: None, beside: playing.beside.clone() };
    let ended = runner.go(&receive);
    runner.screen.release();
    ended
}

impl Runner {
    fn go(&mut self, receive: &Receiver<Message>) -> Result<Ended, DashboardError> {
        let mut last_frame: Option<Instant> = None;
        let mut passed = Instant::now();
        let mut dirty = true;
        let mut busy = true;
        loop {
            let until_frame =
                last_frame.map_or(Duration::ZERO, |last| FRAME.saturating_sub(last.elapsed()));
            let wait = match (busy, dirty) {
                (true, _) => Duration::ZERO,
                (false, true) => until_frame,
                (false, false) => self.pause(),
            };
            match receive.recv_timeout(wait) {
                Ok(message) => {
                    self.take(message)?;
                    for message in receive.try_iter() {
                        self.take(message)?;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(Ended::Quit),
            }
            if let Some(ended) = self.ended {
                return Ok(ended);
            }
            if let Some(beside) = &self.beside {
                if beside.is_over() {
                    return Ok(Ended::Quit);
                }
                dirty |= beside.take_changed();
            }
            let now = Instant::now();
            self.player.pass(now - passed);
            passed = now;
            busy = self.player.work(SLICE);
            dirty |= self.player.take_dirty();
            if dirty && last_frame.is_none_or(|last| last.elapsed() >= FRAME) {
                let Self { player, screen, beside, .. } = &mut *self;
                screen.draw(|buffer, hits, look| {
                    player.draw(buffer, hits, look);
                    if let Some(beside) = beside {
                        beside.draw(buffer, hits, look);
                    }
                })?;
                last_frame = Some(Instant::now());
                dirty = false;
            }
        }
    }

    /// How long nothing has to be done where there is nothing new to draw.
    fn pause(&self) -> Duration {
        if self.player.plays() {
            FRAME
        } else if self.beside.is_some() {
            GLANCE
        } else {
            IDLE
        }
    }

    fn take(&mut self, message: Message) -> Result<(), DashboardError> {
        match message {
            Message::App(event) => self.player.done(*event),
            Message::Terminal(event) => self.terminal(event)?,
            Message::TerminalGone(error) => return Err(error.into()),
            Message::Signal(signal) => self.ended = Some(Ended::Signal(signal)),
            Message::Suspend => suspend(&mut self.screen)?,
            Message::Continued if self.ended.is_none() => {
                self.screen.take()?;
                self.player.resize(self.screen.size());
            }
            Message::Continued => {}
            Message::Panicked => self.ended = Some(Ended::Panicked),
            Message::Aside(_) | Message::Over => {}
        }
        Ok(())
    }

    fn terminal(&mut self, event: TerminalEvent) -> Result<(), DashboardError> {
        let acts = match event {
            TerminalEvent::Key(key) => self.player.key(Key::from_event(key)),
            TerminalEvent::Paste(text) if self.player.looks_around() => {
                self.player.event(Event::Paste(text))
            }
            TerminalEvent::Resize(width, height) => {
                self.screen.resize(width, height);
                self.player.resize((width, height));
                Vec::new()
            }
            TerminalEvent::Mouse(mouse) => match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => {
                    if self.player.click(mouse.column, mouse.row) {
                        Vec::new()
                    } else {
                        self.click(mouse.column, mouse.row)
                    }
                }
                MouseEventKind::Drag(MouseButton::Left) => {
                    self.player.click(mouse.column, mouse.row);
                    Vec::new()
                }
                MouseEventKind::ScrollUp => self.player.event(Event::Wheel { up: true }),
                MouseEventKind::ScrollDown => self.player.event(Event::Wheel { up: false }),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        acts.into_iter().try_for_each(|act| self.perform(act))
    }

    fn click(&mut self, x: u16, y: u16) -> Vec<Act> {
        match self.screen.hits().at(x, y) {
            Some(Hit::Command("quit")) => vec![Act::Quit],
            Some(Hit::Command(name))
                if recordings::COMMANDS.iter().any(|info| info.name == name) =>
            {
                self.player.command(name);
                Vec::new()
            }
            Some(hit) => self.player.event(Event::Click(hit)),
            None => Vec::new(),
        }
    }

    fn perform(&mut self, act: Act) -> Result<(), DashboardError> {
        match act {
            Act::Quit => self.ended = Some(Ended::Quit),
            Act::Effect(Effect::Copy(text)) => self.screen.copy(&text)?,
            Act::Effect(Effect::Mouse(capture)) => self.screen.capture_mouse(capture)?,
            Act::Effect(Effect::Suspend) => suspend(&mut self.screen)?,
            Act::Effect(Effect::Redraw) => self.screen.redraw()?,
            Act::Effect(Effect::Host { tag, request }) => {
                background(&self.send, move || {
                    Event::Host(tag, ask(&Nobody, request, &mut |_| ()))
                });
            }
            Act::Effect(_) => {}
        }
        Ok(())
    }
}

/// The machine that a recording is played on: files of the user's, and no lab.
struct Nobody;

impl Host for Nobody {
    fn ask(&self, _: HostRequest, _: &mut dyn FnMut(HostReply)) -> HostResult {
        Err(NO_KERNEL.into())
    }
}
