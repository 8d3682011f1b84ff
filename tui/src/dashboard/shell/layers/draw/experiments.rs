// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws the list of experiments.

use ratatui::layout::Rect;

use super::boxes::popup;
use crate::dashboard::core::Hit;
use crate::dashboard::paint::{Canvas, Role, row};
use crate::dashboard::shell::model::Model;
use crate::experiment::{Progress, names, shipped};

/// Paints their titles and how they went, and what the selected one is about.
pub(crate) fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model, selected: usize) {
    let count = names().count();
    let inside = popup(canvas, area, (76, count as u16 + 6), "Experiments: predict, see, know why");
    let room = usize::from(inside.height).saturating_sub(3);
    let top = (selected + 1).saturating_sub(room);
    let running = model.experiment.as_ref().map(|running| running.run.script.id.as_str());
    for (line, (index, name)) in names().enumerate().skip(top).take(room).enumerate() {
        let Some(Ok(script)) = shipped(name) else { continue };
        let place = row(inside, line as u16);
        let width = place.width.saturating_sub(2);
        let x = canvas.text(place.x + 2, place.y, width, &script.experiment.title, Role::Title);
        let (state, role) = match Progress::of(&model.remembered, name) {
            _ if running == Some(name) => ("under way".to_owned(), Role::Warning),
            Some(progress) => (format!("{} {progress}", canvas.look.glyphs.yes), Role::Good),
            None => (String::new(), Role::Dim),
        };
        canvas.right(Rect { x, width: place.right().saturating_sub(x), ..place }, &state, role);
        if index == selected {
            canvas.select(place);
            let below = Rect { y: inside.bottom() - 2.min(inside.height), height: 2, ..inside };
            canvas.wrapped(below, &script.experiment.about, Role::Dim);
        }
        canvas.hit(place, Hit::Layer(index));
    }
}
