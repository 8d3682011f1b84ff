// SPDX-License-Identifier: MIT OR Apache-2.0
//! The form that asks what to write, and where.

use super::fields::{
    AT_OFFSET, AT_POSITION, at, offset_field, open, operation, range, shown, text,
};
use crate::dashboard::core::{Field, Form, Owner, Shared};
use crate::dashboard::data::hex::{parse_bytes, parse_offset, size_text};
use crate::dashboard::data::lines;
use crate::dashboard::views::block::device::position;
use crate::dashboard::views::block::operations;
use crate::dashboard::views::block::operations::FILE_MAX;
use crate::dashboard::views::block::state::Block;
use crate::dashboard::views::block::state::Call;
use crate::kernel::api::BLOCK_MAX;

const TEXT: &str = "text";
const HEX: &str = "hex";
const PATTERN: &str = "pattern";
const FILE: &str = "file";

const OPERATIONS: [&str; 3] = ["BWRITE", "BWRITEOFFSET", "KMOD_WRITE64"];

/// Asks what to write where.
pub(crate) fn write(view: &mut Block, shared: &mut Shared) {
    // Where a file is looked for.
    let here = if shared.link.in_guest() { "the host" } else { "this machine" };
    let data = format!("text, hex bytes, or the path of a file on {here}");
    let size = "longer: zeros follow, a pattern repeats";
    let fields = vec![
        Field::choice("where", &[AT_OFFSET, AT_POSITION], "BWRITEOFFSET, or BWRITE"),
        offset_field(view, shared),
        Field::choice("as", &[TEXT, HEX, PATTERN, FILE], "how to read what is typed below"),
        text("data", &data, "hello").within("not empty").path_with("as", FILE),
        text("size", size, "").optional().within("empty: all of it"),
    ];
    let form =
        Form::new("block-write", "Write to the device", fields, move |form| preview(form, here))
            .note(format!(
                "The position is {:#x}. What is there now is lost.",
                position(view, shared)
            ))
            .check(check)
            .submit(submit);
    open(shared, form);
}

/// The size typed; `None` where it is left to the data.
fn size(form: &Form) -> Result<Option<u64>, String> {
    match form.text("size").trim() {
        "" => Ok(None),
        typed => parse_offset(typed).map(Some).map_err(|error| format!("size: {error}")),
    }
}

/// The bytes that a form stands for; a file's are not known yet.
fn data(form: &Form) -> Result<Vec<u8>, String> {
    let typed = form.text("data");
    let bytes = match form.text("as") {
        HEX | PATTERN => parse_bytes(typed).map_err(|error| format!("data: {error}"))?,
        _ if typed.is_empty() => return Err("data: empty".into()),
        _ => typed.as_bytes().to_vec(),
    };
    match size(form)? {
        None => Ok(bytes),
        Some(size) if size > u64::from(BLOCK_MAX) => {
            Err(format!("size: at most {BLOCK_MAX} bytes of what is typed"))
        }
        Some(size) if form.text("as") == PATTERN => {
            Ok(bytes.into_iter().cycle().take(size as usize).collect())
        }
        Some(size) => Ok(filled(bytes, size as usize)),
    }
}

/// The bytes cut, or filled up with zeros, to a size.
fn filled(mut bytes: Vec<u8>, size: usize) -> Vec<u8> {
    bytes.resize(size, 0);
    bytes
}

fn preview(form: &Form, here: &str) -> String {
    match (form.text("as"), data(form)) {
        (FILE, _) => {
            let size = match size(form) {
                Ok(None) => "…".to_owned(),
                _ => shown(form, "size", |size| size.to_string()),
            };
            let file = lines::c_text(form.text("data").as_bytes());
            format!(
                "read(open({file}), buf, {size})  // a file on {here}\n{}",
                operation(form, OPERATIONS, "buf", &size)
            )
        }
        (_, Ok(data)) => operation(form, OPERATIONS, &lines::spell(&data), &data.len().to_string()),
        (_, Err(_)) => operation(form, OPERATIONS, lines::UNKNOWN, lines::UNKNOWN),
    }
}

fn check(view: &Block, shared: &Shared, form: &Form) -> Option<String> {
    let by = if form.text("size").trim().is_empty() { "data" } else { "size" };
    if form.text("as") == FILE {
        let count = match size(form) {
            _ if form.text("data").is_empty() => Err("data: which file?".to_owned()),
            Ok(Some(size)) if size > FILE_MAX => {
                Err(format!("size: at most {} of a file", size_text(FILE_MAX)))
            }
            Ok(size) => Ok(size.unwrap_or(1)),
            Err(error) => Err(error),
        };
        return range(view, shared, form, by, count);
    }
    range(view, shared, form, by, data(form).map(|data| data.len() as u64))
}

fn submit(view: &mut Block, shared: &mut Shared, form: &Form) {
    if form.text("as") == FILE {
        let Ok(size) = size(form) else { return };
        shared.hold(Owner::view(Call::File), "reading the file …");
        return operations::write_file(view, shared, at(form), form.text("data"), size);
    }
    // What is no data was refused by `check`.
    if let Ok(data) = data(form) {
        shared.hold(Owner::view(Call::Write), "writing …");
        operations::write(view, shared, at(form), data);
    }
}
