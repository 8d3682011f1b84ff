// SPDX-License-Identifier: MIT OR Apache-2.0
//! A terminal's screen as an SVG picture: as the program draws its own.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ringside::dashboard::paint::svg;
use vt100::{Cell, Screen};

/// Draws `screen`; `title` is what a reader who can't see it is told.
pub fn draw(screen: &Screen, title: &str) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        if let Some(cell) = screen.cell(row, column)
            && cell.has_contents()
        {
            buffer[(column, row)].set_symbol(cell.contents());
        }
        if let Some(cell) = screen.cell(row, column) {
            buffer[(column, row)].set_style(style(cell));
        }
    }
    svg::draw(&buffer, title)
}

fn style(cell: &Cell) -> Style {
    let modifiers = [
        (cell.bold(), Modifier::BOLD),
        (cell.dim(), Modifier::DIM),
        (cell.underline(), Modifier::UNDERLINED),
        (cell.inverse(), Modifier::REVERSED),
    ];
    let set = modifiers.into_iter().filter(|(set, _)| *set).map(|(_, modifier)| modifier);
    Style::new()
        .fg(colour(cell.fgcolor()))
        .bg(colour(cell.bgcolor()))
        .add_modifier(set.collect::<Modifier>())
}

fn colour(colour: vt100::Color) -> Color {
    match colour {
        vt100::Color::Default => Color::Reset,
        vt100::Color::Idx(index) => Color::Indexed(index),
        vt100::Color::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
    }
}
