// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a guest finds in `/lib/modules/$(uname -r)`: where its kernel was built,
//! and the newest build of each module, so that modprobe knows them by name.
//!
//! ```text
//! installed/lib/modules/<release>/   laid out as depmod expects it
//! installed/<release>.list           what it was made from, written last
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::earlier::stamps;
use crate::kernel::modinfo::module_name;
use crate::lab::build_error::{BuildError, BuildResult};
use crate::lab::lock::{Lock, Mode};
use crate::lab::progress::Event;

/// Where depmod may be that is not on everybody's PATH.
const DEPMOD: [&str; 3] = ["depmod", "/usr/sbin/depmod", "/sbin/depmod"];
/// What the kernel's build says of the modules that are part of it.
const LISTS: [&str; 3] = ["modules.builtin", "modules.builtin.modinfo", "modules.order"];

/// The folder for the kernel `release`.
pub fn folder(root: &Path, release: &str) -> PathBuf {
    base(root).join("lib/modules").join(release)
}

fn base(root: &Path) -> PathBuf {
    root.join("installed")
}

/// Brings the folder of the kernel `release`, built in `build` from `source`, up
/// to date, and returns it.
///
/// # Errors
/// It can't be written.
pub fn refresh(root: &Path, release: &str, build: &Path, source: &Path) -> BuildResult<PathBuf> {
    let place = folder(root, release);
    let newest = newest_of_each(root, release);
    let mut list = format!("{}\n{}\n", build.display(), source.display());
    for path in newest.values() {
        let meta = fs::metadata(path).map_err(BuildError::on("look at", path))?;
        // Nothing can go wrong with writing to a string.
        let _ = writeln!(list, "{} {}.{}", path.display(), meta.mtime(), meta.mtime_nsec());
    }
    let noted = base(root).join(format!("{release}.list"));
    if fs::read_to_string(&noted).is_ok_and(|there| there == list) {
        return Ok(place);
    }
    fs::create_dir_all(&place).map_err(BuildError::on("make", &place))?;
    let lock = base(root).join(format!("{release}.lock"));
    let _lock = Lock::take(&lock, Mode::Exclusive, "lists modules", &mut |_: Event| {})?;
    lay_out(&place, &newest, build, source).map_err(BuildError::on("fill", &place))?;
    index(&base(root), release);
    fs::write(&noted, list).map_err(BuildError::on("write", &noted))?;
    Ok(place)
}

/// The newest build of each module, by its name.
fn newest_of_each(root: &Path, release: &str) -> BTreeMap<String, PathBuf> {
    let mut newest: BTreeMap<String, (std::time::SystemTime, PathBuf)> = BTreeMap::new();
    for stamp in stamps(root, release) {
        for path in stamp.modules() {
            let Ok(built) = fs::metadata(path).and_then(|meta| meta.modified()) else { continue };
            let name = module_name(&path.to_string_lossy());
            if newest.get(&name).is_none_or(|(known, _)| *known < built) {
                newest.insert(name, (built, path.to_owned()));
            }
        }
    }
    newest.into_iter().map(|(name, (_, path))| (name, path)).collect()
}

fn lay_out(
    place: &Path,
    newest: &BTreeMap<String, PathBuf>,
    build: &Path,
    source: &Path,
) -> io::Result<()> {
    for (name, target) in [("build", build), ("source", source)] {
        let link = place.join(name);
        if fs::read_link(&link).ok().as_deref() != Some(target) {
            drop(fs::remove_file(&link));
            symlink(target, &link)?;
        }
    }
    for name in LISTS {
        match fs::copy(build.join(name), place.join(name)) {
            // Not every kernel's build leaves all of them.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            copied => drop(copied?),
        }
    }
    let updates = place.join("updates");
    fs::create_dir_all(&updates)?;
    for entry in fs::read_dir(&updates)?.flatten() {
        let known = newest.contains_key(&module_name(&entry.path().to_string_lossy()));
        if !known {
            fs::remove_file(entry.path())?;
        }
    }
    for (name, path) in newest {
        let file = updates.join(format!("{name}.ko"));
        let same = |a: &fs::Metadata, b: &fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
        if let (Ok(there), Ok(built)) = (fs::metadata(&file), fs::metadata(path))
            && same(&there, &built)
        {
            continue;
        }
        drop(fs::remove_file(&file));
        if fs::hard_link(path, &file).is_err() {
            fs::copy(path, &file)?;
        }
    }
    Ok(())
}

/// Has depmod write its indices. Without it, modprobe in the guest knows no
/// names until depmod was run there.
fn index(base: &Path, release: &str) {
    for program in DEPMOD {
        let mut command = Command::new(program);
        command.arg("-b").arg(base).arg(release).stdin(Stdio::null());
        match command.stdout(Stdio::null()).stderr(Stdio::null()).status() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Ok(status) if status.success() => return,
            other => return tracing::warn!("depmod for {release}: {other:?}"),
        }
    }
    tracing::warn!("there is no depmod, so modprobe in a guest knows no modules by name");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_shows_build_and_sources_and_follows_them() {
        let root = tempfile::tempdir().unwrap();
        let build = root.path().join("build/lab");
        fs::create_dir_all(&build).unwrap();
        fs::write(build.join("modules.builtin"), "kernel/fs/9p/9p.ko\n").unwrap();
        let source = root.path().join("sources/k");
        let place = refresh(root.path(), "7.3.4-x", &build, &source).unwrap();
        assert!(place.ends_with("lib/modules/7.3.4-x"));
        assert_eq!(fs::read_link(place.join("build")).unwrap(), build);
        assert_eq!(fs::read_link(place.join("source")).unwrap(), source);
        assert!(place.join("modules.builtin").is_file());
        let other = root.path().join("sources/l");
        refresh(root.path(), "7.3.4-x", &build, &other).unwrap();
        assert_eq!(fs::read_link(place.join("source")).unwrap(), other);
    }
}
