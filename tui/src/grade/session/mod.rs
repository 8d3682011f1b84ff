// SPDX-License-Identifier: MIT OR Apache-2.0
//! A test in a guest of its own: its steps in turn, and what the kernel says.

mod devices;
mod fault;
mod left;
mod look;
mod memory;
mod process;
mod state;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::fault::{Fault, expect, refusal};
pub(super) use self::state::Job;
use self::state::{ANSWERS_WITHIN, LAST_LINES, Session};
use super::guest::{Clock, Pace, start};
use super::judge;
use super::left::wants_before;
use super::log::{Log, Report};
use super::recording::{Record, Recording};
use super::source;
use super::spec::{Act, Judging, Load, Run, Set, Step, Text, Unload};
use super::verdict::{Outcome, Verdict};
use crate::kernel::api::Request;
use crate::kernel::{Target, TargetError};
use crate::lab::error::{LabError, LabResult};
use crate::lab::oops::is_panic;
use crate::lab::options::LabOptions;

/// Lines of a report that are shown.
const REPORT_LINES: usize = 40;

/// Runs a test.
///
/// # Errors
/// No guest can be had, or nobody wants it any more: there is no verdict.
pub(super) fn run(job: &Job<'_>) -> LabResult<Verdict> {
    let began = Instant::now();
    let work = work(job)?;
    let options = LabOptions { work: work.path().to_owned(), ..job.options.clone() };
    let mut lab = start(&options, job.stop)?;
    let recording = job.record.map(|record| begin(record, lab.target())).transpose()?;
    let target = recording.as_ref().map_or_else(|| lab.target(), |recording| recording.target());
    let pace = Pace::new(lab.guest().machine.pid());
    let limit = job.test.time_limit.unwrap_or(job.spec.time_limit);
    let clock = Clock::new(&pace, limit, job.stop);
    let log = Log::start(&*target, clock.restarted(ANSWERS_WITHIN))?;
    lab.may_die();
    let mut session = Session {
        job,
        lab: &lab,
        target,
        log,
        clock,
        folder: work.path().as_os_str().as_bytes().to_vec(),
        processes: BTreeMap::new(),
        before: None,
        crashed: false,
    };
    let verdict = session.judge(began);
    drop(session);
    let recorded = recording.map(|recording| recording.finish());
    // Whatever it did to its guest, it is gone with it.
    lab.kill();
    let verdict = verdict?;
    let file = match (recorded, job.record) {
        (Some(Ok(())), Some((_, file))) => Some(file.to_owned()),
        (Some(Err(why)), _) => {
            tracing::warn!("the recording of {} is not whole: {why}", verdict.test);
            None
        }
        _ => None,
    };
    Ok(Verdict { recording: file, ..verdict })
}

/// Begins a recording, in place of an earlier one.
fn begin(
    (record, file): (&Record, &Path),
    target: Arc<dyn Target>,
) -> LabResult<Box<dyn Recording>> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(LabError::io(format!("make {}", folder.display())))?;
    }
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(LabError::io(format!("replace {}", file.display()))(error));
        }
        _ => {}
    }
    record(target, file).map_err(LabError::Guest)
}

/// A folder with the programs that the test runs.
fn work(job: &Job<'_>) -> LabResult<tempfile::TempDir> {
    let work = tempfile::Builder::new()
        .prefix(crate::grade::FOLDER)
        .tempdir()
        .map_err(LabError::io("make a folder"))?;
    let doing = || LabError::io(format!("fill {}", work.path().display()));
    // Other users of the guest run them, too.
    fs::set_permissions(work.path(), fs::Permissions::from_mode(0o755)).map_err(doing())?;
    for program in &job.spec.build.programs {
        let from = job.built.folder.join(program.name.get_ref());
        if from.is_file() {
            fs::copy(&from, work.path().join(program.name.get_ref())).map_err(doing())?;
        }
    }
    Ok(work)
}

impl Session<'_> {
    fn judge(&mut self, began: Instant) -> LabResult<Verdict> {
        let test = self.job.test;
        let mut points = 0;
        let mut fault = None;
        if let Some(settled) = wants_before(test.steps.get_ref()) {
            let before = self.inventory(settled);
            self.before = Some(before.map_err(|error| LabError::Guest(error.reason))?);
        }
        for step in test.steps.get_ref() {
            if let Step::Own(Judging::Award(more)) = step {
                self.log.catch_up(&*self.target, self.patience());
                if self.log.report(&test.expected_reports).is_none() {
                    points += more;
                }
                continue;
            }
            match self.step(step) {
                Ok(()) => {}
                Err(stopped) if stopped.stopped => return Err(TargetError::Cancelled.into()),
                Err(why) => {
                    fault = Some(why);
                    break;
                }
            }
        }
        self.log.catch_up(&*self.target, self.patience());
        if fault.is_some() || self.crashed {
            // A dead kernel has said its last words on the console only.
            let lines = self.lab.console().last_lines(LAST_LINES);
            self.log.add(&lines);
        }
        let report = self.log.report(&test.expected_reports);
        let report = report.filter(|(report, _)| !(self.crashed && on_purpose(report)));
        Ok(self.verdict(points, fault, report, began))
    }

    fn verdict(
        &self,
        points: u32,
        fault: Option<Fault>,
        report: Option<(Report, usize)>,
        began: Instant,
    ) -> Verdict {
        let test = self.job.test;
        let passed = fault.is_none() && report.is_none();
        let fault = fault.unwrap_or_default();
        let mut reasons = Vec::new();
        if !fault.reason.is_empty() {
            reasons.push(fault.reason);
        }
        let mut excerpt = fault.excerpt;
        if let Some((report, count)) = report {
            let place = source::place(&report.lines, self.job.built, self.job.sources);
            let at = place.as_ref().map_or_else(String::new, |place| format!(", at {}", place.at));
            let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
            match reasons.last_mut().filter(|_| is_panic(&report.words)) {
                // That the kernel died is why the step failed.
                Some(reason) => reason.push_str(&at),
                None => reasons.push(format!("the kernel reported: {}{at}{more}", report.words)),
            }
            excerpt.extend(place.into_iter().flat_map(|place| place.shown));
            excerpt.extend(report.lines.into_iter().take(REPORT_LINES));
        }
        let said = self.log.text();
        if !passed && excerpt.is_empty() && !said.is_empty() {
            excerpt = Text::shown("log", &said);
        }
        Verdict {
            test: test.name().to_owned(),
            title: test.title.clone(),
            outcome: if passed { Outcome::Passed } else { Outcome::Failed },
            points: if passed { test.worth() } else { f64::from(points) * test.weight },
            worth: test.worth(),
            hidden: test.hidden,
            reason: reasons.join("; "),
            excerpt,
            hint: if passed { String::new() } else { test.hint.clone() },
            seconds: began.elapsed().as_secs_f64(),
            recording: None,
        }
    }

    fn step(&mut self, step: &Step<Judging>) -> Result<(), Fault> {
        let act = match step {
            Step::Act(act) => act,
            Step::Own(Judging::Award(_)) => return Ok(()),
        };
        match act {
            Act::Load(load) => self.load(load),
            Act::Unload(unload) => self.unload(unload),
            Act::Set(set) => self.set(set),
            Act::Run(run) => self.run(run),
            Act::Memory(memory) => self.memory(memory),
            Act::Block(block) => self.block(block),
            Act::Peek(peek) => self.peek(peek),
            Act::Counter(counter) => self.counter(counter),
            Act::File(file) => self.file(file),
            Act::Log(log) => self.said(log),
            Act::Processes(processes) => self.count(processes),
            Act::Plug => self.stick(true),
            Act::Unplug => self.stick(false),
            Act::Crash => self.crash(),
            Act::NothingLeft(wanted) => self.nothing_left(wanted),
            Act::Pause(milliseconds) => self
                .clock
                .pause(Duration::from_millis((*milliseconds).into()))
                .map_err(refusal("wait")),
        }
    }

    fn load(&self, load: &Load) -> Result<(), Fault> {
        let name = &load.module;
        let Some(image) = self.job.built.image(name) else {
            let made = match self.job.built.modules.as_slice() {
                [] => String::new(),
                some => format!(" (it made {})", some.join(", ")),
            };
            let why = match self.job.built.why.as_str() {
                "" => String::new(),
                why => format!(": {why}"),
            };
            let reason = format!("the build made no module {name}{made}{why}");
            return Err(Fault { reason, excerpt: self.job.built.lines.clone(), stopped: false });
        };
        let parameters = load.parameters.clone();
        let doing = format!("load {name} {parameters}");
        let request = Request::Load { name: name.clone(), parameters };
        expect(self.ask(request, image), load.refused.as_ref(), doing.trim()).map(drop)
    }

    fn unload(&self, unload: &Unload) -> Result<(), Fault> {
        let name = unload.module.clone();
        let doing = format!("unload {name}");
        let result = self.ask(Request::Unload { name }, Vec::new());
        expect(result, unload.refused.as_ref(), &doing).map(drop)
    }

    fn set(&self, set: &Set) -> Result<(), Fault> {
        let (module, value) = (set.module.clone(), set.value.clone());
        let (doing, request) = match (&set.control, &set.parameter) {
            (Some(control), _) => (
                format!("set the control {control} of {module} to {value}"),
                Request::Set { module, control: control.clone(), value },
            ),
            (None, Some(parameter)) => (
                format!("set the parameter {parameter} of {module} to {value}"),
                Request::SetParameter { module, parameter: parameter.clone(), value },
            ),
            (None, None) => return Err(Fault::new("the step names no control and no parameter")),
        };
        expect(self.ask(request, Vec::new()), set.refused.as_ref(), &doing).map(drop)
    }

    fn run(&self, run: &Run) -> Result<(), Fault> {
        let line = run.command.join(" ");
        self.is_built(run)?;
        let command = judge::command(run).map_err(Fault::new)?;
        let input = run.input.clone().into_bytes();
        let ran = self.program(&command, input, run.within).map_err(refusal(&line))?;
        Ok(judge::program(run, ran.end, [&ran.out, &ran.err])?)
    }

    /// A program that did not compile is not there to be run.
    fn is_built(&self, run: &Run) -> Result<(), Fault> {
        let named = run.command.first().and_then(|word| word.strip_prefix("./"));
        let programs = &self.job.spec.build.programs;
        let known = programs.iter().find(|one| Some(one.name.get_ref().as_str()) == named);
        let Some(program) = known else { return Ok(()) };
        let (built, name) = (self.job.built, program.name.get_ref());
        if built.folder.join(name).is_file() {
            return Ok(());
        }
        let why = if built.why.is_empty() { "it was not made" } else { &built.why };
        let reason = format!("there is no program {name}: {why}");
        Err(Fault { reason, excerpt: built.lines.clone(), stopped: false })
    }

    fn stick(&self, plugged: bool) -> Result<(), Fault> {
        let (what, result) = match plugged {
            true => ("plug the USB stick in", self.lab.plug()),
            false => ("pull the USB stick out", self.lab.unplug()),
        };
        result.map_err(|error| Fault::new(format!("{what}: {error}")))
    }

    fn crash(&mut self) -> Result<(), Fault> {
        self.crashed = true;
        match self.ask(Request::Crash, Vec::new()) {
            Err(TargetError::Gone(_)) => Ok(()),
            Err(error) => Err(refusal("crash the kernel")(error)),
            Ok(_) => Err(Fault::new("the kernel did not crash")),
        }
    }
}

/// Is it the crash that the test asked for?
fn on_purpose(report: &Report) -> bool {
    report.lines.iter().any(|line| line.contains("sysrq"))
}
