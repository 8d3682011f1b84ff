// SPDX-License-Identifier: MIT OR Apache-2.0
//! A person's way through the dashboard, key by key, on a real guest.
