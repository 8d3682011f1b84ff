// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the functions of a module take and return, and which of them became part of
//! others, by the debug information of its build.

use std::collections::{HashMap, HashSet};
use std::fs;

use addr2line::gimli::{
    self, AttributeValue, DebuggingInformationEntry, Dwarf, DwarfSections, EndianSlice,
    LittleEndian, Operation, SectionId, Unit, UnitOffset, UnitSectionOffset,
};
use object::{Object, ObjectSymbol, SymbolKind};

use super::modules;
use super::symbols::{Elf, lay_out, section};
use crate::kernel::signature::{Kind, Parameter, Place, Signature, Signatures};
use crate::text::function;

type Reader<'a> = EndianSlice<'a, LittleEndian>;
type Entry<'a> = DebuggingInformationEntry<Reader<'a>>;

/// The numbers that DWARF gives the registers of the first arguments, in their order.
const REGISTERS: [u16; 6] = [5, 4, 1, 2, 8, 9];
/// Types of types of types: as far as they are followed.
const DEPTH: usize = 8;

/// The signatures of the build of `module` that the kernel `release` has loaded.
///
/// # Errors
/// Why there is no debug information of it.
pub fn of(release: &str, module: &str, build_id: Option<&str>) -> Result<Signatures, String> {
    let file = modules::loaded(release, module, build_id)?;
    let bytes = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    parse(&bytes, module).map_err(|error| format!("{}: {error}", file.display()))
}

fn parse(bytes: &[u8], module: &str) -> Result<Signatures, String> {
    let damaged = |error: object::Error| format!("it can't be read: {error}");
    let elf = Elf::parse(bytes).map_err(damaged)?;
    let bases = lay_out(&elf);
    let sections =
        DwarfSections::load(|id: SectionId| section(&elf, id.name(), &bases)).map_err(damaged)?;
    let dwarf = sections.borrow(|section| Reader::new(section, LittleEndian));
    let code = elf.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text);
    let symbols: HashMap<u64, Vec<String>> = code.fold(HashMap::new(), |mut all, symbol| {
        let base = symbol.section_index().and_then(|index| bases.get(&index));
        if let (Some(base), Ok(name)) = (base, symbol.name()) {
            all.entry(base + symbol.address()).or_default().push(name.to_owned());
        }
        all
    });
    read(&dwarf, &symbols, module).map_err(|error| format!("its debug information: {error}"))
}

fn read(
    dwarf: &Dwarf<Reader<'_>>,
    symbols: &HashMap<u64, Vec<String>>,
    module: &str,
) -> gimli::Result<Signatures> {
    let mut found = Signatures::default();
    // Functions that exist by themselves, and all that were meant to be in others.
    let mut standing: HashSet<UnitSectionOffset> = HashSet::new();
    let mut inlined: Vec<(UnitSectionOffset, String)> = Vec::new();
    let mut headers = dwarf.units();
    while let Some(header) = headers.next()? {
        let unit = dwarf.unit(header)?;
        let reading = Reading { dwarf, unit: &unit };
        let mut entries = unit.entries();
        let mut functions = Vec::new();
        while let Some(entry) = entries.next_dfs()? {
            if entry.tag() == gimli::DW_TAG_subprogram {
                functions.push(entry.offset());
            }
        }
        for offset in functions {
            let entry = unit.entry(offset)?;
            if entry.attr(gimli::DW_AT_inline).is_some() {
                if let Some(name) = reading.own_name(&entry, module) {
                    inlined.push((place(&unit, offset), name));
                }
                continue;
            }
            let Some(begin) = reading.begin(&entry)? else { continue };
            if let Some(origin) = reading.reference(&entry, gimli::DW_AT_abstract_origin) {
                standing.insert(place(&unit, origin));
            }
            let Some(names) = symbols.get(&begin) else { continue };
            let signature = reading.signature(&entry, begin)?;
            for name in names {
                found.functions.insert(name.clone(), signature.clone());
            }
        }
    }
    let gone = inlined.into_iter().filter(|(place, _)| !standing.contains(place));
    found.inlined = gone.map(|(_, name)| name).collect();
    found.inlined.sort();
    found.inlined.dedup();
    Ok(found)
}

fn place(unit: &Unit<Reader<'_>>, offset: UnitOffset) -> UnitSectionOffset {
    offset.to_unit_section_offset(unit)
}

/// One unit of the debug information.
struct Reading<'d, 'a> {
    dwarf: &'d Dwarf<Reader<'a>>,
    unit: &'d Unit<Reader<'a>>,
}

impl<'a> Reading<'_, 'a> {
    fn string(&self, entry: &Entry<'a>, name: gimli::DwAt) -> Option<String> {
        let value = entry.attr_value(name)?;
        let text = self.dwarf.attr_string(self.unit, value).ok()?;
        Some(text.to_string_lossy().into_owned())
    }

    /// Another entry of the same unit.
    fn reference(&self, entry: &Entry<'a>, name: gimli::DwAt) -> Option<UnitOffset> {
        match entry.attr_value(name)? {
            AttributeValue::UnitRef(offset) => Some(offset),
            AttributeValue::DebugInfoRef(offset) => offset.to_unit_offset(&self.unit.header),
            _ => None,
        }
    }

    /// An attribute of an entry, or of the one that it is an instance of.
    fn through<T>(
        &self,
        entry: &Entry<'a>,
        look: &impl Fn(&Entry<'a>) -> Option<T>,
        depth: usize,
    ) -> Option<T> {
        if let Some(found) = look(entry) {
            return Some(found);
        }
        if depth == 0 {
            return None;
        }
        let origins = [gimli::DW_AT_abstract_origin, gimli::DW_AT_specification];
        let origin = origins.iter().find_map(|name| self.reference(entry, *name))?;
        self.through(&self.unit.entry(origin).ok()?, look, depth - 1)
    }

    fn name(&self, entry: &Entry<'a>) -> Option<String> {
        self.through(entry, &|entry| self.string(entry, gimli::DW_AT_name), DEPTH)
    }

    /// The name of a function whose source is the module's own: in a header of the
    /// kernel's are many that are not.
    fn own_name(&self, entry: &Entry<'a>, module: &str) -> Option<String> {
        let linkage =
            self.through(entry, &|entry| self.string(entry, gimli::DW_AT_linkage_name), DEPTH);
        if let Some(symbol) = linkage {
            let name = function::name(&symbol, module);
            return (function::is_own(&symbol) && !function::is_generated(&name)).then_some(name);
        }
        let number = self.through(
            entry,
            &|entry| match entry.attr_value(gimli::DW_AT_decl_file)? {
                AttributeValue::FileIndex(index) => Some(index),
                other => other.udata_value(),
            },
            DEPTH,
        )?;
        let program = self.unit.line_program.as_ref()?;
        let file = program.header().file(number)?;
        let file = self.dwarf.attr_string(self.unit, file.path_name()).ok()?;
        file.to_string_lossy().ends_with(".c").then(|| self.name(entry)).flatten()
    }

    /// Where a function begins; `None`: it is only declared.
    fn begin(&self, entry: &Entry<'a>) -> gimli::Result<Option<u64>> {
        if let Some(value) = entry.attr_value(gimli::DW_AT_low_pc) {
            return self.dwarf.attr_address(self.unit, value);
        }
        // In several parts: the first is where it begins.
        let mut ranges = self.dwarf.die_ranges(self.unit, entry)?;
        Ok(ranges.next()?.map(|range| range.begin))
    }

    fn signature(&self, entry: &Entry<'a>, begin: u64) -> gimli::Result<Signature> {
        let result = self
            .through(entry, &|entry| self.reference(entry, gimli::DW_AT_type), DEPTH)
            .map(|of| self.kind(of, DEPTH));
        let mut parameters = Vec::new();
        let mut tree = self.unit.entries_tree(Some(entry.offset()))?;
        let mut children = tree.root()?.children();
        while let Some(child) = children.next()? {
            let entry = child.entry();
            if entry.tag() != gimli::DW_TAG_formal_parameter {
                continue;
            }
            let of = self.through(entry, &|entry| self.reference(entry, gimli::DW_AT_type), DEPTH);
            parameters.push(Parameter {
                name: self.name(entry).unwrap_or_else(|| "_".into()),
                of: of.map(|of| self.type_name(of, DEPTH)).unwrap_or_default(),
                kind: of.map_or(Kind::Bits, |of| self.kind(of, DEPTH)),
                place: self.place(entry, begin)?,
            });
        }
        Ok(Signature { parameters, result })
    }

    /// Where a parameter is when the function begins.
    fn place(&self, entry: &Entry<'a>, begin: u64) -> gimli::Result<Place> {
        let expression = match entry.attr_value(gimli::DW_AT_location) {
            Some(AttributeValue::Exprloc(expression)) => Some(expression),
            Some(value) => {
                let mut found = None;
                if let Some(mut list) = self.dwarf.attr_locations(self.unit, value)? {
                    while let Some(one) = list.next()? {
                        if (one.range.begin..one.range.end).contains(&begin) {
                            found = Some(one.data);
                            break;
                        }
                    }
                }
                found
            }
            None => None,
        };
        let Some(expression) = expression else { return Ok(Place::Nowhere) };
        let index = |register: gimli::Register| REGISTERS.iter().position(|one| *one == register.0);
        let mut registers = Vec::new();
        let mut operations = expression.operations(self.unit.encoding());
        while let Some(operation) = operations.next()? {
            match operation {
                Operation::Register { register } => match index(register) {
                    Some(index) => registers.push(index),
                    None => return Ok(Place::Nowhere),
                },
                Operation::Piece { .. } => {}
                Operation::RegisterOffset { register, offset: 0, .. } if registers.is_empty() => {
                    return Ok(match (index(register), operations.next()?) {
                        (Some(index), None) => Place::At(index),
                        _ => Place::Nowhere,
                    });
                }
                _ => return Ok(Place::Nowhere),
            }
        }
        Ok(if registers.is_empty() { Place::Nowhere } else { Place::Registers(registers) })
    }

    fn kind(&self, of: UnitOffset, depth: usize) -> Kind {
        let Ok(entry) = self.unit.entry(of) else { return Kind::Bits };
        let size = entry.attr(gimli::DW_AT_byte_size).and_then(gimli::Attribute::udata_value);
        let bytes = size.unwrap_or(8) as u8;
        match entry.tag() {
            gimli::DW_TAG_base_type => match entry.attr_value(gimli::DW_AT_encoding) {
                Some(AttributeValue::Encoding(gimli::DW_ATE_boolean)) => Kind::Bool,
                Some(AttributeValue::Encoding(
                    gimli::DW_ATE_signed | gimli::DW_ATE_signed_char,
                )) => Kind::Signed(bytes),
                _ if bytes <= 8 => Kind::Unsigned(bytes),
                _ => Kind::Bits,
            },
            gimli::DW_TAG_pointer_type => Kind::Pointer,
            gimli::DW_TAG_enumeration_type if bytes <= 8 => Kind::Unsigned(bytes),
            gimli::DW_TAG_typedef | gimli::DW_TAG_const_type | gimli::DW_TAG_volatile_type
                if depth > 0 =>
            {
                let under = self.reference(&entry, gimli::DW_AT_type);
                under.map_or(Kind::Bits, |of| self.kind(of, depth - 1))
            }
            gimli::DW_TAG_structure_type => match self.string(&entry, gimli::DW_AT_name) {
                Some(name) if name.starts_with("&str") || name.starts_with("&[") => Kind::Slice,
                _ => Kind::Bits,
            },
            _ => Kind::Bits,
        }
    }

    /// A type as its author wrote it.
    fn type_name(&self, of: UnitOffset, depth: usize) -> String {
        let Ok(entry) = self.unit.entry(of) else { return String::new() };
        let name = self.string(&entry, gimli::DW_AT_name);
        let under = || match self.reference(&entry, gimli::DW_AT_type) {
            Some(of) if depth > 0 => self.type_name(of, depth - 1),
            // What C calls a type of nothing.
            _ => "void".into(),
        };
        match (entry.tag(), name) {
            (gimli::DW_TAG_structure_type, Some(name)) if !name.contains(['&', '<', '(']) => {
                match self.is_rust() {
                    true => function::short_type(&name),
                    false => format!("struct {name}"),
                }
            }
            (_, Some(name)) => function::short_type(&name),
            (gimli::DW_TAG_pointer_type, None) => {
                let under = under();
                let gap = if under.ends_with('*') { "" } else { " " };
                format!("{under}{gap}*")
            }
            (gimli::DW_TAG_const_type, None) => format!("const {}", under()),
            (gimli::DW_TAG_volatile_type, None) => format!("volatile {}", under()),
            (gimli::DW_TAG_subroutine_type, None) => "function".into(),
            _ => "unnamed".into(),
        }
    }

    fn is_rust(&self) -> bool {
        let root = self.unit.entry(self.unit.header.root_offset()).ok();
        let language = root.and_then(|root| root.attr_value(gimli::DW_AT_language));
        language == Some(AttributeValue::Language(gimli::DW_LANG_Rust))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
struct big { long a[9]; };
static inline int twice(int x) { return x * 2; }
__attribute__((noinline)) int first(const char *text, int count, unsigned char small)
{
    __asm__ volatile(\"\" : : \"r\"(text), \"r\"(small));
    return twice(count);
}
__attribute__((noinline)) void second(struct big *of, _Bool flag, struct big by_value)
{
    __asm__ volatile(\"\" : : \"r\"(of), \"r\"((int)flag), \"r\"(by_value.a[0]));
}
";

    fn compiled() -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.c"), SOURCE).unwrap();
        let status = std::process::Command::new("cc")
            .args(["-g", "-O2", "-fomit-frame-pointer", "-c", "a.c", "-o", "a.o"])
            .current_dir(folder.path())
            .status();
        assert!(status.expect("cc is installed").success());
        fs::read(folder.path().join("a.o")).unwrap()
    }

    #[test]
    fn whatever_an_image_holds_it_has_signatures_or_is_refused() {
        crate::fuzz::bytes_like(vec![compiled()], |bytes| {
            if let Ok(found) = parse(bytes, "a") {
                let registers = [u64::MAX; 6];
                found.functions.values().for_each(|one| drop(one.arguments(&registers)));
            }
        });
    }

    #[test]
    fn parameters_have_their_names_types_and_registers_and_inlined_functions_are_named() {
        let found = parse(&compiled(), "a").unwrap();
        assert_eq!(found.inlined, ["twice"]);
        let seen = |symbol: &str| -> Vec<(String, String, Kind, Place)> {
            let parameters = found.functions[symbol].parameters.iter().cloned();
            parameters.map(|one| (one.name, one.of, one.kind, one.place)).collect()
        };
        let one = |name: &str, of: &str, kind, place| (name.to_owned(), of.to_owned(), kind, place);
        let register = |index| Place::Registers(vec![index]);
        assert_eq!(
            seen("first"),
            [
                one("text", "const char *", Kind::Pointer, register(0)),
                one("count", "int", Kind::Signed(4), register(1)),
                one("small", "unsigned char", Kind::Unsigned(1), register(2)),
            ]
        );
        assert_eq!(found.functions["first"].result, Some(Kind::Signed(4)));
        let second = seen("second");
        assert_eq!(second[0], one("of", "struct big *", Kind::Pointer, register(0)));
        assert_eq!(second[1], one("flag", "_Bool", Kind::Bool, register(1)));
        // On the stack, where the registers say nothing of it.
        assert_eq!(second[2].3, Place::Nowhere);
        assert_eq!(found.functions["second"].result, None);
    }

    #[test]
    fn an_image_without_debug_information_gives_no_signatures() {
        assert!(parse(b"no image", "a").unwrap_err().contains("it can't be read"));
    }
}
