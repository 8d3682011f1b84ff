// SPDX-License-Identifier: GPL-2.0
//! written_for_v1: counts the beats of a timer.
//!
//! A whole module in one file. It has what most modules have: a parameter for
//! when it is loaded, counters to watch, a control to set while it runs, a unit
//! test, and an unload that leaves nothing behind. From the folder above:
//!
//! ```text
//! ringside load written_for_v1 interval_ms=100
//! ringside counters written_for_v1 --watch
//! ringside set written_for_v1 paused 1
//! ringside kmsg
//! ringside unload written_for_v1
//! ringside test written_for_v1
//! ```

use kernel::{
    impl_has_hr_timer,
    prelude::*,
    sync::{
        atomic::{Atomic, Relaxed},
        Arc, ArcBorrow,
    },
    time::{
        hrtimer::{
            ArcHrTimerHandle, HrTimer, HrTimerCallback, HrTimerCallbackContext, HrTimerPointer,
            HrTimerRestart, RelativeMode,
        },
        Delta, Monotonic,
    },
};
use ringside::{About, Control, Counter, Folders, Shows, Unit};

// Version 1 of Ringside's support code: the folders of counters and controls.
// `ringside build` knows where it is. All else here is the kernel's own crate.
include!(concat!(env!("RINGSIDE_SUPPORT"), "/v1.rs"));

// What `modinfo` says of the module, and which parameters `insmod` takes.
module! {
    type: WrittenForV1,
    name: "written_for_v1",
    authors: ["Someone"],
    description: "Counts the beats of a timer",
    // Only a module under the GPL may use all of the kernel.
    license: "GPL",
    params: {
        interval_ms: u32 {
            default: 1000,
            description: "milliseconds between two beats, 1 to 60000",
        },
    },
}

/// What is shown in /sys/module/written_for_v1/: each counter is a file in `counters/`,
/// each control one in `controls/`. The dashboard charts every counter.
const ABOUT: About = About {
    name: "written_for_v1",
    summary: "Counts the beats of a timer",
    device: None,
    parameters: &[],
    counters: &[
        Counter {
            name: "beats",
            unit: Unit::Count,
            // It only grows, so the dashboard shows its rate, too.
            monotonic: true,
            help: "beats since the module was loaded",
        },
        Counter {
            name: "skipped",
            unit: Unit::Count,
            monotonic: true,
            help: "beats that were not counted, since it was paused",
        },
    ],
    controls: &[Control {
        name: "paused",
        unit: Unit::Switch,
        min: 0,
        max: 1,
        help: "1 stops the counting, 0 goes on",
    }],
    tables: &[],
};

/// What the timer, the files in /sys and the module share. All of them run at
/// any time and on any processor, so each number is an atomic.
#[pin_data]
struct Pulse {
    /// The kernel's part of the timer. It is linked into lists of the kernel,
    /// so it must not move: that is what `pin` says.
    #[pin]
    timer: HrTimer<Self>,
    interval: Delta,
    beats: Atomic<u64>,
    skipped: Atomic<u64>,
    paused: Atomic<bool>,
}

impl Pulse {
    /// One beat. It may not sleep: a timer's callback runs in an interrupt.
    fn beat(&self) {
        let counter = if self.paused.load(Relaxed) { &self.skipped } else { &self.beats };
        counter.fetch_add(1, Relaxed);
    }
}

impl HrTimerCallback for Pulse {
    type Pointer<'a> = Arc<Self>;

    /// The kernel calls this when the time is up.
    fn run(
        this: ArcBorrow<'_, Self>,
        mut context: HrTimerCallbackContext<'_, Self>,
    ) -> HrTimerRestart {
        this.beat();
        context.forward_now(this.interval);
        HrTimerRestart::Restart
    }
}

impl_has_hr_timer! {
    impl HasHrTimer<Self> for Pulse {
        mode: RelativeMode<Monotonic>, field: self.timer
    }
}

/// What a reader of a file in /sys gets, and what a writer changes.
impl Shows for Pulse {
    const MODULE: &'static About = &ABOUT;

    fn counter(&self, name: &str) -> Option<u64> {
        match name {
            "beats" => Some(self.beats.load(Relaxed)),
            "skipped" => Some(self.skipped.load(Relaxed)),
            _ => None,
        }
    }

    fn control(&self, name: &str) -> Option<u64> {
        match name {
            "paused" => Some(self.paused.load(Relaxed).into()),
            _ => None,
        }
    }

    /// The value lies between `min` and `max`: anything else was refused.
    fn set_control(&self, name: &str, value: u64) -> Result {
        match name {
            "paused" => self.paused.store(value != 0, Relaxed),
            _ => return Err(ENOENT),
        }
        Ok(())
    }
}

/// Checks the parameter; an error number is how the kernel says no.
fn interval(milliseconds: u32) -> Result<Delta> {
    match milliseconds {
        1..=60_000 => Ok(Delta::from_millis(milliseconds.into())),
        _ => Err(EINVAL),
    }
}

/// The module while it is loaded. Its fields are dropped in this order: first
/// the files go, so that nobody reads any more, then the timer is cancelled.
struct WrittenForV1 {
    _folders: Folders<Pulse>,
    _timer: ArcHrTimerHandle<Pulse>,
}

impl kernel::Module for WrittenForV1 {
    /// Runs when the module is loaded. An error refuses to load it, and all
    /// that was made up to there is dropped.
    fn init(module: &'static ThisModule) -> Result<Self> {
        let milliseconds = module_parameters::interval_ms.value();
        let interval = interval(milliseconds)
            .inspect_err(|_| pr_err!("interval_ms={milliseconds} is not within 1 to 60000\n"))?;
        let pulse = Arc::pin_init(
            pin_init!(Pulse {
                timer <- HrTimer::new(),
                interval,
                beats: Atomic::new(0),
                skipped: Atomic::new(0),
                paused: Atomic::new(false),
            }),
            GFP_KERNEL,
        )?;
        let folders = Folders::new(module, &pulse)?;
        let timer = pulse.start(interval);
        pr_info!("a beat every {milliseconds} ms\n");
        Ok(Self { _folders: folders, _timer: timer })
    }
}

impl Drop for WrittenForV1 {
    /// Runs when the module is unloaded, before its fields are dropped.
    fn drop(&mut self) {
        pr_info!("unloaded\n");
    }
}

/// Unit tests that run inside the kernel, when `ringside test` loads the module
/// into the debug kernel. In other kernels they are left out.
#[kunit_tests(written_for_v1)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_within_the_limits_is_taken() -> Result {
        assert_eq!(interval(1)?, Delta::from_millis(1));
        assert_eq!(interval(60_000)?, Delta::from_millis(60_000));
        Ok(())
    }

    #[test]
    fn any_other_interval_is_refused() {
        assert!(interval(0).is_err());
        assert!(interval(60_001).is_err());
    }
}
