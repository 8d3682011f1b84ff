// SPDX-License-Identifier: MIT OR Apache-2.0
//! View 1: a card per module, the machine, the newest warnings.

pub(crate) mod draw;
pub(super) mod state;

pub(super) use self::state::Overview;
use self::state::{CARDS, Card, newest_warnings, per_row};
use super::view::View;
use crate::dashboard::core::vm;
use crate::dashboard::core::{About, Command, Message, Move, Shared, command};
use crate::dashboard::paint::Canvas;
use ratatui::layout::Rect;
use std::convert::Infallible;

const COMMANDS: &[Command<Overview>] = &[
    command(
        "open-card",
        &["enter"],
        "Open",
        "go to the view of the selected module",
        |view, shared| shared.post(Message::Module(card(view).module)),
    ),
    command(
        "overview-warnings",
        &["w"],
        "Warnings",
        "go to the newest warning in the kernel log",
        |_, shared| {
            let newest = newest_warnings(shared, 1).first().map(|(number, _)| *number);
            if let Some(number) = newest {
                shared.post(Message::Record(number));
            }
        },
    )
    .when(|_, shared| match newest_warnings(shared, 1).is_empty() {
        false => Ok(()),
        true => Err("there is no warning".into()),
    }),
    command(
        "overview-stick",
        &["p"],
        "Plug/unplug",
        "plug the USB stick in, or pull it out",
        |_, shared| {
            let plugged = shared.link.lab.as_ref().is_some_and(|lab| lab.stick_plugged);
            vm::plug(shared, !plugged);
        },
    )
    .when(|_, shared| vm::running(shared))
    .quiet(),
];

const ABOUT: About = About {
    id: "overview",
    title: "Overview",
    short: "Overview",
    about: "Every module at a glance, the machine it runs on, the newest warnings",
    shows: "every module at a glance",
    panels: true,
    charts: true,
    ..About::BARE
};

impl View for Overview {
    type Call = Infallible;

    fn commands() -> &'static [Command<Self>] {
        COMMANDS
    }

    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, shared: &Shared) {
        draw::draw(canvas, area, self, shared);
    }

    fn navigate(&mut self, shared: &mut Shared, to: Move) {
        let columns = per_row(shared.view_size().0);
        let last = CARDS.len() - 1;
        let selected = &mut self.selected;
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

    fn click(&mut self, shared: &mut Shared, _: u8, index: usize) {
        if self.selected == index {
            shared.post(Message::Module(card(self).module));
        }
        self.selected = index.min(CARDS.len() - 1);
    }

    fn focus(&mut self, _: &mut Shared, forward: bool) {
        let count = CARDS.len();
        let step = if forward { 1 } else { count - 1 };
        self.selected = (self.selected + step) % count;
    }

    fn module(&self, _: &Shared) -> Option<String> {
        Some(card(self).module.to_owned())
    }

    fn shows_modules(&self) -> bool {
        true
    }

    fn copy(&self, shared: &Shared) -> Option<String> {
        let warnings = newest_warnings(shared, 20);
        let lines: Vec<String> = warnings.iter().rev().map(|(_, row)| row.line()).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

/// The selected card.
pub(super) fn card(view: &Overview) -> &'static Card {
    &CARDS[view.selected.min(CARDS.len() - 1)]
}
