// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kernel's own table of its functions, `/proc/kallsyms`.

use std::io;

use crate::kernel::local::files;

/// Functions by their addresses.
#[derive(Debug, Default)]
pub(super) struct Kallsyms {
    /// Address, name, module.
    symbols: Vec<(u64, String, Option<String>)>,
}

impl Kallsyms {
    /// Reads the table as it is now.
    pub(super) fn read() -> io::Result<Self> {
        Ok(Self::parse(&files::text("/proc/kallsyms")?))
    }

    pub(super) fn parse(text: &str) -> Self {
        let mut symbols: Vec<_> = text
            .lines()
            .filter_map(|line| {
                let mut words = line.split_ascii_whitespace();
                let address = u64::from_str_radix(words.next()?, 16).ok()?;
                if !matches!(words.next()?, "t" | "T" | "w" | "W") {
                    return None;
                }
                let name = words.next()?;
                // Bytes before a function that are there for patching.
                if name.starts_with("__pfx_") {
                    return None;
                }
                let module = words.next().map(|module| module.trim_matches(['[', ']']).to_owned());
                Some((address, name.to_owned(), module))
            })
            .collect();
        symbols.sort_by_key(|(address, ..)| *address);
        Self { symbols }
    }

    /// Are addresses shown at all?
    pub(super) fn has_addresses(&self) -> bool {
        self.symbols.iter().any(|(address, ..)| *address != 0)
    }

    /// The functions of a module with their addresses, each once.
    pub(super) fn of(&self, module: &str) -> Vec<(u64, &str)> {
        let own = self.symbols.iter().filter(|(.., owner)| owner.as_deref() == Some(module));
        own.map(|(address, name, _)| (*address, name.as_str())).collect()
    }

    /// `function+0x10/0x30 [module]`, or the address where there is none.
    pub(super) fn place(&self, address: u64) -> String {
        let after = self.symbols.partition_point(|(begin, ..)| *begin <= address);
        let Some((begin, name, module)) = after.checked_sub(1).and_then(|at| self.symbols.get(at))
        else {
            return format!("{address:#x}");
        };
        let end = self.symbols.get(after).map_or(address, |(next, ..)| *next);
        let (offset, size) = (address - begin, end - begin);
        match module {
            Some(module) => format!("{name}+{offset:#x}/{size:#x} [{module}]"),
            None => format!("{name}+{offset:#x}/{size:#x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_kallsyms_holds_a_place_has_a_name() {
        crate::fuzz::texts("lines", |text| {
            let symbols = Kallsyms::parse(text);
            for address in [0, 0xffff_ffff_a000_0010, u64::MAX] {
                assert!(!symbols.place(address).is_empty());
            }
        });
    }

    #[test]
    fn an_address_is_named_by_the_function_it_lies_in() {
        let text = "ffffffff81000100 T schedule\nffffffff81000000 t first\n\
                    ffffffffa0000000 t beat\t[pulse]\nffffffffa0000020 t __pfx_next\t[pulse]\n\
                    ffffffffa0000040 t next\t[pulse]\nffffffffa0000050 d data\t[pulse]\n";
        let symbols = Kallsyms::parse(text);
        assert_eq!(symbols.place(0xffff_ffff_8100_0010), "first+0x10/0x100");
        assert_eq!(symbols.place(0xffff_ffff_a000_0008), "beat+0x8/0x40 [pulse]");
        assert_eq!(symbols.place(0x10), "0x10");
        assert_eq!(
            symbols.of("pulse"),
            [(0xffff_ffff_a000_0000, "beat"), (0xffff_ffff_a000_0040, "next")]
        );
        assert!(symbols.has_addresses());
        assert!(!Kallsyms::parse("0000000000000000 T schedule\n").has_addresses());
    }
}
