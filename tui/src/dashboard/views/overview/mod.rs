// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 1: a card per module, the machine, the newest warnings.

pub(crate) mod draw;
pub mod state;

pub use self::state::{CARDS, Card};
use super::id::ViewId;
use super::view::View;
use crate::dashboard::core::command::{Command, always};
use crate::dashboard::core::event::Move;
use crate::dashboard::core::model::Model;
use crate::dashboard::data::log::Row;
use crate::dashboard::shell::vm;

/// Its commands.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "open-card",
        keys: &["enter"],
        title: "Open",
        help: "go to the view of the selected module",
        hint: true,
        enabled: always,
        run: |model| model.show(card(model).view),
    },
    Command {
        name: "overview-warnings",
        keys: &["w"],
        title: "Warnings",
        help: "go to the newest warning in the kernel log",
        hint: true,
        enabled: |model| match newest_warnings(model, 1).is_empty() {
            false => Ok(()),
            true => Err("there is no warning".into()),
        },
        run: |model| {
            let newest = newest_warnings(model, 1).first().map(|(number, _)| *number);
            model.show(ViewId::Log);
            if let Some(number) = newest {
                crate::dashboard::views::log::go_to(model, number);
            }
        },
    },
    Command {
        name: "overview-stick",
        keys: &["p"],
        title: "Plug/unplug",
        help: "plug the USB stick in, or pull it out",
        hint: false,
        enabled: vm::running,
        run: |model| {
            let plugged = model.link.lab.as_ref().is_some_and(|lab| lab.stick_plugged);
            vm::plug(model, !plugged);
        },
    },
];

/// What it provides.
pub const VIEW: View = View {
    panels: true,
    charts: true,
    navigate,
    click: |model, _, index| {
        if model.overview.selected == index {
            model.show(card(model).view);
        }
        model.overview.selected = index.min(CARDS.len() - 1);
    },
    focus: |model, forward| {
        let count = CARDS.len();
        let step = if forward { 1 } else { count - 1 };
        model.overview.selected = (model.overview.selected + step) % count;
    },
    module: |model| Some(card(model).module.to_owned()),
    copy: |model| {
        let warnings = newest_warnings(model, 20);
        let lines: Vec<String> = warnings.iter().rev().map(|(_, row)| row.line()).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    },
    ..View::new(
        "Overview",
        "Every module at a glance, the machine it runs on, the newest warnings",
        COMMANDS,
    )
};

/// The selected card.
pub fn card(model: &Model) -> &'static Card {
    &CARDS[model.overview.selected.min(CARDS.len() - 1)]
}

/// Cards stand two in a row on narrow screens, all in one row on wide ones.
pub fn per_row(width: u16) -> usize {
    if width >= 150 { CARDS.len() } else { 2 }
}

fn navigate(model: &mut Model, to: Move) {
    let columns = per_row(model.size.0);
    let last = CARDS.len() - 1;
    let selected = &mut model.overview.selected;
    *selected = match to {
        Move::Left => selected.saturating_sub(1),
        Move::Right => (*selected + 1).min(last),
        Move::Up => selected.checked_sub(columns).unwrap_or(*selected),
        Move::Down if *selected + columns <= last => *selected + columns,
        Move::Down => *selected,
        Move::Home | Move::PageUp => 0,
        Move::End | Move::PageDown => last,
    };
}

/// The newest records at warning level or worse, newest first.
pub fn newest_warnings(model: &Model, count: usize) -> Vec<(u64, &Row)> {
    let end = model.freeze.map_or(model.log.end(), |freeze| freeze.log_end);
    let urgent = |row: &Row| row.level <= 4;
    let visible = |number: &u64, row: &Row| row.block.is_none_or(|first| first == *number);
    model
        .log
        .newest(end, 20_000, urgent)
        .filter(|(number, row)| visible(number, row))
        .take(count)
        .collect()
}

/// The newest record of a module.
pub fn last_line<'a>(model: &'a Model, module: &'a str) -> Option<&'a Row> {
    let end = model.freeze.map_or(model.log.end(), |freeze| freeze.log_end);
    let log = &model.log;
    let found = log.newest(end, 5000, move |row| log.source(row) == module).next();
    found.map(|(_, row)| row)
}
