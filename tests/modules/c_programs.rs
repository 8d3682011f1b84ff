// SPDX-License-Identifier: MIT OR Apache-2.0
//! Each C program in a guest of its own, as a test of its own.

use super::guest;
use super::programs;

/// One test per program.
macro_rules! programs {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                programs::path(stringify!($name));
                let test = concat!("c_programs::", stringify!($name));
                guest::run(test, || programs::run(stringify!($name)));
            }
        )*

        #[test]
        fn every_c_program_is_run() {
            let run = [$(stringify!($name)),*];
            let folder = guest::repository().join("tests/c");
            for entry in std::fs::read_dir(folder).expect("the programs are there").flatten() {
                let file = entry.file_name().into_string().expect("a plain name");
                if let Some(name) = file.strip_suffix(".c") {
                    assert!(run.contains(&name), "{file} is not run by any test");
                    assert!(programs::names().any(|known| known == name), "{file} is given nothing");
                }
            }
        }
    };
}

programs! {
    memalloc_contract
    memalloc_bad_input
    memalloc_share
    memalloc_lifetime
    memalloc_races
    memalloc_faults
    memalloc_memory
    memalloc_frames
    memalloc_leaks
    memalloc_handmade
    kmod_contract
    kmod_bad_input
    kmod_modes
    kmod_signals
    kmod_handmade
    kmod_load
    kmod_gone
    my_name
    my_syscall
    producer_consumer
    syscall_handmade
}
