// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a program needs beside itself to run: its dynamic loader and its
//! libraries, found by reading ELF files as the loader would.
//!
//! Only the loader's standard folders and the program's own RUNPATH are
//! searched: a folder from `/etc/ld.so.conf` or `LD_LIBRARY_PATH` would not be
//! searched inside the guest either.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use object::elf;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};

use super::error::{VmError, VmResult};

/// Where loaders look of themselves: Debian's folder, then everybody's.
const STANDARD: [&str; 6] = [
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
];

/// The dynamic part of one ELF file.
#[derive(Debug, Default)]
struct Dynamic {
    interpreter: Option<PathBuf>,
    needed: Vec<String>,
    runpath: Vec<PathBuf>,
}

/// The files that the program in `image` (read from `path`, for messages) needs:
/// the path at which its loader looks for each, and the file on this machine.
/// Empty for a static program.
///
/// # Errors
/// It is not an x86-64 ELF program, or a library is not to be found.
pub(super) fn needed_files(path: &Path, image: &[u8]) -> VmResult<BTreeMap<PathBuf, PathBuf>> {
    let program = read(path, image)?;
    let mut files = BTreeMap::new();
    if let Some(loader) = program.interpreter {
        files.insert(loader.clone(), loader);
    }
    let mut wanted = program.needed;
    let runpath = program.runpath;
    let mut seen = Vec::new();
    while let Some(name) = wanted.pop() {
        if seen.contains(&name) || files.keys().any(|file| file.ends_with(&name)) {
            continue;
        }
        let library = runpath
            .iter()
            .cloned()
            .chain(STANDARD.iter().map(PathBuf::from))
            .map(|folder| folder.join(&name))
            .find(|file| file.is_file())
            .ok_or_else(|| VmError::Program {
                path: path.to_owned(),
                why: format!(
                    "it needs {name}, which is in none of the loader's standard folders; \
                     build it without that library"
                ),
            })?;
        let bytes = fs::read(&library)
            .map_err(VmError::io(format!("read the library {}", library.display())))?;
        wanted.extend(read(&library, &bytes)?.needed);
        files.insert(library.clone(), library);
        seen.push(name);
    }
    Ok(files)
}

/// Cuts off what is never loaded: symbols and debug information, which make up
/// most of an unoptimised program. A backtrace in the guest then has no names.
///
/// # Errors
/// It is not an x86-64 ELF program.
pub(super) fn cut_unloaded(path: &Path, image: &mut Vec<u8>) -> VmResult<()> {
    let end = loaded_end(image).map_err(|why| VmError::Program { path: path.to_owned(), why })?;
    if end < image.len() {
        image.truncate(end);
        // No section table any more: e_shoff, then e_shnum and e_shstrndx.
        image[0x28..0x30].fill(0);
        image[0x3c..0x40].fill(0);
    }
    Ok(())
}

/// Where the last segment ends in the file.
fn loaded_end(image: &[u8]) -> Result<usize, String> {
    let bad = |error: object::Error| format!("not an x86-64 program: {error}");
    let header = elf::FileHeader64::<object::Endianness>::parse(image).map_err(bad)?;
    let endian = header.endian().map_err(bad)?;
    let segments = header.program_headers(endian, image).map_err(bad)?;
    let ends = segments
        .iter()
        .map(|segment| segment.p_offset(endian).saturating_add(segment.p_filesz(endian)));
    let end = ends.max().unwrap_or_default().max(size_of_val(header) as u64);
    usize::try_from(end).map_err(|_| "not an x86-64 program: a segment without end".into())
}

fn read(path: &Path, image: &[u8]) -> VmResult<Dynamic> {
    parse(path, image).map_err(|why| VmError::Program { path: path.to_owned(), why })
}

fn parse(path: &Path, image: &[u8]) -> Result<Dynamic, String> {
    let bad = |error: object::Error| format!("not an x86-64 program: {error}");
    let header = elf::FileHeader64::<object::Endianness>::parse(image).map_err(bad)?;
    let endian = header.endian().map_err(bad)?;
    if header.e_machine(endian) != elf::EM_X86_64 {
        return Err("not an x86-64 program".into());
    }
    let segments = header.program_headers(endian, image).map_err(bad)?;
    let mut found = Dynamic::default();
    let mut entries = None;
    for segment in segments {
        if let Some(name) = segment.interpreter(endian, image).map_err(bad)? {
            found.interpreter = Some(PathBuf::from(String::from_utf8_lossy(name).into_owned()));
        }
        if let Some(dynamic) = segment.dynamic(endian, image).map_err(bad)? {
            entries = Some(dynamic);
        }
    }
    let Some(entries) = entries else {
        return Ok(found);
    };
    let tagged = |tag: elf::DynamicTag| {
        entries
            .iter()
            .filter(move |entry| entry.tag(endian) == tag)
            .map(move |entry| entry.d_val(endian))
    };
    let Some(table) = tagged(elf::DT_STRTAB).next() else {
        return Ok(found);
    };
    let text = |offset: u64| {
        let address = table.checked_add(offset)?;
        segments.iter().find_map(|segment| {
            let start = segment.p_vaddr(endian);
            let data = segment.data(endian, image).ok()?;
            let inside = usize::try_from(address.checked_sub(start)?).ok()?;
            let rest = (segment.p_type(endian) == elf::PT_LOAD)
                .then_some(())
                .and_then(|()| data.get(inside..))?;
            let end = rest.iter().position(|byte| *byte == 0)?;
            String::from_utf8(rest[..end].to_vec()).ok()
        })
    };
    found.needed = tagged(elf::DT_NEEDED).filter_map(text).collect();
    let origin = path.parent().unwrap_or(Path::new("/"));
    for list in tagged(elf::DT_RUNPATH).chain(tagged(elf::DT_RPATH)).filter_map(text) {
        found.runpath.extend(
            list.split(':')
                .filter(|folder| !folder.is_empty())
                .map(|folder| PathBuf::from(folder.replace("$ORIGIN", &origin.to_string_lossy()))),
        );
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_program_holds_it_is_cut_and_read_or_refused() {
        let good = fs::read("/bin/true").unwrap();
        let path = Path::new("/bin/true");
        crate::fuzz::bytes_like(vec![good], |bytes| {
            let _ = parse(path, bytes);
            let mut image = bytes.to_vec();
            if cut_unloaded(path, &mut image).is_ok() {
                assert!(image.len() <= bytes.len());
            }
        });
    }

    #[test]
    fn this_program_needs_a_loader_and_a_c_library() {
        let path = std::env::current_exe().unwrap();
        let files = needed_files(&path, &fs::read(&path).unwrap()).unwrap();
        let names: Vec<String> = files.keys().map(|file| file.display().to_string()).collect();
        assert!(names.iter().any(|name| name.contains("ld-linux")), "{names:?}");
        assert!(names.iter().any(|name| name.contains("libc.so")), "{names:?}");
        assert!(files.values().all(|file| file.is_file()));
    }

    #[test]
    fn a_program_without_what_is_never_loaded_still_runs() {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::current_exe().unwrap();
        let mut image = fs::read(&path).unwrap();
        let whole = image.len();
        cut_unloaded(&path, &mut image).unwrap();
        assert!(image.len() < whole);
        let folder = tempfile::tempdir().unwrap();
        let cut = folder.path().join("cut");
        fs::write(&cut, &image).unwrap();
        fs::set_permissions(&cut, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = std::process::Command::new(&cut);
        let listed = command.arg("--list").output().unwrap();
        assert!(listed.status.success());
        assert!(!listed.stdout.is_empty());
    }

    #[test]
    fn a_text_file_is_refused_by_name() {
        let error =
            needed_files(Path::new("/etc/motd"), b"hello, world, this is no program at all")
                .unwrap_err();
        assert!(error.to_string().starts_with("/etc/motd: not an x86-64 program"), "{error}");
    }
}
