// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws what kmod moves in a second.

use crate::dashboard::core::Shared;
use crate::dashboard::data::hex::size_text;
use crate::dashboard::paint::{Canvas, Role};
use crate::dashboard::views::block::state::MODULE;
use crate::dashboard::views::pieces::with_time;
use ratatui::layout::Rect;

/// Bytes per second, read or written, over time.
pub(crate) fn throughput(canvas: &mut Canvas<'_>, area: Rect, shared: &Shared, written: bool) {
    let (counter, word, role) = if written {
        ("bytes_written", "Written", Role::Series(1))
    } else {
        ("bytes_read", "Read", Role::Series(0))
    };
    let total = shared.counters.value(MODULE, counter).and_then(|total| u64::try_from(total).ok());
    let total = total.map_or_else(|| "?".into(), size_text);
    let rate = shared.counters.rate(MODULE, counter);
    let rate = rate.map_or_else(|| "?".into(), |rate| size_text(rate as u64));
    let span = shared.range_ms();
    let title = format!("{word} {total}, now {rate}/s");
    let title = with_time(title, span, area);
    let inside = canvas.panel(area, &title, false);
    let columns = canvas.chart_columns(inside);
    let curve = shared.counters.columns((MODULE, counter), span, columns, true);
    canvas.chart(inside, &[(curve, role)]);
    canvas.cuts(inside, &shared.counters.cuts(span));
}
