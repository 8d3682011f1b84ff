// SPDX-License-Identifier: MIT OR Apache-2.0
//! What Tab offers as values: modules, parameters, controls, labs, programs, paths.
//!
//! A shell starts a process for each Tab (see [`super::completions`]), which
//! knows the line typed so far. What a kernel has to be asked for is offered
//! where it answers quickly.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use clap::{ArgMatches, FromArgMatches};
use clap_complete::engine::{
    ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};
use ringside_uapi::describe::Module;

use super::Connection;
use crate::experiment;
use crate::kernel::api::ModuleDetail;
use crate::kernel::modinfo::is_module_file;
use crate::kernel::{Question, put, question};
use crate::lab::built_module::{BuiltModule, read_one};
use crate::lab::client;
use crate::text::escape::harmless;

/// The system call, which `set` takes for a module.
const MY_SYSCALL: &str = "my_syscall";

/// How long a Tab waits for a kernel.
const PATIENCE: Duration = Duration::from_secs(1);

/// The labs that run.
pub(super) fn labs() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let ids = client::labs().unwrap_or_default();
        offer(current, ids.into_iter().map(|id| (id, String::new())))
    })
}

/// The modules that are loaded.
pub(super) fn loaded() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| match ask(question::Modules) {
        Some(modules) => offer(current, modules.into_iter().map(|module| described(module.name))),
        _ => Vec::new(),
    })
}

/// The modules that have counters.
pub(super) fn counted() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| match ask(question::Counters { module: None }) {
        Some(sample) => {
            offer(current, sample.modules.into_iter().map(|module| described(module.module)))
        }
        _ => Vec::new(),
    })
}

/// What has something to set: loaded modules, and the system call.
pub(super) fn settable() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let modules = ask(question::Modules).unwrap_or_default();
        let names = modules.into_iter().map(|module| module.name);
        offer(current, names.chain([MY_SYSCALL.into()]).map(described))
    })
}

/// The controls of the module that stands before, and its parameters that can be
/// written, with their values.
pub(super) fn controls() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let Some(name) = typed("set").and_then(|matches| {
            let module = matches.try_get_one::<String>("module").ok().flatten();
            module.cloned()
        }) else {
            return Vec::new();
        };
        if name == MY_SYSCALL {
            let message = ringside_uapi::my_syscall::MESSAGE;
            return offer(current, [(message.to_owned(), "what each call logs".to_owned())]);
        }
        match ask(question::Module { name }) {
            Some(module) => offer(current, to_set(&module)),
            _ => Vec::new(),
        }
    })
}

fn to_set(module: &ModuleDetail) -> Vec<(String, String)> {
    let known = ringside_uapi::module(&module.summary.name);
    let help = |name: &str| {
        let known = known.and_then(|known| known.controls.iter().find(|one| one.name == name));
        known.map_or("", |one| one.help)
    };
    let controls = module.controls.iter().map(|control| {
        let (name, value) = (control.name.clone(), &control.value);
        let help = help(&name);
        (name, format!("{value} now; {help}").trim_end_matches("; ").to_owned())
    });
    let parameters = module.parameters.iter().filter(|parameter| parameter.writable);
    let parameters = parameters.map(|parameter| {
        let value = parameter.value.as_deref().unwrap_or_default();
        (parameter.name.clone(), format!("parameter, {value} now"))
    });
    controls.chain(parameters).collect()
}

/// The experiments that come with the program, and files.
pub(super) fn experiments() -> ArgValueCompleter {
    let is_toml = |path: &Path| path.extension().is_some_and(|end| end == "toml");
    let paths = PathCompleter::any().filter(move |path| is_toml(path) || path.is_dir());
    ArgValueCompleter::new(move |current: &OsStr| {
        let shipped = experiment::names().filter_map(|name| {
            let script = experiment::shipped(name)?.ok()?;
            Some((name.to_owned(), script.experiment.title.clone()))
        });
        let mut all = offer(current, shipped);
        all.extend(paths.complete(current));
        all
    })
}

/// What can be loaded: ours by name, files and folders by path.
pub(super) fn loadable() -> ArgValueCompleter {
    let is_module = |path: &Path| is_module_file(&path.to_string_lossy());
    let paths = PathCompleter::any().filter(move |path| is_module(path) || path.is_dir());
    ArgValueCompleter::new(move |current: &OsStr| {
        let ours = ringside_uapi::MODULES.iter().map(|module| described(module.name.into()));
        let mut all = offer(current, ours);
        all.extend(paths.complete(current));
        all
    })
}

/// The parameters of the module that stands before, but for those given already.
pub(super) fn parameters() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let Some(matches) = typed("load") else {
            return Vec::new();
        };
        let module = matches.try_get_one::<PathBuf>("module").ok().flatten();
        let given: Vec<String> = match matches.try_get_many::<String>("parameters") {
            Ok(Some(words)) => words.cloned().collect(),
            _ => Vec::new(),
        };
        let is_given = |name: &str| {
            let mut words = given.iter().filter_map(|word| word.split_once('='));
            words.any(|(given, _)| given == name)
        };
        let all = module.map(|module| parameters_of(module)).unwrap_or_default();
        let left = all.into_iter().filter(|(name, _)| !is_given(name));
        offer(current, left.map(|(name, help)| (format!("{name}="), help)))
    })
}

/// A module's parameters, by its description or by its file.
fn parameters_of(module: &Path) -> Vec<(String, String)> {
    if let Some(known) = module.to_str().and_then(ringside_uapi::module) {
        let parameters = known.parameters.iter();
        return parameters
            .map(|one| (one.name.into(), format!("{}; {} if not given", one.help, one.default)))
            .collect();
    }
    let Ok(BuiltModule { info, .. }) = read_one(module) else {
        return Vec::new();
    };
    let parameters = info.parameters();
    let described = parameters.map(|one| {
        let help = format!("{} ({})", one.help, one.kind);
        (one.name.to_owned(), help.trim().trim_end_matches("()").trim().to_owned())
    });
    described.collect()
}

/// The block devices of the kernel.
pub(super) fn devices() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| match ask(question::BlockDevices) {
        Some(devices) => {
            let about = |size: u64, model: &str| format!("{size} bytes, {model}");
            let nodes = devices.into_iter().map(|one| {
                let help = about(one.size, &one.model);
                (one.path, help)
            });
            offer(current, nodes)
        }
        _ => Vec::new(),
    })
}

/// A program and its arguments: of the programs on PATH the first, and paths.
pub(super) fn programs() -> ArgValueCompleter {
    ArgValueCompleter::new(Programs)
}

struct Programs;

impl ValueCompleter for Programs {
    fn complete(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        PathCompleter::any().complete(current)
    }

    fn complete_at(&self, index: usize, current: &OsStr) -> Vec<CompletionCandidate> {
        let mut all = Vec::new();
        // Not all of them at once: there are thousands.
        if index == 0 && !current.is_empty() {
            all = offer(current, on_path().into_iter().map(|name| (name, String::new())));
        }
        all.extend(self.complete(current));
        all
    }
}

fn on_path() -> Vec<String> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let entries = std::env::split_paths(&folders).filter_map(|folder| folder.read_dir().ok());
    let names =
        entries.flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names.dedup();
    names
}

/// A module's name, and what it is for if it is one of ours.
fn described(name: String) -> (String, String) {
    let about = ringside_uapi::module(&name).map(|module: &Module| module.summary);
    (name, about.unwrap_or_default().to_owned())
}

/// Those that begin with what is typed. A kernel's words may be anything, and a
/// shell prints them.
fn offer(
    current: &OsStr,
    all: impl IntoIterator<Item = (String, String)>,
) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else {
        return Vec::new();
    };
    let plain = |text: &str| text.chars().all(harmless);
    all.into_iter()
        .filter(|(value, _)| value.starts_with(current) && plain(value))
        .map(|(value, help)| {
            let help = Some(help).filter(|help| !help.is_empty() && plain(help));
            CompletionCandidate::new(value).help(help.map(Into::into))
        })
        .collect()
}

/// The line typed so far, as far as it can be understood.
fn line() -> Option<ArgMatches> {
    let words = std::env::args_os().skip_while(|word| word != "--").skip(1);
    let words: Vec<OsString> = words.collect();
    super::command().ignore_errors(true).try_get_matches_from(words).ok()
}

/// What is typed of the command called `name`.
fn typed(name: &str) -> Option<ArgMatches> {
    line()?.subcommand_matches(name).cloned()
}

/// Asks the kernel that the line means, unless a command of the user's would have
/// to be run for that.
fn ask<Q>(question: Q) -> Option<Q::Reply>
where
    Q: Question + Send + 'static,
    Q::Reply: Send + 'static,
{
    let connection = Connection::from_arg_matches(&line()?).ok()?;
    if connection.connect.is_some() {
        return None;
    }
    let (send, answer) = channel();
    // One that does not answer ends with this process.
    thread::spawn(move || {
        let reply = connection.open().ok().and_then(|target| put(&*target, question).ok());
        // Nobody listens any more when it took too long.
        drop(send.send(reply));
    });
    answer.recv_timeout(PATIENCE).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::api::{CounterValue, ParameterValue};

    #[test]
    fn only_what_begins_as_typed_and_steers_no_terminal_is_offered() {
        let words = ["my_name", "my\u{1b}[31m", "kmod"].map(|name| described(name.into()));
        let offered = offer(OsStr::new("my"), words);
        let names: Vec<_> = offered.iter().map(CompletionCandidate::get_value).collect();
        assert_eq!(names, ["my_name"]);
        assert!(offered[0].get_help().is_some());
    }

    #[test]
    fn what_can_be_set_is_offered_with_its_value() {
        let parameter = |name: &str, writable| ParameterValue {
            name: name.into(),
            value: Some("1".into()),
            writable,
        };
        let module = ModuleDetail {
            controls: vec![CounterValue::new("paused", 0)],
            parameters: vec![parameter("free", true), parameter("fixed", false)],
            ..ModuleDetail::default()
        };
        let offered = [("paused", "0 now"), ("free", "parameter, 1 now")];
        assert_eq!(to_set(&module), offered.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn the_parameters_of_our_modules_are_known_without_their_files() {
        let names: Vec<String> =
            parameters_of(Path::new("my_name")).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["intParameter", "charParameter", "name"]);
        assert!(parameters_of(Path::new("/dev/zero")).is_empty());
    }
}
