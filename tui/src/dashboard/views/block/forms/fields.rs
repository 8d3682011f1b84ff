// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the forms of view 5 have in common: offsets, sizes, and what is wrong
//! with them.

use crate::dashboard::core::{Field, Form, Kind, Layer, Shared};
use crate::dashboard::data::hex::parse_offset;
use crate::dashboard::data::lines;
use crate::dashboard::views::block::device::{position, size};
use crate::dashboard::views::block::state::Block;
use crate::kernel::api::BLOCK_MAX;

pub(crate) const AT_OFFSET: &str = "at the offset";
pub(crate) const AT_POSITION: &str = "on from the position";

pub(crate) fn text(name: &str, help: &str, value: &str) -> Field {
    Field::new(name, Kind::Line, help, value)
}

pub(crate) fn offset_field(view: &Block, shared: &Shared) -> Field {
    let help = "bytes from the beginning: 4096, 0x1000, 4K, 8s";
    let last = size(view, shared).saturating_sub(1);
    text("offset", help, &format!("{:#x}", view.cursor)).within(format!("0 to {last:#x}"))
}

/// Opens a form with what was typed the last time, but for what depends on the
/// moment.
pub(crate) fn open(shared: &mut Shared, mut form: Form) {
    form.recall_but(&shared.remembered, |field| {
        matches!(field.name.as_str(), "offset" | "path") || field.optional
    });
    shared.open(Layer::Form(form));
}

/// The offset typed, or `None` where the position is meant.
pub(crate) fn at(form: &Form) -> Option<u64> {
    (form.text("where") == AT_OFFSET).then(|| parse_offset(form.text("offset")).unwrap_or(0))
}

/// The number of bytes typed.
pub(crate) fn bytes(form: &Form) -> u32 {
    let size = parse_offset(form.text("size")).unwrap_or(0);
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// The number in a field, as `show` has it; unknown where there is none.
pub(crate) fn shown(form: &Form, name: &str, show: fn(u64) -> String) -> String {
    parse_offset(form.text(name)).map_or_else(|_| lines::UNKNOWN.to_owned(), show)
}

/// What is wrong with an offset and a number of bytes as typed; what decides
/// that number is in the field `of`.
pub(crate) fn range(
    view: &Block,
    shared: &Shared,
    form: &Form,
    of: &str,
    count: Result<u64, String>,
) -> Option<String> {
    let start = match (form.field("where").map(Field::text), form.text("offset")) {
        (Some(AT_POSITION), _) => position(view, shared),
        (_, offset) => match parse_offset(offset) {
            Ok(offset) => offset,
            Err(error) => return Some(format!("offset: {error}")),
        },
    };
    let left = size(view, shared).saturating_sub(start);
    match count {
        Err(error) => Some(error),
        Ok(0) => Some(format!("{of}: nothing to move")),
        Ok(_) if left == 0 && form.text("where") != AT_POSITION => {
            Some(format!("offset: the device ends at {:#x}", size(view, shared)))
        }
        Ok(count) if count > left => {
            Some(format!("{of}: only {left} bytes are left from {start:#x} to the device's end"))
        }
        Ok(_) => None,
    }
}

pub(crate) fn sized(form: &Form) -> Result<u64, String> {
    match parse_offset(form.text("size")) {
        Err(error) => Err(format!("size: {error}")),
        Ok(size) if size > u64::from(BLOCK_MAX) => {
            Err(format!("size: at most {BLOCK_MAX} bytes at one time"))
        }
        Ok(size) => Ok(size),
    }
}

/// The line of C for an operation on from the position or at the offset, by
/// its names for these and for an offset that takes more than 32 bits.
pub(crate) fn operation(form: &Form, names: [&str; 3], buffer: &str, size: &str) -> String {
    let [on, at, at_64] = names;
    let offset = shown(form, "offset", lines::hex);
    match (form.text("where"), parse_offset(form.text("offset"))) {
        (AT_POSITION, _) => lines::moved(on, buffer, size),
        (_, Ok(far)) if u32::try_from(far).is_err() => lines::moved_64(at_64, buffer, size, offset),
        _ => lines::moved_at(at, buffer, size, offset),
    }
}
