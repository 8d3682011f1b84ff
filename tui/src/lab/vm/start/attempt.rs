// SPDX-License-Identifier: MIT OR Apache-2.0
//! One attempt to start a guest: resume the saved machine, else boot and save
//! one; then tell the guest what it can't know.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::guest::{Guest, Hooks, StartStep};
use super::plan::Plan;
use crate::kernel::api::{HostView, Wake};
use crate::kernel::call::ask_within;
use crate::kernel::wire::RESYNCHRONISE;
use crate::kernel::{Request, Target, TargetError};
use crate::lab::proc::Waited;
use crate::lab::vm::accel::Choice;
use crate::lab::vm::command::Spec;
use crate::lab::vm::confine::Masks;
use crate::lab::vm::error::{VmError, VmResult};
use crate::lab::vm::hotplug::{Plugged, await_stick};
use crate::lab::vm::machine::Machine;
use crate::lab::vm::mark::Mark;
use crate::lab::vm::saved::{Clock, Key, States};
use crate::lab::vm::stick::Stick;
use crate::lab::vm::watchdog::{Limits, Watchdog};

/// How long a resumed guest may take to answer: a hundred times what it does.
const RESUME: Duration = Duration::from_secs(10);

/// The same, once its processors run.
const AWAKE: Limits = Limits { quiet: RESUME, whole: RESUME };

/// So many times its limit a guest may have in addition while it waits for a
/// processor of the host.
const STARVED: u32 = 3;

/// How often a guest that boots is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What a kernel says that gives up its precise timers because the computer was
/// too busy for its first look at them.
const BAD_CLOCK: &str = "APIC timer disabled due to verification failure";

/// What a kernel says whose detectors are spent: KASAN reports once, and lockdep
/// ends with the first report of anything. A kernel with KASAN and five levels of
/// page tables may say so for nothing: while it looks at its first processor
/// again (`identify_cpu`) it takes that to have four levels, and then a tick of
/// the timer seems to use memory that can't be.
const SPENT: &str = "BUG: KASAN:";

/// How often such a guest is booted in all before it is taken as it is.
const BOOTS: u32 = 3;

/// How many console lines an error shows.
const LINES: usize = 12;

pub(super) struct Attempt<'a> {
    pub(super) spec: &'a Spec,
    pub(super) plan: &'a Plan,
    pub(super) hooks: &'a Hooks<'a>,
    pub(super) states: &'a States,
    pub(super) key: &'a Key,
    pub(super) view: &'a HostView,
    pub(super) masks: &'a Masks,
}

impl Attempt<'_> {
    pub(super) fn run(&self, choice: Choice, limits: Limits) -> VmResult<Guest> {
        if let Some(mark) = &self.plan.mark {
            return self.rewind(choice, mark).map_err(|error| self.aborted().unwrap_or(error));
        }
        if !self.plan.cold
            && let Some(guest) = self.resume(&choice)?
        {
            return Ok(guest);
        }
        // A start that was given up fails for that reason and for no other.
        self.boot(choice, limits).map_err(|error| self.aborted().unwrap_or(error))
    }

    fn aborted(&self) -> Option<VmError> {
        self.hooks.abort.check().err()
    }

    /// Resumes the saved machine; `None` where there is none that works.
    fn resume(&self, choice: &Choice) -> VmResult<Option<Guest>> {
        let Some(state) = self.states.open(self.key) else {
            return Ok(None);
        };
        let resumed = self
            .plan
            .savable_stick()
            .and_then(|(stick, plugged)| self.go_on(choice, &state, Some(&stick), plugged));
        match resumed {
            Ok(guest) => {
                let origin = Some(self.states.resumed(self.key));
                Ok(Some(Guest { origin, ..guest }))
            }
            Err(error) => {
                if let Some(aborted) = self.aborted() {
                    return Err(aborted);
                }
                if error.blames_the_saved_machine() {
                    self.states.discard(self.key);
                }
                (self.hooks.steps)(StartStep::Detour(format!(
                    "the saved machine could not be resumed ({}): booting again",
                    error.brief()
                )));
                Ok(None)
            }
        }
    }

    /// Goes on from `mark`, with the plan's stick: there is no other way to get there.
    fn rewind(&self, choice: Choice, mark: &Mark) -> VmResult<Guest> {
        let stick = self.plan.stick.as_deref();
        self.go_on(&choice, &mark.state()?, stick, Plugged::Right)
    }

    /// A guest that goes on from the machine in `state`, told what has changed since.
    fn go_on(
        &self,
        choice: &Choice,
        state: &File,
        stick: Option<&Stick>,
        plugged: Plugged,
    ) -> VmResult<Guest> {
        (self.hooks.steps)(StartStep::Resuming(self.spec.accelerator));
        let began = Instant::now();
        self.hooks.console.begin();
        let events = (self.hooks.events)();
        let machine = Machine::launch(
            self.spec,
            self.masks,
            stick,
            Some(state),
            self.hooks.console,
            &events,
        )?;
        self.hooks.abort.watch(&machine)?;
        let launched = began.elapsed();
        machine.go_on(RESUME)?;
        let read = began.elapsed();
        if self.plan.mark.is_some() {
            self.interrupt(&machine)?;
        }
        let target = self.greet(&machine, AWAKE)?;
        let started_in = began.elapsed();
        self.wake(&*target).map_err(|error| match ended(&machine) {
            Some(how) => VmError::Ended { how },
            None => error,
        })?;
        tracing::debug!(
            "resumed: QEMU up after {launched:?}, the machine read in after {read:?}, \
             the agent answered after {started_in:?}, was awake after {:?}",
            began.elapsed()
        );
        Ok(Guest {
            machine: Arc::new(machine),
            target,
            choice: choice.clone(),
            resumed: true,
            origin: None,
            key: self.key.clone(),
            started_in,
            stick_trouble: None,
            plugged,
        })
    }

    /// Boots a guest whose detectors are sound, if that can be had.
    fn boot(&self, choice: Choice, limits: Limits) -> VmResult<Guest> {
        let mut left = BOOTS;
        loop {
            left -= 1;
            if let Some(guest) = self.boot_once(choice.clone(), limits, left == 0)? {
                return Ok(guest);
            }
            (self.hooks.steps)(StartStep::Detour(
                "the kernel reported a mistake while it booted and looks for no more of them \
                 after it: booting again"
                    .into(),
            ));
        }
    }

    /// Boots a guest; `None` where its detectors are spent, unless `anyway`.
    fn boot_once(&self, choice: Choice, limits: Limits, anyway: bool) -> VmResult<Option<Guest>> {
        self.hooks.abort.check()?;
        (self.hooks.steps)(StartStep::Booting(self.spec.accelerator));
        let began = Instant::now();
        self.hooks.console.begin();
        let events = (self.hooks.events)();
        let (stick, plugged) = if self.plan.cold {
            (self.plan.stick.clone(), Plugged::Right)
        } else {
            let (stick, plugged) = self.plan.savable_stick()?;
            (Some(stick), plugged)
        };
        let machine = Machine::launch(
            self.spec,
            self.masks,
            stick.as_deref(),
            None,
            self.hooks.console,
            &events,
        )?;
        self.hooks.abort.watch(&machine)?;
        let target = self.greet(&machine, limits)?;
        let started_in = began.elapsed();
        let spent = self.hooks.console.holds(SPENT);
        if spent && !anyway {
            return Ok(None);
        }
        let seen = if stick.is_some() { await_stick(&*target, true) } else { Ok(()) };
        let stick_trouble = match seen {
            Ok(()) => None,
            // All else of the guest is as good without it.
            Err(VmError::Agent(error @ TargetError::Errno { .. })) => Some(error.to_string()),
            Err(error) => return Err(error),
        };
        // One that lacks what every later start expects is not kept.
        if !self.plan.cold && !spent && stick_trouble.is_none() {
            self.save(&machine);
        }
        self.wake(&*target)?;
        Ok(Some(Guest {
            machine: Arc::new(machine),
            target,
            choice,
            resumed: false,
            origin: None,
            key: self.key.clone(),
            started_in,
            stick_trouble,
            plugged,
        }))
    }

    /// A guest that can't be saved is as good as any other, only slower next time.
    fn save(&self, machine: &Machine) {
        let clock = if self.hooks.console.holds(BAD_CLOCK) { Clock::Poor } else { Clock::Good };
        match self.states.save(self.key, machine, clock) {
            Ok(true) => (self.hooks.steps)(StartStep::Saved),
            Ok(false) => {}
            Err(error) => (self.hooks.steps)(StartStep::Detour(format!(
                "the guest was not saved, so the next start boots as well: {error}"
            ))),
        }
    }

    /// Makes an agent that was marked in the middle of a conversation listen: it
    /// may hold the first half of a frame whose rest nobody will send.
    fn interrupt(&self, machine: &Machine) -> VmResult<()> {
        machine.with_agent(|mut port| port.write_all(RESYNCHRONISE))
    }

    /// Waits until the agent answers, within `limits`.
    fn greet(&self, machine: &Machine, limits: Limits) -> VmResult<Arc<dyn Target>> {
        let port = machine
            .take_agent()
            .ok_or_else(|| VmError::Ended { how: "its agent's port is taken".into() })?;
        let (send, answer) = channel();
        let connect = Arc::clone(self.hooks.connect);
        thread::Builder::new()
            .name("greet".into())
            // Nobody listens any more where the guest was given up; its port
            // ends with it, and so does this thread.
            .spawn(move || drop(send.send(connect(port))))
            .map_err(VmError::io("start a thread"))?;
        let mut watchdog = Watchdog::new(limits, Instant::now());
        let before = Waited::now(machine.pid());
        loop {
            match answer.recv_timeout(LOOK_EVERY) {
                Ok(Ok(target)) => return Ok(target),
                Ok(Err(error)) => return Err(self.no_answer(machine, &error.to_string())),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.no_answer(machine, "its thread ended"));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let last_line = self.hooks.console.last_line();
            // On a busy host it takes longer, in which the guest does not stand still.
            let starved = Waited::now(machine.pid()).since(&before).min(limits.whole * STARVED);
            let now = Instant::now();
            let now = now.checked_sub(starved).unwrap_or(now);
            if let Some(why) = watchdog.look(now, last_line, machine.worked()) {
                return Err(self.no_boot(why));
            }
        }
    }

    fn no_answer(&self, machine: &Machine, why: &str) -> VmError {
        if let Some(how) = ended(machine) {
            return VmError::Ended { how };
        }
        self.no_boot(format!("the guest's agent could not be reached ({why})"))
    }

    fn no_boot(&self, why: String) -> VmError {
        let why = match self.hooks.console.panic_reason() {
            Some(panic) => format!("the kernel did not boot: {panic}"),
            None => why,
        };
        VmError::NoBoot { why, console: self.hooks.console.last_lines(LINES) }
    }

    /// Tells the guest what it can't know.
    fn wake(&self, target: &dyn Target) -> VmResult<()> {
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let wake = Wake {
            unix_ns: u64::try_from(unix.as_nanos()).unwrap_or_default(),
            entropy: entropy()?,
            host: Box::new(self.view.clone()),
        };
        ask_within(target, Request::Wake(wake), RESUME, "it")?;
        Ok(())
    }
}

/// How QEMU has ended, if that is why a conversation with the guest has: its port
/// ends a moment before QEMU does.
fn ended(machine: &Machine) -> Option<String> {
    for _ in 0..50 {
        if let Some(how) = machine.ended() {
            return Some(how);
        }
        thread::sleep(Duration::from_millis(2));
    }
    None
}

/// 64 bytes from the host's random pool.
fn entropy() -> VmResult<Vec<u8>> {
    use std::io::Read;
    let mut bytes = vec![0; 64];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut pool| pool.read_exact(&mut bytes))
        .map_err(VmError::io("read /dev/urandom"))?;
    Ok(bytes)
}
