// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can lie over the view: forms, questions, messages, help, the palette,
//! the console, the command log. [`crate::dashboard::shell::layers`] is what keys do there.

use super::form::Form;
use super::handler::Handler;
use super::scroll::Scroll;
use super::text_field::TextField;

/// Something over the view.
#[derive(Clone)]
pub enum Layer<S: 'static> {
    /// The keys of this place, scrolled down by so many lines.
    Help(usize),
    Palette(Palette),
    Form(Form<S>),
    /// A question before something that can't be undone.
    Confirm(Confirm<S>),
    /// A question with several answers.
    Choice(Choice<S>),
    /// A message that must be seen.
    Message(Message),
    /// What was executed; the selected line counts from the newest.
    CommandLog(Scroll),
    /// The serial console.
    Console(Scroll),
    /// What is under way; the selected line.
    Pending(usize),
    /// The moments that the guest can be wound back to; the selected line counts
    /// from the newest.
    Marks(usize),
    /// The calls of a module's functions.
    Trace,
    /// The experiments; the selected one.
    Experiments(usize),
}

/// The palette: a command is found by typing a part of its name or help.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    /// What was typed.
    pub input: TextField,
    /// The selected match.
    pub selected: usize,
}

/// A question whose answer is yes or no.
#[derive(Clone)]
pub struct Confirm<S> {
    pub title: String,
    /// What happens, in one or two sentences.
    pub text: String,
    /// The exact command.
    pub command: String,
    /// Does it. The question is closed before.
    pub yes: Handler<S, ()>,
}

impl<S: 'static> Confirm<S> {
    /// A question; `yes` gets the state of the view `V`.
    pub fn new<V: 'static>(
        title: impl Into<String>,
        text: impl Into<String>,
        command: impl Into<String>,
        yes: impl Fn(&mut V, &mut S) + 'static,
    ) -> Self {
        let yes = Handler::of(move |view, shared, (): &()| yes(view, shared));
        Self { title: title.into(), text: text.into(), command: command.into(), yes }
    }
}

/// A question with several answers; Esc gives none.
#[derive(Clone)]
pub struct Choice<S: 'static> {
    pub title: String,
    /// What it is about.
    pub text: String,
    /// What can be answered, besides Esc.
    pub answers: &'static [Answer<S>],
    /// What Esc means here.
    pub escape: &'static str,
}

pub struct Answer<S> {
    pub key: char,
    /// What it does, in a line.
    pub does: &'static str,
    /// Does it. The question is closed before.
    pub run: fn(&mut S),
}

/// A message that must be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// It tells of a failure, and not just of what was asked for.
    pub failed: bool,
    /// The title: what failed, or what this is about.
    pub title: String,
    /// What happened, and why.
    pub lines: Vec<String>,
    /// What to do next.
    pub remedy: Vec<String>,
}

impl<S: 'static> Layer<S> {
    /// A message about an error or something else that must be seen?
    pub fn is_message(&self) -> bool {
        matches!(self, Self::Message(_))
    }
}
