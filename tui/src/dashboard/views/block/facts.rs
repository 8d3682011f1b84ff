// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an experiment may ask of view 5.

use super::state::{Block, Call};
use crate::dashboard::core::{Owner, Shared};

/// Bytes of the device that a text is looked for in.
const TEXT: u64 = 32;

/// The value of a fact.
pub(super) fn fact(view: &Block, shared: &Shared, name: &str) -> Option<String> {
    Some(match name {
        "busy" => {
            let reads = shared.calls.has(&Owner::view(Call::Read));
            u8::from(reads || view.transfer.is_some() || view.reading).to_string()
        }
        "plugged" => u8::from(shared.link.lab.as_ref()?.stick_plugged).to_string(),
        "gone" => u8::from(view.info?.gone).to_string(),
        "said" => view.said.clone()?,
        // The text at the beginning of the device; of zeros nothing is left.
        "text" => {
            let window = view.window.as_ref()?;
            let bytes = (0..TEXT).map_while(|at| window.at(at).filter(|byte| *byte != 0));
            let bytes: Vec<u8> = bytes.collect();
            match bytes.is_empty() {
                true if window.at(0).is_none() => return None,
                true => "nothing".into(),
                false => bytes.escape_ascii().to_string(),
            }
        }
        _ => return None,
    })
}
