// SPDX-License-Identifier: MIT OR Apache-2.0
//! The forms of view 5.

mod fields;
mod write;

use self::fields::{
    AT_OFFSET, AT_POSITION, at, bytes, offset_field, open, operation, range, shown, sized, text,
};
pub(crate) use self::write::write;
use super::comparison;
use super::cursor::go_to_top;
use super::device::{node, position};
use super::operations;
use super::state::Block;
use super::state::Call;
use crate::dashboard::core::{Field, Form, Owner, Shared};
use crate::dashboard::data::hex::{parse_offset, size_text};
use crate::dashboard::data::lines;
use crate::kernel::api::BLOCK_MAX;

/// Asks what to read.
pub(crate) fn read(view: &mut Block, shared: &mut Shared) {
    let fields = vec![
        Field::choice("where", &[AT_POSITION, AT_OFFSET], "BREAD, or BREADOFFSET"),
        offset_field(view, shared),
        text("size", "how many bytes: 512, 4K, 1s", "512")
            .within(format!("1 to {}", size_text(u64::from(BLOCK_MAX)))),
    ];
    let form = Form::new("block-read", "Read from the device", fields, |form| {
        let size = shown(form, "size", |size| size.to_string());
        operation(form, ["BREAD", "BREADOFFSET", "KMOD_READ64"], "buf", &size)
    })
    .note(format!("The position is {:#x}.", position(view, shared)))
    .check(|view, shared, form| range(view, shared, form, "size", sized(form)))
    .submit(|view: &mut Block, shared, form| {
        shared.hold(Owner::view(Call::Read), "reading …");
        operations::read(view, shared, at(form), bytes(form));
    });
    open(shared, form);
}

/// Asks where to go.
pub(crate) fn go(view: &mut Block, shared: &mut Shared) {
    let fields = vec![offset_field(view, shared)];
    let form = Form::new("block-go", "Go to", fields, |form| {
        lines::moved_64("KMOD_READ64", "buf", "…", shown(form, "offset", lines::hex))
    })
    .check(|view, shared, form| range(view, shared, form, "offset", Ok(1)))
    .submit(|view: &mut Block, shared, form| {
        let offset = parse_offset(form.text("offset")).unwrap_or(0);
        go_to_top(view, shared, offset);
    });
    open(shared, form);
}

/// Asks which range to compare.
pub(crate) fn compare(view: &mut Block, shared: &mut Shared) {
    let path = node(view, shared);
    let fields = vec![
        text("path", "the device's node, read by pread", &path).within("begins with /"),
        offset_field(view, shared),
        text("size", "how many bytes: 512, 4K, 1M", "4K")
            .within(format!("1 to {}", size_text(u64::from(BLOCK_MAX)))),
    ];
    let form = Form::new("block-compare", "Compare with pread", fields, |form| {
        let offset = shown(form, "offset", lines::hex);
        let size = shown(form, "size", |size| size.to_string());
        let ours = lines::moved_64("KMOD_READ64", "buf", &size, &offset);
        format!("{ours}\n{}", lines::pread(form.text("path"), size, offset))
    })
    .check(|view, shared, form| match form.text("path") {
        path if !path.starts_with('/') => Some("path: begins with /".into()),
        _ => range(view, shared, form, "size", sized(form)),
    })
    .submit(|view: &mut Block, shared, form| {
        let offset = parse_offset(form.text("offset")).unwrap_or(0);
        shared.hold(Owner::view(Call::Theirs), "reading …");
        comparison::compare(view, shared, form.text("path"), offset, bytes(form));
    });
    open(shared, form);
}
