// SPDX-License-Identifier: GPL-2.0
//! Bytes that a user gave, shown so that they cannot forge a log line.

use core::fmt::Write as _;
use kernel::fmt;

/// Displays bytes as text: UTF-8 as it is, control characters and bytes that
/// are no UTF-8 as escapes (`\n`, `\x1b`).
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

/// The same, of no more than the first bytes, for lines that go on after them.
pub(crate) struct Excerpt<'a>(pub(crate) &'a [u8]);

/// The most bytes that an [`Excerpt`] shows; as escapes they still leave most of a line free.
const EXCERPT: usize = 100;

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.get(..EXCERPT).unwrap_or(self.0);
        Escaped(shown).fmt(f)?;
        if shown.len() < self.0.len() {
            write!(f, "... ({} bytes)", self.0.len())?;
        }
        Ok(())
    }
}

/// How many bytes it is, written out.
pub(crate) fn length(text: fmt::Arguments<'_>) -> usize {
    struct Counted(usize);

    impl fmt::Write for Counted {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 += text.len();
            Ok(())
        }
    }

    let mut counted = Counted(0);
    // It never fails.
    let _ = counted.write_fmt(text);
    counted.0
}

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
