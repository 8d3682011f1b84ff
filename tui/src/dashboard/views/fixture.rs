// SPDX-License-Identifier: MIT OR Apache-2.0
//! Models and screens for the tests of the views.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::dashboard::core::config::{ColorDepth, Config, ThemeName};
use crate::dashboard::core::{Connection, Layer, Loadable};
use crate::dashboard::paint::{Canvas, Hits, Look};
use crate::dashboard::shell::model::Model;
use crate::kernel::api::{KernelInfo, ModuleSummary};

/// Rows of the screen that are not the view's.
const CHROME: u16 = 4;

/// A dashboard with this view, connected to a kernel with these modules loaded.
pub(crate) fn model(view: &'static str, modules: &[&str]) -> Model {
    let mut model = Model::new(Config::default(), Default::default());
    model.view = view;
    model.size = (80, 24);
    model.link.connection = Connection::Up;
    model.link.kernel = Some(KernelInfo {
        release: "7.3.4-ringside-lab".into(),
        page_table_levels: 5,
        root: true,
        guest: true,
        ..KernelInfo::default()
    });
    let summary = |name: &&str| ModuleSummary {
        name: (*name).into(),
        state: "Live".into(),
        counters: true,
        ours: true,
        ..ModuleSummary::default()
    };
    model.modules = Loadable::Ready(modules.iter().map(summary).collect());
    model
}

/// The view alone, drawn as on a screen of this size.
pub(crate) fn cells(model: &mut Model, width: u16, height: u16, look: Look) -> Buffer {
    model.size = (width, height);
    let area = Rect::new(0, 0, width, height.saturating_sub(CHROME));
    let mut buffer = Buffer::empty(area);
    let mut hits = Hits::default();
    let mut canvas = Canvas { buffer: &mut buffer, look, hits: &mut hits };
    model.views.current(model).draw(&mut canvas, area, model);
    buffer
}

/// The look that snapshots are taken with.
pub(crate) fn unicode() -> Look {
    Look::new(ThemeName::Dark, ColorDepth::Indexed, true)
}

/// The text of a screen.
pub(crate) fn text(buffer: &Buffer) -> String {
    let rows = (0..buffer.area.height).map(|y| {
        let row: String = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect();
        row.trim_end().to_owned()
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// What is wrong with what is in the open form.
pub(crate) fn form_error(model: &Model) -> String {
    match model.layers.last() {
        Some(Layer::Form(form)) => {
            form.error(model.views.state(form.view()), model).unwrap_or_default()
        }
        _ => "no form".into(),
    }
}

/// The command that comes of what is in the open form.
pub(crate) fn preview(model: &Model) -> String {
    match model.layers.last() {
        Some(Layer::Form(form)) => form.preview(),
        _ => "no form".into(),
    }
}

/// The view alone as text.
pub(crate) fn screen(model: &mut Model, width: u16, height: u16) -> String {
    text(&cells(model, width, height, unicode()))
}

/// Fails when a blank is underlined that stands between no two underlined
/// characters: a line under nothing, which looks like a field to fill in.
pub(crate) fn assert_no_line_under_nothing(buffer: &Buffer) {
    let area = buffer.area;
    let underlined = |x: u16, y: u16| buffer[(x, y)].modifier.contains(Modifier::UNDERLINED);
    for y in area.top()..area.bottom() {
        let mut x = area.left();
        while x < area.right() {
            let end = (x..area.right()).find(|x| !underlined(*x, y)).unwrap_or(area.right());
            if end > x {
                let run: String = (x..end).map(|x| buffer[(x, y)].symbol()).collect();
                assert_eq!(run.trim(), run, "in row {y} of\n{}", text(buffer));
            }
            x = end + 1;
        }
    }
}
