// SPDX-License-Identifier: MIT OR Apache-2.0
//! What it means that a kernel or a module is tainted, after the kernel's
//! `Documentation/admin-guide/tainted-kernels.rst`.

/// Letter and meaning of each bit of `/proc/sys/kernel/tainted`, the lowest first.
const FLAGS: [(char, &str); 20] = [
    ('P', "proprietary module"),
    ('F', "module loaded by force"),
    ('S', "processor out of specification"),
    ('R', "module unloaded by force"),
    ('M', "machine check"),
    ('B', "bad page"),
    ('U', "asked for by user space"),
    ('D', "oops or BUG"),
    ('A', "ACPI table replaced"),
    ('W', "warning"),
    ('C', "staging driver"),
    ('I', "firmware bug"),
    ('O', "out-of-tree module"),
    ('E', "unsigned module"),
    ('L', "soft lockup"),
    ('K', "live patch"),
    ('X', "distribution's own"),
    ('T', "randomised structures"),
    ('N', "in-kernel test"),
    ('J', "firmware control used"),
];

/// The kernel's taint in words: `O out-of-tree module`; `none` for 0.
pub fn of_bits(bits: u64) -> String {
    if bits == 0 {
        return "none".into();
    }
    let set = (0..u64::BITS).filter(|bit| bits >> bit & 1 == 1);
    let words = set.map(|bit| match FLAGS.get(bit as usize) {
        Some((letter, meaning)) => format!("{letter} {meaning}"),
        None => format!("bit {bit}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// A module's taint in words, by the letters of `/proc/modules`.
pub fn of_letters(letters: &str) -> String {
    let words =
        letters.chars().map(|letter| match FLAGS.iter().find(|(known, _)| *known == letter) {
            Some((_, meaning)) => format!("{letter} {meaning}"),
            None if letter == '+' => "being loaded".into(),
            None if letter == '-' => "being unloaded".into(),
            None => letter.to_string(),
        });
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_and_letter_has_its_words() {
        assert_eq!(of_bits(0), "none");
        assert_eq!(of_bits(4096), "O out-of-tree module");
        assert_eq!(
            of_bits(1 << 7 | 1 << 9 | 1 << 12),
            "D oops or BUG, W warning, O out-of-tree module"
        );
        assert_eq!(of_bits(1 << 19 | 1 << 40), "J firmware control used, bit 40");
        assert_eq!(of_letters("OE"), "O out-of-tree module, E unsigned module");
        assert_eq!(of_letters("O+"), "O out-of-tree module, being loaded");
        assert_eq!(of_letters("?"), "?");
    }
}
