// SPDX-License-Identifier: MIT OR Apache-2.0
//! Modules' files as distributions pack them: gzip, xz, zstd. What it is packed
//! with is seen by its first bytes, and not by its name.

use std::io::{self, Read};

/// How the three begin.
const GZIP: &[u8] = &[0x1f, 0x8b];
const XZ: &[u8] = b"\xfd7zXZ\0";
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// What unpacking may take beside what it makes, in KiB: the dictionary that xz
/// keeps is 64 MiB at its best level.
const MEMORY_KIB: u32 = 160 << 10;

/// The module itself, which may have `most` bytes.
///
/// # Errors
/// In words: it is damaged, or has more.
pub fn unpacked(bytes: Vec<u8>, most: usize) -> Result<Vec<u8>, String> {
    let packed = bytes.as_slice();
    if packed.starts_with(GZIP) {
        bounded("gzip", flate2::read::MultiGzDecoder::new(packed), most)
    } else if packed.starts_with(XZ) {
        bounded("xz", lzma_rust2::XzReader::new_mem_limit(packed, true, MEMORY_KIB), most)
    } else if packed.starts_with(ZSTD) {
        let window = u64::from(MEMORY_KIB) << 10;
        let decoder = ruzstd::decoding::StreamingDecoder::new_with_max_window_size(packed, window)
            .map_err(|error| damaged("zstd", &error))?;
        bounded("zstd", decoder, most)
    } else {
        Ok(bytes)
    }
}

fn damaged(kind: &str, error: &dyn std::fmt::Display) -> String {
    format!("it is packed with {kind} and can't be unpacked: {error}")
}

fn bounded(kind: &str, reader: impl Read, most: usize) -> Result<Vec<u8>, String> {
    let mut plain = Vec::new();
    let read: io::Result<usize> = reader.take(most as u64 + 1).read_to_end(&mut plain);
    read.map_err(|error| damaged(kind, &error))?;
    match plain.len() > most {
        true => Err(format!("unpacked it has more than {} MiB", most >> 20)),
        false => Ok(plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    /// What a packer makes of `bytes`, if it is installed.
    fn packed(program: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut child = Command::new(program)
            .arg("-c")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut input = child.stdin.take().unwrap();
        let bytes = bytes.to_owned();
        let writer = std::thread::spawn(move || input.write_all(&bytes));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        Some(output.stdout)
    }

    #[test]
    fn what_packers_packed_is_unpacked_and_bounded() {
        let plain: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
        for program in ["gzip", "xz", "zstd"] {
            let Some(file) = packed(program, &plain) else {
                // gzip and xz come with every system that packages are made on.
                assert_eq!(program, "zstd", "{program} is not installed");
                continue;
            };
            assert!(file.len() < plain.len());
            assert_eq!(unpacked(file.clone(), plain.len()).as_ref(), Ok(&plain), "{program}");
            let error = unpacked(file.clone(), plain.len() - 1).unwrap_err();
            assert!(error.contains("has more than"), "{error}");
            let error = unpacked(file[..file.len() / 2].to_owned(), plain.len()).unwrap_err();
            assert!(error.contains(&format!("packed with {program}")), "{error}");
        }
    }

    #[test]
    fn zstd_is_unpacked_where_no_packer_is_installed() {
        // `printf hello | zstd`.
        let file = [
            0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x29, 0x00, 0x00, b'h', b'e', b'l', b'l', b'o',
            0xa3, 0x6d, 0x9f, 0x88,
        ];
        assert_eq!(unpacked(file.to_vec(), 100), Ok(b"hello".to_vec()));
    }

    #[test]
    fn what_is_not_packed_stays_as_it_is() {
        assert_eq!(unpacked(b"\x7fELF".to_vec(), 1), Ok(b"\x7fELF".to_vec()));
    }
}
