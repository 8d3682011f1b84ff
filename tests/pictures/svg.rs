// SPDX-License-Identifier: MIT OR Apache-2.0
//! A terminal's screen as an SVG picture.

use std::fmt::Write;

use vt100::{Cell, Color, Screen};

/// Width and height of a character cell, in the picture's units.
const CELL: (f32, f32) = (8.43, 16.5);
const FONT_SIZE: f32 = 14.0;
const MARGIN: f32 = 12.0;
const FOREGROUND: &str = "#d8dee9";
const BACKGROUND: &str = "#14161b";

/// The sixteen named colours.
const NAMED: [&str; 16] = [
    "#2e3440", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9",
    "#5c6370", "#ff7a85", "#b5e890", "#ffd68a", "#7cc4ff", "#dd9bee", "#7fd6e0", "#ffffff",
];

/// Draws `screen`; `title` is what a reader who can't see it is told.
pub fn draw(screen: &Screen, title: &str) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let width = f32::from(columns) * CELL.0 + 2.0 * MARGIN;
    let height = f32::from(rows) * CELL.1 + 2.0 * MARGIN;
    let mut svg = String::new();
    // Writing to a String never fails.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" \
         font-family=\"'DejaVu Sans Mono','Liberation Mono',Menlo,Consolas,monospace\" \
         font-size=\"{FONT_SIZE}\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>",
        escape(title)
    );
    for row in 0..rows {
        for run in runs(screen, row, columns) {
            run.draw(&mut svg, row);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Neighbours that look alike.
struct Run {
    column: u16,
    columns: u16,
    text: String,
    look: Look,
}

#[derive(Clone, PartialEq)]
struct Look {
    foreground: String,
    background: Option<String>,
    bold: bool,
    dim: bool,
    underline: bool,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let mut foreground = colour(cell.fgcolor());
        let mut background = colour(cell.bgcolor());
        if cell.inverse() {
            let front = foreground.take().unwrap_or_else(|| FOREGROUND.into());
            foreground = Some(background.take().unwrap_or_else(|| BACKGROUND.into()));
            background = Some(front);
        }
        Self {
            foreground: foreground.unwrap_or_else(|| FOREGROUND.into()),
            background,
            bold: cell.bold(),
            dim: cell.dim(),
            underline: cell.underline(),
        }
    }
}

fn runs(screen: &Screen, row: u16, columns: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for column in 0..columns {
        let Some(cell) = screen.cell(row, column) else {
            continue;
        };
        if cell.is_wide_continuation() {
            continue;
        }
        let look = Look::of(cell);
        let text = if cell.has_contents() { cell.contents() } else { " " };
        match runs.last_mut() {
            Some(run) if run.look == look => {
                run.text.push_str(text);
                run.columns = column + 1 - run.column;
            }
            _ => runs.push(Run { column, columns: 1, text: text.into(), look }),
        }
    }
    runs
}

impl Run {
    fn draw(&self, svg: &mut String, row: u16) {
        let x = f32::from(self.column) * CELL.0 + MARGIN;
        let top = f32::from(row) * CELL.1 + MARGIN;
        let width = f32::from(self.columns) * CELL.0;
        if let Some(background) = &self.look.background {
            let height = CELL.1;
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{background}\"/>"
            );
        }
        if self.text.trim().is_empty() {
            return;
        }
        let bold = if self.look.bold { " font-weight=\"bold\"" } else { "" };
        let dim = if self.look.dim { " opacity=\"0.6\"" } else { "" };
        let underline = if self.look.underline { " text-decoration=\"underline\"" } else { "" };
        let baseline = top + CELL.1 * 0.77;
        // A place for each character: fonts without box drawing or Braille take
        // those from another, whose characters are wider or narrower.
        let places: Vec<String> = (0..self.columns)
            .map(|column| format!("{:.1}", f32::from(self.column + column) * CELL.0 + MARGIN))
            .collect();
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{baseline:.1}\" xml:space=\"preserve\" \
             fill=\"{}\"{bold}{dim}{underline}>{}</text>",
            places.join(" "),
            self.look.foreground,
            escape(&self.text)
        );
    }
}

fn colour(colour: Color) -> Option<String> {
    match colour {
        Color::Default => None,
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
        Color::Idx(index @ 0..16) => Some(NAMED[usize::from(index)].into()),
        // The 6 × 6 × 6 cube and the greys of xterm's palette.
        Color::Idx(index @ 16..232) => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let cube = index - 16;
            let (red, green, blue) = (level(cube / 36), level(cube / 6 % 6), level(cube % 6));
            Some(format!("#{red:02x}{green:02x}{blue:02x}"))
        }
        Color::Idx(index) => {
            let grey = 8 + 10 * (index - 232);
            Some(format!("#{grey:02x}{grey:02x}{grey:02x}"))
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
