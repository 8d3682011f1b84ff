// SPDX-License-Identifier: MIT OR Apache-2.0
//! What became of a test, and of a submission.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// All its points.
    Passed,
    /// Some step of it failed.
    Failed,
    /// A test that it needs has not passed.
    Skipped,
    /// It could not be judged: no fault of the submission's.
    Unjudged,
}

impl Outcome {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Unjudged => "unjudged",
        }
    }
}

/// What became of a test.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Verdict {
    /// The test.
    pub test: String,
    /// What it finds out.
    pub title: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What it earned.
    pub points: f64,
    /// What it is worth.
    pub worth: f64,
    /// Is it kept from the student?
    pub hidden: bool,
    /// Why, in a sentence; empty where it passed.
    pub reason: String,
    /// What shows it.
    pub excerpt: Vec<String>,
    /// What the description says to whoever fails.
    pub hint: String,
    /// How long it took.
    pub seconds: f64,
    /// The recording of its run, if one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<PathBuf>,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Graded {
    /// Its name.
    pub submission: String,
    /// What it earned.
    pub points: f64,
    /// What could be earned.
    pub worth: f64,
    /// What is worth knowing beside: files that were left out.
    pub notes: Vec<String>,
    /// Each test, in their order.
    pub verdicts: Vec<Verdict>,
}

impl Graded {
    /// From its verdicts.
    pub fn new(submission: String, notes: Vec<String>, verdicts: Vec<Verdict>) -> Self {
        // Never `-0`, which an empty sum is.
        let sum =
            |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, |sum, value| sum + value);
        let points = sum(&mut verdicts.iter().map(|verdict| verdict.points));
        let worth = sum(&mut verdicts.iter().map(|verdict| verdict.worth));
        Self { submission, points, worth, notes, verdicts }
    }

    /// Did it get all points?
    pub fn is_whole(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.outcome == Outcome::Passed)
    }
}
