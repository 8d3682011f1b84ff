// SPDX-License-Identifier: MIT OR Apache-2.0
//! Running make on a stage, and which of its modules what it says concerns.

use std::path::Path;
use std::process::Command;

use super::super::build_error::{BuildError, BuildResult};
use super::super::linux::{self, Kernel, object, telling};
use super::super::program::Program;
use super::super::progress::{Event, Progress};
use super::exported::{Exported, Flags};
use super::folder;
use super::hints::Hints;
use super::kbuild::{self, Module};
use super::limits::FILE_MAX;
use super::own;
use super::stage::Stage;
use super::tools;

/// What is said of a file that is larger than it may be.
const TOO_LARGE: [&str; 2] = ["File size limit exceeded", "File too large"];
/// More lines than a reader wants of one failure.
const LINES_MAX: usize = 40;
/// More lines than a reader wants of what is no diagnostic.
const CHAT_MAX: usize = 100;

/// What one run of make said.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Did make succeed?
    pub(super) ok: bool,
    /// Targets that failed, relative to the stage, and what was printed about each.
    pub(super) failed: Vec<(String, Vec<String>)>,
    /// Symbols that no module and no kernel exports: module's object, symbol.
    pub(super) undefined: Vec<(String, String)>,
    /// Errors of modpost about one module: its object, what it says.
    pub(super) refused: Vec<(String, String)>,
    /// Flags that the compiler does not know.
    pub(super) unknown_flags: Vec<String>,
    /// The last lines that may explain a failure.
    pub(super) last: Vec<String>,
    /// `exit status: 2`.
    pub(super) status: String,
    /// A file got larger than a build's may.
    pub(super) too_large: bool,
}

/// The arguments of make beside the goals.
pub(super) struct Options<'a> {
    /// `Module.symvers` files of other folders.
    pub(super) symbols: &'a [std::path::PathBuf],
    /// Flags to keep from the compiler, which does not know them.
    pub(super) without: &'a [String],
    /// What the top Makefile exports and where it is kept: then it is not run.
    pub(super) exported: Option<(&'a Exported, &'a Path)>,
    /// Are the lines shown as they come?
    pub(super) quiet: bool,
}

/// Runs make for `goals` (none: all modules).
///
/// # Errors
/// make can't be run, or the caller wants to stop. That something does not
/// compile is no error here: [`Said`] tells.
pub(super) fn make(
    kernel: &Kernel,
    stage: &Stage,
    log: &Path,
    goals: &[String],
    options: &Options<'_>,
    hints: &Hints,
    progress: &mut dyn Progress,
) -> BuildResult<Said> {
    // modpost says what is undefined only when it runs, and without its result it does.
    drop(std::fs::remove_file(stage.copy.join("Module.symvers")));
    let [c, rust] = stage.path_options();
    let [c_debug, rust_debug] = tools::DEBUG_INFO;
    let flags = Flags { c: format!("{c_debug} {c}"), rust: format!("{rust_debug} {rust}") };
    // Single modules are the top Makefile's business.
    let exported = options.exported.filter(|_| goals.is_empty());
    let mut command = match exported {
        Some((exported, place)) => make_with(exported.make(stage, place, &flags)?, kernel, stage)?,
        None => command(kernel, stage)?,
    };
    // What is undefined is judged here, with all modules in sight.
    command.arg("KBUILD_MODPOST_WARN=1");
    let symbols: Vec<_> = options.symbols.iter().map(|path| path.display().to_string()).collect();
    if !symbols.is_empty() {
        command.arg(format!("KBUILD_EXTRA_SYMBOLS={}", symbols.join(" ")));
    }
    command.arg(format!("KCFLAGS={}", flags.c)).arg(format!("KRUSTFLAGS={}", flags.rust));
    if !options.without.is_empty() {
        command.arg(format!("ccflags-remove-y={}", options.without.join(" ")));
    }
    command.args(["-k", "-O", &format!("-j{}", linux::jobs())]);
    match goals.is_empty() {
        true => command.arg("modules"),
        false => command.args(goals),
    };
    let mut said = Said::default();
    let mut lines: Vec<String> = Vec::new();
    let mut chat = 0;
    let mut stopped = false;
    // An error that names nothing known, whose source comes next.
    let mut unexplained: Option<String> = None;
    let result = Program::new(command, format!("building {}", stage.folder.display()))
        .log(log)
        .file_max(FILE_MAX)
        .listen(|line, progress| {
            let line = stage.in_users_words(line);
            if let Some(object) = object(&line) {
                progress.report(Event::Busy(object.into()));
                lines.clear();
                return false;
            }
            let mut show = |line: &str| {
                if !options.quiet {
                    progress.report(Event::Output(line.into()));
                }
            };
            if let Some(target) = failed_target(&line) {
                said.failed.push((target.to_owned(), std::mem::take(&mut lines)));
                return false;
            }
            if let Some(target) = sourceless(&line) {
                let stem = target.trim_end_matches(".o");
                let elsewhere = folder::source_below(&stage.folder, stem);
                let why = format!(
                    "it has no source: neither {stem}.c nor {stem}.rs nor {stem}.S{elsewhere}"
                );
                said.failed.push((target.to_owned(), vec![why]));
                return false;
            }
            said.too_large |= TOO_LARGE.iter().any(|words| line.contains(words));
            // A recipe of the Makefile's own failed: make's first word on it.
            if line.contains(": *** [") && said.failed.is_empty() && !stopped {
                stopped = true;
                show(&line);
            }
            said.unknown_flags.extend(unknown_flag(&line).map(str::to_owned));
            if let Some((symbol, module)) = undefined(&line) {
                said.undefined.push((module.to_owned(), symbol.to_owned()));
                return false;
            }
            if let Some((module, why)) = refusal(&line) {
                said.refused.push((module.to_owned(), why.to_owned()));
            }
            if !telling(&line) {
                return false;
            }
            chat += usize::from(!diagnostic(&line));
            if diagnostic(&line) || chat <= CHAT_MAX {
                show(&line);
            } else if chat == CHAT_MAX + 1 {
                show(&format!("… and more, which is in {}", log.display()));
            }
            if lines.len() < LINES_MAX {
                lines.push(line.clone());
            }
            let hint = match source_below(&line) {
                Some(source) => {
                    unexplained.take().and_then(|error| hints.in_source(&error, source))
                }
                None => hints.about(&line),
            };
            if line.contains("error: ") {
                unexplained = hint.is_none().then(|| line.clone());
            }
            if let Some(hint) = hint {
                show(&format!("  {hint}"));
                lines.push(format!("  {hint}"));
            }
            true
        })
        .run(progress);
    match result {
        Ok(()) => said.ok = true,
        Err(BuildError::Command { last, status, .. }) => (said.last, said.status) = (last, status),
        Err(error) => return Err(error),
    }
    Ok(said)
}

/// Is a line a compiler's or make's, and not one that a Makefile prints?
fn diagnostic(line: &str) -> bool {
    ["error", "warning", "note:", "***", "modpost"].iter().any(|sign| line.contains(sign))
        || line.trim_start().starts_with(['|', '^'])
        || source_below(line).is_some()
}

/// The source that a compiler shows below a diagnostic: `   15 | int x = ;`.
fn source_below(line: &str) -> Option<&str> {
    let (number, source) = line.split_once('|')?;
    number.trim().parse::<u32>().is_ok().then_some(source)
}

/// make for the staged folder, with the kernel's own tools.
///
/// # Errors
/// What modules take in of ours can't be written.
pub(super) fn command(kernel: &Kernel, stage: &Stage) -> BuildResult<Command> {
    make_with(linux::make(&kernel.source_dir, &kernel.build_dir), kernel, stage)
}

/// A make with what each one needs to know of kernel and stage.
fn make_with(mut command: Command, kernel: &Kernel, stage: &Stage) -> BuildResult<Command> {
    command.current_dir(&stage.copy).env("PWD", &stage.copy).args(tools::arguments(kernel));
    command.arg(format!("M={}", stage.copy.display()));
    command.env("RINGSIDE_SUPPORT", own::support()?);
    kbuild::name_kernel(&mut command, kernel);
    Ok(command)
}

/// The target of `make[3]: *** [scripts/Makefile.build:289: sub/x.o] Error 1`.
fn failed_target(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("make")?.split_once(": *** [")?.1;
    let inside = rest.rsplit_once("] ")?.0;
    let target = inside.rsplit_once(": ").map_or(inside, |(_, target)| target);
    let file = Path::new(target)
        .extension()
        .is_some_and(|end| ["o", "mod", "ko", "rs", "s", "i"].iter().any(|known| end == *known));
    file.then(|| target.trim_start_matches("./"))
}

/// The object of `make[3]: *** No rule to make target 'sub/x.o', needed by 'sub/y.o'.`
fn sourceless(line: &str) -> Option<&str> {
    let rest = line.split_once("*** No rule to make target '")?.1;
    let target = rest.split_once("', needed by")?.0;
    target.ends_with(".o").then(|| target.trim_start_matches("./"))
}

/// Symbol and module of `WARNING: modpost: sub/y.ko: symbol 'x' undefined!`.
fn undefined(line: &str) -> Option<(&str, &str)> {
    let head = line.strip_suffix("' undefined!")?;
    let (module, symbol) = head.split_once("modpost: ")?.1.split_once(": symbol '")?;
    Some((symbol, module_of(module)))
}

/// What modpost refuses about a module: `ERROR: modpost: y.ko: missing MODULE_LICENSE()`.
fn refusal(line: &str) -> Option<(&str, &str)> {
    let (module, why) = line.strip_prefix("ERROR: modpost: ")?.split_once(": ")?;
    (!module.contains(' ')).then(|| (module_of(module), why))
}

fn module_of(file: &str) -> &str {
    let file = file.trim_start_matches("./");
    file.strip_suffix(".ko").or_else(|| file.strip_suffix(".o")).unwrap_or(file)
}

/// The flag that the compiler says it does not know.
fn unknown_flag(line: &str) -> Option<&str> {
    const SIGNS: [&str; 5] = [
        "unknown argument: '",
        "unknown argument '",
        "optimization flag '",
        "argument unused during compilation: '",
        "unknown warning option '",
    ];
    if !line.contains("error:") {
        return None;
    }
    let rest = SIGNS.iter().find_map(|sign| line.split_once(sign))?.1;
    rest.split('\'').next().filter(|flag| flag.starts_with('-'))
}

/// Does what failed belong to `module`?
pub(super) fn concerns(module: &Module, target: &str) -> bool {
    let stem = module_of(target.strip_suffix(".mod").unwrap_or(target));
    stem == module.object
        || module.parts.iter().any(|part| module_of(part) == stem)
        // A Rust module's parts lie in its own folder.
        || stem.strip_suffix(".mod").is_some_and(|stem| stem == module.object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_read_from_makes_last_word_on_it() {
        let line = "make[3]: *** [/s/scripts/Makefile.build:289: sub/knob.o] Error 1";
        assert_eq!(failed_target(line), Some("sub/knob.o"));
        let line = "make[3]: *** No rule to make target 'sub/x.o', needed by './'.";
        assert_eq!((sourceless(line), failed_target(line)), (Some("sub/x.o"), None));
        assert_eq!(failed_target("make[2]: *** [/s/Makefile:2110: .] Error 2"), None);
        let knob = Module { object: "sub/knob".into(), parts: vec![] };
        assert!(concerns(&knob, "sub/knob.o") && !concerns(&knob, "sub/other.o"));
        let both = Module { object: "both".into(), parts: vec!["a.o".into(), "d/b.o".into()] };
        assert!(concerns(&both, "d/b.o") && concerns(&both, "both.o") && !concerns(&both, "b.o"));
    }

    #[test]
    fn modposts_lines_name_symbol_and_module() {
        let line = "WARNING: modpost: sub/knob.ko: symbol 'gpiochip_remove' undefined!";
        assert_eq!(undefined(line), Some(("gpiochip_remove", "sub/knob")));
        let line = "ERROR: modpost: p/x.ko: GPL-incompatible module uses GPL-only symbol 'y'";
        assert_eq!(refusal(line).map(|(module, _)| module), Some("p/x"));
        assert_eq!(refusal("ERROR: modpost: Section mismatches detected."), None);
    }

    #[test]
    fn flags_of_gcc_are_found_in_clangs_complaints() {
        for (line, flag) in [
            (
                "clang: error: unknown argument: '-fvar-tracking-assignments'",
                "-fvar-tracking-assignments",
            ),
            ("clang: error: optimization flag '-fno-x' is not supported [-Werror]", "-fno-x"),
            ("error: unknown warning option '-Wno-stringop'; did you mean", "-Wno-stringop"),
        ] {
            assert_eq!(unknown_flag(line), Some(flag));
        }
        assert_eq!(unknown_flag("warning: argument unused during compilation: '-x'"), None);
    }
}
