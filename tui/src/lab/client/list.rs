// SPDX-License-Identifier: MIT OR Apache-2.0
//! All labs at once: what each says of itself, or that it says nothing.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::attach_within;
use crate::kernel::TargetError;
use crate::kernel::api::LabStatus;
use crate::lab::error::{LabError, LabResult};
use crate::lab::runtime;

/// How long a lab may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// One lab.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub id: String,
    /// What it says of itself.
    pub status: LabResult<LabStatus>,
}

/// The labs of this user, in order. All are asked at the same time, and none is
/// waited for longer than a second.
///
/// # Errors
/// Their folder can't be used.
pub fn list() -> LabResult<Vec<Entry>> {
    Ok(list_in(&runtime::folder()?, ANSWERS_WITHIN))
}

fn list_in(folder: &Path, within: Duration) -> Vec<Entry> {
    let ids = runtime::labs(folder);
    let ask = |id: &String| Entry { id: id.clone(), status: ask(folder, id, within) };
    thread::scope(|scope| {
        let asked: Vec<_> = ids.iter().map(|id| scope.spawn(|| ask(id))).collect();
        // A thread that panicked has said so itself.
        let entries = asked.into_iter().filter_map(|entry| entry.join().ok());
        // One that has ended meanwhile is no lab.
        entries.filter(|entry| !matches!(entry.status, Err(LabError::NoSuchLab(_)))).collect()
    })
}

fn ask(folder: &Path, id: &str, within: Duration) -> LabResult<LabStatus> {
    let until = Instant::now() + within;
    let lab = attach_within(folder, Some(id), within)?;
    match lab.status_within(until.saturating_duration_since(Instant::now())) {
        Err(LabError::Target(TargetError::Silent(_))) => {
            Err(LabError::Unresponsive(runtime::unresponsive(folder, id)))
        }
        status => status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::runtime::LabFolder;

    #[test]
    fn no_lab_waits_for_its_turn_to_be_asked() {
        let folder = tempfile::tempdir().unwrap();
        let labs = [(); 3].map(|()| LabFolder::create(folder.path()).unwrap());
        let sockets = labs.each_ref().map(|lab| lab.listen().unwrap());
        // None ends before the last one has been called.
        let called = thread::spawn(move || {
            drop(sockets.map(|socket| socket.accept().unwrap()));
            drop(labs);
        });
        let entries = list_in(folder.path(), Duration::from_secs(60));
        assert!(entries.is_empty(), "{entries:?}");
        called.join().unwrap();
    }
}
