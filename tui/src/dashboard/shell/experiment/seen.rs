// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an experiment sees: counters, controls, what views show, keys.

use crate::dashboard::data::log::Kind;
use crate::dashboard::shell::commands;
use crate::dashboard::shell::model::Model;
use crate::experiment::World;

/// Last lines of a dead kernel's console.
const LAST_LINES: usize = 100;

/// The model, as an experiment sees it.
pub(super) struct Seen<'a> {
    pub(super) model: &'a Model,
}

impl World for Seen<'_> {
    fn value(&self, name: &str) -> Option<String> {
        if let Some((module, value)) = name.split_once('/') {
            // The newest, also where the picture stands still.
            let latest = self.model.counters.latest().modules.iter();
            let module = latest.into_iter().find(|entry| entry.module == module)?;
            let mut values = module.counters.iter().chain(&module.controls);
            return values.find(|one| one.name == value).map(|one| one.value.clone());
        }
        let (view, fact) = name.split_once('.')?;
        let view = self.model.views.iter().find(|one| one.about().id == view)?;
        view.fact(&self.model.shared, fact)
    }

    fn press(&self, command: &str) -> Option<String> {
        let mut known = commands::all(&self.model.views);
        known.find(|entry| entry.info.name == command)?;
        Some(self.model.keymap.press(command))
    }

    fn samples(&self) -> u64 {
        self.model.counters.samples()
    }

    fn log_lines(&self) -> u64 {
        self.model.log.end()
    }

    fn said_since(&self, lines: u64) -> String {
        let log = &self.model.log;
        let rows = (lines.max(log.start())..log.end()).filter_map(|number| log.row(number));
        // Of the kernel only: a program may write to the log as well.
        let of_kernel = rows.filter(|row| row.kind == Kind::Record && row.facility == 0);
        let mut said: Vec<&str> = of_kernel.map(|row| &*row.text).collect();
        if self.model.link.dead().is_some() {
            // A dead kernel has said its last words on the console only.
            let lines = self.model.console.lines();
            let first = lines.len().saturating_sub(LAST_LINES);
            said.extend(lines.skip(first));
        }
        said.join("\n")
    }
}
