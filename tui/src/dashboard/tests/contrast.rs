// SPDX-License-Identifier: MIT OR Apache-2.0
//! Can everything be read, in every theme and depth, also where it is selected?
//!
//! What a cell looks like is computed as terminals do it: xterm with its own 16
//! colours, and the Linux console, which shows bold as bright, underlined text in
//! cyan and half-bright text in dark grey.

use super::harness::VIEWS;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::harness::Harness;
use super::scripted_kernel::{ScriptedKernel, running_lab};
use crate::dashboard::core::config::{ColorDepth, ThemeName};
use crate::dashboard::paint::{Canvas, Hits, Look, Role};
use crate::kernel::api::GuestState;

type Rgb = (u8, u8, u8);

/// A kind of terminal, as far as colours go.
#[derive(Clone, Copy, Debug)]
struct Terminal {
    sixteen: [Rgb; 16],
    foreground: Rgb,
    background: Rgb,
    console: bool,
}

const XTERM: [Rgb; 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];
const VGA: [Rgb; 16] = [
    (0, 0, 0),
    (170, 0, 0),
    (0, 170, 0),
    (170, 85, 0),
    (0, 0, 170),
    (170, 0, 170),
    (0, 170, 170),
    (170, 170, 170),
    (85, 85, 85),
    (255, 85, 85),
    (85, 255, 85),
    (255, 255, 85),
    (85, 85, 255),
    (255, 85, 255),
    (85, 255, 255),
    (255, 255, 255),
];

const fn xterm(foreground: Rgb, background: Rgb) -> Terminal {
    Terminal { sixteen: XTERM, foreground, background, console: false }
}

const CONSOLE: Terminal =
    Terminal { sixteen: VGA, foreground: VGA[7], background: VGA[0], console: true };
/// Terminals with a dark background, and with a light one.
const DARK: [Terminal; 3] = [
    xterm((229, 229, 229), (0, 0, 0)),
    xterm((212, 212, 212), (30, 30, 30)),
    xterm((220, 223, 228), (40, 44, 52)),
];
const LIGHT: [Terminal; 3] = [
    xterm((0, 0, 0), (255, 255, 255)),
    xterm((36, 41, 46), (250, 250, 250)),
    xterm((40, 60, 70), (253, 246, 227)),
];

/// Every look with the terminals it is made for.
fn looks() -> Vec<(Look, Vec<Terminal>)> {
    let mut looks = Vec::new();
    for depth in [ColorDepth::True, ColorDepth::Indexed, ColorDepth::Sixteen] {
        looks.push((Look::new(ThemeName::Dark, depth, true), DARK.to_vec()));
        looks.push((Look::new(ThemeName::Light, depth, true), LIGHT.to_vec()));
    }
    // Backgrounds that are not black are told by their own colours, which 16 are not.
    let black = vec![DARK[0], CONSOLE];
    looks[4].1 = black;
    looks[5].1 = vec![LIGHT[0]];
    let mono = Look::new(ThemeName::Mono, ColorDepth::None, true);
    looks.push((mono, [DARK, LIGHT].concat()));
    looks.push((mono.without_dim(), vec![CONSOLE]));
    looks
}

impl Terminal {
    fn rgb(&self, color: Color, default: Rgb) -> Rgb {
        const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
        let basic = |index: usize| self.sixteen[index];
        match color {
            Color::Reset => default,
            Color::Rgb(red, green, blue) => (red, green, blue),
            Color::Indexed(index @ 0..16) => basic(index.into()),
            Color::Indexed(index @ 16..232) => {
                let index = usize::from(index - 16);
                (STEPS[index / 36], STEPS[index / 6 % 6], STEPS[index % 6])
            }
            Color::Indexed(index) => {
                let level = 8 + (index - 232) * 10;
                (level, level, level)
            }
            Color::Black => basic(0),
            Color::Red => basic(1),
            Color::Green => basic(2),
            Color::Yellow => basic(3),
            Color::Blue => basic(4),
            Color::Magenta => basic(5),
            Color::Cyan => basic(6),
            Color::Gray => basic(7),
            Color::DarkGray => basic(8),
            Color::LightRed => basic(9),
            Color::LightGreen => basic(10),
            Color::LightYellow => basic(11),
            Color::LightBlue => basic(12),
            Color::LightMagenta => basic(13),
            Color::LightCyan => basic(14),
            Color::White => basic(15),
        }
    }

    /// Foreground and background as they are seen.
    fn seen(&self, cell: &Cell) -> (Rgb, Rgb) {
        let mut foreground = self.rgb(cell.fg, self.foreground);
        let background = self.rgb(cell.bg, self.background);
        let has = |modifier| cell.modifier.contains(modifier);
        if self.console {
            // The console has eight backgrounds.
            let place = self.sixteen.iter().position(|color| *color == background);
            assert!(place.is_some_and(|place| place < 8), "{background:?} as a background");
            let place = self.sixteen.iter().position(|color| *color == foreground);
            if has(Modifier::DIM) {
                foreground = self.sixteen[8];
            } else if has(Modifier::UNDERLINED) {
                foreground = self.sixteen[6];
            }
            if has(Modifier::BOLD)
                && let Some(place @ 0..8) = place
            {
                foreground = self.sixteen[place + 8];
            }
        } else if has(Modifier::DIM) {
            // As VTE does it: two thirds of the brightness, whatever is behind.
            let faint = |part: u8| (u16::from(part) * 2 / 3) as u8;
            foreground = (faint(foreground.0), faint(foreground.1), faint(foreground.2));
        }
        if has(Modifier::REVERSED) { (background, foreground) } else { (foreground, background) }
    }
}

/// As WCAG computes it: 1 is none, 21 is black on white.
fn contrast(one: Rgb, other: Rgb) -> f64 {
    let linear = |part: u8| {
        let share = f64::from(part) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    let luminance =
        |(red, green, blue)| 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// The least contrast that text may have (WCAG, AA).
const TEXT: f64 = 4.5;
/// The least that lines of boxes may have, which say nothing.
const LINES: f64 = 1.5;
/// What two grounds must be apart in one of their three parts, to be told apart.
const SEEN: u8 = 24;

fn name(look: Look) -> String {
    let all = format!("{look:?}");
    all.split(", dim").next().unwrap_or_default().to_owned()
}

const ROLES: [Role; 20] = [
    Role::Text,
    Role::Dim,
    Role::Title,
    Role::Key,
    Role::Good,
    Role::Warning,
    Role::Bad,
    Role::Border,
    Role::Focus,
    Role::Match,
    Role::New,
    Role::Selected,
    Role::Series(0),
    Role::Series(1),
    Role::Series(2),
    Role::Series(3),
    Role::Series(4),
    Role::Series(5),
    Role::Series(6),
    Role::Series(7),
];

/// A cell with a character in this role, on a ground in that one.
fn painted(look: Look, role: Role, ground: Option<Role>) -> Cell {
    let area = Rect::new(0, 0, 1, 1);
    let mut buffer = Buffer::empty(area);
    let mut hits = Hits::default();
    let mut canvas = Canvas { buffer: &mut buffer, look, hits: &mut hits };
    canvas.text(0, 0, 1, "x", role);
    if let Some(ground) = ground {
        canvas.shade(area, ground);
    }
    buffer[(0, 0)].clone()
}

#[test]
fn every_role_can_be_read_on_every_ground_in_every_theme() {
    let mut faults = Vec::new();
    for (look, terminals) in looks() {
        for role in ROLES {
            for ground in [None, Some(Role::Bar), Some(Role::Selected)] {
                let cell = painted(look, role, ground);
                for terminal in &terminals {
                    let (foreground, background) = terminal.seen(&cell);
                    let least = if role == Role::Border { LINES } else { TEXT };
                    let found = contrast(foreground, background);
                    if found < least {
                        faults.push(format!(
                            "{}: {role:?} on {ground:?}: {found:.2} \
                             ({foreground:?} on {background:?}, console: {})",
                            name(look),
                            terminal.console
                        ));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn what_is_selected_and_what_was_found_is_seen_as_such_in_every_theme() {
    for (look, terminals) in looks() {
        for terminal in terminals {
            let ground = |role, ground| terminal.seen(&painted(look, role, ground)).1;
            let apart = |one: Rgb, other: Rgb| {
                let parts = [(one.0, other.0), (one.1, other.1), (one.2, other.2)];
                parts.iter().map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
            };
            let plain = ground(Role::Text, None);
            let selected = ground(Role::Text, Some(Role::Selected));
            assert!(apart(plain, selected) >= SEEN, "{}: {selected:?} on {plain:?}", name(look));
            // In the header the open view has brackets, too.
            let bar = ground(Role::Text, Some(Role::Bar));
            assert!(!look.coloured() || apart(bar, selected) >= SEEN, "{}: {bar:?}", name(look));
            for under in [None, Some(Role::Selected)] {
                let (found, around) =
                    (painted(look, Role::Match, under), painted(look, Role::Text, under));
                let differs = apart(terminal.seen(&found).1, terminal.seen(&around).1) >= SEEN;
                assert!(differs || found.modifier != around.modifier, "{}: {under:?}", name(look));
            }
        }
    }
}

#[test]
fn the_first_kinds_of_a_series_are_told_apart() {
    for (look, _) in looks().into_iter().filter(|(look, _)| look.coloured()) {
        for one in 0..4 {
            for other in 0..one {
                let color = |index| look.style(Role::Series(index)).fg;
                assert_ne!(color(one), color(other), "{}", name(look));
            }
        }
    }
}

/// Every cell of the screen that has a character on it.
fn check(dashboard: &Harness, what: &str, faults: &mut Vec<String>) {
    let lines = "─│━┃╭╮╰╯┏┓┗┛▁░█▒";
    for (look, terminals) in looks() {
        let cells = dashboard.cells_with(look);
        for position in cells.area.positions() {
            let cell = &cells[position];
            let symbol = cell.symbol();
            if symbol.trim().is_empty() {
                continue;
            }
            let least = if lines.contains(symbol) { LINES } else { TEXT };
            for terminal in &terminals {
                let (foreground, background) = terminal.seen(cell);
                let found = contrast(foreground, background);
                if found < least && faults.len() < 40 {
                    faults.push(format!(
                        "{what}, {}: {symbol:?} at {position}: {found:.2} \
                         ({foreground:?} on {background:?}, console: {})",
                        name(look),
                        terminal.console
                    ));
                }
            }
        }
    }
}

#[test]
fn every_character_of_every_view_and_layer_can_be_read_in_every_theme() {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.keys("2L<enter>");
    dashboard.say(4, "memalloc: ALLOCATE refused");
    dashboard.say(3, "an error of the kernel");
    dashboard.say(6, "my_name: hello");
    dashboard.pass(6000);
    dashboard.sample(8000, &[("my_name", &[("greetings", 1)])]);
    dashboard.sample(9000, &[("my_name", &[("greetings", 7)])]);
    let mut faults = Vec::new();
    for id in 1..=VIEWS {
        dashboard.keys(&id.to_string());
        check(&dashboard, &format!("{id}"), &mut faults);
    }
    for keys in [
        "6/hello<enter>",
        "6k<enter>",
        "7<tab>",
        "7z",
        "1?",
        "1:",
        "1:log",
        "1E",
        "1C",
        "1P",
        "7L",
        "2L",
        "2U",
        "1!",
        "1<space>",
        "7o",
    ] {
        dashboard.keys(keys);
        check(&dashboard, keys, &mut faults);
        dashboard.keys("<esc><esc><esc>");
    }
    let mut dead = running_lab();
    dead.guest = GuestState::Panicked { reason: "Kernel panic - not syncing: for a test".into() };
    dashboard.lab(dead);
    check(&dashboard, "post-mortem", &mut faults);
    dashboard.keys("<esc>");
    for id in 1..=VIEWS {
        dashboard.keys(&id.to_string());
        check(&dashboard, &format!("{id}, dead"), &mut faults);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
