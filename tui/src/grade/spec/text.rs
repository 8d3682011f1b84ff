// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a text must be: a program's output, a file, the kernel's log.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value::Pattern;

/// More lines than a reader wants to see of what was there.
const SHOWN: usize = 12;
/// Of them before the place where a line is missing.
const BEFORE: usize = 4;

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
        let lines: Vec<_> = seen.lines().collect();
        let mut next = 0;
        for (number, part) in self.in_order.iter().enumerate() {
            let found = lines[next..].iter().position(|line| line.contains(part.as_str()));
            if let Some(found) = found {
                next += found + 1;
                continue;
            }
            let before = number.checked_sub(1).and_then(|before| self.in_order.get(before));
            let after = before.map_or_else(String::new, |before| format!(" behind {before:?}"));
            // Where it should have come, and not how it all ends.
            let mut excerpt = shown_around(&lines[..next], &lines[next..]);
            excerpt.insert(next.min(BEFORE), format!("{:<9}{part}", "missing"));
            return Err(Mismatch { reason: format!("{what} lacks {part:?}{after}"), excerpt });
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
    let lines: Vec<_> = seen.lines().collect();
    match nearest(part, &lines).filter(|_| lines.len() > SHOWN) {
        // Of many lines those around the one that may have been meant.
        Some(at) => excerpt.extend(shown_around(&lines[..at], &lines[at..])),
        None => excerpt.extend(marked("seen", seen.trim_end())),
    }
    Mismatch { reason: format!("{what} lacks {named}"), excerpt }
}

/// The line that shares most words with what is missing, if it shares two.
fn nearest(part: &str, lines: &[&str]) -> Option<usize> {
    let words = |text: &str| {
        let words = text.split(|one: char| !one.is_alphanumeric());
        words.filter(|word| word.len() > 1).map(str::to_lowercase).collect::<BTreeSet<_>>()
    };
    let wanted = words(part);
    let shared = |line: &str| words(line).intersection(&wanted).count();
    let (at, most) =
        lines.iter().map(|line| shared(line)).enumerate().max_by_key(|(_, shared)| *shared)?;
    (most >= 2).then_some(at)
}

/// The last of some lines and the first of those that follow.
fn shown_around(before: &[&str], behind: &[&str]) -> Vec<String> {
    let first = before.len().saturating_sub(BEFORE);
    let lines = before[first..].iter().chain(behind.iter().take(SHOWN - BEFORE));
    lines.map(|line| format!("{:<9}{line}", "seen")).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> String {
        let noise = |from: u32| (from..from + 30).map(|n| format!("usb: port {n}\n"));
        let lines = noise(0).chain(["pc: producer 1 made item 7\n".to_owned()]).chain(noise(100));
        lines.collect()
    }

    #[test]
    fn a_missing_line_is_shown_where_it_may_have_been_meant() {
        let wanted = Text { contains: vec!["Producer 1 made item 8".into()], ..Text::default() };
        let wrong = wanted.judge("the log", &log()).unwrap_err();
        assert_eq!(wrong.excerpt[0], "missing  Producer 1 made item 8");
        assert!(wrong.excerpt.contains(&"seen     pc: producer 1 made item 7".to_owned()));
        assert_eq!(wrong.excerpt.len(), 1 + SHOWN);
        let wanted = Text { contains: vec!["nothing like it".into()], ..Text::default() };
        let wrong = wanted.judge("the log", &log()).unwrap_err();
        assert_eq!(wrong.excerpt.last().unwrap(), "seen     usb: port 129");
    }

    #[test]
    fn a_line_that_is_out_of_order_is_missing_behind_the_one_before() {
        let wanted = Text {
            in_order: vec!["made item 7".into(), "port 100".into(), "port 3".into()],
            ..Text::default()
        };
        let wrong = wanted.judge("the log", &log()).unwrap_err();
        assert_eq!(wrong.reason, "the log lacks \"port 3\" behind \"port 100\"");
        let at = wrong.excerpt.iter().position(|line| line == "missing  port 3").unwrap();
        assert_eq!(wrong.excerpt[at - 1], "seen     usb: port 100");
        assert_eq!(wrong.excerpt[at + 1], "seen     usb: port 101");
    }

    #[test]
    fn what_is_missing_from_nothing_is_named_alone() {
        let wanted = Text { in_order: vec!["a".into()], ..Text::default() };
        assert_eq!(wanted.judge("it", "").unwrap_err().excerpt, ["missing  a"]);
    }
}
