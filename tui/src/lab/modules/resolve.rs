// SPDX-License-Identifier: MIT OR Apache-2.0
//! Symbols that no folder knew of itself: in the other folders, in what was built
//! before, in the kernel's sources.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::build_error::BuildResult;
use super::super::linux::Kernel;
use super::super::progress::{Event, Progress};
use super::built::Failed;
use super::earlier::{stamps, symbol_file};
use super::exports::Exports;
use super::hints::Hints;
use super::work::Work;
use crate::kernel::modinfo::module_name;

/// Finds the symbols that no folder knew of itself: in the other folders, in
/// what was built before, in the kernel's sources.
pub(super) fn resolve(
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
            None => match (work.would_export(&symbol), hints.name(&symbol)) {
                (Some((file, module)), _) => format!(
                    "nothing exports {symbol}: {file} does, and its module {module} was not built"
                ),
                (None, Some(hint)) => format!("nothing exports {symbol}; {hint}"),
                (None, None) => format!(
                    "nothing exports {symbol}: no part of Linux, and no module that was built here. \
                     If another folder's module does, build both at once: ringside build FOLDER FOLDER"
                ),
            },
        };
        progress.report(Event::Output(format!("{object}: {why}")));
        let name = module_name(&object);
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
        Some(module_name(words.next()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exporter_of_a_symbol_is_read_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("Module.symvers");
        fs::write(&file, "0x0\tprovider_answer\tsub/pro-vider\tEXPORT_SYMBOL_GPL\t\n").unwrap();
        assert_eq!(exporter(&file, "provider_answer").as_deref(), Some("pro_vider"));
        assert_eq!(exporter(&file, "provider"), None);
    }
}
