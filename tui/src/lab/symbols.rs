// SPDX-License-Identifier: MIT OR Apache-2.0
//! File and line of the functions in an oops, from the debug information of a
//! kernel of the cache and of the modules that were built for it.
//!
//! An oops names places as `function+0x10/0x30 [module]`: how far into which
//! function of how many bytes. That is looked up in the symbols of the image,
//! and the address found in its DWARF. A module is not linked yet, so its
//! sections are laid out here and the relocations of its DWARF applied first.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use addr2line::gimli::{DwarfSections, EndianSlice, LittleEndian, SectionId};
use object::read::elf::ElfFile64;
use object::{Object, ObjectKind, ObjectSection, ObjectSymbol, RelocationTarget, SectionIndex};

use super::flavour::Flavour;
use super::linux::{self, Kernel};
use super::modules;

/// The sections of an unlinked module are so far apart.
const APART: u64 = 1 << 32;
/// Symbols are padded: the kernel counts the padding to the function before it.
const PADDING: u64 = 64;

pub(super) type Elf<'a> = ElfFile64<'a, object::LittleEndian>;
type Reader<'a> = EndianSlice<'a, LittleEndian>;

/// A place in an oops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// `function+0x10/0x30 [module]`.
    pub text: &'a str,
    /// Is it where the processor was, and not where a call returns to?
    pub exact: bool,
}

/// The build ids of the modules that a kernel has loaded, by their names.
pub type BuildIds = BTreeMap<String, String>;

/// File and line of each frame, `None` where the debug information has none. A
/// module's functions are looked up in the build that is loaded.
///
/// # Errors
/// Why there is no debug information for the kernel `release`.
pub fn locate(
    release: &str,
    frames: &[Frame<'_>],
    builds: &BuildIds,
) -> Result<Vec<Option<String>>, String> {
    let built = [Flavour::Lab, Flavour::Debug].into_iter().filter_map(linux::built);
    let kernel = built
        .into_iter()
        .find(|kernel| kernel.release == release)
        .ok_or_else(|| format!("the kernel {release} was not built here"))?;
    if linux::lost_symbols(&kernel) {
        let (path, flavour) = (kernel.vmlinux.display(), kernel.flavour);
        return Err(format!(
            "{path} was damaged; `ringside setup --kernel {flavour}` builds the kernel again"
        ));
    }
    let mut images: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    let mut why = None;
    for (index, frame) in frames.iter().enumerate() {
        match image(&kernel, frame.text, builds) {
            Ok(path) => images.entry(path).or_default().push(index),
            Err(error) => why = Some(error),
        }
    }
    let mut places = vec![None; frames.len()];
    for (path, wanted) in images {
        let result = fs::read(&path)
            .map_err(|error| format!("{}: {error}", path.display()))
            .and_then(|bytes| {
                let wanted: Vec<_> = wanted.iter().map(|index| frames[*index]).collect();
                in_image(&bytes, &wanted)
            });
        match result {
            Ok(found) => {
                for (index, place) in wanted.into_iter().zip(found) {
                    places[index] =
                        place.map(|(file, line)| format!("{}:{line}", short(&kernel, &file)));
                }
            }
            Err(error) => why = Some(error),
        }
    }
    match why {
        Some(why) if places.iter().all(Option::is_none) => Err(why),
        _ => Ok(places),
    }
}

/// The file that holds a frame's function: vmlinux, or the build of the module
/// that is loaded.
fn image(kernel: &Kernel, frame: &str, builds: &BuildIds) -> Result<PathBuf, String> {
    let Some((_, module)) = frame.rsplit_once(" [") else {
        return Ok(kernel.vmlinux.clone());
    };
    // The build id may follow the name.
    let module = module.trim_end_matches(']').split(' ').next().unwrap_or_default();
    modules::loaded(&kernel.release, module, builds.get(module).map(String::as_str))
}

/// A file's path as a reader wants it: from the top of the kernel's sources, or
/// of the folder that a module's sources lie in.
fn short(kernel: &Kernel, file: &str) -> String {
    let mut plain = PathBuf::new();
    for part in Path::new(file).components() {
        match part {
            std::path::Component::ParentDir => drop(plain.pop()),
            std::path::Component::CurDir => {}
            part => plain.push(part),
        }
    }
    let inside = plain.strip_prefix(&kernel.source_dir).ok();
    let inside = inside.or_else(|| plain.strip_prefix(&kernel.build_dir).ok());
    let ours = modules::ours().ok();
    let ours = ours.as_deref().and_then(Path::parent);
    let inside = inside.or_else(|| plain.strip_prefix(ours?).ok());
    inside.unwrap_or(&plain).display().to_string()
}

/// The file and line of each frame in one image, which nobody vouches for.
///
/// # Errors
/// It can't be read, or has no debug information.
pub fn in_image(bytes: &[u8], frames: &[Frame<'_>]) -> Result<Vec<Option<(String, u32)>>, String> {
    let damaged = |error: object::Error| format!("its image can't be read: {error}");
    let elf = Elf::parse(bytes).map_err(damaged)?;
    if elf.section_by_name(".debug_info").is_none() {
        return Err("this kernel was built without debug information; \
                    `ringside --kernel debug` starts one that has it"
            .into());
    }
    let bases = lay_out(&elf);
    let is_module = elf.kind() == ObjectKind::Relocatable;
    let sections =
        DwarfSections::load(|id: SectionId| section(&elf, id.name(), &bases)).map_err(damaged)?;
    let dwarf = sections.borrow(|section| Reader::new(section, LittleEndian));
    let context = addr2line::Context::from_dwarf(dwarf)
        .map_err(|error| format!("its debug information can't be read: {error}"))?;
    let find = |frame: &Frame<'_>| {
        let address = address(&elf, &bases, frame)?;
        // The function at hand first, then those that it is inlined into.
        let mut inlined = context.find_frames(address).skip_all_loads().ok()?;
        let mut places = Vec::new();
        while let Ok(Some(frame)) = inlined.next() {
            let place = frame.location.and_then(|place| Some((place.file?, place.line?)));
            places.extend(place.map(|(file, line)| (file.to_owned(), line)));
        }
        let own = places.iter().position(|(file, _)| !of_library(file, is_module));
        (!places.is_empty()).then(|| places.swap_remove(own.unwrap_or_default()))
    };
    Ok(frames.iter().map(find).collect())
}

/// Is it code that a module only takes in, whose line tells its author little: the
/// Rust library's, the kernel's own crates'?
fn of_library(file: &str, is_module: bool) -> bool {
    const KERNELS: [&str; 3] = ["/rust/kernel/", "/rust/pin-init/", "/include/linux/"];
    file.contains("/rustlib/src/rust/library/")
        || is_module && KERNELS.iter().any(|part| file.contains(part))
}

/// Where the sections of an image begin that are not placed yet.
pub(super) fn lay_out(elf: &Elf<'_>) -> HashMap<SectionIndex, u64> {
    if elf.kind() != ObjectKind::Relocatable {
        return HashMap::new();
    }
    let code = elf.sections().filter(|section| section.kind() == object::SectionKind::Text);
    code.map(|section| (section.index(), (section.index().0 as u64).wrapping_mul(APART))).collect()
}

/// The bytes of a section with its relocations applied.
pub(super) fn section<'a>(
    elf: &Elf<'a>,
    name: &str,
    bases: &HashMap<SectionIndex, u64>,
) -> Result<Cow<'a, [u8]>, object::Error> {
    let Some(section) = elf.section_by_name(name) else {
        return Ok(Cow::Borrowed(&[]));
    };
    let data = section.data()?;
    if elf.kind() != ObjectKind::Relocatable {
        return Ok(Cow::Borrowed(data));
    }
    let mut data = data.to_vec();
    for (offset, relocation) in section.relocations() {
        let RelocationTarget::Symbol(index) = relocation.target() else {
            continue;
        };
        let symbol = elf.symbol_by_index(index)?;
        let base = symbol.section_index().and_then(|index| bases.get(&index));
        let value = base
            .copied()
            .unwrap_or(0)
            .wrapping_add(symbol.address())
            .wrapping_add_signed(relocation.addend());
        let size = usize::from(relocation.size()) / 8;
        let start = offset as usize;
        if let Some(place) = data.get_mut(start..start.saturating_add(size))
            && let Some(value) = value.to_le_bytes().get(..size)
        {
            place.copy_from_slice(value);
        }
    }
    Ok(Cow::Owned(data))
}

/// The address of a frame in an image that is laid out like this.
fn address(elf: &Elf<'_>, bases: &HashMap<SectionIndex, u64>, frame: &Frame<'_>) -> Option<u64> {
    let text = frame.text.split(" [").next()?.trim();
    let (name, place) = text.rsplit_once('+')?;
    let (offset, size) = place.split_once('/')?;
    let hex = |text: &str| u64::from_str_radix(text.strip_prefix("0x")?, 16).ok();
    let (offset, size) = (hex(offset)?, hex(size)?);
    // Of a module that was built again since, or of another function of the
    // same name, the lines would be wrong.
    // The last one of a module's section has the rest of the page for padding.
    let last = |index: Option<SectionIndex>, end: u64| {
        let section = index.and_then(|index| elf.section_by_index(index).ok());
        section.is_some_and(|section| section.size() < end.saturating_add(PADDING))
    };
    let symbol = elf.symbols().find(|symbol| {
        symbol.name() == Ok(name)
            && symbol.size() <= size
            && (size - symbol.size() < PADDING
                || (!bases.is_empty()
                    && last(
                        symbol.section_index(),
                        symbol.address().saturating_add(symbol.size()),
                    )))
    })?;
    let base = symbol.section_index().and_then(|index| bases.get(&index));
    // A call returns to the instruction behind it, which may be another line's.
    let back = u64::from(!frame.exact && offset > 0);
    let address = base.copied().unwrap_or(0).wrapping_add(symbol.address());
    Some(address.wrapping_add(offset).wrapping_sub(back))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_an_image_holds_a_frame_has_a_line_or_none() {
        let (_folder, bytes) = compiled(&["-g", "-O1"]);
        let texts = ["first+0x0/0x9 [a]", "second+0x3/0x20 [a]", "x+0xffffffffffffffff/0x1"];
        let frames = texts.map(|text| Frame { text, exact: false });
        crate::fuzz::bytes_like(vec![bytes], |bytes| {
            if let Ok(found) = in_image(bytes, &frames) {
                assert_eq!(found.len(), frames.len());
            }
        });
    }

    #[test]
    fn whatever_a_frame_is_called_it_has_a_line_or_none() {
        let (_folder, bytes) = compiled(&["-g", "-O1"]);
        crate::fuzz::texts("oops", |text| {
            let frames: Vec<_> =
                text.lines().take(5).map(|text| Frame { text, exact: true }).collect();
            assert_eq!(in_image(&bytes, &frames).map(|found| found.len()), Ok(frames.len()));
        });
    }

    const SOURCE: &str = "\
__attribute__((noinline, section(\".init.text\"))) int first(int *x)
{
    *x = 1;
    return 2;
}
int second(int *x)
{
    int y = first(x);
    return y + *x;
}
";

    /// Compiles `SOURCE` as a module is, into an object that is not linked.
    fn compiled(arguments: &[&str]) -> (tempfile::TempDir, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.c"), SOURCE).unwrap();
        let status = std::process::Command::new("cc")
            .args(["-c", "a.c", "-o", "a.o"])
            .args(arguments)
            .current_dir(folder.path())
            .status();
        assert!(status.expect("cc is installed").success());
        let bytes = fs::read(folder.path().join("a.o")).unwrap();
        (folder, bytes)
    }

    fn size(bytes: &[u8], name: &str) -> u64 {
        let elf = Elf::parse(bytes).unwrap();
        let symbol = elf.symbols().find(|symbol| symbol.name() == Ok(name));
        symbol.unwrap().size()
    }

    #[test]
    fn lines_are_found_in_every_section_of_an_image_that_is_not_linked() {
        let (_folder, bytes) = compiled(&["-g", "-O1"]);
        for (name, lines) in [("first", 2..=5), ("second", 7..=10)] {
            let size = size(&bytes, name);
            let text = format!("{name}+0x0/{size:#x} [a]");
            let frame = Frame { text: &text, exact: true };
            let (file, line) = in_image(&bytes, &[frame]).unwrap()[0].clone().unwrap();
            assert!(file.ends_with("a.c"), "{file}");
            assert!(lines.contains(&line), "{name}: line {line}");
        }
    }

    #[test]
    fn a_function_of_another_size_is_another_function() {
        let (_folder, bytes) = compiled(&["-g", "-O1"]);
        let text = format!("first+0x0/{:#x} [a]", size(&bytes, "first") - 1);
        let frame = Frame { text: &text, exact: true };
        assert_eq!(in_image(&bytes, &[frame]), Ok(vec![None]));
    }

    #[test]
    fn an_image_without_debug_information_is_refused_with_what_to_do() {
        let (_folder, bytes) = compiled(&[]);
        assert!(in_image(&bytes, &[]).unwrap_err().contains("--kernel debug"));
        let why = locate("6.1.0-none", &[], &BuildIds::new()).unwrap_err();
        assert!(why.contains("6.1.0-none was not built here"));
    }
}
