// SPDX-License-Identifier: GPL-2.0
//! Bytes that a user gave, shown so that they cannot forge a log line.

use core::fmt::Write as _;
use kernel::fmt;

/// Displays bytes as text: UTF-8 as it is, control characters and bytes that
/// are no UTF-8 as escapes (`\n`, `\x1b`).
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '\n' => f.write_str("\\n")?,
                    '\t' => f.write_str("\\t")?,
                    '\r' => f.write_str("\\r")?,
                    // C1 controls too: some terminals obey them.
                    c if c.is_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                    c => f.write_char(c)?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}
