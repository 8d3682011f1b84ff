// SPDX-License-Identifier: MIT OR Apache-2.0
//! Texts with names in braces, and what these stand for now.

/// What an experiment sees of the kernel and of the dashboard.
pub trait World {
    /// A value as it is now: `module/counter`, `module/control` or `view.fact`.
    fn value(&self, name: &str) -> Option<String>;
    /// What to press for a command of the dashboard.
    fn press(&self, command: &str) -> Option<String>;
    /// How many samples of the counters have come.
    fn samples(&self) -> u64;
    /// How many lines the kernel's log has had.
    fn log_lines(&self) -> u64;
    /// What the kernel has said since it had so many, and on its console if it is dead.
    fn said_since(&self, lines: u64) -> String;
}

/// The text with each name in braces replaced by `known`; of one that is unknown a
/// question mark is left.
pub(super) fn fill(text: &str, known: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, after)| Some((before, after.split_once('}')?)))
    {
        filled.push_str(before);
        filled.push_str(&known(name).unwrap_or_else(|| "?".into()));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// The names in braces.
pub(super) fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0))
}

/// Lines that a file breaks for its own width are one paragraph; an empty line ends it,
/// and so does a line that is set in by four spaces, which stays as it is.
pub(super) fn paragraphs(text: &str) -> String {
    let mut made: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.trim().lines() {
        let verbatim = line.starts_with("    ");
        match (line.trim(), made.last_mut()) {
            ("", _) => {}
            (words, Some(last)) if open && !verbatim => {
                last.push(' ');
                last.push_str(words);
            }
            (words, _) => made.push(words.to_owned()),
        }
        open = !verbatim && !line.trim().is_empty();
    }
    made.join("\n")
}
