// SPDX-License-Identifier: MIT OR Apache-2.0
//! The heartbeat of a guest that runs: its agent is asked every second whether it is
//! there, and what its kernel says of processors that are stuck is heard.
//!
//! Silence counts only as far as the guest could have spoken: the time that QEMU
//! waited for a processor of a busy host is taken off. A QEMU that somebody has
//! stopped waits for none.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::console::Console;
use super::error::{VmError, VmResult};
use super::halt::Halt;
use super::room::Room;
use crate::kernel::api::{Item, Trouble};
use crate::kernel::{Request, Target};
use crate::lab::proc::{self, Waited};

/// How often a guest is asked.
const EVERY: Duration = Duration::from_secs(1);
/// How often one that has not answered yet is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// So much silence is too much.
const SILENCE: Duration = Duration::from_secs(5);
/// How long what the kernel said of a stuck processor is news: it says it again
/// every 20 s.
const FRESH: Duration = Duration::from_secs(60);

/// What is known of a guest that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Since when it has not answered, if that is too long.
    silent_since: Option<Instant>,
    /// Is that the guest's own doing? Not where somebody has stopped its QEMU.
    hangs: bool,
    /// What is known of the cause.
    cause: Option<String>,
    /// Held by a debugger, and where.
    halted: Option<Option<String>>,
    /// What its kernel says of a stuck processor, although the agent answers.
    stuck: Option<String>,
    /// Where the host has no room for the USB stick.
    no_room: Option<String>,
}

impl Health {
    /// Since when the guest has not answered, although nothing but itself keeps it
    /// from that.
    pub fn hangs_since(&self) -> Option<Instant> {
        self.silent_since.filter(|_| self.hangs)
    }

    /// What is wrong at this time, the worst first.
    pub fn troubles(&self, now: Instant) -> Vec<Trouble> {
        let silent = self.silent_since.map(|since| Trouble::Silent {
            for_ms: now.saturating_duration_since(since).as_millis() as u64,
            cause: self.cause.clone(),
        });
        let halted = self.halted.clone().map(|place| Trouble::Halted { place });
        let stuck = self.stuck.clone().map(|words| Trouble::Stuck { words });
        let no_room = self.no_room.clone().map(|place| Trouble::NoRoom { place });
        [halted, silent, stuck, no_room].into_iter().flatten().collect()
    }
}

/// A guest to watch.
pub struct Heartbeat {
    /// Its QEMU.
    pub pid: i32,
    /// Its agent.
    pub target: Arc<dyn Target>,
    /// What its kernel says.
    pub console: Arc<Console>,
    /// Where its USB stick is written.
    pub room: Arc<Room>,
    /// Whether a debugger holds it still, when silence is no sign of anything.
    pub halt: Arc<Halt>,
}

impl Heartbeat {
    /// Watches on a thread of its own until the connection to the agent ends;
    /// `tell` gets each change.
    ///
    /// # Errors
    /// No thread can be made.
    pub fn start(self, mut tell: impl FnMut(Health) + Send + 'static) -> VmResult<()> {
        thread::Builder::new()
            .name("heartbeat".into())
            .spawn(move || {
                let mut known = Health::default();
                let mut tell = |health: Health| {
                    if health != known {
                        known = health.clone();
                        tell(health);
                    }
                };
                while self.beat(&mut tell) {
                    thread::sleep(EVERY);
                }
            })
            .map(drop)
            .map_err(VmError::io("start a thread"))
    }

    /// Asks once and waits for the answer; `false`: there is nobody to ask.
    fn beat(&self, tell: &mut impl FnMut(Health)) -> bool {
        let (send, answer) = channel();
        let sink = Box::new(move |item: Item| {
            if matches!(item, Item::Done(_)) {
                // Nobody waits any more for one that comes after the end.
                let _ = send.send(());
            }
        });
        let (mut asked, mut before) = (Instant::now(), Waited::now(self.pid));
        let Ok(_call) = self.target.start(Request::Ping, sink) else {
            return false;
        };
        let mut was_stopped = false;
        loop {
            // An agent that has died has said so: another is asked next.
            match answer.recv_timeout(LOOK_EVERY) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                    tell(Health { stuck: self.complaint(), ..self.health() });
                    return true;
                }
            }
            if let Some(place) = self.halt.halted() {
                (asked, before) = (Instant::now(), Waited::now(self.pid));
                tell(Health { halted: Some(place), ..self.health() });
                continue;
            }
            let stopped = proc::stopped(self.pid);
            was_stopped |= stopped;
            let starved = Waited::now(self.pid).since(&before);
            if asked.elapsed().saturating_sub(starved) >= SILENCE {
                let cause = if stopped { Some(self.stopped()) } else { self.complaint() };
                let (silent_since, hangs) = (Some(asked), !was_stopped);
                tell(Health { silent_since, hangs, cause, ..self.health() });
            }
        }
    }

    fn health(&self) -> Health {
        Health { no_room: self.room.missing(), ..Health::default() }
    }

    fn complaint(&self) -> Option<String> {
        let (said, words) = self.console.complaint()?;
        (said.elapsed() < FRESH).then_some(words)
    }

    fn stopped(&self) -> String {
        format!("QEMU is stopped: `kill -CONT {}` lets it go on", self.pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Call, Sink, TargetResult};
    use std::sync::Mutex;

    /// Answers the first question and keeps what comes after.
    #[derive(Default)]
    struct Once(Mutex<Vec<Sink>>, Mutex<bool>);
    impl Target for Once {
        fn start(&self, request: Request, mut sink: Sink) -> TargetResult<Call> {
            assert_eq!(request, Request::Ping);
            if std::mem::replace(&mut *self.1.lock().unwrap(), true) {
                self.0.lock().unwrap().push(sink);
            } else {
                sink(Item::Done(Ok(())));
            }
            Ok(Call::over())
        }
    }

    #[test]
    fn a_guest_that_falls_silent_is_told_of_and_so_is_its_answer() {
        let target = Arc::new(Once::default());
        let console = Console::new();
        let words = "watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [insmod:77]";
        console.write(format!("[   30.1] {words}\n").as_bytes());
        let (send, heard) = channel();
        let heartbeat = Heartbeat {
            pid: std::process::id() as i32,
            target: Arc::<Once>::clone(&target),
            console,
            room: Arc::new(Room::at("/".into())),
            halt: Arc::default(),
        };
        heartbeat.start(move |health| drop(send.send(health))).unwrap();
        let next = || heard.recv_timeout(Duration::from_secs(60)).unwrap();
        let troubles = next().troubles(Instant::now());
        assert_eq!(troubles, [Trouble::Stuck { words: words.into() }]);
        let troubles = next().troubles(Instant::now());
        let [Trouble::Silent { for_ms, cause }] = &troubles[..] else {
            panic!("{troubles:?}");
        };
        assert!(*for_ms >= 5000, "{for_ms}");
        assert_eq!(cause.as_deref(), Some(words));
        target.0.lock().unwrap().pop().unwrap()(Item::Done(Ok(())));
        assert_eq!(next().silent_since, None);
    }
}
