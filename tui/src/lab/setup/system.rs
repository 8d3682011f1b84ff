// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which distribution this machine runs.

use std::fs;

/// A distribution whose packages Ringside knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Debian 12, bookworm.
    Debian12,
    /// Debian 13, trixie, and later.
    Debian13,
    /// Ubuntu, other descendants of Debian, and its other releases.
    Ubuntu,
    /// Fedora and its relatives.
    Fedora,
    /// Arch Linux and its descendants.
    Arch,
    /// Any other.
    Other,
}

impl Family {
    /// Can Ringside install packages here by itself?
    pub fn installs(self) -> bool {
        matches!(self, Self::Debian12 | Self::Debian13)
    }
}

/// The distribution, as /etc/os-release tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// Its own name: `Debian GNU/Linux 12 (bookworm)`.
    pub name: String,
    /// Which of those that are known.
    pub family: Family,
    /// `bookworm`; empty where there is none.
    pub codename: String,
}

impl System {
    /// This machine's.
    pub fn here() -> Self {
        let text = fs::read_to_string("/etc/os-release")
            .or_else(|_| fs::read_to_string("/usr/lib/os-release"))
            .unwrap_or_default();
        Self::parse(&text)
    }

    /// From the text of an os-release file.
    pub fn parse(text: &str) -> Self {
        let get = |key: &str| {
            text.lines()
                .filter_map(|line| line.trim().split_once('='))
                .find(|(name, _)| *name == key)
                .map(|(_, value)| value.trim_matches(['"', '\'']).to_owned())
                .unwrap_or_default()
        };
        let (id, like) = (get("ID"), get("ID_LIKE"));
        let codename = get("VERSION_CODENAME");
        let among = |names: &[&str]| {
            names.contains(&id.as_str())
                || like.split_whitespace().any(|name| names.contains(&name))
        };
        let family = match (id.as_str(), get("VERSION_ID").parse::<u32>()) {
            ("debian", Ok(12)) => Family::Debian12,
            // testing and unstable have no number.
            ("debian", Ok(13..) | Err(_)) => Family::Debian13,
            _ if among(&["ubuntu", "debian"]) => Family::Ubuntu,
            _ if among(&["fedora", "rhel"]) => Family::Fedora,
            _ if among(&["arch"]) => Family::Arch,
            _ => Family::Other,
        };
        let name = [get("PRETTY_NAME"), id, "this system".into()]
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or_default();
        Self { name, family, codename }
    }
}

/// This machine's processor and system: `x86_64 Linux`.
pub(crate) fn machine() -> String {
    nix::sys::utsname::uname().map_or_else(
        |_| "an unknown machine".into(),
        |name| format!("{} {}", name.machine().to_string_lossy(), name.sysname().to_string_lossy()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(text: &str) -> Family {
        System::parse(text).family
    }

    #[test]
    fn the_known_distributions_are_told_apart() {
        let bookworm = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n";
        assert_eq!(
            System::parse(bookworm),
            System {
                name: "Debian GNU/Linux 12 (bookworm)".into(),
                family: Family::Debian12,
                codename: "bookworm".into(),
            }
        );
        assert_eq!(family("ID=debian\nVERSION_ID=\"13\""), Family::Debian13);
        assert_eq!(family("ID=debian\nVERSION_CODENAME=forky"), Family::Debian13);
        assert_eq!(family("ID=debian\nVERSION_ID=\"11\""), Family::Ubuntu);
        assert_eq!(family("ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"24.04\""), Family::Ubuntu);
        assert_eq!(family("ID=linuxmint\nID_LIKE=\"ubuntu debian\""), Family::Ubuntu);
        assert_eq!(family("ID=fedora\nVERSION_ID=42"), Family::Fedora);
        assert_eq!(family("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\""), Family::Fedora);
        assert_eq!(family("ID=manjaro\nID_LIKE=arch"), Family::Arch);
        assert_eq!(family("ID=void"), Family::Other);
        assert_eq!(System::parse("").name, "this system");
    }
}
