// SPDX-License-Identifier: MIT OR Apache-2.0
//! The guest of a watch: what its log says, and another one in its place.

use std::time::{Duration, Instant};

use super::news::{News, Tell};
use super::{Event, Watch};
use crate::kernel::api::{Item, LabRequest, Request};
use crate::kernel::call::{ask, parsed};
use crate::kernel::{TargetError, TargetResult, put, question};
use crate::lab::oops;

/// How long the lines of a report may be on their way.
const ON_THE_WAY: Duration = Duration::from_millis(300);

impl Watch {
    /// Another guest runs, and not because of us.
    pub(super) fn look_again(&mut self, tell: Tell<'_>) {
        if !self.log_ended {
            // It was us, or nothing has happened to what is listened to.
            return;
        }
        if self.listen().is_err() {
            // It is dead already, which is reported when it is used.
            return;
        }
        self.broken = false;
        self.reader = oops::Reader::default();
        if !self.is_there() {
            self.loaded.clear();
        }
        tell(News::Rebooted { names: self.names() });
    }

    /// The newest mark of the moment before the last load, or before the unload that
    /// came right before it; none where the lab made none, or there is no lab.
    pub(super) fn mark(&self) -> TargetResult<Option<String>> {
        let Some(first) = self.tried.first() else { return Ok(None) };
        let reasons = ["load", "unload"].map(|what| format!("before {what} {first}"));
        match put(&*self.plan.target, question::Marks) {
            Ok(marks) => Ok(marks
                .into_iter()
                .rfind(|mark| mark.reason.as_ref().is_some_and(|reason| reasons.contains(reason)))
                .map(|mark| mark.name)),
            Err(TargetError::Unsupported(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reports what the kernel has logged up to now. A save or an order that comes
    /// meanwhile ends it, and so does the time: a module may log without end.
    pub(super) fn catch_up(&mut self, tell: Tell<'_>) {
        let until = Instant::now() + ON_THE_WAY;
        let left = || until.saturating_duration_since(Instant::now());
        while let Ok(event) = self.events.1.recv_timeout(left()) {
            match event {
                Event::Log { guest, item } => self.hear(guest, item, tell),
                other => {
                    // The receiver is ours.
                    drop(self.events.0.send(other));
                    return;
                }
            }
        }
    }

    pub(super) fn hear(&mut self, guest: u64, item: Item, tell: Tell<'_>) {
        if guest != self.guest {
            return;
        }
        match item {
            Item::Kmsg(batch) => {
                for record in batch.records {
                    let reports: Vec<_> =
                        record.text.lines().filter_map(|line| self.reader.line(line)).collect();
                    tell(News::Said(record));
                    for report in reports {
                        self.broken |= report.fatal;
                        tell(News::Report {
                            places: report.places(&self.plan.kernel.release, &self.builds),
                            words: report.words,
                            fatal: report.fatal,
                        });
                    }
                }
            }
            Item::Done(Err(TargetError::Gone(why))) => {
                self.log_ended = true;
                self.broken = true;
                tell(News::Died(why));
            }
            _ => {}
        }
    }

    /// Starts a new guest, with nothing loaded.
    pub(super) fn reboot(&mut self, tell: Tell<'_>) -> TargetResult<()> {
        self.replace_guest(LabRequest::Reboot { cold: false })?;
        tell(News::Rebooted { names: Vec::new() });
        Ok(())
    }

    /// Winds the guest back to a mark of the moment before a load.
    pub(super) fn rewind(&mut self, mark: String, tell: Tell<'_>) -> TargetResult<()> {
        self.replace_guest(LabRequest::Rewind { name: Some(mark.clone()) })?;
        tell(News::Rewound { mark });
        Ok(())
    }

    pub(super) fn replace_guest(&mut self, how: LabRequest) -> TargetResult<()> {
        self.log = None;
        self.loaded.clear();
        ask(&*self.plan.target, Request::Lab(how), &[])?;
        self.broken = false;
        self.reader = oops::Reader::default();
        self.listen()
    }

    /// Follows the log of the guest from here on.
    pub(super) fn listen(&mut self) -> TargetResult<()> {
        let mut next = None;
        for item in ask(&*self.plan.target, Request::Kmsg { from: None, follow: false }, &[])? {
            if let Item::Kmsg(batch) = item {
                next = batch.records.last().map(|record| record.next()).or(next);
            }
        }
        self.guest += 1;
        let (guest, heard) = (self.guest, self.events.0.clone());
        let request = Request::Kmsg { from: next, follow: true };
        let sink = parsed(
            &request,
            // Nobody listens any more when the watch is over.
            Box::new(move |item| drop(heard.send(Event::Log { guest, item }))),
        );
        self.log = Some(self.plan.target.start(request, sink)?);
        self.log_ended = false;
        Ok(())
    }
}
