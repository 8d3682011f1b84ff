// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside set`: writes a control or parameter of a loaded module.

use clap::Args;
use serde::Serialize;

use super::output::say;
use super::{Connection, Failure, Outcome, candidates};
use crate::kernel::api::{ModuleDetail, Request};
use crate::kernel::call::ask;
use crate::kernel::{Target, TargetError, TargetResult, put, question};

/// Set a control of a loaded module, or a parameter that can be written
///
///     ringside set producer_consumer paused 1
///     ringside set producer_consumer producer_delay 250000     (microseconds)
///     ringside set my_syscall message 'hello from ring 0'
///
/// `ringside modules NAME` shows what there is to set.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Set {
    /// The module
    #[arg(add = candidates::settable())]
    module: String,
    /// The control or parameter
    #[arg(add = candidates::controls())]
    control: String,
    /// The value
    #[arg(allow_hyphen_values = true)]
    value: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Done<'a> {
    module: &'a str,
    name: &'a str,
    value: &'a str,
}

impl Set {
    /// Sets it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let target = connection.open()?;
        let (module, name, value) = (&self.module, &self.control, &self.value);
        match self.set(&*target) {
            Err(error) if is_missing(&error) => {
                return Err(match put(&*target, question::Module { name: module.clone() }) {
                    Ok(detail) => Failure::new(format!(
                        "module {module} has neither a control nor a parameter called {name}"
                    ))
                    .with_help(what_there_is(&detail)),
                    // It is not loaded, which the error says.
                    _ => error.into(),
                });
            }
            done => done?,
        }
        let done = Done { module, name, value };
        say(self.json, &format!("{module}: {name} is {value}"), &done)?;
        Ok(0)
    }

    /// Writes the control, or the parameter where there is no such control.
    fn set(&self, target: &dyn Target) -> TargetResult<()> {
        let (module, name, value) = (self.module.clone(), self.control.clone(), self.value.clone());
        if (module.as_str(), name.as_str()) == ("my_syscall", "message") {
            return ask(target, Request::SetSyscallMessage { message: value }, &[]).map(drop);
        }
        let control =
            Request::Set { module: module.clone(), control: name.clone(), value: value.clone() };
        match ask(target, control, &[]) {
            Err(no_control) if is_missing(&no_control) => {
                let parameter = Request::SetParameter { module, parameter: name, value };
                ask(target, parameter, &[]).map(drop).map_err(|error| match is_missing(&error) {
                    // It knows better why there is none.
                    true => no_control,
                    false => error,
                })
            }
            done => done.map(drop),
        }
    }
}

fn is_missing(error: &TargetError) -> bool {
    matches!(error, TargetError::Errno { errno, .. } if *errno == nix::libc::ENOENT)
}

/// What can be set of a module, and what can only be read.
fn what_there_is(module: &ModuleDetail) -> String {
    let names = |writable: bool| -> Vec<&str> {
        let parameters = module.parameters.iter().filter(|one| one.writable == writable);
        parameters.map(|one| one.name.as_str()).collect()
    };
    let controls: Vec<&str> = module.controls.iter().map(|one| one.name.as_str()).collect();
    let mut parts = Vec::new();
    for (what, names) in [
        ("its controls are", controls),
        ("its parameters are", names(true)),
        ("only when it is loaded it takes", names(false)),
    ] {
        if !names.is_empty() {
            parts.push(format!("{what} {}", names.join(", ")));
        }
    }
    match parts.is_empty() {
        true => "it has none at all".into(),
        false => parts.join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::api::{CounterValue, ParameterValue};

    #[test]
    fn whoever_names_nothing_that_can_be_set_hears_what_can() {
        let parameter =
            |name: &str, writable| ParameterValue { name: name.into(), value: None, writable };
        let mut module = ModuleDetail::default();
        assert_eq!(what_there_is(&module), "it has none at all");
        module.parameters = vec![parameter("fixed", false)];
        assert_eq!(what_there_is(&module), "only when it is loaded it takes fixed");
        module.parameters.push(parameter("free", true));
        module.controls = vec![CounterValue::new("paused", 0), CounterValue::new("step", 0)];
        assert_eq!(
            what_there_is(&module),
            "its controls are paused, step; its parameters are free; \
             only when it is loaded it takes fixed"
        );
    }
}
