// SPDX-License-Identifier: MIT OR Apache-2.0
//! Verdicts as JUnit XML: a test suite for each submission.

use crate::grade::verdict::{Graded, Outcome, Verdict};
use crate::text::xml::escaped;

/// The document.
pub fn document(graded: &[Graded]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for one in graded {
        let count =
            |outcome| one.verdicts.iter().filter(|verdict| verdict.outcome == outcome).count();
        let seconds: f64 = one.verdicts.iter().map(|verdict| verdict.seconds).sum();
        text.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{seconds:.3}\">\n",
            escaped(&one.submission),
            one.verdicts.len(),
            count(Outcome::Failed),
            count(Outcome::Unjudged),
            count(Outcome::Skipped),
        ));
        for verdict in &one.verdicts {
            text.push_str(&case(&one.submission, verdict));
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn case(submission: &str, verdict: &Verdict) -> String {
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
        escaped(submission),
        escaped(&verdict.test),
        verdict.seconds
    );
    let why = escaped(&verdict.reason);
    let shown = escaped(&verdict.excerpt.join("\n"));
    match verdict.outcome {
        Outcome::Passed => format!("{head}/>\n"),
        Outcome::Skipped => format!("{head}><skipped message=\"{why}\"/></testcase>\n"),
        Outcome::Failed => {
            format!("{head}><failure message=\"{why}\">{shown}</failure></testcase>\n")
        }
        Outcome::Unjudged => {
            format!("{head}><error message=\"{why}\">{shown}</error></testcase>\n")
        }
    }
}
