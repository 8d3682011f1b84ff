// SPDX-License-Identifier: MIT OR Apache-2.0
//! The key reference for the documentation, from the command table.

use std::fmt::Write;

use super::commands;
use super::model::Model;
use super::recordings;
use crate::dashboard::core::Info;

/// The reference as Markdown.
pub fn keys() -> String {
    let model = Model::default();
    let mut text = String::from(
        "<!-- SPDX-License-Identifier: MIT OR Apache-2.0 -->\n\
         <!-- Written from the command table by `RINGSIDE_UPDATE_KEYS=1 cargo test`. -->\n\n\
         # Keys of the dashboard\n\n\
         `:` finds every command by a part of its name, those without a key too. Keys of your own \
         go into the `[keys]` section of `config.toml`, by the command's name.\n",
    );
    section(&mut text, &model, "Everywhere", "", commands::global(&model.views));
    let about = "They come before those of the views, which would need a kernel";
    section(&mut text, &model, "In a recording", about, recordings::COMMANDS.iter());
    for (index, view) in model.views.iter().enumerate() {
        let about = view.about();
        let title = format!("{} {}", index + 1, about.title);
        section(&mut text, &model, &title, about.about, view.infos().into_iter());
    }
    text
}

fn section<'a>(
    text: &mut String,
    model: &Model,
    title: &str,
    about: &str,
    commands: impl Iterator<Item = &'a Info>,
) {
    // Writing to a string can't fail.
    let _ = write!(text, "\n## {title}\n\n");
    if !about.is_empty() {
        let _ = write!(text, "{about}.\n\n");
    }
    text.push_str("| keys | command | what it does |\n|---|---|---|\n");
    for command in commands {
        let keys = model.keymap.text(command.name).replace('|', "\\|");
        let keys = if keys.is_empty() { String::new() } else { format!("`{keys}`") };
        let _ = writeln!(text, "| {keys} | `{}` | {} |", command.name, command.help);
    }
}
