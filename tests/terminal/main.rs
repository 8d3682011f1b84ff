// SPDX-License-Identifier: MIT OR Apache-2.0
//! The real dashboard in a real pseudo-terminal over a real kernel.

mod restored;
mod session;
mod tour;
