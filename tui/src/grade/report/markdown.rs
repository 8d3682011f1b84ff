// SPDX-License-Identifier: MIT OR Apache-2.0
//! A verdict as the page that a student gets. Of hidden tests it has the points only.

use super::table::points;
use crate::grade::verdict::{Graded, Outcome, Verdict};

/// What a student may be told of a hidden test.
const HIDDEN: &str = "a hidden test";

/// The page, headed with the title of the description.
pub fn document(title: &str, graded: &Graded) -> String {
    let mut text = format!(
        "# {}: {}\n\n**{} of {} points**\n\n| test | points | verdict |\n|---|---:|---|\n",
        plain(title),
        plain(&graded.submission),
        points(graded.points),
        points(graded.worth)
    );
    for verdict in &graded.verdicts {
        let name = if verdict.hidden { HIDDEN.to_owned() } else { plain(&verdict.title) };
        let (points, worth) = (points(verdict.points), points(verdict.worth));
        let word = verdict.outcome.word();
        text.push_str(&format!("| {name} | {points}/{worth} | {word} |\n"));
    }
    for verdict in &graded.verdicts {
        if verdict.outcome != Outcome::Passed && !verdict.hidden {
            text.push_str(&section(verdict));
        }
    }
    if !graded.notes.is_empty() {
        text.push_str("\n## Notes\n\n");
        for note in &graded.notes {
            text.push_str(&format!("- {}\n", plain(note)));
        }
    }
    text
}

fn section(verdict: &Verdict) -> String {
    let mut text = format!("\n## {}\n\n{}.\n", plain(&verdict.title), plain(&verdict.reason));
    if !verdict.excerpt.is_empty() {
        let lines = verdict.excerpt.join("\n");
        // A fence that is longer than any in what it holds.
        let longest = lines.split(|one| one != '`').map(str::len).max().unwrap_or_default();
        let fence = "`".repeat(longest.max(2) + 1);
        text.push_str(&format!("\n{fence}text\n{lines}\n{fence}\n"));
    }
    if !verdict.hint.is_empty() {
        text.push_str(&format!("\n{}\n", plain(&verdict.hint)));
    }
    text
}

/// Text that Markdown shows as it is, in a cell of a table, too.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if r"\`*_[]<>|#".contains(letter) {
            out.push('\\');
        }
        out.push(if letter == '\n' { ' ' } else { letter });
    }
    out
}
