// SPDX-License-Identifier: MIT OR Apache-2.0
//! A model that gets the entries of a recording.

use std::collections::HashMap;

use super::convert;
use super::programs::Programs;
use crate::dashboard::core::link::NO_KERNEL;
use crate::dashboard::core::{CallTag, Effect, Event};
use crate::dashboard::shell::model::Model;
use crate::dashboard::shell::update::update;
use crate::kernel::TargetError;
use crate::kernel::api::{LabRequest, Request};
use crate::tape::{Entry, Start};

/// Requests of the model that the recording has not got to are forgotten beyond so many.
const WAITING: usize = 64;

/// What the model asked for.
#[derive(Clone, Debug)]
enum Asked {
    Kernel(Request),
    Host(String),
}

impl Asked {
    /// Is it this request, as it was recorded?
    fn is(&self, recorded: &Request) -> bool {
        matches!(self, Self::Kernel(own) if *convert::without_environment(own) == *recorded)
    }
}

/// A model and what it waits for.
#[derive(Clone)]
pub struct Fold {
    pub model: Model,
    /// What is to be seen now.
    pub caption: String,
    /// Which of the model's calls each recorded one is.
    calls: HashMap<u64, (CallTag, Asked)>,
    waiting: Vec<(CallTag, Asked)>,
    programs: Programs,
}

impl Fold {
    /// The model that a recording begins with.
    pub fn new(start: &Start) -> Self {
        Self {
            model: convert::model(start),
            caption: String::new(),
            calls: HashMap::new(),
            waiting: Vec::new(),
            programs: Programs::default(),
        }
    }

    /// Takes an entry.
    pub fn take(&mut self, entry: Entry<'static>) {
        // A program that an experiment runs is the model's own.
        let own = matches!(&entry, Entry::Call { request, .. }
            if self.waiting.iter().any(|(_, asked)| asked.is(request)));
        if !own && let Some(caption) = self.programs.take(&mut self.model, &entry) {
            self.caption = caption;
            self.model.changed();
            return;
        }
        match entry {
            Entry::Call { call, request, .. } => {
                let same = |asked: &Asked| asked.is(&request);
                let alike = |asked: &Asked| {
                    matches!(asked, Asked::Kernel(other)
                    if std::mem::discriminant(other) == std::mem::discriminant(&*request))
                };
                self.pair(call, same, alike);
            }
            Entry::Task { call, what } => {
                let same = |asked: &Asked| matches!(asked, Asked::Host(other) if *other == what);
                self.pair(call, same, |_| false);
            }
            Entry::Cancel { call } => self.cancelled(call),
            Entry::Input { .. } => {}
            Entry::Caption(text) => {
                self.caption = text.into_owned();
                self.model.changed();
            }
            entry => {
                let over = match &entry {
                    Entry::Item { call, item } => {
                        matches!(**item, crate::kernel::Item::Done(_)).then_some(*call)
                    }
                    Entry::Failed { call, .. } | Entry::Reply { call, .. } => Some(*call),
                    _ => None,
                };
                let calls = &self.calls;
                let event = convert::event(entry, &self.model, |call| {
                    calls.get(&call).map(|(tag, _)| *tag)
                });
                if let Some(call) = over {
                    self.calls.remove(&call);
                }
                if let Some(event) = event {
                    let effects = update(&mut self.model, event);
                    self.wait(effects);
                    self.bear_with();
                }
            }
        }
    }

    /// Takes an entry where somebody else has the keyboard.
    pub fn take_kernels(&mut self, entry: Entry<'static>) {
        match entry {
            Entry::Key(_)
            | Entry::Paste(_)
            | Entry::Click(_)
            | Entry::Wheel { .. }
            | Entry::Resize { .. }
            | Entry::Work => {}
            entry => self.take(entry),
        }
    }

    /// A question of the model's that the recorded dashboard has not asked yet (that of
    /// another version may ask at other times) is no sign that the kernel is silent.
    fn bear_with(&mut self) {
        let now = self.model.now_ms;
        for (tag, asked) in &self.waiting {
            if let (Asked::Kernel(Request::Kernel), Some(call)) =
                (asked, self.model.calls.get_mut(*tag))
            {
                call.started_ms = now;
            }
        }
    }

    /// Notes what the model asked for, for the recording to answer.
    fn wait(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start { tag, request, .. } => {
                    self.waiting.push((tag, Asked::Kernel(request)));
                }
                Effect::Host { tag, request } => {
                    self.waiting.push((tag, Asked::Host(request.words())));
                }
                Effect::Cancel(over) => self.waiting.retain(|(tag, _)| *tag != over),
                _ => {}
            }
        }
        let extra = self.waiting.len().saturating_sub(WAITING);
        self.waiting.drain(..extra);
    }

    /// Finds the model's call that a recorded one is: the same, or one of its kind.
    fn pair(&mut self, call: u64, same: impl Fn(&Asked) -> bool, alike: impl Fn(&Asked) -> bool) {
        let find =
            |test: &dyn Fn(&Asked) -> bool| self.waiting.iter().position(|(_, asked)| test(asked));
        if let Some(index) = find(&same).or_else(|| find(&alike)) {
            let asked = self.waiting.remove(index);
            self.calls.insert(call, asked);
        }
    }

    /// The recorded dashboard gave up a question. Where the model has not (that of another
    /// version may be more patient), the next one like it has its reply.
    fn cancelled(&mut self, call: u64) {
        let Some((tag, _)) = self.calls.get(&call) else {
            return;
        };
        let patient = self.model.calls.get_mut(*tag).is_some_and(|own| own.cancelled.is_none());
        if patient {
            self.waiting.extend(self.calls.remove(&call));
        }
    }

    /// Takes what whoever watches does. Returns what is to be done for him; what
    /// needs the kernel is refused here.
    pub fn viewer(&mut self, event: Event) -> Vec<Effect> {
        let mut wanted = Vec::new();
        let mut effects = update(&mut self.model, event);
        while !effects.is_empty() {
            let mut refused = Vec::new();
            for effect in std::mem::take(&mut effects) {
                match effect {
                    Effect::Start { tag, request, input } => {
                        if goes_on(&request) {
                            self.wait(vec![Effect::Start { tag, request, input }]);
                        } else {
                            refused.push(tag);
                        }
                    }
                    Effect::Cancel(_) | Effect::Remember(_) => {}
                    other => wanted.push(other),
                }
            }
            for tag in refused {
                let error = TargetError::Unsupported(NO_KERNEL.into());
                effects.extend(update(&mut self.model, Event::CallFailed(tag, error)));
            }
        }
        wanted
    }

    /// Hands the keyboard of this copy to whoever watches.
    pub fn hand_over(&mut self) {
        self.model.layers.clear();
        self.model.link.recording = true;
        let Model { views, shared, .. } = &mut self.model;
        let view = views.current_mut(shared);
        if view.typing() {
            view.escape(shared);
        }
    }
}

/// Is it something that a dashboard asks for again and again, so that the recording
/// has its replies?
fn goes_on(request: &Request) -> bool {
    matches!(
        request,
        Request::Kernel
            | Request::Modules
            | Request::Watch { .. }
            | Request::Kmsg { .. }
            | Request::Lab(LabRequest::Watch | LabRequest::Console { .. })
    )
}
