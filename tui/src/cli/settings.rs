// SPDX-License-Identifier: MIT OR Apache-2.0
//! The entries of config.toml for commands that need some of them: what is wrong with
//! the others stops nobody.

use std::io::Write;

use super::Failure;
use crate::dashboard;
use crate::dashboard::core::config::Config;
use crate::text::escape::visible;

/// What a lab needs.
pub(super) const OF_LABS: [&str; 3] = ["auto_marks", "marks", "marks_mib"];
/// What a recording without a dashboard needs.
pub(super) const OF_RECORDINGS: [&str; 4] = ["sample_ms", "log_records", "mouse", "keys"];

/// These entries; what is wrong with the others is said on standard error.
///
/// # Errors
/// One of these is wrong.
pub(super) fn entries(names: &[&str]) -> Result<Config, Failure> {
    let (config, wrong) = dashboard::read_config_for(names)?;
    if let Some(wrong) = wrong {
        let wrong = wrong.to_string();
        let text = visible(wrong.trim_end());
        // Nobody is left to tell when standard error is closed.
        drop(writeln!(
            std::io::stderr(),
            "warning: {text}\n  it is not needed here, so its defaults stand in"
        ));
    }
    Ok(config)
}

/// The same where nobody reads what is said.
///
/// # Errors
/// One of these is wrong.
pub(super) fn entries_silently(names: &[&str]) -> Result<Config, Failure> {
    Ok(dashboard::read_config_for(names)?.0)
}
