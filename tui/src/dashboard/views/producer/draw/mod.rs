// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws view 3: producer–consumer.

mod foreign;
mod ring;
mod threads;

use super::state::Producer;
use ratatui::layout::Rect;

use super::layout::{DETAIL, HEAD, Layout, RingShape, inside};
use super::past::Second;
use super::picture;
use super::picture::Picture;
use super::ring::{Kind, Phase};
use super::state::{MODULE, Pane};
use crate::dashboard::core::Shared;
use crate::dashboard::data::duration;
use crate::dashboard::paint::{Canvas, Role, grouped, row, short};
use crate::dashboard::views::pieces::with_time;
use crate::dashboard::views::ready::{Readiness, drawable};
use crate::dashboard::views::unready;
use crate::dashboard::views::unready::Introduction;
use crate::kernel::api::Capability;

const INTRODUCTION: Introduction = Introduction {
    module: MODULE,
    text: "Producer threads put items into a ring of slots, consumer threads take them out. Two \
           counting semaphores keep them in step: a producer waits on `empty` while the ring is \
           full, a consumer waits on `full` while it is empty. Once the module is loaded you see \
           every thread and every slot here, and can pause, step and change the pace.",
    shell: &[
        "insmod producer_consumer.ko prod=5 cons=3 size=10",
        "cat /sys/module/producer_consumer/counters/occupancy",
        "echo 1 > /sys/module/producer_consumer/controls/paused",
    ],
};

pub(crate) fn draw(canvas: &mut Canvas<'_>, area: Rect, view: &Producer, shared: &Shared) {
    let why = drawable(shared, MODULE, Capability::Modules);
    if why != Readiness::Ready {
        return unready::draw(canvas, area, shared, &why, &INTRODUCTION);
    }
    if shared.foreign(MODULE) {
        return foreign::draw(canvas, area, view);
    }
    let Some(picture) = picture(view, shared) else {
        let why = match shared.link.dead() {
            Some(_) => Readiness::Unseen,
            None => Readiness::Waiting("the first sample of its counters"),
        };
        return unready::draw(canvas, area, shared, &why, &INTRODUCTION);
    };
    head(canvas, area, &picture);
    let layout = Layout::new(area.width, area.height);
    let below = Rect { y: area.y + HEAD, height: area.height.saturating_sub(HEAD), ..area };
    if shared.zoom {
        let pane = Rect { height: below.height.saturating_sub(DETAIL), ..below };
        draw_pane(canvas, pane, view, &picture, view.focus);
        return detail(canvas, pane, view, shared, &picture);
    }
    let panes = Rect { height: layout.panes, ..below };
    let left = Rect { width: layout.side, ..panes };
    let middle = Rect { x: left.right(), width: layout.ring, ..panes };
    let right = Rect { x: middle.right(), ..left };
    draw_pane(canvas, left, view, &picture, Pane::Producers);
    draw_pane(canvas, middle, view, &picture, Pane::Ring);
    draw_pane(canvas, right, view, &picture, Pane::Consumers);
    detail(canvas, panes, view, shared, &picture);
    if layout.charts > 0 {
        let charts = Rect { y: panes.bottom() + DETAIL, height: layout.charts, ..area };
        draw_charts(canvas, charts, shared, &picture);
    }
}

/// Producer and semaphores: two rows.
fn head(canvas: &mut Canvas<'_>, area: Rect, picture: &Picture<'_>) {
    let glyphs = canvas.look.glyphs;
    let (mark, word, role) = match picture.now.phase {
        Phase::Paused => (glyphs.ring, " PAUSED ", Role::Warning),
        Phase::Pausing => (glyphs.ring, " pausing ", Role::Warning),
        Phase::Running => (glyphs.dot, " running ", Role::Good),
    };
    let after = canvas.spans(row(area, 0), &[(mark, role), (word, role)]);
    let delays = format!(
        "delay after an item: producers {}, consumers {}",
        pace(picture.producer_delay),
        pace(picture.consumer_delay)
    );
    let room = area.right().saturating_sub(after);
    let x = canvas.text(after, area.y, room, &delays, Role::Dim);
    let totals = format!(
        "{} produced, {} consumed",
        grouped(picture.now.produced as i64),
        grouped(picture.now.consumed as i64)
    );
    if usize::from(area.right().saturating_sub(x)) > totals.len() + 1 {
        canvas.right(row(area, 0), &totals, Role::Dim);
    }
    let second = row(area, 1);
    if second.width == 0 {
        return;
    }
    let half = area.width / 2;
    let items = if picture.now.full == 1 { "item" } else { "items" };
    let semaphores = [
        ("empty", picture.now.empty, Role::Series(2), "free", Kind::Producer),
        ("full", picture.now.full, Role::Series(1), items, Kind::Consumer),
    ];
    for (index, (name, count, role, what, kind)) in semaphores.into_iter().enumerate() {
        let x = area.x + half * index as u16;
        let number = if area.width >= 60 {
            let count = grouped(count as i64);
            match picture.now.waiting(kind) {
                0 => format!("{count} {what}"),
                1 => format!("{count} {what}, 1 waits"),
                waiting => format!("{count} {what}, {waiting} wait"),
            }
        } else {
            short(count as f64)
        };
        let after = canvas.text(x, second.y, half, name, Role::Title) + 1;
        let room = (x + half).saturating_sub(after + 1);
        let bar = room.saturating_sub(number.len() as u16 + 1);
        let share = count as f64 / picture.now.capacity.max(1) as f64;
        canvas.gauge(Rect::new(after, second.y, bar, 1), share, role);
        canvas.text(after + bar + 1, second.y, room.saturating_sub(bar), &number, Role::Text);
    }
}

/// A delay as people say it.
fn pace(delay: Option<u64>) -> String {
    match delay {
        None => "unknown".into(),
        Some(0) => "none".into(),
        Some(micros) => duration::text(micros),
    }
}

fn draw_pane(
    canvas: &mut Canvas<'_>,
    area: Rect,
    view: &Producer,
    picture: &Picture<'_>,
    pane: Pane,
) {
    let focused = view.focus == pane;
    let (kind, noun, cursor) = match pane {
        Pane::Producers => (Kind::Producer, "Producers", view.producer),
        Pane::Consumers => (Kind::Consumer, "Consumers", view.consumer),
        Pane::Ring => {
            let capacity = picture.now.capacity;
            let slots = if capacity == 1 { "slot" } else { "slots" };
            let title = format!("Ring of {} {slots}", grouped(capacity as i64));
            let inside = canvas.panel(area, &title, focused);
            let cursor = focused.then_some(view.slot);
            return ring::draw(canvas, inside, picture, cursor);
        }
    };
    let title = format!("{noun} {}", grouped(picture.now.count(kind) as i64));
    let inside = canvas.panel(area, &title, focused);
    threads::draw(canvas, inside, picture, kind, (pane, focused.then_some(cursor)));
}

/// The row below the panes: what is under the cursor, or what goes on.
fn detail(
    canvas: &mut Canvas<'_>,
    panes: Rect,
    view: &Producer,
    shared: &Shared,
    picture: &Picture<'_>,
) {
    let line =
        Rect { x: panes.x + 1, y: panes.bottom(), width: panes.width.saturating_sub(2), height: 1 };
    let state = view;
    let cursor = match state.focus {
        Pane::Producers => state.producer,
        Pane::Ring => state.slot,
        Pane::Consumers => state.consumer,
    };
    let space = if shared.zoom {
        inside(panes.width, panes.height)
    } else {
        Layout::new(panes.width, panes.height + HEAD + DETAIL).ring_space()
    };
    let cell = match state.focus {
        Pane::Ring => {
            RingShape::new(picture.now.capacity, picture.now.count(Kind::Producer), space)
                .slots_per_cell()
        }
        _ => 1,
    };
    let text = picture.detail(state.focus, cursor, cell);
    let pointer = canvas.look.glyphs.pointer;
    let spans = [(pointer, Role::Key), (" ", Role::Text), (text.as_str(), Role::Text)];
    canvas.spans(line, &spans);
    let story = Rect { y: line.y + 1, ..line };
    canvas.text(story.x + 2, story.y, story.width.saturating_sub(2), &picture.story(), Role::Dim);
}

fn draw_charts(canvas: &mut Canvas<'_>, area: Rect, shared: &Shared, picture: &Picture<'_>) {
    let half = area.width / 2;
    let rates = Rect { width: half, ..area };
    let occupancy = Rect { x: area.x + half, width: area.width - half, ..area };
    let span = shared.range_ms();
    // The same second as in the sentence above.
    let rate = |items: fn(&Second) -> u64| {
        picture.second.as_ref().map_or("?".into(), |second| short(items(second) as f64))
    };
    let (produced, consumed) = (rate(|second| second.produced), rate(|second| second.consumed));
    let title = format!("Items/s: {produced} in, {consumed} out");
    let inner = canvas.panel(rates, &title, false);
    let columns = canvas.chart_columns(inner);
    let curve =
        |name: &str, rate: bool| shared.counters.columns((MODULE, name), span, columns, rate);
    let curves =
        [(curve("produced", true), Role::Series(0)), (curve("consumed", true), Role::Series(1))];
    canvas.chart(inner, &curves);
    canvas.cuts(inner, &shared.counters.cuts(span));

    let share = 100 * picture.now.occupancy / picture.now.capacity.max(1);
    let title = format!("Occupancy now {share} % of {}", grouped(picture.now.capacity as i64));
    let title = with_time(title, span, occupancy);
    let inner = canvas.panel(occupancy, &title, false);
    canvas.chart(inner, &[(curve("occupancy", false), Role::Series(1))]);
    canvas.cuts(inner, &shared.counters.cuts(span));
}
