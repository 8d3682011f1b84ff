// SPDX-License-Identifier: MIT OR Apache-2.0
//! Building modules against a kernel of the cache, out of copies of their folders.
//!
//! ```text
//! stage (copy the sources) ► kbuild (which modules?) ► compile (make) ► exports (what is undefined) ► stamp
//! ```

mod compile;
mod editor;
mod exports;
mod hints;
mod kbuild;
mod limits;
mod own;
mod references;
mod stage;
mod stamp;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

pub use self::hints::{Replaced, TABLE as REPLACED_NAMES, Table as ReplacedNames};
pub use self::own::ours;
use super::build_error::{BuildError, BuildResult};
use super::cache;
use super::linux::{self, Kernel};
use super::lock::{Lock, Mode};
use super::paths::{all_lossy, lossy};
use super::progress::{Event, Progress};
use compile::{Options, Said};
pub use editor::write as write_for_editors;
use exports::Exports;
use hints::Hints;
use kbuild::Module;
use limits::Limited;
use stage::{Sources, Stage};
use stamp::Stamp;

/// What became of one folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Built {
    /// The folder.
    #[serde(serialize_with = "lossy")]
    pub folder: PathBuf,
    /// The .ko files that were made.
    #[serde(serialize_with = "all_lossy")]
    pub modules: Vec<PathBuf>,
    /// The modules that were not.
    pub failed: Vec<Failed>,
    /// What is worth knowing beside: a flag that was dropped, whose symbol is used.
    pub notes: Vec<String>,
}

/// A module that could not be built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// Its name.
    pub module: String,
    /// Why: the first line says it, the others show it.
    pub why: Vec<String>,
}

/// Builds the modules of `folder`, which has a Kbuild file, for `kernel`. Only
/// what changed is built again; nothing is written to `folder`. Returns the .ko
/// files.
///
/// # Errors
/// `folder` can't be built, one of its modules does not compile, or the caller
/// asked to stop.
pub fn build(
    kernel: &Kernel,
    folder: &Path,
    progress: &mut dyn Progress,
) -> BuildResult<Vec<PathBuf>> {
    let mut built = build_all(kernel, &[folder.to_owned()], progress)?;
    let built = built.pop().unwrap_or_default();
    if built.failed.is_empty() {
        return Ok(built.modules);
    }
    Err(BuildError::Modules {
        folder: folder.to_owned(),
        failed: built.failed.into_iter().map(|failed| (failed.module, failed.why)).collect(),
    })
}

/// Builds several folders, which see each other's symbols. A module that can't
/// be built takes no other with it.
///
/// # Errors
/// A folder can't be built at all, or the caller asked to stop.
pub fn build_all(
    kernel: &Kernel,
    folders: &[PathBuf],
    progress: &mut dyn Progress,
) -> BuildResult<Vec<Built>> {
    let root = cache::root()?;
    let mut works: Vec<Work> = Vec::new();
    for folder in folders {
        let work = Work::new(&root, kernel, folder)?;
        if !works.iter().any(|other| other.folder == work.folder) {
            works.push(work);
        }
    }
    if works.iter().all(|work| work.done.is_some()) {
        return works.into_iter().map(|work| work.finish(kernel, progress)).collect();
    }
    let reading = linux::lock(&root, kernel.flavour, Mode::Shared, progress)?;
    let progress: &mut dyn Progress = &mut reading.over(progress);
    // In the order of their paths, so that two builds never wait for each other.
    let mut paths: Vec<_> = works.iter().map(|work| (&work.output, &work.folder)).collect();
    paths.sort();
    let mut locks = Vec::new();
    for (output, folder) in paths {
        let what = format!("building {}", folder.display());
        locks.push(Lock::take(&output.with_extension("lock"), Mode::Exclusive, &what, progress)?);
    }
    let progress: &mut dyn Progress = &mut Lock::all_over(&locks, progress);
    let hints = Hints::new();
    for work in &mut works {
        work.build(kernel, &hints, progress)?;
    }
    resolve(&root, kernel, &mut works, &hints, progress)?;
    works.into_iter().map(|work| work.finish(kernel, progress)).collect()
}

/// The stage of a folder that was built.
fn staged(kernel: &Kernel, folder: &Path) -> BuildResult<Stage> {
    let root = cache::root()?;
    let work = Work::new(&root, kernel, folder)?;
    work.sources.stage(&work.output)
}

/// One folder on its way.
struct Work {
    folder: PathBuf,
    output: PathBuf,
    sources: Sources,
    /// Nothing changed since it was built: this is what was made.
    done: Option<Stamp>,
    stage: Option<Stage>,
    modules: Vec<Module>,
    failed: BTreeMap<String, Failed>,
    /// Symbols that nothing exports yet: module's object, symbol.
    undefined: Vec<(String, String)>,
    /// Symbol files of other folders that it uses.
    symbols: Vec<PathBuf>,
    notes: Vec<String>,
    without: Vec<String>,
}

impl Work {
    fn new(root: &Path, kernel: &Kernel, folder: &Path) -> BuildResult<Self> {
        let wrong = |why: &str| BuildError::Folder { folder: folder.to_owned(), why: why.into() };
        let source = folder.canonicalize().map_err(BuildError::on("open", folder))?;
        if !source.is_dir() {
            return Err(wrong("it is no folder"));
        }
        if kbuild::file(&source).is_none() {
            return Err(wrong(
                "it has no Kbuild file and no Makefile (a line like `obj-m += my_module.o`)",
            ));
        }
        let sources = Sources::find(&source)?;
        let output = output(root, kernel, &source);
        let seen = sources.seen();
        let done = Stamp::read(&output).filter(|stamp| stamp.current(kernel, &seen));
        Ok(Self {
            folder: source,
            output,
            sources,
            done,
            stage: None,
            modules: Vec::new(),
            failed: BTreeMap::new(),
            undefined: Vec::new(),
            symbols: Vec::new(),
            notes: Vec::new(),
            without: Vec::new(),
        })
    }

    /// Builds what can be built with the kernel's symbols and those in sight.
    fn build(
        &mut self,
        kernel: &Kernel,
        hints: &Hints,
        progress: &mut dyn Progress,
    ) -> BuildResult<()> {
        if self.done.is_some() {
            return Ok(());
        }
        fs::create_dir_all(&self.output).map_err(BuildError::on("make", &self.output))?;
        Stamp::remove(&self.output);
        progress.step(format!("Build {} for {}", self.folder.display(), kernel.release));
        let stage = self.sources.stage(&self.output)?;
        let output = self.output.clone();
        let mut limited = Limited::new(progress, &output).quietly();
        let listed = kbuild::modules(kernel, &stage, &self.output, &mut limited);
        self.modules = limited.explain(&self.folder, listed)?;
        if self.modules.is_empty() {
            return Err(BuildError::Folder {
                folder: self.folder.clone(),
                why: "its Kbuild file or Makefile names no module (`obj-m += …`)".into(),
            });
        }
        self.about_makefiles(&stage, progress);
        self.stage = Some(stage);
        self.make(kernel, hints, progress)
    }

    /// Has make build all modules, or those that can be.
    fn make(
        &mut self,
        kernel: &Kernel,
        hints: &Hints,
        progress: &mut dyn Progress,
    ) -> BuildResult<()> {
        self.undefined.clear();
        let mut quiet = false;
        // Each round drops a flag or a module.
        for _ in 0..self.modules.len() + 8 {
            let said = self.run(kernel, hints, quiet, progress)?;
            self.undefined.clone_from(&said.undefined);
            if said.ok {
                break;
            }
            let new: Vec<String> = said
                .unknown_flags
                .iter()
                .filter(|flag| !self.without.contains(flag))
                .cloned()
                .collect();
            if !new.is_empty() {
                for flag in new {
                    let note = format!(
                        "{flag} was dropped: only gcc knows it, and this kernel is built with clang"
                    );
                    if !self.without.contains(&flag) {
                        self.note(note, progress);
                        self.without.push(flag);
                    }
                }
                continue;
            }
            let before = self.failed.len();
            self.blame(&said);
            if self.failed.len() == before {
                return Err(BuildError::Command {
                    what: format!("building {}", self.folder.display()),
                    status: said.status,
                    last: said.last,
                    log: Some(self.output.with_extension("log")),
                });
            }
            if self.good().next().is_none() {
                break;
            }
            // What failed was shown; now the others are linked.
            quiet = true;
        }
        Ok(())
    }

    fn run(
        &self,
        kernel: &Kernel,
        hints: &Hints,
        quiet: bool,
        progress: &mut dyn Progress,
    ) -> BuildResult<Said> {
        let Some(stage) = &self.stage else { return Ok(Said::default()) };
        let goals: Vec<String> = match self.failed.is_empty() {
            true => Vec::new(),
            false => self.good().map(|module| format!("{}.ko", module.object)).collect(),
        };
        let options = Options { symbols: &self.symbols, without: &self.without, quiet };
        let mut limited = Limited::new(progress, &self.output);
        let log = self.output.with_extension("log");
        let said = compile::make(kernel, stage, &log, &goals, &options, hints, &mut limited);
        limited.explain(&self.folder, said)
    }

    /// Finds the modules that what failed belongs to.
    fn blame(&mut self, said: &Said) {
        for module in &self.modules {
            let lines = said
                .failed
                .iter()
                .find(|(target, _)| compile::concerns(module, target))
                .map(|(_, lines)| lines.clone());
            let refused = said
                .refused
                .iter()
                .find(|(object, _)| *object == module.object)
                .map(|(_, why)| vec![why.clone()]);
            if let Some(why) = lines.or(refused) {
                let name = module.name();
                self.failed
                    .entry(module.object.clone())
                    .or_insert(Failed { module: name, why: reason_first(why) });
            }
        }
    }

    /// The modules that have not failed.
    fn good(&self) -> impl Iterator<Item = &Module> {
        self.modules.iter().filter(|module| !self.failed.contains_key(&module.object))
    }

    /// A word about what has no effect in its makefiles.
    fn about_makefiles(&mut self, stage: &Stage, progress: &mut dyn Progress) {
        for name in ["Kbuild", "Makefile"] {
            let text = fs::read_to_string(stage.copy.join(name)).unwrap_or_default();
            for (old, new) in [
                ("EXTRA_CFLAGS", "ccflags-y"),
                ("EXTRA_AFLAGS", "asflags-y"),
                ("EXTRA_LDFLAGS", "ldflags-y"),
            ] {
                if text.contains(old) {
                    self.note(
                        format!("{old} in {name} has no effect since Linux 6.15: write {new}"),
                        progress,
                    );
                }
            }
        }
    }

    fn note(&mut self, note: String, progress: &mut dyn Progress) {
        progress.note(note.clone());
        self.notes.push(note);
    }

    /// Writes the stamp, and says what was made.
    fn finish(self, kernel: &Kernel, progress: &mut dyn Progress) -> BuildResult<Built> {
        if let Some(stamp) = self.done {
            return Ok(Built {
                modules: stamp.modules().map(Path::to_owned).collect(),
                notes: stamp.notes.clone(),
                folder: self.folder,
                failed: Vec::new(),
            });
        }
        let Some(stage) = &self.stage else { return Ok(Built::default()) };
        for failed in self.failed.keys() {
            // An older build of it is not what its sources say now.
            drop(fs::remove_file(stage.copy.join(format!("{failed}.ko"))));
        }
        let modules: Vec<PathBuf> = self
            .good()
            .map(|module| stage.copy.join(format!("{}.ko", module.object)))
            .map(|path| path.canonicalize().unwrap_or(path))
            .filter(|path| path.is_file())
            .collect();
        let whole = self.failed.is_empty() && modules.len() == self.modules.len();
        Stamp::new(kernel, stage, &modules, whole, &self.symbols, self.notes.clone())
            .write(&self.output)?;
        if whole {
            progress.report(Event::Done);
        }
        Ok(Built {
            folder: self.folder,
            modules,
            failed: self.failed.into_values().collect(),
            notes: self.notes,
        })
    }

    /// The file that says what its modules export.
    fn symbol_file(&self) -> PathBuf {
        match (&self.stage, &self.done) {
            (Some(stage), _) => stage.copy.join("Module.symvers"),
            (None, Some(stamp)) => symbol_file(stamp),
            (None, None) => PathBuf::new(),
        }
    }
}

/// Finds the symbols that no folder knew of itself: in the other folders, in
/// what was built before, in the kernel's sources.
fn resolve(
    root: &Path,
    kernel: &Kernel,
    works: &mut [Work],
    hints: &Hints,
    progress: &mut dyn Progress,
) -> BuildResult<()> {
    for index in 0..works.len() {
        if works[index].undefined.is_empty() {
            continue;
        }
        let beside: Vec<_> = (0..works.len())
            .filter(|other| *other != index)
            .map(|other| (works[other].folder.clone(), works[other].symbol_file(), true))
            .collect();
        let before = stamps(root, &kernel.release)
            .into_iter()
            .map(|stamp| (stamp.folder.clone(), symbol_file(&stamp), false));
        let work = &mut works[index];
        let providers: Vec<_> = beside.into_iter().chain(before).collect();
        let mut used: Vec<PathBuf> = Vec::new();
        for (_, symbol) in work.undefined.clone() {
            let provider = providers.iter().filter(|(folder, ..)| *folder != work.folder).find_map(
                |(folder, file, beside)| Some((folder, file, beside, exporter(file, &symbol)?)),
            );
            let Some((folder, file, beside, module)) = provider else { continue };
            if !used.contains(file) {
                used.push(file.clone());
                if !beside {
                    let note = format!(
                        "{symbol} comes from the module {module}, built before from {}",
                        folder.display()
                    );
                    work.note(note, progress);
                }
            }
        }
        if !used.is_empty() {
            work.symbols = used;
            work.make(kernel, hints, progress)?;
        }
        if !work.undefined.is_empty() {
            explain(kernel, work, hints, progress)?;
        }
    }
    Ok(())
}

/// The modules whose symbols nobody exports have failed: says which option of
/// the kernel, or which other folder, would help.
fn explain(
    kernel: &Kernel,
    work: &mut Work,
    hints: &Hints,
    progress: &mut dyn Progress,
) -> BuildResult<()> {
    let exports = Exports::of(kernel, progress)?;
    let config = fs::read_to_string(kernel.build_dir.join(".config")).unwrap_or_default();
    for (object, symbol) in std::mem::take(&mut work.undefined) {
        let why = match exports.find(&symbol) {
            Some((source, options)) => {
                let off: Vec<_> = options
                    .iter()
                    .filter(|option| !config.lines().any(|line| line == format!("{option}=y")))
                    .map(|option| format!("{option}=y"))
                    .collect();
                match off.is_empty() {
                    true => format!(
                        "nothing in this kernel exports {symbol}; {source} does in another configuration"
                    ),
                    false => format!(
                        "nothing in this kernel exports {symbol}: {source} does with {}. Turn it on: ringside kernel set {}",
                        off.join(" and "),
                        off.join(" ")
                    ),
                }
            }
            None => match hints.name(&symbol) {
                Some(hint) => format!("nothing exports {symbol}; {hint}"),
                None => format!(
                    "nothing exports {symbol}: no part of Linux, and no module that was built here. \
                     If another folder's module does, build both at once: ringside build FOLDER FOLDER"
                ),
            },
        };
        progress.report(Event::Output(format!("{object}: {why}")));
        let name = module_name(Path::new(&object));
        let failed = work.failed.entry(object).or_insert(Failed { module: name, why: Vec::new() });
        failed.why.push(why);
    }
    Ok(())
}

/// The module that exports `symbol`, by a `Module.symvers` file.
fn exporter(file: &Path, symbol: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| {
        let mut words = line.split('\t').skip(1);
        (words.next() == Some(symbol)).then_some(())?;
        Some(module_name(Path::new(words.next()?)))
    })
}

/// The line that says what is wrong, before those that show it.
fn reason_first(lines: Vec<String>) -> Vec<String> {
    let error = lines.iter().position(|line| line.contains("error: ") || line.contains("error["));
    match error {
        Some(at) => lines[at..].to_vec(),
        None => lines,
    }
}

/// The name that the kernel gives a module by its file: `my-mod.ko` is `my_mod`.
pub fn module_name(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let stem = [".ko", ".o"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    stem.replace('-', "_")
}

/// Where a folder's modules are built for a kernel: a place of its own for
/// each, so that two kernels or two folders never mix. make must be able to
/// work below it, whatever the folder's name is.
fn output(root: &Path, kernel: &Kernel, source: &Path) -> PathBuf {
    let digest = Sha256::digest(source.as_os_str().as_encoded_bytes());
    let identity: String = digest[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    let name: String =
        source
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .chars()
            .map(|letter| {
                if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '_' }
            })
            .collect();
    cache::modules(root).join(&kernel.release).join(format!("{name}-{identity}"))
}

/// All builds for the kernel `release`.
fn stamps(root: &Path, release: &str) -> Vec<Stamp> {
    let folder = cache::modules(root).join(release);
    let builds = fs::read_dir(folder).into_iter().flatten().flatten();
    // A folder that is gone can't be built again, nor asked about.
    builds
        .filter_map(|build| Stamp::read(&build.path()))
        .filter(|stamp| stamp.folder.is_dir())
        .collect()
}

/// Where the modules of a build are said to export what.
fn symbol_file(stamp: &Stamp) -> PathBuf {
    stamp
        .modules()
        .flat_map(Path::ancestors)
        .map(|folder| folder.join("Module.symvers"))
        .find(|file| file.is_file())
        .unwrap_or_default()
}

/// The bytes of a loaded module's file: its newest build for the kernel `release`.
///
/// # Errors
/// Why there is none.
pub fn file(release: &str, module: &str) -> Result<Vec<u8>, String> {
    let (path, _) = newest(release, module).ok_or("it was not built here")?;
    fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The newest build of a module for the kernel `release`, and the folder of its
/// sources. Dashes and underscores of its name are one.
pub fn newest(release: &str, module: &str) -> Option<(PathBuf, PathBuf)> {
    let module = module_name(Path::new(module));
    stamps(&cache::root().ok()?, release)
        .iter()
        .flat_map(|stamp| stamp.modules().map(|path| (path.to_owned(), stamp.folder.clone())))
        .filter(|(path, _)| module_name(path) == module)
        .max_by_key(|(path, _)| fs::metadata(path).and_then(|data| data.modified()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::flavour::Flavour;

    fn kernel() -> Kernel {
        Kernel {
            flavour: Flavour::Lab,
            image: "/nowhere".into(),
            vmlinux: "/nowhere".into(),
            release: "7.3.4-ringside-lab-0".into(),
            build_dir: "/nowhere".into(),
            source_dir: "/nowhere".into(),
            make_arguments: Vec::new(),
            hash: "0".into(),
        }
    }

    #[test]
    fn a_folder_that_is_none_or_has_no_kbuild_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| build(&kernel(), path, &mut |_| {}).unwrap_err().to_string();
        assert!(refused(folder.path()).contains("it has no Kbuild file"));
        assert!(refused(&folder.path().join("x")).contains("No such file"));
    }

    #[test]
    fn two_folders_or_two_kernels_never_share_an_output() {
        let root = Path::new("/c");
        let mut other = kernel();
        other.release = "7.3.4-ringside-lab-1".into();
        let one = output(root, &kernel(), Path::new("/a/modules"));
        assert_ne!(one, output(root, &kernel(), Path::new("/b/modules")));
        assert_ne!(one, output(root, &other, Path::new("/a/modules")));
        assert_eq!(one, output(root, &kernel(), Path::new("/a/modules")));
        let tame = output(root, &kernel(), Path::new("/a/my mod: x"));
        assert!(!tame.to_string_lossy().contains([' ', ':']));
    }

    #[test]
    fn dashes_and_underscores_of_a_name_are_one() {
        for file in ["my-mod.ko", "my_mod", "sub/my-mod.o", "my-mod"] {
            assert_eq!(module_name(Path::new(file)), "my_mod");
        }
    }

    #[test]
    fn the_exporter_of_a_symbol_is_read_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("Module.symvers");
        fs::write(&file, "0x0\tprovider_answer\tsub/pro-vider\tEXPORT_SYMBOL_GPL\t\n").unwrap();
        assert_eq!(exporter(&file, "provider_answer").as_deref(), Some("pro_vider"));
        assert_eq!(exporter(&file, "provider"), None);
    }
}
