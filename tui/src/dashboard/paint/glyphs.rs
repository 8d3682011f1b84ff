// SPDX-License-Identifier: MIT OR Apache-2.0
//! The characters that pictures are made of, in Unicode and in ASCII.

/// A set of characters, each one column wide.
#[derive(Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// Corners of a box: top left, top right, bottom left, bottom right.
    pub corners: [&'static str; 4],
    /// Corners of the box that has the focus.
    pub focus_corners: [&'static str; 4],
    /// Horizontal and vertical line.
    pub lines: [&'static str; 2],
    /// Lines of the box that has the focus.
    pub focus_lines: [&'static str; 2],
    /// Bars of height 1/8 to 8/8; the first is the empty one.
    pub bars: [&'static str; 9],
    /// Arrows: left, right, up, down.
    pub arrows: [&'static str; 4],
    /// Something is so.
    pub yes: &'static str,
    /// Something is not so, or failed.
    pub no: &'static str,
    pub warning: &'static str,
    /// Something to know, and nothing to worry about.
    pub fact: &'static str,
    /// A list's mark, and the mark of something that runs.
    pub dot: &'static str,
    /// Something that is there but does nothing.
    pub ring: &'static str,
    /// A full cell, a half and a light one.
    pub shades: [&'static str; 3],
    /// Text was cut here.
    pub ellipsis: &'static str,
    /// Between parts of a line.
    pub separator: &'static str,
    /// The selected row's mark.
    pub pointer: &'static str,
    /// Are characters beyond ASCII shown?
    pub unicode: bool,
    /// Can charts use braille?
    pub braille: bool,
}

/// Box drawing, blocks and braille.
pub const UNICODE: Glyphs = Glyphs {
    corners: ["╭", "╮", "╰", "╯"],
    focus_corners: ["┏", "┓", "┗", "┛"],
    lines: ["─", "│"],
    focus_lines: ["━", "┃"],
    bars: [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    arrows: ["←", "→", "↑", "↓"],
    yes: "✓",
    no: "✗",
    warning: "▲",
    fact: "ℹ",
    dot: "●",
    ring: "○",
    shades: ["█", "▒", "░"],
    ellipsis: "…",
    separator: "·",
    pointer: "▶",
    unicode: true,
    braille: true,
};

/// ASCII only.
pub const ASCII: Glyphs = Glyphs {
    corners: ["+", "+", "+", "+"],
    focus_corners: ["#", "#", "#", "#"],
    lines: ["-", "|"],
    focus_lines: ["=", "|"],
    bars: [" ", ".", ".", ":", ":", "+", "+", "#", "#"],
    arrows: ["<", ">", "^", "v"],
    yes: "+",
    no: "x",
    warning: "!",
    fact: "i",
    dot: "*",
    ring: "o",
    shades: ["#", "=", "."],
    ellipsis: "~",
    separator: "-",
    pointer: ">",
    unicode: false,
    braille: false,
};
