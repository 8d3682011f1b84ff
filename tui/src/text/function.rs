// SPDX-License-Identifier: MIT OR Apache-2.0
//! Symbols of functions as people read and write them: Rust's are mangled.

/// Crates whose code is compiled into modules and is not theirs.
const LIBRARIES: [&str; 13] = [
    "core",
    "alloc",
    "std",
    "kernel",
    "pin_init",
    "bindings",
    "uapi",
    "ffi",
    "macros",
    "build_error",
    "compiler_builtins",
    "zerocopy",
    "proc_macro",
];

/// The language's own types, whose methods are the library's.
const PRIMITIVES: [&str; 17] = [
    "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64",
    "i128", "isize", "f32", "f64",
];

/// The path of a Rust function without what its types are made of:
/// `producer_consumer::buffer::Buffer::park`; `None` where it is no Rust.
fn path(symbol: &str) -> Option<String> {
    let demangled = format!("{:#}", rustc_demangle::try_demangle(symbol).ok()?);
    let mut path = match demangled.strip_prefix('<') {
        // `<Type>::method`, `<Type as Trait>::method`.
        Some(rest) => {
            let (inside, after) = rest.split_at(closing(rest)?);
            let mut parts = split_as(inside);
            let (of, through) = (parts.next()?, parts.next());
            // A method of one of the language's own types belongs to its trait, and
            // that of a closure by which it is called to the library.
            let owner = match through {
                Some(of_trait)
                    if !of.contains("::") || of_trait.starts_with("core::ops::function::") =>
                {
                    of_trait
                }
                _ => of,
            };
            format!("{}{}", owner.trim_start_matches(['&', '<']), &after[1..])
        }
        None => demangled,
    };
    while let Some(from) = path.find('<') {
        let Some(to) = closing(&path[from + 1..]) else { break };
        let before = path[..from].strip_suffix("::").map_or(from, str::len);
        path.replace_range(before..from + 1 + to + 1, "");
    }
    Some(path)
}

/// Where the bracket closes that was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        match character {
            '<' => depth += 1,
            // `->` is no bracket.
            '>' if before == '-' => {}
            '>' if depth == 0 => return Some(at),
            '>' => depth -= 1,
            _ => {}
        }
        before = character;
    }
    None
}

/// The type and the trait of `Type as Trait`.
fn split_as(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    let at = text.char_indices().find_map(|(at, character)| {
        match character {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 && text[at..].starts_with(" as ") => return Some(at),
            _ => {}
        }
        None
    });
    match at {
        Some(at) => vec![&text[..at], &text[at + " as ".len()..]],
        None => vec![text],
    }
    .into_iter()
}

/// A function of `module` as one reads it: `buffer::Buffer::park` of Rust's, and any
/// other as it is.
pub fn name(symbol: &str, module: &str) -> String {
    let Some(path) = path(symbol) else {
        return symbol.to_owned();
    };
    match path.strip_prefix(module).and_then(|rest| rest.strip_prefix("::")) {
        Some(own) => own.to_owned(),
        None => path,
    }
}

/// Is it a module's own, and not compiled into it from a library? What a library does
/// for a type of the module's by a trait is: a callback begins there.
pub fn is_own(symbol: &str) -> bool {
    path(symbol).is_none_or(|path| is_of_module(&path) || is_for_module(symbol))
}

/// Does a path begin in a crate that is no library?
fn is_of_module(path: &str) -> bool {
    let first = path.split("::").next().unwrap_or_default();
    let named = first.starts_with(|c: char| c.is_alphabetic() || c == '_');
    named && path.contains("::") && !PRIMITIVES.contains(&first) && !LIBRARIES.contains(&first)
}

/// `<kernel::sync::arc::Arc<pulse::Pulse> as kernel::time::hrtimer::…>::run`.
fn is_for_module(symbol: &str) -> bool {
    let demangled = format!("{:#}", rustc_demangle::demangle(symbol));
    let Some(rest) = demangled.strip_prefix('<') else { return false };
    let Some(inside) = closing(rest).map(|end| &rest[..end]) else { return false };
    let mut parts = split_as(inside);
    let (Some(of), Some(through)) = (parts.next(), parts.next()) else { return false };
    // Of these only text comes.
    if through.starts_with("core::fmt::") || through.starts_with("core::ops::") {
        return false;
    }
    of.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).any(is_of_module)
}

/// Was it written by a macro, and not by hand?
pub fn is_generated(name: &str) -> bool {
    name.split("::").any(|part| part == "_" || part.starts_with("__"))
}

/// Does somebody who writes `word` mean it? A symbol, a name, or the end of a path.
pub fn is_meant(symbol: &str, word: &str) -> bool {
    if symbol == word {
        return true;
    }
    match path(symbol) {
        Some(path) => {
            path == word || path.strip_suffix(word).is_some_and(|rest| rest.ends_with("::"))
        }
        // What the compiler has added to it: `.isra.0`.
        None => symbol.split('.').next() == Some(word),
    }
}

/// A place in a stack, as one reads it: `Buffer::put+0x20` of
/// `_RN…put+0x20/0x90 [module]`.
pub fn place(frame: &str, module: &str) -> String {
    let (place, owner) = match frame.split_once(" [") {
        Some((place, owner)) => (place, owner.trim_end_matches(']')),
        None => (frame, ""),
    };
    let (symbol, offset) = place.split_once('+').unwrap_or((place, ""));
    let offset = offset.split('/').next().filter(|offset| !offset.is_empty());
    let mut text = name(symbol, module);
    if let Some(offset) = offset {
        text.push('+');
        text.push_str(offset);
    }
    if !owner.is_empty() && owner != module {
        text = format!("{text} [{owner}]");
    }
    text
}

/// A type without the paths of what it is made of: `&mut Buffer` of
/// `&mut producer_consumer::buffer::Buffer`.
pub fn short_type(name: &str) -> String {
    let mut short = String::new();
    for part in name.split_inclusive(|c: char| !(c.is_alphanumeric() || "_:{}#".contains(c))) {
        short.push_str(part.rsplit("::").next().unwrap_or(part));
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_symbol_is_called_it_has_a_name() {
        let good = [PARK, LOG, RUN, SHOWS, ADAPTER, MEDIAN, "beat.isra.0+0x1/0x2 [pulse]"];
        crate::fuzz::bytes_like(good.map(|it| it.as_bytes().to_vec()).into(), |bytes| {
            let text = String::from_utf8_lossy(bytes);
            for text in text.lines() {
                let _ = (name(text, "pulse"), is_own(text), is_generated(text));
                let _ = (is_meant(text, "park"), place(text, "pulse"), short_type(text));
            }
        });
    }

    const PARK: &str = "_RNvMNtCsaiBD22ojTqH_17producer_consumer6bufferNtB2_6Buffer4park";
    const LOG: &str = "_RNvNtCsaiBD22ojTqH_17producer_consumer6buffer3log";
    const RUN: &str = "_RINvMs0_NtNtCsaiBD22ojTqH_17producer_consumer7support6threadNtB6_6Thread3runNCNvMNtBa_7threadsNtB1h_7Threads3add0EBa_";
    const SHOWS: &str = "_RNvXs_NtCsaiBD22ojTqH_17producer_consumer10attributesNtB4_10AttributesNtNtNtNtB6_7support5sysfs5shows5Shows5table";
    const ADAPTER: &str = "_RNvXs6_NtCsl7L7n58I0Vr_6kernel3fmtINtB5_7AdapterRReENtNtCs2DxGA1hvVcO_4core3fmt7Display3fmtCsaiBD22ojTqH_17producer_consumer";
    const MEDIAN: &str = "_RINvNtNtNtCs2DxGA1hvVcO_4core5slice4sort6select10median_idxyNvYyNtNtB8_3cmp10PartialOrd2ltECsaiBD22ojTqH_17producer_consumer";

    #[test]
    fn a_function_is_read_without_what_its_types_are_made_of() {
        let name = |symbol| name(symbol, "producer_consumer");
        assert_eq!(name(PARK), "buffer::Buffer::park");
        assert_eq!(name(LOG), "buffer::log");
        assert_eq!(name(RUN), "support::thread::Thread::run");
        assert_eq!(name(SHOWS), "attributes::Attributes::table");
        assert_eq!(name(ADAPTER), "kernel::fmt::Adapter::fmt");
        assert_eq!(name(MEDIAN), "core::slice::sort::select::median_idx");
        assert_eq!(name("beat.isra.0"), "beat.isra.0");
    }

    #[test]
    fn a_place_in_a_stack_names_another_module_than_the_one_at_hand() {
        let frame = format!("{PARK}+0x20/0x90 [producer_consumer]");
        assert_eq!(place(&frame, "producer_consumer"), "buffer::Buffer::park+0x20");
        assert_eq!(place("put+0x1/0x2 [other]", "pulse"), "put+0x1 [other]");
        assert_eq!(place("kthread+0xf6/0x130", "pulse"), "kthread+0xf6");
    }

    #[test]
    fn a_type_is_read_without_paths() {
        assert_eq!(
            short_type("&mut a::b::Buffer<core::option::Option<u8>>"),
            "&mut Buffer<Option<u8>>"
        );
        assert_eq!(short_type("(a::B, &[c::D])"), "(B, &[D])");
        assert_eq!(short_type("unsigned char"), "unsigned char");
    }

    #[test]
    fn a_library_s_code_in_a_module_is_told_from_the_modules_own() {
        for own in [PARK, LOG, RUN, SHOWS, "beat"] {
            assert!(is_own(own), "{own}");
        }
        for library in [ADAPTER, MEDIAN] {
            assert!(!is_own(library), "{library}");
        }
    }

    #[test]
    fn what_a_library_does_for_a_modules_type_is_the_modules() {
        // The kernel's `Arc<pulse::Pulse>` as its callback of a timer.
        let callback =
            "_RNvXNtCs2_6kernel4syncINtB2_3ArcNtCs1_5pulse5PulseENtNtCs2_6kernel4time8Callback3run";
        let demangled = format!("{:#}", rustc_demangle::demangle(callback));
        assert!(demangled.starts_with("<kernel::sync::Arc<pulse::Pulse> as "), "{demangled}");
        assert!(is_own(callback));
    }

    #[test]
    fn the_end_of_a_path_is_enough_to_name_a_function() {
        for word in ["park", "Buffer::park", "buffer::Buffer::park", PARK] {
            assert!(is_meant(PARK, word), "{word}");
        }
        for word in ["ark", "Buffer", "log"] {
            assert!(!is_meant(PARK, word), "{word}");
        }
        assert!(is_meant("beat.isra.0", "beat") && is_meant("beat", "beat"));
        assert!(!is_meant("beat", "eat"));
    }
}
