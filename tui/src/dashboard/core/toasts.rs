// SPDX-License-Identifier: MIT OR Apache-2.0
//! Short messages that go away by themselves.

/// How long a message stays, in milliseconds.
const STAYS_MS: u64 = 5000;
/// The most that are shown at one time.
const MOST: usize = 3;

/// How a message is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something was done.
    Good,
    /// Something to know.
    Note,
}

/// A short message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
    /// When it goes away.
    pub until_ms: u64,
    /// The command that it says can't be carried out.
    refused: Option<&'static str>,
}

impl Toast {
    /// Does it say why a command can't be carried out?
    pub fn is_refusal(&self) -> bool {
        self.refused.is_some()
    }
}

/// The messages on the screen, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Toasts {
    shown: Vec<Toast>,
}

impl Toasts {
    /// Shows a message.
    pub fn add(&mut self, text: impl Into<String>, tone: Tone, now_ms: u64) {
        self.push(text.into(), tone, now_ms, None);
    }

    /// Says why a command can't be carried out.
    pub fn refuse(&mut self, command: &'static str, text: impl Into<String>, now_ms: u64) {
        self.push(text.into(), Tone::Note, now_ms, Some(command));
    }

    /// Takes away what was said about the last key: another command is carried out.
    pub fn go_on(&mut self) {
        self.shown.retain(|toast| toast.tone != Tone::Note);
    }

    /// Takes away what holds no longer: that a command can't be carried out which now can.
    pub fn allow(&mut self, possible: impl Fn(&str) -> bool) {
        self.shown.retain(|toast| !toast.refused.is_some_and(&possible));
    }

    /// The commands that are said to be impossible.
    pub fn refused(&self) -> impl Iterator<Item = &'static str> {
        self.shown.iter().filter_map(|toast| toast.refused)
    }

    fn push(&mut self, text: String, tone: Tone, now_ms: u64, refused: Option<&'static str>) {
        self.shown.retain(|toast| toast.text != text);
        self.shown.push(Toast { text, tone, until_ms: now_ms + STAYS_MS, refused });
        if self.shown.len() > MOST {
            self.shown.remove(0);
        }
    }

    /// Takes away what has been seen; `true` when anything went.
    pub fn expire(&mut self, now_ms: u64) -> bool {
        let before = self.shown.len();
        self.shown.retain(|toast| toast.until_ms > now_ms);
        before != self.shown.len()
    }

    /// Takes all away.
    pub fn clear(&mut self) {
        self.shown.clear();
    }

    /// The messages, oldest first.
    pub fn shown(&self) -> &[Toast] {
        &self.shown
    }
}
