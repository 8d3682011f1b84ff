// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waiting for a kernel that may hang: whoever watches sees it, and where nobody
//! does it comes to an end.
//!
//! A command's requests go through a [`Patient`]. When one takes longer than a
//! second, the lab is asked what it knows of its guest (an agent without a lab:
//! whether it is there), and what is wrong is said on standard error.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::kernel::api::{GuestState, Item, Request, Trouble};
use crate::kernel::call::ask_within;
use crate::kernel::question::put_within;
use crate::kernel::{Call, CallControl, Sink, Target, TargetError, TargetResult, question};
use crate::text::escape::visible;

/// How long a request may take before anybody wonders, and how often one does.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a lab, or an agent without one, may take to say how it is.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// How long a kernel may hang where nobody watches.
const UNWATCHED: Duration = Duration::from_secs(60);

/// How long a hanging kernel is waited for, and what else can be done about it.
#[derive(Clone, Debug)]
pub struct Patience {
    /// `None`: for as long as the user likes.
    pub limit: Option<Duration>,
    /// What to do about it, to follow on “the guest has not answered for 7 s; ”.
    pub advice: String,
    /// Is the terminal in raw mode?
    pub raw: bool,
}

impl Patience {
    /// With what `--timeout` says, if anything.
    pub fn new(seconds: Option<u64>, advice: impl Into<String>) -> Self {
        let limit = limit(seconds, std::io::stderr().is_terminal());
        Self { limit, advice: advice.into(), raw: false }
    }
}

/// How long is waited, where somebody watches or not.
fn limit(seconds: Option<u64>, watched: bool) -> Option<Duration> {
    match seconds {
        Some(0) => None,
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => (!watched).then_some(UNWATCHED),
    }
}

/// A target that is watched while it is waited for.
pub struct Patient {
    inner: Arc<Inner>,
}

struct Inner {
    target: Arc<dyn Target>,
    patience: Patience,
    hangs: Arc<AtomicBool>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    last: u64,
    calls: HashMap<u64, Waits>,
    watched: bool,
}

/// A request that is not over.
#[derive(Clone)]
struct Waits {
    since: Instant,
    /// Does it need the guest, or only its lab?
    guest: bool,
    sink: Arc<Mutex<Option<Sink>>>,
    /// Ends it, once it has been started.
    control: Arc<Mutex<Option<Arc<dyn CallControl>>>>,
}

impl Patient {
    /// `target`, waited for with `patience`.
    pub fn new(target: Arc<dyn Target>, patience: Patience) -> Self {
        let (hangs, waiting) = (Arc::default(), Mutex::default());
        Self { inner: Arc::new(Inner { target, patience, hangs, waiting }) }
    }

    /// Is true while the kernel is known to hang.
    pub fn hangs(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.inner.hangs)
    }
}

impl Target for Patient {
    fn start(&self, request: Request, sink: Sink) -> TargetResult<Call> {
        let sink = Arc::new(Mutex::new(Some(sink)));
        let guest = !matches!(request, Request::Lab(_));
        let control = Arc::<Mutex<_>>::default();
        let waits = Waits {
            since: Instant::now(),
            guest,
            sink: Arc::clone(&sink),
            control: Arc::clone(&control),
        };
        let number = self.inner.add(waits)?;
        let inner = Arc::downgrade(&self.inner);
        let passing = Box::new(move |item: Item| {
            let last = matches!(item, Item::Done(_));
            if last && let Some(inner) = inner.upgrade() {
                inner.remove(number);
            }
            let mut place = sink.lock();
            if let Some(sink) = place.as_mut() {
                sink(item);
            }
            if last {
                *place = None;
            }
        });
        let started = self.inner.target.start(request, passing);
        match &started {
            Ok(call) => *control.lock() = Some(call.control()),
            Err(_) => self.inner.remove(number),
        }
        started
    }
}

impl Inner {
    fn add(self: &Arc<Self>, waits: Waits) -> TargetResult<u64> {
        let mut waiting = self.waiting.lock();
        if !waiting.watched {
            let this = Arc::downgrade(self);
            thread::Builder::new()
                .name("patience".into())
                .spawn(move || watch(&this))
                .map_err(|error| TargetError::io(&error, "start a thread"))?;
            waiting.watched = true;
        }
        waiting.last += 1;
        let number = waiting.last;
        waiting.calls.insert(number, waits);
        Ok(number)
    }

    fn remove(&self, number: u64) {
        self.waiting.lock().calls.remove(&number);
    }

    /// The requests that have waited for so long that one may wonder.
    fn late(&self) -> Vec<(u64, Waits)> {
        let waiting = self.waiting.lock();
        let late = waiting.calls.iter().filter(|(_, waits)| waits.since.elapsed() >= LOOK_EVERY);
        late.map(|(number, waits)| (*number, waits.clone())).collect()
    }

    /// What is wrong at the other end.
    fn look(&self) -> Vec<Wrong> {
        let silent = |asked: Instant, who: &str| Wrong {
            text: format!("{who} has not answered for {} s", asked.elapsed().as_secs()),
            kind: Kind::Lab,
            for_ms: asked.elapsed().as_millis() as u64,
        };
        let asked = Instant::now();
        match put_within(&*self.target, question::Lab, ANSWERS_WITHIN, "the lab") {
            Ok(status) if status.guest == GuestState::Starting => {
                vec![Wrong {
                    text: "the guest is still starting".into(),
                    kind: Kind::Note,
                    for_ms: 0,
                }]
            }
            Ok(status) => status.troubles.iter().map(Wrong::from).collect(),
            Err(TargetError::Silent(_)) => vec![silent(asked, "the lab's own process")],
            Err(TargetError::Unsupported(_)) => {
                match ask_within(&*self.target, Request::Ping, ANSWERS_WITHIN, "it") {
                    Err(TargetError::Silent(_)) => vec![silent(asked, "the agent")],
                    _ => Vec::new(),
                }
            }
            // What waits is about to be told.
            Err(_) => Vec::new(),
        }
    }

    fn say(&self, text: &str) {
        let end = if self.patience.raw { "\r\n" } else { "\n" };
        // Nobody is left to tell when standard error is closed.
        drop(write!(std::io::stderr(), "note: {}{end}", visible(text)));
    }

    /// Ends a request, unless it hands something over just now: then it is
    /// looked at again.
    fn give_up(&self, number: u64, waits: &Waits, why: &str) {
        let Some(mut place) = waits.sink.try_lock() else {
            return;
        };
        self.remove(number);
        if let Some(mut sink) = place.take() {
            drop(place);
            sink(Item::Done(Err(TargetError::Silent(why.to_owned()))));
        }
        // Whoever still sends it input is to stop.
        let control = waits.control.lock().take();
        if let Some(control) = control {
            control.cancel();
        }
    }
}

/// Something that is wrong, as it is printed.
struct Wrong {
    text: String,
    kind: Kind,
    /// For how long, as far as that is known.
    for_ms: u64,
}

/// What kinds of wrong there are; each is printed once, and again when it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// The lab's process, or an agent without a lab, does not answer.
    Lab,
    /// The guest does not answer.
    Silent,
    /// It does, and something in it is stuck.
    Stuck,
    /// Somebody debugs it.
    Halted,
    /// It is well, and its surroundings are not.
    Note,
}

impl Kind {
    /// Does it hold up a request, which needs the `guest` or only its lab?
    fn holds(self, guest: bool) -> bool {
        match self {
            Self::Lab => true,
            Self::Silent | Self::Stuck | Self::Halted => guest,
            Self::Note => false,
        }
    }
}

impl From<&Trouble> for Wrong {
    fn from(trouble: &Trouble) -> Self {
        let (kind, for_ms) = match trouble {
            Trouble::Silent { for_ms, .. } => (Kind::Silent, *for_ms),
            Trouble::Stuck { .. } => (Kind::Stuck, 0),
            Trouble::Halted { .. } => (Kind::Halted, 0),
            Trouble::NoRoom { .. } => (Kind::Note, 0),
        };
        Self { text: trouble.sentence(), kind, for_ms }
    }
}

/// Something that was wrong before, too.
struct Known {
    since: Instant,
    /// When it was told for the last time.
    told: Option<Instant>,
}

/// Looks at what waits for as long as anybody may start something.
fn watch(inner: &Weak<Inner>) {
    let mut known = HashMap::new();
    loop {
        thread::sleep(LOOK_EVERY);
        let Some(inner) = inner.upgrade() else {
            return;
        };
        let late = inner.late();
        if !late.is_empty() {
            let wrong = inner.look();
            judge(&inner, &late, wrong, &mut known);
        }
    }
}

/// Tells what is wrong, and gives up what has waited for too long.
fn judge(
    inner: &Inner,
    late: &[(u64, Waits)],
    wrong: Vec<Wrong>,
    known: &mut HashMap<Kind, Known>,
) {
    // What needs only the lab is not held up by its guest.
    let held = |kind: Kind| late.iter().filter(move |(_, waits)| kind.holds(waits.guest));
    let hung = known.keys().any(|kind| *kind != Kind::Note);
    known.retain(|kind, _| wrong.iter().any(|wrong| wrong.kind == *kind));
    let hangs = wrong.iter().any(|wrong| held(wrong.kind).next().is_some());
    inner.hangs.store(hangs, Ordering::Relaxed);
    if hung && wrong.is_empty() {
        inner.say("the guest answers again");
    }
    let now = Instant::now();
    for Wrong { text, kind, for_ms } in wrong {
        let began = now.checked_sub(Duration::from_millis(for_ms)).unwrap_or(now);
        let entry = known.entry(kind).or_insert(Known { since: began, told: None });
        let lasts = now.duration_since(entry.since);
        if kind != Kind::Note && held(kind).next().is_none() {
            continue;
        }
        // At once, and then each time that it has lasted twice as long.
        let due = entry.told.is_none_or(|told| {
            kind != Kind::Note && lasts >= 2 * told.duration_since(entry.since).max(ANSWERS_WITHIN)
        });
        if due {
            entry.told = Some(now);
            match kind {
                Kind::Note => inner.say(&text),
                Kind::Halted => inner.say(&format!("{text}; it goes on when gdb says so, or ends")),
                _ => inner.say(&format!("{text}; {}", inner.patience.advice)),
            }
        }
        // Somebody watches it.
        if kind != Kind::Halted && inner.patience.limit.is_some_and(|limit| lasts >= limit) {
            for (number, waits) in held(kind) {
                inner.give_up(*number, waits, &text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::api::{LabRequest, LabStatus};
    use crate::kernel::call::ask;

    /// A lab whose guest takes requests and answers none.
    struct Hanging(Mutex<Vec<Sink>>);
    impl Target for Hanging {
        fn start(&self, request: Request, mut sink: Sink) -> TargetResult<Call> {
            if request == Request::Lab(LabRequest::Status) {
                sink(Item::Lab(Box::new(LabStatus {
                    guest: GuestState::Running,
                    troubles: vec![Trouble::Silent { for_ms: 7000, cause: None }],
                    ..LabStatus::default()
                })));
                sink(Item::Done(Ok(())));
            } else {
                self.0.lock().push(sink);
            }
            Ok(Call::over())
        }
    }

    #[test]
    fn a_guest_that_hangs_is_given_up_where_nobody_watches() {
        let patience = Patience {
            limit: Some(Duration::from_secs(6)),
            advice: "nothing helps".into(),
            raw: false,
        };
        let target = Patient::new(Arc::new(Hanging(Mutex::default())), patience);
        let error = ask(&target, Request::Modules, &[]).unwrap_err();
        assert_eq!(error, TargetError::Silent("the guest has not answered for 7 s".into()));
        assert!(target.hangs().load(Ordering::Relaxed));
    }

    #[test]
    fn without_a_limit_it_is_a_minute_where_nobody_watches_and_none_elsewhere() {
        assert_eq!(limit(None, false), Some(Duration::from_secs(60)));
        assert_eq!(limit(None, true), None);
        assert_eq!(limit(Some(0), false), None);
    }

    #[test]
    fn a_limit_of_nothing_is_none() {
        assert_eq!(Patience::new(Some(0), "").limit, None);
        assert_eq!(Patience::new(Some(9), "").limit, Some(Duration::from_secs(9)));
    }
}
