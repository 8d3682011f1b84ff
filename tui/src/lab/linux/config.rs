// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's configuration: fragments laid over each other, and the check
//! that Kconfig did what they ask. Kconfig drops without a word what depends
//! on something that is off.

use super::super::flavour::Flavour;

/// What every Ringside kernel has.
pub const BASE: &str = include_str!("../../../../assets/kernel/base.config");
/// What the lab flavour has beside it.
const LAB: &str = include_str!("../../../../assets/kernel/lab.config");
/// What the debug flavour has beside it.
const DEBUG: &str = include_str!("../../../../assets/kernel/debug.config");

/// The fragments of the kernel itself that make a tiny kernel, relative to its
/// sources. They come first.
pub const TINY: [&str; 3] = [
    "kernel/configs/tiny-base.config",
    "kernel/configs/tiny.config",
    "arch/x86/configs/tiny.config",
];

pub fn fragment(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Lab => LAB,
        Flavour::Debug => DEBUG,
    }
}

/// Symbols, without `CONFIG_`, and their values as they stand in a .config:
/// `y`, `m`, `17`, `"text"`; `n` for what is off. In the order they were last
/// said: of a choice (`KERNEL_XZ`, `KERNEL_GZIP`) Kconfig takes the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config(Vec<(String, String)>);

impl Config {
    /// Reads a .config or a fragment of one. Lines that say nothing are skipped.
    pub fn parse(text: &str) -> Self {
        let mut config = Self::default();
        for line in text.lines().map(str::trim) {
            let off =
                line.strip_prefix("# CONFIG_").and_then(|rest| rest.strip_suffix(" is not set"));
            let set = line.strip_prefix("CONFIG_").and_then(|rest| rest.split_once('='));
            if let Some((symbol, value)) = off.map(|symbol| (symbol, "n")).or(set) {
                config.set(symbol.into(), value.into());
            }
        }
        config
    }

    /// Says it for one symbol.
    pub fn set(&mut self, symbol: String, value: String) {
        self.0.retain(|(name, _)| *name != symbol);
        self.0.push((symbol, value));
    }

    /// The value of a symbol; one that is not mentioned is off.
    pub fn value(&self, symbol: &str) -> &str {
        let found = self.0.iter().find(|(name, _)| name == symbol);
        found.map_or("n", |(_, value)| value)
    }

    /// Does it say anything of this symbol?
    pub fn contains(&self, symbol: &str) -> bool {
        self.0.iter().any(|(name, _)| name == symbol)
    }

    /// Does it say nothing at all?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Symbols and values, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(symbol, value)| (symbol.as_str(), value.as_str()))
    }

    /// What is on and has `part` in its name, in any case.
    #[must_use]
    pub fn with_names_like(self, part: &str) -> Self {
        let part = part.trim_start_matches("CONFIG_").to_uppercase();
        let like = |(symbol, value): &(String, String)| symbol.contains(&part) && value != "n";
        Self(self.0.into_iter().filter(like).collect())
    }

    /// Lays `other` over this one: what it says wins.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        for (symbol, value) in other.0 {
            self.set(symbol, value);
        }
        self
    }

    /// The text of a .config.
    pub fn text(&self) -> String {
        self.0
            .iter()
            .map(|(symbol, value)| match value.as_str() {
                "n" => format!("# CONFIG_{symbol} is not set\n"),
                value => format!("CONFIG_{symbol}={value}\n"),
            })
            .collect()
    }

    /// What this asks for and `result` does not say, one sentence each.
    pub fn missing_in(&self, result: &Self) -> Vec<String> {
        self.0
            .iter()
            .filter_map(|(symbol, wanted)| {
                let got = result.value(symbol);
                (wanted != got).then(|| format!("CONFIG_{symbol}={wanted} (it is {got})"))
            })
            .collect()
    }
}

impl FromIterator<(String, String)> for Config {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(all: T) -> Self {
        let mut config = Self::default();
        all.into_iter().for_each(|(symbol, value)| config.set(symbol, value));
        config
    }
}

/// What our fragments ask for.
pub fn ours(flavour: Flavour) -> Config {
    Config::parse(BASE).with(Config::parse(fragment(flavour)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_fragment_wins() {
        let first = Config::parse("CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_N=8\n# a comment\n");
        let both = first.with(Config::parse("# CONFIG_A is not set\nCONFIG_B=y\n"));
        assert_eq!(both.text(), "CONFIG_N=8\n# CONFIG_A is not set\nCONFIG_B=y\n");
    }

    #[test]
    fn what_kconfig_dropped_is_named() {
        let wanted =
            Config::parse("CONFIG_A=y\nCONFIG_N=8\n# CONFIG_OFF is not set\nCONFIG_ALSO_OFF=n\n");
        let result = Config::parse("# CONFIG_A is not set\nCONFIG_N=8\n");
        assert_eq!(wanted.missing_in(&result), ["CONFIG_A=y (it is n)"]);
        assert_eq!(wanted.missing_in(&Config::parse("CONFIG_A=y\nCONFIG_N=8")), [""; 0]);
    }

    #[test]
    fn the_layout_of_task_struct_is_asked_for_in_every_flavour() {
        for flavour in Flavour::ALL {
            let text = crate::lab::linux::own_options::wanted(flavour).text();
            assert!(text.contains("CONFIG_SCHEDSTATS=y") && text.contains("CONFIG_RUST=y"));
        }
    }
}
