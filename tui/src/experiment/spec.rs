// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the file of an experiment is made of. What is done and what must be true
//! has the words and the fields of `ringside grade`'s descriptions.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantNames;
use toml::Spanned;

use crate::grade::spec::{self, Condition};

/// An experiment.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "An experiment of `ringside experiment`")]
pub struct Experiment {
    /// What the list and the panel are headed with.
    pub title: String,
    /// What one finds out, in a line.
    pub about: String,
    /// What is told, asked, done and waited for, in turn.
    #[serde(rename = "step")]
    #[schemars(with = "Vec<Step>")]
    pub steps: Vec<Spanned<Step>>,
}

/// One thing to tell, to ask, to do, or to be true. What is done and what must be true
/// is written as for judging.
pub type Step = spec::Step<Telling>;

/// Steps that only experiments have.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Telling {
    /// Tell this, and wait for Enter. Behind a question it begins with what is to be
    /// said about the prediction. `{module/counter}`, `{name}` of a value that was
    /// kept, `{view.fact}` and `{command}` are replaced by what they are now.
    Say(String),
    /// Ask for a prediction.
    Ask(Ask),
    /// Go to this view: `producer-consumer`, `memory`, `block`, `log`, …
    Show(String),
    /// Mark these texts where the screen has them, until the next `look`.
    Look(Vec<String>),
    /// Keep values as they are now, each by a name.
    Keep(BTreeMap<String, String>),
    /// It is the student's turn: wait until something is true.
    Turn(Turn),
    /// Carry out a command of the dashboard, as the palette names it.
    Command(String),
    /// Wait until a value of a view is as it must be.
    Value(Value),
}

/// A question: choices, or a number.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// What is asked.
    pub question: String,
    /// What can be answered: two to five.
    #[serde(default, rename = "choice")]
    pub choices: Vec<Choice>,
    /// It is answered with a number.
    pub number: Option<Number>,
}

/// Something that can be answered.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The answer.
    pub text: String,
    /// Is it what happens?
    #[serde(default)]
    pub right: bool,
    /// What is said to whoever chose it, once it has happened.
    pub says: String,
}

/// A number that can be answered.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// What it turns out to be: the name of a value, or digits.
    pub is: String,
    /// What is said to whoever predicted it.
    pub right: String,
    /// What is said to everybody else.
    pub wrong: String,
}

/// The student's turn.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// What to do, and with which keys.
    pub text: String,
    /// What is true once it was done.
    pub until: Vec<Value>,
    /// The command that does it for whoever presses Enter instead.
    pub command: Option<String>,
}

/// What a value must be.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Value {
    /// Which: `module/counter`, `module/control`, a kept name, or `view.fact`.
    pub name: String,
    /// What it must be: a comparison; it may name a value, too: `>= {before}`.
    pub is: Comparison,
    /// Seconds within which it must become that.
    #[serde(default = "value_within")]
    pub within: u32,
}

fn value_within() -> u32 {
    60
}

/// A comparison whose text may hold names of values.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Comparison(String);

impl Comparison {
    /// Is it true of `seen`, with the names in it replaced by `fill`?
    pub fn holds(&self, seen: &str, fill: impl Fn(&str) -> String) -> bool {
        Condition::try_from(fill(&self.0)).is_ok_and(|condition| condition.holds(seen))
    }
}

impl TryFrom<String> for Comparison {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // Whatever the names stand for, the rest must be a comparison.
        let (mut plain, mut inside) = (String::new(), false);
        for character in text.chars() {
            match character {
                '{' => inside = true,
                '}' => {
                    inside = false;
                    plain.push('0');
                }
                other if !inside => plain.push(other),
                _ => {}
            }
        }
        Condition::try_from(plain).map(|_| Self(text))
    }
}

impl From<Comparison> for String {
    fn from(comparison: Comparison) -> Self {
        comparison.0
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl Experiment {
    /// The schema that editors complete from.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(Self).to_value()
    }

    /// How many predictions it asks for.
    pub fn questions(&self) -> u32 {
        let is_ask = |step: &Step| matches!(step, Step::Own(Telling::Ask(_)));
        let asks = self.steps.iter().filter(|step| is_ask(step.get_ref()));
        asks.count() as u32
    }
}
