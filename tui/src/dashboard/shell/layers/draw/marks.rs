// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws the list of moments that the guest can be wound back to.

use ratatui::layout::Rect;

use super::boxes::popup;
use crate::dashboard::core::{Hit, Loadable};
use crate::dashboard::paint::{Canvas, Role, duration, row, wrap};
use crate::dashboard::shell::model::Model;
use crate::kernel::api::MarkInfo;
use crate::text::amount::amount;

/// Columns of the box.
const WIDTH: u16 = 76;

/// Paints the marks, the newest first, and what the selected one holds.
pub(crate) fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model, selected: usize) {
    let list = match &model.marks.list {
        Loadable::Ready(list) => list.as_slice(),
        Loadable::Loading | Loadable::Failed(_) => &[],
    };
    let about = list.iter().rev().nth(selected).map(holds).unwrap_or_default();
    let lines = wrap(&about, WIDTH - 4).len().max(3) as u16;
    let height = list.len().max(1) as u16 + lines + 3;
    let inside = popup(canvas, area, (WIDTH, height), "Marks: moments to go back to");
    let empty = match &model.marks.list {
        Loadable::Loading => "Asking the lab …".to_owned(),
        Loadable::Failed(error) => error.to_string(),
        Loadable::Ready(_) => {
            model.fill("There is no mark yet: {mark} marks the guest as it is now.")
        }
    };
    if list.is_empty() {
        canvas.wrapped(inside, &empty, Role::Dim);
        return;
    }
    let lines = lines.min(inside.height / 2);
    let room = usize::from(inside.height.saturating_sub(lines + 1));
    let top = (selected + 1).saturating_sub(room);
    for (line, (index, mark)) in list.iter().rev().enumerate().skip(top).take(room).enumerate() {
        let place = row(inside, line as u16);
        let ago = duration(model.marks.before(mark, model.now_ms) / 1000 * 1000);
        let reason = mark.reason.as_deref().unwrap_or("marked by hand");
        // The pointer at the selected one has the first column.
        canvas.text(place.x + 2, place.y, 14, &mark.name, Role::Title);
        canvas.right(
            Rect { x: place.x + 16, width: 14, ..place },
            &format!("{ago} ago"),
            Role::Text,
        );
        let x = place.x + 32;
        canvas.text(x, place.y, place.right().saturating_sub(x), reason, Role::Text);
        if index == selected {
            canvas.select(place);
        }
        canvas.hit(place, Hit::Layer(index));
    }
    let below = Rect { y: inside.bottom().saturating_sub(lines), height: lines, ..inside };
    canvas.wrapped(below, &about, Role::Dim);
}

/// What a mark holds, in words: modules, and the counters that say most.
fn holds(mark: &MarkInfo) -> String {
    let mut text = match mark.modules.is_empty() {
        true => "No module was loaded.".to_owned(),
        false => format!("Loaded: {}.", mark.modules.join(", ")),
    };
    for module in &mark.counters {
        let moved = module.counters.iter().filter(|counter| counter.value != "0");
        let told: Vec<String> =
            moved.take(2).map(|one| format!("{} {}", one.name, one.value)).collect();
        if !told.is_empty() {
            text.push_str(&format!(" {}: {}.", module.module, told.join(", ")));
        }
    }
    let stick = if mark.stick_plugged { "" } else { " The USB stick was out." };
    format!("{text}{stick} {} on the disk.", amount(mark.bytes))
}
