// SPDX-License-Identifier: MIT OR Apache-2.0
//! One folder on its way from its sources to its modules.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::build_error::{BuildError, BuildResult};
use super::super::cache;
use super::super::linux::Kernel;
use super::super::progress::{Event, Progress};
use super::built::{Built, Failed};
use super::compile::{self, Options, Said};
use super::earlier::symbol_file;
use super::exported::Exported;
use super::folder;
use super::hints::Hints;
use super::kbuild::{self, Module};
use super::limits::{FILE_MAX, Limited};
use super::sources::Sources;
use super::stage::Stage;
use super::stamp::Stamp;

/// Of a build's folder: a build that has begun and not ended.
const UNFINISHED: &str = "unfinished";
/// Beside the builds' folders: what all of them begin with.
const EXPORTED: &str = "exported";

/// One folder on its way.
pub(super) struct Work {
    pub(super) folder: PathBuf,
    /// Where it is built.
    pub(super) output: PathBuf,
    pub(super) sources: Sources,
    /// Nothing changed since it was built: this is what was made.
    pub(super) done: Option<Stamp>,
    stage: Option<Stage>,
    modules: Vec<Module>,
    /// What could not be built, by its object.
    pub(super) failed: BTreeMap<String, Failed>,
    /// Symbols that nothing exports yet: module's object, symbol.
    pub(super) undefined: Vec<(String, String)>,
    /// Symbol files of other folders that it uses.
    pub(super) symbols: Vec<PathBuf>,
    notes: Vec<String>,
    without: Vec<String>,
}

impl Work {
    /// A folder that may have been built before.
    ///
    /// # Errors
    /// It is no folder of modules.
    pub(super) fn new(root: &Path, kernel: &Kernel, folder: &Path) -> BuildResult<Self> {
        let source = folder.canonicalize().map_err(BuildError::on("open", folder))?;
        folder::check(folder, &source)?;
        let sources = Sources::find(&source)?;
        let output = folder::output(root, kernel, &source);
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
    pub(super) fn build(
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
        // What was cut short may have left half a file, which make takes for whole.
        let unfinished = self.output.join(UNFINISHED);
        if unfinished.exists() {
            Stage::clear(&self.output)?;
        }
        cache::write(&unfinished, "")?;
        progress.step(format!("Build {} for {}", self.folder.display(), kernel.release));
        let stage = self.sources.stage(&self.output)?;
        let output = self.output.clone();
        let mut limited = Limited::new(progress, &output);
        let listed = kbuild::modules(kernel, &stage, &self.output, &mut limited);
        self.modules = limited.ended(&self.folder, listed)?;
        if self.modules.is_empty() {
            return Err(folder::names_no_module(&self.folder));
        }
        self.about_makefiles(&stage, progress);
        self.stage = Some(stage);
        self.make(kernel, hints, progress)
    }

    /// Has make build all modules, or those that can be.
    pub(super) fn make(
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
        let place = self.output.with_file_name(EXPORTED);
        let exported = Exported::of(kernel, &place, progress);
        let options = Options {
            symbols: &self.symbols,
            without: &self.without,
            exported: exported.as_ref().map(|exported| (exported, &*place)),
            quiet,
        };
        let mut limited = Limited::new(progress, &self.output);
        let log = self.output.with_extension("log");
        let said = compile::make(kernel, stage, &log, &goals, &options, hints, &mut limited);
        let said = limited.ended(&self.folder, said)?;
        if said.too_large {
            Stage::clear(&self.output)?;
            return Err(BuildError::Folder {
                folder: self.folder.clone(),
                why: format!(
                    "its build wrote a file of more than {}, so it was ended",
                    crate::text::amount::amount(FILE_MAX)
                ),
            });
        }
        Ok(said)
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
                .map(|(_, why)| vec![with_remedy(why)]);
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

    /// The source of one of its modules that failed which would export `symbol`, and
    /// that module.
    pub(super) fn would_export(&self, symbol: &str) -> Option<(String, String)> {
        let exports = |text: &str| {
            ["EXPORT_SYMBOL", "EXPORT_SYMBOL_GPL"]
                .iter()
                .any(|word| text.contains(&format!("{word}({symbol})")))
        };
        self.sources.files.iter().find_map(|(path, real)| {
            path.extension().filter(|end| *end == "c")?;
            fs::read_to_string(real).ok().filter(|text| exports(text))?;
            let below = path.strip_prefix(&self.folder).unwrap_or(path).display().to_string();
            let object = format!("{}.o", below.strip_suffix(".c")?);
            let owns = |module: &&Module| {
                self.failed.contains_key(&module.object) && compile::concerns(module, &object)
            };
            Some((below, self.modules.iter().find(owns)?.name()))
        })
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

    pub(super) fn note(&mut self, note: String, progress: &mut dyn Progress) {
        progress.note(note.clone());
        self.notes.push(note);
    }

    /// Writes the stamp, and says what was made.
    pub(super) fn finish(self, kernel: &Kernel, progress: &mut dyn Progress) -> BuildResult<Built> {
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
        let unfinished = self.output.join(UNFINISHED);
        fs::remove_file(&unfinished).map_err(BuildError::on("remove", &unfinished))?;
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
    pub(super) fn symbol_file(&self) -> PathBuf {
        match (&self.stage, &self.done) {
            (Some(stage), _) => stage.copy.join("Module.symvers"),
            (None, Some(stamp)) => symbol_file(stamp),
            (None, None) => PathBuf::new(),
        }
    }
}

/// The line that says what is wrong, before those that show it.
fn reason_first(mut lines: Vec<String>) -> Vec<String> {
    let is_error = |line: &String| line.contains("error: ") || line.contains("error[");
    // What the kernel's headers are at odds with stands in the folder's own source.
    let own = lines.iter().position(|line| is_error(line) && !line.starts_with('/'));
    if let Some(at) = own.or_else(|| lines.iter().position(is_error)) {
        lines.drain(..at);
        // rustc says below where it is: ` --> mine.rs:9:13`.
        let place = lines.iter().skip(1).take(2).find_map(|line| line.trim().strip_prefix("--> "));
        if let Some(place) = place.filter(|_| lines[0].starts_with("error")) {
            lines[0] = format!("{place}: {}", lines[0]);
        }
    }
    lines
}

/// What modpost refuses, with what to do about it.
fn with_remedy(why: &str) -> String {
    let license = why.contains("MODULE_LICENSE") || why.contains("GPL-incompatible");
    match license {
        true => format!("{why}; with MODULE_LICENSE(\"GPL\"); in its source it builds"),
        false => why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_begins_with_the_place_of_the_error_and_has_its_hint() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let why = reason_first(lines(
            "warning: unused\nerror[E0432]: unresolved import `a`\n  hint: use b\n --> m.rs:9:13\n",
        ));
        assert_eq!(why[0], "m.rs:9:13: error[E0432]: unresolved import `a`");
        let failed = Failed { module: "m".into(), why };
        assert_eq!(failed.hint(), Some("hint: use b"));
        let why = reason_first(lines("a.c:1:1: error: x\na.c:2:1: error: y\n  hint: about y"));
        let failed = Failed { module: "m".into(), why };
        assert_eq!((failed.why[0].as_str(), failed.hint()), ("a.c:1:1: error: x", None));
    }
}
