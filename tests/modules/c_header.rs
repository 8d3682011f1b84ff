// SPDX-License-Identifier: MIT OR Apache-2.0
//! `uapi/include/ringside.h` compiles wherever a program may include it: as C
//! from C99 on and as C++, without a word from the compiler. No kernel is needed.

use std::process::Command;

use ringside::lab::setup::tools;

use super::guest;

/// Uses every command, and includes the header twice.
const PROGRAM: &str = "#include \"ringside.h\"
#include \"ringside.h\"

int main(void)
{
	static const unsigned long original[] = {
		ALLOCATE, FREE, SHAREPAGE, ACCESSPAGE, BREAD, BWRITE, BREADOFFSET, BWRITEOFFSET,
	};
	static const unsigned long ours[] = {
		MEMALLOC_WALK, KMOD_INFO, KMOD_SYNC, KMOD_READ64, KMOD_WRITE64,
	};

	return original[0] == ours[0];
}
";

const STRICT: [&str; 5] = ["-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"];

/// Runs a compiler over a program in a folder of its own; what it says, if anything.
fn compiled(command: &mut Command, program: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("program.c"), program).expect("it can be written");
    let output = command.current_dir(folder.path()).output().expect("the compiler starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() && said.is_empty() { Ok(()) } else { Err(said) }
}

fn with_compiler(compiler: &str, language: &str, standard: &str, program: &str) {
    let mut command = Command::new(compiler);
    command.args(STRICT).args(["-x", language]).arg(format!("-std={standard}")).arg("-I");
    command.arg(guest::repository().join("uapi/include")).arg("program.c");
    if let Err(said) = compiled(&mut command, program) {
        panic!("{compiler} as {standard}:\n{said}");
    }
}

/// bindgen, which set-up brings, reads the header with clang's own front end.
fn with_bindgen(language: &str, standard: &str, program: &str) -> Result<(), String> {
    let (bindgen, _) = tools::bindgen().expect("set-up has brought bindgen");
    let libclang = tools::libclang().expect("set-up has brought libclang");
    let mut command = Command::new(bindgen);
    command.env("LIBCLANG_PATH", libclang).args(["program.c", "-o", "bindings.rs", "--"]);
    command.args(STRICT).args(["-x", language]).arg(format!("-std={standard}")).arg("-I");
    compiled(command.arg(guest::repository().join("uapi/include")), program)
}

const C: [&str; 3] = ["c99", "c11", "c17"];
const CPP: [&str; 3] = ["c++11", "c++17", "c++20"];

#[test]
fn the_c_header_compiles_as_c99_and_later_without_a_warning() {
    for standard in C {
        with_compiler("cc", "c", standard, PROGRAM);
        assert_eq!(with_bindgen("c", standard, PROGRAM), Ok(()), "clang as {standard}");
    }
}

#[test]
fn the_c_header_compiles_as_cpp_without_a_warning() {
    let starts = |compiler: &&str| Command::new(compiler).arg("--version").output().is_ok();
    for standard in CPP {
        for compiler in ["g++", "clang++"].into_iter().filter(starts) {
            with_compiler(compiler, "c++", standard, PROGRAM);
        }
        assert_eq!(with_bindgen("c++", standard, PROGRAM), Ok(()), "clang as {standard}");
    }
}

#[test]
fn a_header_that_a_compiler_warns_of_does_not_pass() {
    let c11 = format!("{PROGRAM}_Static_assert(sizeof(int) == 4, \"C11\");\n");
    let said = with_bindgen("c", "c99", &c11).expect_err("that is no C99");
    assert!(said.contains("_Static_assert"), "{said}");
    let wrong = format!("{PROGRAM}RINGSIDE_CHECK(a_number, KMOD_SYNC == 1);\n");
    for (language, standard) in [("c", "c99"), ("c++", "c++17")] {
        let said = with_bindgen(language, standard, &wrong).expect_err("it is another number");
        assert!(said.contains("a_number"), "{said}");
    }
}
