// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lab: what it takes to have a real kernel to look at.

pub mod vm;
