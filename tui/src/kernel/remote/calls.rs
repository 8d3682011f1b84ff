// SPDX-License-Identifier: MIT OR Apache-2.0
//! The calls that are open at a client, and what can be done to one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::kernel::api::{Item, Request, Signal, TerminalSize};
use crate::kernel::call::{CallControl, Sink};
use crate::kernel::error::{TargetError, TargetResult};
use crate::kernel::wire::{Body, Credit, Header, Outbox, PAYLOAD_MAX, WINDOW};

/// Credit is given back in pieces of at least this many bytes: one small frame
/// for many items.
const GIVE_BACK: u32 = WINDOW / 4;
/// The session of a client alone on its stream.
const SESSION: u32 = 0;

/// Every call that is not over.
pub(super) struct OpenCalls {
    outbox: Outbox,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    last: u32,
    open: HashMap<u32, Arc<Open>>,
    ended: Option<String>,
}

/// A call that is open.
pub(super) struct Open {
    id: u32,
    delivery: Delivery,
    /// For our input.
    credit: Credit,
    /// Bytes consumed and not yet given back.
    owed: AtomicU32,
}

enum Delivery {
    /// On the reading thread.
    Direct(Mutex<Sink>),
    /// On the call's own thread; the bytes are what the item used of the credit.
    Queued(Mutex<Sender<(Item, u32)>>),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OpenCalls {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self { outbox, table: Mutex::default() }
    }

    /// Sends what concerns the session.
    pub(super) fn send_session(&self, body: &Body) -> TargetResult<()> {
        self.send(0, body)
    }

    fn send(&self, call: u32, body: &Body) -> TargetResult<()> {
        let frames =
            body.frames(SESSION, call).map_err(|error| TargetError::Protocol(error.to_string()))?;
        match body {
            // In order, the end after the rest.
            Body::Input(_) | Body::InputEnd => drop(self.outbox.send(frames)),
            _ => self.outbox.send_urgent(frames),
        }
        Ok(())
    }

    /// Opens a call and sends its request.
    pub(super) fn open(self: &Arc<Self>, request: Request, sink: Sink) -> TargetResult<Arc<Open>> {
        let (delivery, queue) = if request.is_stream() {
            let (sender, receiver) = channel();
            (Delivery::Queued(Mutex::new(sender)), Some((receiver, sink)))
        } else {
            (Delivery::Direct(Mutex::new(sink)), None)
        };
        let mut table = lock(&self.table);
        if let Some(why) = &table.ended {
            return Err(TargetError::Gone(why.clone()));
        }
        table.last += 1;
        let open = Arc::new(Open {
            id: table.last,
            delivery,
            credit: Credit::new(),
            owed: AtomicU32::new(0),
        });
        if let Some((receiver, sink)) = queue {
            let (calls, this) = (Arc::clone(self), Arc::downgrade(&open));
            std::thread::Builder::new()
                .name(format!("call-{}", open.id))
                .spawn(move || hand_out(&receiver, sink, &calls, &this))
                .map_err(|error| TargetError::io(&error, "start a thread"))?;
        }
        self.send(open.id, &Body::Start(request))?;
        table.open.insert(open.id, Arc::clone(&open));
        Ok(open)
    }

    fn find(&self, call: u32) -> Option<Arc<Open>> {
        lock(&self.table).open.get(&call).cloned()
    }

    fn close(&self, call: u32) -> Option<Arc<Open>> {
        let open = lock(&self.table).open.remove(&call)?;
        open.credit.close();
        Some(open)
    }

    /// A message of the agent's.
    pub(super) fn deliver(&self, call: u32, body: Body, header: Header) {
        match body {
            Body::Item(item) => {
                if let Some(open) = self.find(call) {
                    let direct = open.deliver(item, header.length as u32);
                    if direct {
                        self.consumed(call, header);
                    }
                }
            }
            Body::Done(result) => {
                if let Some(open) = self.close(call) {
                    open.deliver(Item::Done(result), 0);
                }
            }
            Body::Credit(bytes) => {
                if let Some(open) = self.find(call) {
                    open.credit.give(bytes);
                }
            }
            Body::Begun => self.lose("the agent has ended and was started anew"),
            // Only clients and routers say these.
            _ => {}
        }
    }

    /// Gives credit for a frame back, at the latest when much is owed.
    pub(super) fn consumed(&self, call: u32, header: Header) {
        if header.kind.needs_credit()
            && let Some(open) = self.find(call)
        {
            self.give_back(&open, header.length as u32);
        }
    }

    fn give_back(&self, open: &Open, bytes: u32) {
        let owed = open.owed.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if owed >= GIVE_BACK {
            let owed = open.owed.swap(0, Ordering::Relaxed);
            drop(self.send(open.id, &Body::Credit(owed)));
        }
    }

    /// Ends one call because what came for it makes no sense.
    pub(super) fn fail(&self, call: u32, error: &TargetError) {
        if let Some(open) = self.close(call) {
            drop(self.send(call, &Body::Cancel));
            open.deliver(Item::Done(Err(error.clone())), 0);
        }
    }

    /// Ends every call and lets none begin.
    pub(super) fn end(&self, why: &str) {
        lock(&self.table).ended.get_or_insert_with(|| why.to_owned());
        self.outbox.close();
        self.lose(why);
    }

    /// Ends every call that is open.
    fn lose(&self, why: &str) {
        let open = std::mem::take(&mut lock(&self.table).open);
        for open in open.into_values() {
            open.credit.close();
            open.deliver(Item::Done(Err(TargetError::Gone(why.to_owned()))), 0);
        }
    }
}

impl Open {
    /// Hands over an item; `true` when it has been consumed already.
    fn deliver(&self, item: Item, bytes: u32) -> bool {
        match &self.delivery {
            Delivery::Direct(sink) => {
                lock(sink)(item);
                true
            }
            Delivery::Queued(queue) => {
                drop(lock(queue).send((item, bytes)));
                false
            }
        }
    }
}

/// The thread of a call whose answer is a stream.
fn hand_out(
    items: &Receiver<(Item, u32)>,
    mut sink: Sink,
    calls: &OpenCalls,
    open: &std::sync::Weak<Open>,
) {
    for (item, bytes) in items {
        let last = matches!(item, Item::Done(_));
        sink(item);
        if last {
            return;
        }
        if let Some(open) = open.upgrade() {
            calls.give_back(&open, bytes);
        }
    }
}

/// What a client can do to a call.
pub(super) struct RemoteCall {
    calls: Arc<OpenCalls>,
    open: Arc<Open>,
}

impl RemoteCall {
    pub(super) fn new(calls: Arc<OpenCalls>, open: Arc<Open>) -> Self {
        Self { calls, open }
    }

    fn if_open(&self, body: &Body) -> TargetResult<()> {
        match self.calls.find(self.open.id) {
            Some(_) => self.calls.send(self.open.id, body),
            None => Ok(()),
        }
    }
}

impl CallControl for RemoteCall {
    fn send(&self, bytes: &[u8]) -> TargetResult<()> {
        for piece in bytes.chunks(PAYLOAD_MAX) {
            if !self.open.credit.take(piece.len()) {
                return Err(TargetError::Gone("the call is over and takes no more input".into()));
            }
            self.calls.send(self.open.id, &Body::Input(piece.to_vec()))?;
        }
        Ok(())
    }

    fn close_input(&self) -> TargetResult<()> {
        self.if_open(&Body::InputEnd)
    }

    fn resize(&self, size: TerminalSize) -> TargetResult<()> {
        self.if_open(&Body::Resize(size))
    }

    fn signal(&self, signal: Signal) -> TargetResult<()> {
        self.if_open(&Body::Signal(signal))
    }

    fn cancel(&self) {
        drop(self.if_open(&Body::Cancel));
    }
}
