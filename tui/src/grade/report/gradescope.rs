// SPDX-License-Identifier: MIT OR Apache-2.0
//! A verdict as the `results.json` that Gradescope's autograders write.

use serde_json::{Value, json};

use crate::grade::verdict::{Graded, Outcome, Verdict};

/// The document.
pub fn document(graded: &Graded) -> Value {
    let seconds: f64 = graded.verdicts.iter().map(|verdict| verdict.seconds).sum();
    json!({
        "score": graded.points,
        "execution_time": seconds.ceil() as u64,
        "output": graded.notes.join("\n"),
        "output_format": "text",
        "visibility": "visible",
        "tests": graded.verdicts.iter().map(test).collect::<Vec<_>>(),
    })
}

fn test(verdict: &Verdict) -> Value {
    let mut output = vec![verdict.reason.clone()];
    output.extend(verdict.excerpt.iter().cloned());
    output.push(verdict.hint.clone());
    output.retain(|line| !line.is_empty());
    json!({
        "name": verdict.title,
        "number": verdict.test,
        "score": verdict.points,
        "max_score": verdict.worth,
        "status": if verdict.outcome == Outcome::Passed { "passed" } else { "failed" },
        "output": output.join("\n"),
        "output_format": "text",
        "visibility": if verdict.hidden { "hidden" } else { "visible" },
    })
}
