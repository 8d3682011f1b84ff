// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values of a description that are more than text: a comparison, a regular
//! expression, a pattern for names, an error number.

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::error::errno_name;

/// A comparison: `>= 5`, `== Spring`, `!= 0`, `3..7`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Condition {
    written: String,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Compare(Operator, i64),
    Between(i64, i64),
    Text { equal: bool, text: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

const OPERATORS: [(&str, Operator); 6] = [
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Condition {
    /// Is it true of what a file holds?
    pub fn holds(&self, seen: &str) -> bool {
        let number = seen.trim().parse::<i64>().ok();
        match (&self.kind, number) {
            (Kind::Text { equal, text }, _) => (seen.trim() == text) == *equal,
            (Kind::Between(low, high), Some(number)) => (*low..=*high).contains(&number),
            (Kind::Compare(operator, than), Some(number)) => match operator {
                Operator::Less => number < *than,
                Operator::LessOrEqual => number <= *than,
                Operator::Equal => number == *than,
                Operator::NotEqual => number != *than,
                Operator::GreaterOrEqual => number >= *than,
                Operator::Greater => number > *than,
            },
            (_, None) => false,
        }
    }
}

impl TryFrom<String> for Condition {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        let text = written.trim();
        let meant = || {
            format!("{text:?} is no comparison: write one like \">= 5\", \"== Spring\" or \"3..7\"")
        };
        let kind = if let Some((low, high)) = text.split_once("..") {
            let number = |text: &str| text.trim().parse::<i64>().map_err(|_| meant());
            Kind::Between(number(low)?, number(high)?)
        } else {
            let known = OPERATORS.iter().find(|(sign, _)| text.starts_with(sign));
            let (sign, operator) = known.ok_or_else(meant)?;
            let rest = text[sign.len()..].trim();
            match (rest.parse(), operator) {
                (Ok(number), operator) => Kind::Compare(*operator, number),
                (Err(_), Operator::Equal | Operator::NotEqual) => {
                    Kind::Text { equal: *operator == Operator::Equal, text: rest.into() }
                }
                _ => return Err(meant()),
            }
        };
        Ok(Self { written: text.to_owned(), kind })
    }
}

impl From<Condition> for String {
    fn from(condition: Condition) -> Self {
        condition.written
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.written)
    }
}

/// A regular expression.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Pattern(Regex);

impl Pattern {
    /// Does it match somewhere in the text?
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match Regex::new(&text) {
            Ok(regex) => Ok(Self(regex)),
            Err(error) => {
                let why = error.to_string();
                let why = why.lines().last().unwrap_or_default().trim();
                Err(format!("{text:?} is no regular expression: {why}"))
            }
        }
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0.as_str().to_owned()
    }
}

/// A name in which `*` stands for any characters, and `?` for one.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Glob {
    written: String,
    regex: Regex,
}

impl Glob {
    /// Is it such a name?
    pub fn matches(&self, name: &str) -> bool {
        self.regex.is_match(name)
    }
}

impl TryFrom<String> for Glob {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        let inner = regex::escape(&written).replace(r"\*", ".*").replace(r"\?", ".");
        let regex = Regex::new(&format!("^(?s:{inner})$"))
            .map_err(|error| format!("{written:?} is no pattern for names: {error}"))?;
        Ok(Self { written, regex })
    }
}

impl From<Glob> for String {
    fn from(glob: Glob) -> Self {
        glob.written
    }
}

impl std::fmt::Display for Glob {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.written)
    }
}

/// An error number by its name: `EBUSY`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct ErrnoName {
    name: String,
}

/// No error number of Linux is larger.
const ERRNO_MAX: i32 = 133;

impl ErrnoName {
    /// Is it this number?
    pub fn is(&self, errno: i32) -> bool {
        errno_name(errno) == self.name
    }
}

impl TryFrom<String> for ErrnoName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match (1..=ERRNO_MAX).any(|errno| errno_name(errno) == name) {
            true => Ok(Self { name }),
            false => Err(format!("{name:?} is no error of Linux: write a name like EBUSY")),
        }
    }
}

impl From<ErrnoName> for String {
    fn from(errno: ErrnoName) -> Self {
        errno.name
    }
}

impl std::fmt::Display for ErrnoName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.name)
    }
}
