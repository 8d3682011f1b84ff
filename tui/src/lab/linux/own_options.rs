// SPDX-License-Identifier: MIT OR Apache-2.0
//! Kernel options of the user's own: kept in a file of the user's, merged after
//! Ringside's fragments, and part of what identifies a kernel.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::build_error::{BuildError, BuildResult};
use super::super::cache;
use super::super::flavour::Flavour;
use super::config::{self, Config};

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

/// What our fragments and the user's own options ask for.
pub fn wanted(flavour: Flavour) -> Config {
    config::ours(flavour).with(read())
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
        "y" | "n" | "m" => built_in(value),
        quoted if quoted.len() > 1 && quoted.starts_with('"') && quoted.ends_with('"') => {
            quoted.to_owned()
        }
        _ if number => value.to_owned(),
        text if !text.contains(['"', '\n', '\\']) => format!("\"{text}\""),
        _ => return Err(shown),
    };
    Ok((name.to_owned(), value))
}

/// Modules of the kernel are of no use in a guest that is thrown away.
fn built_in(value: &str) -> String {
    if value == "m" { "y" } else { value }.to_owned()
}

/// Reads a fragment of a configuration.
///
/// # Errors
/// It can't be read, or sets nothing.
pub fn fragment(path: &Path) -> BuildResult<Config> {
    let text = fs::read_to_string(path).map_err(BuildError::on("read", path))?;
    let config: Config = Config::parse(&text)
        .iter()
        .map(|(name, value)| (name.to_owned(), built_in(value)))
        .collect();
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
    fn a_fragment_has_comments_texts_and_what_would_be_a_module_is_built_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lesson.config");
        let text = "# For lesson 3\n\nCONFIG_FUSE_FS=m\n# CONFIG_GPIOLIB is not set\n\
                    CONFIG_DEFAULT_HOSTNAME=\"lesson\"\n";
        fs::write(&path, text).unwrap();
        let config = fragment(&path).unwrap();
        assert_eq!(config.value("FUSE_FS"), "y");
        assert_eq!(config.value("DEFAULT_HOSTNAME"), "\"lesson\"");
        assert!(config.contains("GPIOLIB") && config.value("GPIOLIB") == "n");
        fs::write(&path, "# nothing\n").unwrap();
        assert!(fragment(&path).unwrap_err().to_string().contains("sets no option"));
    }
}
