// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recording what happens in the guests that judge.

use std::path::Path;
use std::sync::Arc;

use super::settings::{OF_RECORDINGS, entries_silently};
use crate::dashboard::core::host::{Host, HostReply, HostRequest, HostResult};
use crate::dashboard::{self, Options};
use crate::grade;
use crate::kernel::Target;

/// Whoever records a test has no machine to ask.
struct Nobody;

impl Host for Nobody {
    fn ask(&self, _: HostRequest, _: &mut dyn FnMut(HostReply)) -> HostResult {
        Err("a test that is recorded has nobody to ask".into())
    }
}

/// A recording without a dashboard.
struct Kept(dashboard::Recording);

impl grade::Recording for Kept {
    fn target(&self) -> Arc<dyn Target> {
        self.0.target()
    }

    fn finish(self: Box<Self>) -> Result<(), String> {
        self.0.finish().map(drop).map_err(|error| error.to_string())
    }
}

/// Begins one.
pub(super) fn record(
    target: Arc<dyn Target>,
    file: &Path,
) -> Result<Box<dyn grade::Recording>, String> {
    let options = Options {
        config: entries_silently(&OF_RECORDINGS).map_err(|failure| failure.to_string())?,
        host: Arc::new(Nobody),
        own_lab: false,
        record: Some(file.to_owned()),
        state: None,
        workbench: None,
        experiment: None,
    };
    let recording = dashboard::record(target, options, || ());
    Ok(Box::new(Kept(recording.map_err(|error| error.to_string())?)))
}
