// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernels there are to choose from, and what each needs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which kernel: how it is configured, and with which compiler.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// Built with gcc; small, quick to build and to boot.
    #[default]
    Lab,
    /// Built with clang; slow and strict: KASAN, lockdep and the other
    /// sanitizers, debug information.
    Debug,
}

impl Flavour {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Lab, Self::Debug];

    /// `lab` or `debug`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lab => "lab",
            Self::Debug => "debug",
        }
    }

    /// What `RINGSIDE_KERNEL` says, else [`Flavour::Lab`].
    ///
    /// # Errors
    /// The variable names no flavour.
    pub fn from_environment() -> Result<Self, UnknownFlavour> {
        match std::env::var_os("RINGSIDE_KERNEL") {
            Some(name) if !name.is_empty() => name.to_string_lossy().parse(),
            _ => Ok(Self::default()),
        }
    }

    /// The command line of this kernel if nobody says otherwise.
    fn default_arguments(self) -> &'static str {
        match self {
            Self::Lab => "",
            // Each costs seconds of every boot under emulation.
            Self::Debug => "kunit.enable=0 kmemleak=off",
        }
    }

    /// The command line of this kernel, beside what every guest has: its
    /// defaults and then `more`. A default that `more` speaks of is left out,
    /// since not every setting can be taken back: after `kmemleak=off` the kernel
    /// takes `kmemleak=on` without a word and stays without it.
    pub fn kernel_arguments(self, more: &str) -> String {
        let setting = |word: &str| word.split('=').next().unwrap_or(word).to_owned();
        let given: Vec<String> = more.split_whitespace().map(setting).collect();
        let defaults = self.default_arguments().split_whitespace();
        let mut words: Vec<&str> =
            defaults.filter(|word| !given.contains(&setting(word))).collect();
        words.extend((!more.trim().is_empty()).then(|| more.trim()));
        words.join(" ")
    }

    /// The memory that a guest with this kernel needs, in MiB.
    pub fn memory_mib(self) -> u32 {
        match self {
            Self::Lab => 512,
            // KASAN keeps an eighth of it for itself, kmemleak some more.
            Self::Debug => 1024,
        }
    }

    /// Is it compiled with clang (else with gcc)?
    pub fn clang(self) -> bool {
        self == Self::Debug
    }
}

impl fmt::Display for Flavour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A name that is no flavour's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no kernel called {0:?}: choose `lab` (small and quick) or `debug` (with the sanitizers)"
)]
pub struct UnknownFlavour(pub String);

impl FromStr for Flavour {
    type Err = UnknownFlavour;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|flavour| flavour.name() == name)
            .ok_or_else(|| UnknownFlavour(name.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_flavour_is_refused_with_those_there_are() {
        let error = "fast".parse::<Flavour>().unwrap_err().to_string();
        assert!(error.contains("\"fast\"") && error.contains("lab") && error.contains("debug"));
        assert_eq!("debug".parse(), Ok(Flavour::Debug));
    }

    #[test]
    fn what_is_asked_for_stands_in_the_place_of_the_default_and_not_behind_it() {
        let debug = Flavour::Debug;
        assert_eq!(debug.kernel_arguments(""), "kunit.enable=0 kmemleak=off");
        assert_eq!(
            debug.kernel_arguments(" kmemleak=on quiet "),
            "kunit.enable=0 kmemleak=on quiet"
        );
        assert_eq!(
            debug.kernel_arguments("kunit.enable=1 kmemleak=on"),
            "kunit.enable=1 kmemleak=on"
        );
        assert_eq!(Flavour::Lab.kernel_arguments("quiet"), "quiet");
        assert_eq!(Flavour::Lab.kernel_arguments(""), "");
    }
}
