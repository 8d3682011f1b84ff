// SPDX-License-Identifier: MIT OR Apache-2.0
//! A verdict as JUnit XML, which CI systems show.

use std::fmt::Write as _;

use super::{Outcome, Verdict};
use crate::text::xml::escaped;

/// The verdict as a document, a test suite for each of KUnit's.
pub fn document(verdict: &Verdict) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    let mut suites: Vec<&str> = Vec::new();
    for case in &verdict.cases {
        if !suites.contains(&case.suite.as_str()) {
            suites.push(&case.suite);
        }
    }
    for suite in suites {
        let cases = || verdict.cases.iter().filter(|case| case.suite == suite);
        let count = |outcome| cases().filter(|case| case.outcome == outcome).count();
        let time: u64 = cases().map(|case| case.time_us).sum();
        line(
            &mut text,
            format_args!(
                "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" time=\"{}\">",
                escaped(suite),
                cases().count(),
                count(Outcome::Failed),
                count(Outcome::Skipped),
                seconds(time),
            ),
        );
        for case in cases() {
            let head = format!(
                "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
                escaped(suite),
                escaped(&case.name),
                seconds(case.time_us),
            );
            let why = escaped(&case.why);
            match case.outcome {
                Outcome::Passed => line(&mut text, format_args!("{head}/>")),
                Outcome::Skipped => {
                    line(&mut text, format_args!("{head}><skipped message=\"{why}\"/></testcase>"))
                }
                Outcome::Failed => line(
                    &mut text,
                    format_args!(
                        "{head}><failure message=\"{why}\">{}</failure></testcase>",
                        escaped(&case.lines.join("\n")),
                    ),
                ),
            }
        }
        line(&mut text, format_args!("  </testsuite>"));
    }
    text.push_str("</testsuites>\n");
    text
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a string can't fail.
    let _ = writeln!(text, "{words}");
}

fn seconds(time_us: u64) -> String {
    format!("{:.6}", time_us as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::super::Case;
    use super::*;

    #[test]
    fn whatever_the_kernel_says_the_document_is_well_formed() {
        let case = |name: &str, outcome, why: &str, lines: &[&str]| Case {
            suite: "s<1>".into(),
            name: name.into(),
            outcome,
            time_us: 1500,
            why: why.into(),
            lines: lines.iter().map(|line| (*line).into()).collect(),
        };
        let verdict = Verdict {
            cases: vec![
                case("good", Outcome::Passed, "", &[]),
                case("absent", Outcome::Skipped, "no \"device\"", &[]),
                case("bad", Outcome::Failed, "a & b", &["x ]]> \u{1b}[31m", "y"]),
            ],
        };
        let text = document(&verdict);
        assert!(text.contains(
            "name=\"s&lt;1&gt;\" tests=\"3\" failures=\"1\" skipped=\"1\" time=\"0.004500\""
        ));
        assert!(text.contains("<skipped message=\"no &quot;device&quot;\"/>"));
        assert!(text.contains("x ]]&gt; \\u{1b}[31m\ny</failure>"), "{text}");
    }
}
