// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is searched for: text, or a regular expression.

use regex::{Regex, RegexBuilder};

/// Text or a regular expression to search for. Without a capital letter in it,
/// the case of letters does not matter.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// As it was typed.
    pub text: String,
    /// Is it a regular expression?
    pub regex: bool,
    compiled: Regex,
}

/// Why a regular expression can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

/// More characters than anybody searches for: something was pasted by mistake, and
/// each key typed behind it would have it compiled again.
const LONGEST: usize = 512;

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it is a regular expression with a fault, or longer than a line.
    pub fn new(text: &str, regex: bool) -> Result<Self, PatternError> {
        if text.chars().count() > LONGEST {
            return Err(PatternError(format!("longer than {LONGEST} characters")));
        }
        let source = if regex { text.to_owned() } else { regex::escape(text) };
        let capital = text.chars().any(char::is_uppercase);
        let compiled = RegexBuilder::new(&source)
            .case_insensitive(!capital)
            .size_limit(1 << 20)
            .build()
            .map_err(|error| {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or("not a regular expression");
                PatternError(last.trim().trim_start_matches("error: ").to_owned())
            })?;
        Ok(Self { text: text.to_owned(), regex, compiled })
    }

    /// Is there a match in `text`?
    pub fn is_match(&self, text: &str) -> bool {
        self.compiled.is_match(text)
    }

    /// Where the matches are, as byte ranges; empty ones are left out.
    pub fn ranges(&self, text: &str) -> Vec<(usize, usize)> {
        let found = self.compiled.find_iter(text);
        let ranges = found.map(|found| (found.start(), found.end()));
        ranges.filter(|(start, end)| start < end).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pasted_by_mistake_is_refused_and_not_compiled_at_each_key() {
        let longest = "é".repeat(LONGEST);
        assert!(Pattern::new(&longest, false).is_ok());
        let error = Pattern::new(&(longest + "x"), false).unwrap_err().to_string();
        assert_eq!(error, "longer than 512 characters");
    }
}
