// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of this machine: modules to load, logs to save, what was typed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::dashboard::core::field::Paths;
use crate::dashboard::core::host::Limit;
use crate::plain_file;
use crate::plain_file::FileError;

/// The path with `~/` replaced by the home folder.
pub fn in_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(path),
    }
}

/// Reads a file, or its beginning.
pub(crate) fn read(path: &str, limit: &Limit) -> Result<Vec<u8>, String> {
    let path = in_home(path);
    match &limit.reason {
        None => plain_file::read_start(&path, limit.bytes).map_err(|error| error.to_string()),
        Some(reason) => plain_file::read(&path, limit.bytes).map_err(|error| match error {
            FileError::Large { .. } => format!("{error}, {reason}"),
            error => error.to_string(),
        }),
    }
}

/// A module's file, packed or not.
const MODULES: [&str; 4] = [".ko", ".ko.gz", ".ko.xz", ".ko.zst"];

/// The path as far as there is only one way to go on, and the names that it may go
/// on with: those of folders end in `/`.
pub(crate) fn complete(path: &str, which: Paths) -> (String, Vec<String>) {
    let (folder, begun) = match path.rfind('/') {
        Some(slash) => path.split_at(slash + 1),
        None => ("", path),
    };
    let place = if folder.is_empty() { PathBuf::from(".") } else { in_home(folder) };
    let fits = |entry: &fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        // Hidden ones are offered to whoever asks for them.
        if !name.starts_with(begun) || begun.is_empty() && name.starts_with('.') {
            return None;
        }
        let is_folder = fs::metadata(entry.path()).is_ok_and(|meta| meta.is_dir());
        let offered = match which {
            Paths::Any => true,
            Paths::Modules => MODULES.iter().any(|end| name.ends_with(end)),
            Paths::Folders => false,
        };
        (is_folder || offered).then(|| if is_folder { format!("{name}/") } else { name })
    };
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| fits(&entry)).collect();
    names.sort_unstable();
    let common = match names.split_first() {
        None => begun.to_owned(),
        Some((first, others)) => {
            let shared = others.iter().fold(first.as_str(), |shared, name| common(shared, name));
            shared.to_owned()
        }
    };
    (format!("{folder}{common}"), names)
}

/// What two names begin with, both.
fn common<'a>(one: &'a str, other: &str) -> &'a str {
    let same = one.char_indices().zip(other.chars()).find(|((_, a), b)| a != b);
    let end = same.map_or(one.len().min(other.len()), |((at, _), _)| at);
    &one[..end]
}

/// Writes a new file; one that exists is left alone. Returns its full path.
pub(crate) fn save(path: &str, bytes: &[u8]) -> Result<String, String> {
    let path = in_home(path);
    let fail = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{} exists already and was not touched; choose another name", path.display())
        }
        _ => format!("{} can't be written: {error}", path.display()),
    };
    let write = |file: &mut File| file.write_all(bytes).and_then(|()| file.sync_all());
    plain_file::create(&path, write).map_err(fail)?;
    let full = fs::canonicalize(&path).unwrap_or(path);
    Ok(full.display().to_string())
}

/// What was typed in earlier runs; nothing when there is no file or it is damaged.
pub fn recall(path: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    toml::from_str(&text).unwrap_or_default()
}

/// Keeps what was typed for the next run: a new file takes the old one's place.
///
/// # Errors
/// It can't be written.
pub fn remember(path: &Path, inputs: &BTreeMap<String, String>) -> io::Result<()> {
    let text = toml::to_string(inputs).map_err(io::Error::other)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // A name of its own for every writer: two may be at it at the same time.
    let writer = std::thread::current().id();
    let temporary = path.with_extension(format!("{}.{writer:?}.new", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    let kept = file.write_all(text.as_bytes()).and_then(|()| fs::rename(&temporary, path));
    if kept.is_err() {
        // The old file stays; half of a new one is of no use to anybody.
        drop(fs::remove_file(&temporary));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_exists_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.txt");
        let path = path.to_str().unwrap();
        assert!(save(path, b"one").unwrap().ends_with("log.txt"));
        assert!(save(path, b"two").unwrap_err().contains("exists already"));
        let limit = Limit { bytes: 3, reason: None };
        assert_eq!(read(path, &limit).unwrap(), b"one");
    }

    #[test]
    fn a_path_is_completed_as_far_as_there_is_one_way_to_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().to_str().unwrap();
        for name in ["modul-é", "modul-è", ".hidden"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        for name in ["one.ko", "one.c", "two.ko.zst"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let ask = |text: &str, which| {
            let (path, names) = complete(&format!("{top}/{text}"), which);
            (path[top.len() + 1..].to_owned(), names.join(" "))
        };
        assert_eq!(ask("m", Paths::Any), ("modul-".into(), "modul-è/ modul-é/".into()));
        assert_eq!(ask("modul-é", Paths::Any), ("modul-é/".into(), "modul-é/".into()));
        assert_eq!(ask("o", Paths::Modules), ("one.ko".into(), "one.ko".into()));
        assert_eq!(ask("o", Paths::Any), ("one.".into(), "one.c one.ko".into()));
        assert_eq!(ask("", Paths::Modules).1, "modul-è/ modul-é/ one.ko two.ko.zst");
        assert_eq!(ask("o", Paths::Folders), ("o".into(), String::new()));
        assert_eq!(ask(".", Paths::Any), (".hidden/".into(), ".hidden/".into()));
        assert_eq!(ask("nothing", Paths::Any), ("nothing".into(), String::new()));
        assert_eq!(complete("/nowhere/x", Paths::Any), ("/nowhere/x".into(), vec![]));
    }

    #[test]
    fn inputs_survive_and_a_damaged_file_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/inputs.toml");
        assert!(recall(&path).is_empty());
        let inputs = BTreeMap::from([("load/my_name/name".to_owned(), "A \"B\"\n".to_owned())]);
        remember(&path, &inputs).unwrap();
        assert_eq!(recall(&path), inputs);
        fs::write(&path, "=").unwrap();
        assert!(recall(&path).is_empty());
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_with_the_reason_it_may_not_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        fs::write(&path, b"12345").unwrap();
        let limit = Limit { bytes: 4, reason: Some("which is all there is room for".into()) };
        let why = read(path.to_str().unwrap(), &limit).unwrap_err();
        assert!(why.ends_with("data has more than 4 B, which is all there is room for"), "{why}");
        assert!(read("/", &limit).unwrap_err().ends_with("/ is a folder, not a file"));
    }
}
