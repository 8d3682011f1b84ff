// SPDX-License-Identifier: MIT OR Apache-2.0
//! Pages that are mapped into a process, read, written and refused.

use std::sync::Arc;

use super::stage::{Stage, count, expect};
use crate::cli::Failure;
use crate::cli::mem::Session;

/// Where the pages are mapped: nothing else is anywhere near.
const PLACE: &str = "0x400000000000";
/// What a process writes there.
const TEXT: &str = "hello from a process";

/// Plays it.
pub(super) fn play(stage: &mut Stage) -> Result<(), Failure> {
    stage.load(&[])?;
    let mut writer = Session::new(Arc::clone(&stage.target));
    let said = act(
        stage,
        &mut writer,
        &[
            format!("alloc {PLACE} 2 rw"),
            format!("write {PLACE} {TEXT}"),
            format!("read {PLACE} {}", TEXT.len()),
            format!("walk {PLACE}"),
        ],
    )?;
    expect(said[2].contains(TEXT), "what was written is not what is read")?;
    expect(said[3].contains("PTE"), "the page is not in the page table")?;
    let counters = stage.tell_counters()?;
    expect(count(&counters, "pages_mapped") == 2, "it has not counted two pages")?;
    drop(writer);

    let mut reader = Session::new(Arc::clone(&stage.target));
    let (alloc, write) = (format!("alloc {PLACE} 1 ro"), format!("write {PLACE} {TEXT}"));
    stage.act(&command(&[alloc.clone(), write.clone()]), |_| {
        let allocated = reader.act(&alloc)?;
        match reader.act(&write) {
            // It starts with the action.
            Err(failure) if failure.text().contains("SIGSEGV") => {
                Ok(format!("{alloc}: {allocated}\n{}", failure.text()))
            }
            Err(failure) => Err(failure),
            Ok(_) => Err(Failure::new("a read-only page was written")),
        }
    })?;
    drop(reader);
    stage.wait("the pages of processes that ended come back", |counters| {
        count(counters, "pages_mapped") == 0
    })?;
    stage.tell_counters()?;
    stage.unload()
}

/// Has a process do one thing after the other, and returns what came of each.
fn act(
    stage: &mut Stage,
    session: &mut Session,
    actions: &[String],
) -> Result<Vec<String>, Failure> {
    let mut said = Vec::new();
    stage.act(&command(actions), |_| {
        let mut lines = Vec::new();
        for action in actions {
            let outcome = session.act(action)?;
            lines.push(format!("{action}: {outcome}"));
            said.push(outcome);
        }
        Ok(lines.join("\n"))
    })?;
    Ok(said)
}

fn command(actions: &[String]) -> String {
    let quoted: Vec<String> = actions.iter().map(|action| format!("'{action}'")).collect();
    format!("ringside mem {}", quoted.join(" "))
}
