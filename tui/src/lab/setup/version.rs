// SPDX-License-Identifier: MIT OR Apache-2.0
//! Versions of programs.

/// A version of three numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// The first version number in a text: `rustc 1.96.0 (…)`.
    pub fn find_in(text: &str) -> Option<Self> {
        text.split(|character: char| !(character.is_ascii_digit() || character == '.'))
            .filter(|word| {
                word.contains('.') && word.starts_with(|first: char| first.is_ascii_digit())
            })
            .find_map(|word| {
                let mut numbers = word.split('.').map(str::parse::<u32>);
                let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
                let patch = numbers.next().and_then(Result::ok).unwrap_or(0);
                Some(Self(major, minor, patch))
            })
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        let version = |text| Version::find_in(text);
        assert_eq!(version("rustc 1.96.0 (ac68faa20 2026-05-25)"), Some(Version(1, 96, 0)));
        assert_eq!(version("bindgen 0.73.2"), Some(Version(0, 73, 2)));
        assert_eq!(version("Debian clang version 19.1.7 (3~deb12u1)"), Some(Version(19, 1, 7)));
        assert_eq!(version("GNU Make 4.3"), Some(Version(4, 3, 0)));
        assert_eq!(version("rustc 1.90.0-nightly"), Some(Version(1, 90, 0)));
        assert_eq!(version("no version at all."), None);
        assert!(Version(0, 71, 0) < Version(0, 71, 1) && Version(0, 100, 0) > Version(0, 71, 1));
    }
}
