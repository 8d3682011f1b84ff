// SPDX-License-Identifier: MIT OR Apache-2.0
//! Building modules against a kernel of the cache, out of their source folder.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::build_error::{BuildError, BuildResult};
use super::cache;
use super::linux::{self, Kernel, make, object, telling};
use super::lock::{Lock, Mode};
use super::program::Program;
use super::progress::{Event, Progress};
use crate::embedded;

/// Builds the modules of `folder`, which has a Kbuild file, for `kernel`. Only
/// what changed is built again; nothing is written to `folder`. Returns the .ko
/// files, all in one folder.
///
/// # Errors
/// `folder` can't be built, or does not compile, or the caller asked to stop.
pub fn build(
    kernel: &Kernel,
    folder: &Path,
    progress: &mut dyn Progress,
) -> BuildResult<Vec<PathBuf>> {
    let wrong = |why: &str| BuildError::Folder { folder: folder.to_owned(), why: why.into() };
    let source = folder.canonicalize().map_err(BuildError::on("open", folder))?;
    if !source.is_dir() {
        return Err(wrong("it is no folder"));
    }
    if !["Kbuild", "Makefile"].iter().any(|name| source.join(name).is_file()) {
        return Err(wrong("it has no Kbuild file (a line like `obj-m += my_module.o`)"));
    }
    if source.to_string_lossy().contains([' ', ':']) {
        return Err(wrong("the kernel's makefiles can't work below a path with spaces or colons"));
    }
    let root = cache::root()?;
    let output = output(&root, kernel, &source);
    let reading = linux::lock(&root, kernel.flavour, Mode::Shared, progress)?;
    let progress: &mut dyn Progress = &mut reading.over(progress);
    let what = format!("building {}", folder.display());
    let lock = output.with_extension("lock");
    let lock = Lock::take(&lock, Mode::Exclusive, &what, progress)?;
    let progress: &mut dyn Progress = &mut lock.over(progress);
    fs::create_dir_all(&output).map_err(BuildError::on("make", &output))?;
    progress.step(format!("Build {} for {}", folder.display(), kernel.release));
    let mut command = make(&kernel.source_dir, &kernel.build_dir);
    command.args(&kernel.make_arguments);
    let setting = |name: &str, path: &Path| {
        let mut word = OsString::from(name);
        word.push(path);
        word
    };
    command.arg(setting("M=", &source)).arg(setting("MO=", &output));
    command.arg(format!("-j{}", linux::jobs())).arg("modules");
    Program::new(command, what)
        .log(&output.with_extension("log"))
        .listen(|line, progress| {
            if let Some(object) = object(line) {
                progress.report(Event::Busy(object.into()));
                return false;
            }
            let telling = telling(line);
            if telling {
                progress.report(Event::Output(line.into()));
            }
            telling
        })
        .run(progress)?;
    progress.report(Event::Done);
    let modules = made(&output)?;
    match modules.is_empty() {
        true => Err(wrong("its Kbuild file names no module (`obj-m += …`)")),
        false => Ok(modules),
    }
}

/// Where a folder's modules are built for a kernel: a place of its own for
/// each, so that two kernels or two folders never mix.
fn output(root: &Path, kernel: &Kernel, source: &Path) -> PathBuf {
    let digest = Sha256::digest(source.as_os_str().as_encoded_bytes());
    let identity: String = digest[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    let name = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
    cache::modules(root).join(&kernel.release).join(format!("{name}-{identity}"))
}

/// The bytes of a loaded module's file: its newest build for the kernel `release`.
///
/// # Errors
/// Why there is none.
pub fn file(release: &str, module: &str) -> Result<Vec<u8>, String> {
    let path = newest(release, module).ok_or("it was not built here")?;
    fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The newest build of a module for the kernel `release`.
pub(crate) fn newest(release: &str, module: &str) -> Option<PathBuf> {
    let folder = cache::modules(&cache::root().ok()?).join(release);
    let builds = fs::read_dir(folder).ok()?.flatten();
    builds
        .filter_map(|build| made(&build.path()).ok())
        .flatten()
        .filter(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            name.replace('-', "_") == module
        })
        .max_by_key(|path| fs::metadata(path).and_then(|data| data.modified()).ok())
}

/// The modules that the last build made, as Kbuild lists them.
fn made(output: &Path) -> BuildResult<Vec<PathBuf>> {
    let list = output.join("modules.order");
    let text = fs::read_to_string(&list).map_err(BuildError::on("read", &list))?;
    Ok(text
        .lines()
        .map(|line| {
            let object = Path::new(line.trim()).with_extension("ko");
            // Relative to the source folder, or in newer versions to the output.
            if object.is_absolute() {
                output.join(object.file_name().unwrap_or_default())
            } else {
                output.join(object)
            }
        })
        .filter(|path| path.is_file())
        .collect())
}

/// The sources of Ringside's own modules: `RINGSIDE_MODULES`, else those of the
/// checkout that the program was built from, else a copy of what travels with
/// the program.
///
/// # Errors
/// The copy can't be written.
pub fn ours() -> BuildResult<PathBuf> {
    if let Some(folder) = std::env::var_os("RINGSIDE_MODULES").filter(|path| !path.is_empty()) {
        return Ok(folder.into());
    }
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../modules");
    if checkout.join("Kbuild").is_file() && checkout.join("my_name").is_dir() {
        return checkout.canonicalize().map_err(BuildError::on("open", &checkout));
    }
    unpack(&cache::root()?.join("own"))
}

/// Writes the sources that travel with the program below `folder`, and nothing
/// else stays there; returns where. Files that are the same keep their times.
fn unpack(folder: &Path) -> BuildResult<PathBuf> {
    for (below, files) in [("modules", embedded::MODULES), ("uapi/src", embedded::UAPI)] {
        for (name, text) in files {
            let path = folder.join(below).join(name);
            if fs::read_to_string(&path).is_ok_and(|there| there == *text) {
                continue;
            }
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(BuildError::on("make", parent))?;
            }
            fs::write(&path, text).map_err(BuildError::on("write", &path))?;
        }
        let folder = folder.join(below);
        let known: Vec<PathBuf> = files.iter().map(|(name, _)| folder.join(name)).collect();
        remove_others(&folder, &known)?;
    }
    Ok(folder.join("modules"))
}

/// Removes what an older program left below `folder`.
fn remove_others(folder: &Path, known: &[PathBuf]) -> BuildResult<()> {
    let entries = fs::read_dir(folder).map_err(BuildError::on("read", folder))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            remove_others(&path, known)?;
        } else if !known.contains(&path) {
            fs::remove_file(&path).map_err(BuildError::on("remove", &path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::flavour::Flavour;

    fn kernel() -> Kernel {
        Kernel {
            flavour: Flavour::Lab,
            image: "/nowhere".into(),
            vmlinux: "/nowhere".into(),
            release: "7.3.4-ringside-lab-0".into(),
            build_dir: "/nowhere".into(),
            source_dir: "/nowhere".into(),
            make_arguments: Vec::new(),
            hash: "0".into(),
        }
    }

    #[test]
    fn a_folder_that_is_none_or_has_no_kbuild_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| build(&kernel(), path, &mut |_| {}).unwrap_err().to_string();
        assert!(refused(folder.path()).contains("it has no Kbuild file"));
        assert!(refused(&folder.path().join("x")).contains("No such file"));
        let spaced = folder.path().join("a b");
        fs::create_dir(&spaced).unwrap();
        fs::write(spaced.join("Kbuild"), "").unwrap();
        assert!(refused(&spaced).contains("spaces or colons"));
    }

    #[test]
    fn two_folders_or_two_kernels_never_share_an_output() {
        let root = Path::new("/c");
        let mut other = kernel();
        other.release = "7.3.4-ringside-lab-1".into();
        let one = output(root, &kernel(), Path::new("/a/modules"));
        assert_ne!(one, output(root, &kernel(), Path::new("/b/modules")));
        assert_ne!(one, output(root, &other, Path::new("/a/modules")));
        assert_eq!(one, output(root, &kernel(), Path::new("/a/modules")));
    }

    #[test]
    fn the_sources_that_travel_with_the_program_are_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let modules = unpack(folder.path()).unwrap();
        assert!(modules.join("Kbuild").is_file());
        assert!(folder.path().join("uapi/src/lib.rs").is_file());
        let time = || fs::metadata(modules.join("Kbuild")).unwrap().modified().unwrap();
        let before = time();
        unpack(folder.path()).unwrap();
        assert_eq!(time(), before);
    }

    #[test]
    fn sources_that_no_longer_travel_with_the_program_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let modules = unpack(folder.path()).unwrap();
        // A module that has become a folder is refused where its old file is, too.
        let old = modules.join("support/before/mod.rs");
        fs::create_dir(old.parent().unwrap()).unwrap();
        fs::write(&old, "").unwrap();
        unpack(folder.path()).unwrap();
        assert!(!old.exists());
        assert!(modules.join("support/device.rs").is_file());
    }
}
