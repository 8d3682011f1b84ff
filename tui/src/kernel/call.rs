// SPDX-License-Identifier: MIT OR Apache-2.0
//! Starting a request and receiving what it answers.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use super::api::{Item, Request, Signal, TerminalSize};
use super::error::{TargetError, TargetResult};
use super::kmsg::Parser;

/// Receives the items of one call, in order, on a thread of the target's.
/// [`Item::Done`] is the last, comes exactly once, and comes however the call
/// ends. One that takes its time holds up its own call only where the request
/// is a stream (a log, a program's output, samples), which then stops sending;
/// to any other request it must not block, other calls wait behind it.
pub type Sink = Box<dyn FnMut(Item) + Send>;

/// A kernel that takes requests.
pub trait Target: Send + Sync {
    /// Starts `request`. Its items go to `sink`.
    ///
    /// # Errors
    /// When the request can't even be sent; `sink` has then not been called.
    fn start(&self, request: Request, sink: Sink) -> TargetResult<Call>;
}

/// What can be done to a call that runs.
pub trait CallControl: Send + Sync {
    /// Sends input: a module's image, a program's standard input. Blocks while
    /// the other end has no room for it.
    fn send(&self, _bytes: &[u8]) -> TargetResult<()> {
        Err(TargetError::Invalid("this request takes no input".into()))
    }
    /// Says that no more input comes.
    fn close_input(&self) -> TargetResult<()> {
        Ok(())
    }
    /// Tells a program on a terminal its new size.
    fn resize(&self, _size: TerminalSize) -> TargetResult<()> {
        Err(TargetError::Invalid("this request has no terminal".into()))
    }
    /// Sends a signal to the program.
    fn signal(&self, _signal: Signal) -> TargetResult<()> {
        Err(TargetError::Invalid("this request runs no program".into()))
    }
    /// Ends the call; it answers [`TargetError::Cancelled`] unless it was done already.
    fn cancel(&self);
    /// Its client is gone, as that of a guest that was wound back: the call ends, but a
    /// subject lives on for a while, to be taken up by the next client.
    fn leave(&self) {
        self.cancel();
    }
}

/// How long the reply of a call that takes no more input may be on its way.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Items that [`Calls`] queues before it makes the call wait for its reader.
const QUEUE: usize = 64;

/// A request under way. Dropping it cancels it, unless it is over.
pub struct Call {
    control: Arc<dyn CallControl>,
}

impl Call {
    /// A call driven by `control`.
    pub fn new(control: Arc<dyn CallControl>) -> Self {
        Self { control }
    }

    /// A call that is over already, or can't be hurried.
    pub fn over() -> Self {
        struct Over;
        impl CallControl for Over {
            fn cancel(&self) {}
        }
        Self::new(Arc::new(Over))
    }

    /// What can be done to it, for another thread.
    pub fn control(&self) -> Arc<dyn CallControl> {
        Arc::clone(&self.control)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.control.cancel();
    }
}

/// The sink that a log's reader starts `request` with: `sink` gets records
/// where the target sends text.
pub fn parsed(request: &Request, mut sink: Sink) -> Sink {
    let Request::Kmsg { from, .. } = request else {
        return sink;
    };
    let mut parser = Parser::new(*from);
    Box::new(move |item| {
        sink(match item {
            Item::KmsgText(text) => Item::Kmsg(parser.take(&text)),
            item => item,
        });
    })
}

/// The items of a call, read one by one.
pub struct Calls {
    items: Receiver<Item>,
    call: Call,
}

impl Calls {
    /// Starts `request` on `target` and queues its items.
    ///
    /// # Errors
    /// As [`Target::start`].
    pub fn start(target: &dyn Target, request: Request) -> TargetResult<Self> {
        let (send, items) = sync_channel(QUEUE);
        let sink = parsed(&request, Box::new(move |item| drop(send.send(item))));
        let call = target.start(request, sink)?;
        Ok(Self { items, call })
    }

    /// Waits for the next item.
    pub fn next(&self) -> Item {
        self.items.recv().unwrap_or_else(|_| Self::ended())
    }

    /// Waits for the next item, but not beyond `until`; `None`: none came.
    pub fn next_before(&self, until: Instant) -> Option<Item> {
        match self.items.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(item) => Some(item),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Self::ended()),
        }
    }

    fn ended() -> Item {
        Item::Done(Err(TargetError::Gone("the connection to the kernel ended".into())))
    }

    /// What can be done to the call.
    pub fn control(&self) -> Arc<dyn CallControl> {
        self.call.control()
    }
}

/// Starts `request`, sends `input` with it, waits for it to end and returns
/// its items but the last.
///
/// # Errors
/// The one the request ended with.
pub fn ask(target: &dyn Target, request: Request, input: &[u8]) -> TargetResult<Vec<Item>> {
    let calls = Calls::start(target, request)?;
    let control = calls.control();
    if !input.is_empty()
        && let Err(error) = control.send(input)
    {
        // The call itself says better why it takes no more.
        return match collect(|| calls.next_before(Instant::now() + LAST_WORDS)) {
            Err(why) => Err(why),
            Ok(_) => Err(error),
        };
    }
    control.close_input()?;
    collect(|| Some(calls.next()))?.ok_or(TargetError::Cancelled)
}

/// As [`ask`] without input, for a request that has to be answered `within` a
/// time.
///
/// # Errors
/// As [`ask`], and [`TargetError::Silent`] when it was not: `who` is who did not
/// answer.
pub fn ask_within(
    target: &dyn Target,
    request: Request,
    within: Duration,
    who: &str,
) -> TargetResult<Vec<Item>> {
    let until = Instant::now() + within;
    let calls = Calls::start(target, request)?;
    calls.control().close_input()?;
    collect(|| calls.next_before(until))?.ok_or_else(|| {
        TargetError::Silent(format!("{who} did not answer within {} s", within.as_secs()))
    })
}

/// The items before the last; `None` where `next` gives up.
fn collect(mut next: impl FnMut() -> Option<Item>) -> TargetResult<Option<Vec<Item>>> {
    let mut items = Vec::new();
    loop {
        match next() {
            None => return Ok(None),
            Some(Item::Done(Ok(()))) => return Ok(Some(items)),
            Some(Item::Done(Err(error))) => return Err(error),
            Some(item) => items.push(item),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes every request and never says a word.
    struct Mute;
    impl Target for Mute {
        fn start(&self, _: Request, sink: Sink) -> TargetResult<Call> {
            struct Kept(std::sync::Mutex<Option<Sink>>);
            impl CallControl for Kept {
                fn cancel(&self) {
                    drop(self.0.lock().unwrap().take());
                }
            }
            Ok(Call::new(Arc::new(Kept(std::sync::Mutex::new(Some(sink))))))
        }
    }

    #[test]
    fn an_answer_that_does_not_come_in_time_is_not_waited_for() {
        let within = Duration::from_millis(10);
        let error = ask_within(&Mute, Request::Kernel, within, "the guest").unwrap_err();
        let TargetError::Silent(text) = error else {
            panic!("{error:?}");
        };
        assert_eq!(text, "the guest did not answer within 0 s");
    }
}
