// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside labs`: the labs that run.

use std::io::Write;

use clap::Args;
use serde::Serialize;

use super::Outcome;
use super::output::json;
use crate::kernel::api::{GuestState, LabStatus, Trouble};
use crate::lab::client::{self, Entry};
use crate::text::escape::visible;

/// List the labs that run
///
///     ringside labs
///     ringside labs --json
///
/// All are asked at the same time. One that does not answer within a second is
/// listed with its process id; `ringside down ID` ends it all the same.
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
        let rows: Vec<Row> = client::list()?
            .into_iter()
            .map(|Entry { id, status }| match status {
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
    let (state, more) = state(status);
    let stick = stick(status);
    let mut line = format!(
        "{:<4} {state:<10} {:<36} {:<5} {:>8} {:>8}  {stick}",
        row.id,
        status.kernel,
        status.accelerator,
        uptime(status.up_ms),
        status.pid,
    );
    for more in more {
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
        (None, true) => "temporary, 1 GiB".into(),
    }
}

/// A word for what the guest does, and the sentences below it.
pub(super) fn state(status: &LabStatus) -> (&'static str, Vec<String>) {
    let (word, reason) = match &status.guest {
        GuestState::Starting => ("starting", None),
        GuestState::Running if status.troubles.iter().any(Trouble::is_halt) => ("halted", None),
        GuestState::Running if status.troubles.iter().any(Trouble::blocks) => ("hangs", None),
        GuestState::Running => ("running", None),
        GuestState::Panicked { reason } => ("panicked", Some(reason)),
        GuestState::Off => ("off", None),
        GuestState::Killed { how } => ("killed", Some(how)),
        GuestState::Failed { why } => ("failed", Some(why)),
    };
    let troubles = status.troubles.iter().map(Trouble::sentence);
    let stick = status.stick_trouble.iter().map(|why| format!("the USB stick: {why}"));
    (word, reason.cloned().into_iter().chain(troubles).chain(stick).collect())
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
    fn a_guest_that_runs_and_does_not_answer_is_said_to_hang() {
        let silent = Trouble::Silent { for_ms: 7_300, cause: None };
        let status = LabStatus {
            guest: GuestState::Running,
            troubles: vec![silent],
            stick_trouble: Some("QEMU refused device_add: no".into()),
            ..LabStatus::default()
        };
        let text = line(&Row { id: "1".into(), status: Some(status), error: None });
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("1    hangs"), "{text}");
        assert_eq!(lines[1], "     the guest has not answered for 7 s");
        assert_eq!(lines[2], "     the USB stick: QEMU refused device_add: no");
    }

    #[test]
    fn uptime_is_told_in_its_largest_useful_unit() {
        assert_eq!(uptime(0), "0 s");
        assert_eq!(uptime(119_999), "119 s");
        assert_eq!(uptime(120_000), "2 min");
        assert_eq!(uptime(2 * 3_600_000), "2 h");
    }
}
