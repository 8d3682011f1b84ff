// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a module's file says of itself: the section `.modinfo` of a `.ko`.

use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSection};

/// How the files of modules end, packed or not.
pub const ENDINGS: [&str; 4] = [".ko", ".ko.gz", ".ko.xz", ".ko.zst"];

/// Is this the name of a module's file?
pub fn is_module_file(name: &str) -> bool {
    ENDINGS.iter().any(|end| name.ends_with(end))
}

/// The name that the kernel gives a module, by its file or by what somebody calls
/// it: `sub/my-mod.ko` is `my_mod`.
pub fn module_name(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    let ends = ENDINGS.iter().chain(&[".o"]);
    let stem = ends.copied().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    stem.replace('-', "_")
}

/// The contents of `.modinfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModInfo {
    fields: Vec<(String, String)>,
}

/// A parameter that a module takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModParameter<'a> {
    /// Its name.
    pub name: &'a str,
    /// `int`, `charp`, …; empty when the file does not say.
    pub kind: &'a str,
    /// What it is for; may be empty.
    pub help: &'a str,
}

impl ModInfo {
    /// Reads a module's file.
    ///
    /// # Errors
    /// In words, when it is not an x86-64 ELF file with such a section.
    pub fn parse(image: &[u8]) -> Result<Self, String> {
        if image.is_empty() {
            return Err("the file is empty".into());
        }
        let file = ElfFile64::<Endianness>::parse(image)
            .map_err(|error| format!("it is not an ELF file ({error})"))?;
        if file.architecture() != object::Architecture::X86_64 {
            return Err("it is not for x86-64".into());
        }
        let section = file.section_by_name(".modinfo").ok_or("it has no section .modinfo")?;
        let data = section
            .data()
            .map_err(|error| format!("its section .modinfo can't be read ({error})"))?;
        let fields = data
            .split(|byte| *byte == 0)
            .filter_map(|field| {
                let field = String::from_utf8_lossy(field).into_owned();
                let (key, value) = field.split_once('=')?;
                Some((key.to_owned(), value.to_owned()))
            })
            .collect();
        Ok(Self { fields })
    }

    /// A file that says the same of itself and holds nothing else.
    pub fn file(&self) -> Vec<u8> {
        let mut section = Vec::new();
        for (key, value) in &self.fields {
            section.extend_from_slice(key.as_bytes());
            section.push(b'=');
            section.extend_from_slice(value.as_bytes());
            section.push(0);
        }
        file_of(&section)
    }

    /// Every field, in the file's order; keys may repeat.
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// The first value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(name, _)| name == key);
        field.map(|(_, value)| value.as_str())
    }

    /// The module's name, as the kernel will call it.
    pub fn name(&self) -> Option<&str> {
        self.get("name")
    }

    /// The parameters, each once, in the file's order.
    pub fn parameters(&self) -> impl Iterator<Item = ModParameter<'_>> {
        let of = |field: &str, name: &str| {
            self.fields
                .iter()
                .filter(|(key, _)| key == field)
                .filter_map(|(_, value)| value.split_once(':'))
                .find_map(|(known, rest)| (known == name).then_some(rest))
                .unwrap_or_default()
        };
        let mut seen: Vec<&str> = Vec::new();
        for (key, value) in &self.fields {
            if (key == "parm" || key == "parmtype")
                && let Some((name, _)) = value.split_once(':')
                && !seen.contains(&name)
            {
                seen.push(name);
            }
        }
        seen.into_iter().map(move |name| ModParameter {
            name,
            kind: of("parmtype", name),
            help: of("parm", name),
        })
    }
}

/// An x86-64 ELF file with a section `.modinfo` and nothing else that matters.
pub(crate) fn file_of(modinfo: &[u8]) -> Vec<u8> {
    let names = b"\0.modinfo\0.shstrtab\0";
    let modinfo_at = 64usize;
    let names_at = modinfo_at + modinfo.len();
    let sections_at = (names_at + names.len()).next_multiple_of(8);
    let mut file = Vec::new();
    file.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&62u16.to_le_bytes());
    file.extend_from_slice(&1u32.to_le_bytes());
    file.extend_from_slice(&[0; 16]);
    file.extend_from_slice(&(sections_at as u64).to_le_bytes());
    file.extend_from_slice(&0u32.to_le_bytes());
    for half in [64u16, 0, 0, 64, 3, 2] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    file.extend_from_slice(modinfo);
    file.extend_from_slice(names);
    file.resize(sections_at, 0);
    let mut section = |name: u32, kind: u32, at: usize, size: usize| {
        file.extend_from_slice(&name.to_le_bytes());
        file.extend_from_slice(&kind.to_le_bytes());
        // Link and info stand in one of the words.
        for word in [0u64, 0, at as u64, size as u64, 0, 1, 0] {
            file.extend_from_slice(&word.to_le_bytes());
        }
    };
    section(0, 0, 0, 0);
    section(1, 1, modinfo_at, modinfo.len());
    section(10, 3, names_at, names.len());
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_file_holds_it_is_no_module_or_has_parameters() {
        let good = file_of(b"name=kmod\0parm=device:the stick\0parmtype=device:charp\0");
        crate::fuzz::bytes_like(vec![good], |bytes| {
            if let Ok(info) = ModInfo::parse(bytes) {
                assert!(info.parameters().count() <= info.fields().len());
                assert_eq!(ModInfo::parse(&info.file()), Ok(info.clone()));
            }
        });
    }

    #[test]
    fn a_file_of_what_a_module_says_of_itself_says_the_same() {
        let info = ModInfo::parse(&file_of(b"name=kmod\0parm=device:the stick\0")).unwrap();
        assert_eq!(info.name(), Some("kmod"));
        assert_eq!(ModInfo::parse(&info.file()).unwrap(), info);
    }

    #[test]
    fn dashes_and_underscores_of_a_name_are_one() {
        for file in ["my-mod.ko", "my_mod", "sub/my-mod.o", "my-mod", "/x/my-mod.ko.zst"] {
            assert_eq!(module_name(file), "my_mod");
        }
    }

    #[test]
    fn a_parameter_is_known_by_its_type_or_its_description() {
        let field = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let info = ModInfo {
            fields: vec![
                field("parm", "year:the year: any"),
                field("parmtype", "year:int"),
                field("parmtype", "term:charp"),
                field("name", "my_name"),
            ],
        };
        let parameters: Vec<_> = info.parameters().collect();
        assert_eq!(
            parameters,
            [
                ModParameter { name: "year", kind: "int", help: "the year: any" },
                ModParameter { name: "term", kind: "charp", help: "" },
            ]
        );
        assert_eq!(info.name(), Some("my_name"));
    }

    #[test]
    fn files_that_are_no_modules_are_told_apart_in_words() {
        assert!(ModInfo::parse(b"").unwrap_err().contains("empty"));
        assert!(ModInfo::parse(b"text").unwrap_err().contains("ELF"));
        let program = std::fs::read("/proc/self/exe").unwrap();
        let error = ModInfo::parse(&program).unwrap_err();
        assert!(error.contains(".modinfo"), "{error}");
    }
}
