// SPDX-License-Identifier: MIT OR Apache-2.0
//! Verdicts as people and programs want them.

mod csv;
mod gradescope;
mod junit;
mod markdown;
mod table;

pub use self::csv::document as csv;
pub use self::gradescope::document as gradescope;
pub use self::junit::document as junit;
pub use self::markdown::document as markdown;
pub use self::table::{points, summary, verdict};

#[cfg(test)]
mod tests;
