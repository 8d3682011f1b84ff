// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a module says of itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringside::kernel::modinfo::ModInfo;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(info) = ModInfo::parse(bytes) {
        assert!(info.parameters().count() <= info.fields().len());
        assert_eq!(ModInfo::parse(&info.file()).as_ref(), Ok(&info));
    }
});
