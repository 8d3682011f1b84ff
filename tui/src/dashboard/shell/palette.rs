// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the palette finds: every command whose name or title has the typed
//! letters in their order, or whose help has the typed words.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::commands;
use super::commands::Entry;
use crate::dashboard::core::Info;
use crate::dashboard::views::Views;

/// How a command matches, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Quality {
    /// Its name or title is just what was typed.
    Same,
    /// Its name or title begins with it.
    Begins,
    /// Its name or title has every word.
    Words,
    /// Its name or title has the letters of every word, in their order.
    Letters,
    /// Every word is somewhere in its name, title or help.
    Help,
}

/// The commands that match `typed`, best first; where several match equally
/// well, those of the view `here` come before those that mean the same
/// everywhere, and other views' last.
pub fn matches<'a>(views: &'a Views, typed: &str, here: &str) -> Vec<Entry<'a>> {
    let typed = typed.trim().to_lowercase();
    let mut seeker = Seeker::new(&typed);
    let mut found: Vec<_> = commands::all(views)
        .filter_map(|entry| {
            let (quality, score) = seeker.look(entry.info)?;
            let place = match entry.view {
                Some(view) if view.id == here => 0,
                None => 1,
                Some(_) => 2,
            };
            Some(((quality, place, u32::MAX - score), entry))
        })
        .collect();
    // Of equals, the table's order stays.
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, entry)| entry).collect()
}

struct Seeker<'a> {
    typed: &'a str,
    words: Pattern,
    letters: Pattern,
    matcher: Matcher,
    buffer: Vec<char>,
}

impl<'a> Seeker<'a> {
    fn new(typed: &'a str) -> Self {
        let pattern = |kind| Pattern::new(typed, CaseMatching::Ignore, Normalization::Smart, kind);
        Self {
            typed,
            words: pattern(AtomKind::Substring),
            letters: pattern(AtomKind::Fuzzy),
            matcher: Matcher::new(Config::DEFAULT),
            buffer: Vec::new(),
        }
    }

    fn look(&mut self, command: &Info) -> Option<(Quality, u32)> {
        let title = command.title.to_lowercase();
        if self.typed.is_empty() {
            return Some((Quality::Same, 0));
        }
        if [command.name, &title].contains(&self.typed) {
            return Some((Quality::Same, 0));
        }
        let name = format!("{} {title}", command.name);
        let Self { words, letters, matcher, buffer, .. } = self;
        let mut score =
            |pattern: &Pattern, text: &str| pattern.score(Utf32Str::new(text, buffer), matcher);
        if let Some(score) = score(words, &name) {
            let begins = command.name.starts_with(self.typed) || title.starts_with(self.typed);
            return Some((if begins { Quality::Begins } else { Quality::Words }, score));
        }
        if let Some(score) = score(letters, &name) {
            return Some((Quality::Letters, score));
        }
        let all = format!("{name} {}", command.help);
        score(words, &all).map(|score| (Quality::Help, score))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(typed: &str, here: &str) -> Vec<&'static str> {
        matches(&Views::all(), typed, here).iter().map(|entry| entry.info.name).collect()
    }

    #[test]
    fn with_nothing_typed_the_views_own_come_first_then_those_of_everywhere() {
        let views = Views::all();
        let found = matches(&views, "", "log");
        assert_eq!(found.len(), commands::all(&views).count());
        let places: Vec<_> = found
            .iter()
            .map(|entry| match entry.view {
                Some(view) if view.id == "log" => 0,
                None => 1,
                Some(_) => 2,
            })
            .collect();
        assert!(places.is_sorted(), "{places:?}");
        assert_eq!(found[0].info.name, "log-search");
    }

    #[test]
    fn equal_matches_of_the_view_come_before_those_of_everywhere() {
        let first = |typed, here| names(typed, here)[0];
        assert_eq!(first("sa", "log"), "log-save");
        let found = names("c", "log");
        let at = |name| found.iter().position(|found| *found == name).unwrap();
        assert!(at("log-clear") < at("copy"), "both titles begin with it: {found:?}");
        assert!(at("copy") < at("block-compare"), "{found:?}");
    }

    #[test]
    fn a_whole_name_comes_first_wherever_it_belongs() {
        assert_eq!(names("load", "log")[0], "load");
        assert_eq!(names("Quit", "memory")[0], "quit");
    }

    #[test]
    fn letters_in_their_order_are_enough() {
        assert_eq!(names("vmrb", "overview")[0], "vm-reboot");
        assert_eq!(names("lgsv", "overview")[0], "log-save");
        assert!(names("plg", "overview").contains(&"vm-plug"));
        assert!(names("vasm", "overview").is_empty());
    }

    #[test]
    fn words_count_in_any_order_and_in_the_help_too() {
        assert_eq!(names("cold reboot", "overview")[0], "vm-reboot-cold");
        assert_eq!(names("reboot vm", "overview")[0], "vm-reboot");
        assert_eq!(names("clipboard", "overview")[0], "copy");
        assert!(names("no such thing", "overview").is_empty());
    }
}
