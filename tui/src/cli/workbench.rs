// SPDX-License-Identifier: MIT OR Apache-2.0
//! What view 8 asks of this machine: to watch a folder, make a module, run its tests.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Args, ValueHint};
use parking_lot::Mutex;

use super::parameter_line::parameter_line;
use super::{Failure, our_module, test, watch};
use crate::dashboard::core::workbench::{Bench, Case, Complaint, News, Order, Outcome};
use crate::dashboard::host::{HostReply, HostResult};
use crate::dashboard::in_home;
use crate::kernel::Target;
use crate::lab::build_error::BuildError;
use crate::lab::flavour::Flavour;
use crate::lab::new::{Language, make};
use crate::lab::progress::{self, Progress, Stop};
use crate::lab::watch::{Diagnostic, Orders, Plan, Watch};
use crate::lab::{kunit, linux, watch as lab_watch};

/// The options that open a folder from the start.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct WorkbenchArgs {
    /// Open this folder in view 8: build and load its module now and on every save
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    workbench: Option<PathBuf>,
    /// Run this in the guest after each load of --workbench
    #[arg(long, value_name = "CMD", requires = "workbench")]
    run: Option<String>,
    /// The parameters of the module of --workbench
    #[arg(long, value_name = "PARAMETER=VALUE", requires = "workbench")]
    parameter: Vec<String>,
}

impl WorkbenchArgs {
    /// Was a folder named?
    pub(super) fn is_given(&self) -> bool {
        self.workbench.is_some()
    }

    /// The folder that is to be opened, if one was named.
    ///
    /// # Errors
    /// A parameter or the command makes no sense.
    pub(super) fn bench(&self) -> Result<Option<Bench>, Failure> {
        let Some(folder) = &self.workbench else { return Ok(None) };
        let parameters = parameter_line(&self.parameter)?;
        if let Some(run) = &self.run {
            watch::command(run)?;
        }
        let run = self.run.clone().unwrap_or_default();
        Ok(Some(Bench { folder: folder.display().to_string(), parameters, run }))
    }
}

/// The folder that is watched, one at a time.
#[derive(Default)]
pub(super) struct Watched {
    now: Mutex<Option<Running>>,
}

struct Running {
    orders: Orders,
    ended: Arc<AtomicBool>,
}

impl Running {
    fn end(&self) {
        // A build that runs is interrupted.
        self.ended.store(true, Ordering::SeqCst);
        // Nobody listens any more where it has ended already.
        let _listens = self.orders.give(lab_watch::Order::End);
    }
}

impl Watched {
    /// Watches a folder, in place of the one before, until it is ordered to end.
    pub(super) fn watch(
        &self,
        bench: &Bench,
        target: Arc<dyn Target>,
        tell: &mut dyn FnMut(HostReply),
    ) -> HostResult {
        self.follow(bench, target, tell).map(|()| HostReply::Done).map_err(words)
    }

    fn follow(
        &self,
        bench: &Bench,
        target: Arc<dyn Target>,
        tell: &mut dyn FnMut(HostReply),
    ) -> Result<(), Failure> {
        if let Some(before) = self.now.lock().take() {
            before.end();
        }
        let folder = in_home(&bench.folder);
        let folder =
            Path::canonicalize(&folder).map_err(|error| Failure::io(folder.display(), &error))?;
        tell(HostReply::News(News::Watching(folder.display().to_string())));
        let ended = Arc::new(AtomicBool::new(false));
        let mut silent = Silent(Arc::clone(&ended));
        let kernel = our_module::kernel(
            &folder.display().to_string(),
            &*target,
            &mut silent,
            BuildError::without_last_words,
        )?;
        let run = bench.run.trim();
        let command = match run.is_empty() {
            true => None,
            false => Some(watch::command(run)?),
        };
        let parameters = bench.parameters.clone();
        let plan = Plan { folder: folder.clone(), kernel, target, parameters, command };
        let mut watch = Watch::new(plan)?;
        let running = Running { orders: watch.orders(), ended: Arc::clone(&ended) };
        if let Some(other) = self.now.lock().replace(running) {
            other.end();
        }
        let result = watch.run(&mut || Box::new(Silent(Arc::clone(&ended))), &mut |news| {
            if let Some(news) = news_of(news, &folder) {
                tell(HostReply::News(news));
            }
        });
        match result {
            Err(_) if ended.load(Ordering::SeqCst) => Ok(()),
            result => Ok(result?),
        }
    }

    /// Gives an order to whoever watches.
    pub(super) fn order(&self, order: Order) -> HostResult {
        let mut now = self.now.lock();
        if order == Order::End {
            if let Some(running) = now.take() {
                running.end();
            }
            return Ok(HostReply::Done);
        }
        let order = match order {
            Order::Build => lab_watch::Order::Build,
            Order::GoBack => lab_watch::Order::GoBack,
            Order::NewGuest | Order::End => lab_watch::Order::NewGuest,
        };
        match now.as_ref().is_some_and(|running| running.orders.give(order)) {
            true => Ok(HostReply::Done),
            false => Err("no folder is watched at the moment".into()),
        }
    }
}

/// Makes a new module.
pub(super) fn new_module(folder: &str, c: bool) -> HostResult {
    let language = if c { Language::C } else { Language::Rust };
    let made = make(&in_home(folder), language).map_err(|error| error.to_string())?;
    let full = made.folder.canonicalize().unwrap_or(made.folder);
    Ok(HostReply::Path(full.display().to_string()))
}

/// Runs the unit tests of a folder's modules, in the debug kernel that there is.
pub(super) fn run_tests(bench: &Bench, tell: &mut dyn FnMut(HostReply)) -> HostResult {
    let Some(kernel) = linux::built(Flavour::Debug) else {
        return Err(
            "The debug kernel was not built yet: `ringside setup --kernel debug` builds it, \
                    which takes a while."
                .into(),
        );
    };
    let mut silent = |_: progress::Event| {};
    let request = test::Wanted {
        folder: &in_home(&bench.folder),
        parameters: &bench.parameters,
        only: None,
        patience: test::PATIENCE,
    };
    let plan = test::plan(&request, &kernel, &mut silent, |error| error).map_err(words)?;
    let verdict = kunit::run(&plan, &mut |event| {
        if let kunit::Event::Case(case) = event {
            tell(HostReply::Case(self::case(case)));
        }
    });
    verdict.map(|_| HostReply::Done).map_err(|error| error.to_string())
}

fn words(failure: Failure) -> String {
    failure.to_string()
}

/// Builds without a word, and stops when nobody wants them any more.
struct Silent(Arc<AtomicBool>);

impl Progress for Silent {
    fn report(&mut self, _: progress::Event) {}

    fn stop(&self) -> Stop {
        if self.0.load(Ordering::SeqCst) { Stop::AtOnce } else { Stop::No }
    }
}

/// As the dashboard gets it; log records it has itself.
fn news_of(news: lab_watch::News, folder: &Path) -> Option<News> {
    use lab_watch::News as Lab;
    Some(match news {
        Lab::Building => News::Building,
        Lab::NotBuilt { error, diagnostics } => News::NotBuilt {
            why: error.to_string(),
            complaints: diagnostics.into_iter().map(|wrong| complaint(wrong, folder)).collect(),
        },
        Lab::Unchanged => News::Unchanged,
        Lab::Loaded { names, took } => {
            let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            News::Loaded { names, took_ms }
        }
        Lab::Refused(error) => {
            News::Refused { hint: error.hint().map(str::to_owned), why: error.to_string() }
        }
        Lab::Said(_) => return None,
        Lab::Report { words, places, fatal } => News::Report { words, places, fatal },
        Lab::Died(why) => News::Died(why),
        Lab::Rebooted { names } => News::Another { names, mark: None },
        Lab::Rewound { mark } => News::Another { names: Vec::new(), mark: Some(mark) },
        Lab::Output(bytes) => News::Output(bytes),
        Lab::Ran(end) => News::Ran(end.status()),
    })
}

fn complaint(wrong: Diagnostic, folder: &Path) -> Complaint {
    let Diagnostic { file, line, column, error, message } = wrong;
    let file = folder.join(file).display().to_string();
    Complaint { file, line, column, error, message }
}

fn case(case: kunit::Case) -> Case {
    let outcome = match case.outcome {
        kunit::Outcome::Passed => Outcome::Passed,
        kunit::Outcome::Skipped => Outcome::Skipped,
        kunit::Outcome::Failed => Outcome::Failed,
    };
    let name = format!("{}.{}", case.suite, case.name);
    Case { name, outcome, time_us: case.time_us, why: case.why, lines: case.lines }
}
