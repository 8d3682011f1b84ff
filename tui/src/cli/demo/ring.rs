// SPDX-License-Identifier: MIT OR Apache-2.0
//! Producers and consumers: let run, paused, and moved item by item.

use super::stage::{Counters, Stage, count, expect};
use crate::cli::Failure;

/// How many items are to pass before it is paused.
const SOME: u64 = 100;
/// How many items are moved by hand.
const STEPS: u64 = 3;

/// Plays it.
pub(super) fn play(stage: &mut Stage) -> Result<(), Failure> {
    stage.load(&["prod=2", "cons=1", "size=5"])?;
    stage.wait("items pass", |counters| count(counters, "consumed") >= SOME)?;
    stage.tell_counters()?;
    stage.set("paused", "1")?;
    let paused = stage.tell_counters()?;
    let held = count(&paused, "produced") - count(&paused, "consumed");
    expect(
        held == count(&paused, "occupancy"),
        format!("the books do not balance: {held} items should be in the ring"),
    )?;
    expect(moved(&stage.counters()?) == moved(&paused), "items move although it is paused")?;
    stage.set("step", &STEPS.to_string())?;
    let wanted = moved(&paused) + STEPS;
    stage.wait("items move by hand", |counters| moved(counters) >= wanted)?;
    let stepped = stage.tell_counters()?;
    let by_hand = moved(&stepped) - moved(&paused);
    expect(by_hand == STEPS, format!("{by_hand} items were moved, not {STEPS}"))?;
    stage.set("paused", "0")?;
    stage.wait("items pass again", |counters| moved(counters) > wanted + SOME)?;
    stage.unload()
}

/// Items put into the ring and taken out of it.
fn moved(counters: &Counters) -> u64 {
    count(counters, "produced") + count(counters, "consumed")
}
