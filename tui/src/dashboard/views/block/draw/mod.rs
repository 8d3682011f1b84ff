// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws view 5: block.

mod charts;
mod dump;
mod side;

use super::state::Block;
use ratatui::layout::Rect;

use super::device::size;
use super::layout::{DETAIL, HEAD, Layout};
use super::state::MODULE;
use crate::dashboard::core::Shared;
use crate::dashboard::data::hex::size_text;
use crate::dashboard::paint::{Canvas, Role, Span, row};
use crate::dashboard::views::ready::{Readiness, drawable};
use crate::dashboard::views::unready;
use crate::dashboard::views::unready::Introduction;
use crate::kernel::api::Capability;

const INTRODUCTION: Introduction = Introduction {
    module: MODULE,
    text: "The module opens a block device inside the kernel (the USB stick of this lab, unless \
           it is told another one) and reads and writes it for programs, by the kernel's page \
           cache, so that dd and other programs see the same bytes. Once it is loaded you see the \
           device in hex and text here and can write to it, sync, compare, and pull the stick out.",
    shell: &[
        "insmod kmod.ko device=/dev/sda",
        "ioctl(open(\"/dev/kmod\", O_RDWR), BREAD, &ops)",
        "dd if=/dev/sda bs=512 count=1 | od -A x -t x1z",
    ],
};

pub(crate) fn draw(canvas: &mut Canvas<'_>, area: Rect, view: &Block, shared: &Shared) {
    let why = drawable(shared, MODULE, Capability::Block);
    if why != Readiness::Ready {
        return unready::draw(canvas, area, shared, &why, &INTRODUCTION);
    }
    head(canvas, row(area, 0), view, shared);
    said(canvas, row(area, 1), view, shared);
    let layout = Layout::new(area.width, area.height, shared.zoom);
    let pane =
        Rect { y: area.y + HEAD.min(area.height), width: layout.dump, height: layout.rows, ..area };
    dump::draw(canvas, pane, view, shared, &layout);
    let detail = Rect {
        x: pane.x + 1,
        y: pane.bottom(),
        width: pane.width.saturating_sub(2),
        height: DETAIL.min(area.height),
    };
    dump::detail(canvas, detail, view);
    if layout.side > 0 {
        let side =
            Rect { x: pane.right(), width: layout.side, height: layout.rows + DETAIL, ..pane };
        side::draw(canvas, side, view, shared);
    }
    if layout.charts > 0 {
        let charts = Rect { y: detail.bottom(), height: layout.charts, ..area };
        let half = charts.width / 2;
        let left = Rect { width: half, ..charts };
        let right = Rect { x: charts.x + half, width: charts.width - half, ..charts };
        charts::throughput(canvas, left, shared, false);
        charts::throughput(canvas, right, shared, true);
    }
}

/// What the device is.
fn head(canvas: &mut Canvas<'_>, line: Rect, view: &Block, shared: &Shared) {
    let state = view;
    let device = state.device.as_deref().unwrap_or("the device");
    let (word, role) = match &state.info {
        _ if shared.foreign(MODULE) => ("not Ringside's: no counters, no SYNC", Role::Warning),
        None => ("asking", Role::Dim),
        Some(info) if info.gone => ("GONE", Role::Bad),
        Some(info) if info.read_only => ("read-only", Role::Warning),
        Some(_) => ("read-write", Role::Good),
    };
    let mark = match role {
        Role::Bad => canvas.look.glyphs.warning,
        Role::Dim => canvas.look.glyphs.ring,
        _ => canvas.look.glyphs.dot,
    };
    let value = |name: &str| shared.counters.value(MODULE, name);
    let position = value("position").and_then(|position| u64::try_from(position).ok());
    let position = position.or(state.info.map(|info| info.position));
    let position = position.map_or_else(|| "?".into(), |position| format!("{position:#x}"));
    let name = format!(" {device} ");
    let total = match state.info {
        Some(info) if info.gone => " ".to_owned(),
        _ => format!(" {} ", size_text(size(view, shared))),
    };
    let device = [
        (mark, role),
        (name.as_str(), Role::Title),
        (word, role),
        (&total, Role::Text),
        ("position ", Role::Dim),
        (&position, Role::Key),
    ];
    if shared.foreign(MODULE) {
        canvas.spans(line, &device);
        return;
    }
    let shown = |name: &str| shared.counters.text_or_unknown(MODULE, name);
    let failed = format!(" errors {}", shown("errors"));
    let block = state.info.map_or(0, |info| info.logical_block_size);
    let done = format!(" operations {}", shown("operations"));
    let blocks = format!(" blocks of {block}");
    let failed_role = if value("errors") > Some(0) { Role::Warning } else { Role::Dim };
    let counted: [Span<'_>; 3] = [(&failed, failed_role), (&done, Role::Dim), (&blocks, Role::Dim)];
    canvas.whole_spans(line, &[&device[..], &counted].concat());
}

/// What was done last, or what went wrong.
fn said(canvas: &mut Canvas<'_>, line: Rect, state: &Block, shared: &Shared) {
    let gone = state.info.is_some_and(|info| info.gone);
    let dead = shared.link.dead().is_some();
    let warning = canvas.look.glyphs.warning;
    let pointer = canvas.look.glyphs.pointer;
    if let Some(transfer) = &state.transfer {
        let (done, total) = (transfer.done, transfer.data.len().max(1));
        let share = done as f64 / total as f64;
        let text = format!(
            "writing: {} of {} ({} cancels) ",
            size_text(done as u64),
            size_text(total as u64),
            shared.keymap.press("cancel")
        );
        let x = canvas.spans(line, &[(pointer, Role::Key), (" ", Role::Text), (&text, Role::Text)]);
        let bar = Rect { x, width: line.right().saturating_sub(x), ..line };
        return canvas.gauge(bar, share, Role::Series(1));
    }
    let (mark, text, role) = match (&state.said, &state.error) {
        (Some(said), _) => {
            // What to press next stands behind it.
            let done = said.split("; ").next().unwrap_or_default();
            (pointer, if dead { done.to_owned() } else { said.clone() }, Role::Text)
        }
        (None, _) if gone => (
            warning,
            shared.by_life(
                "the device was taken away: {block-plug} plugs the stick in, then {reload} reloads \
                 kmod",
                "the device had been taken away",
            ),
            Role::Bad,
        ),
        (None, Some(error)) => (warning, error.to_string(), Role::Bad),
        (None, None) => (
            pointer,
            shared.by_life(
                "arrows move, {block-go} goes to an offset, {block-read} reads, {block-write} \
                 writes, {block-compare} compares with pread",
                "these bytes were the last that were read",
            ),
            Role::Dim,
        ),
    };
    let mark_role = if role == Role::Bad { Role::Bad } else { Role::Key };
    canvas.spans(line, &[(mark, mark_role), (" ", Role::Text), (&text, role)]);
}
