// SPDX-License-Identifier: MIT OR Apache-2.0
//! Doing things one by one, and printing each: the command that does the same, what
//! came of it, and what the kernel logged meanwhile.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cli::Failure;
use crate::cli::our_module;
use crate::cli::output::json;
use crate::cli::progress::Show;
use crate::kernel::api::{Item, Request};
use crate::kernel::call::ask;
use crate::kernel::{Target, put, question};
use crate::lab::build_error::BuildError;
use crate::lab::built_module::read_one;
use crate::lab::flavour::Flavour;
use crate::text::escape::visible;

/// How long something that is bound to happen may take on a busy computer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The counters of a module by name.
pub(super) type Counters = BTreeMap<String, u64>;

/// What is printed: a line or a few for people, an object for programs.
#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub(super) enum Step<'a> {
    /// The lab has started.
    Lab { kernel: &'a str, resumed: bool, started_in_ms: u64, accelerator: &'a str, why: &'a str },
    /// What follows is about this module.
    Part { module: &'a str, about: &'a str },
    /// Something is done, by what this command does.
    Do { command: &'a str },
    /// What came of it.
    Result { text: &'a str },
    /// What the kernel logged.
    Log { seconds: f64, text: &'a str },
    /// A module's counters.
    Counters { module: &'a str, counters: &'a Counters },
    /// The part is over.
    Worked { module: &'a str, worked: bool, why: Option<&'a str>, help: Option<&'a str> },
    /// All of it is over.
    End { worked: bool, failed: &'a [&'a str] },
}

impl Step<'_> {
    fn line(&self) -> String {
        match self {
            Self::Lab { kernel, resumed, started_in_ms, accelerator, why } => {
                let how = if *resumed { "resumed" } else { "booted" };
                let seconds = *started_in_ms as f64 / 1000.0;
                format!("A lab: Linux {kernel}, {how} in {seconds:.2} s\n{accelerator}: {why}\n")
            }
            Self::Part { module, about } => format!("\n{module}: {about}\n"),
            Self::Do { command } => format!("  $ {command}\n"),
            Self::Result { text } => {
                text.lines().map(|line| format!("    {}\n", line.trim_end())).collect()
            }
            Self::Log { seconds, text } => format!("    log [{seconds:.6}] {text}\n"),
            Self::Counters { counters, .. } => {
                let all: Vec<_> =
                    counters.iter().map(|(name, value)| format!("{name} {value}")).collect();
                format!("    counters: {}\n", all.join(", "))
            }
            Self::Worked { worked: true, .. } => "  worked\n".into(),
            Self::Worked { why, help, .. } => {
                let help = help.map(|help| format!("  help: {help}\n")).unwrap_or_default();
                format!("  FAILED: {}\n{help}", why.unwrap_or_default())
            }
            Self::End { worked: true, .. } => "\nAll of it worked; the lab ends.\n".into(),
            Self::End { failed, .. } => format!("\nFailed: {}; the lab ends.\n", failed.join(", ")),
        }
    }
}

/// Where it is played.
pub(super) struct Stage {
    pub(super) target: Arc<dyn Target>,
    flavour: Flavour,
    /// Our modules, once they are built.
    files: Option<Vec<PathBuf>>,
    json: bool,
    /// The module whose log lines are printed.
    module: String,
    /// The log's record that comes next.
    next: u64,
}

impl Stage {
    /// On this kernel, which modules are built for by its flavour.
    ///
    /// # Errors
    /// The kernel's log can't be read.
    pub(super) fn new(
        target: Arc<dyn Target>,
        flavour: Flavour,
        json: bool,
    ) -> Result<Self, Failure> {
        let mut stage = Self { target, flavour, files: None, json, module: String::new(), next: 0 };
        stage.records()?;
        Ok(stage)
    }

    /// Tells it.
    ///
    /// # Errors
    /// Standard output can't be written.
    pub(super) fn say(&self, step: &Step<'_>) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        match self.json {
            true => writeln!(out, "{}", json(step)?)?,
            false => out.write_all(visible(&step.line()).as_bytes())?,
        }
        // It can be followed where it goes into a pipe, too.
        Ok(out.flush()?)
    }

    /// From here on it is about this module.
    pub(super) fn watch(&mut self, module: &str) {
        self.module = module.to_owned();
    }

    /// Does something that the command line could do by `command`, and tells what
    /// came of it and what the module logged.
    ///
    /// # Errors
    /// It failed.
    pub(super) fn act<T: AsRef<str>>(
        &mut self,
        command: &str,
        act: impl FnOnce(&dyn Target) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.say(&Step::Do { command })?;
        let done = act(&*self.target);
        if let Ok(text) = &done
            && !text.as_ref().is_empty()
        {
            self.say(&Step::Result { text: text.as_ref() })?;
        }
        let prefix = format!("{}:", self.module);
        for (seconds, text) in self.records()? {
            if text.starts_with(&prefix) {
                self.say(&Step::Log { seconds, text: &text })?;
            }
        }
        done
    }

    /// The same for a request without an answer.
    ///
    /// # Errors
    /// The kernel refused.
    pub(super) fn ask(&mut self, command: &str, request: Request) -> Result<(), Failure> {
        self.act(command, |target| Ok(ask(target, request, &[]).map(|_| "")?)).map(drop)
    }

    /// Sets a control of the module.
    ///
    /// # Errors
    /// The kernel refused.
    pub(super) fn set(&mut self, control: &str, value: &str) -> Result<(), Failure> {
        let module = self.module.clone();
        let command = format!("ringside set {module} {control} {value}");
        let request = Request::Set { module, control: control.into(), value: value.into() };
        self.ask(&command, request)
    }

    /// Builds the module if need be, and loads it.
    ///
    /// # Errors
    /// It does not compile, or the kernel refused it.
    pub(super) fn load(&mut self, parameters: &[&str]) -> Result<(), Failure> {
        let name = self.module.clone();
        let parameters = parameters.join(" ");
        let command = format!("ringside load {name} {parameters}");
        let files = match &self.files {
            Some(files) => files.clone(),
            None => {
                let words = BuildError::without_last_words;
                our_module::all(self.flavour, &mut Show::new(), words)?
            }
        };
        self.files = Some(files.clone());
        self.act(command.trim_end(), |target| {
            let image = read_one(&our_module::one_of(files, &name)?)?;
            let request = Request::Load { name: name.clone(), parameters };
            ask(target, request, &image.bytes)?;
            Ok(format!("{name} is loaded"))
        })
        .map(drop)
    }

    /// Unloads the module.
    ///
    /// # Errors
    /// Something uses it.
    pub(super) fn unload(&mut self) -> Result<(), Failure> {
        let name = self.module.clone();
        self.ask(&format!("ringside unload {name}"), Request::Unload { name })
    }

    /// The module's counters, without telling them.
    ///
    /// # Errors
    /// It has none.
    pub(super) fn counters(&self) -> Result<Counters, Failure> {
        let module = Some(self.module.clone());
        let sample = put(&*self.target, question::Counters { module })?;
        let counters = sample.modules.into_iter().flat_map(|module| module.counters);
        Ok(counters
            .filter_map(|counter| Some((counter.name, counter.value.parse().ok()?)))
            .collect())
    }

    /// Tells the module's counters.
    ///
    /// # Errors
    /// It has none.
    pub(super) fn tell_counters(&mut self) -> Result<Counters, Failure> {
        self.say(&Step::Do { command: &format!("ringside counters {}", self.module) })?;
        let counters = self.counters()?;
        self.say(&Step::Counters { module: &self.module, counters: &counters })?;
        Ok(counters)
    }

    /// Waits until the counters are as they are bound to be.
    ///
    /// # Errors
    /// They are not for a minute, which `what` then names.
    pub(super) fn wait(
        &self,
        what: &str,
        enough: impl Fn(&Counters) -> bool,
    ) -> Result<Counters, Failure> {
        let until = Instant::now() + PATIENCE;
        loop {
            let counters = self.counters()?;
            if enough(&counters) {
                return Ok(counters);
            }
            if Instant::now() > until {
                return Err(Failure::new(format!("{what}: waited a minute in vain")));
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// The log's new records: seconds and text.
    fn records(&mut self) -> Result<Vec<(f64, String)>, Failure> {
        let request = Request::Kmsg { from: Some(self.next), follow: false };
        let items = ask(&*self.target, request, &[])?;
        let mut new = Vec::new();
        for item in items {
            let Item::Kmsg(batch) = item else { continue };
            for record in batch.records {
                // The log begins with the oldest record, where the next one is not there yet.
                if record.sequence >= self.next {
                    self.next = record.next();
                    new.push((record.at_us as f64 / 1e6, record.text));
                }
            }
        }
        Ok(new)
    }
}

/// Fails with what should be, where it is not.
///
/// # Errors
/// It is not.
pub(super) fn expect(holds: bool, what: impl Into<String>) -> Result<(), Failure> {
    match holds {
        true => Ok(()),
        false => Err(Failure::new(what)),
    }
}

/// A counter's value; 0 where there is none.
pub(super) fn count(counters: &Counters, name: &str) -> u64 {
    counters.get(name).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_a_line_that_a_person_can_follow_or_an_object() {
        let counters = Counters::from([("pages_mapped".to_owned(), 2)]);
        let step = Step::Counters { module: "memalloc", counters: &counters };
        assert_eq!(step.line(), "    counters: pages_mapped 2\n");
        assert_eq!(
            json(&step).unwrap(),
            r#"{"step":"counters","module":"memalloc","counters":{"pages_mapped":2}}"#
        );
        assert_eq!(Step::Result { text: "a\nb" }.line(), "    a\n    b\n");
        let (why, help) = (Some("no stick"), Some("plug it in"));
        let failed = Step::Worked { module: "kmod", worked: false, why, help };
        assert_eq!(failed.line(), "  FAILED: no stick\n  help: plug it in\n");
    }

    #[test]
    fn what_is_not_as_it_should_be_fails() {
        assert_eq!(expect(true, "x"), Ok(()));
        assert!(expect(false, "greetings is 0").unwrap_err().to_string().contains("is 0"));
    }
}
