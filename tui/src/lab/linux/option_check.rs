// SPDX-License-Identifier: MIT OR Apache-2.0
//! Asking Kconfig whether it takes the user's options.

use std::fs;

use super::super::build_error::{BuildError, BuildResult};
use super::super::cache;
use super::super::flavour::Flavour;
use super::super::progress::Progress;
use super::super::setup::tools;
use super::compile::Compile;
use super::config::{self, Config};
use super::kconfig::Kconfig;
use super::source;

/// What must stay off; all else that is off only saves time, and whoever wants it
/// may turn it on.
const NEEDED_OFF: [&str; 5] = [
    "RANDOMIZE_BASE",
    "SLUB_TINY",
    "DEBUG_INFO_NONE",
    "DEBUG_KMEMLEAK_DEFAULT_OFF",
    "KCOV_INSTRUMENT_ALL",
];

/// Checks that Kconfig takes `wanted`, the user's options as they are to be.
/// Nothing is compiled.
///
/// # Errors
/// An option is unknown, is one that Ringside needs otherwise, or depends on
/// one that is off; or Kconfig can't be run.
pub fn check(flavour: Flavour, wanted: &Config, progress: &mut dyn Progress) -> BuildResult<()> {
    let ours = config::ours(flavour);
    let needed = |name: &str| ours.value(name) != "n" || NEEDED_OFF.contains(&name);
    let taken: Vec<String> = wanted
        .iter()
        .filter(|(name, value)| ours.contains(name) && ours.value(name) != *value && needed(name))
        .map(|(name, _)| format!("CONFIG_{name}={} is what Ringside needs", ours.value(name)))
        .collect();
    if !taken.is_empty() {
        return Err(BuildError::Options(taken));
    }
    let root = cache::root()?;
    let tree = source::ensure(&root, None, progress)?;
    let kconfig = Kconfig::read(&tree.folder);
    let unknown: Vec<String> = wanted
        .iter()
        .filter(|(name, _)| kconfig.option(name).is_none())
        .map(|(name, _)| unknown(&kconfig, name))
        .collect();
    if !unknown.is_empty() {
        return Err(BuildError::Options(unknown));
    }
    let tools = tools::tools(flavour).map_err(BuildError::Missing)?;
    let build_dir = root.join("build").join(format!("{flavour}.options"));
    let result = Compile {
        flavour,
        tree: &tree,
        build_dir: &build_dir,
        tools: &tools,
        log: &build_dir.with_extension("options.log"),
        local_version: "-options",
    }
    .configure_with(&ours.with(wanted.clone()), progress);
    match result {
        Err(BuildError::Config(_)) => {
            let text = fs::read_to_string(build_dir.join(".config")).unwrap_or_default();
            Err(BuildError::Options(unmet(&kconfig, wanted, &Config::parse(&text))))
        }
        result => result,
    }
}

fn unknown(kconfig: &Kconfig, name: &str) -> String {
    let like: Vec<_> =
        kconfig.like(name).into_iter().take(4).map(|name| format!("CONFIG_{name}")).collect();
    match like.is_empty() {
        true => format!("Linux 7.3 has no option CONFIG_{name}"),
        false => format!("Linux 7.3 has no option CONFIG_{name}; it has {}", like.join(", ")),
    }
}

/// Each option that Kconfig did not take, with what it depends on.
fn unmet(kconfig: &Kconfig, wanted: &Config, got: &Config) -> Vec<String> {
    wanted
        .iter()
        .filter(|(name, value)| got.value(name) != *value)
        .map(|(name, value)| {
            let entry = kconfig.option(name).cloned().unwrap_or_default();
            let off: Vec<_> = entry
                .names()
                .into_iter()
                .filter(|name| got.value(name) == "n")
                .map(|name| format!("CONFIG_{name}"))
                .collect();
            let is = got.value(name);
            let why = match (&entry.prompt, off.is_empty()) {
                (None, _) => "nobody can set it: other options select it".to_owned(),
                (_, false) => format!(
                    "it depends on {}, of which {} off: set {} as well",
                    entry.depends.join(" and "),
                    match off.len() {
                        1 => format!("{} is", off[0]),
                        _ => format!("{} are", off.join(", ")),
                    },
                    match off.len() {
                        1 => "it",
                        _ => "what it takes of them",
                    },
                ),
                (_, true) => format!("another option decides it, and it is {is}"),
            };
            format!("CONFIG_{name}={value} can't be set: {why}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ringside_needs_cannot_be_turned_off() {
        let mut config = Config::default();
        config.set("RUST".into(), "n".into());
        let error = check(Flavour::Lab, &config, &mut |_| {}).unwrap_err().to_string();
        assert!(error.contains("CONFIG_RUST=y is what Ringside needs"), "{error}");
    }

    #[test]
    fn an_unmet_dependency_is_named() {
        let tree = tempfile::tempdir().unwrap();
        let text = "config KNOB\n\tbool \"Knob\"\n\tdepends on BUS\nconfig BUS\n\tbool \"Bus\"\n";
        fs::write(tree.path().join("Kconfig"), text).unwrap();
        let kconfig = Kconfig::read(tree.path());
        let wanted = Config::parse("CONFIG_KNOB=y");
        let said = unmet(&kconfig, &wanted, &Config::default());
        assert_eq!(said.len(), 1);
        assert!(said[0].contains("depends on BUS, of which CONFIG_BUS is off"), "{said:?}");
        assert!(unknown(&kconfig, "KNO").contains("it has CONFIG_KNOB"));
    }
}
