// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a request to a kernel failed.

use serde::{Deserialize, Serialize};

/// What a request ends with.
pub type TargetResult<T> = Result<T, TargetError>;

/// Why a request failed; travels over the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum TargetError {
    /// The kernel refused: the error number, what was being done and on what.
    #[error("{doing}: {} ({})", errno_text(*errno), errno_name(*errno))]
    Errno {
        /// The error number, positive.
        errno: i32,
        /// What was being done, on what: `unload module memalloc`.
        doing: String,
        /// What to do next, or why it happens here; may be empty.
        hint: String,
    },
    /// The kernel or the target lacks something.
    #[error("{0}")]
    Unsupported(String),
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The kernel oopsed while it did this.
    #[error("{0}: the kernel oopsed while it did that, and killed the thread that asked for it")]
    Oopsed(String),
    /// The other end of the connection is gone.
    #[error("{0}")]
    Gone(String),
    /// The other end is there and does not answer.
    #[error("{0}")]
    Silent(String),
    /// The caller cancelled the request.
    #[error("cancelled")]
    Cancelled,
    /// The other end broke the protocol.
    #[error("{0}")]
    Protocol(String),
    /// The process that was asked has ended; the kernel goes on.
    #[error("{0}")]
    Ended(String),
}

impl TargetError {
    /// An error of the kernel's without a hint.
    pub fn errno(errno: i32, doing: impl Into<String>) -> Self {
        Self::Errno { errno, doing: doing.into(), hint: String::new() }
    }

    /// From an I/O error; one without an error number becomes [`TargetError::Gone`].
    pub fn io(error: &std::io::Error, doing: impl Into<String>) -> Self {
        match error.raw_os_error() {
            Some(errno) => Self::errno(errno, doing),
            None => Self::Gone(format!("{}: {error}", doing.into())),
        }
    }

    /// The same error with what to do next.
    #[must_use]
    pub fn with_hint(mut self, text: impl Into<String>) -> Self {
        if let Self::Errno { hint, .. } = &mut self {
            *hint = text.into();
        }
        self
    }

    /// What to do next, if anything is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Errno { hint, .. } if !hint.is_empty() => Some(hint),
            _ => None,
        }
    }
}

/// `EBUSY` for 16, and so on; `errno 9999` for a number without a name.
pub fn errno_name(errno: i32) -> String {
    match nix::errno::Errno::from_raw(errno) {
        nix::errno::Errno::UnknownErrno => format!("errno {errno}"),
        known => format!("{known:?}"),
    }
}

/// Why an operation failed: `No space left on device (ENOSPC)`.
pub fn io_text(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(errno) => format!("{} ({})", errno_text(errno), errno_name(errno)),
        None => error.to_string(),
    }
}

/// The sentence for an error number.
pub fn errno_text(errno: i32) -> &'static str {
    nix::errno::Errno::from_raw(errno).desc()
}
