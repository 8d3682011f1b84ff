// SPDX-License-Identifier: MIT OR Apache-2.0
//! What fits on small and large screens: nothing that matters is cut.

use std::collections::BTreeMap;

use super::harness::Harness;
use super::harness::VIEWS;
use super::scripted_kernel::{ScriptedKernel, module_file};
use crate::dashboard::core::Key;
use crate::dashboard::core::keymap::Keymap;
use crate::kernel::api::KmsgRecord;

const SIZES: [(u16, u16); 3] = [(60, 16), (80, 24), (200, 60)];

fn guest() -> Harness {
    Harness::new(ScriptedKernel::guest())
}

/// What stands between the borders of the topmost box, from its title down to its
/// lower edge.
fn boxed(screen: &str, title: &str) -> Vec<String> {
    let lines: Vec<Vec<char>> = screen.lines().map(|line| line.chars().collect()).collect();
    let start = format!("┏ {title}");
    let (top, left) = lines
        .iter()
        .enumerate()
        .find_map(|(row, line)| {
            let text: String = line.iter().collect();
            text.find(&start).map(|at| (row, text[..at].chars().count()))
        })
        .unwrap_or_else(|| panic!("no box {title}: {screen}"));
    let right = lines[top].iter().position(|sign| *sign == '┓').unwrap_or(0);
    lines[top + 1..]
        .iter()
        .take_while(|line| line.get(left) == Some(&'┃'))
        .map(|line| line[left + 1..right].iter().collect())
        .collect()
}

#[test]
fn the_open_view_is_named_in_the_first_row_at_every_size() {
    for (width, height) in SIZES {
        for id in 1..=VIEWS {
            let mut dashboard = guest();
            dashboard.resize(width, height);
            dashboard.keys(&id.to_string());
            let screen = dashboard.screen();
            let tabs = format!("{} ", screen.lines().next().unwrap_or_default());
            assert!(tabs.contains(&format!("[{} ", id)), "{width}: {tabs}");
            for other in 1..=VIEWS {
                let number = format!(" {} ", other);
                assert!(other == id || tabs.contains(&number), "{number} at {width}: {tabs}");
            }
        }
    }
}

#[test]
fn help_has_every_key_of_every_view_and_nothing_in_it_is_cut() {
    for (width, height) in SIZES {
        for id in 1..=VIEWS {
            let mut dashboard = guest();
            dashboard.resize(width, height);
            dashboard.keys(&format!("{}?", id));
            let mut seen: Vec<String> = Vec::new();
            for _ in 0..20 {
                for line in boxed(&dashboard.screen(), "Help: ") {
                    assert!(!line.contains('…'), "{line}");
                    seen.push(line.split_whitespace().collect::<Vec<_>>().join(" "));
                }
                dashboard.keys("<pagedown>");
            }
            let all = seen.join(" ");
            for command in dashboard.model.views.current(&dashboard.model).infos() {
                assert!(all.contains(&*command.help), "{width} {id} {}: {all}", command.help);
            }
            assert!(all.contains(": finds every command"), "the last line: {all}");
            // One key up from the end moves at once.
            let end = dashboard.screen();
            dashboard.keys("<up>");
            assert!(dashboard.screen() != end || height == 60, "{end}");
        }
    }
}

#[test]
fn every_field_of_every_load_form_is_on_the_smallest_screen_with_the_help_of_the_focused_one() {
    for module in ringside_uapi::MODULES {
        let mut dashboard = guest();
        let mut strings: Vec<String> = Vec::new();
        for parameter in module.parameters {
            strings.push(format!("parmtype={}:charp", parameter.name));
            strings.push(format!("parm={}:{}", parameter.name, parameter.help));
        }
        let strings: Vec<&str> = strings.iter().map(String::as_str).collect();
        dashboard.build = Ok(module_file(&strings));
        dashboard.resize(60, 16);
        dashboard.keys(&format!("7L{}<enter>", module.name));
        for focused in module.parameters {
            let screen = dashboard.screen();
            let form = boxed(&screen, &format!("Load {}", module.name));
            let text: String = form
                .iter()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect::<Vec<_>>()
                .join(" ");
            for parameter in module.parameters {
                let named = |line: &&String| line.contains(&format!(" {} ", parameter.name));
                assert!(form.iter().any(|line| named(&line)), "{}: {screen}", parameter.name);
            }
            assert!(text.contains(focused.help), "{}: {screen}", focused.help);
            assert!(text.contains("[Enter go]") && text.contains("insmod"), "{screen}");
            dashboard.keys("<tab>");
        }
    }
}

#[test]
fn a_form_with_more_fields_than_rows_shows_the_one_with_the_focus_and_how_many_are_hidden() {
    let mut dashboard = guest();
    let strings: Vec<String> = (0..20).map(|index| format!("parmtype=field{index}:int")).collect();
    let strings: Vec<&str> = strings.iter().map(String::as_str).collect();
    dashboard.build = Ok(module_file(&strings));
    dashboard.resize(60, 16);
    dashboard.keys("7L/x.ko<enter>");
    for index in 0..20 {
        let screen = dashboard.screen();
        assert!(screen.contains(&format!("▶ field{index} ")), "{index}: {screen}");
        assert!(screen.contains("more fields: Tab"), "{screen}");
        assert!(screen.contains("[Enter go]") && screen.contains("insmod /x.ko"), "{screen}");
        dashboard.keys("<tab>");
    }
}

#[test]
fn long_help_of_a_field_goes_on_in_the_next_line_and_its_limits_follow() {
    let mut dashboard = guest();
    let help = "so much help that it does not fit into one line of a screen of eighty columns";
    dashboard.build = Ok(module_file(&[&format!("parm=year:{help}"), "parmtype=year:byte"]));
    dashboard.keys("7L/x.ko<enter>");
    let form = boxed(&dashboard.screen(), "Load x").join(" ");
    let text = form.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(&format!("{help} (0 to 255)")), "{text}");
}

#[test]
fn a_field_names_the_limit_of_the_thing_and_not_its_own() {
    let mut dashboard = guest();
    dashboard.keys("6s");
    assert!(!dashboard.shows("bytes)"), "a path has no limit: {}", dashboard.screen());
    dashboard.keys("<esc>7L");
    assert!(!dashboard.shows("bytes)"), "{}", dashboard.screen());
}

#[test]
fn long_lines_of_the_log_are_seen_to_their_end_by_scrolling_sideways() {
    let mut dashboard = guest();
    dashboard.keys("6");
    let long: String = (0..60).map(|index| format!("word{index} ")).collect();
    dashboard.say(6, &format!("{long}END"));
    dashboard.say(6, "short");
    assert!(dashboard.shows("word0 ") && !dashboard.shows("END"));
    for _ in 0..60 {
        dashboard.keys("<right>");
    }
    assert!(dashboard.shows("END"), "{}", dashboard.screen());
    assert!(dashboard.shows("1.000000"), "the time stays: {}", dashboard.screen());
    assert!(!dashboard.shows("word0 "));
    // One key back is seen at once: it never runs on beyond the end.
    let end = dashboard.screen();
    dashboard.keys("h");
    assert_ne!(dashboard.screen(), end);
    for _ in 0..60 {
        dashboard.keys("<left>");
    }
    assert!(dashboard.shows("word0 "));
    dashboard.keys("<right><right><esc>");
    assert!(dashboard.shows("word0 "), "Esc goes back to the beginning of the lines");
}

#[test]
fn a_record_of_one_field_or_many_is_unfolded_with_tab_and_enter_only() {
    let mut dashboard = guest();
    dashboard.keys("6");
    dashboard.records(vec![KmsgRecord {
        sequence: 9,
        text: "a record".into(),
        fields: vec![("SUBSYSTEM".into(), "usb".into())],
        ..KmsgRecord::default()
    }]);
    dashboard.keys("<right>");
    assert!(!dashboard.shows("SUBSYSTEM"));
    dashboard.keys("<enter>");
    assert!(dashboard.shows("SUBSYSTEM"));
}

#[test]
fn long_commands_and_their_errors_are_seen_to_their_end_by_scrolling_sideways() {
    let mut dashboard = guest();
    dashboard
        .keys("2L<tab><ctrl-u>a value that takes so much of the line that the rest is cut<enter>E");
    assert!(!dashboard.shows("name=Ringside"), "{}", dashboard.screen());
    dashboard.keys("<right><right><right><right><right><right><right><right>");
    assert!(dashboard.shows("0 ms"), "{}", dashboard.screen());
    assert!(dashboard.shows("0:01"), "the time stays: {}", dashboard.screen());
    let end = dashboard.screen();
    dashboard.keys("<left>");
    assert_ne!(dashboard.screen(), end);
    dashboard.keys("<left><left><left><left><left><left><left><left>");
    assert!(dashboard.shows("insmod my_name.ko"));
}

#[test]
fn long_lines_of_the_console_are_seen_to_their_end_by_scrolling_sideways() {
    let mut dashboard = guest();
    dashboard.console(&format!("{} END\n", "x".repeat(150)));
    dashboard.keys("C");
    assert!(!dashboard.shows("END"));
    for _ in 0..20 {
        dashboard.keys("l");
    }
    assert!(dashboard.shows("END"), "{}", dashboard.screen());
}

#[test]
fn the_palette_tells_all_of_the_selected_command() {
    for (width, height) in SIZES {
        let mut dashboard = guest();
        dashboard.resize(width, height);
        dashboard.keys(":log-search");
        let text = boxed(&dashboard.screen(), "Commands").join(" ");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let help = "search for text, or with Ctrl-r for a regular expression";
        assert!(text.contains(help), "{width}: {text}");
        dashboard.keys("<esc>:vm-unplug");
        dashboard.resize(width, height);
    }
}

/// A word that is one letter, after one that announces a key.
fn named_keys(screen: &str) -> Vec<String> {
    let plain = screen.replace(['│', '┃', '║'], " ");
    let words: Vec<&str> = plain.split_whitespace().collect();
    let letter = |word: &str| {
        let word = word.trim_end_matches([':', ',', '.', ';']);
        word.len() == 1 && word.chars().all(|sign| sign.is_ascii_alphabetic())
    };
    let pairs = words.windows(2);
    let keys =
        pairs.filter(|pair| matches!(pair[0], "press" | "with" | "Press") && letter(pair[1]));
    keys.map(|pair| pair.join(" ")).collect()
}

#[test]
fn a_text_names_the_keys_that_the_user_has_chosen_in_every_view() {
    let kernels: [fn() -> ScriptedKernel; 2] = [ScriptedKernel::guest, || {
        let loaded = ["memalloc", "producer_consumer", "kmod", "my_name"];
        let modules = loaded.map(|name| (name.to_owned(), String::new())).to_vec();
        ScriptedKernel { modules, ..ScriptedKernel::guest() }
    }];
    for (loaded, kernel) in kernels.into_iter().enumerate() {
        let mut dashboard = Harness::new(kernel());
        let infos: Vec<_> = crate::dashboard::shell::table::all(&dashboard.model.views)
            .map(|entry| entry.info)
            .collect();
        let own = infos.iter().map(|info| {
            let keys = info.keys.iter().filter_map(|key| Key::parse(key));
            let keys = keys.map(|key| Key { alt: key.code.as_char().is_some(), ..key });
            (info.name.to_owned(), keys.collect())
        });
        let own: BTreeMap<_, Vec<Key>> = own.collect();
        dashboard.model.shared.keymap = Keymap::new(infos.iter().copied(), &own);
        let mut texts = Vec::new();
        for id in 1..=VIEWS {
            dashboard.keys(&format!("<alt-{id}>"));
            texts.push(dashboard.screen());
        }
        assert!(texts[3].contains("Alt-"), "{}", texts[3]);
        dashboard.resize(40, 10);
        texts.push(dashboard.screen());
        for text in texts {
            assert_eq!(named_keys(&text), Vec::<String>::new(), "{loaded}: {text}");
        }
    }
}
