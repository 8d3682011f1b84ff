// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the program carries with it, so that it works without the checkout it
//! was built from: the kernel patches and the sources of our modules. The build
//! script gathers them.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modules_travel_with_what_their_sources_refer_to() {
        let has = |path: &str| MODULES.iter().any(|(name, _)| *name == path);
        assert!(has("Kbuild") && has("my_name/my_name.rs"));
        assert!(UAPI.iter().any(|(name, _)| *name == "lib.rs"));
        assert!(
            KERNEL_PATCHES.iter().all(|(name, text)| name.ends_with(".patch") && !text.is_empty())
        );
    }
}
