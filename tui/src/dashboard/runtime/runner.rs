// SPDX-License-Identifier: MIT OR Apache-2.0
//! The loop.

use crate::dashboard::core::host::Host;
use crate::dashboard::core::{
    CallTag, Effect, Event, HostReply, HostRequest, HostResult, Key, Message as ViewMessage,
};
use std::panic;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ratatui::crossterm::event::{Event as TerminalEvent, MouseButton, MouseEventKind};

use super::calls::Calls;
use super::environment::look;
use super::message::Message;
use super::options::{DashboardError, Ended, Left, Options};
use super::screen::{Ownership, Screen};
use super::{files, input, signals};
use crate::dashboard::core::layer;
use crate::dashboard::replay::convert;
use crate::dashboard::shell::experiment;
use crate::dashboard::shell::frame;
use crate::dashboard::shell::model::Model;
use crate::dashboard::shell::update::update;
use crate::kernel::Target;
use crate::kernel::api::Item;
use crate::tape::Recorder;

/// The least time between two frames: 30 a second.
pub(super) const FRAME: Duration = Duration::from_millis(33);
/// How often time goes on for the model while it matters.
const TICK: Duration = Duration::from_millis(100);
/// How often time goes on otherwise.
const IDLE_TICK: Duration = Duration::from_secs(1);
/// The most messages that are taken before a frame is drawn.
pub(super) const BATCH: usize = 4096;

struct Runner {
    model: Model,
    screen: Screen,
    calls: Calls,
    options: Options,
    send: Sender<Message>,
    started: Instant,
    recorder: Option<Recorder>,
    ended: Option<Ended>,
}

/// Runs until the end.
pub(crate) fn run(target: Arc<dyn Target>, options: Options) -> Result<Left, DashboardError> {
    let (send, receive) = channel();
    let ownership = Ownership::default();
    let _hook = PanicHook::install(ownership.clone(), send.clone());
    signals::start(send.clone(), ownership.clone())?;
    let remembered = options.state.as_deref().map(files::recall).unwrap_or_default();
    let look = look(&options.config);
    let screen = Screen::new(look, options.config.mouse, ownership)?;
    input::start(send.clone())?;
    let calls = Calls::new(target, send.clone())?;
    let mut model = Model::new(options.config.clone(), remembered);
    model.size = screen.size();
    model.link.own_lab = options.own_lab;
    if let Some(bench) = options.workbench.clone() {
        model.post(ViewMessage::Workbench(bench));
    }
    if let Some(script) = options.experiment.clone() {
        experiment::start(&mut model, script);
    }
    let recorder = match &options.record {
        Some(path) => {
            // Whoever plays it may look at any view.
            model.streams.all_tables = true;
            Some(Recorder::create(path, &convert::start(&model, options.workbench.as_ref()))?)
        }
        None => None,
    };
    let started = Instant::now();
    let mut runner = Runner { model, screen, calls, options, send, started, recorder, ended: None };
    let ended = runner.go(&receive);
    runner.screen.release();
    let recorded = runner.recorder.take().map(Recorder::finish);
    Ok(Left { ended: ended?, recorded: recorded.transpose()? })
}

/// How long nothing has to be done, if nothing happens.
pub(super) fn pause(model: &Model) -> Duration {
    if model.has_work() {
        Duration::ZERO
    } else if model.wants_ticks() {
        TICK
    } else {
        IDLE_TICK
    }
}

impl Runner {
    fn go(&mut self, receive: &Receiver<Message>) -> Result<Ended, DashboardError> {
        let mut last_frame: Option<Instant> = None;
        let mut dirty = true;
        self.tick()?;
        loop {
            let until_frame = |last: Instant| FRAME.saturating_sub(last.elapsed());
            let wait = match dirty && !self.model.has_work() {
                true => last_frame.map_or(Duration::ZERO, until_frame),
                false => pause(&self.model),
            };
            match receive.recv_timeout(wait) {
                Ok(message) => {
                    self.tick()?;
                    self.take(message)?;
                    for message in receive.try_iter().take(BATCH) {
                        self.take(message)?;
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.tick()?,
                Err(RecvTimeoutError::Disconnected) => return Ok(Ended::Quit),
            }
            if let Some(ended) = self.ended {
                return Ok(ended);
            }
            if self.model.has_work() {
                self.update(Event::Work)?;
            }
            dirty |= self.model.take_dirty();
            if dirty && last_frame.is_none_or(|last| last.elapsed() >= FRAME) {
                let model = &self.model;
                self.screen.draw(|buffer, hits, look| frame::draw(buffer, hits, model, look))?;
                last_frame = Some(Instant::now());
                dirty = false;
            }
        }
    }

    fn tick(&mut self) -> Result<(), DashboardError> {
        let now_ms = self.started.elapsed().as_millis() as u64;
        self.update(Event::Tick { now_ms })
    }

    fn take(&mut self, message: Message) -> Result<(), DashboardError> {
        match message {
            Message::App(event) => {
                if matches!(*event, Event::Item(_, Item::Kmsg(_))) {
                    self.calls.backlog.taken();
                }
                self.update(*event)?;
            }
            Message::Terminal(event) => {
                if let Some(event) = self.translate(event) {
                    self.update(event)?;
                }
            }
            Message::TerminalGone(error) => return Err(error.into()),
            Message::Signal(signal) => self.ended = Some(Ended::Signal(signal)),
            Message::Suspend => suspend(&mut self.screen)?,
            Message::Continued if self.ended.is_none() => self.resume()?,
            Message::Continued => {}
            Message::Panicked => self.ended = Some(Ended::Panicked),
            Message::Aside(_) | Message::Over => {}
        }
        Ok(())
    }

    fn translate(&mut self, event: TerminalEvent) -> Option<Event> {
        Some(match event {
            TerminalEvent::Key(key) => Event::Key(Key::from_event(key)),
            TerminalEvent::Paste(text) => Event::Paste(text),
            TerminalEvent::Resize(width, height) => {
                self.screen.resize(width, height);
                Event::Resize { width, height }
            }
            TerminalEvent::Mouse(mouse) => match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => {
                    Event::Click(self.screen.hits().at(mouse.column, mouse.row)?)
                }
                MouseEventKind::ScrollUp => Event::Wheel { up: true },
                MouseEventKind::ScrollDown => Event::Wheel { up: false },
                _ => return None,
            },
            TerminalEvent::FocusGained | TerminalEvent::FocusLost => return None,
        })
    }

    fn update(&mut self, event: Event) -> Result<(), DashboardError> {
        if let Some(recorder) = &mut self.recorder
            && let Some(entry) = convert::entry(&event)
        {
            recorder.write(&entry);
        }
        for effect in update(&mut self.model, event) {
            if let Some(recorder) = &mut self.recorder
                && let Some(entry) = convert::asked(&effect)
            {
                recorder.write(&entry);
            }
            self.perform(effect)?;
        }
        if let Some(error) = self.recorder.as_mut().and_then(Recorder::failure) {
            self.recorder = None;
            self.model.message(layer::Message {
                failed: true,
                title: "Recording".into(),
                lines: vec![error.to_string()],
                remedy: vec!["The dashboard goes on; nothing is recorded any more.".into()],
            });
        }
        Ok(())
    }

    fn perform(&mut self, effect: Effect) -> Result<(), DashboardError> {
        match effect {
            Effect::Start { tag, request, input } => self.calls.start(tag, request, input),
            Effect::Cancel(tag) => self.calls.cancel(tag),
            Effect::Host { tag, request } => {
                ask_aside(&self.send, &self.options.host, tag, request);
            }
            Effect::Copy(text) => self.screen.copy(&text)?,
            Effect::Remember(inputs) => {
                let Some(path) = self.options.state.clone() else {
                    return Ok(());
                };
                let keep = move || {
                    if let Err(error) = files::remember(&path, &inputs) {
                        tracing::warn!("{}: what was typed can't be kept: {error}", path.display());
                    }
                };
                if let Err(error) = thread::Builder::new().name("inputs".into()).spawn(keep) {
                    tracing::error!("no thread to keep what was typed: {error}");
                }
            }
            Effect::Mouse(capture) => self.screen.capture_mouse(capture)?,
            Effect::Suspend => suspend(&mut self.screen)?,
            Effect::Redraw => self.screen.redraw()?,
            Effect::Quit => self.ended = Some(Ended::Quit),
        }
        Ok(())
    }

    /// Takes the terminal again after a stop. After a SIGSTOP it was never given
    /// back, but the shell has had it meanwhile and left it in its own mode.
    fn resume(&mut self) -> Result<(), DashboardError> {
        self.screen.take()?;
        let (width, height) = self.screen.size();
        self.update(Event::Resize { width, height })
    }
}

/// Does something slow on a thread of its own.
pub(super) fn background(send: &Sender<Message>, work: impl FnOnce() -> Event + Send + 'static) {
    let send = send.clone();
    let run = move || drop(send.send(Message::App(Box::new(work()))));
    if let Err(error) = thread::Builder::new().name("work".into()).spawn(run) {
        tracing::error!("no thread for work: {error}");
    }
}

/// Gives the terminal back and stops as Ctrl-Z does; SIGCONT brings
/// [`Message::Continued`]. As with Ctrl-Z the whole process group stops: a shell
/// that waits for a parent of ours (`cargo run`) gets its prompt back.
pub(super) fn suspend(screen: &mut Screen) -> Result<(), DashboardError> {
    screen.release();
    kill(Pid::from_raw(0), Signal::SIGSTOP).map_err(std::io::Error::from)?;
    Ok(())
}

/// Asks this machine on a thread of its own.
pub(super) fn ask_aside(
    send: &Sender<Message>,
    host: &Arc<dyn Host>,
    tag: CallTag,
    request: HostRequest,
) {
    let (host, said) = (Arc::clone(host), send.clone());
    background(send, move || {
        let mut tell = |reply| {
            let event = Event::HostSays(tag, reply);
            drop(said.send(Message::App(Box::new(event))));
        };
        Event::Host(tag, ask(&*host, request, &mut tell))
    });
}

/// Asks this machine; its files are ours to read and write.
pub(super) fn ask(
    host: &dyn Host,
    request: HostRequest,
    tell: &mut dyn FnMut(HostReply),
) -> HostResult {
    match request {
        HostRequest::ReadFile { path, limit } => files::read(&path, &limit).map(HostReply::Bytes),
        HostRequest::Complete { path, which } => {
            let (path, names) = files::complete(&path, which);
            Ok(HostReply::Completed { path, names })
        }
        HostRequest::Save { path, bytes } => files::save(&path, &bytes).map(HostReply::Path),
        other => host.ask(other, tell),
    }
}

type Hook = Box<dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync>;

/// Restores the terminal before the message of a panic in any thread is
/// printed, and ends the loop.
pub(super) struct PanicHook {
    before: Arc<Hook>,
}

impl PanicHook {
    pub(super) fn install(ownership: Ownership, send: Sender<Message>) -> Self {
        let before: Arc<Hook> = Arc::new(panic::take_hook());
        let then = Arc::clone(&before);
        panic::set_hook(Box::new(move |info| {
            ownership.release();
            then(info);
            drop(send.send(Message::Panicked));
        }));
        Self { before }
    }
}

impl Drop for PanicHook {
    fn drop(&mut self) {
        // Setting a hook is not allowed while panicking.
        if !thread::panicking() {
            let before = Arc::clone(&self.before);
            panic::set_hook(Box::new(move |info| before(info)));
        }
    }
}
