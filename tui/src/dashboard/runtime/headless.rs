// SPDX-License-Identifier: MIT OR Apache-2.0
//! A recording without a dashboard: the same model asks the kernel for the same
//! things, and nobody draws it. Programs that are started through the recording are
//! recorded with what they read and write.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::calls::{Backlog, Calls};
use super::message::Message;
use super::options::{DashboardError, Options};
use super::runner::{BATCH, ask_aside, pause};
use crate::dashboard::core::{Effect, Event};
use crate::dashboard::replay::convert;
use crate::dashboard::shell::model::Model;
use crate::dashboard::shell::update::update;
use crate::kernel::api::{Request, Signal, TerminalSize};
use crate::kernel::{Call, CallControl, Item, Sink, Target, TargetResult};
use crate::tape::{Entry, Recorded, Recorder, TapeError};

/// The screen that the recording begins with: nobody has one.
const SIZE: (u16, u16) = (80, 24);
/// The numbers of what is started beside the model begin here.
const ASIDE: u64 = 1 << 63;

/// A recording under way. Dropping it ends it.
pub struct Recording {
    send: Sender<Message>,
    target: Arc<dyn Target>,
    backlog: Backlog,
    thread: Option<JoinHandle<Result<Recorded, TapeError>>>,
}

/// Records a kernel in a new file. `ended` is called once when nothing more comes to
/// be recorded: the lab is gone, or the file takes no more.
///
/// # Errors
/// The file can't be written, or there are no threads.
pub fn record(
    target: Arc<dyn Target>,
    options: Options,
    ended: impl FnOnce() + Send + 'static,
) -> Result<Recording, DashboardError> {
    let Some(path) = &options.record else {
        return Err(std::io::Error::other("no file to record in was named").into());
    };
    let (send, receive) = channel();
    let calls = Calls::new(Arc::clone(&target), send.clone())?;
    let recorder = Recorder::create(path, &convert::start(&model(&options), None))?.patient();
    let backlog = Backlog::default();
    let (events, aside) = (send.clone(), backlog.clone());
    // The model is not `Send`: views share things in it. It is made where it lives.
    let work = move || {
        let ended: Box<dyn FnOnce() + Send> = Box::new(ended);
        Headless {
            model: model(&options),
            calls,
            options,
            send: events,
            started: Instant::now(),
            recorder: Some(recorder),
            failed: None,
            aside,
            ended: Some(ended),
        }
        .go(&receive)
    };
    let thread = thread::Builder::new().name("recording".into()).spawn(work)?;
    Ok(Recording { send, target, backlog, thread: Some(thread) })
}

/// The model that the recording begins with.
fn model(options: &Options) -> Model {
    let mut model = Model::new(options.config.clone(), Default::default());
    model.size = SIZE;
    model.link.own_lab = options.own_lab;
    // Whoever plays it may look at any view.
    model.streams.all_tables = true;
    model
}

impl Recording {
    /// The kernel, for programs: what they read and write is recorded, too.
    pub fn target(&self) -> Arc<dyn Target> {
        Arc::new(Tap {
            target: Arc::clone(&self.target),
            notices: Notices { send: self.send.clone(), backlog: self.backlog.clone() },
            last: AtomicU64::new(ASIDE),
        })
    }

    /// Ends the recording.
    ///
    /// # Errors
    /// Not all of it could be written.
    pub fn finish(mut self) -> Result<Recorded, DashboardError> {
        Ok(self.end()?)
    }

    fn end(&mut self) -> Result<Recorded, TapeError> {
        // Its thread lives until it is told this.
        drop(self.send.send(Message::Over));
        let Some(thread) = self.thread.take() else {
            return Ok(Recorded::default());
        };
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if self.thread.is_some() && !thread::panicking() {
            // Whoever wants to know how it ended calls `finish`.
            drop(self.end());
        }
    }
}

/// The loop.
struct Headless {
    model: Model,
    calls: Calls,
    options: Options,
    send: Sender<Message>,
    started: Instant,
    recorder: Option<Recorder>,
    failed: Option<TapeError>,
    /// What programs wrote and is not recorded yet.
    aside: Backlog,
    ended: Option<Box<dyn FnOnce() + Send>>,
}

impl Headless {
    fn go(mut self, receive: &Receiver<Message>) -> Result<Recorded, TapeError> {
        self.tick();
        loop {
            match receive.recv_timeout(pause(&self.model)) {
                Ok(message) => {
                    self.tick();
                    let batch = std::iter::once(message).chain(receive.try_iter().take(BATCH));
                    for message in batch {
                        if matches!(message, Message::Over) {
                            return self.finish();
                        }
                        self.take(message);
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.tick(),
                Err(RecvTimeoutError::Disconnected) => return self.finish(),
            }
            if self.model.has_work() {
                self.update(Event::Work);
            }
            if self.recorder.is_none() || self.model.link.lab_gone {
                self.ended.take().into_iter().for_each(|ended| ended());
            }
        }
    }

    fn finish(mut self) -> Result<Recorded, TapeError> {
        match (self.recorder.take(), self.failed.take()) {
            (_, Some(error)) => Err(error),
            (Some(recorder), None) => recorder.finish(),
            (None, None) => Ok(Recorded::default()),
        }
    }

    fn tick(&mut self) {
        let now_ms = self.started.elapsed().as_millis() as u64;
        self.update(Event::Tick { now_ms });
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::App(event) => {
                if matches!(*event, Event::Item(_, Item::Kmsg(_))) {
                    self.calls.backlog.taken();
                }
                self.update(*event);
            }
            Message::Aside(entry) => {
                self.aside.taken();
                self.write(&entry);
            }
            // There is no terminal here, and signals are the caller's.
            _ => {}
        }
    }

    fn update(&mut self, event: Event) {
        if let Some(entry) = convert::entry(&event) {
            self.write(&entry);
        }
        for effect in update(&mut self.model, event) {
            if let Some(entry) = convert::asked(&effect) {
                self.write(&entry);
            }
            match effect {
                Effect::Start { tag, request, input } => self.calls.start(tag, request, input),
                Effect::Cancel(tag) => self.calls.cancel(tag),
                Effect::Host { tag, request } => {
                    ask_aside(&self.send, &self.options.host, tag, request);
                }
                // The rest is for a terminal.
                _ => {}
            }
        }
    }

    fn write(&mut self, entry: &Entry<'_>) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        recorder.write(entry);
        if let Some(error) = recorder.failure() {
            self.failed = Some(error);
            self.recorder = None;
        }
    }
}

/// Tells the loop what happens beside the model.
#[derive(Clone)]
struct Notices {
    send: Sender<Message>,
    backlog: Backlog,
}

impl Notices {
    /// Waits while there is too much that is not recorded yet: a program that writes
    /// more than the disk takes is held up, and nothing is lost.
    fn say(&self, entry: Entry<'static>) {
        self.backlog.wait_and_add();
        if self.send.send(Message::Aside(Box::new(entry))).is_err() {
            self.backlog.taken();
        }
    }
}

/// A target that has the programs recorded that are started through it.
struct Tap {
    target: Arc<dyn Target>,
    notices: Notices,
    last: AtomicU64,
}

impl Target for Tap {
    fn start(&self, request: Request, mut sink: Sink) -> TargetResult<Call> {
        if !matches!(request, Request::Run(_)) {
            return self.target.start(request, sink);
        }
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let shown = convert::without_environment(&request).into_owned();
        self.notices.say(Entry::Call { call: number, request: Cow::Owned(shown), input: 0 });
        let notices = self.notices.clone();
        let passing = Box::new(move |item: Item| {
            notices.say(Entry::Item { call: number, item: Cow::Owned(item.clone()) });
            sink(item);
        });
        match self.target.start(request, passing) {
            Ok(call) => {
                let control = call.control();
                let notices = self.notices.clone();
                Ok(Call::new(Arc::new(Control { number, notices, control, _call: call })))
            }
            Err(error) => {
                self.notices.say(Entry::Failed { call: number, error: error.clone() });
                Err(error)
            }
        }
    }
}

/// What can be done to a program that is recorded.
struct Control {
    number: u64,
    notices: Notices,
    control: Arc<dyn CallControl>,
    /// Lives as long as whoever can reach it.
    _call: Call,
}

impl CallControl for Control {
    fn send(&self, bytes: &[u8]) -> TargetResult<()> {
        self.notices.say(Entry::Input { call: self.number, bytes: bytes.to_vec() });
        self.control.send(bytes)
    }

    fn close_input(&self) -> TargetResult<()> {
        self.control.close_input()
    }

    fn resize(&self, size: TerminalSize) -> TargetResult<()> {
        self.control.resize(size)
    }

    fn signal(&self, signal: Signal) -> TargetResult<()> {
        self.control.signal(signal)
    }

    fn cancel(&self) {
        self.control.cancel();
    }
}
