// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's sources as Debian publishes them: the package `linux-source-7.3`,
//! found through the archive's signed index.
//!
//! apt does the trusting: it reads the index in folders of our own, so that
//! the machine's package lists stay as they are, from the mirror and with the
//! keyring that the machine's own configuration names. The index then says
//! how long the package is and what its SHA-256 is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::build_error::{BuildError, BuildResult};
use super::super::durable;
use super::super::program::{self, Program};
use super::super::progress::Progress;
use super::super::setup::apt_sources::{self, Source};
use super::super::setup::system::{Family, System};
use super::download::{self, Remote};

/// The suite that has the package.
const SUITE: &str = "trixie-backports";
const PACKAGE: &str = "linux-source-7.3";
/// The keyring of a Debian system whose configuration names none.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The main archive of this machine, if it is a Debian.
pub(crate) fn archive() -> Option<Source> {
    let system = System::here();
    if !matches!(system.family, Family::Debian12 | Family::Debian13) {
        return None;
    }
    let folder = std::env::var_os("RINGSIDE_APT_SOURCES").map_or("/etc/apt".into(), PathBuf::from);
    let sources = apt_sources::read(&folder);
    apt_sources::main_archive(&sources, &system.codename).cloned()
}

/// apt with folders of its own.
struct Apt {
    folder: PathBuf,
}

impl Apt {
    /// Makes the folders below `folder`, with `source` as the only one.
    fn new(folder: PathBuf, source: &Source) -> BuildResult<Self> {
        for name in ["state/lists/partial", "cache/archives/partial"] {
            let path = folder.join(name);
            fs::create_dir_all(&path).map_err(BuildError::on("make", &path))?;
        }
        let keyring = source.signed_by.clone().unwrap_or_else(|| KEYRING.into());
        // Without a keyring of its own it is verified with those apt trusts anyway.
        let options = match keyring.exists() {
            true => format!("[signed-by={}] ", keyring.display()),
            false => String::new(),
        };
        let line = format!("deb {options}{} {SUITE} main\n", source.uri);
        for (name, text) in [("sources.list", line.as_str()), ("state/status", "")] {
            let path = folder.join(name);
            fs::write(&path, text).map_err(BuildError::on("write", &path))?;
        }
        Ok(Self { folder })
    }

    /// One of apt's programs; the rest of the machine's configuration (proxies,
    /// passwords) stays in force.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = |name: &str| self.folder.join(name).display().to_string();
        for option in [
            format!("Dir::Etc::sourcelist={}", path("sources.list")),
            "Dir::Etc::sourceparts=/dev/null".into(),
            format!("Dir::State={}", path("state")),
            format!("Dir::State::status={}", path("state/status")),
            format!("Dir::Cache={}", path("cache")),
            "APT::Architecture=amd64".into(),
            "APT::Architectures=amd64".into(),
            "Acquire::Languages=none".into(),
            "Acquire::Retries=2".into(),
            // The folders are the user's own; apt's own user can't enter them.
            "APT::Sandbox::User=root".into(),
            // What the machine does after its own updates is not for these.
            "APT::Update::Post-Invoke=".into(),
            "APT::Update::Post-Invoke-Success=".into(),
        ] {
            command.arg("-o").arg(option);
        }
        command.env("LC_ALL", "C");
        command
    }
}

/// Fetches the package into `downloads` and returns its file.
///
/// # Errors
/// The archive can't be reached or does not have the package, what arrives is
/// damaged, or the caller wants to stop.
pub(crate) fn fetch(
    source: &Source,
    downloads: &Path,
    progress: &mut dyn Progress,
) -> BuildResult<PathBuf> {
    let apt = Apt::new(downloads.join("apt"), source)?;
    progress.step("Read the archive's signed index");
    let mut update = apt.command("apt-get");
    // Else a mirror that can't be reached is a warning and the status is 0.
    update.args(["-q", "-o", "APT::Update::Error-Mode=any", "update"]);
    let index = |error| match error {
        BuildError::Command { last, .. } => BuildError::Fetch {
            why: format!("the index of {SUITE} can't be read from {}", source.uri),
            last,
        },
        other => other,
    };
    Program::new(update, "apt-get update").run(progress).map_err(index)?;
    let remote = find(&apt, source)?;
    let file = downloads.join(file_name(&remote.url));
    let proxy = proxy(&apt, &remote.url);
    let remote = Remote { proxy, ..remote };
    progress.step(format!("Fetch {}", file_name(&remote.url)));
    // Only these can be resumed; apt knows more kinds of mirror than curl.
    if ["http:", "https:"].iter().any(|scheme| remote.url.starts_with(scheme))
        && program::find("curl").is_some()
    {
        download::fetch(&remote, &file, progress)?;
    } else {
        by_apt(&apt, &remote, &file, progress)?;
    }
    Ok(file)
}

/// What the index says of the package.
fn find(apt: &Apt, source: &Source) -> BuildResult<Remote> {
    let mut command = apt.command("apt-get");
    command.args(["-q", "download", "--print-uris", PACKAGE]);
    program::answer(&mut command).as_deref().and_then(parse_uri).ok_or_else(|| BuildError::Fetch {
        why: format!("{SUITE} at {} has no package {PACKAGE}", source.uri),
        last: Vec::new(),
    })
}

/// `'URI' name length SHA256:hash`
fn parse_uri(line: &str) -> Option<Remote> {
    let (url, rest) = line.trim().strip_prefix('\'')?.split_once('\'')?;
    let mut words = rest.split_whitespace().skip(1);
    let size = words.next()?.parse().ok()?;
    let sha256 = words.next()?.strip_prefix("SHA256:")?.to_owned();
    Some(Remote { url: url.into(), size: Some(size), sha256, proxy: None })
}

/// The last part of a URL, as a file name: apt escapes what is not plain.
fn file_name(url: &str) -> String {
    let name = url.rsplit('/').next().unwrap_or(url);
    name.replace("%2b", "+").replace("%7e", "~").replace("%3a", ":")
}

/// The proxy that apt is configured to use for this URL.
fn proxy(apt: &Apt, url: &str) -> Option<String> {
    let scheme = url.split(':').next()?;
    let mut command = apt.command("apt-config");
    command.args(["shell", "proxy", &format!("Acquire::{scheme}::Proxy")]);
    let answer = program::answer(&mut command)?;
    let value = answer.strip_prefix("proxy=")?.trim_matches('\'');
    (!value.is_empty() && value != "DIRECT").then(|| value.to_owned())
}

/// Lets apt fetch and verify the package, which can't be resumed.
fn by_apt(apt: &Apt, remote: &Remote, file: &Path, progress: &mut dyn Progress) -> BuildResult<()> {
    let folder = file.with_extension("apt");
    fs::create_dir_all(&folder).map_err(BuildError::on("make", &folder))?;
    let mut command = apt.command("apt-get");
    command.args(["-q", "download", PACKAGE]).current_dir(&folder);
    Program::new(command, "apt-get download").run(progress).map_err(|error| match error {
        BuildError::Command { last, .. } => {
            BuildError::Fetch { why: format!("{} can't be read", remote.url), last }
        }
        other => other,
    })?;
    let found = fs::read_dir(&folder).map_err(BuildError::on("read", &folder))?.flatten().next();
    let found = found.ok_or_else(|| BuildError::Fetch {
        why: "apt-get download left no file".into(),
        last: Vec::new(),
    })?;
    durable::rename(&found.path(), file).map_err(BuildError::on("rename", &found.path()))?;
    fs::remove_dir_all(&folder).map_err(BuildError::on("remove", &folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_index_says_of_the_package_is_understood() {
        let line = "'http://m.invalid/debian/pool/main/l/linux/linux-source-7.3_7.3.4-1%7ebpo13%2b1_all.deb' \
                    linux-source-7.3_7.3.4-1~bpo13+1_all.deb 166780612 SHA256:703e36";
        let remote = parse_uri(line).unwrap();
        assert_eq!(remote.size, Some(166_780_612));
        assert_eq!(remote.sha256, "703e36");
        assert_eq!(file_name(&remote.url), "linux-source-7.3_7.3.4-1~bpo13+1_all.deb");
        assert_eq!(parse_uri("E: Unable to locate package"), None);
        assert_eq!(parse_uri("'http://m.invalid/x.deb' x 12 MD5Sum:aa"), None);
    }

    #[test]
    fn an_unreachable_mirror_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let source = Source {
            // Nothing listens on the discard port of this machine.
            uri: "http://127.0.0.1:9/debian".into(),
            suites: Vec::new(),
            components: Vec::new(),
            signed_by: None,
        };
        if program::find("apt-get").is_none() {
            return;
        }
        let error = fetch(&source, folder.path(), &mut |_| {}).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("127.0.0.1:9") && text.contains("can't be fetched"), "{text}");
    }
}
