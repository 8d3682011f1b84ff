// SPDX-License-Identifier: MIT OR Apache-2.0
//! gdb on a lab's guest: which symbols it is given, and at which addresses.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSection};

use super::linux::Kernel;
use super::{modules, program};
use crate::kernel::api::{Item, Request};
use crate::kernel::call::ask_within;
use crate::kernel::{Target, TargetResult};

const SCRIPT: &str = include_str!("script.py.in");
/// How long the guest may take to say where a section lies.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);

/// A module that is loaded, as gdb wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its .ko file.
    pub file: PathBuf,
    /// The address of each section.
    pub sections: BTreeMap<String, u64>,
}

/// Where the modules lie that are loaded and were built here; asked before the
/// guest is halted.
///
/// # Errors
/// The guest does not say which are loaded.
pub fn placed(kernel: &Kernel, target: &dyn Target) -> TargetResult<BTreeMap<String, Placed>> {
    let mut placed = BTreeMap::new();
    for item in ask_within(target, Request::Modules, ANSWERS_WITHIN, "the guest")? {
        let Item::Modules(all) = item else { continue };
        for module in all {
            let id = Some(&*module.build_id).filter(|id| !id.is_empty());
            // Another build of that name would put its symbols at the wrong addresses.
            let Ok(file) = modules::loaded(&kernel.release, &module.name, id) else { continue };
            let sections = sections(&file)
                .into_iter()
                .filter_map(|name| Some((address(target, &module.name, &name)?, name)))
                .map(|(address, name)| (name, address))
                .collect();
            placed.insert(module.name, Placed { file, sections });
        }
    }
    Ok(placed)
}

/// Where the first Rust toolchain that has them keeps its printers for gdb: that of
/// PATH, else the system's. What a kernel is compiled with may come without.
pub fn printers() -> Option<PathBuf> {
    let compilers = [program::find("rustc"), Some("/usr/bin/rustc".into())];
    compilers.into_iter().flatten().find_map(|rustc| {
        let root = program::answer(Command::new(rustc).args(["--print", "sysroot"]))?;
        let folder = Path::new(root.trim()).join("lib/rustlib/etc");
        folder.join("gdb_lookup.py").exists().then_some(folder)
    })
}

/// The sections of a module's file that are loaded.
fn sections(file: &Path) -> Vec<String> {
    let bytes = std::fs::read(file).unwrap_or_default();
    let Ok(elf) = ElfFile64::<Endianness>::parse(bytes.as_slice()) else { return Vec::new() };
    let names = elf.sections().filter(|section| section.size() > 0);
    let names = names.filter_map(|section| section.name().ok().map(str::to_owned));
    // Those that are not loaded have no address.
    let is_kept = |name: &str| {
        [".debug", ".rela", ".symtab", ".strtab"].iter().any(|kind| name.starts_with(kind))
    };
    names.filter(|name| name.starts_with('.') && !is_kept(name)).collect()
}

fn address(target: &dyn Target, module: &str, section: &str) -> Option<u64> {
    let path = format!("/sys/module/{module}/sections/{section}");
    let request = Request::Peek { path, offset: 0, size: 64 };
    let items = ask_within(target, request, ANSWERS_WITHIN, "the guest").ok()?;
    let bytes = items.into_iter().find_map(|item| match item {
        Item::Bytes(bytes) => Some(bytes),
        _ => None,
    })?;
    let text = String::from_utf8(bytes).ok()?;
    u64::from_str_radix(text.trim().strip_prefix("0x")?, 16).ok()
}

/// The script that gives gdb the symbols of `placed`, and of each of the `builds`
/// when it is loaded.
///
/// `printers` is where a Rust toolchain keeps what prints its types.
pub fn script(
    builds: &BTreeMap<String, PathBuf>,
    placed: &BTreeMap<String, Placed>,
    printers: Option<&Path>,
) -> String {
    // Strings, numbers and objects of JSON are Python's, too.
    let json = |value: serde_json::Value| value.to_string();
    let builds: BTreeMap<_, _> =
        builds.iter().map(|(name, path)| (name, path.display().to_string())).collect();
    let placed: BTreeMap<_, _> = placed
        .iter()
        .map(|(name, at)| (name, (at.file.display().to_string(), &at.sections)))
        .collect();
    let printers = printers.map(|folder| folder.display().to_string());
    SCRIPT
        .replace("@PRINTERS@", &json(printers.unwrap_or_default().into()))
        .replace("@BUILDS@", &json(serde_json::json!(builds)))
        .replace("@LOADED@", &json(serde_json::json!(placed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_holds_every_path_and_address() {
        let file = PathBuf::from("/a \"b\"/pulse.ko");
        let sections = BTreeMap::from([(".text".to_owned(), 0xffff_ffff_a000_0000)]);
        let placed =
            BTreeMap::from([("pulse".to_owned(), Placed { file: file.clone(), sections })]);
        let builds = BTreeMap::from([("pulse".to_owned(), file)]);
        let text = script(&builds, &placed, Some(Path::new("/rust/etc")));
        assert!(text.contains(r#"BUILDS = {"pulse":"/a \"b\"/pulse.ko"}"#), "{text}");
        assert!(text.contains(
            r#"LOADED = {"pulse":["/a \"b\"/pulse.ko",{".text":18446744072098938880}]}"#
        ));
        assert!(text.contains(r#"PRINTERS = "/rust/etc""#));
        assert!(!text.contains('@'));
    }
}
