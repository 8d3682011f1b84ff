// SPDX-License-Identifier: MIT OR Apache-2.0
//! Running the KUnit tests of a folder's modules: each module is loaded into a
//! fresh guest with the debug kernel, and what KUnit writes to the log is read.
//!
//! A case that hangs or kills the kernel has failed; the cases behind it then run
//! one by one in another guest.

mod junit;
mod ktap;
mod plan;
mod reports;
mod session;

pub use junit::document as junit;
pub use ktap::{Case, Outcome};
pub use plan::{Event, OUTSIDE, Plan, Subject};
pub use reports::is_report;
use session::{Death, End, Session};

use super::error::LabResult;

/// So many cases may kill their guest before the rest is given up.
const GUESTS_MAX: usize = 20;

/// What to add to the command line of a guest that is to run tests: none of
/// those that are built into the kernel, and each report of KASAN.
pub fn guest_arguments() -> &'static str {
    "kunit.enable=1 kunit.autorun=1 kunit.filter_glob=none kasan_multi_shot"
}

/// What became of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Every case, in the order in which they ended.
    pub cases: Vec<Case>,
}

impl Verdict {
    /// How many cases ended so.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.cases.iter().filter(|case| case.outcome == outcome).count()
    }

    /// Did any case fail, or is there none?
    pub fn failed(&self) -> bool {
        self.cases.is_empty() || self.count(Outcome::Failed) > 0
    }
}

/// Runs the tests; `tell` gets the result of each.
///
/// # Errors
/// No guest can be started. That a test fails is none.
pub fn run(plan: &Plan, tell: &mut dyn FnMut(Event)) -> LabResult<Verdict> {
    let mut run = Run { plan, tell, verdict: Verdict::default(), guests: 0 };
    for number in 0..plan.subjects.len() {
        run.subject(number)?;
    }
    Ok(run.verdict)
}

struct Run<'a> {
    plan: &'a Plan,
    tell: &'a mut dyn FnMut(Event),
    verdict: Verdict,
    guests: usize,
}

impl Run<'_> {
    /// Tests one module: all its cases at once, and after a death the rest one by
    /// one.
    fn subject(&mut self, number: usize) -> LabResult<()> {
        let before = self.verdict.cases.len();
        let all = self.plan.only.clone().unwrap_or_else(|| "*".into());
        let End::Dead(death) = self.guest(|session, tell| session.test(number, &all, tell))? else {
            return Ok(());
        };
        let mut names = Vec::new();
        self.guest(|session, _| {
            names = session.names(number, &all);
            Ok(End::Done)
        })?;
        let is_done = |verdict: &Verdict, (suite, name): &(String, String)| {
            let cases = &verdict.cases[before..];
            cases.iter().any(|case| case.suite == *suite && case.name == *name)
        };
        let mut rest = names.into_iter().filter(|name| !is_done(&self.verdict, name));
        let rest: Vec<_> = rest.by_ref().collect();
        // KUnit does not say which case it begins: it is the first without a result.
        let module = self.plan.subjects[number].name.clone();
        let dead = match (&death.suite, rest.first()) {
            (Some(_), Some(name)) => name.clone(),
            _ => (death.suite.clone().unwrap_or(module), OUTSIDE.to_owned()),
        };
        self.died(dead, death);
        let mut rest = rest.into_iter().skip(1).peekable();
        while rest.peek().is_some() && self.guests < GUESTS_MAX {
            let mut last = None;
            let end = self.guest(|session, tell| {
                for (suite, name) in rest.by_ref() {
                    let one = format!("{suite}.{name}");
                    last = Some((suite, name));
                    if let End::Dead(death) = session.test(number, &one, tell)? {
                        return Ok(End::Dead(death));
                    }
                }
                Ok(End::Done)
            })?;
            if let (End::Dead(death), Some(name)) = (end, last) {
                self.died(name, death);
            }
        }
        Ok(())
    }

    /// Does something in a fresh guest, and keeps the cases that it tells of.
    fn guest(
        &mut self,
        work: impl FnOnce(&mut Session<'_>, &mut dyn FnMut(Event)) -> LabResult<End>,
    ) -> LabResult<End> {
        self.guests += 1;
        (self.tell)(Event::Guest);
        let mut session = Session::start(self.plan)?;
        let (cases, tell) = (&mut self.verdict.cases, &mut self.tell);
        work(&mut session, &mut |event| {
            if let Event::Case(case) = &event {
                cases.push(case.clone());
            }
            tell(event);
        })
    }

    /// A case has ended its guest.
    fn died(&mut self, (suite, name): (String, String), death: Death) {
        let case = Case {
            suite,
            name,
            outcome: Outcome::Failed,
            time_us: death.time_us,
            why: death.why,
            lines: death.lines,
        };
        self.verdict.cases.push(case.clone());
        (self.tell)(Event::Case(case));
    }
}
