// SPDX-License-Identifier: MIT OR Apache-2.0
//! Descriptions to judge by, and experiments.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use ringside::experiment::Script;
use ringside::grade::spec::Spec;

fuzz_target!(|text: &str| {
    let path = Path::new("spec.toml");
    if let Err(error) = Spec::parse(text, path) {
        assert!(error.to_string().contains("spec.toml"), "{error}");
    }
    if let Err(error) = Script::parse("spec", text, path) {
        assert!(error.to_string().contains("spec.toml"), "{error}");
    }
});
