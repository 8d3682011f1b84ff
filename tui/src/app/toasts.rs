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
    /// The text.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
    /// When it goes away.
    pub until_ms: u64,
}

/// The messages on the screen, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Toasts {
    shown: Vec<Toast>,
}

impl Toasts {
    /// Shows a message.
    pub fn add(&mut self, text: impl Into<String>, tone: Tone, now_ms: u64) {
        let text = text.into();
        self.shown.retain(|toast| toast.text != text);
        self.shown.push(Toast { text, tone, until_ms: now_ms + STAYS_MS });
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
