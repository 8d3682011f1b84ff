// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside watch`: builds and loads a folder's module on every save.

use std::ffi::OsString;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use serde_json::json;

use super::lab_args::LabArgs;
use super::output::print_json;
use super::parameter_line::parameter_line;
use super::progress::Show;
use super::{Connection, Failure, Outcome, exec, kmsg, our_module};
use crate::kernel::api::{ProgramEnd, RunRequest};
use crate::lab::build_error::BuildError;
use crate::lab::client::{self, LabClient};
use crate::lab::error::LabError;
use crate::lab::watch::{News, Order, Orders, Plan, Watch, WatchError};
use crate::text::escape::visible;

/// Build, load and run a folder's module again on every save
///
///     ringside watch pulse
///     ringside watch pulse -- interval_ms=50
///     ringside watch pulse --run 'cat /sys/module/pulse/counters/beats'
///
/// Each time a file of the folder is saved, the module is built, the old one
/// unloaded and the new one loaded with the same parameters; then the command
/// given with --run is run in the guest. What the kernel says appears as it
/// comes. A build that fails leaves the loaded module alone. After an oops the
/// source line is shown; the next save starts a new guest, or type `reboot` to
/// start one with the last build that did no harm. `rewind` winds the guest back
/// to before the load, and loads that build. `quit` or Ctrl-C ends it.
///
/// Without a lab that runs, one is started and ends with the command.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct WatchCommand {
    /// A folder with a Kbuild file
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    folder: PathBuf,
    /// Run this in the guest after each load; split into words as a shell would
    #[arg(long, value_name = "CMD")]
    run: Option<String>,
    /// The module's parameters
    #[arg(last = true, value_name = "PARAMETER=VALUE")]
    parameters: Vec<String>,
    /// Print JSON, one line for each event
    #[arg(long)]
    json: bool,
}

impl WatchCommand {
    /// Watches until it is ordered to end.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let parameters = parameter_line(&self.parameters)?;
        let command = self.run.as_deref().map(command).transpose()?;
        let folder = Path::canonicalize(&self.folder)
            .map_err(|error| Failure::io(self.folder.display(), &error))?;
        // Held to the end: a lab that is started here ends with us.
        let own = self.own_lab(connection)?;
        let target = match &own {
            Some(lab) => lab.target(),
            None => connection.open()?,
        };
        let kernel = our_module::kernel(
            &folder.display().to_string(),
            &*target,
            &mut Show::new(),
            BuildError::without_last_words,
        )?;
        let mut watch = Watch::new(Plan { folder, kernel, target, parameters, command })?;
        take_orders(watch.orders());
        let mut trouble = None;
        let ended = watch.run(&mut || Box::new(Show::new()), &mut |news| {
            if trouble.is_none() {
                trouble = self.tell(news).err();
            }
        });
        match trouble {
            Some(trouble) => Err(trouble),
            None => ended.map(|()| 0).map_err(Failure::from),
        }
    }

    /// Starts a lab if none runs and none was named.
    fn own_lab(&self, connection: &Connection) -> Result<Option<LabClient>, Failure> {
        if connection.is_explicit() {
            return Ok(None);
        }
        match client::attach(None) {
            Err(LabError::NoLab) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(None),
        }
        let lab = client::start(&LabArgs::default().options()?, None)?;
        lab.wait_ready()?;
        Ok(Some(lab))
    }

    fn tell(&self, news: News) -> Result<(), Failure> {
        if self.json {
            return print_json(&value(&news));
        }
        let mut out = std::io::stdout().lock();
        match news {
            News::Building => {}
            News::Unchanged => writeln!(out, "== nothing has changed")?,
            News::NotBuilt { error, diagnostics } => {
                let text = visible(&error.to_string());
                writeln!(out, "== not built, what is loaded stays: {text}")?;
                for wrong in diagnostics.iter().filter(|wrong| wrong.error) {
                    let place = format!("{}:{}:{}", wrong.file, wrong.line, wrong.column);
                    writeln!(out, "     at {}: {}", visible(&place), visible(&wrong.message))?;
                }
            }
            News::Loaded { names, took } => {
                let seconds = took.as_secs_f64();
                writeln!(out, "== {} loaded after {seconds:.1} s", names.join(", "))?;
            }
            News::Refused(error) => {
                let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                writeln!(out, "== {}{}", visible(&error.to_string()), visible(&hint))?;
            }
            News::Said(record) => writeln!(out, "{}", visible(&kmsg::line(&record)))?,
            News::Report { words, places, fatal } => {
                writeln!(out, "== {}", visible(&words))?;
                for place in places {
                    writeln!(out, "     at {}", visible(&place))?;
                }
                if fatal {
                    writeln!(out, "== {ON}")?;
                }
            }
            News::Died(why) => writeln!(out, "== {}\n== {ON}", visible(&why))?,
            News::Rebooted { .. } => writeln!(out, "== a new guest runs")?,
            News::Rewound { mark } => writeln!(out, "== the guest is as at mark {mark}")?,
            News::Output(bytes) => out.write_all(&bytes)?,
            News::Ran(ProgramEnd::Exited(0)) => {}
            News::Ran(end) => writeln!(out, "== the command ended with status {}", end.status())?,
        }
        Ok(out.flush()?)
    }
}

/// How to go on with a kernel that oopsed or died.
const ON: &str = "the module can't be unloaded any more: save a change to go on in a new guest, \
                  or type `reboot` (or `rewind`, which keeps \
                  all else) to go back to the last build that did no harm";

fn value(news: &News) -> serde_json::Value {
    match news {
        News::Building => json!({"event": "building"}),
        News::Unchanged => json!({"event": "unchanged"}),
        News::NotBuilt { error, diagnostics } => {
            json!({"event": "not built", "error": error.to_string(), "diagnostics": diagnostics})
        }
        News::Loaded { names, took } => {
            json!({"event": "loaded", "modules": names, "seconds": took.as_secs_f64()})
        }
        News::Refused(error) => {
            json!({"event": "refused", "error": error.to_string(), "hint": error.hint()})
        }
        News::Said(record) => json!({"event": "log", "record": record}),
        News::Report { words, places, fatal } => {
            json!({"event": "report", "words": words, "places": places, "fatal": fatal})
        }
        News::Died(why) => json!({"event": "died", "why": why}),
        News::Rebooted { .. } => json!({"event": "rebooted"}),
        News::Rewound { mark } => json!({"event": "rewound", "mark": mark}),
        News::Output(bytes) => {
            json!({"event": "output", "text": String::from_utf8_lossy(bytes)})
        }
        News::Ran(end) => json!({"event": "ran", "status": end.status()}),
    }
}

/// The request that runs a command, which is split into words as a shell would.
///
/// # Errors
/// There is no word, or a quote is open.
pub(super) fn command(command: &str) -> Result<RunRequest, Failure> {
    let words = shlex::split(command).filter(|words| !words.is_empty()).ok_or_else(|| {
        Failure::usage(format!("--run {command:?}: it is empty, or a quote is open"))
    })?;
    let words: Vec<_> = words.into_iter().map(OsString::from).collect();
    exec::request(&words, None, None)
}

/// Takes what is typed, on a thread of its own, up to the end of the input.
fn take_orders(orders: Orders) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let order = match line.trim() {
                "reboot" | "r" => Order::Reboot,
                "rewind" => Order::GoBack,
                "quit" | "q" => Order::End,
                _ => continue,
            };
            if !orders.give(order) {
                return;
            }
        }
    });
}

impl From<WatchError> for Failure {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::Build(error) => error.into(),
            WatchError::Target(error) => error.into(),
            WatchError::File(error) => Self::new(error.to_string()),
        }
    }
}
