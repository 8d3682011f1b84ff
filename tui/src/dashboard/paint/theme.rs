// SPDX-License-Identifier: MIT OR Apache-2.0
//! Colours by role, for dark, light and colourless terminals of any depth.
//! Nothing is said by colour alone, so monochrome loses nothing.

use ratatui::style::{Color, Modifier, Style};

use super::glyphs;
use super::glyphs::Glyphs;
use crate::dashboard::data::appearance::{ColorDepth, ThemeName};

/// What something on the screen is, as far as its looks go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Text that matters less: labels, units, hints.
    Dim,
    /// Titles and headings.
    Title,
    /// What is pressed: keys, buttons.
    Key,
    /// Good: done, running.
    Good,
    /// Look here: warnings, waiting.
    Warning,
    /// Bad: errors, dead.
    Bad,
    /// The selected row.
    Selected,
    /// Lines of boxes.
    Border,
    /// Lines of the box that has the focus.
    Focus,
    /// A search's match.
    Match,
    /// What was just made or changed.
    New,
    /// The header and the footer.
    Bar,
    /// The n-th of several things that must be told apart.
    Series(usize),
}

/// One colour for each depth: red, green, blue; one of the 256 where the nearest
/// can't be read or seen as well; and one of the sixteen.
#[derive(Clone, Copy)]
struct Shade(u8, u8, u8, Option<u8>, Color);

const fn shade((red, green, blue): (u8, u8, u8), basic: Color) -> Shade {
    Shade(red, green, blue, None, basic)
}

struct Palette {
    dim: Shade,
    title: Shade,
    key: Shade,
    good: Shade,
    warning: Shade,
    bad: Shade,
    selected: Shade,
    /// All text on it with sixteen colours, of which no ground bears every other.
    selected_text: Color,
    border: Shade,
    found: Shade,
    bar: Shade,
    series: [Shade; 8],
}

// Of the sixteen only those are used that can be read in the colours of xterm and
// of the Linux console, which has eight grounds.
const DARK: Palette = Palette {
    dim: shade((0xa2, 0xa8, 0xb4), Color::Gray),
    title: shade((0xe6, 0xe9, 0xef), Color::White),
    key: shade((0x7d, 0xc4, 0xff), Color::LightCyan),
    good: shade((0x8f, 0xd1, 0x7f), Color::LightGreen),
    warning: shade((0xf0, 0xc0, 0x5a), Color::LightYellow),
    bad: shade((0xff, 0x8a, 0x82), Color::LightRed),
    selected: Shade(0x1c, 0x2f, 0x5c, Some(18), Color::Gray),
    selected_text: Color::Black,
    border: shade((0x64, 0x6c, 0x7e), Color::DarkGray),
    found: shade((0xf0, 0xc0, 0x5a), Color::Cyan),
    bar: shade((0x22, 0x27, 0x2f), Color::Black),
    series: [
        shade((0x7d, 0xc4, 0xff), Color::LightCyan),
        shade((0xf0, 0xc0, 0x5a), Color::LightYellow),
        shade((0x8f, 0xd1, 0x7f), Color::LightGreen),
        shade((0xd7, 0xa3, 0xff), Color::LightMagenta),
        shade((0xff, 0x9e, 0x64), Color::LightRed),
        shade((0x5f, 0xd7, 0xd7), Color::Cyan),
        shade((0xff, 0x94, 0xb8), Color::White),
        shade((0xb0, 0xb8, 0xc8), Color::Gray),
    ],
};

const LIGHT: Palette = Palette {
    dim: shade((0x52, 0x59, 0x66), Color::Reset),
    title: shade((0x10, 0x14, 0x1c), Color::Black),
    key: shade((0x00, 0x4a, 0x99), Color::Blue),
    good: shade((0x17, 0x65, 0x1a), Color::Blue),
    warning: shade((0x73, 0x4a, 0x00), Color::Magenta),
    bad: shade((0xa8, 0x16, 0x16), Color::Red),
    selected: Shade(0xbc, 0xd6, 0xff, Some(189), Color::Blue),
    selected_text: Color::White,
    border: shade((0x9a, 0xa0, 0xac), Color::DarkGray),
    found: shade((0xff, 0xd8, 0x66), Color::Cyan),
    bar: Shade(0xe8, 0xeb, 0xf1, Some(254), Color::White),
    series: [
        shade((0x00, 0x4a, 0x99), Color::Blue),
        shade((0x73, 0x4a, 0x00), Color::Magenta),
        shade((0x17, 0x65, 0x1a), Color::Black),
        shade((0x6f, 0x2a, 0xa3), Color::Red),
        Shade(0x8a, 0x36, 0x00, Some(88), Color::Blue),
        shade((0x00, 0x62, 0x5f), Color::Magenta),
        shade((0x9e, 0x1a, 0x55), Color::Black),
        shade((0x50, 0x58, 0x68), Color::Red),
    ],
};

/// Colours and characters together: how everything looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    theme: ThemeName,
    depth: ColorDepth,
    dim: bool,
    /// The characters of pictures.
    pub glyphs: &'static Glyphs,
}

impl Look {
    /// A look; `depth` says what the terminal shows (`Auto` counts as 256).
    pub fn new(theme: ThemeName, depth: ColorDepth, unicode: bool) -> Self {
        let colourless = theme == ThemeName::Mono || depth == ColorDepth::None;
        Self {
            theme: if colourless { ThemeName::Mono } else { theme },
            depth,
            dim: true,
            glyphs: if unicode { &glyphs::UNICODE } else { &glyphs::ASCII },
        }
    }

    /// The same without half-bright text, where the terminal shows it too dark.
    #[must_use]
    pub fn without_dim(self) -> Self {
        Self { dim: false, ..self }
    }

    /// Does it use colours?
    pub fn coloured(&self) -> bool {
        self.theme != ThemeName::Mono
    }

    pub fn style(&self, role: Role) -> Style {
        let plain = Style::new();
        let palette = match self.theme {
            ThemeName::Dark => &DARK,
            ThemeName::Light => &LIGHT,
            ThemeName::Mono => return mono(role, self.dim),
        };
        let color = |shade: Shade| self.color(shade);
        match role {
            Role::Text => plain,
            Role::Dim => plain.fg(color(palette.dim)),
            Role::Title => plain.fg(color(palette.title)).add_modifier(Modifier::BOLD),
            Role::Key => plain.fg(color(palette.key)).add_modifier(Modifier::BOLD),
            Role::Good => plain.fg(color(palette.good)),
            Role::Warning => plain.fg(color(palette.warning)),
            Role::Bad => plain.fg(color(palette.bad)).add_modifier(Modifier::BOLD),
            // Bold would be another colour, which the ground may not bear.
            Role::Selected if self.depth == ColorDepth::Sixteen => plain
                .bg(color(palette.selected))
                .fg(palette.selected_text)
                .remove_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            Role::Selected => plain.bg(color(palette.selected)).add_modifier(Modifier::BOLD),
            Role::Border => plain.fg(color(palette.border)),
            Role::Focus => plain.fg(color(palette.key)),
            Role::Match => plain.bg(color(palette.found)).fg(Color::Black),
            Role::New => {
                plain.fg(color(palette.good)).add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
            }
            Role::Bar => plain.bg(color(palette.bar)),
            Role::Series(index) => plain.fg(color(palette.series[index % palette.series.len()])),
        }
    }

    fn color(&self, Shade(red, green, blue, indexed, basic): Shade) -> Color {
        match self.depth {
            ColorDepth::True => Color::Rgb(red, green, blue),
            ColorDepth::Sixteen => basic,
            _ => Color::Indexed(indexed.unwrap_or_else(|| cube(red, green, blue))),
        }
    }
}

/// The nearest of xterm's 6×6×6 cube or its 24 greys.
fn cube(red: u8, green: u8, blue: u8) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let nearest = |value: u8| {
        let distance = |index: &usize| STEPS[*index].abs_diff(value);
        (0..6).min_by_key(distance).unwrap_or(0)
    };
    let distance = |other: (u8, u8, u8)| {
        let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
        square(red, other.0) + square(green, other.1) + square(blue, other.2)
    };
    let (r, g, b) = (nearest(red), nearest(green), nearest(blue));
    let mean = (u16::from(red) + u16::from(green) + u16::from(blue)) / 3;
    let grey = (mean.saturating_sub(3) / 10).min(23) as u8;
    let level = 8 + grey * 10;
    if distance((level, level, level)) < distance((STEPS[r], STEPS[g], STEPS[b])) {
        232 + grey
    } else {
        (16 + 36 * r + 6 * g + b) as u8
    }
}

fn mono(role: Role, dim: bool) -> Style {
    let plain = Style::new();
    match role {
        Role::Dim if dim => plain.add_modifier(Modifier::DIM),
        Role::Dim => plain,
        Role::Title | Role::Key | Role::Warning => plain.add_modifier(Modifier::BOLD),
        Role::Bad | Role::New => plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        Role::Selected | Role::Bar => plain.add_modifier(Modifier::REVERSED),
        Role::Match => plain.add_modifier(Modifier::REVERSED | Modifier::UNDERLINED),
        Role::Text | Role::Good | Role::Border | Role::Focus | Role::Series(_) => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monochrome_uses_no_colour_at_all() {
        for look in [
            Look::new(ThemeName::Mono, ColorDepth::True, true),
            Look::new(ThemeName::Dark, ColorDepth::None, true),
        ] {
            for role in [Role::Good, Role::Bad, Role::Selected, Role::Series(3)] {
                let style = look.style(role);
                assert_eq!((style.fg, style.bg), (None, None));
            }
        }
    }

    #[test]
    fn greys_and_colours_find_their_place_in_the_256() {
        assert_eq!(cube(255, 0, 0), 196);
        assert_eq!(cube(0x80, 0x80, 0x80), 244);
    }
}
