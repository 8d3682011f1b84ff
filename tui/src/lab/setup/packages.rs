// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which package of which distribution brings what.

use super::super::cache;
use super::system::{Family, System};

/// The version of bindgen that is built where no package has one that fits.
pub(crate) const BINDGEN: &str = "0.73.2";

/// Something that setup can put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Thing {
    Qemu,
    Compiler,
    LibcHeaders,
    Clang,
    Rustc,
    Bindgen,
    Libclang,
    Make,
    Flex,
    Bison,
    Bc,
    Libelf,
    Tar,
    Xz,
    Patch,
    Curl,
    Kmod,
    Gdb,
    Disk,
    Memory,
}

/// The packages that bring it; empty where there is none.
pub(crate) fn packages(thing: Thing, family: Family) -> &'static [&'static str] {
    use Family::{Arch, Debian12, Debian13, Fedora, Other, Ubuntu};
    match (thing, family) {
        (Thing::Disk | Thing::Memory, _) | (_, Other) => &[],
        (Thing::Qemu, Fedora) => &["qemu-system-x86-core"],
        (Thing::Qemu, _) => &["qemu-system-x86"],
        (Thing::Compiler, _) => &["gcc", "binutils"],
        (Thing::LibcHeaders, Fedora) => &["glibc-devel", "kernel-headers"],
        (Thing::LibcHeaders, Arch) => &["glibc", "linux-api-headers"],
        (Thing::LibcHeaders, _) => &["libc6-dev"],
        (Thing::Clang, Debian12 | Debian13) => &["clang-19", "lld-19", "llvm-19"],
        (Thing::Clang, _) => &["clang", "lld", "llvm"],
        // 1.96 for bookworm, made to build browsers with.
        (Thing::Rustc, Debian12) => &["rustc-web", "rust-web-src"],
        (Thing::Rustc, Debian13) => &["rustc", "rust-src"],
        // rustup's own component is surer than guessing a package's version.
        (Thing::Rustc, Ubuntu) => &[],
        (Thing::Rustc, Fedora | Arch) => &["rust", "rust-src"],
        // Built by cargo: the package is older than the kernel accepts.
        (Thing::Bindgen, Debian12 | Ubuntu) => &[],
        (Thing::Bindgen, Debian13) => &["bindgen"],
        (Thing::Bindgen, Fedora) => &["bindgen-cli"],
        (Thing::Bindgen, Arch) => &["rust-bindgen"],
        (Thing::Libclang, Debian12 | Debian13) => &["libclang-19-dev"],
        (Thing::Libclang, Ubuntu) => &["libclang-dev"],
        (Thing::Libclang, Fedora) => &["clang-libs"],
        (Thing::Libclang, Arch) => &["clang"],
        (Thing::Make, _) => &["make"],
        (Thing::Flex, _) => &["flex"],
        (Thing::Bison, _) => &["bison"],
        (Thing::Bc, _) => &["bc"],
        (Thing::Libelf, Fedora) => &["elfutils-libelf-devel"],
        (Thing::Libelf, Arch) => &["libelf"],
        (Thing::Libelf, _) => &["libelf-dev"],
        (Thing::Tar, _) => &["tar"],
        (Thing::Xz, Debian12 | Debian13 | Ubuntu) => &["xz-utils"],
        (Thing::Xz, _) => &["xz"],
        (Thing::Patch, _) => &["patch"],
        (Thing::Curl, _) => &["curl"],
        (Thing::Kmod, _) => &["kmod"],
        (Thing::Gdb, _) => &["gdb"],
    }
}

/// The command that installs packages, as far as their names; `None` where it
/// isn't known.
pub(crate) fn installer(family: Family) -> Option<&'static [&'static str]> {
    match family {
        Family::Debian12 | Family::Debian13 | Family::Ubuntu => {
            Some(&["apt-get", "install", "-y", "--no-install-recommends"])
        }
        Family::Fedora => Some(&["dnf", "install", "-y"]),
        Family::Arch => Some(&["pacman", "-S", "--needed", "--noconfirm"]),
        Family::Other => None,
    }
}

/// The command that builds bindgen, without what nobody needs here: it reads three files.
pub(crate) fn bindgen_command() -> Vec<String> {
    let root = cache::place().map(|root| cache::tools(&root));
    let root = root.map_or_else(|_| "DIR".into(), |root| root.display().to_string());
    let mut words: Vec<&str> = vec!["cargo", "install", "bindgen-cli", "--version", BINDGEN];
    words.extend(["--locked", "--no-default-features", "--features", "runtime"]);
    words.extend(["--config", "profile.release.opt-level=1", "--root", &root]);
    words.into_iter().map(str::to_owned).collect()
}

/// What a person would do about a missing thing.
pub(crate) fn remedy(thing: Thing, system: &System) -> String {
    let names = packages(thing, system.family);
    match (thing, installer(system.family)) {
        (Thing::Disk, _) => {
            "free some, or set RINGSIDE_CACHE to a folder on a larger disk; `ringside cache` cleans"
                .into()
        }
        (Thing::Memory, _) => "end other programs".into(),
        (_, Some(installer)) if !names.is_empty() => {
            format!("{} {}", installer.join(" "), names.join(" "))
        }
        (Thing::Bindgen, _) => bindgen_command().join(" "),
        (Thing::Rustc, _) => "rustup component add rust-src".into(),
        _ => "install it with your distribution's packages".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_12_builds_bindgen_and_debian_13_has_it() {
        assert!(packages(Thing::Bindgen, Family::Debian12).is_empty());
        assert_eq!(packages(Thing::Bindgen, Family::Debian13), ["bindgen"]);
        assert_eq!(packages(Thing::Rustc, Family::Debian12), ["rustc-web", "rust-web-src"]);
    }

    #[test]
    fn a_remedy_is_a_command_where_the_distribution_is_known() {
        let system = |family| System { name: "X".into(), family, codename: String::new() };
        assert_eq!(remedy(Thing::Flex, &system(Family::Fedora)), "dnf install -y flex");
        assert_eq!(
            remedy(Thing::Flex, &system(Family::Arch)),
            "pacman -S --needed --noconfirm flex"
        );
        assert!(
            remedy(Thing::Bindgen, &system(Family::Debian12))
                .starts_with("cargo install bindgen-cli --version 0.73.2")
        );
        assert_eq!(remedy(Thing::Rustc, &system(Family::Other)), "rustup component add rust-src");
    }
}
