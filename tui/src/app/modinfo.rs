// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a module's file says of itself: its `.modinfo` section.

use object::{Object, ObjectSection};

use super::form::{Field, Kind};

/// A parameter as the file declares it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeclaredParameter {
    /// Its name.
    pub name: String,
    /// `int`, `charp`, `bool`, `uint`, …; empty when not declared.
    pub kind: String,
    /// Its description; may be empty.
    pub help: String,
}

/// What a module's file says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModInfo {
    /// Every `key=value` but those of parameters, in the file's order.
    pub entries: Vec<(String, String)>,
    /// Its parameters.
    pub parameters: Vec<DeclaredParameter>,
}

impl ModInfo {
    /// Reads the section of a .ko file.
    ///
    /// # Errors
    /// A sentence when the file is no ELF file or has no such section.
    pub fn read(image: &[u8]) -> Result<Self, String> {
        let file = object::File::parse(image)
            .map_err(|error| format!("this is not a kernel module: {error}"))?;
        let section = file
            .section_by_name(".modinfo")
            .ok_or("this ELF file is not a kernel module: it has no .modinfo section")?;
        let data = section
            .data()
            .map_err(|error| format!("its .modinfo section can't be read: {error}"))?;
        Ok(Self::parse(data))
    }

    /// Reads the section's `key=value` strings.
    pub fn parse(data: &[u8]) -> Self {
        let mut info = Self::default();
        let entries = data
            .split(|byte| *byte == 0)
            .filter(|entry| !entry.is_empty());
        for entry in entries {
            let entry = String::from_utf8_lossy(entry);
            let Some((key, value)) = entry.split_once('=') else {
                continue;
            };
            match (key, value.split_once(':')) {
                ("parm", Some((name, help))) => info.parameter(name).help = help.to_owned(),
                ("parmtype", Some((name, kind))) => info.parameter(name).kind = kind.to_owned(),
                _ => info.entries.push((key.to_owned(), value.to_owned())),
            }
        }
        info
    }

    fn parameter(&mut self, name: &str) -> &mut DeclaredParameter {
        let found = self.parameters.iter().position(|entry| entry.name == name);
        let index = found.unwrap_or_else(|| {
            self.parameters.push(DeclaredParameter {
                name: name.to_owned(),
                ..DeclaredParameter::default()
            });
            self.parameters.len() - 1
        });
        &mut self.parameters[index]
    }

    /// The first value of a key: `description`, `license`, `vermagic`, …
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.entries.iter().find(|(entry, _)| entry == key);
        found.map(|(_, value)| value.as_str())
    }
}

impl DeclaredParameter {
    /// The field for it: limits are the type's range.
    pub fn field(&self) -> Field {
        let integer = |min: i128, max: i128| Kind::Integer { min, max };
        let kind = match self.kind.as_str() {
            "byte" | "u8" => integer(0, i128::from(u8::MAX)),
            "i8" => integer(i128::from(i8::MIN), i128::from(i8::MAX)),
            "short" | "i16" => integer(i128::from(i16::MIN), i128::from(i16::MAX)),
            "ushort" | "u16" => integer(0, i128::from(u16::MAX)),
            "int" | "i32" => integer(i128::from(i32::MIN), i128::from(i32::MAX)),
            "uint" | "u32" | "hexint" => integer(0, i128::from(u32::MAX)),
            "long" | "llong" | "i64" | "isize" => {
                integer(i128::from(i64::MIN), i128::from(i64::MAX))
            }
            "ulong" | "ullong" | "u64" | "usize" => integer(0, i128::from(u64::MAX)),
            "bool" | "invbool" | "bint" => {
                Kind::Choice(vec![String::new(), "Y".into(), "N".into()])
            }
            _ => Kind::Text { max: 1023 },
        };
        let help = if self.kind.is_empty() {
            self.help.clone()
        } else {
            format!("{} ({})", self.help, self.kind)
        };
        Field::new(&self.name, kind, &help, "").optional()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_with_type_and_description() {
        let info = ModInfo::parse(
            b"license=GPL\0parm=prod:producer threads\0parmtype=prod:int\0parmtype=x:charp\0",
        );
        assert_eq!(info.get("license"), Some("GPL"));
        assert_eq!(info.parameters.len(), 2);
        assert_eq!(info.parameters[0].help, "producer threads");
        assert_eq!(info.parameters[0].kind, "int");
        let field = info.parameters[0].field();
        assert_eq!(field.limits(), "-2147483648 to 2147483647");
        assert_eq!(field.error(), None, "an empty field leaves the default");
    }

    #[test]
    fn what_is_no_module_is_refused_with_a_reason() {
        let error = ModInfo::read(b"#!/bin/sh").unwrap_err();
        assert!(error.contains("not a kernel module"), "{error}");
    }
}
