// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is in a recording, line by line.

use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::ops::RangeInclusive;

use serde::Serialize;

use super::super::output::json;
use crate::cli::Failure;
use crate::dashboard::core::equivalent::equivalent;
use crate::dashboard::replay::bar::clock;
use crate::kernel::Item;
use crate::kernel::kmsg::level_name;
use crate::tape::{Entry, Tape};
use crate::text::escape::visible;

/// A line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    at_ms: u64,
    entry: &'a Entry<'static>,
}

/// Prints what happened within a time.
///
/// # Errors
/// Standard output can't be written.
pub(super) fn print(tape: &Tape, range: RangeInclusive<u64>, as_json: bool) -> Result<(), Failure> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut commands = HashMap::new();
    let mut at_ms = 0;
    for segment in 0..tape.segments() {
        if tape.segment_ms(segment).is_none_or(|first| first > *range.end()) {
            break;
        }
        let (entries, _) =
            tape.entries(segment).map_err(|error| Failure::new(error.to_string()))?;
        for entry in entries {
            if let Entry::Tick(ms) = entry {
                at_ms = ms;
                continue;
            }
            if as_json {
                if range.contains(&at_ms) && entry != Entry::Work {
                    writeln!(out, "{}", json(&Line { at_ms, entry: &entry })?)?;
                }
                continue;
            }
            for line in text(&entry, &mut commands) {
                if range.contains(&at_ms) {
                    writeln!(out, "{:>9}  {}", clock(at_ms), visible(&line))?;
                }
            }
        }
    }
    Ok(out.flush()?)
}

/// The lines of an entry for people: log, commands and how they ended.
fn text(entry: &Entry<'_>, commands: &mut HashMap<u64, String>) -> Vec<String> {
    match entry {
        Entry::Call { call, request, .. } => {
            let Some(line) = equivalent(request) else {
                return Vec::new();
            };
            commands.insert(*call, line.clone());
            vec![format!("$ {line}")]
        }
        Entry::Item { call, item } => match &**item {
            Item::Done(Err(error)) => {
                commands.remove(call).map(|line| format!("{line}: {error}")).into_iter().collect()
            }
            Item::Done(Ok(())) => {
                commands.remove(call);
                Vec::new()
            }
            Item::Kmsg(batch) => {
                let line = |record: &crate::kernel::api::KmsgRecord| {
                    let seconds = record.at_us as f64 / 1e6;
                    format!("[{seconds:12.6}] {:<6} {}", level_name(record.level), record.text)
                };
                batch.records.iter().map(line).collect()
            }
            Item::Output { bytes, .. } => {
                String::from_utf8_lossy(bytes).lines().map(|line| format!("| {line}")).collect()
            }
            Item::Exited(end) if end.status() != 0 => {
                commands.get(call).map(|line| format!("{line}: {end}")).into_iter().collect()
            }
            Item::Lab(status) => vec![format!("guest {}: {:?}", status.generation, status.guest)],
            _ => Vec::new(),
        },
        Entry::Failed { call, error } => {
            commands.remove(call).map(|line| format!("{line}: {error}")).into_iter().collect()
        }
        Entry::Task { what, .. } if what.starts_with("build ") => {
            vec![format!("$ ringside {what}")]
        }
        Entry::Caption(text) if !text.is_empty() => vec![format!("-- {text}")],
        _ => Vec::new(),
    }
}
