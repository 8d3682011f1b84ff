// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernel options of the user's own: kept in a file of the user's, merged after
//! Ringside's fragments, and part of what identifies a kernel.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::build_error::{BuildError, BuildResult};
use super::super::cache;
use super::super::flavour::Flavour;
use super::super::progress::Progress;
use super::super::setup::tools;
use super::compile::Compile;
use super::config::{self, Config};
use super::kconfig::Kconfig;
use super::source;

/// Where they are kept: `$XDG_CONFIG_HOME/ringside/kernel.config`, else below
/// `~/.config`. `None` where neither variable names a folder.
pub fn file() -> Option<PathBuf> {
    let absolute =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(folder.join("ringside/kernel.config"))
}

/// The user's options; none if there is no file.
pub fn read() -> Config {
    let text = file().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    Config::parse(&text)
}

/// Makes `config` the user's options.
///
/// # Errors
/// The file can't be written.
pub fn write(config: &Config) -> BuildResult<()> {
    let path = file().ok_or_else(|| {
        let why = "neither XDG_CONFIG_HOME nor HOME is set to an absolute path";
        BuildError::io("find the folder for settings")(std::io::Error::other(why))
    })?;
    if config.is_empty() {
        return match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(BuildError::on("remove", &path)(error))
            }
            _ => Ok(()),
        };
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(BuildError::on("make", folder))?;
    }
    cache::write(&path, &config.text())
}

/// Reads `CONFIG_X=y`, `X=n` or `X="text"`.
///
/// # Errors
/// What is wrong with it.
pub fn assignment(text: &str) -> Result<(String, String), String> {
    let shown =
        format!("{text:?} is no option with a value: write CONFIG_NAME=y (or n, a number, a text)");
    let (name, value) = text.split_once('=').ok_or(&shown)?;
    let name = name.trim().trim_start_matches("CONFIG_");
    let good = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if name.is_empty() || !name.chars().all(good) || value.is_empty() {
        return Err(shown);
    }
    let number = value.strip_prefix("0x").map_or_else(
        || value.trim_start_matches('-').chars().all(|digit| digit.is_ascii_digit()),
        |digits| digits.chars().all(|digit| digit.is_ascii_hexdigit()),
    );
    let value = match value {
        "y" | "n" => value.to_owned(),
        // Modules of the kernel are of no use in a guest that is thrown away.
        "m" => "y".to_owned(),
        quoted if quoted.len() > 1 && quoted.starts_with('"') && quoted.ends_with('"') => {
            quoted.to_owned()
        }
        _ if number => value.to_owned(),
        text if !text.contains(['"', '\n', '\\']) => format!("\"{text}\""),
        _ => return Err(shown),
    };
    Ok((name.to_owned(), value))
}

/// Checks that Kconfig takes `wanted`, the user's options as they are to be.
/// Nothing is compiled.
///
/// # Errors
/// An option is unknown, is one that Ringside needs otherwise, or depends on
/// one that is off; or Kconfig can't be run.
pub fn check(flavour: Flavour, wanted: &Config, progress: &mut dyn Progress) -> BuildResult<()> {
    let ours = config::ours(flavour);
    let taken: Vec<String> = wanted
        .iter()
        .filter(|(name, value)| ours.contains(name) && ours.value(name) != *value)
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

/// Reads a fragment of a configuration.
///
/// # Errors
/// It can't be read, or sets nothing.
pub fn fragment(path: &Path) -> BuildResult<Config> {
    let text = fs::read_to_string(path).map_err(BuildError::on("read", path))?;
    let config = Config::parse(&text);
    match config.is_empty() {
        false => Ok(config),
        true => Err(BuildError::Options(vec![format!(
            "{} sets no option: write lines like CONFIG_GPIOLIB=y",
            path.display()
        )])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_read_with_and_without_their_prefix() {
        let both = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(assignment("CONFIG_GPIOLIB=y"), both("GPIOLIB", "y"));
        assert_eq!(assignment("GPIOLIB=m"), both("GPIOLIB", "y"));
        assert_eq!(assignment("NR_CPUS=8"), both("NR_CPUS", "8"));
        assert_eq!(assignment("CMDLINE=quiet loud"), both("CMDLINE", "\"quiet loud\""));
        for wrong in ["GPIOLIB", "=y", "GPIO LIB=y", "X="] {
            assert!(assignment(wrong).unwrap_err().contains("write CONFIG_NAME=y"), "{wrong}");
        }
    }

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
