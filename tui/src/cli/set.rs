// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside set`: writes a control or parameter of a loaded module.

use std::io::Write;

use clap::Args;

use super::error::visible;
use super::{Connection, Outcome};
use crate::kernel::TargetError;
use crate::kernel::api::Request;
use crate::kernel::call::ask;

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
    module: String,
    /// The control or parameter
    control: String,
    /// The value
    #[arg(allow_hyphen_values = true)]
    value: String,
}

impl Set {
    /// Sets it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let target = connection.open()?;
        let (module, name, value) = (&self.module, &self.control, &self.value);
        let done = if (module.as_str(), name.as_str()) == ("my_syscall", "message") {
            let message = value.clone();
            ask(&*target, Request::SetSyscallMessage { message }, &[])
        } else {
            let request = Request::Set {
                module: module.clone(),
                control: name.clone(),
                value: value.clone(),
            };
            match ask(&*target, request, &[]) {
                // No control of that name: there may be a parameter. If not,
                // what the first error says of controls is the better advice.
                Err(no_control) if is_missing(&no_control) => {
                    let request = Request::SetParameter {
                        module: module.clone(),
                        parameter: name.clone(),
                        value: value.clone(),
                    };
                    ask(&*target, request, &[]).map_err(|error| match is_missing(&error) {
                        true => no_control,
                        false => error,
                    })
                }
                done => done,
            }
        };
        done?;
        let text = format!("{module}: {name} is {value}");
        writeln!(std::io::stdout(), "{}", visible(&text))?;
        Ok(0)
    }
}

fn is_missing(error: &TargetError) -> bool {
    matches!(error, TargetError::Errno { errno, .. } if *errno == nix::libc::ENOENT)
}
