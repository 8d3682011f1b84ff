// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading `config.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ColorDepth, Config, GlyphName, ThemeName};
use crate::dashboard::core::keys::Key;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    theme: ThemeName,
    glyphs: GlyphName,
    colors: ColorDepth,
    mouse: bool,
    sample_ms: u32,
    log_records: usize,
    auto_marks: bool,
    marks: u32,
    marks_mib: u32,
    keys: BTreeMap<String, Vec<String>>,
}

impl Default for File {
    fn default() -> Self {
        let config = Config::default();
        Self {
            theme: config.theme,
            glyphs: config.glyphs,
            colors: config.colors,
            mouse: config.mouse,
            sample_ms: config.sample_ms,
            log_records: config.log_records,
            auto_marks: config.auto_marks,
            marks: config.marks,
            marks_mib: config.marks_mib,
            keys: BTreeMap::new(),
        }
    }
}

/// What is wrong with a config file, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl Config {
    /// Reads the text of a config file; `known` says whether there is a command of this
    /// name.
    ///
    /// # Errors
    /// Unknown settings, values out of range, unknown commands and keys, each by name.
    pub fn parse(text: &str, known: impl Fn(&str) -> bool) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text).map_err(|error| ConfigError(error.to_string()))?;
        let range = |name: &str, value: u64, min: u64, max: u64| {
            let fits = (min..=max).contains(&value);
            let error = || ConfigError(format!("{name} = {value}: not in {min} to {max}"));
            fits.then_some(()).ok_or_else(error)
        };
        range("sample_ms", u64::from(file.sample_ms), 20, 60_000)?;
        range("log_records", file.log_records as u64, 1000, 10_000_000)?;
        range("marks", u64::from(file.marks), 1, 1000)?;
        range("marks_mib", u64::from(file.marks_mib), 1, u64::from(u32::MAX))?;
        let mut keys = BTreeMap::new();
        for (name, written) in file.keys {
            if !known(&name) {
                return Err(ConfigError(format!("[keys] {name}: there is no such command")));
            }
            let read = |text: &String| {
                let error = || ConfigError(format!("[keys] {name}: {text:?} is no key"));
                Key::parse(text).ok_or_else(error)
            };
            let parsed = written.iter().map(read).collect::<Result<_, _>>()?;
            keys.insert(name, parsed);
        }
        Ok(Self {
            theme: file.theme,
            glyphs: file.glyphs,
            colors: file.colors,
            mouse: file.mouse,
            sample_ms: file.sample_ms,
            log_records: file.log_records,
            auto_marks: file.auto_marks,
            marks: file.marks,
            marks_mib: file.marks_mib,
            keys,
        })
    }
}

impl Config {
    /// The same for whoever needs these entries only: what is wrong with the rest is
    /// returned beside them, to be told of, and its defaults stand in.
    ///
    /// # Errors
    /// As [`Self::parse`], of these entries.
    pub fn parse_only(
        text: &str,
        entries: &[&str],
        known: impl Fn(&str) -> bool,
    ) -> Result<(Self, Option<ConfigError>), ConfigError> {
        let wrong = match Self::parse(text, &known) {
            Ok(config) => return Ok((config, None)),
            Err(wrong) => wrong,
        };
        let Ok(mut table) = text.parse::<toml::Table>() else {
            return Ok((Self::default(), Some(wrong)));
        };
        table.retain(|name, _| entries.contains(&name));
        let own = Self::parse(&table.to_string(), known).map_err(|_| wrong.clone())?;
        Ok((own, Some(wrong)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::core::config::DEFAULTS;

    #[test]
    fn whoever_needs_some_entries_is_not_stopped_by_the_others() {
        let only = |text| Config::parse_only(text, &["marks", "auto_marks"], known);
        let (config, wrong) = only("marks = 3\ncolors = \"mauve\"").unwrap();
        assert_eq!(config, Config { marks: 3, ..Config::default() });
        assert!(wrong.unwrap().to_string().contains("mauve"));
        let (config, wrong) = only("marks = 3\nno-such = 1\n[keys]\nfly = [\"x\"]").unwrap();
        assert_eq!((config.marks, wrong.is_some()), (3, true));
        let (config, wrong) = only("marks = = 3").unwrap();
        assert_eq!((config, wrong.is_some()), (Config::default(), true));
        assert_eq!(only("marks = 3").unwrap(), (Config { marks: 3, ..Config::default() }, None));
        assert!(only("marks = 0\ncolors = \"mauve\"").is_err());
        assert!(only("auto_marks = 7").is_err());
    }

    #[test]
    fn whatever_the_file_holds_is_taken_or_refused_in_words() {
        crate::fuzz::texts("config", |text| {
            if let Err(error) = Config::parse(text, known) {
                assert!(!error.to_string().is_empty());
            }
        });
    }

    fn known(command: &str) -> bool {
        command == "quit"
    }

    #[test]
    fn the_documented_defaults_are_the_defaults() {
        assert_eq!(Config::parse(DEFAULTS, known).unwrap(), Config::default());
        assert_eq!(Config::parse("", known).unwrap(), Config::default());
    }

    #[test]
    fn what_is_wrong_is_called_by_its_name() {
        let error = |text| Config::parse(text, known).unwrap_err().to_string();
        assert!(error("sample_ms = 5").contains("20 to 60000"));
        assert!(error("marks = 0").contains("1 to 1000"));
        assert!(error("colour = 1").contains("colour"));
        assert!(error("[keys]\nno-such = ['x']").contains("no-such"));
        assert!(error("[keys]\nquit = ['hyper-x']").contains("hyper-x"));
    }
}
