// SPDX-License-Identifier: MIT OR Apache-2.0
//! The note that a kernel is whole, written last: what it was made from, and
//! the files as they were. Reading it is all that a warm start does.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::build_error::{BuildError, BuildResult};
use super::super::cache;
use super::super::durable;
use super::super::flavour::Flavour;
use super::super::seen::Seen;
use super::kernel::Kernel;
use super::parts::Parts;
use super::{own_options, source};
use crate::embedded;

/// What a kernel was made from and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    flavour: Flavour,
    /// Of fragments, patches and added files.
    inputs: String,
    /// The key of the source tree.
    source: String,
    release: String,
    source_dir: PathBuf,
    make_arguments: Vec<String>,
    hash: String,
    /// What was built.
    made: Vec<Seen>,
    /// The programs that built it.
    tools: Vec<Seen>,
}

fn file(root: &Path, flavour: Flavour) -> PathBuf {
    root.join("kernels").join(format!("{flavour}.json"))
}

/// The note of every file in the build folder.
fn parts(root: &Path, flavour: Flavour) -> PathBuf {
    root.join("kernels").join(format!("{flavour}.parts.json"))
}

/// Identifies everything of ours that goes into a kernel.
pub(crate) fn inputs(flavour: Flavour) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    };
    add(flavour.name());
    add(&own_options::wanted(flavour).text());
    for (name, text) in embedded::KERNEL_PATCHES {
        add(name);
        add(text);
    }
    for (path, text) in embedded::MODULES.iter().filter(|(path, _)| path.starts_with("my_syscall/"))
    {
        add(path);
        add(text);
    }
    crate::text::bytes::hex(&hash.finalize())
}

/// The files in a build folder that a kernel is used by.
fn made(build_dir: &Path) -> [PathBuf; 3] {
    [
        build_dir.join("arch/x86/boot/bzImage"),
        build_dir.join("vmlinux"),
        build_dir.join("Module.symvers"),
    ]
}

/// Writes the stamp of a kernel that was just built.
pub(crate) fn write(
    root: &Path,
    kernel: &Kernel,
    source: &str,
    tools: &[PathBuf],
) -> BuildResult<()> {
    let stamp = Stamp {
        flavour: kernel.flavour,
        inputs: inputs(kernel.flavour),
        source: source.to_owned(),
        release: kernel.release.clone(),
        source_dir: kernel.source_dir.clone(),
        make_arguments: kernel.make_arguments.clone(),
        hash: kernel.hash.clone(),
        made: made(&kernel.build_dir).iter().filter_map(|path| Seen::made(path)).collect(),
        tools: tools.iter().filter_map(|path| tool(root, path)).collect(),
    };
    let path = file(root, kernel.flavour);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(BuildError::on("make", folder))?;
    }
    durable::keep_all(&kernel.build_dir).map_err(BuildError::on("write", &kernel.build_dir))?;
    Parts::of(&kernel.build_dir)?.write(&parts(root, kernel.flavour))?;
    cache::write_json(&path, &stamp)
}

/// A program that built a kernel; one that lies in the cache with its checksum.
fn tool(root: &Path, path: &Path) -> Option<Seen> {
    if path.starts_with(root) { Seen::made(path) } else { Seen::now(path) }
}

/// Removes what a failing disk has damaged of a kernel that is about to be built
/// again: the whole build folder, since make can't tell which file it is, and
/// programs of the cache, which set-up then installs again. Returns what it was.
pub(crate) fn mend(root: &Path, flavour: Flavour) -> BuildResult<Option<PathBuf>> {
    let stamp: Option<Stamp> = cache::read_json(&file(root, flavour));
    stamp.iter().flat_map(|stamp| &stamp.tools).for_each(Seen::remove_damaged);
    let damaged = Parts::read(&parts(root, flavour))
        .and_then(|parts| parts.damaged(|_| true).map(Path::to_owned));
    if damaged.is_some() {
        remove(root, flavour);
        let folder = cache::build(root, flavour);
        std::fs::remove_dir_all(&folder).map_err(BuildError::on("remove", &folder))?;
    }
    Ok(damaged)
}

/// Is a file damaged that modules are built with, `rust` ones too? (The kernel's crates
/// are most of it, and C modules read none.) The kernel no longer counts as
/// whole then, and is built again by whatever next needs it.
pub(crate) fn modules_damaged(root: &Path, flavour: Flavour, rust: bool) -> bool {
    let build_dir = cache::build(root, flavour);
    let read_by_modules = |path: &Path| {
        let inside = path.strip_prefix(&build_dir).unwrap_or(path);
        match inside.components().next().and_then(|first| first.as_os_str().to_str()) {
            Some("include" | "scripts" | "tools" | ".config" | "Module.symvers") => true,
            Some("rust") if rust => {
                inside.extension().is_some_and(|kind| kind == "rmeta" || kind == "so")
            }
            Some("arch") => inside.starts_with("arch/x86/include"),
            _ => false,
        }
    };
    let parts = Parts::read(&parts(root, flavour));
    let Some(damaged) = parts.as_ref().and_then(|parts| parts.damaged(read_by_modules)) else {
        return false;
    };
    tracing::warn!("{} is damaged; the kernel is built again", damaged.display());
    // The note of the parts stays: by it the folder is known to be damaged.
    drop(std::fs::remove_file(file(root, flavour)));
    true
}

/// Removes the stamp, before anything it speaks of is touched, and what is damaged
/// of that.
pub(crate) fn remove(root: &Path, flavour: Flavour) {
    if let Some(stamp) = cache::read_json::<Stamp>(&file(root, flavour)) {
        stamp.made.iter().for_each(Seen::remove_damaged);
    }
    // If it can't be removed, what it says of the files no longer holds.
    drop(std::fs::remove_file(file(root, flavour)));
    drop(std::fs::remove_file(parts(root, flavour)));
}

/// Is a part of a kernel as it was made? Of vmlinux, which is large and which no
/// start needs, only the outside is looked at: see [`damaged`].
fn sound(seen: &Seen) -> bool {
    if seen.path.ends_with("vmlinux") { seen.unchanged() } else { seen.intact() }
}

/// Is this part of a kernel damaged? It is removed then, so that the kernel is built
/// again.
pub(crate) fn damaged(root: &Path, flavour: Flavour, path: &Path) -> bool {
    let stamp: Option<Stamp> = cache::read_json(&file(root, flavour));
    let seen = stamp.and_then(|stamp| stamp.made.into_iter().find(|seen| seen.path == path));
    let damaged = seen.as_ref().is_some_and(|seen| !seen.intact());
    seen.iter().for_each(Seen::remove_damaged);
    damaged
}

/// The kernel, if it is whole and made of what it would be made of now.
pub(crate) fn read(root: &Path, flavour: Flavour) -> Option<Kernel> {
    let stamp: Stamp = cache::read_json(&file(root, flavour))?;
    let current = stamp.flavour == flavour
        && stamp.inputs == inputs(flavour)
        && stamp.made.len() == 3
        && stamp.made.iter().all(sound)
        // A tool that is gone is no reason not to boot what it built.
        && !stamp.tools.iter().any(Seen::replaced)
        && source::chosen(root).is_none_or(|key| key == stamp.source)
        && stamp.source_dir.join("Makefile").exists();
    let build_dir = cache::build(root, flavour);
    let [image, vmlinux, _] = made(&build_dir);
    (current && stamp.made.iter().map(|seen| &seen.path).eq(&made(&build_dir))).then_some(Kernel {
        flavour,
        image,
        vmlinux,
        release: stamp.release,
        build_dir,
        source_dir: stamp.source_dir,
        make_arguments: stamp.make_arguments,
        hash: stamp.hash,
    })
}

#[cfg(test)]
mod tests {
    use super::super::parts::tests::flip;
    use super::*;
    use std::fs;

    fn whole(root: &Path) -> Kernel {
        let build_dir = cache::build(root, Flavour::Lab);
        for path in made(&build_dir) {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "made").unwrap();
        }
        let source_dir = cache::sources(root).join("k");
        fs::create_dir_all(&source_dir).unwrap();
        fs::write(source_dir.join("Makefile"), "").unwrap();
        fs::write(root.join("rustc"), "1").unwrap();
        let [image, vmlinux, _] = made(&build_dir);
        let kernel = Kernel {
            flavour: Flavour::Lab,
            image,
            vmlinux,
            release: "7.3.4-ringside-lab-0".into(),
            build_dir,
            source_dir,
            make_arguments: vec!["RUSTC=x".into()],
            hash: "0".into(),
        };
        write(root, &kernel, "k", &[root.join("rustc")]).unwrap();
        kernel
    }

    #[test]
    fn a_whole_kernel_is_found_again() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(read(root.path(), Flavour::Lab), None);
        let kernel = whole(root.path());
        assert_eq!(read(root.path(), Flavour::Lab), Some(kernel));
        assert_eq!(read(root.path(), Flavour::Debug), None);
    }

    #[test]
    fn a_missing_or_changed_file_makes_it_no_kernel() {
        let root = tempfile::tempdir().unwrap();
        let kernel = whole(root.path());
        fs::write(&kernel.image, "truncated").unwrap();
        assert_eq!(read(root.path(), Flavour::Lab), None);
        let kernel = whole(root.path());
        fs::remove_file(&kernel.vmlinux).unwrap();
        assert_eq!(read(root.path(), Flavour::Lab), None);
        whole(root.path());
        fs::write(root.path().join("rustc"), "another").unwrap();
        assert_eq!(read(root.path(), Flavour::Lab), None);
        let kernel = whole(root.path());
        fs::remove_file(root.path().join("rustc")).unwrap();
        assert_eq!(read(root.path(), Flavour::Lab), Some(kernel), "its compiler may be gone");
    }

    #[test]
    fn a_damaged_image_makes_it_no_kernel_and_is_made_again() {
        let root = tempfile::tempdir().unwrap();
        let kernel = whole(root.path());
        flip(&kernel.image);
        assert_eq!(read(root.path(), Flavour::Lab), None);
        remove(root.path(), Flavour::Lab);
        assert!(!kernel.image.exists() && kernel.vmlinux.exists());
    }

    #[test]
    fn a_damaged_vmlinux_is_noticed_by_whoever_reads_it() {
        let root = tempfile::tempdir().unwrap();
        let kernel = whole(root.path());
        assert!(!damaged(root.path(), Flavour::Lab, &kernel.vmlinux));
        flip(&kernel.vmlinux);
        assert_eq!(read(root.path(), Flavour::Lab), Some(kernel.clone()));
        assert!(damaged(root.path(), Flavour::Lab, &kernel.vmlinux));
        assert_eq!(read(root.path(), Flavour::Lab), None);
    }

    #[test]
    fn the_flavours_are_made_of_different_things() {
        assert_ne!(inputs(Flavour::Lab), inputs(Flavour::Debug));
    }

    #[test]
    fn a_damaged_object_costs_the_build_folder_before_the_next_build() {
        let root = tempfile::tempdir().unwrap();
        let kernel = whole(root.path());
        let object = kernel.build_dir.join("kernel/fork.o");
        fs::create_dir_all(object.parent().unwrap()).unwrap();
        fs::write(&object, "code").unwrap();
        write(root.path(), &kernel, "k", &[]).unwrap();
        assert_eq!(mend(root.path(), Flavour::Lab).unwrap(), None);
        flip(&object);
        // No module is built with it.
        assert!(!modules_damaged(root.path(), Flavour::Lab, true));
        assert_eq!(mend(root.path(), Flavour::Lab).unwrap(), Some(object));
        assert!(!kernel.build_dir.exists());
        assert_eq!(read(root.path(), Flavour::Lab), None);
        assert_eq!(mend(root.path(), Flavour::Lab).unwrap(), None);
    }

    #[test]
    fn what_modules_are_built_with_is_looked_at_before_they_are() {
        let root = tempfile::tempdir().unwrap();
        for part in ["include/generated/autoconf.h", "rust/libcore.rmeta", "scripts/mod/modpost"] {
            let kernel = whole(root.path());
            let path = kernel.build_dir.join(part);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "made").unwrap();
            write(root.path(), &kernel, "k", &[]).unwrap();
            assert!(!modules_damaged(root.path(), Flavour::Lab, true));
            flip(&path);
            assert_eq!(
                modules_damaged(root.path(), Flavour::Lab, false),
                !part.starts_with("rust/")
            );
            assert!(modules_damaged(root.path(), Flavour::Lab, true), "{part}");
            assert_eq!(read(root.path(), Flavour::Lab), None, "{part}");
            assert_eq!(mend(root.path(), Flavour::Lab).unwrap(), Some(path));
        }
    }

    #[test]
    fn a_damaged_program_of_the_cache_is_removed_and_one_of_the_machine_is_not() {
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let programs = [root.path().join("bindgen"), elsewhere.path().join("rustc")];
        for program in &programs {
            fs::write(program, "program").unwrap();
        }
        let kernel = whole(root.path());
        write(root.path(), &kernel, "k", &programs).unwrap();
        programs.iter().for_each(|program| flip(program));
        mend(root.path(), Flavour::Lab).unwrap();
        assert_eq!(programs.map(|program| program.exists()), [false, true]);
    }
}
