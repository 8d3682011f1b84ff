// SPDX-License-Identifier: MIT OR Apache-2.0
//! The target that a lab process serves: what concerns the lab it answers
//! itself, everything else goes on to whichever guest runs at the moment.

use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::marks::{Marks, Reason};
use super::order::{Done, Order};
use super::status::Status;
use super::{stream, waiting};
use crate::kernel::api::{Item, LabRequest, LabStatus};
use crate::kernel::{Call, Request, Sink, Target, TargetError, TargetResult};
use crate::lab::vm::console::Console;

/// How long a mark may hold up what it is made before.
const MARK_WITHIN: Duration = Duration::from_secs(3);

/// A lab and its guest as one target; lasts over reboots.
#[derive(Clone)]
pub(super) struct LabTarget {
    pub(super) status: Arc<Status>,
    pub(super) console: Arc<Console>,
    pub(super) marks: Arc<Marks>,
    pub(super) auto_marks: bool,
    /// The socket for gdb.
    pub(super) gdb: PathBuf,
    pub(super) orders: Sender<Order>,
}

impl Target for LabTarget {
    fn start(&self, request: Request, sink: Sink) -> TargetResult<Call> {
        match request {
            Request::Lab(request) => self.lab(request, sink),
            Request::Wake(_) | Request::AwaitStick { .. } | Request::Release => {
                Err(TargetError::Invalid("this request is the lab process's own".into()))
            }
            request => match self.status.guest_for(&request)? {
                Some(guest) => {
                    self.mark_before(&request);
                    self.pass(&*guest, request, sink)
                }
                None => {
                    let lab = self.clone();
                    let pass =
                        move |guest: &dyn Target, request, sink| lab.pass(guest, request, sink);
                    waiting::start(Arc::clone(&self.status), pass, request, sink)
                }
            },
        }
    }
}

impl LabTarget {
    /// Passes a request on to the guest.
    fn pass(&self, guest: &dyn Target, request: Request, sink: Sink) -> TargetResult<Call> {
        match guest.start(request, self.explaining(sink)) {
            Err(TargetError::Gone(how)) => Err(TargetError::Gone(self.status.why_ended(how))),
            started => started,
        }
    }

    /// The same sink, but a call that ends because its guest did says how the
    /// guest ended.
    fn explaining(&self, mut sink: Sink) -> Sink {
        let status = Arc::clone(&self.status);
        Box::new(move |item| {
            sink(match item {
                Item::Done(Err(TargetError::Gone(how))) => {
                    Item::Done(Err(TargetError::Gone(status.why_ended(how))))
                }
                item => item,
            });
        })
    }

    fn lab(&self, request: LabRequest, mut sink: Sink) -> TargetResult<Call> {
        match request {
            LabRequest::Status => {
                sink(Item::Lab(self.status.now().into()));
                sink(Item::Done(Ok(())));
                Ok(Call::over())
            }
            LabRequest::Watch => self.watch(sink),
            LabRequest::Console { follow } => self.console(follow, sink),
            LabRequest::Reboot { cold } => self.order(sink, |done| Order::Reboot { cold, done }),
            LabRequest::PowerOff => self.order(sink, Order::PowerOff),
            LabRequest::Plug => self.order(sink, Order::Plug),
            LabRequest::Unplug => self.order(sink, Order::Unplug),
            LabRequest::Mark { name } => self.mark(name, sink),
            LabRequest::Marks => {
                sink(Item::Marks(self.marks.report()));
                sink(Item::Done(Ok(())));
                Ok(Call::over())
            }
            LabRequest::Gdb => self.gdb(sink),
            LabRequest::Dump { path, compress } => {
                let path = path.into();
                self.order(sink, |done| Order::Dump { path, compress, done })
            }
            LabRequest::Rewind { name } => self.order(sink, |done| Order::Rewind { name, done }),
            LabRequest::Unmark { name } => {
                sink(Item::Done(self.marks.forget(name.as_deref())));
                Ok(Call::over())
            }
            LabRequest::Down => self.order(sink, |done| Order::Down(Some(done))),
        }
    }

    fn order(&self, mut sink: Sink, order: impl FnOnce(Done) -> Order) -> TargetResult<Call> {
        let done: Done = Box::new(move |result| sink(Item::Done(result)));
        self.orders
            .send(order(done))
            .map_err(|_| TargetError::Gone("the lab is going down".into()))?;
        Ok(Call::over())
    }

    /// Marks the guest where `request` may be its end, so that there is a moment to
    /// go back to. Does without where that can't be or takes too long.
    fn mark_before(&self, request: &Request) {
        let what = match request {
            Request::Load { name, .. } => format!("load {name}"),
            Request::Unload { name } => format!("unload {name}"),
            Request::Crash => "the crash".into(),
            _ => return,
        };
        let reloads = matches!(request, Request::Load { .. }) && self.marks.has_just_unloaded();
        if !self.auto_marks || reloads {
            return;
        }
        let (send, made) = channel();
        let done: Done = Box::new(move |result| drop(send.send(result)));
        let order = Order::Mark { name: None, reason: Some(Reason::Before(what)), done };
        if self.orders.send(order).is_ok()
            && let Ok(Err(error)) = made.recv_timeout(MARK_WITHIN)
        {
            tracing::debug!("no mark: {error}");
        }
    }

    fn gdb(&self, mut sink: Sink) -> TargetResult<Call> {
        let path = self.gdb.as_os_str().as_encoded_bytes().to_vec();
        let report: Sink = Box::new(move |item| {
            if matches!(item, Item::Done(Ok(()))) {
                sink(Item::Bytes(path.clone()));
            }
            sink(item);
        });
        self.order(report, Order::Gdb)
    }

    fn mark(&self, name: Option<String>, mut sink: Sink) -> TargetResult<Call> {
        let (marks, wanted) = (Arc::clone(&self.marks), name.clone());
        let report: Sink = Box::new(move |item| {
            if matches!(item, Item::Done(Ok(()))) {
                let all = marks.report();
                let new =
                    all.into_iter().rfind(|mark| wanted.as_ref().is_none_or(|n| *n == mark.name));
                sink(Item::Marks(new.into_iter().collect()));
            }
            sink(item);
        });
        self.order(report, |done| Order::Mark { name, reason: None, done })
    }

    fn watch(&self, sink: Sink) -> TargetResult<Call> {
        let number = Arc::new(OnceLock::new());
        let (status, known) = (Arc::clone(&self.status), Arc::clone(&number));
        let (feed, call) = stream::open(sink, move || {
            if let Some(number) = known.get() {
                status.unwatch(*number);
            }
        })?;
        let watcher = move |status: LabStatus| feed.item(Item::Lab(status.into()));
        number.get_or_init(|| self.status.watch(Box::new(watcher)));
        Ok(call)
    }

    fn console(&self, follow: bool, sink: Sink) -> TargetResult<Call> {
        let number = Arc::new(OnceLock::new());
        let (console, known) = (Arc::clone(&self.console), Arc::clone(&number));
        let (feed, call) = stream::open(sink, move || {
            if let Some(number) = known.get() {
                console.unfollow(*number);
            }
        })?;
        if follow {
            let follower = move |bytes: &[u8]| pieces(bytes).all(|piece| feed.console(piece));
            number.get_or_init(|| self.console.follow(Box::new(follower)));
        } else {
            let kept = self.console.bytes();
            // Fewer than a stream loses.
            for piece in pieces(&kept) {
                feed.console(piece);
            }
            feed.end(Ok(()));
        }
        Ok(call)
    }
}

fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(32 * 1024)
}
