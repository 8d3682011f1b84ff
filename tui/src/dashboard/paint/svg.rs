// SPDX-License-Identifier: MIT OR Apache-2.0
//! A painted screen as an SVG picture.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use crate::text::xml::escaped;

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

/// Draws the cells of `buffer`; `title` is its text for a reader who can't see it.
pub fn draw(buffer: &Buffer, title: &str) -> String {
    let (rows, columns) = (buffer.area.height, buffer.area.width);
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
        escaped(title)
    );
    for row in 0..rows {
        for run in runs(buffer, row) {
            run.draw(&mut svg, row);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Neighbours that look alike: where each of the characters stands, and how.
struct Run {
    column: u16,
    columns: u16,
    signs: Vec<(u16, String)>,
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
        let mut foreground = colour(cell.fg);
        let mut background = colour(cell.bg);
        if cell.modifier.contains(Modifier::REVERSED) {
            let front = foreground.take().unwrap_or_else(|| FOREGROUND.into());
            foreground = Some(background.take().unwrap_or_else(|| BACKGROUND.into()));
            background = Some(front);
        }
        Self {
            foreground: foreground.unwrap_or_else(|| FOREGROUND.into()),
            background,
            bold: cell.modifier.contains(Modifier::BOLD),
            dim: cell.modifier.contains(Modifier::DIM),
            underline: cell.modifier.contains(Modifier::UNDERLINED),
        }
    }
}

fn runs(buffer: &Buffer, row: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for column in 0..buffer.area.width {
        let cell = &buffer[(buffer.area.x + column, buffer.area.y + row)];
        let look = Look::of(cell);
        let sign = (column, cell.symbol().to_owned());
        match runs.last_mut() {
            Some(run) if run.look == look => {
                run.signs.push(sign);
                run.columns = column + 1 - run.column;
            }
            _ => runs.push(Run { column, columns: 1, signs: vec![sign], look }),
        }
    }
    runs
}

fn left(column: u16) -> f32 {
    f32::from(column) * CELL.0 + MARGIN
}

impl Run {
    fn draw(&self, svg: &mut String, row: u16) {
        let top = f32::from(row) * CELL.1 + MARGIN;
        if let Some(background) = &self.look.background {
            let (x, width, height) = (left(self.column), f32::from(self.columns) * CELL.0, CELL.1);
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{background}\"/>"
            );
        }
        let colour = &self.look.foreground;
        let dim = if self.look.dim { " opacity=\"0.6\"" } else { "" };
        let mut path = String::new();
        let (mut places, mut text) = (Vec::new(), String::new());
        for (column, sign) in &self.signs {
            let mut characters = sign.chars();
            match (characters.next(), characters.next()) {
                (Some(dots @ '\u{2800}'..='\u{28ff}'), None) => {
                    braille(&mut path, dots, left(*column), top);
                }
                (Some(block @ '▁'..='█'), None) => bar(&mut path, block, left(*column), top),
                _ => {
                    // A place for each character: fonts without box drawing take it
                    // from another, whose characters are wider or narrower.
                    places.push(format!("{:.1}", left(*column)));
                    places.extend(sign.chars().skip(1).map(|_| format!("{:.1}", left(*column))));
                    text.push_str(sign);
                }
            }
        }
        if !path.is_empty() {
            let _ = writeln!(svg, "<path d=\"{path}\" fill=\"{colour}\"{dim}/>");
        }
        if text.trim().is_empty() {
            return;
        }
        let bold = if self.look.bold { " font-weight=\"bold\"" } else { "" };
        let underline = if self.look.underline { " text-decoration=\"underline\"" } else { "" };
        let baseline = top + CELL.1 * 0.77;
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{baseline:.1}\" xml:space=\"preserve\" \
             fill=\"{colour}\"{bold}{dim}{underline}>{}</text>",
            places.join(" "),
            escaped(&text)
        );
    }
}

/// The dots of a braille character as squares within its cell, whatever font there is.
fn braille(path: &mut String, character: char, x: f32, y: f32) {
    /// Column and row of the dot of each bit.
    const DOTS: [(f32, f32); 8] = [
        (0.0, 0.0),
        (0.0, 1.0),
        (0.0, 2.0),
        (1.0, 0.0),
        (1.0, 1.0),
        (1.0, 2.0),
        (0.0, 3.0),
        (1.0, 3.0),
    ];
    const SIZE: f32 = 2.2;
    let bits = character as u32 - 0x2800;
    for (bit, (column, row)) in DOTS.iter().enumerate() {
        if bits & (1 << bit) != 0 {
            let x = x + CELL.0 * (0.25 + 0.5 * column) - SIZE / 2.0;
            let y = y + CELL.1 * (0.125 + 0.25 * row) - SIZE / 2.0;
            let _ = write!(path, "M{x:.1} {y:.1}h{SIZE}v{SIZE}h-{SIZE}z");
        }
    }
}

/// A block that fills so many eighths of its cell from below.
fn bar(path: &mut String, character: char, x: f32, y: f32) {
    let height = CELL.1 * (character as u32 - 0x2580) as f32 / 8.0;
    let top = y + CELL.1 - height;
    let width = CELL.0;
    let _ = write!(path, "M{x:.1} {top:.1}h{width:.2}v{height:.1}h-{width:.2}z");
}

fn colour(colour: Color) -> Option<String> {
    let index = match colour {
        Color::Reset => return None,
        Color::Rgb(red, green, blue) => return Some(format!("#{red:02x}{green:02x}{blue:02x}")),
        Color::Indexed(index) => index,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    };
    Some(match index {
        0..16 => NAMED[usize::from(index)].into(),
        // The 6 × 6 × 6 cube and the greys of xterm's palette.
        16..232 => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let cube = index - 16;
            let (red, green, blue) = (level(cube / 36), level(cube / 6 % 6), level(cube % 6));
            format!("#{red:02x}{green:02x}{blue:02x}")
        }
        232.. => {
            let grey = 8 + 10 * (index - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
    })
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn braille_stays_inside_of_its_cell_whatever_the_font() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 3, 1));
        buffer.set_string(0, 0, "a\u{28ff}b", Style::new().fg(Color::LightGreen));
        let svg = draw(&buffer, "a <chart>");
        assert!(svg.contains("<title>a &lt;chart&gt;</title>") && !svg.contains('\u{28ff}'));
        let path = svg.split("<path d=\"").nth(1).unwrap().split('"').next().unwrap();
        let dots: Vec<_> = path.split('M').skip(1).collect();
        assert_eq!(dots.len(), 8);
        for dot in dots {
            let (x, rest) = dot.split_once(' ').unwrap();
            let y: f32 = rest.split('h').next().unwrap().parse().unwrap();
            let x: f32 = x.parse().unwrap();
            assert!(x >= left(1) && x + 2.2 <= left(2) + 0.1, "{dot}");
            assert!(y >= MARGIN && y + 2.2 <= MARGIN + CELL.1 + 0.1, "{dot}");
        }
        assert!(svg.contains("#b5e890"));
    }
}
