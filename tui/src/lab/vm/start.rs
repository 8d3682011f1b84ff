// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a description of a guest to one whose agent answers: resumed from a
//! saved machine where there is one, else booted, and saved for the next time.
//!
//! A guest is saved before it has mounted anything and before it was told
//! anything of this run ([`Wake`]), so that every later run can resume it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;

use super::accel::{Accelerator, Choice, Verdicts};
use super::command::{QEMU, ROOT_TAG, Spec, WORK_TAG, Wiring, arguments, shell_line};
use super::console::Console;
use super::error::{VmError, VmResult};
use super::initramfs::{self, identity};
use super::knock::knock;
use super::machine::{Machine, MachineEvents};
use super::saved::{Clock, Key, States};
use super::settle::{Plugged, Settle, await_stick};
use super::stick::Stick;
use super::watchdog::{Limits, Watchdog};
use crate::target::api::{Share, Wake};
use crate::target::call::ask;
use crate::target::remote::Remote;
use crate::target::{Request, Target, TargetResult};

/// How long a boot may take.
const BOOT: Limits = Limits {
    quiet: Duration::from_secs(15),
    whole: Duration::from_secs(120),
};
/// How long a resumed guest may take to answer: a hundred times what it does.
const RESUME: Duration = Duration::from_secs(10);
/// The same, once its processors run.
const AWAKE: Limits = Limits {
    quiet: RESUME,
    whole: RESUME,
};
/// How long a first boot with KVM may take before emulation is used instead.
const TRIAL: Limits = Limits {
    quiet: Duration::from_secs(10),
    whole: Duration::from_secs(10),
};
/// How often a guest that boots is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// What a kernel says that gives up its precise timers because the computer was
/// too busy for its first look at them.
const BAD_CLOCK: &str = "APIC timer disabled due to verification failure";
/// What a kernel says whose detectors are spent: KASAN reports once, and lockdep
/// ends with the first report of anything. A kernel with KASAN and five levels of
/// page tables may say so for nothing: while it looks at its first processor
/// anew (`identify_cpu`) it takes that to have four levels, and then a tick of
/// the timer seems to use memory that can't be.
const SPENT: &str = "BUG: KASAN:";
/// How often such a guest is booted in all before it is taken as it is.
const BOOTS: u32 = 3;
/// How many console lines an error shows.
const LINES: usize = 12;

/// What a guest is to be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The kernel's image: a bzImage or a vmlinux with a PVH entry.
    pub kernel: PathBuf,
    /// What the kernel's flavour is told beside what every kernel is.
    pub kernel_arguments: String,
    /// The accelerator asked for; `None`: the best that works.
    pub accelerator: Option<Accelerator>,
    /// Boot from nothing even where a saved machine could be resumed.
    pub cold: bool,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Processors.
    pub processors: u32,
    /// The working directory, shared with the guest.
    pub work: PathBuf,
    /// May the guest write there?
    pub work_writable: bool,
    /// The USB stick; `None`: it is not plugged in.
    pub stick: Option<Arc<Stick>>,
    /// The program that becomes the guest's init and agent.
    pub program: PathBuf,
    /// Where initramfs, saved machines and verdicts are kept.
    pub cache: PathBuf,
}

impl Guest {
    /// What is left to be done about the stick.
    pub fn settle(&self) -> Settle {
        Settle::new(
            Arc::clone(&self.machine),
            Arc::clone(&self.target),
            self.plugged.clone(),
        )
    }
}

impl Plan {
    /// The stick for a guest that is or will be saved: saved machines have an
    /// empty one, of which the guest's caches may hold a few sectors.
    fn savable_stick(&self) -> VmResult<(Arc<Stick>, Plugged)> {
        match &self.stick {
            Some(stick) if stick.is_pristine() => Ok((Arc::clone(stick), Plugged::Right)),
            wanted => Ok((
                Arc::new(Stick::empty(&self.cache)?),
                Plugged::Substitute {
                    wanted: wanted.clone(),
                },
            )),
        }
    }

    fn spec(&self, accelerator: Accelerator, initramfs: PathBuf) -> Spec {
        Spec {
            accelerator,
            memory_mib: self.memory_mib,
            processors: self.processors,
            kernel: self.kernel.clone(),
            initramfs,
            kernel_arguments: self.kernel_arguments.clone(),
            work: self.work.clone(),
            work_writable: self.work_writable,
        }
    }
}

/// A guest whose agent has answered and was told what it needs to know.
pub struct Guest {
    /// The QEMU it runs in.
    pub machine: Arc<Machine>,
    /// Its kernel.
    pub target: Arc<dyn Target>,
    /// Who runs it, and why.
    pub choice: Choice,
    /// Did it resume from a saved machine?
    pub resumed: bool,
    /// From the start of QEMU to the agent's answer.
    pub started_in: Duration,
    /// What is plugged in so far; [`Guest::settle`] makes it what it should be.
    plugged: Plugged,
}

/// Makes a target of the agent's port; blocks until the agent answers.
pub type Connect = Arc<dyn Fn(UnixStream) -> TargetResult<Arc<dyn Target>> + Send + Sync>;

/// The [`Connect`] of whoever has the agent's port for itself: waits for as
/// long as the guest boots.
///
/// # Errors
/// The port ends, or an agent of another version answers.
pub fn reach_agent(port: UnixStream) -> TargetResult<Arc<dyn Target>> {
    knock(&port)?;
    Ok(Arc::new(Remote::over_socket(port)?))
}

/// What of a start is worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartStep {
    /// QEMU boots the kernel.
    Booting(Accelerator),
    /// QEMU resumes the saved machine.
    Resuming(Accelerator),
    /// The first guest was saved for the next start.
    Saved,
    /// Something went wrong that another way gets round: the sentence.
    Detour(String),
}

/// What a guest's surroundings hear of it.
pub struct Hooks<'a> {
    /// Gets what its serial line carries; emptied at each attempt.
    pub console: &'a Arc<Console>,
    /// Hears what happens to a machine. Each attempt asks for a new one.
    pub events: &'a dyn Fn() -> MachineEvents,
    /// Reaches the agent.
    pub connect: &'a Connect,
    /// Hears of the steps.
    pub steps: &'a dyn Fn(StartStep),
}

/// Starts the guest that `plan` describes.
///
/// # Errors
/// QEMU is missing or refuses, or the kernel does not boot: the error then
/// holds the last lines of its console.
pub fn start(plan: &Plan, hooks: &Hooks<'_>) -> VmResult<Guest> {
    let kernel = kernel_identity(plan)?;
    let qemu = qemu_identity()?;
    let initramfs = initramfs::ensure(&plan.cache.join("initramfs"), &plan.program)?;
    let verdicts = Verdicts::new(&plan.cache.join("verdicts"), &qemu, &kernel);
    let states = States::new(&plan.cache.join("states"));
    let mut choice = verdicts.choose(plan.accelerator);
    loop {
        let spec = plan.spec(choice.accelerator, initramfs.path.clone());
        let key = Key::new(&qemu, &spec, &kernel, &initramfs.key);
        let attempt = Attempt {
            spec: &spec,
            plan,
            hooks,
            states: &states,
            key: &key,
        };
        if !choice.untried {
            return attempt.run(choice, BOOT);
        }
        match attempt.run(choice.clone(), TRIAL) {
            Ok(guest) => {
                verdicts.record(Ok(()));
                return Ok(guest);
            }
            Err(error) => {
                choice = verdicts.record(Err(brief(&error)));
                (hooks.steps)(StartStep::Detour(choice.reason.clone()));
            }
        }
    }
}

/// The command that boots the guest that `plan` describes by hand, for a shell.
/// KVM that has not been tried out yet is left alone.
///
/// # Errors
/// The kernel is not there, or the initramfs can't be made.
pub fn by_hand(plan: &Plan, wiring: &Wiring) -> VmResult<OsString> {
    let kernel = kernel_identity(plan)?;
    let qemu = qemu_identity()?;
    let initramfs = initramfs::ensure(&plan.cache.join("initramfs"), &plan.program)?;
    let verdicts = Verdicts::new(&plan.cache.join("verdicts"), &qemu, &kernel);
    let choice = verdicts.choose(plan.accelerator);
    let accelerator = if choice.untried {
        Accelerator::Tcg
    } else {
        choice.accelerator
    };
    let spec = plan.spec(accelerator, initramfs.path);
    Ok(shell_line(Path::new(QEMU), &arguments(&spec, wiring)))
}

fn kernel_identity(plan: &Plan) -> VmResult<String> {
    identity(&plan.kernel).map_err(VmError::io(format!(
        "look at the kernel {}",
        plan.kernel.display()
    )))
}

/// What identifies the installed QEMU.
fn qemu_identity() -> VmResult<String> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let program = std::env::split_paths(&folders)
        .map(|folder| folder.join(QEMU))
        .find(|path| path.is_file())
        .ok_or(VmError::NoQemu)?;
    identity(&program).map_err(VmError::io(format!("look at {}", program.display())))
}

/// An error in one line, for a sentence about a detour.
fn brief(error: &VmError) -> String {
    match error {
        VmError::NoBoot { why, .. } => why.clone(),
        VmError::Ended { how } => how.clone(),
        other => other.to_string(),
    }
}

struct Attempt<'a> {
    spec: &'a Spec,
    plan: &'a Plan,
    hooks: &'a Hooks<'a>,
    states: &'a States,
    key: &'a Key,
}

impl Attempt<'_> {
    fn run(&self, choice: Choice, limits: Limits) -> VmResult<Guest> {
        if !self.plan.cold
            && let Some(guest) = self.resume(&choice)
        {
            return Ok(guest);
        }
        self.boot(choice, limits)
    }

    /// Resumes the saved machine; `None` where there is none that works.
    fn resume(&self, choice: &Choice) -> Option<Guest> {
        let state = self.states.open(self.key)?;
        (self.hooks.steps)(StartStep::Resuming(self.spec.accelerator));
        let began = Instant::now();
        self.hooks.console.begin();
        let events = (self.hooks.events)();
        let resumed = self.plan.savable_stick().and_then(|(stick, plugged)| {
            let console = self.hooks.console;
            let machine = Machine::launch(self.spec, Some(&stick), Some(&state), console, &events)?;
            let launched = began.elapsed();
            machine.go_on(RESUME)?;
            let read = began.elapsed();
            let target = self.greet(&machine, AWAKE)?;
            let started_in = began.elapsed();
            self.wake(&*target)?;
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
                started_in,
                plugged,
            })
        });
        match resumed {
            Ok(guest) => Some(guest),
            Err(error) => {
                self.states.discard(self.key);
                (self.hooks.steps)(StartStep::Detour(format!(
                    "the saved machine could not be resumed ({}): booting anew",
                    brief(&error)
                )));
                None
            }
        }
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
                 after it: booting anew"
                    .into(),
            ));
        }
    }

    /// Boots a guest; `None` where its detectors are spent, unless `anyway`.
    fn boot_once(&self, choice: Choice, limits: Limits, anyway: bool) -> VmResult<Option<Guest>> {
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
            stick.as_deref(),
            None,
            self.hooks.console,
            &events,
        )?;
        let target = self.greet(&machine, limits)?;
        let started_in = began.elapsed();
        let spent = self.hooks.console.holds(SPENT);
        if spent && !anyway {
            return Ok(None);
        }
        if stick.is_some() {
            await_stick(&*target, true)?;
        }
        if !self.plan.cold && !spent {
            self.save(&machine);
        }
        self.wake(&*target)?;
        Ok(Some(Guest {
            machine: Arc::new(machine),
            target,
            choice,
            resumed: false,
            started_in,
            plugged,
        }))
    }

    /// A guest that can't be saved is as good as any other, only slower next time.
    fn save(&self, machine: &Machine) {
        let clock = if self.hooks.console.holds(BAD_CLOCK) {
            Clock::Poor
        } else {
            Clock::Good
        };
        match self.states.save(self.key, machine, clock) {
            Ok(true) => (self.hooks.steps)(StartStep::Saved),
            Ok(false) => {}
            Err(error) => (self.hooks.steps)(StartStep::Detour(format!(
                "the guest was not saved, so the next start boots as well: {error}"
            ))),
        }
    }

    /// Waits until the agent answers, within `limits`.
    fn greet(&self, machine: &Machine, limits: Limits) -> VmResult<Arc<dyn Target>> {
        let port = machine.take_agent().ok_or_else(|| VmError::Ended {
            how: "its agent's port is taken".into(),
        })?;
        let (send, answer) = channel();
        let connect = Arc::clone(self.hooks.connect);
        thread::Builder::new()
            .name("greet".into())
            // Nobody listens any more where the guest was given up; its port
            // ends with it, and so does this thread.
            .spawn(move || drop(send.send(connect(port))))
            .map_err(VmError::io("start a thread"))?;
        let mut watchdog = Watchdog::new(limits, Instant::now());
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
            if let Some(why) = watchdog.look(Instant::now(), last_line, machine.worked()) {
                return Err(self.no_boot(why));
            }
        }
    }

    fn no_answer(&self, machine: &Machine, why: &str) -> VmError {
        // The port also ends a moment before QEMU does.
        for _ in 0..50 {
            if let Some(how) = machine.ended() {
                return VmError::Ended { how };
            }
            thread::sleep(Duration::from_millis(2));
        }
        self.no_boot(format!("the guest's agent could not be reached ({why})"))
    }

    fn no_boot(&self, why: String) -> VmError {
        let why = match self.hooks.console.panic_reason() {
            Some(panic) => format!("the kernel did not boot: {panic}"),
            None => why,
        };
        VmError::NoBoot {
            why,
            console: self.hooks.console.last_lines(LINES),
        }
    }

    /// Tells the guest what it can't know.
    fn wake(&self, target: &dyn Target) -> VmResult<()> {
        let unix = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let share = |tag: &str, path: &Path, writable| Share {
            tag: tag.into(),
            path: path.as_os_str().as_bytes().to_vec(),
            writable,
        };
        let wake = Wake {
            unix_ns: u64::try_from(unix.as_nanos()).unwrap_or_default(),
            entropy: entropy()?,
            shares: vec![
                share(ROOT_TAG, Path::new("/"), false),
                share(WORK_TAG, &self.plan.work, self.plan.work_writable),
            ],
        };
        ask(target, Request::Wake(wake), &[])?;
        Ok(())
    }
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
