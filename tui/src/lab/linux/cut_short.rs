// SPDX-License-Identifier: MIT OR Apache-2.0
//! Builds that ended before make could remove what it was writing. A note lies beside
//! the build folder for as long as make works there, and stays where make was killed
//! or this computer lost its power: half an object would otherwise be taken for
//! whole, since only its time tells make whether it is.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::super::build_error::{BuildError, BuildResult};
use super::super::{cache, durable, proc};

fn note(build_dir: &Path) -> PathBuf {
    build_dir.with_extension("unfinished")
}

/// Has make do this work in `build_dir`.
///
/// # Errors
/// Those of the work; or the note can't be written.
pub(super) fn during(build_dir: &Path, work: impl FnOnce() -> BuildResult<()>) -> BuildResult<()> {
    begin(build_dir)?;
    let result = work();
    // Of a make that was stopped nobody knows whether it had the time to tidy up.
    if matches!(result, Ok(()) | Err(BuildError::Command { .. } | BuildError::Config(_))) {
        end(build_dir)?;
    }
    result
}

fn begin(build_dir: &Path) -> BuildResult<()> {
    fs::create_dir_all(build_dir).map_err(BuildError::on("make", build_dir))?;
    // What was made before is not suspected when the power fails now.
    durable::keep_all(build_dir).map_err(BuildError::on("write", build_dir))?;
    cache::write(&note(build_dir), &proc::boot())
}

/// Make has ended by itself, and left nothing half written.
fn end(build_dir: &Path) -> BuildResult<()> {
    let note = note(build_dir);
    match fs::remove_file(&note) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(BuildError::on("remove", &note)(error))
        }
        _ => Ok(()),
    }
}

/// Removes what a build that was cut short may have left half written. Returns what
/// there is to say of that.
///
/// # Errors
/// It can't be removed.
pub(super) fn mend(build_dir: &Path) -> BuildResult<Option<&'static str>> {
    let Ok(boot) = fs::read_to_string(note(build_dir)) else {
        return Ok(None);
    };
    if !build_dir.exists() {
        return Ok(None);
    }
    if boot == proc::boot() {
        remove_unfinished(build_dir)?;
        return Ok(None);
    }
    // What was written shortly before is on the disk in part, and no time tells which.
    fs::remove_dir_all(build_dir).map_err(BuildError::on("remove", build_dir))?;
    Ok(Some("the last build was cut short together with this computer; all is built again"))
}

/// Removes every file below `folder` that make was killed over: Kbuild notes the
/// command of each file in another one, as soon as the file is whole.
fn remove_unfinished(folder: &Path) -> BuildResult<()> {
    for entry in fs::read_dir(folder).map_err(BuildError::on("read", folder))?.flatten() {
        let path = entry.path();
        let kind = entry.file_type().map_err(BuildError::on("look at", &path))?;
        if kind.is_dir() {
            remove_unfinished(&path)?;
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        let made = name.strip_prefix('.').and_then(|name| name.strip_suffix(".cmd"));
        let Some(made) = made.map(|made| folder.join(made)) else { continue };
        let time = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
        if time(&made) > time(&path) {
            fs::remove_file(&made).map_err(BuildError::on("remove", &made))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    fn write(path: &Path, second: u64) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = fs::File::create(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(second)).unwrap();
    }

    /// A build folder with an object that is whole, one that was being made again, and
    /// one of which no command is known yet.
    fn cut_short(build_dir: &Path) -> [PathBuf; 3] {
        let objects = ["whole.o", "half.o", "first.o"].map(|name| build_dir.join("mm").join(name));
        for (object, (made, noted)) in objects.iter().zip([(1, Some(2)), (9, Some(2)), (9, None)]) {
            write(object, made);
            let name = object.file_name().unwrap().to_string_lossy();
            if let Some(noted) = noted {
                write(&object.with_file_name(format!(".{name}.cmd")), noted);
            }
        }
        objects
    }

    #[test]
    fn what_make_was_killed_over_is_removed_and_what_is_whole_stays() {
        let root = tempfile::tempdir().unwrap();
        let build_dir = root.path().join("build/lab");
        let objects = cut_short(&build_dir);
        begin(&build_dir).unwrap();
        assert_eq!(mend(&build_dir).unwrap(), None);
        // Where it knows no command, make makes the object again by itself.
        assert_eq!(objects.map(|object| object.exists()), [true, false, true]);
    }

    #[test]
    fn nothing_is_removed_after_a_build_whose_make_ended_by_itself() {
        let root = tempfile::tempdir().unwrap();
        let build_dir = root.path().join("build/lab");
        let objects = cut_short(&build_dir);
        let failed = || BuildError::Config(Vec::new());
        for result in [Ok(()), Err(failed())] {
            let succeeds = result.is_ok();
            assert_eq!(during(&build_dir, || result).is_ok(), succeeds);
            assert_eq!(mend(&build_dir).unwrap(), None);
            assert!(objects.iter().all(|object| object.exists()));
        }
    }

    #[test]
    fn a_build_that_was_stopped_may_have_left_something_half_written() {
        let root = tempfile::tempdir().unwrap();
        let build_dir = root.path().join("build/lab");
        let objects = cut_short(&build_dir);
        during(&build_dir, || Err(BuildError::Stopped("compiling".into()))).unwrap_err();
        assert_eq!(mend(&build_dir).unwrap(), None);
        assert_eq!(objects.map(|object| object.exists()), [true, false, true]);
    }

    #[test]
    fn after_a_loss_of_power_nothing_of_the_build_is_trusted() {
        let root = tempfile::tempdir().unwrap();
        let build_dir = root.path().join("build/lab");
        cut_short(&build_dir);
        begin(&build_dir).unwrap();
        fs::write(note(&build_dir), "another boot of this computer").unwrap();
        assert!(mend(&build_dir).unwrap().unwrap().contains("built again"));
        assert!(!build_dir.exists());
        assert_eq!(mend(&build_dir).unwrap(), None);
    }
}
