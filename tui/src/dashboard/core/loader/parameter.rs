// SPDX-License-Identifier: MIT OR Apache-2.0
//! The form's field for a parameter that a module's file declares.

use crate::dashboard::core::field::{Field, Kind};
use crate::kernel::modinfo::ModParameter;

/// The field for a declared parameter: limits are the type's range.
pub(crate) fn field(parameter: &ModParameter<'_>) -> Field {
    let integer = |min: i128, max: i128| Kind::Integer { min, max };
    let kind = match parameter.kind {
        "byte" | "u8" => integer(0, i128::from(u8::MAX)),
        "i8" => integer(i128::from(i8::MIN), i128::from(i8::MAX)),
        "short" | "i16" => integer(i128::from(i16::MIN), i128::from(i16::MAX)),
        "ushort" | "u16" => integer(0, i128::from(u16::MAX)),
        "int" | "i32" => integer(i128::from(i32::MIN), i128::from(i32::MAX)),
        "uint" | "u32" | "hexint" => integer(0, i128::from(u32::MAX)),
        "long" | "llong" | "i64" | "isize" => integer(i128::from(i64::MIN), i128::from(i64::MAX)),
        "ulong" | "ullong" | "u64" | "usize" => integer(0, i128::from(u64::MAX)),
        "bool" | "invbool" | "bint" => Kind::Choice(vec![String::new(), "Y".into(), "N".into()]),
        _ => Kind::Text { max: 1023 },
    };
    Field::new(parameter.name, kind, parameter.help, "").optional()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_range_is_the_limit_and_empty_leaves_the_default() {
        let parameter = ModParameter { name: "prod", kind: "int", help: "producer threads" };
        let field = field(&parameter);
        assert_eq!(field.limits(), "-2147483648 to 2147483647");
        assert_eq!(field.error(), None, "an empty field leaves the default");
    }
}
