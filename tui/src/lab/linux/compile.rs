// SPDX-License-Identifier: MIT OR Apache-2.0
//! Configuring and compiling a kernel, with progress that is real: objects made
//! of the objects that the last whole build of this configuration made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::super::build_error::{BuildError, BuildResult};
use super::super::cache;
use super::super::flavour::Flavour;
use super::super::program::Program;
use super::super::progress::{Amount, Event, Progress, Unit};
use super::super::setup::tools::Tools;
use super::config::{self, Config};
use super::own_options::wanted;
use super::tree::Tree;

/// Objects of a first build: `flavour count`, counted from real ones.
const OBJECTS: &str = include_str!("../../../../assets/kernel/objects.txt");
/// What a build may take of memory for each job, in bytes.
const JOB_MEMORY: u64 = 700 << 20;

/// A kernel to compile.
pub(crate) struct Compile<'a> {
    /// Which one.
    pub(crate) flavour: Flavour,
    /// Its sources.
    pub(crate) tree: &'a Tree,
    /// Where it is built.
    pub(crate) build_dir: &'a Path,
    /// What it is built with.
    pub(crate) tools: &'a Tools,
    /// Where the log goes.
    pub(crate) log: &'a Path,
    /// What follows the version in `uname -r`.
    pub(crate) local_version: &'a str,
}

impl Compile<'_> {
    /// Writes the configuration, and makes sure that it is what was asked for.
    ///
    /// # Errors
    /// Kconfig fails or drops a symbol, or the caller wants to stop.
    pub(crate) fn configure(&self, progress: &mut dyn Progress) -> BuildResult<()> {
        self.configure_with(&wanted(self.flavour), progress)
    }

    /// The same for other wishes than [`wanted`].
    ///
    /// # Errors
    /// As [`Self::configure`].
    pub(crate) fn configure_with(
        &self,
        wanted: &Config,
        progress: &mut dyn Progress,
    ) -> BuildResult<()> {
        progress.step(format!("Configure the {} kernel", self.flavour));
        fs::create_dir_all(self.build_dir).map_err(BuildError::on("make", self.build_dir))?;
        let wanted = wanted.clone().with(Config::parse(&format!(
            "CONFIG_LOCALVERSION=\"{}\"\n# CONFIG_LOCALVERSION_AUTO is not set\n",
            self.local_version
        )));
        let mut tiny = Config::default();
        for name in config::TINY {
            let path = self.tree.folder.join(name);
            // Not every 7.3 has all of them.
            tiny = tiny.with(Config::parse(&fs::read_to_string(&path).unwrap_or_default()));
        }
        let all = self.build_dir.join("ringside.config");
        cache::write(&all, &tiny.with(wanted.clone()).text())?;
        let mut command = self.make();
        command.arg(format!("KCONFIG_ALLCONFIG={}", all.display())).arg("allnoconfig");
        Program::new(command, "configuring the kernel")
            .log(self.log)
            .listen(|line, _| object(line).is_none() && telling(line))
            .run(progress)?;
        let path = self.build_dir.join(".config");
        let text = fs::read_to_string(&path).map_err(BuildError::on("read", &path))?;
        let missing = wanted.missing_in(&Config::parse(&text));
        match missing.is_empty() {
            true => Ok(()),
            false => Err(BuildError::Config(missing)),
        }
    }

    /// Compiles it.
    ///
    /// # Errors
    /// It does not compile, the disk is full, or the caller wants to stop: the
    /// next run then goes on from there.
    pub(crate) fn compile(&self, title: &str, progress: &mut dyn Progress) -> BuildResult<()> {
        progress.step(title);
        let path = self.build_dir.join("ringside.config");
        let text = fs::read(&path).map_err(BuildError::on("read", &path))?;
        let config = crate::text::bytes::hex(&Sha256::digest(text));
        // The count outlives the folder, which may have been cleaned since.
        let count = self.build_dir.with_extension("objects.json");
        let begun = self.build_dir.join("ringside.begun");
        let before = cache::read_json(&count);
        let mut tally = Tally::begin(before, !begun.exists(), config, estimate(self.flavour));
        cache::write(&begun, "")?;
        let mut command = self.make();
        command.args([&format!("-j{}", jobs()), "bzImage", "modules"]);
        let result = Program::new(command, title.to_lowercase_first())
            .log(self.log)
            .listen(|line, progress| match object(line) {
                Some(object) => {
                    tally.done += 1;
                    progress.report(Event::Busy(object.into()));
                    progress.report(Event::Advance(tally.amount()));
                    false
                }
                None => telling(line),
            })
            .run(progress);
        if result.is_ok() {
            tally.finish();
        }
        cache::write_json(&count, &tally)?;
        result
    }

    /// make with everything that each call needs.
    fn make(&self) -> Command {
        let mut command = make(&self.tree.folder, self.build_dir);
        command.args(self.tools.make_arguments());
        command
    }
}

/// make in a kernel's sources, building elsewhere.
pub(crate) fn make(source_dir: &Path, build_dir: &Path) -> Command {
    let mut command = Command::new("make");
    command.arg("-C").arg(source_dir).arg(format!("O={}", build_dir.display()));
    without_settings(&mut command);
    command
}

/// Takes from a make what the environment may hold for other kernels or for cargo.
pub(crate) fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let foreign =
            ["KBUILD", "KCONFIG", "CARGO", "RUST"].iter().any(|stem| name.starts_with(stem));
        let known = [
            "ARCH",
            "CROSS_COMPILE",
            "LLVM",
            "CC",
            "HOSTCC",
            "LD",
            "AR",
            "NM",
            "CFLAGS",
            "LDFLAGS",
            "KCFLAGS",
            "KCPPFLAGS",
            "KAFLAGS",
            "KRUSTFLAGS",
            "HOSTCFLAGS",
            "HOSTLDFLAGS",
            "O",
            "M",
            "MO",
            "V",
            "C",
            "W",
            "MAKEFLAGS",
            "MFLAGS",
            "MAKEOVERRIDES",
            "MAKELEVEL",
            "LD_LIBRARY_PATH",
            "CLIPPY",
            "BINDGEN",
        ];
        // rustup finds itself by these.
        let kept = ["CARGO_HOME", "RUSTUP_HOME"].contains(&name.as_ref());
        if (foreign || known.contains(&name.as_ref())) && !kept {
            command.env_remove(name.as_ref());
        }
    }
    // Set and empty, it keeps the `+` of a git checkout out of the release.
    command.env("LC_ALL", "C").env("LOCALVERSION", "");
}

/// How many compilers may run at once: one more than there are processors, for
/// while one of them waits for the disk, and as many as the memory allows.
pub(crate) fn jobs() -> u64 {
    let processors = std::thread::available_parallelism().map_or(1, |number| number.get() as u64);
    (processors + 1).min(available_memory() / JOB_MEMORY).max(1)
}

/// Memory that could be had now, in bytes.
pub(crate) fn available_memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .map_or(u64::MAX, |kib| kib * 1024)
}

/// What a first build of this flavour makes.
fn estimate(flavour: Flavour) -> Option<u64> {
    OBJECTS.lines().find_map(|line| line.strip_prefix(flavour.name())?.trim().parse().ok())
}

/// How far a build is, across interruptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Tally {
    /// Identifies the configuration.
    config: String,
    /// Objects made for it.
    done: u64,
    /// All of them are made.
    whole: bool,
    /// How many a build of this configuration from nothing made.
    recorded: Option<u64>,
    /// How many there are to make now, as far as that is known.
    total: Option<u64>,
}

impl Tally {
    /// Goes on from `before`, what the last build left; from nothing if the
    /// folder is `empty`.
    fn begin(before: Option<Self>, empty: bool, config: String, estimate: Option<u64>) -> Self {
        let recorded = before
            .as_ref()
            .filter(|before| before.config == config)
            .and_then(|before| before.recorded);
        let (done, whole) = match before {
            _ if empty => (0, false),
            // It was interrupted: what it made need not be made again.
            Some(before) if !before.whole => (before.done, false),
            Some(_) => (0, true),
            None => (0, false),
        };
        Self {
            config,
            done,
            whole,
            recorded,
            // How much follows from a change to a whole build, only make knows.
            total: recorded.or(estimate).filter(|_| !whole),
        }
    }

    /// All is made.
    fn finish(&mut self) {
        if !self.whole {
            self.recorded = Some(self.done);
        }
        self.whole = true;
    }

    fn amount(&self) -> Amount {
        Amount {
            done: self.done,
            total: self.total.map(|total| total.max(self.done)),
            about: self.recorded.is_none(),
            unit: Unit::Objects,
        }
    }
}

/// The object that a line of Kbuild's short output says is being made:
/// `  CC      kernel/fork.o`, `  LD [M]  drivers/x.ko`.
pub(crate) fn object(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?;
    let (verb, rest) = rest.split_once(' ')?;
    let upper = |character: char| {
        character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_'
    };
    // The source below a diagnostic has its line's number there.
    let word = verb.starts_with(|first: char| first.is_ascii_uppercase());
    if !word || !verb.chars().all(upper) {
        return None;
    }
    let object = rest.trim_start().trim_start_matches("[M]").trim();
    (!object.is_empty()).then_some(object)
}

/// Can this line explain a failure? What make says of its own levels can't.
pub(crate) fn telling(line: &str) -> bool {
    let make = line.starts_with("make[") || line.starts_with("make:");
    !make || line.contains("No rule") || line.contains("No such file")
}

/// `Compile …` as it reads inside a sentence.
trait Lowercase {
    fn to_lowercase_first(&self) -> String;
}

impl Lowercase for str {
    fn to_lowercase_first(&self) -> String {
        let mut characters = self.chars();
        characters
            .next()
            .map(|first| first.to_lowercase().chain(characters).collect())
            .unwrap_or_default()
    }
}

/// The release that was built: `7.3.4-ringside-lab-1a2b3c4d`.
///
/// # Errors
/// The file that says so can't be read.
pub(crate) fn release(build_dir: &Path) -> BuildResult<String> {
    let path: PathBuf = build_dir.join("include/config/kernel.release");
    let text = fs::read_to_string(&path).map_err(BuildError::on("read", &path))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kbuilds_lines_are_told_from_a_compilers() {
        assert_eq!(object("  CC      kernel/fork.o"), Some("kernel/fork.o"));
        assert_eq!(object("  RUSTC L rust/core.o"), Some("L rust/core.o"));
        assert_eq!(object("  LD [M]  my_name.ko"), Some("my_name.ko"));
        assert_eq!(object("  AR      built-in.a"), Some("built-in.a"));
        assert_eq!(object("kernel/fork.c:3:1: error: no"), None);
        assert_eq!(object("   3 | int x;"), None);
        assert_eq!(object("  174 | int x;"), None);
        assert_eq!(object("  |  ^"), None);
        assert!(
            telling("kernel/fork.c:3:1: error: no")
                && telling("make[1]: *** No rule to make target 'x'")
        );
        assert!(!telling("make[2]: *** [scripts/Makefile.build:287: kernel/fork.o] Error 1"));
    }

    #[test]
    fn a_first_build_is_counted_against_an_estimate() {
        for flavour in Flavour::ALL {
            assert!(estimate(flavour).is_some_and(|count| count > 1000), "{flavour}");
        }
        let mut tally = Tally::begin(None, true, "a".into(), Some(1800));
        let amount = |done, total, about| Amount { done, total, about, unit: Unit::Objects };
        assert_eq!(tally.amount(), amount(0, Some(1800), true));
        tally.done = 1823;
        assert_eq!(tally.amount(), amount(1823, Some(1823), true));
        tally.finish();
        // The folder was cleaned: now the number is known.
        let again = Tally::begin(Some(tally), true, "a".into(), Some(1800));
        assert_eq!(again.amount(), amount(0, Some(1823), false));
    }

    #[test]
    fn an_interrupted_build_goes_on_counting_where_it_stopped() {
        let mut first = Tally::begin(None, true, "a".into(), Some(1800));
        first.done = 700;
        let second = Tally::begin(Some(first), false, "a".into(), Some(1800));
        assert_eq!((second.done, second.total, second.whole), (700, Some(1800), false));
    }

    #[test]
    fn a_change_to_a_whole_build_has_no_total() {
        let mut whole = Tally::begin(None, true, "a".into(), Some(1800));
        whole.finish();
        let next = Tally::begin(Some(whole), false, "b".into(), Some(1800));
        assert_eq!((next.done, next.total), (0, None));
    }
}
