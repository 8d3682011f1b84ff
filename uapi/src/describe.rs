// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
//! How a module describes what it shows in sysfs: counters, controls, tables
//! and load parameters, each with its unit, range and meaning.

/// The longest text in bytes that a line of the kernel's log holds, the name of the module before
/// it included: a record of 1024 bytes, less the level, the newline and a NUL.
pub const LOG_LINE: usize = 1020;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Pieces of something: items, requests, calls.
    Count,
    /// Memory pages of 4096 bytes.
    Pages,
    /// Bytes.
    Bytes,
    /// Microseconds.
    Microseconds,
    /// 0 or 1.
    Switch,
    /// Text, not a number.
    Text,
}

/// A file in `/sys/module/<module>/counters/`: one value as text, readable by all.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    /// The file's name.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// `true` when the value only ever grows while the module is loaded (so
    /// that a rate makes sense), `false` for a level that goes up and down.
    pub monotonic: bool,
    /// What it means, in one line.
    pub help: &'static str,
}

/// A file in `/sys/module/<module>/controls/`: one value as text, read and written by root.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    /// The file's name.
    pub name: &'static str,
    /// What the value is.
    pub unit: Unit,
    /// The smallest value accepted.
    pub min: u64,
    /// The largest value accepted; anything outside is refused with `EINVAL`.
    pub max: u64,
    /// What it does, in one line.
    pub help: &'static str,
}

/// A binary file in `/sys/module/<module>/counters/`: an array of fixed-size records.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// The file's name.
    pub name: &'static str,
    /// The size of one record in bytes.
    pub record: usize,
    /// What a record is, in one line.
    pub help: &'static str,
    /// Where it has the module's counters and controls, all of one moment.
    pub moment: Option<Moment>,
}

/// Where a table has what holds at one moment: the module's counters and its
/// controls, each a row of 64-bit numbers in the order of the description.
///
/// A read from offset 0 takes the moment; what is read from other offsets belongs
/// to the one that was taken last, by whomever, until another is taken.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Offset of a 64-bit number that is another after each moment taken, other than 0.
    pub sequence: usize,
    /// Offset of the counters.
    pub counters: usize,
    /// Offset of the controls.
    pub controls: usize,
}

/// The value a load parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// A whole number.
    Integer {
        /// The smallest value accepted.
        min: i64,
        /// The largest value accepted.
        max: i64,
    },
    /// A whole number of microseconds.
    Microseconds {
        /// The largest value accepted.
        max: u64,
    },
    /// A string of at most this many bytes, without a NUL.
    Text {
        /// The limit in bytes, at most [`LOG_LINE`].
        max: usize,
    },
}

/// A parameter given when the module is loaded.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// The parameter's name, as on `insmod`'s command line.
    pub name: &'static str,
    /// What it takes.
    pub kind: ParameterKind,
    /// The value when it is not given, as text.
    pub default: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
}

/// Everything a module shows.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// The module's name, as `lsmod` shows it.
    pub name: &'static str,
    /// What it is for, in one line.
    pub summary: &'static str,
    /// The device node it makes, if any.
    pub device: Option<&'static str>,
    /// Its load parameters.
    pub parameters: &'static [Parameter],
    /// Its counters.
    pub counters: &'static [Counter],
    /// Its controls.
    pub controls: &'static [Control],
    /// Its tables.
    pub tables: &'static [Table],
}

/// Refuses to compile where a struct has padding that is no field: the modules hand its bytes to
/// user space. All fields must be named.
#[allow(unused_macros, reason = "not every module has structs")]
macro_rules! without_padding {
    ($record:ident { $($field:ident),+ $(,)? }) => {
        const _: () = {
            const fn size<Struct, Field>(_: fn(&Struct) -> &Field) -> usize {
                ::core::mem::size_of::<Field>()
            }
            const fn complete(record: &$record) {
                let $record { $($field: _),+ } = record;
            }
            let _ = complete;
            let fields = 0 $(+ size(|record: &$record| &record.$field))+;
            assert!(::core::mem::size_of::<$record>() == fields, "padding that is no field");
        };
    };
}
#[allow(unused_imports, reason = "not every module has structs")]
pub(crate) use without_padding;
