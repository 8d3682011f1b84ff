// SPDX-License-Identifier: MIT OR Apache-2.0
//! What there is to load by a name, a file or a folder, and what that needs.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Failure;
use super::labs::uptime;
use super::our_module::{self, Words};
use crate::kernel::local::is_guest;
use crate::kernel::modinfo::{is_module_file, module_name};
use crate::kernel::{Target, put, question};
use crate::lab::built_module::{BuiltModule, in_order, read_one};
use crate::lab::modules::{self, Earlier};
use crate::lab::progress::{Event, Progress};

/// What is to be loaded.
#[derive(Debug)]
pub(super) struct Loadable {
    /// In the order in which the kernel takes them.
    pub(super) images: Vec<BuiltModule>,
    /// The names of those that were asked for; the others are needed by them.
    pub(super) asked: Vec<String>,
}

/// What `module` means: one of ours by name, a file, what a folder makes, or what
/// was built before under this name. Modules that these need, that are not loaded
/// and were built before, come with it. `progress` names what nobody named.
///
/// # Errors
/// It means nothing, or can't be built or read.
pub(super) fn find(
    module: &Path,
    target: &dyn Target,
    progress: &mut dyn Progress,
    words: Words,
) -> Result<Loadable, Failure> {
    let files = files(module, target, progress, words)?;
    let images: Vec<_> = files.iter().map(|file| read_one(file)).collect::<Result<_, _>>()?;
    let asked = images.iter().map(|image| image.name.clone()).collect();
    let images = with_what_they_need(images, target, progress, words)?;
    Ok(Loadable { images: in_order(images), asked })
}

fn files(
    module: &Path,
    target: &dyn Target,
    progress: &mut dyn Progress,
    words: Words,
) -> Result<Vec<PathBuf>, Failure> {
    let text = module.to_string_lossy();
    let is_path = module.components().count() > 1 || text.ends_with('/') || module.is_absolute();
    let is_file = is_module_file(&text) && module.exists();
    let name = module_name(&text);
    let ours = ringside_uapi::module(&name).is_some();
    if is_path || is_file || (!ours && module.exists()) {
        return match module.is_dir() {
            true => our_module::folder(module, target, progress, words),
            false => Ok(vec![module.to_owned()]),
        };
    }
    if is_guest() {
        return match installed(&name) {
            Some(file) => Ok(vec![file]),
            None => Err(Failure::new(format!("no module {name} was built for this kernel"))
                .with_help("build it outside of the guest: ringside build FOLDER")),
        };
    }
    if ours {
        return Ok(vec![our_module::file(&name, target, progress, words)?]);
    }
    match built_before(&name, target, progress, words)? {
        Some(build) => {
            tell(&name, &build, progress);
            Ok(vec![build.file])
        }
        None => Err(our_module::unknown(&text)),
    }
}

/// The newest build of a module for the kernel of `target`, if that is a lab's.
fn built_before(
    name: &str,
    target: &dyn Target,
    progress: &mut dyn Progress,
    words: Words,
) -> Result<Option<Earlier>, Failure> {
    let kernel = our_module::kernel_of_lab(target, progress, words)?;
    Ok(kernel.and_then(|kernel| modules::newest(&kernel, name)))
}

/// The file of a module in a guest, which has the newest build of each where any
/// Linux has its modules.
fn installed(name: &str) -> Option<PathBuf> {
    let kernel = nix::sys::utsname::uname().ok()?;
    let folder = Path::new("/lib/modules").join(kernel.release());
    ["updates", "extra"].into_iter().find_map(|place| {
        let entries = std::fs::read_dir(folder.join(place)).ok()?;
        let mut files = entries.flatten().map(|entry| entry.path());
        files.find(|file| {
            let text = file.to_string_lossy();
            is_module_file(&text) && module_name(&text) == name
        })
    })
}

/// Says which build it is.
fn tell(name: &str, build: &Earlier, progress: &mut dyn Progress) {
    let age = SystemTime::now().duration_since(build.at).unwrap_or_default();
    let age = uptime(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
    let changed = match build.changed {
        true => format!(
            "; its sources have changed since: ringside load {} builds them",
            build.folder.display()
        ),
        false => String::new(),
    };
    progress.report(Event::Note(format!(
        "{name} is {}, built {age} ago from {}{changed}",
        build.file.display(),
        build.folder.display()
    )));
}

/// Adds the modules that these need, as far as they were built before and are not
/// loaded. What is nowhere the kernel will miss, and say so.
fn with_what_they_need(
    mut all: Vec<BuiltModule>,
    target: &dyn Target,
    progress: &mut dyn Progress,
    words: Words,
) -> Result<Vec<BuiltModule>, Failure> {
    let is_among = |name: &str, all: &[BuiltModule]| all.iter().any(|image| image.name == name);
    if all.iter().flat_map(|image| &image.needs).all(|need| is_among(need, &all)) {
        return Ok(all);
    }
    let Ok(loaded) = put(target, question::Modules) else {
        // Whoever loads them will hear why.
        return Ok(all);
    };
    let mut next = 0;
    while next < all.len() {
        for need in all[next].needs.clone() {
            if is_among(&need, &all) || loaded.iter().any(|module| module.name == need) {
                continue;
            }
            if is_guest()
                && let Some(file) = installed(&need)
            {
                all.push(read_one(&file)?);
            } else if let Some(build) = built_before(&need, target, progress, words)? {
                progress.report(Event::Note(format!("{} needs {need}", all[next].name)));
                tell(&need, &build, progress);
                all.push(read_one(&build.file)?);
            }
        }
        next += 1;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::local::Local;

    fn refused(module: &Path) -> String {
        let silent: &mut dyn Progress = &mut |_: Event| {};
        find(module, &Local::new(), silent, |error| error).unwrap_err().to_string()
    }

    #[test]
    fn a_name_that_is_none_of_ours_gets_the_list_of_ours() {
        assert!(refused(Path::new("no_such")).contains("producer_consumer"));
        assert!(refused(Path::new("no_such.ko")).contains("there is no file no_such.ko here"));
        assert!(refused(Path::new("./none.ko")).contains("(ENOENT)"));
    }

    #[test]
    fn what_can_hold_no_module_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(refused(&fifo).contains("is a pipe (FIFO), not a file"));
        assert!(refused(Path::new("/dev/zero")).contains("is a device, not a file"));
        // Local is no lab, so nobody knows what to build it for.
        assert!(refused(folder.path()).contains("can't be built for this kernel"));
    }
}
