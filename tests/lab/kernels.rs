// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernels that do not boot.

use std::fs;
use std::time::{Duration, Instant};

use super::surroundings::{Surroundings, image};

fn refused(surroundings: &Surroundings, arguments: &[&str]) -> String {
    let said = surroundings.run(arguments);
    assert_eq!(said.status, 1, "{}{}", said.out, said.err);
    assert!(surroundings.left().is_empty(), "{:?}", surroundings.left());
    said.err
}

#[test]
fn a_file_that_is_no_kernel_is_refused_with_qemus_words() {
    let surroundings = Surroundings::with_empty_cache();
    let garbage = surroundings.path().join("garbage");
    fs::write(&garbage, vec![0x5a; 100_000]).expect("it can be written");
    let error = refused(&surroundings, &["up", "--image", garbage.to_str().expect("UTF-8")]);
    assert!(error.contains("QEMU ended") && error.contains("kernel"), "{error}");
    let missing = refused(&surroundings, &["up", "--image", "/nonexistent"]);
    assert!(missing.contains("/nonexistent"), "{missing}");
}

#[test]
fn a_kernel_that_panics_while_it_boots_is_told_with_its_console() {
    let surroundings = Surroundings::with_empty_cache();
    let error = refused(&surroundings, &["up", "--append", "rdinit=/none init=/none"]);
    // Not "did not answer within" the two minutes that a boot may take.
    assert!(error.contains("Kernel panic - not syncing"), "{error}");
    assert!(error.contains("last lines of its console"), "{error}");
}

#[test]
fn a_kernel_that_says_nothing_is_given_up_after_15_seconds() {
    let surroundings = Surroundings::with_empty_cache();
    let mut kernel = fs::read(image()).expect("the kernel can be read");
    // Behind the real-mode part (its sectors are counted in the header), every
    // instruction becomes a jump to itself.
    let setup = (usize::from(kernel[0x1f1]) + 1) * 512;
    for pair in kernel[setup..].chunks_exact_mut(2) {
        pair.copy_from_slice(&[0xeb, 0xfe]);
    }
    let silent = surroundings.path().join("silent");
    fs::write(&silent, kernel).expect("it can be written");
    let start = Instant::now();
    let path = silent.to_str().expect("UTF-8");
    let error = refused(&surroundings, &["up", "--accel", "tcg", "--image", path]);
    // On a busy computer it has longer: as long as it takes to work for so long.
    assert!(error.contains("wrote no line to its console for"), "{error}");
    assert!(start.elapsed() >= Duration::from_secs(15));
}
