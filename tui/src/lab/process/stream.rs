// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls that the lab process answers itself with a stream of items: each has
//! a thread of its own, so that a slow reader holds up neither the guest's
//! console nor anybody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use parking_lot::Mutex;

use crate::kernel::api::Item;
use crate::kernel::{Call, CallControl, Sink, TargetError, TargetResult};

/// Bytes of console that wait for one reader; what comes beyond is lost to it.
const WAITING: usize = 4 << 20;

#[allow(clippy::large_enum_variant, reason = "nearly all of them are items")]
enum Piece {
    Item(Item),
    Console(Vec<u8>),
    End(TargetResult<()>),
}

/// Where a stream's items are put in.
#[derive(Clone)]
pub(super) struct Feed {
    pieces: Sender<Piece>,
    waiting: Arc<AtomicUsize>,
    lost: Arc<AtomicUsize>,
}

impl Feed {
    /// Sends an item; `false` once the call is over.
    pub(super) fn item(&self, item: Item) -> bool {
        self.pieces.send(Piece::Item(item)).is_ok()
    }

    /// Sends bytes of the console, or counts them as lost.
    pub(super) fn console(&self, bytes: &[u8]) -> bool {
        if self.waiting.load(Ordering::Relaxed) > WAITING {
            self.lost.fetch_add(bytes.len(), Ordering::Relaxed);
            return true;
        }
        let mut piece = match self.lost.swap(0, Ordering::Relaxed) {
            0 => Vec::new(),
            lost => format!("\r\n[{lost} bytes lost: the reader was too slow]\r\n").into_bytes(),
        };
        piece.extend_from_slice(bytes);
        self.waiting.fetch_add(piece.len(), Ordering::Relaxed);
        self.pieces.send(Piece::Console(piece)).is_ok()
    }

    /// Ends the call.
    pub(super) fn end(&self, result: TargetResult<()>) {
        // Whoever ends a call that is over is late.
        drop(self.pieces.send(Piece::End(result)));
    }
}

/// Starts a call that `sink` gets the items of; returns where to put them in.
/// `stop` is called once when the call is cancelled.
///
/// # Errors
/// No thread can be made.
pub(super) fn open(
    mut sink: Sink,
    stop: impl FnOnce() + Send + 'static,
) -> TargetResult<(Feed, Call)> {
    let (pieces, queue) = channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let feed = Feed { pieces, waiting: Arc::clone(&waiting), lost: Arc::default() };
    thread::Builder::new()
        .name("stream".into())
        .spawn(move || {
            for piece in queue {
                match piece {
                    Piece::Item(item) => sink(item),
                    Piece::Console(bytes) => {
                        waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
                        sink(Item::Console(bytes));
                    }
                    Piece::End(result) => {
                        sink(Item::Done(result));
                        return;
                    }
                }
            }
            sink(Item::Done(Err(TargetError::Cancelled)));
        })
        .map_err(|error| TargetError::io(&error, "start a thread"))?;
    let control = Arc::new(Control { feed: feed.clone(), stop: Mutex::new(Some(Box::new(stop))) });
    Ok((feed, Call::new(control)))
}

struct Control {
    feed: Feed,
    stop: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl CallControl for Control {
    fn cancel(&self) {
        let stop = self.stop.lock().take();
        if let Some(stop) = stop {
            stop();
            self.feed.end(Err(TargetError::Cancelled));
        }
    }
}
