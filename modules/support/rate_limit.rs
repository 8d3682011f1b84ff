// SPDX-License-Identifier: GPL-2.0
//! Log lines that a caller could ask for without end.

use super::helpers;
use kernel::{bindings, prelude::*, types::Opaque};

/// Lets a number of lines through in each second; the kernel says how many others there were.
#[pin_data]
pub(crate) struct RateLimit {
    #[pin]
    state: Opaque<bindings::ratelimit_state>,
}

// SAFETY: The kernel's state has its own lock, and belongs to no thread.
unsafe impl Send for RateLimit {}
// SAFETY: As above.
unsafe impl Sync for RateLimit {}

impl RateLimit {
    /// At most `lines` in each second.
    pub(crate) fn new(lines: c_int) -> impl PinInit<Self> {
        pin_init!(Self {
            // SAFETY: `slot` is memory for the state.
            state <- Opaque::ffi_init(|slot| unsafe {
                helpers::ringside_ratelimit_init(slot, lines)
            }),
        })
    }

    /// May a line through?
    pub(crate) fn passes(&self) -> bool {
        let module = crate::__LOG_PREFIX.as_ptr().cast();
        // SAFETY: The state is initialised and pinned, and the module's name ends with a NUL.
        unsafe { bindings::___ratelimit(self.state.get(), module) != 0 }
    }
}

/// Writes a log line if a [`RateLimit`] lets it through.
///
/// ```ignore
/// limited!(limit, pr_info, "{} pages at {:#x}\n", pages, address);
/// ```
macro_rules! limited {
    ($limit:expr, $print:ident, $($line:tt)+) => {
        if $limit.passes() {
            $print!($($line)+);
        }
    };
}
pub(crate) use limited;
