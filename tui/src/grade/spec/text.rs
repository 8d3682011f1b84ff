// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a text must be: a program's output, a file, the kernel's log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value::Pattern;

/// More lines than a reader wants to see of what was there.
const SHOWN: usize = 12;

/// What must be true of a text; all that is named must be.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Text {
    /// It is exactly this, but for white space at its ends.
    pub is: Option<String>,
    /// Each of these is in it.
    pub contains: Vec<String>,
    /// None of these is in it.
    pub lacks: Vec<String>,
    /// Each of these regular expressions matches one of its lines.
    pub matches: Vec<Pattern>,
    /// None of these matches a line.
    pub matches_not: Vec<Pattern>,
    /// Its lines contain these, in this order, with others between them.
    pub in_order: Vec<String>,
}

/// What is not as it must be: a sentence, and what shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Without a full stop.
    pub reason: String,
    /// Expected and seen, line by line.
    pub excerpt: Vec<String>,
}

impl Text {
    /// Holds a text against it; `what` is what the text is.
    ///
    /// # Errors
    /// The first thing that is not as it must be.
    pub fn judge(&self, what: &str, seen: &str) -> Result<(), Mismatch> {
        if let Some(is) = &self.is
            && seen.trim() != is.trim()
        {
            let mut excerpt = marked("expected", is.trim());
            excerpt.extend(marked("seen", seen.trim()));
            return Err(Mismatch { reason: format!("{what} is not what was expected"), excerpt });
        }
        let lacking = self.contains.iter().find(|part| !seen.contains(part.as_str()));
        if let Some(part) = lacking {
            return Err(missing(what, &format!("{part:?}"), part, seen));
        }
        if let Some(part) = self.lacks.iter().find(|part| seen.contains(part.as_str())) {
            return Err(unwanted(what, part, seen, |line| line.contains(part.as_str())));
        }
        for pattern in &self.matches {
            if !seen.lines().any(|line| pattern.matches(line)) {
                let wanted = format!("a line that matches {}", pattern.as_str());
                return Err(missing(what, &wanted, pattern.as_str(), seen));
            }
        }
        for pattern in &self.matches_not {
            if seen.lines().any(|line| pattern.matches(line)) {
                return Err(unwanted(what, pattern.as_str(), seen, |line| pattern.matches(line)));
            }
        }
        let mut lines = seen.lines();
        for (number, part) in self.in_order.iter().enumerate() {
            if !lines.any(|line| line.contains(part.as_str())) {
                let after = match number.checked_sub(1).and_then(|before| self.in_order.get(before))
                {
                    Some(before) => format!(" behind {before:?}"),
                    None => String::new(),
                };
                return Err(missing(what, &format!("{part:?}{after}"), part, seen));
            }
        }
        Ok(())
    }

    /// Lines that say what they are; of many the last.
    pub fn shown(mark: &str, text: &str) -> Vec<String> {
        marked(mark, text.trim_end())
    }
}

fn missing(what: &str, named: &str, part: &str, seen: &str) -> Mismatch {
    let mut excerpt = marked("missing", part);
    excerpt.extend(marked("seen", seen.trim_end()));
    Mismatch { reason: format!("{what} lacks {named}"), excerpt }
}

fn unwanted(what: &str, part: &str, seen: &str, is: impl Fn(&str) -> bool) -> Mismatch {
    let found: Vec<_> = seen.lines().filter(|line| is(line)).take(SHOWN).collect();
    Mismatch {
        reason: format!("{what} has {part:?}, which must not be there"),
        excerpt: marked("seen", &found.join("\n")),
    }
}

/// Lines that say what they are; of many the last.
fn marked(mark: &str, text: &str) -> Vec<String> {
    if text.is_empty() {
        return vec![format!("{mark:<9}(nothing)")];
    }
    let lines: Vec<_> = text.lines().collect();
    let left = lines.len().saturating_sub(SHOWN);
    let more = (left > 0).then(|| format!("{mark:<9}… {left} lines before"));
    more.into_iter().chain(lines[left..].iter().map(|line| format!("{mark:<9}{line}"))).collect()
}
