// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a description is made of, but for the steps.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::either::Step;
use super::step::Judging;
use super::value::Pattern;
use crate::lab::flavour::Flavour;

/// What is judged, and how.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "What `ringside grade` judges by")]
pub struct Spec {
    /// What the reports are headed with.
    pub title: String,
    /// The kernel of tests that name none.
    #[serde(default)]
    pub kernel: KernelName,
    /// Seconds that a test may take if it does not say so itself.
    #[serde(default = "time_limit")]
    pub time_limit: u32,
    /// What is built.
    #[serde(default)]
    pub build: Build,
    /// The tests, in the order in which they run.
    #[serde(rename = "test")]
    pub tests: Vec<Test>,
    /// Where the file lies.
    #[serde(skip)]
    pub folder: PathBuf,
}

fn time_limit() -> u32 {
    60
}

/// A kernel to judge on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KernelName {
    /// Small and quick, with no checks of its own.
    Lab,
    /// With KASAN, lockdep and the other sanitizers.
    #[default]
    Debug,
}

impl From<Flavour> for KernelName {
    fn from(flavour: Flavour) -> Self {
        match flavour {
            Flavour::Lab => Self::Lab,
            Flavour::Debug => Self::Debug,
        }
    }
}

impl From<KernelName> for Flavour {
    fn from(name: KernelName) -> Self {
        match name {
            KernelName::Lab => Self::Lab,
            KernelName::Debug => Self::Debug,
        }
    }
}

/// What is built of a submission.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Build {
    /// The folder of the submission with the Kbuild file or Makefile. Without it:
    /// the one nearest to the top.
    pub folder: Option<String>,
    /// Seconds that it may take.
    pub time_limit: u32,
    /// Programs that tests run, by the names they get, each from one C file.
    pub programs: Vec<Program>,
}

impl Default for Build {
    fn default() -> Self {
        Self { folder: None, time_limit: 1800, programs: Vec::new() }
    }
}

/// A C program.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// What a test runs it as: `./NAME`.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// Its C file.
    #[schemars(with = "String")]
    pub source: Spanned<String>,
    /// Who wrote it: is the file beside the description, or in the submission?
    #[serde(default)]
    pub from: Origin,
}

/// Where a file comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// It lies beside the description.
    #[default]
    Spec,
    /// It was handed in.
    Submission,
}

/// One test: a guest of its own.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// What other tests and reports call it: a word.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// What it finds out, in a few words.
    pub title: String,
    /// What it is worth.
    pub points: u32,
    /// What its points are multiplied by.
    #[serde(default = "weight")]
    pub weight: f64,
    /// Tests that must have passed, or this one does not run and is worth nothing.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub needs: Vec<Spanned<String>>,
    /// Is it kept from the student, but for its points?
    #[serde(default)]
    pub hidden: bool,
    /// The kernel it runs on.
    pub kernel: Option<KernelName>,
    /// More for that kernel's command line.
    #[serde(default)]
    pub append: String,
    /// Seconds that it may take.
    pub time_limit: Option<u32>,
    /// Reports of the kernel's checks that are no failure; any other is.
    #[serde(default)]
    pub expected_reports: Vec<Pattern>,
    /// What a student is told when it fails.
    #[serde(default)]
    pub hint: String,
    /// What is done and what must be true then, in turn; the first that fails
    /// ends the test.
    #[serde(rename = "do")]
    #[schemars(with = "Vec<Step<Judging>>")]
    pub steps: Spanned<Vec<Step<Judging>>>,
}

fn weight() -> f64 {
    1.0
}

impl Test {
    /// What it is worth, weighed.
    pub fn worth(&self) -> f64 {
        f64::from(self.points) * self.weight
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.name.get_ref()
    }
}

impl Spec {
    /// The schema that editors complete from.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }

    /// All that can be reached.
    pub fn worth(&self) -> f64 {
        self.tests.iter().map(Test::worth).sum()
    }

    /// The kernel of a test.
    pub fn kernel(&self, test: &Test) -> Flavour {
        test.kernel.unwrap_or(self.kernel).into()
    }
}
