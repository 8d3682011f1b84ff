// SPDX-License-Identifier: GPL-2.0 OR MIT OR Apache-2.0
//! my_name: a module with parameters that says hello.

use super::describe::{Counter, LOG_LINE, Module, Parameter, ParameterKind, Unit};

/// What the module shows.
///
/// With the text around them `charParameter` and `name` must fit into a line of the log: what does
/// not is refused with `EINVAL`.
pub const MODULE: Module = Module {
    name: "my_name",
    summary: "Says hello with the parameters it was loaded with",
    device: None,
    parameters: &[
        Parameter {
            name: "intParameter",
            kind: ParameterKind::Integer { min: i32::MIN as i64, max: i32::MAX as i64 },
            default: "2025",
            help: "the year in the greeting",
        },
        Parameter {
            name: "charParameter",
            kind: ParameterKind::Text { max: LOG_LINE },
            default: "Spring",
            help: "the term in the greeting",
        },
        Parameter {
            name: "name",
            kind: ParameterKind::Text { max: LOG_LINE },
            default: "Ringside",
            help: "who says hello",
        },
    ],
    counters: &[Counter {
        name: "greetings",
        unit: Unit::Count,
        monotonic: true,
        help: "greetings written to the kernel log",
    }],
    controls: &[],
    tables: &[],
};
