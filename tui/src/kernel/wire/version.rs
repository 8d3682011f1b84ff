// SPDX-License-Identifier: MIT OR Apache-2.0
//! The version of the protocol: two ends understand each other exactly when
//! they were compiled from the same description of it.

/// What the bytes on the wire mean is decided by these files, so any change to
/// them makes another version, without anybody having to remember a number.
const SOURCES: &[&str] = &[
    include_str!("mod.rs"),
    include_str!("frame.rs"),
    include_str!("body.rs"),
    include_str!("../error.rs"),
    include_str!("../api/mod.rs"),
    include_str!("../api/block.rs"),
    include_str!("../api/kernel.rs"),
    include_str!("../api/lab.rs"),
    include_str!("../api/run.rs"),
    include_str!("../api/subject.rs"),
    include_str!("../api/trace.rs"),
    include_str!("../api/wake.rs"),
];

const FINGERPRINT: u32 = fingerprint();

/// FNV-1a over the sources.
const fn fingerprint() -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    let mut file = 0;
    while file < SOURCES.len() {
        let bytes = SOURCES[file].as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
            at += 1;
        }
        file += 1;
    }
    hash
}

/// The version this program speaks: `0.1.0-5f3a1c22`.
pub fn version() -> String {
    format!("{}-{FINGERPRINT:08x}", env!("CARGO_PKG_VERSION"))
}

/// Compares the version the other end named with ours.
///
/// # Errors
/// A sentence for the person in front, when they differ.
pub fn check_version(theirs: &str) -> Result<(), String> {
    let ours = version();
    if theirs == ours {
        return Ok(());
    }
    let theirs: String = theirs.chars().take(40).flat_map(char::escape_debug).collect();
    Err(format!(
        "this ringside speaks protocol {ours}, the one at the other end {theirs}: install the same version on both"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_refused_with_both_named() {
        assert_eq!(check_version(&version()), Ok(()));
        let refusal = check_version("0.0.1-\u{1b}[31m").unwrap_err();
        assert!(refusal.contains(&version()) && refusal.contains("0.0.1-\\u{1b}[31m"));
    }
}
