// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside labs`: the labs that run.

use std::io::Write;

use clap::Args;
use serde::Serialize;

use super::Outcome;
use super::error::visible;
use super::output::json;
use crate::kernel::api::{GuestState, LabStatus};
use crate::lab::client;

/// List the labs that run
///
///     ringside labs
///     ringside labs --json
///
/// Exit status: 0, also when there are none.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Labs {
    /// Print them as a JSON array
    #[arg(long)]
    json: bool,
}

/// One lab in the JSON list: its status, or why it tells none.
#[derive(Serialize)]
struct Row {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<LabStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Labs {
    /// Prints them.
    pub fn run(&self) -> Outcome {
        let rows: Vec<Row> = client::labs()?
            .into_iter()
            .map(|id| match client::attach(Some(&id)).and_then(|lab| lab.status()) {
                Ok(status) => Row { id, status: Some(status), error: None },
                Err(error) => Row { id, status: None, error: Some(error.to_string()) },
            })
            .collect();
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", json(&rows)?)?;
        } else if rows.is_empty() {
            writeln!(out, "no lab is running; `ringside up` starts one")?;
        } else {
            writeln!(
                out,
                "{:<4} {:<10} {:<36} {:<5} {:>8} {:>8}  USB STICK",
                "ID", "GUEST", "KERNEL", "ACCEL", "UP", "PID"
            )?;
            for row in &rows {
                writeln!(out, "{}", line(row))?;
            }
        }
        Ok(0)
    }
}

fn line(row: &Row) -> String {
    let Some(status) = &row.status else {
        let error = row.error.as_deref().unwrap_or_default();
        return format!("{:<4} {}", row.id, visible(error));
    };
    let (state, more) = state(&status.guest);
    let stick = stick(status);
    let mut line = format!(
        "{:<4} {state:<10} {:<36} {:<5} {:>8} {:>8}  {stick}",
        row.id,
        status.kernel,
        status.accelerator,
        uptime(status.up_ms),
        status.pid,
    );
    if let Some(more) = more {
        line.push_str("\n     ");
        line.push_str(more.lines().next().unwrap_or_default());
    }
    visible(&line)
}

/// What the USB stick is.
pub(super) fn stick(status: &LabStatus) -> String {
    match (&status.stick_file, status.stick_plugged) {
        (_, false) => "unplugged".into(),
        (Some(file), true) => file.clone(),
        (None, true) => "empty, 1 GiB".into(),
    }
}

/// What the guest does, and more where there is more to say.
pub(super) fn state(guest: &GuestState) -> (&'static str, Option<&str>) {
    match guest {
        GuestState::Starting => ("starting", None),
        GuestState::Running => ("running", None),
        GuestState::Panicked { reason } => ("panicked", Some(reason)),
        GuestState::Off => ("off", None),
        GuestState::Killed { how } => ("killed", Some(how)),
        GuestState::Failed { why } => ("failed", Some(why)),
    }
}

/// `42 s`, `7 min`, `3 h`.
pub(super) fn uptime(ms: u64) -> String {
    match ms / 1000 {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_guests_reason_stands_below_its_lab() {
        let row = Row {
            id: "1".into(),
            status: Some(LabStatus {
                guest: GuestState::Panicked {
                    reason: "Kernel panic - not syncing: \u{1b}[31mx".into(),
                },
                ..LabStatus::default()
            }),
            error: None,
        };
        let text = line(&row);
        assert!(text.contains("panicked") && text.contains("\n     Kernel panic"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn uptime_is_told_in_its_largest_useful_unit() {
        assert_eq!(uptime(0), "0 s");
        assert_eq!(uptime(119_999), "119 s");
        assert_eq!(uptime(120_000), "2 min");
        assert_eq!(uptime(2 * 3_600_000), "2 h");
    }
}
