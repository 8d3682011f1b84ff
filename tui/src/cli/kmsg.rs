// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside kmsg`: the kernel log.

use std::io::Write;

use clap::{Args, ValueEnum};

use super::output::json;
use super::{Connection, Outcome};
use crate::kernel::api::KmsgRecord;
use crate::kernel::kmsg::level_name;
use crate::kernel::{Replies, question};
use crate::text::escape::visible;

/// Show the kernel log
///
///     ringside kmsg                     everything the kernel still has
///     ringside kmsg -f                  and then what comes, until Ctrl-C
///     ringside kmsg --level warn        warnings and worse
///     ringside kmsg --grep my_name
///     ringside kmsg -f --json           one JSON object per line
///
/// Each line has the seconds since the kernel started, the level, and the text.
/// Records that the kernel overwrote before they were read are counted.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Kmsg {
    /// Go on with what comes later, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// Only this level and more serious ones
    #[arg(short, long, value_enum, default_value = "debug")]
    level: Level,
    /// Only records that match this regular expression
    #[arg(short, long, value_name = "REGEX")]
    grep: Option<regex::Regex>,
    /// Print JSON, one record per line
    #[arg(long)]
    json: bool,
}

/// How serious a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Level {
    /// The system is unusable
    Emerg,
    /// Something must be done at once
    Alert,
    /// Something failed badly
    Crit,
    /// Something failed
    Err,
    /// Something may be wrong
    Warn,
    /// Worth knowing
    Notice,
    /// The usual
    Info,
    /// For those who look for a bug
    Debug,
}

impl Kmsg {
    /// Prints it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let target = connection.open()?;
        let log = Replies::start(&*target, question::Log { follow: self.follow })?;
        while let Some(batch) = log.next()? {
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            for record in &batch.records {
                self.print(&mut out, record)?;
            }
            out.flush()?;
        }
        Ok(0)
    }

    fn print(&self, out: &mut impl Write, record: &KmsgRecord) -> Result<(), super::Failure> {
        let wanted = usize::from(record.level) <= self.level as usize
            && self.grep.as_ref().is_none_or(|pattern| pattern.is_match(&record.text));
        if self.json {
            if wanted {
                writeln!(out, "{}", json(record)?)?;
            }
            return Ok(());
        }
        if record.lost_before > 0 {
            writeln!(out, "-- {} records lost --", record.lost_before)?;
        }
        if wanted {
            writeln!(out, "{}", visible(&line(record)))?;
        }
        Ok(())
    }
}

/// A record as a line: time, level and text.
pub(super) fn line(record: &KmsgRecord) -> String {
    let level = level_name(record.level);
    let (seconds, rest) = (record.at_us / 1_000_000, record.at_us % 1_000_000);
    let start = format!("[{seconds:5}.{rest:06}] {level:6} ");
    // What follows the first line stands below its text.
    let indent = format!("\n{:1$}", "", start.len());
    format!("{start}{}", record.text.replace('\n', &indent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_several_lines_stays_in_its_column() {
        let record = KmsgRecord {
            at_us: 12_000_345,
            level: 4,
            text: "first\nsecond".into(),
            ..KmsgRecord::default()
        };
        assert_eq!(line(&record), "[   12.000345] warn   first\n                      second");
    }
}
