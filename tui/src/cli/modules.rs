// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside modules`: the modules that are loaded, or everything about one.

use clap::Args;
use serde::Serialize;

use super::output::say;
use super::{Connection, Outcome, candidates};
use crate::kernel::api::{Holder, ModuleDetail, ModuleSummary};
use crate::kernel::{put, question, taint};

/// Show the modules that are loaded, or everything about one
///
///     ringside modules                  newest first, as lsmod does
///     ringside modules kmod             parameters, controls, who uses it
///     ringside modules --json
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Modules {
    /// Only this module, with everything that is known of it
    #[arg(add = candidates::loaded())]
    name: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `modules NAME --json` prints.
#[derive(Serialize)]
struct Whole {
    module: ModuleDetail,
    holders: Vec<Holder>,
}

impl Modules {
    /// Prints them.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let target = connection.open()?;
        if let Some(name) = &self.name {
            let name = || name.clone();
            let module = put(&*target, question::Module { name: name() })?;
            let holders = put(&*target, question::Holders { name: name() })?;
            let text = describe(&module, &holders);
            say(self.json, &text, &Whole { module, holders })?;
            return Ok(0);
        }
        let modules = put(&*target, question::Modules)?;
        say(self.json, &table(&modules), &modules)?;
        Ok(0)
    }
}

fn users(module: &ModuleSummary) -> String {
    match module.users {
        -1 => "permanent".into(),
        users => users.to_string(),
    }
}

fn table(modules: &[ModuleSummary]) -> String {
    if modules.is_empty() {
        return "no module is loaded\n".into();
    }
    let width = modules.iter().map(|module| module.name.len()).max();
    let width = width.unwrap_or_default().max(6);
    let mut text =
        format!("{:width$}  {:>9}  {:>9}  STATE      USED BY\n", "MODULE", "BYTES", "USERS");
    for module in modules {
        let state = if module.broken { "oopsed" } else { &module.state };
        let line = format!(
            "{:width$}  {:>9}  {:>9}  {state:9}  {}",
            module.name,
            module.size,
            users(module),
            module.used_by.join(" ")
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn describe(module: &ModuleDetail, holders: &[Holder]) -> String {
    let summary = &module.summary;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("{name:11} {value}\n"));
        }
    };
    line("module", &summary.name);
    line("state", if summary.broken { "oopsed: unusable until a reboot" } else { &summary.state });
    line("size", &format!("{} bytes", summary.size));
    line("users", &users(summary));
    line("uses", &module.uses.join(" "));
    line("taint", &taint::of_letters(&summary.taint));
    line("version", module.version.as_deref().unwrap_or_default());
    line("srcversion", module.srcversion.as_deref().unwrap_or_default());
    line("build id", &summary.build_id);
    for parameter in &module.parameters {
        let value = parameter.value.as_deref().unwrap_or("(can't be read)");
        let how = if parameter.writable { " (writable)" } else { "" };
        line("parameter", &format!("{} = {value}{how}", parameter.name));
    }
    for control in &module.controls {
        line("control", &format!("{} = {}", control.name, control.value));
    }
    if ringside_uapi::module(&summary.name).is_some() && !summary.ours {
        line(
            "not ours",
            "it only bears the name of one of Ringside's: no counters, no controls, no snapshot",
        );
    }
    for thread in &module.threads {
        let waits = match thread.waits_in.as_str() {
            "" => String::new(),
            function => format!(" in {function}"),
        };
        line("thread", &format!("{} (pid {}): {}{waits}", thread.name, thread.pid, thread.state));
    }
    for holder in holders {
        line("held by", &holder.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modules_taint_is_told_in_words() {
        let summary = ModuleSummary { taint: "OE".into(), ..ModuleSummary::default() };
        let detail = ModuleDetail { summary, ..ModuleDetail::default() };
        let told = describe(&detail, &[]);
        assert!(told.contains("taint       O out-of-tree module, E unsigned module\n"), "{told}");
    }

    #[test]
    fn the_table_shows_who_uses_what_and_what_is_broken() {
        let module = |name: &str, users, broken| ModuleSummary {
            name: name.into(),
            size: 20480,
            users,
            used_by: vec!["other".into()],
            state: "Live".into(),
            broken,
            ..ModuleSummary::default()
        };
        let text = table(&[module("memalloc", 1, false), module("kmod", -1, true)]);
        assert_eq!(
            text,
            "MODULE        BYTES      USERS  STATE      USED BY\n\
             memalloc      20480          1  Live       other\n\
             kmod          20480  permanent  oopsed     other\n"
        );
        assert_eq!(table(&[]), "no module is loaded\n");
    }
}
