// SPDX-License-Identifier: MIT OR Apache-2.0
//! The levels of a page table, and which bits of an address choose an entry of
//! each.

/// A level of the page table, from the root down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Page global directory: the root, one per process.
    Pgd,
    /// Page 4th-level directory: there only with five levels.
    P4d,
    /// Page upper directory.
    Pud,
    /// Page middle directory.
    Pmd,
    /// Page table proper: its entries map pages of 4 KiB.
    Pte,
}

/// Bits of a virtual address that count within a page.
pub const OFFSET_BITS: u32 = 12;
/// Bits of a virtual address that choose an entry of one table.
pub const INDEX_BITS: u32 = 9;

impl Level {
    /// The levels of a table with `levels` of them, the root first.
    pub fn of(levels: u32) -> &'static [Self] {
        match levels {
            4 => &[Self::Pgd, Self::Pud, Self::Pmd, Self::Pte],
            _ => &[Self::Pgd, Self::P4d, Self::Pud, Self::Pmd, Self::Pte],
        }
    }

    /// The kernel's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pgd => "PGD",
            Self::P4d => "P4D",
            Self::Pud => "PUD",
            Self::Pmd => "PMD",
            Self::Pte => "PTE",
        }
    }

    /// What the name stands for.
    pub fn long_name(self) -> &'static str {
        match self {
            Self::Pgd => "page global directory",
            Self::P4d => "page 4th-level directory",
            Self::Pud => "page upper directory",
            Self::Pmd => "page middle directory",
            Self::Pte => "page table",
        }
    }

    /// The lowest bit of the address that belongs to this level's index.
    pub fn shift(self, levels: u32) -> u32 {
        let above_pte = match self {
            Self::Pte => 0,
            Self::Pmd => 1,
            Self::Pud => 2,
            Self::P4d => 3,
            Self::Pgd => levels.clamp(4, 5) - 1,
        };
        OFFSET_BITS + INDEX_BITS * above_pte
    }

    /// Which of the table's 512 entries translates `vaddr`.
    pub fn index(self, vaddr: u64, levels: u32) -> u16 {
        (vaddr >> self.shift(levels)) as u16 & 0x1ff
    }

    /// How many bytes of address space one entry covers.
    pub fn covers(self, levels: u32) -> u64 {
        1 << self.shift(levels)
    }
}

/// A bit field of a virtual address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The level it chooses an entry for; `None`: the offset within the page.
    pub level: Option<Level>,
    /// Its highest bit.
    pub high: u32,
    /// Its lowest bit.
    pub low: u32,
    pub value: u16,
}

impl Part {
    /// Its bits as digits, highest first.
    pub fn digits(&self) -> String {
        let width = (self.high - self.low + 1) as usize;
        format!("{:0width$b}", self.value)
    }
}

/// The address cut into its fields, the root's first. What lies above (16 bits
/// with four levels, 7 with five) repeats the highest bit shown.
pub fn split(vaddr: u64, levels: u32) -> Vec<Part> {
    let indices = Level::of(levels).iter().map(|level| {
        let low = level.shift(levels);
        Part {
            level: Some(*level),
            high: low + INDEX_BITS - 1,
            low,
            value: level.index(vaddr, levels),
        }
    });
    let offset = Part { level: None, high: OFFSET_BITS - 1, low: 0, value: vaddr as u16 & 0xfff };
    indices.chain([offset]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_splits_into_9_9_9_9_9_12_bits() {
        let vaddr = (3 << 48) | (5 << 39) | (7 << 30) | (11 << 21) | (13 << 12) | 0x123;
        let parts = split(vaddr, 5);
        let values: Vec<u16> = parts.iter().map(|part| part.value).collect();
        assert_eq!(values, [3, 5, 7, 11, 13, 0x123]);
        let widths: Vec<usize> = parts.iter().map(|part| part.digits().len()).collect();
        assert_eq!(widths, [9, 9, 9, 9, 9, 12]);
        assert_eq!(parts[0].high, 56);
    }

    #[test]
    fn with_four_levels_the_pgd_takes_the_bits_of_the_p4d() {
        let vaddr = (5 << 39) | (7 << 30);
        let parts = split(vaddr, 4);
        assert_eq!(parts.len(), 5);
        assert_eq!((parts[0].level, parts[0].high), (Some(Level::Pgd), 47));
        assert_eq!(parts[0].value, 5);
        assert_eq!(parts[1].level, Some(Level::Pud));
    }
}
