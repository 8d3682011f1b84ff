// SPDX-License-Identifier: MIT OR Apache-2.0
//! The note that a kernel is whole, written last: what it was made from, and
//! the files as they were. Reading it is all that a warm start does.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::build_error::BuildResult;
use super::super::cache;
use super::super::flavour::Flavour;
use super::super::seen::Seen;
use super::kernel::Kernel;
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
        tools: tools.iter().filter_map(|path| Seen::now(path)).collect(),
    };
    let path = file(root, kernel.flavour);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .map_err(super::super::build_error::BuildError::on("make", folder))?;
    }
    cache::write_json(&path, &stamp)
}

/// Removes the stamp, before anything it speaks of is touched, and what is damaged
/// of that.
pub(crate) fn remove(root: &Path, flavour: Flavour) {
    if let Some(stamp) = cache::read_json::<Stamp>(&file(root, flavour)) {
        stamp.made.iter().for_each(Seen::remove_damaged);
    }
    // If it can't be removed, what it says of the files no longer holds.
    drop(std::fs::remove_file(file(root, flavour)));
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

    /// Flips a bit of a file as a failing disk does: nothing else of it changes.
    fn flip(path: &Path) {
        let before = fs::metadata(path).unwrap().modified().unwrap();
        let mut bytes = fs::read(path).unwrap();
        bytes[0] ^= 1;
        fs::write(path, bytes).unwrap();
        fs::File::options().write(true).open(path).unwrap().set_modified(before).unwrap();
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
}
