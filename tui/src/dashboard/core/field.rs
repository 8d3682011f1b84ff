// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fields of a form: what each takes, and what is wrong with what is in it.

use ringside_uapi::describe::{Parameter, ParameterKind};

use super::text_field::TextField;
use crate::dashboard::data::duration;
use crate::dashboard::data::lines::UNKNOWN;

/// What a field takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number, decimal or `0x…`.
    Integer {
        /// The smallest value accepted.
        min: i128,
        /// The largest value accepted.
        max: i128,
    },
    /// An address or another number that is thought of in hex: shown so, typed in
    /// either base.
    Address {
        /// The smallest value accepted.
        min: u64,
        /// The largest value accepted.
        max: u64,
    },
    /// A span of time, such as `300ms`; its number is one of microseconds.
    Duration {
        /// The longest, in microseconds.
        max: u64,
    },
    /// Text of which the thing behind it takes at most this many bytes.
    Text {
        /// The limit in bytes.
        max: usize,
    },
    /// Text that the thing behind it does not limit, or not by its bytes: a number
    /// with a unit.
    Line,
    /// A folder or a file of this machine; Tab completes it.
    Path(Paths),
    /// One of these; Left and Right, or Space, change it.
    Choice(Vec<String>),
}

/// Which paths Tab offers; whatever is typed is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paths {
    /// All.
    Any,
    /// Folders, and files that may be modules.
    Modules,
    /// Folders only.
    Folders,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, as the command has it.
    pub name: String,
    /// What it takes.
    pub kind: Kind,
    /// What it means, in one line.
    pub help: String,
    /// What the thing behind it takes, where `kind` can't say it: `0 to 0x3fffffff`.
    pub within: String,
    pub input: TextField,
    /// What Tab found to go on with, until something is typed.
    pub found: Vec<String>,
    /// May it be left empty (the default is then used)?
    pub optional: bool,
    /// The field, and what is to be chosen there, with which this one takes a path.
    pub path_with: Option<(&'static str, &'static str)>,
}

impl Field {
    /// A field that holds `value`.
    pub fn new(name: &str, kind: Kind, help: &str, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            help: help.to_owned(),
            within: String::new(),
            input: TextField::new(value),
            found: Vec::new(),
            optional: false,
            path_with: None,
        }
    }

    /// The same field with its limits in words.
    #[must_use]
    pub fn within(mut self, limits: impl Into<String>) -> Self {
        self.within = limits.into();
        self
    }

    /// The same field, which may stay empty.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The same field, which takes a path while `choice` is chosen in the field `other`.
    #[must_use]
    pub fn path_with(mut self, other: &'static str, choice: &'static str) -> Self {
        self.path_with = Some((other, choice));
        self
    }

    /// A field that takes one of these, and holds the first.
    pub fn choice(name: &str, choices: &[&str], help: &str) -> Self {
        let all = choices.iter().map(|choice| (*choice).to_owned()).collect();
        Self::new(name, Kind::Choice(all), help, choices.first().copied().unwrap_or_default())
    }

    /// The field of a load parameter, with its default in it.
    pub fn parameter(parameter: &Parameter) -> Self {
        let kind = match parameter.kind {
            ParameterKind::Microseconds { max } => Kind::Duration { max },
            ParameterKind::Integer { min, max } => {
                Kind::Integer { min: i128::from(min), max: i128::from(max) }
            }
            ParameterKind::Text { max } => Kind::Text { max },
        };
        Self::new(parameter.name, kind, parameter.help, parameter.default)
    }

    pub fn text(&self) -> &str {
        self.input.text()
    }

    /// What is in it as a number, if it is one in range.
    pub fn number(&self) -> Option<i128> {
        let (min, max) = self.range()?;
        self.parsed().filter(|number| (min..=max).contains(number))
    }

    /// The number that is in it, in range or not.
    fn parsed(&self) -> Option<i128> {
        match self.kind {
            Kind::Duration { .. } => duration::parse(self.text()).map(i128::from),
            _ => parse_integer(self.text()),
        }
    }

    /// The numbers that it takes, if it takes numbers.
    fn range(&self) -> Option<(i128, i128)> {
        match self.kind {
            Kind::Integer { min, max } => Some((min, max)),
            Kind::Address { min, max } => Some((min.into(), max.into())),
            Kind::Duration { max } => Some((0, max.into())),
            _ => None,
        }
    }

    /// A number as this field shows all of its numbers.
    fn shown(&self, number: i128) -> String {
        match (&self.kind, u64::try_from(number)) {
            (Kind::Address { .. }, _) => format!("{number:#x}"),
            (Kind::Duration { .. }, Ok(micros)) => duration::text(micros),
            _ => number.to_string(),
        }
    }

    /// What is in it as a module takes it: a span of time in microseconds.
    pub fn value(&self) -> String {
        match (&self.kind, self.number()) {
            (Kind::Duration { .. }, Some(micros)) => micros.to_string(),
            (Kind::Duration { .. }, None) => UNKNOWN.to_owned(),
            _ => self.text().to_owned(),
        }
    }

    /// The limits in words: `0 to 1000`; empty where there are none.
    pub fn limits(&self) -> String {
        match &self.kind {
            _ if !self.within.is_empty() => self.within.clone(),
            Kind::Line | Kind::Path(_) => String::new(),
            Kind::Integer { min, max } => format!("{min} to {max}"),
            Kind::Address { min, max } => format!("{min:#x} to {max:#x}"),
            Kind::Duration { max } => {
                format!("50us, 300ms, 1s; at most {}", duration::text(*max))
            }
            Kind::Text { max } => format!("at most {max} bytes"),
            Kind::Choice(choices) => choices.join(" | "),
        }
    }

    /// What is wrong with what is in it.
    pub fn error(&self) -> Option<String> {
        let text = self.text();
        let may_be_empty = matches!(self.kind, Kind::Text { .. } | Kind::Line | Kind::Path(_));
        if text.is_empty() && (self.optional || may_be_empty) {
            return None;
        }
        if let Some((min, max)) = self.range() {
            return match self.parsed() {
                None if matches!(self.kind, Kind::Duration { .. }) => {
                    Some("not a span of time".into())
                }
                None => Some("not a whole number".into()),
                Some(number) if number < min => Some(format!("less than {}", self.shown(min))),
                Some(number) if number > max => Some(format!("more than {}", self.shown(max))),
                Some(_) => None,
            };
        }
        match &self.kind {
            Kind::Integer { .. } | Kind::Address { .. } | Kind::Duration { .. } => None,
            Kind::Text { max } => {
                (text.len() > *max).then(|| format!("{} bytes, {max} are allowed", text.len()))
            }
            Kind::Line | Kind::Path(_) => None,
            Kind::Choice(choices) => (!choices.iter().any(|choice| choice == text))
                .then(|| format!("not one of {}", choices.join(", "))),
        }
    }

    /// Goes on with what Tab found for the text that is in it; `false` when that
    /// is nothing, or the text is another by now.
    pub fn complete(&mut self, asked: &str, text: String, found: Vec<String>) -> bool {
        if self.text() != asked || found.is_empty() {
            return false;
        }
        let grown = text != asked;
        self.input.set(text);
        self.found = if found.len() > 1 { found } else { Vec::new() };
        grown || !self.found.is_empty()
    }

    /// Takes the next choice, or the one before.
    pub(super) fn turn(&mut self, forward: bool) {
        if let Kind::Choice(choices) = &self.kind {
            let count = choices.len().max(1);
            let now = choices.iter().position(|choice| choice == self.input.text());
            let next = match (now, forward) {
                (None, _) => 0,
                (Some(now), true) => (now + 1) % count,
                (Some(now), false) => (now + count - 1) % count,
            };
            if let Some(choice) = choices.get(next).cloned() {
                self.input.set(choice);
            }
        }
    }
}

/// Reads a whole number, decimal or `0x…`, with `_` allowed between digits.
pub fn parse_integer(text: &str) -> Option<i128> {
    let text = text.trim().replace('_', "");
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) if !hex.starts_with(['+', '-']) => i128::from_str_radix(hex, 16).ok(),
        Some(_) => None,
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: Kind, value: &str) -> Field {
        Field::new("x", kind, "", value)
    }

    #[test]
    fn a_number_out_of_range_is_an_error_that_names_the_limit() {
        let kind = Kind::Integer { min: 0, max: 1000 };
        assert_eq!(field(kind.clone(), "1001").error().unwrap(), "more than 1000");
        assert_eq!(field(kind.clone(), "-1").error().unwrap(), "less than 0");
        assert_eq!(field(kind.clone(), "ten").error().unwrap(), "not a whole number");
        assert_eq!(field(kind.clone(), "").error().unwrap(), "not a whole number");
        assert_eq!(field(kind, "0x3e8").number(), Some(1000));
    }

    #[test]
    fn limits_and_errors_of_a_field_are_in_one_base() {
        let address = |value| field(Kind::Address { min: 0x1000, max: 0xff_ffff }, value);
        assert_eq!(address("").limits(), "0x1000 to 0xffffff");
        assert_eq!(address("1").error().unwrap(), "less than 0x1000");
        assert_eq!(address("0x1000000").error().unwrap(), "more than 0xffffff");
        assert_eq!(address("4096").number(), Some(4096));
        let long = field(Kind::Integer { min: i64::MIN.into(), max: i64::MAX.into() }, "");
        assert_eq!(long.limits(), "-9223372036854775808 to 9223372036854775807");
    }

    #[test]
    fn a_span_of_time_is_taken_with_its_unit_and_handed_on_in_microseconds() {
        let kind = Kind::Duration { max: 60_000_000 };
        let typed = field(kind.clone(), "300ms");
        assert_eq!((typed.number(), typed.value()), (Some(300_000), "300000".into()));
        assert_eq!(field(kind.clone(), "2min").error().unwrap(), "more than 60 s");
        let wrong = field(kind.clone(), "soon");
        assert_eq!(
            (wrong.error().unwrap().as_str(), wrong.value().as_str()),
            ("not a span of time", "?")
        );
        assert_eq!(field(kind, "0").error(), None);
    }

    #[test]
    fn text_is_limited_in_bytes_and_not_in_characters() {
        assert!(field(Kind::Text { max: 3 }, "éé").error().is_some());
        assert_eq!(field(Kind::Text { max: 4 }, "éé").error(), None);
    }

    #[test]
    fn a_line_says_the_limits_of_what_it_stands_for_or_none() {
        assert_eq!(field(Kind::Line, "x").limits(), "");
        assert_eq!(field(Kind::Line, &"x".repeat(5000)).error(), None);
        let offset = field(Kind::Line, "4K").within("0 to 0x3fffffff");
        assert_eq!(offset.limits(), "0 to 0x3fffffff");
    }
}
