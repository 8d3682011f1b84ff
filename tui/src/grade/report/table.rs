// SPDX-License-Identifier: MIT OR Apache-2.0
//! Verdicts on a terminal.

use crate::grade::verdict::{Graded, Outcome, Verdict};
use crate::text::escape::{visible, width};

/// Lines of an excerpt that are shown.
const LINES_MAX: usize = 12;

/// Points without needless zeros.
pub fn points(points: f64) -> String {
    let text = format!("{points:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What became of a test: a line, and below it why it failed and what shows it.
pub fn verdict(verdict: &Verdict) -> String {
    let earned = format!("{}/{}", points(verdict.points), points(verdict.worth));
    let hidden = if verdict.hidden { " (hidden)" } else { "" };
    let word = verdict.outcome.word();
    let name = format!("{}{hidden}", verdict.title);
    let mut text = format!(
        "  {word:<8} {earned:>7}  {}  {:.1} s\n",
        padded(&visible(&name), 48),
        verdict.seconds
    );
    if verdict.outcome == Outcome::Passed {
        return text;
    }
    text.push_str(&format!("           {}\n", visible(&verdict.reason)));
    for line in verdict.excerpt.iter().take(LINES_MAX) {
        text.push_str(&format!("             | {}\n", visible(line)));
    }
    if let Some(file) = &verdict.recording {
        let file = visible(&file.display().to_string());
        text.push_str(&format!("           recording: `ringside replay {file}`\n"));
    }
    if !verdict.hint.is_empty() {
        text.push_str(&format!("           hint: {}\n", visible(&verdict.hint)));
    }
    text
}

/// One line for each submission.
pub fn summary(graded: &[Graded]) -> String {
    let widest =
        graded.iter().map(|one| width(&visible(&one.submission))).max().unwrap_or_default();
    let mut text = String::new();
    for one in graded {
        let failed: Vec<_> = one
            .verdicts
            .iter()
            .filter(|verdict| verdict.outcome != Outcome::Passed)
            .map(|verdict| format!("{} {}", verdict.test, verdict.outcome.word()))
            .collect();
        let failed = if failed.is_empty() { "all passed".into() } else { failed.join(", ") };
        let earned = format!("{}/{}", points(one.points), points(one.worth));
        let line = format!("{}  {earned:>9}  {failed}", padded(&visible(&one.submission), widest));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn padded(text: &str, to: usize) -> String {
    format!("{text}{}", " ".repeat(to.saturating_sub(width(text))))
}
