// SPDX-License-Identifier: MIT OR Apache-2.0
//! The charts of one module's counters.

use crate::dashboard::views::modules::state::Modules;
use ratatui::layout::Rect;

use crate::dashboard::core::Shared;
use crate::dashboard::data::counters::is_monotonic;
use crate::dashboard::paint::{Canvas, Role, grouped, range, short};
use crate::dashboard::views::pieces::message;
use crate::kernel::api::CounterValue;

/// A chart is not narrower, not wider and not lower than this.
const NARROWEST: u16 = 36;
const WIDEST: u16 = 90;
const LOWEST: u16 = 2;

/// Columns and height of the charts of so many counters: as tall as they can
/// be with all of them in sight.
fn grid(area: Rect, count: usize) -> (usize, u16) {
    let most = usize::from(area.width / NARROWEST).max(1);
    let least = usize::from(area.width / WIDEST).clamp(1, most);
    let height = |columns: usize| area.height / count.div_ceil(columns).max(1) as u16;
    let tall = (least..=most).find(|columns| height(*columns) >= 6);
    let columns = tall.unwrap_or(most);
    (columns, height(columns).clamp(LOWEST, 26))
}

/// A chart for every counter of the module.
pub(crate) fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    _: &Modules,
    shared: &Shared,
    module: &str,
) {
    let title = format!("{module}, {}", range(shared.range_ms()));
    let inside = canvas.panel(area, &title, true);
    let Some(live) = shared.counters.module(module) else {
        return message(canvas, inside, "This module has no counters folder.", Role::Dim);
    };
    paint(canvas, inside, shared, (module, &live.counters));
}

/// Is there room for charts of so many counters that show more than a row does?
pub(crate) fn fit(area: Rect, count: usize) -> bool {
    let (columns, height) = grid(area, count);
    height >= 5 && usize::from(area.height / height) * columns >= count
}

/// Draws the charts without a frame around them.
pub(crate) fn paint(
    canvas: &mut Canvas<'_>,
    inside: Rect,
    shared: &Shared,
    (module, counters): (&str, &[CounterValue]),
) {
    let (columns, height) = grid(inside, counters.len());
    let room = usize::from(inside.height / height) * columns;
    for (index, counter) in counters.iter().take(room).enumerate() {
        let width = inside.width / columns as u16;
        let place = Rect::new(
            inside.x + (index % columns) as u16 * width,
            inside.y + (index / columns) as u16 * height,
            width.saturating_sub(1),
            height,
        );
        let monotonic = is_monotonic(module, &counter.name);
        let value = match shared.counters.value(module, &counter.name) {
            Some(number) => grouped(number),
            None => counter.value.clone(),
        };
        let name = counter.name.replace('_', " ");
        let x = canvas.text(place.x, place.y, place.width, &name, Role::Dim) + 1;
        let x = canvas.text(x, place.y, place.right().saturating_sub(x), &value, Role::Title) + 1;
        if monotonic {
            let rate = shared.counters.rate(module, &counter.name).unwrap_or(0.0);
            let text = format!(" drawn: {}/s", short(rate));
            canvas.text(x, place.y, place.right().saturating_sub(x), &text, Role::Dim);
        }
        // A line between two charts, where there is room for it.
        let gap = u16::from(place.height > 4);
        let plot = Rect { y: place.y + 1, height: place.height.saturating_sub(1 + gap), ..place };
        let points = canvas.chart_columns(plot);
        let curve =
            shared.counters.columns((module, &counter.name), shared.range_ms(), points, monotonic);
        canvas.chart(plot, &[(curve, Role::Series(index))]);
        canvas.cuts(plot, &shared.counters.cuts(shared.range_ms()));
    }
}
