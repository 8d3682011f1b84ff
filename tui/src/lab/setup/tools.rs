// SPDX-License-Identifier: MIT OR Apache-2.0
//! The compilers and generators that build a kernel with Rust in it: finding
//! those that are there and fit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::cache;
use super::super::flavour::Flavour;
use super::super::program::{answer, find};
pub use super::version::Version;

/// The oldest versions that Linux 7.3 accepts (scripts/min-tool-version.sh).
pub const RUSTC: Version = Version(1, 85, 0);
/// See [`RUSTC`].
pub const BINDGEN: Version = Version(0, 71, 1);
/// See [`RUSTC`].
pub const CLANG: Version = Version(17, 0, 1);
/// See [`RUSTC`].
pub const GCC: Version = Version(8, 1, 0);
/// The newest version of clang that is looked for under its number.
const NEWEST_CLANG: u32 = 30;

/// The tools that a kernel is built with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools {
    /// A rustc that has the sources of its library.
    pub rustc: PathBuf,
    /// bindgen.
    pub bindgen: PathBuf,
    /// The folder of libclang.so, which bindgen loads.
    pub libclang: PathBuf,
    /// The C compiler: gcc, or the clang that [`Tools::llvm`] stands for.
    pub compiler: PathBuf,
    /// What make's `LLVM=` is to be, where clang compiles: `1` or `-19`.
    pub llvm: Option<String>,
}

impl Tools {
    /// What make must be told to use them.
    pub fn make_arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            format!("RUSTC={}", self.rustc.display()),
            format!("HOSTRUSTC={}", self.rustc.display()),
            format!("BINDGEN={}", self.bindgen.display()),
            format!("LIBCLANG_PATH={}", self.libclang.display()),
        ];
        arguments.extend(self.llvm.iter().map(|llvm| format!("LLVM={llvm}")));
        arguments
    }

    /// The files to watch: when one of them changes, the kernel is built again.
    pub fn files(&self) -> Vec<PathBuf> {
        [&self.rustc, &self.bindgen, &self.compiler]
            .into_iter()
            .map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()))
            .collect()
    }
}

/// What there is of one tool: where, or why not.
pub type Found = Result<(PathBuf, Version), String>;

/// A rustc that fits: of those on PATH, and the system's own, the first that is
/// new enough and has the sources of its library, which the kernel compiles.
pub fn rustc() -> Found {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates: Vec<PathBuf> = std::env::split_paths(&path)
        .map(|folder| folder.join("rustc"))
        .chain([PathBuf::from("/usr/bin/rustc")])
        .filter(|file| file.is_file())
        .collect();
    candidates.dedup();
    let mut reasons = Vec::new();
    for candidate in candidates {
        match check_rustc(&candidate) {
            Ok(version) => return Ok((candidate, version)),
            Err(reason) if reasons.contains(&reason) => {}
            Err(reason) => reasons.push(reason),
        }
    }
    match reasons.is_empty() {
        true => Err("there is no rustc".into()),
        false => Err(reasons.join("; ")),
    }
}

fn check_rustc(rustc: &Path) -> Result<Version, String> {
    let name = rustc.display();
    // The crate that is being built says which toolchain rustup takes.
    let ask = |argument: &[&str]| {
        answer(Command::new(rustc).args(argument)).ok_or_else(|| format!("{name} does not run"))
    };
    let version = ask(&["--version"])?;
    let version =
        Version::find_in(&version).ok_or_else(|| format!("{name} says it is {version}"))?;
    if version < RUSTC {
        return Err(format!("{name} is {version}, and {RUSTC} is needed"));
    }
    let sysroot = ask(&["--print", "sysroot"])?;
    let library = Path::new(&sysroot).join("lib/rustlib/src/rust/library/core/src/lib.rs");
    match library.exists() {
        true => Ok(version),
        false => Err(format!("{name} ({version}) lacks the sources of its library")),
    }
}

/// A bindgen that fits: ours, else one on PATH.
pub fn bindgen() -> Found {
    let own = cache::place().ok().map(|root| cache::tools(&root).join("bin/bindgen"));
    let candidates = [own, find("bindgen")];
    newest_enough(candidates.into_iter().flatten(), BINDGEN, "bindgen")
}

/// gcc.
pub fn gcc() -> Found {
    newest_enough(find("gcc").into_iter(), GCC, "gcc")
}

/// The first candidate that is at least `oldest`.
fn newest_enough(candidates: impl Iterator<Item = PathBuf>, oldest: Version, name: &str) -> Found {
    let mut reason = format!("there is no {name}");
    for candidate in candidates.filter(|path| path.is_file()) {
        let text = answer(Command::new(&candidate).arg("--version"));
        // gcc's first version number may be its packager's: the last word counts.
        let line = text.as_deref().and_then(|text| text.lines().next()).unwrap_or_default();
        let version = match name {
            "gcc" => line.rsplit(' ').find_map(Version::find_in),
            _ => Version::find_in(line),
        };
        match version {
            Some(version) if version >= oldest => return Ok((candidate, version)),
            Some(version) => {
                reason = format!("{} is {version}, and {oldest} is needed", candidate.display());
            }
            None => reason = format!("{} does not run", candidate.display()),
        }
    }
    Err(reason)
}

/// The LLVM programs that a kernel build with `LLVM=` calls.
const LLVM: [&str; 7] =
    ["clang", "ld.lld", "llvm-ar", "llvm-nm", "llvm-objcopy", "llvm-readelf", "llvm-strip"];

/// A whole set of LLVM programs that fits: the clang, and make's `LLVM=`.
pub fn llvm() -> Result<(PathBuf, Version, String), String> {
    let mut reason = "there is no clang".to_owned();
    // 19 first: it is what the debug kernel was tried with.
    let numbers = std::iter::once(19).chain((CLANG.0..=NEWEST_CLANG).rev());
    for suffix in numbers.map(|number| format!("-{number}")).chain([String::new()]) {
        let Some(clang) = find(&format!("clang{suffix}")) else {
            continue;
        };
        let missing: Vec<_> = LLVM
            .iter()
            .map(|name| format!("{name}{suffix}"))
            .filter(|name| find(name).is_none())
            .collect();
        if !missing.is_empty() {
            reason = format!("{} lacks {}", clang.display(), missing.join(", "));
            continue;
        }
        let value = if suffix.is_empty() { "1".to_owned() } else { suffix };
        match newest_enough(std::iter::once(clang), CLANG, "clang") {
            Ok((clang, version)) => return Ok((clang, version, value)),
            Err(why) => reason = why,
        }
    }
    Err(reason)
}

/// The folder of a libclang that bindgen can load.
pub fn libclang() -> Result<PathBuf, String> {
    let named = std::env::var_os("LIBCLANG_PATH").map(PathBuf::from);
    let llvms = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut numbered: Vec<(u32, PathBuf)> = llvms
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.strip_prefix("llvm-")?.parse().ok()?;
            Some((number, entry.path().join("lib")))
        })
        .collect();
    numbered.sort_unstable();
    let elsewhere = ["/usr/lib64", "/usr/lib", "/usr/lib/x86_64-linux-gnu", "/usr/local/lib"];
    named
        .into_iter()
        .chain(numbered.into_iter().rev().map(|(_, path)| path))
        .chain(elsewhere.map(PathBuf::from))
        .find(|folder| has_libclang(folder))
        .ok_or_else(|| "there is no libclang.so".into())
}

/// bindgen loads libclang.so, libclang-<n>.so or libclang.so.<n>.
fn has_libclang(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).any(|name| {
        let versioned = name.strip_prefix("libclang-").is_some_and(|rest| {
            rest.starts_with(|first: char| first.is_ascii_digit()) && rest.contains(".so")
        });
        versioned || name == "libclang.so" || name.starts_with("libclang.so.")
    })
}

/// The tools for this flavour; which are missing, else.
///
/// # Errors
/// One sentence for each that is missing.
pub fn tools(flavour: Flavour) -> Result<Tools, Vec<String>> {
    let mut missing = Vec::new();
    let mut need = |found: Result<PathBuf, String>| {
        found.unwrap_or_else(|why| {
            missing.push(why);
            PathBuf::new()
        })
    };
    let rustc = need(rustc().map(|(path, _)| path));
    let bindgen = need(bindgen().map(|(path, _)| path));
    let libclang = need(libclang());
    let mut value = None;
    let compiler = match flavour.clang() {
        true => need(llvm().map(|(path, _, llvm)| {
            value = Some(llvm);
            path
        })),
        false => need(gcc().map(|(path, _)| path)),
    };
    match missing.is_empty() {
        true => Ok(Tools { rustc, bindgen, libclang, compiler, llvm: value }),
        false => Err(missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fake_rustc(folder: &Path, version: &str, with_library: bool) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let sysroot = folder.join("root");
        if with_library {
            let source = sysroot.join("lib/rustlib/src/rust/library/core/src");
            fs::create_dir_all(&source).unwrap();
            fs::write(source.join("lib.rs"), "").unwrap();
        }
        let file = folder.join("rustc");
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = --version ]; then echo rustc {version}; else echo {}; fi\n",
            sysroot.display()
        );
        fs::write(&file, script).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file
    }

    #[test]
    fn a_rustc_that_is_too_old_or_has_no_library_sources_does_not_fit() {
        let folder = tempfile::tempdir().unwrap();
        let rustc = fake_rustc(folder.path(), "1.84.1", true);
        assert!(check_rustc(&rustc).unwrap_err().contains("is 1.84.1, and 1.85.0 is needed"));
        let rustc = fake_rustc(folder.path(), "1.95.0", true);
        assert_eq!(check_rustc(&rustc), Ok(Version(1, 95, 0)));
        let bare = tempfile::tempdir().unwrap();
        let rustc = fake_rustc(bare.path(), "1.95.0", false);
        assert!(check_rustc(&rustc).unwrap_err().contains("lacks the sources of its library"));
    }
}
