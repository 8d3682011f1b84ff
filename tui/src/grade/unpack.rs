// SPDX-License-Identifier: MIT OR Apache-2.0
//! A submission is unpacked into a folder of ours.
//!
//! Nobody here knows who packed it. No path leads out of the folder, links are
//! left out, and number and size of the files are bounded before they are written.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use super::submission::{Submission, Trouble};
use crate::kernel::error::io_text;
use crate::lab::modules::is_source;
use crate::text::amount::amount;

/// More files than somebody hands in.
const FILES_MAX: usize = 20_000;
/// A larger file is no source.
const FILE_MAX: u64 = 64 << 20;
/// All of them together.
const TOTAL_MAX: u64 = 256 << 20;
/// How deep folders are looked into.
const DEPTH: usize = 32;
/// What unpacking may take beside what it makes, in KiB.
const MEMORY_KIB: u32 = 160 << 10;

impl Submission {
    /// Copies or unpacks it into `folder`, which is empty; returns what was left
    /// out, in words.
    ///
    /// # Errors
    /// It can't be read, has a path that leads out, or is too large.
    pub fn unpack(&self, folder: &Path) -> Result<Vec<String>, Trouble> {
        let failed = |error: &io::Error| {
            Trouble(format!("{} can't be read: {}", self.path.display(), io_text(error)))
        };
        let meta = fs::metadata(&self.path).map_err(|error| failed(&error))?;
        let mut place = Place::new(folder);
        if meta.is_dir() {
            place.copy(&self.path, Path::new(""), 0)?;
        } else if !meta.is_file() {
            return Err(Trouble(format!("{} is no folder and no file", self.path.display())));
        } else {
            let mut file = File::open(&self.path).map_err(|error| failed(&error))?;
            let mut begin = [0; 6];
            let size = read_some(&mut file, &mut begin).map_err(|error| failed(&error))?;
            file.seek(SeekFrom::Start(0)).map_err(|error| failed(&error))?;
            place.archive(BufReader::new(file), &begin[..size])?;
        }
        if place.files == 0 {
            return Err(Trouble(format!("{} holds no file", self.path.display())));
        }
        Ok(place.left)
    }
}

fn read_some(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut size = 0;
    while size < buffer.len() {
        match file.read(&mut buffer[size..])? {
            0 => break,
            more => size += more,
        }
    }
    Ok(size)
}

/// Where a submission is unpacked, and how much of it came.
struct Place<'a> {
    folder: &'a Path,
    files: usize,
    bytes: u64,
    left: Vec<String>,
}

impl<'a> Place<'a> {
    fn new(folder: &'a Path) -> Self {
        Self { folder, files: 0, bytes: 0, left: Vec::new() }
    }

    fn leave(&mut self, path: &Path, why: &str) {
        // Enough to see what it is about.
        if self.left.len() < 20 {
            self.left.push(format!("{}: {why}", path.display()));
        }
    }

    fn copy(&mut self, from: &Path, below: &Path, depth: usize) -> Result<(), Trouble> {
        let here = from.join(below);
        let unreadable = |path: &Path, error: &io::Error| {
            Trouble(format!("{} can't be read: {}", path.display(), io_text(error)))
        };
        if depth > DEPTH {
            return Err(Trouble(format!("{}: folders are nested too deep", here.display())));
        }
        let entries = fs::read_dir(&here).map_err(|error| unreadable(&here, &error))?;
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        for name in names {
            let (path, below) = (here.join(&name), below.join(&name));
            let meta = fs::symlink_metadata(&path).map_err(|error| unreadable(&path, &error))?;
            if meta.is_dir() {
                if name != ".git" {
                    self.copy(from, &below, depth + 1)?;
                }
            } else if meta.is_file() {
                let file = File::open(&path).map_err(|error| unreadable(&path, &error))?;
                self.write(&below, file, meta.permissions().mode() & 0o111 != 0)?;
            } else {
                self.leave(&below, "neither a file nor a folder");
            }
        }
        Ok(())
    }

    fn archive(&mut self, file: BufReader<File>, begin: &[u8]) -> Result<(), Trouble> {
        if begin.starts_with(b"PK\x03\x04") || begin.starts_with(b"PK\x05\x06") {
            return self.zip(file);
        }
        if begin.starts_with(&[0x1f, 0x8b]) {
            return self.tar(flate2::read::MultiGzDecoder::new(file));
        }
        if begin.starts_with(b"\xfd7zXZ\0") {
            return self.tar(lzma_rust2::XzReader::new_mem_limit(file, true, MEMORY_KIB));
        }
        if begin.starts_with(b"BZh") {
            return self.tar(bzip2::read::MultiBzDecoder::new(file));
        }
        if begin.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            let window = u64::from(MEMORY_KIB) << 10;
            let decoder =
                ruzstd::decoding::StreamingDecoder::new_with_max_window_size(file, window)
                    .map_err(|error| Trouble(format!("the archive is damaged: {error}")))?;
            return self.tar(decoder);
        }
        self.tar(file)
    }

    fn tar(&mut self, reader: impl Read) -> Result<(), Trouble> {
        let damaged = |error: &io::Error| Trouble(format!("it is no archive, or damaged: {error}"));
        // Headers and padding are bytes, too: an archive of nothing may be endless.
        let bounded = reader.take(2 * TOTAL_MAX);
        let mut archive = tar::Archive::new(bounded);
        for entry in archive.entries().map_err(|error| damaged(&error))? {
            let entry = entry.map_err(|error| damaged(&error))?;
            let path = entry.path().map_err(|error| damaged(&error))?.into_owned();
            let kind = entry.header().entry_type();
            let below = inside(&path)?;
            if kind.is_file() {
                let executable = entry.header().mode().is_ok_and(|mode| mode & 0o111 != 0);
                self.write(&below, entry, executable)?;
            } else if kind.is_symlink() || kind.is_hard_link() {
                self.leave(&below, "a link");
            } else if !(kind.is_dir() || kind.is_pax_global_extensions()) {
                self.leave(&below, "neither a file nor a folder");
            }
        }
        Ok(())
    }

    fn zip(&mut self, file: BufReader<File>) -> Result<(), Trouble> {
        let damaged =
            |error: zip::result::ZipError| Trouble(format!("the archive is damaged: {error}"));
        let mut archive = zip::ZipArchive::new(file).map_err(damaged)?;
        if archive.len() > 2 * FILES_MAX {
            return Err(too_many());
        }
        for number in 0..archive.len() {
            let entry = archive.by_index(number).map_err(damaged)?;
            let below = inside(Path::new(&*entry.name().map_err(damaged)?))?;
            let mode = entry.unix_mode().unwrap_or_default();
            if entry.is_dir() {
                continue;
            }
            if mode & 0o170_000 == 0o120_000 {
                self.leave(&below, "a link");
                continue;
            }
            self.write(&below, entry, mode & 0o111 != 0)?;
        }
        Ok(())
    }

    /// Writes a file, unless an earlier build left it.
    fn write(&mut self, below: &Path, reader: impl Read, executable: bool) -> Result<(), Trouble> {
        if !is_source(below) || below.components().any(|part| part.as_os_str() == ".git") {
            return Ok(());
        }
        self.files += 1;
        if self.files > FILES_MAX {
            return Err(too_many());
        }
        let path = self.folder.join(below);
        let failed = |error: io::Error| {
            Trouble(format!("{} can't be unpacked: {}", below.display(), io_text(&error)))
        };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let left = TOTAL_MAX.saturating_sub(self.bytes).min(FILE_MAX);
        // What comes twice in an archive counts as it comes last.
        drop(fs::remove_file(&path));
        let mut file = File::create_new(&path).map_err(failed)?;
        let size = io::copy(&mut reader.take(left + 1), &mut file).map_err(failed)?;
        if size > left {
            let (one, all) = (amount(FILE_MAX), amount(TOTAL_MAX));
            return Err(Trouble(format!(
                "it is too large to be a submission: a file may have {one}, and all together {all}"
            )));
        }
        self.bytes += size;
        let mode = if executable { 0o755 } else { 0o644 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(failed)
    }
}

fn too_many() -> Trouble {
    Trouble(format!("it holds more than {FILES_MAX} files"))
}

/// A path of an archive, if it stays below the folder it is unpacked in.
fn inside(path: &Path) -> Result<PathBuf, Trouble> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::ParentDir | Component::Prefix(_) => {
                return Err(Trouble(format!(
                    "its file {:?} would be unpacked outside of its folder, so nothing of it is used",
                    path.display().to_string()
                )));
            }
        }
    }
    if plain.components().count() > DEPTH {
        return Err(Trouble(format!("{}: folders are nested too deep", plain.display())));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A tar with these files; a header is made by hand, so that any path can be in it.
    fn tar(files: &[(&str, &str)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, text) in files {
            let mut header = tar::Header::new_gnu();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append(&header, text.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn unpack(name: &str, bytes: &[u8]) -> (tempfile::TempDir, Result<Vec<String>, Trouble>) {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join(name);
        fs::write(&path, bytes).unwrap();
        let folder = top.path().join("out");
        fs::create_dir(&folder).unwrap();
        let unpacked = Submission::new(&path).unpack(&folder);
        (top, unpacked)
    }

    #[test]
    fn archives_of_every_kind_are_unpacked_without_what_an_earlier_build_left() {
        let plain = tar(&[("s/Makefile", "obj-m += a.o"), ("s/a.c", "int a;"), ("s/a.ko", "old")]);
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(&plain).unwrap();
        let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bz.write_all(&plain).unwrap();
        let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, text) in [("s/Makefile", "obj-m += a.o"), ("s/a.c", "int a;"), ("s/a.ko", "old")]
        {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        let zip = zip.finish().unwrap().into_inner();
        for (name, bytes) in [
            ("a.tar", plain.clone()),
            ("a.tar.gz", gz.finish().unwrap()),
            ("a.tar.bz2", bz.finish().unwrap()),
            ("a.zip", zip),
        ] {
            let (top, unpacked) = unpack(name, &bytes);
            assert_eq!(unpacked, Ok(vec![]), "{name}");
            let text = fs::read_to_string(top.path().join("out/s/a.c")).unwrap();
            assert_eq!(text, "int a;", "{name}");
            assert!(!top.path().join("out/s/a.ko").exists(), "{name}");
        }
    }

    #[test]
    fn a_path_that_leads_out_spoils_the_whole_archive() {
        for path in ["../evil.c", "s/../../evil.c", "/tmp/evil.c"] {
            let (top, unpacked) = unpack("a.tar", &tar(&[(path, "x")]));
            let error = unpacked.unwrap_err().to_string();
            assert!(error.contains("outside of its folder"), "{path}: {error}");
            assert!(!top.path().join("evil.c").exists());
        }
    }

    #[test]
    fn a_link_is_left_out_and_nothing_is_written_through_it() {
        let top = tempfile::tempdir().unwrap();
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, "s", top.path()).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        header.set_mode(0o644);
        builder.append_data(&mut header, "s/a.c", &b"x"[..]).unwrap();
        let (out, unpacked) = unpack("a.tar", &builder.into_inner().unwrap());
        assert_eq!(unpacked, Ok(vec!["s: a link".to_owned()]));
        assert!(!top.path().join("a.c").exists());
        assert!(out.path().join("out/s/a.c").is_file());
        // Of a folder, too.
        let folder = top.path().join("folder");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a.c"), "x").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.join("passwd")).unwrap();
        let out = tempfile::tempdir().unwrap();
        let left = Submission::new(&folder).unpack(out.path()).unwrap();
        assert_eq!(left, ["passwd: neither a file nor a folder"]);
    }

    #[test]
    fn what_unpacks_to_more_than_a_submission_is_not_unpacked() {
        let zeros = io::repeat(0).take(FILE_MAX + 1);
        let mut header = tar::Header::new_gnu();
        header.set_path("bomb.c").unwrap();
        header.set_size(FILE_MAX + 1);
        header.set_cksum();
        let gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut builder = tar::Builder::new(gz);
        builder.append(&header, zeros).unwrap();
        let bomb = builder.into_inner().unwrap().finish().unwrap();
        assert!(bomb.len() < 1 << 20);
        let (_top, unpacked) = unpack("bomb.tar.gz", &bomb);
        assert!(unpacked.unwrap_err().to_string().contains("too large"));
    }

    #[test]
    fn what_is_no_archive_is_refused_in_a_sentence() {
        let (_top, unpacked) = unpack("a.zip", b"just some text, and not an archive at all");
        let error = unpacked.unwrap_err().to_string();
        assert!(error.contains("no archive") || error.contains("holds no file"), "{error}");
    }
}
