// SPDX-License-Identifier: MIT OR Apache-2.0
//! Requests to the kernel, each started and cancelled off the loop.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use parking_lot::{Condvar, Mutex};

use super::message::Message;
use crate::dashboard::core::{CallTag, Event};
use crate::kernel::call::parsed;
use crate::kernel::{Call, Item, Request, Target, TargetError};

/// Batches of the log that wait for the loop before the stream is stopped: the
/// kernel then keeps the rest, and says how much it lost.
const BATCHES: usize = 64;

#[derive(Default)]
struct Table {
    running: HashMap<CallTag, Call>,
    cancelled: HashSet<CallTag>,
}

/// Counts the batches that wait for the loop.
#[derive(Clone, Default)]
pub(crate) struct Backlog(Arc<(Mutex<usize>, Condvar)>);

impl Backlog {
    /// Waits for room, and takes it.
    pub(crate) fn wait_and_add(&self) {
        let (count, freed) = &*self.0;
        let mut count = count.lock();
        while *count >= BATCHES {
            freed.wait(&mut count);
        }
        *count += 1;
    }

    /// The loop took a batch.
    pub(crate) fn taken(&self) {
        let (count, freed) = &*self.0;
        let mut count = count.lock();
        *count = count.saturating_sub(1);
        freed.notify_one();
    }
}

enum Order {
    Start(CallTag, Request, Arc<Vec<u8>>),
    Cancel(CallTag),
}

/// The workers for requests.
pub(crate) struct Calls {
    starts: Sender<Order>,
    cancels: Sender<Order>,
    /// Batches of the log that wait for the loop.
    pub(crate) backlog: Backlog,
}

impl Calls {
    /// Starts the workers.
    pub(crate) fn new(target: Arc<dyn Target>, events: Sender<Message>) -> std::io::Result<Self> {
        let table: Arc<Mutex<Table>> = Arc::default();
        let backlog = Backlog::default();
        let worker = |name: &str| {
            let (send, orders) = channel();
            let (target, table) = (Arc::clone(&target), Arc::clone(&table));
            let (events, backlog) = (events.clone(), backlog.clone());
            let work = move || {
                while let Ok(order) = orders.recv() {
                    match order {
                        Order::Start(tag, request, input) => {
                            start(&target, &table, &events, &backlog, (tag, request, input));
                        }
                        Order::Cancel(tag) => cancel(&table, tag),
                    }
                }
            };
            thread::Builder::new().name(name.into()).spawn(work).map(|_| send)
        };
        Ok(Self { starts: worker("requests")?, cancels: worker("cancels")?, backlog })
    }

    pub(crate) fn start(&self, tag: CallTag, request: Request, input: Arc<Vec<u8>>) {
        // The worker ends only with the loop.
        drop(self.starts.send(Order::Start(tag, request, input)));
    }

    /// Cancels a request.
    pub(crate) fn cancel(&self, tag: CallTag) {
        drop(self.cancels.send(Order::Cancel(tag)));
    }
}

fn start(
    target: &Arc<dyn Target>,
    table: &Arc<Mutex<Table>>,
    events: &Sender<Message>,
    backlog: &Backlog,
    (tag, request, input): (CallTag, Request, Arc<Vec<u8>>),
) {
    let sink_events = events.clone();
    let sink_table = Arc::clone(table);
    let backlog = backlog.clone();
    let sink = Box::new(move |item: Item| {
        if matches!(item, Item::Kmsg(_)) {
            backlog.wait_and_add();
        }
        if matches!(item, Item::Done(_)) {
            // The call is dropped by the loop's next look at the table and not
            // here, inside of the target's own thread.
            sink_table.lock().cancelled.insert(tag);
        }
        drop(sink_events.send(Message::App(Box::new(Event::Item(tag, item)))));
    });
    let call = match target.start(request.clone(), parsed(&request, sink)) {
        Ok(call) => call,
        Err(error) => {
            drop(events.send(Message::App(Box::new(Event::CallFailed(tag, error)))));
            return;
        }
    };
    let control = call.control();
    let over = {
        let mut table = table.lock();
        let mut ended = Vec::new();
        let tags: Vec<_> = table.cancelled.iter().copied().collect();
        for done in tags {
            if let Some(call) = table.running.remove(&done) {
                table.cancelled.remove(&done);
                ended.push(call);
            }
        }
        if table.cancelled.remove(&tag) {
            ended.push(call);
        } else {
            table.running.insert(tag, call);
        }
        ended
    };
    // Dropping a call may write to the connection: not under the lock.
    drop(over);
    if input.is_empty() {
        drop(control.close_input());
        return;
    }
    let events = events.clone();
    let feed = move || {
        let sent = control.send(&input).and_then(|()| control.close_input());
        // A call that ended meanwhile has said why itself.
        if let Err(error @ (TargetError::Gone(_) | TargetError::Protocol(_))) = sent {
            drop(events.send(Message::App(Box::new(Event::CallFailed(tag, error)))));
        }
    };
    if let Err(error) = thread::Builder::new().name("image".into()).spawn(feed) {
        tracing::error!("no thread to send a module's image: {error}");
    }
}

fn cancel(table: &Arc<Mutex<Table>>, tag: CallTag) {
    let call = {
        let mut table = table.lock();
        let call = table.running.remove(&tag);
        if call.is_none() {
            table.cancelled.insert(tag);
        }
        call
    };
    drop(call);
}
