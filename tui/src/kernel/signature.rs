// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a function takes and returns, and what registers then say.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::api::ARGUMENT_REGISTERS;
use super::error::errno_name;

/// Negative results down to this are error numbers.
const ERRNO_MAX: i64 = 4095;

/// What is known of a module's functions beside their symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signatures {
    /// By symbol.
    pub functions: HashMap<String, Signature>,
    /// Names of functions that became part of others (inlined) everywhere, so that
    /// there is nothing to probe.
    pub inlined: Vec<String>,
}

/// What a function takes and returns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// What it returns, if anything.
    pub result: Option<Kind>,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its type, as its author wrote it.
    pub of: String,
    /// How its bits are to be read.
    pub kind: Kind,
    /// Where it is when the function begins.
    pub place: Place,
}

/// How the bits of a value are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A number of so many bytes that may be negative.
    Signed(u8),
    /// One that may not.
    Unsigned(u8),
    /// True or false.
    Bool,
    /// An address.
    Pointer,
    /// A number of elements at an address.
    Slice,
    /// Anything else: its bits are shown.
    Bits,
}

/// Where a parameter is when its function begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// In these registers, by their index in [`ARGUMENT_REGISTERS`].
    Registers(Vec<usize>),
    /// In memory, at the address that this register holds.
    At(usize),
    /// Nowhere that can be read: it takes no room, is not used, or lies elsewhere.
    Nowhere,
}

impl Kind {
    /// What a register says.
    fn word(self, word: u64) -> String {
        match self {
            Self::Signed(bytes) => signed(word, bytes).to_string(),
            Self::Unsigned(bytes) => (word & mask(bytes)).to_string(),
            Self::Bool => (word & 1 != 0).to_string(),
            Self::Pointer | Self::Slice | Self::Bits => format!("{word:#x}"),
        }
    }
}

fn mask(bytes: u8) -> u64 {
    u64::MAX >> (64 - 8 * u32::from(bytes.clamp(1, 8)))
}

fn signed(word: u64, bytes: u8) -> i64 {
    let unused = 64 - 8 * u32::from(bytes.clamp(1, 8));
    ((word << unused) as i64) >> unused
}

impl Parameter {
    /// Its value, by the registers when the function begins.
    pub fn value(&self, registers: &[u64; 6]) -> String {
        let word = |index: &usize| registers.get(*index).copied().unwrap_or_default();
        match &self.place {
            Place::Nowhere => "?".into(),
            Place::At(register) => format!("*{:#x}", word(register)),
            Place::Registers(all) => match (self.kind, all.as_slice()) {
                (kind, [one]) => kind.word(word(one)),
                (Kind::Slice, [address, count]) => {
                    format!("{} at {:#x}", word(count), word(address))
                }
                (_, all) => {
                    let words: Vec<_> = all.iter().map(|one| format!("{:#x}", word(one))).collect();
                    format!("{{{}}}", words.join(", "))
                }
            },
        }
    }
}

impl Signature {
    /// The arguments of a call, by the registers when it began.
    pub fn arguments(&self, registers: &[u64; 6]) -> String {
        let values: Vec<_> = self
            .parameters
            .iter()
            .map(|parameter| format!("{}={}", parameter.name, parameter.value(registers)))
            .collect();
        values.join(", ")
    }

    /// What a call returned, by the register for that; nothing where it returns none.
    pub fn returned(&self, register: u64) -> Option<String> {
        let kind = self.result?;
        let error = match kind {
            Kind::Signed(bytes @ 4..) => -signed(register, bytes),
            _ => 0,
        };
        Some(match error {
            1..=ERRNO_MAX => format!("-{error} ({})", errno_name(error as i32)),
            _ => kind.word(register),
        })
    }
}

/// The arguments of a call of a function of which nothing is known: the registers
/// that hold the first six words by the convention of x86-64 (System V).
pub fn raw_arguments(registers: &[u64; 6]) -> String {
    let named = ARGUMENT_REGISTERS.iter().zip(registers);
    named.map(|(name, value)| format!("{name}={value:#x}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(name: &str, kind: Kind, place: Place) -> Parameter {
        Parameter { name: name.into(), of: "t".into(), kind, place }
    }

    #[test]
    fn registers_are_read_as_what_they_hold() {
        let all = |registers: &[usize]| Place::Registers(registers.to_vec());
        let signature = Signature {
            parameters: vec![
                parameter("count", Kind::Signed(4), all(&[0])),
                parameter("text", Kind::Slice, all(&[1, 2])),
                parameter("flag", Kind::Bool, all(&[3])),
                parameter("big", Kind::Bits, Place::At(4)),
                parameter("unused", Kind::Unsigned(1), Place::Nowhere),
            ],
            result: Some(Kind::Signed(4)),
        };
        // The upper half of a register is garbage where the type is narrower.
        let registers = [0xdead_0000_ffff_fffe, 0x1000, 5, 0xff01, 0x2000, 0];
        assert_eq!(
            signature.arguments(&registers),
            "count=-2, text=5 at 0x1000, flag=true, big=*0x2000, unused=?"
        );
        assert_eq!(signature.returned(7).unwrap(), "7");
        assert_eq!(signature.returned(-22_i32 as u32 as u64).unwrap(), "-22 (EINVAL)");
        assert_eq!(Signature::default().returned(7), None);
        assert!(raw_arguments(&registers).starts_with("rdi=0xdead0000fffffffe, rsi=0x1000, "));
    }
}
