// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was done to the kernel from here, so that it can be done again once the
//! guest is wound back to before it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::effect::CallTag;
use super::equivalent::equivalent;
use crate::kernel::Request;

/// How many are kept.
const KEPT: usize = 64;
/// No pause between two is longer when they are done again.
const PAUSE_MS: u64 = 2000;

/// A request that changed something.
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    /// When, in the shared's time.
    pub at_ms: u64,
    /// When it was over, if it is.
    pub over_ms: Option<u64>,
    tag: CallTag,
    /// What it is called: `load kmod`.
    pub title: String,
    /// It.
    pub request: Request,
    /// A module's image, mostly nothing.
    pub input: Arc<Vec<u8>>,
}

impl Deed {
    /// The line that a person would have typed.
    pub fn line(&self) -> String {
        equivalent(&self.request).unwrap_or_else(|| self.title.clone())
    }
}

/// What is to happen once the guest is wound back.
#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    /// The ring is paused, to be gone through step by step.
    Step,
    /// These are done again, each so long after the first moment.
    Again {
        /// They, the oldest first.
        deeds: VecDeque<(u64, Deed)>,
        /// How many there were.
        many: usize,
        /// When the guest was back.
        since_ms: Option<u64>,
        /// The one that is done now.
        running: Option<CallTag>,
    },
}

/// What was done, and what is to be done again.
#[derive(Clone, Debug, Default)]
pub struct Deeds {
    list: VecDeque<Deed>,
    /// What is to happen, and in place of which guest.
    pub plan: Option<(u32, Then)>,
}

impl Deeds {
    /// Notes a request that starts, if it is one that can be done again: those to a
    /// subject can't, it ends with the guest.
    pub fn note(
        &mut self,
        tag: CallTag,
        title: &str,
        (request, input): (&Request, &Arc<Vec<u8>>),
        at_ms: u64,
    ) {
        let of_process = matches!(
            request,
            Request::Subject | Request::SubjectDo { .. } | Request::Trace { .. } | Request::Run(_)
        );
        if !request.changes() || of_process {
            return;
        }
        if self.list.len() == KEPT {
            self.list.pop_front();
        }
        let (title, request, input) = (title.to_owned(), request.clone(), Arc::clone(input));
        self.list.push_back(Deed { at_ms, over_ms: None, tag, title, request, input });
    }

    /// Notes that a request is over.
    pub fn over(&mut self, tag: CallTag, now_ms: u64) {
        let deed = self.list.iter_mut().rev().find(|deed| deed.tag == tag);
        if let Some(deed) = deed {
            deed.over_ms = Some(now_ms);
        }
    }

    /// What was done after a moment, or was under way then: a mark before a load is made
    /// when the load has been asked for.
    pub fn since(&self, moment_ms: u64) -> impl Iterator<Item = &Deed> {
        self.list.iter().filter(move |deed| deed.over_ms.is_none_or(|over| over >= moment_ms))
    }

    /// These again, with the pauses between them as they were, if not too long.
    pub fn again(&self, moment_ms: u64) -> Then {
        let (mut before_ms, mut due_ms) = (moment_ms, 0);
        let deeds: VecDeque<_> = self
            .since(moment_ms)
            .map(|deed| {
                due_ms += deed.at_ms.saturating_sub(before_ms).min(PAUSE_MS);
                before_ms = deed.at_ms;
                (due_ms, deed.clone())
            })
            .collect();
        Then::Again { many: deeds.len(), deeds, since_ms: None, running: None }
    }
}
