// SPDX-License-Identifier: MIT OR Apache-2.0
//! Notes: named pieces of a dump.

/// The control register CR4 in QEMU's note of a processor's state, which tells how
/// many levels the page tables have.
pub(super) fn cr4(note: &[u8]) -> Option<u64> {
    // version, size; 16 registers, rip, rflags; 10 segments of 24 bytes; cr0 …
    const AT: usize = 8 + 18 * 8 + 10 * 24 + 4 * 8;
    Some(u64::from_le_bytes(note.get(AT..AT + 8)?.try_into().ok()?))
}

/// The notes in a piece of a dump: name and content.
pub(super) fn notes(mut bytes: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut found = Vec::new();
    let word = |bytes: &[u8], at: usize| -> Option<usize> {
        Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize)
    };
    let up = |size: usize| size.next_multiple_of(4);
    while let (Some(name_size), Some(size)) = (word(bytes, 0), word(bytes, 4)) {
        let (name_at, at) = (12, 12 + up(name_size));
        let (Some(name), Some(content)) =
            (bytes.get(name_at..name_at + name_size), bytes.get(at..at + size))
        else {
            break;
        };
        found.push((name.strip_suffix(b"\0").unwrap_or(name), content));
        bytes = bytes.get(at + up(size)..).unwrap_or_default();
    }
    found
}

/// A note as it stands in a dump.
pub(super) fn note(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [name.len() as u32 + 1, content.len() as u32, 0] {
        bytes.extend(word.to_le_bytes());
    }
    let padded = |bytes: &mut Vec<u8>| bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend(name.as_bytes());
    bytes.push(0);
    padded(&mut bytes);
    bytes.extend(content);
    padded(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_dump_holds_its_notes_are_read() {
        let good = [note("CORE", b"12345"), note("QEMU", &[7; 450])].concat();
        crate::fuzz::bytes_like(vec![good], |bytes| {
            for (_, content) in notes(bytes) {
                let _ = cr4(content);
            }
        });
    }

    #[test]
    fn notes_are_read_as_they_are_written() {
        let bytes = [note("CORE", b"12345"), note("QEMU", b"x")].concat();
        assert_eq!(notes(&bytes), [(&b"CORE"[..], &b"12345"[..]), (b"QEMU", b"x")]);
        assert_eq!(notes(&bytes[..bytes.len() - 4]).len(), 1);
    }
}
