// SPDX-License-Identifier: MIT OR Apache-2.0
//! Colours by role, for dark, light and colourless terminals of any depth.
//! Nothing is said by colour alone, so monochrome loses nothing.

use ratatui::style::{Color, Modifier, Style};

use super::glyphs::{self, Glyphs};
use crate::app::config::{ColorDepth, ThemeName};

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

/// One colour for each depth: red, green, blue and one of the sixteen.
#[derive(Clone, Copy)]
struct Shade(u8, u8, u8, Color);

struct Palette {
    dim: Shade,
    title: Shade,
    key: Shade,
    good: Shade,
    warning: Shade,
    bad: Shade,
    selected: Shade,
    border: Shade,
    focus: Shade,
    found: Shade,
    bar: Shade,
    series: [Shade; 8],
}

const DARK: Palette = Palette {
    dim: Shade(0x8a, 0x8f, 0x98, Color::DarkGray),
    title: Shade(0xe6, 0xe9, 0xef, Color::White),
    key: Shade(0x7d, 0xc4, 0xff, Color::LightBlue),
    good: Shade(0x8f, 0xd1, 0x7f, Color::Green),
    warning: Shade(0xf0, 0xc0, 0x5a, Color::Yellow),
    bad: Shade(0xff, 0x7b, 0x72, Color::LightRed),
    selected: Shade(0x2d, 0x3f, 0x5e, Color::Blue),
    border: Shade(0x4b, 0x52, 0x63, Color::DarkGray),
    focus: Shade(0x7d, 0xc4, 0xff, Color::LightBlue),
    found: Shade(0xf0, 0xc0, 0x5a, Color::Yellow),
    bar: Shade(0x22, 0x27, 0x33, Color::Black),
    series: [
        Shade(0x7d, 0xc4, 0xff, Color::LightBlue),
        Shade(0xf0, 0xc0, 0x5a, Color::Yellow),
        Shade(0x8f, 0xd1, 0x7f, Color::Green),
        Shade(0xd7, 0x9b, 0xff, Color::Magenta),
        Shade(0xff, 0x9e, 0x64, Color::LightYellow),
        Shade(0x5f, 0xd7, 0xd7, Color::Cyan),
        Shade(0xff, 0x87, 0xaf, Color::LightMagenta),
        Shade(0xb0, 0xb8, 0xc8, Color::Gray),
    ],
};

const LIGHT: Palette = Palette {
    dim: Shade(0x6a, 0x70, 0x7c, Color::DarkGray),
    title: Shade(0x10, 0x14, 0x1c, Color::Black),
    key: Shade(0x00, 0x55, 0xaa, Color::Blue),
    good: Shade(0x1f, 0x7a, 0x1f, Color::Green),
    warning: Shade(0x8a, 0x5a, 0x00, Color::Magenta),
    bad: Shade(0xb8, 0x1d, 0x1d, Color::Red),
    selected: Shade(0xcf, 0xe2, 0xff, Color::Gray),
    border: Shade(0xa0, 0xa6, 0xb2, Color::DarkGray),
    focus: Shade(0x00, 0x55, 0xaa, Color::Blue),
    found: Shade(0xff, 0xd8, 0x66, Color::Yellow),
    bar: Shade(0xe4, 0xe8, 0xf0, Color::Gray),
    series: [
        Shade(0x00, 0x55, 0xaa, Color::Blue),
        Shade(0x8a, 0x5a, 0x00, Color::Magenta),
        Shade(0x1f, 0x7a, 0x1f, Color::Green),
        Shade(0x7a, 0x2f, 0xb0, Color::LightMagenta),
        Shade(0xb5, 0x4a, 0x00, Color::Red),
        Shade(0x00, 0x77, 0x77, Color::Cyan),
        Shade(0xb0, 0x1f, 0x5f, Color::LightRed),
        Shade(0x50, 0x58, 0x68, Color::DarkGray),
    ],
};

/// Colours and characters together: how everything looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    theme: ThemeName,
    depth: ColorDepth,
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
            glyphs: if unicode { &glyphs::UNICODE } else { &glyphs::ASCII },
        }
    }

    /// Does it use colours?
    pub fn coloured(&self) -> bool {
        self.theme != ThemeName::Mono
    }

    /// The style of a role.
    pub fn style(&self, role: Role) -> Style {
        let plain = Style::new();
        let palette = match self.theme {
            ThemeName::Dark => &DARK,
            ThemeName::Light => &LIGHT,
            ThemeName::Mono => return mono(role),
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
            Role::Selected => plain.bg(color(palette.selected)).add_modifier(Modifier::BOLD),
            Role::Border => plain.fg(color(palette.border)),
            Role::Focus => plain.fg(color(palette.focus)),
            Role::Match => plain.bg(color(palette.found)).fg(Color::Black),
            Role::New => {
                plain.fg(color(palette.good)).add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
            }
            Role::Bar => plain.bg(color(palette.bar)),
            Role::Series(index) => plain.fg(color(palette.series[index % palette.series.len()])),
        }
    }

    fn color(&self, Shade(red, green, blue, basic): Shade) -> Color {
        match self.depth {
            ColorDepth::True => Color::Rgb(red, green, blue),
            ColorDepth::Sixteen => basic,
            _ => Color::Indexed(cube(red, green, blue)),
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

fn mono(role: Role) -> Style {
    let plain = Style::new();
    match role {
        Role::Dim => plain.add_modifier(Modifier::DIM),
        Role::Title | Role::Key | Role::Warning => plain.add_modifier(Modifier::BOLD),
        Role::Bad | Role::New => plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        Role::Selected | Role::Match | Role::Bar => plain.add_modifier(Modifier::REVERSED),
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
