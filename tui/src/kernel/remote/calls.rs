// SPDX-License-Identifier: MIT OR Apache-2.0
//! The calls that are open at a client, and what can be done to one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use parking_lot::Mutex;

use crate::kernel::api::{Item, Request, Signal, TerminalSize};
use crate::kernel::call::{CallControl, Sink};
use crate::kernel::error::{TargetError, TargetResult};
use crate::kernel::wire::{
    Body, Credit, FRAME_COST, Header, Intake, Outbox, PAYLOAD_MAX, WireError,
};

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
    /// For the agent's items.
    intake: Intake,
}

enum Delivery {
    /// On the reading thread.
    Direct(Mutex<Sink>),
    /// On the call's own thread; the number is what the item used of the credit.
    Queued(Mutex<Sender<(Item, u32)>>),
}

impl OpenCalls {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self { outbox, table: Mutex::default() }
    }

    /// Sends what concerns no call.
    pub(super) fn say(&self, body: &Body) -> TargetResult<()> {
        self.send(0, body)
    }

    fn send(&self, call: u32, body: &Body) -> TargetResult<()> {
        let frames = body.frames(call).map_err(|error| TargetError::Protocol(error.to_string()))?;
        match body {
            // In order, the end after the rest.
            Body::Input(_) | Body::InputEnd => drop(self.outbox.send(frames)),
            _ => self.outbox.send_urgent(frames),
        }
        Ok(())
    }

    /// Opens a call and sends its request.
    pub(super) fn open(self: &Arc<Self>, request: Request, sink: Sink) -> TargetResult<Arc<Open>> {
        let (delivery, intake, queue) = if request.is_stream() {
            let (sender, receiver) = channel();
            (Delivery::Queued(Mutex::new(sender)), Intake::stream(), Some((receiver, sink)))
        } else {
            (Delivery::Direct(Mutex::new(sink)), Intake::answer(), None)
        };
        let mut table = self.table.lock();
        if let Some(why) = &table.ended {
            return Err(TargetError::Gone(why.clone()));
        }
        table.last += 1;
        let open = Arc::new(Open { id: table.last, delivery, credit: Credit::new(), intake });
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
        self.table.lock().open.get(&call).cloned()
    }

    fn close(&self, call: u32) -> Option<Arc<Open>> {
        let open = self.table.lock().open.remove(&call)?;
        open.credit.close();
        Some(open)
    }

    /// A frame of the agent's has come: does anybody wait for it?
    ///
    /// # Errors
    /// The agent was not to send it.
    pub(super) fn admit(&self, header: Header) -> Result<bool, WireError> {
        if !header.kind.is_an_agents() {
            return Err(WireError::WrongEnd { kind: header.kind });
        }
        match self.find(header.call) {
            Some(open) => open.intake.take(header).map(|()| true),
            None => Ok(header.call == 0),
        }
    }

    /// A message of the agent's, which is whole.
    pub(super) fn deliver(&self, call: u32, body: Body) {
        match body {
            Body::Item(item) => {
                if let Some(open) = self.find(call) {
                    open.deliver(item, open.intake.whole());
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
            Body::Begun => self.lose("the agent has ended and was started again"),
            // Only clients say these.
            _ => {}
        }
    }

    /// The message of the last frame goes on.
    pub(super) fn goes_on(&self, call: u32) {
        if let Some(open) = self.find(call) {
            self.give(&open, |intake| intake.goes_on());
        }
    }

    /// Gives credit back, where there is any and the agent counts it.
    fn give(&self, open: &Open, due: impl FnOnce(&Intake) -> u32) {
        if matches!(open.delivery, Delivery::Queued(_)) {
            let due = due(&open.intake);
            if due > 0 {
                drop(self.send(open.id, &Body::Credit(due)));
            }
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
        self.table.lock().ended.get_or_insert_with(|| why.to_owned());
        self.outbox.close();
        self.lose(why);
    }

    /// Ends every call that is open.
    fn lose(&self, why: &str) {
        let open = std::mem::take(&mut self.table.lock().open);
        for open in open.into_values() {
            open.credit.close();
            open.deliver(Item::Done(Err(TargetError::Gone(why.to_owned()))), 0);
        }
    }
}

impl Open {
    /// Hands over an item, which cost so much credit.
    fn deliver(&self, item: Item, cost: u32) {
        match &self.delivery {
            Delivery::Direct(sink) => sink.lock()(item),
            Delivery::Queued(queue) => drop(queue.lock().send((item, cost))),
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
    for (item, cost) in items {
        let last = matches!(item, Item::Done(_));
        sink(item);
        if last {
            return;
        }
        if let Some(open) = open.upgrade() {
            calls.give(&open, |intake| intake.consumed(cost));
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
            if !self.open.credit.take(piece.len() as u32 + FRAME_COST) {
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
        // Frees whoever waits to send input, also where nobody replies any more.
        self.open.credit.close();
    }
}
