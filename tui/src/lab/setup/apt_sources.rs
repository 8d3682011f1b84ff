// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where this machine gets Debian's packages from: the mirror and the keyring
//! that its own apt configuration names, in either of the two formats.

use std::fs;
use std::path::{Path, PathBuf};

/// One source of packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// The archive's base.
    pub(crate) uri: String,
    /// `bookworm`, `bookworm-updates`, …
    pub(crate) suites: Vec<String>,
    /// `main`, …
    pub(crate) components: Vec<String>,
    /// The keyring file it must be signed with, where one is named.
    pub(crate) signed_by: Option<PathBuf>,
}

/// All binary sources in a configuration folder like /etc/apt.
pub(crate) fn read(folder: &Path) -> Vec<Source> {
    let mut files = vec![folder.join("sources.list")];
    let parts = fs::read_dir(folder.join("sources.list.d"));
    let mut parts: Vec<_> =
        parts.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    parts.sort();
    files.extend(parts);
    files
        .iter()
        .filter_map(|file| {
            let text = fs::read_to_string(file).ok()?;
            match file.extension()?.to_str()? {
                "list" => Some(one_line(&text)),
                "sources" => Some(deb822(&text)),
                _ => None,
            }
        })
        .flatten()
        .collect()
}

/// The source of the main archive: the one that has the system's own release.
pub(crate) fn main_archive<'a>(sources: &'a [Source], codename: &str) -> Option<&'a Source> {
    let names = [codename, "stable", "testing", "unstable", "sid"];
    let has_main = |source: &&Source| source.components.iter().any(|name| name == "main");
    names.iter().find_map(|name| {
        sources
            .iter()
            .filter(has_main)
            .filter(|source| !source.uri.starts_with("cdrom:"))
            .find(|source| source.suites.iter().any(|suite| suite == name))
    })
}

/// `deb [options] URI suite component…`
fn one_line(text: &str) -> Vec<Source> {
    text.lines().filter_map(one_source).collect()
}

fn one_source(line: &str) -> Option<Source> {
    let line = line.split('#').next()?.trim();
    let mut rest = line.strip_prefix("deb")?;
    // Not deb-src.
    if !rest.starts_with(char::is_whitespace) {
        return None;
    }
    rest = rest.trim_start();
    let mut signed_by = None;
    if let Some(bracket) = rest.strip_prefix('[') {
        let (options, after) = bracket.split_once(']')?;
        signed_by = options
            .split_whitespace()
            .find_map(|option| option.strip_prefix("signed-by="))
            .and_then(keyring);
        rest = after;
    }
    let mut words = rest.split_whitespace().map(str::to_owned);
    Some(Source {
        uri: words.next()?,
        suites: vec![words.next()?],
        components: words.collect(),
        signed_by,
    })
}

/// Stanzas of `Field: value`, where a value goes on in indented lines.
fn deb822(text: &str) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut stanza: Vec<(String, String)> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.trim().is_empty() {
            sources.extend(stanza_sources(&stanza));
            stanza.clear();
        } else if line.starts_with('#') {
            // A comment ends neither a field nor a stanza.
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = stanza.last_mut() {
                value.push('\n');
                value.push_str(line.trim());
            }
        } else if let Some((field, value)) = line.split_once(':') {
            stanza.push((field.trim().to_ascii_lowercase(), value.trim().into()));
        }
    }
    sources
}

fn stanza_sources(stanza: &[(String, String)]) -> Vec<Source> {
    let get = |name: &str| {
        let found = stanza.iter().find(|(field, _)| field == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let words = |name: &str| get(name).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let off = matches!(get("enabled").to_ascii_lowercase().as_str(), "no" | "false" | "0");
    if off || !words("types").iter().any(|kind| kind == "deb") {
        return Vec::new();
    }
    words("uris")
        .into_iter()
        .map(|uri| Source {
            uri,
            suites: words("suites"),
            components: words("components"),
            signed_by: keyring(get("signed-by")),
        })
        .collect()
}

/// A keyring's file. What is not a path (a fingerprint, a key written out) is
/// of no use elsewhere.
fn keyring(value: &str) -> Option<PathBuf> {
    let first = value.split([',', '\n', ' ']).next()?;
    first.starts_with('/').then(|| PathBuf::from(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_are_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sources.list.d")).unwrap();
        fs::write(
            folder.path().join("sources.list"),
            "# deb http://old.invalid/debian bookworm main\n\
             deb-src http://src.invalid/debian bookworm main\n\
             deb [arch=amd64 signed-by=/k/a.gpg] http://one.invalid/debian bookworm main contrib # mine\n",
        )
        .unwrap();
        let deb822 = "Types: deb deb-src\n# a comment\nURIs: http://two.invalid/debian\n http://three.invalid/debian\n\
             Suites: bookworm bookworm-updates\nComponents: main\nSigned-By: /k/b.gpg\n\n\
             Types: deb\nURIs: http://off.invalid\nSuites: x\nComponents: main\nEnabled: no\n\n\
             Types: deb\nURIs: http://key.invalid\nSuites: y\nComponents: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n";
        fs::write(folder.path().join("sources.list.d/d.sources"), deb822).unwrap();
        fs::write(folder.path().join("sources.list.d/e.save"), "deb http://no.invalid a main")
            .unwrap();
        let sources = read(folder.path());
        let uris: Vec<_> = sources.iter().map(|source| source.uri.as_str()).collect();
        assert_eq!(
            uris,
            [
                "http://one.invalid/debian",
                "http://two.invalid/debian",
                "http://three.invalid/debian",
                "http://key.invalid"
            ]
        );
        assert_eq!(sources[0].signed_by.as_deref(), Some(Path::new("/k/a.gpg")));
        assert_eq!(sources[0].components, ["main", "contrib"]);
        assert_eq!(sources[1].suites, ["bookworm", "bookworm-updates"]);
        assert_eq!(sources[3].signed_by, None);
    }

    #[test]
    fn the_main_archive_is_the_one_with_the_systems_own_release() {
        let sources = one_line(
            "deb http://sec.invalid/debian-security bookworm-security main\n\
             deb http://extra.invalid/ bookworm contrib\n\
             deb http://main.invalid/debian bookworm main\n",
        );
        let found = main_archive(&sources, "bookworm").unwrap();
        assert_eq!(found.uri, "http://main.invalid/debian");
        assert_eq!(main_archive(&sources, "trixie"), None);
        assert_eq!(
            main_archive(&one_line("deb http://a.invalid stable main"), "trixie").unwrap().uri,
            "http://a.invalid"
        );
    }
}
