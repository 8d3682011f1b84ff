// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws what there is beside the dump on a wide screen: the device in full,
//! the block devices there are, throughput over time.

use crate::dashboard::views::block::state::Block;
use ratatui::layout::Rect;

use super::charts::throughput;
use crate::dashboard::core::Shared;
use crate::dashboard::data::hex::size_text;
use crate::dashboard::paint::{Canvas, Role, grouped, row};
use crate::dashboard::views::block::device::size;
use crate::dashboard::views::block::state::MODULE;

/// Rows of the device's pane.
const DEVICE: u16 = 10;

pub(crate) fn draw(canvas: &mut Canvas<'_>, area: Rect, view: &Block, shared: &Shared) {
    let device = Rect { height: DEVICE.min(area.height), ..area };
    let rest = area.height - device.height;
    let list = Rect {
        y: device.bottom(),
        height: (view.devices.len().clamp(1, 6) as u16 + 2).min(rest),
        ..area
    };
    let charts = rest - list.height;
    let read = Rect { y: list.bottom(), height: charts / 2, ..area };
    let written = Rect { y: read.bottom(), height: charts - charts / 2, ..area };
    facts(canvas, device, view, shared);
    devices(canvas, list, view);
    throughput(canvas, read, shared, false);
    throughput(canvas, written, shared, true);
}

fn facts(canvas: &mut Canvas<'_>, area: Rect, view: &Block, shared: &Shared) {
    let inside = canvas.panel(area, "Device", false);
    let shown = |name: &str| shared.counters.text_or_unknown(MODULE, name);
    let value = |name: &str| {
        let value = shared.counters.value(MODULE, name)?;
        u64::try_from(value).ok()
    };
    let bytes = |name: &str| value(name).map_or_else(|| "?".into(), size_text);
    let position = value("position").map_or_else(|| "?".into(), |at| format!("{at:#x}"));
    let info = view.info.unwrap_or_default();
    let stick = match &shared.link.lab {
        Some(lab) if lab.stick_plugged => match &lab.stick_file {
            Some(file) => format!("plugged in, {file}"),
            None => "temporary: it ends with the lab".into(),
        },
        Some(_) => "pulled out".into(),
        None => "not a lab's".into(),
    };
    let lines = [
        ("node", view.device.clone().unwrap_or_else(|| "unknown".into())),
        (
            "size",
            format!(
                "{} = {} bytes",
                size_text(size(view, shared)),
                grouped(size(view, shared) as i64)
            ),
        ),
        ("block", format!("{} bytes", info.logical_block_size)),
        ("stick", stick),
        ("position", position),
        ("read", bytes("bytes_read")),
        ("written", bytes("bytes_written")),
        ("done", format!("{} operations, {} errors", shown("operations"), shown("errors"))),
    ];
    for (index, (name, text)) in lines.iter().enumerate() {
        let label = format!("{name:<9}");
        let spans = [(label.as_str(), Role::Dim), (text.as_str(), Role::Text)];
        canvas.spans(row(inside, index as u16), &spans);
    }
}

fn devices(canvas: &mut Canvas<'_>, area: Rect, view: &Block) {
    let inside = canvas.panel(area, "Block devices", false);
    if view.devices.is_empty() {
        canvas.spans(row(inside, 0), &[("none is known", Role::Dim)]);
    }
    for (index, device) in view.devices.iter().enumerate() {
        let removable = if device.removable { ", removable" } else { "" };
        let text = format!(" {} {}{removable}", size_text(device.size), device.model);
        let spans = [(device.path.as_str(), Role::Title), (text.as_str(), Role::Dim)];
        canvas.spans(row(inside, index as u16), &spans);
    }
}
