// SPDX-License-Identifier: MIT OR Apache-2.0
//! One guest in which modules are loaded and their cases run.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use super::ktap::{Case, Ktap, Outcome, Reader};
use super::plan::{Event, OUTSIDE, Plan, Subject};
use super::reports::is_report;
use crate::kernel::api::{Item, KmsgRecord, Request};
use crate::kernel::call::ask_within;
use crate::kernel::call::parsed;
use crate::kernel::{Call, TargetError, TargetResult};
use crate::lab::error::LabResult;
use crate::lab::private::PrivateLab;

/// How long a kernel may take for what is no test.
const ANSWERS_WITHIN: Duration = Duration::from_secs(60);
/// A filter of KUnit's that every case passes, and one that none does: every case
/// has a speed.
const EVERY: &str = "speed>=very_slow";
const NONE: &str = "speed<very_slow";
/// Lines of a dead kernel that are shown.
const LAST_LINES: usize = 60;

/// How a run ended.
pub(super) enum End {
    /// All its cases have ended.
    Done,
    /// One has ended the guest, or hangs.
    Dead(Death),
}

/// The end of a guest.
pub(super) struct Death {
    /// The suite that ran, if one did.
    pub(super) suite: Option<String>,
    pub(super) why: String,
    pub(super) time_us: u64,
    pub(super) lines: Vec<String>,
}

enum Message {
    Log(Item),
    Load(Item),
}

/// A guest, its log and what is to be loaded.
pub(super) struct Session<'a> {
    plan: &'a Plan,
    lab: PrivateLab,
    log: Log,
    messages: (Sender<Message>, Receiver<Message>),
    _follow: Call,
}

/// The log as far as it was read.
struct Log {
    reader: Reader,
    next: u64,
}

impl<'a> Session<'a> {
    /// Starts a guest.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn start(plan: &'a Plan) -> LabResult<Self> {
        let lab = PrivateLab::start(&plan.options, &|_| ())?;
        let target = lab.target();
        let mut next = 0;
        let past = Request::Kmsg { from: None, follow: false };
        for item in ask_within(&*target, past, ANSWERS_WITHIN, "the guest")? {
            if let Item::Kmsg(batch) = item {
                next = batch.records.last().map_or(next, |record| record.next());
            }
        }
        let (send, receive) = channel();
        let follow = Request::Kmsg { from: Some(next), follow: true };
        let heard = send.clone();
        // Nobody listens any more when the session is over.
        let sink = parsed(&follow, Box::new(move |item| drop(heard.send(Message::Log(item)))));
        let call = target.start(follow, sink)?;
        let log = Log { reader: Reader::default(), next };
        Ok(Self { plan, lab, log, messages: (send, receive), _follow: call })
    }

    /// Loads a module so that the cases which `glob` names run, and unloads it.
    ///
    /// # Errors
    /// Not of a test: the guest can't be told what to run.
    pub(super) fn test(
        &mut self,
        number: usize,
        glob: &str,
        tell: &mut dyn FnMut(Event),
    ) -> LabResult<End> {
        self.filter(EVERY, glob)?;
        Ok(self.run(number, glob, tell))
    }

    /// The cases of a module, without running any.
    pub(super) fn names(&mut self, number: usize, glob: &str) -> Vec<(String, String)> {
        let mut names = Vec::new();
        // Whatever KUnit skips it lists.
        if self.filter(NONE, glob).is_err() {
            return names;
        }
        self.run(number, glob, &mut |event| {
            if let Event::Case(case) = event
                && case.outcome == Outcome::Skipped
            {
                names.push((case.suite, case.name));
            }
        });
        names
    }

    fn filter(&self, filter: &str, glob: &str) -> TargetResult<()> {
        for (parameter, value) in
            [("filter_action", "skip"), ("filter", filter), ("filter_glob", glob)]
        {
            let request = Request::SetParameter {
                module: "kunit".into(),
                parameter: parameter.into(),
                value: value.into(),
            };
            self.ask(request)?;
        }
        Ok(())
    }

    fn ask(&self, request: Request) -> TargetResult<Vec<Item>> {
        ask_within(&*self.lab.target(), request, ANSWERS_WITHIN, "the guest")
    }

    fn run(&mut self, number: usize, glob: &str, tell: &mut dyn FnMut(Event)) -> End {
        let plan = self.plan;
        let needed = plan.subjects.iter().take(number);
        for subject in needed {
            let loaded = self.filter(EVERY, "none").and_then(|()| self.load(subject, tell));
            if let Err(error) = loaded {
                return self.ended(subject, error, tell);
            }
        }
        let subject = &plan.subjects[number];
        let result = self.filter_glob(glob).and_then(|()| self.load(subject, tell));
        if let Err(error) = result {
            return self.ended(subject, error, tell);
        }
        for loaded in plan.subjects[..=number].iter().rev() {
            let result = self.ask(Request::Unload { name: loaded.name.clone() });
            if let Err(error) = result {
                return self.ended(loaded, error, tell);
            }
        }
        self.catch_up(tell);
        let lines = self.log.reader.take_outside();
        if !lines.is_empty() {
            let why = "the kernel reported something";
            tell(Event::Case(outside(subject, why.into(), lines)));
        }
        End::Done
    }

    fn filter_glob(&self, glob: &str) -> TargetResult<()> {
        self.ask(Request::SetParameter {
            module: "kunit".into(),
            parameter: "filter_glob".into(),
            value: glob.into(),
        })
        .map(drop)
    }

    /// Loads a module, which runs its cases, and reads what the kernel logs.
    fn load(&mut self, subject: &Subject, tell: &mut dyn FnMut(Event)) -> TargetResult<()> {
        let (name, parameters) = (subject.name.clone(), subject.parameters.clone());
        let heard = self.messages.0.clone();
        let call = self.lab.target().start(
            Request::Load { name, parameters },
            Box::new(move |item| drop(heard.send(Message::Load(item)))),
        )?;
        let control = call.control();
        control.send(&subject.image)?;
        control.close_input()?;
        let mut until = Instant::now() + self.plan.patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.messages.1.recv_timeout(left) {
                Ok(Message::Load(Item::Done(result))) => {
                    result?;
                    self.catch_up(tell);
                    return Ok(());
                }
                Ok(Message::Log(Item::Kmsg(batch))) => {
                    if self.log.take(&batch.records, tell) {
                        until = Instant::now() + self.plan.patience;
                    }
                }
                Ok(_) => {}
                Err(_) => {
                    let seconds = self.plan.patience.as_secs();
                    return Err(TargetError::Silent(format!("it did not end within {seconds} s")));
                }
            }
        }
    }

    /// Reads the log up to its end.
    fn catch_up(&mut self, tell: &mut dyn FnMut(Event)) {
        let rest = Request::Kmsg { from: Some(self.log.next), follow: false };
        // Where the guest is dead, whoever asks for more hears of it.
        for item in self.ask(rest).unwrap_or_default() {
            if let Item::Kmsg(batch) = item {
                self.log.take(&batch.records, tell);
            }
        }
    }

    /// What it means that a module could not be loaded or unloaded.
    fn ended(&mut self, subject: &Subject, error: TargetError, tell: &mut dyn FnMut(Event)) -> End {
        let dead = matches!(error, TargetError::Silent(_) | TargetError::Gone(_));
        if !dead {
            self.catch_up(tell);
            let lines = self.log.reader.take_outside();
            tell(Event::Case(outside(subject, error.to_string(), lines)));
            return End::Done;
        }
        let spoken = self.log.reader.lines().to_vec();
        let last = self.last_lines();
        End::Dead(Death {
            suite: self.log.reader.suite().map(str::to_owned),
            time_us: match &error {
                TargetError::Silent(_) => self.plan.patience.as_micros() as u64,
                _ => 0,
            },
            why: match last.iter().find(|line| is_report(words(line))) {
                Some(report) if matches!(error, TargetError::Silent(_)) => {
                    format!("{error}; the kernel says: {}", words(report))
                }
                _ => error.to_string(),
            },
            lines: if last.is_empty() { spoken } else { last },
        })
    }

    /// What the console got since the last case ended.
    fn last_lines(&self) -> Vec<String> {
        let mut lines = self.lab.console().last_lines(usize::MAX);
        let last = lines.iter().rposition(|line| {
            let text = words(line);
            ["ok ", "not ok ", "1..", "# Subtest: "].iter().any(|begin| text.starts_with(begin))
        });
        drop(lines.drain(..last.map_or(0, |last| last + 1)));
        lines.truncate(LAST_LINES);
        lines
    }
}

impl Log {
    /// Hears new records; says whether they bring a run forward.
    fn take(&mut self, records: &[KmsgRecord], tell: &mut dyn FnMut(Event)) -> bool {
        let mut forward = false;
        for record in records {
            // The same may come on two ways.
            if record.sequence < self.next {
                continue;
            }
            self.next = record.next();
            // Of the kernel only: a program may write to the log as well.
            for line in record.text.lines().filter(|_| record.facility == 0) {
                match self.reader.line(record.at_us, line) {
                    Some(Ktap::Suite(name)) => tell(Event::Suite(name)),
                    Some(Ktap::Case(case)) => tell(Event::Case(case)),
                    None => continue,
                }
                forward = true;
            }
        }
        forward
    }
}

/// A line of the console without its time.
fn words(line: &str) -> &str {
    let text = line.trim_start();
    let text = match text.strip_prefix('[') {
        Some(rest) => rest.split_once("] ").map_or(text, |(_, words)| words),
        None => text,
    };
    text.trim_start()
}

fn outside(subject: &Subject, why: String, lines: Vec<String>) -> Case {
    Case {
        suite: subject.name.clone(),
        name: OUTSIDE.into(),
        outcome: Outcome::Failed,
        time_us: 0,
        why,
        lines,
    }
}
