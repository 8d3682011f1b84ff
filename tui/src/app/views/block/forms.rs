// SPDX-License-Identifier: MIT OR Apache-2.0
//! The forms of view 5.

use super::comparison;
use super::cursor::go_to_top;
use super::device::{node, position, size};
use super::operations::{self, read_action, write_action};
use crate::app::equivalent::equivalent;
use crate::app::form::{Field, Form, Kind};
use crate::app::hex::{Pattern, parse_bytes, parse_offset, size_text};
use crate::app::layer::Layer;
use crate::app::model::Model;
use crate::kernel::api::{BLOCK_MAX, Request};

const AT_OFFSET: &str = "at the offset";
const AT_POSITION: &str = "on from the position";
const TEXT: &str = "text";
const HEX: &str = "hex";
const PATTERN: &str = "pattern";
const FILE: &str = "file";

fn text(name: &str, help: &str, value: &str) -> Field {
    Field::new(name, Kind::Line, help, value)
}

fn offset_field(model: &Model) -> Field {
    let help = "bytes from the beginning: 4096, 0x1000, 4K, 8s";
    let last = size(model).saturating_sub(1);
    text("offset", help, &format!("{:#x}", model.block.cursor)).within(format!("0 to {last:#x}"))
}

fn choice(name: &str, choices: &[&str], help: &str) -> Field {
    let all = choices.iter().map(|choice| (*choice).to_owned()).collect();
    Field::new(name, Kind::Choice(all), help, choices.first().copied().unwrap_or_default())
}

/// Opens a form with what was typed the last time, but for the offset.
fn open(model: &mut Model, mut form: Form, check: fn(&Model, &Form) -> Option<String>) {
    let fresh = form.fields.clone();
    form.check = check;
    form.recall(model);
    for (field, fresh) in form.fields.iter_mut().zip(fresh) {
        if matches!(fresh.name.as_str(), "offset" | "path") || field.error().is_some() {
            *field = fresh;
        }
    }
    model.open(Layer::Form(form));
}

/// The offset typed, or `None` where the position is meant.
fn at(form: &Form) -> Option<u64> {
    (form.text("where") == AT_OFFSET).then(|| parse_offset(form.text("offset")).unwrap_or(0))
}

/// The number of bytes typed.
fn bytes(form: &Form) -> u32 {
    let size = parse_offset(form.text("size")).unwrap_or(0);
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// What is wrong with an offset and a size as typed.
fn range(model: &Model, form: &Form, count: Result<u64, String>) -> Option<String> {
    let start = match (form.field("where").map(Field::text), form.text("offset")) {
        (Some(AT_POSITION), _) => position(model),
        (_, offset) => match parse_offset(offset) {
            Ok(offset) => offset,
            Err(error) => return Some(format!("offset: {error}")),
        },
    };
    let total = size(model);
    match count {
        Err(error) => Some(error),
        Ok(0) => Some("size: nothing to move".into()),
        Ok(count) if start.saturating_add(count) > total => {
            let left = total.saturating_sub(start);
            Some(format!("only {left} bytes are left from {start:#x} to the device's end"))
        }
        Ok(_) => None,
    }
}

fn sized(form: &Form) -> Result<u64, String> {
    match parse_offset(form.text("size")) {
        Err(error) => Err(format!("size: {error}")),
        Ok(size) if size > u64::from(BLOCK_MAX) => {
            Err(format!("size: at most {BLOCK_MAX} bytes at one time"))
        }
        Ok(size) => Ok(size),
    }
}

fn line(request: Request) -> String {
    equivalent(&request).unwrap_or_default()
}

/// Asks what to read.
pub(super) fn read(model: &mut Model) {
    let fields = vec![
        choice("where", &[AT_POSITION, AT_OFFSET], "BREAD, or BREADOFFSET"),
        offset_field(model),
        text("size", "how many bytes: 512, 4K, 1s", "512")
            .within(format!("1 to {}", size_text(u64::from(BLOCK_MAX)))),
    ];
    let mut form = Form::new(
        "block-read",
        "Read from the device",
        fields,
        |form| line(Request::Block(read_action(at(form), bytes(form)))),
        |model, form| operations::read(model, at(form), bytes(form)),
    );
    form.note = format!("The position is {:#x}.", position(model));
    open(model, form, |model, form| range(model, form, sized(form)));
}

/// The bytes that a write's form stands for; a file's are not known yet.
fn data(form: &Form) -> Result<Vec<u8>, String> {
    let typed = form.text("data");
    let wrong = |error| format!("data: {error}");
    match form.text("as") {
        HEX => parse_bytes(typed).map_err(wrong),
        PATTERN => {
            let size = sized(form)?;
            let pattern = Pattern::parse(typed).map_err(wrong)?;
            Ok(pattern.fill(size as usize))
        }
        _ if typed.is_empty() => Err("data: empty".into()),
        _ => Ok(typed.as_bytes().to_vec()),
    }
}

/// Asks what to write where.
pub(super) fn write(model: &mut Model) {
    let fields = vec![
        choice("where", &[AT_OFFSET, AT_POSITION], "BWRITEOFFSET, or BWRITE"),
        offset_field(model),
        choice("as", &[TEXT, HEX, PATTERN, FILE], "how to read what is typed below"),
        text("data", "text, hex bytes, or the path of a file here", "hello"),
        text("size", "of a pattern: bytes to fill with it", "512").optional(),
    ];
    let mut form = Form::new(
        "block-write",
        "Write to the device",
        fields,
        |form| match (form.text("as"), data(form)) {
            (FILE, _) => {
                format!("read {}, then ioctl(kmod, BWRITE…) in pieces of 1 MiB", form.text("data"))
            }
            (_, Ok(data)) => line(Request::Block(write_action(at(form), data))),
            (_, Err(_)) => String::new(),
        },
        |model, form| match (form.text("as"), data(form)) {
            (FILE, _) => operations::write_file(model, at(form), form.text("data")),
            (_, Ok(data)) => operations::write(model, at(form), data),
            (_, Err(error)) => model.note(error),
        },
    );
    form.note = format!("The position is {:#x}. What is there now is lost.", position(model));
    open(model, form, |model, form| {
        if form.text("as") == FILE {
            let path = form.text("data");
            let empty = path.is_empty().then(|| "data: which file?".to_owned());
            return empty.or_else(|| range(model, form, Ok(1)));
        }
        range(model, form, data(form).map(|data| data.len() as u64))
    });
}

/// Asks where to go.
pub(super) fn go(model: &mut Model) {
    let form = Form::new(
        "block-go",
        "Go to",
        vec![offset_field(model)],
        |form| {
            let offset = parse_offset(form.text("offset")).unwrap_or(0);
            format!("ioctl(kmod, READ64, {{buf, offset {offset}, …}})")
        },
        |model, form| {
            let offset = parse_offset(form.text("offset")).unwrap_or(0);
            go_to_top(model, offset);
        },
    );
    open(model, form, |model, form| range(model, form, Ok(1)));
}

/// Asks which range to compare.
pub(super) fn compare(model: &mut Model) {
    let path = node(model);
    let fields = vec![
        text("path", "the device's node, read by pread", &path),
        offset_field(model),
        text("size", "how many bytes: 512, 4K, 1M", "4K")
            .within(format!("1 to {}", size_text(u64::from(BLOCK_MAX)))),
    ];
    let form = Form::new(
        "block-compare",
        "Compare with pread",
        fields,
        |form| {
            let offset = parse_offset(form.text("offset")).unwrap_or(0);
            let peek =
                Request::Peek { path: form.text("path").to_owned(), offset, size: bytes(form) };
            let ours = Request::Block(crate::kernel::api::BlockAction::ReadAt {
                offset,
                size: bytes(form),
            });
            format!("{}\n{}", line(ours), line(peek))
        },
        |model, form| {
            let offset = parse_offset(form.text("offset")).unwrap_or(0);
            comparison::compare(model, form.text("path"), offset, bytes(form));
        },
    );
    open(model, form, |model, form| match form.text("path") {
        path if !path.starts_with('/') => Some("path: begins with /".into()),
        _ => range(model, form, sized(form)),
    });
}
