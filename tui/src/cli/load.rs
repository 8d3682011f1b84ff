// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside load` and `ringside unload`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::error::visible;
use super::progress::Show;
use super::{Connection, Failure, Outcome, our_module};
use crate::kernel::Target;
use crate::kernel::api::Request;
use crate::kernel::call::ask;
use crate::kernel::modinfo::ModInfo;
use crate::lab::build_error::BuildError;
use crate::lab::progress::Progress;

/// Load a module: one of Ringside's by name, any other from its .ko file
///
///     ringside load my_name charParameter=Summer intParameter=2025
///     ringside load producer_consumer prod=5 cons=3 size=10
///     ringside load ./mine.ko debug=1
///
/// A module of Ringside's is built first if its sources have changed. The file
/// is sent to the kernel as it is, so the guest needs no access to it.
/// `ringside kmsg` shows what the module says.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Load {
    /// my_name, producer_consumer, memalloc or kmod, or the path of a .ko file
    #[arg(value_name = "NAME|PATH.ko")]
    module: PathBuf,
    /// The module's parameters
    #[arg(value_name = "PARAMETER=VALUE")]
    parameters: Vec<String>,
}

impl Load {
    /// Loads it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let parameters = parameter_line(&self.parameters)?;
        let target = connection.open()?;
        let mut show = Show::new();
        let (name, image) = image(&self.module, &*target, &mut show)?;
        drop(show);
        let request = Request::Load { name: name.clone(), parameters };
        ask(&*target, request, &image)?;
        writeln!(std::io::stdout(), "{} is loaded", visible(&name))?;
        Ok(0)
    }
}

/// A module's name and the bytes of its file, by name or path.
pub(super) fn image(
    module: &Path,
    target: &dyn Target,
    progress: &mut dyn Progress,
) -> Result<(String, Vec<u8>), Failure> {
    let is_path = module.components().count() > 1
        || module.is_absolute()
        || module.extension().is_some_and(|extension| extension == "ko");
    let path = if is_path {
        module.to_owned()
    } else {
        our_module::file(
            &module.to_string_lossy(),
            target,
            progress,
            BuildError::without_last_words,
        )?
    };
    let bytes = std::fs::read(&path)
        .map_err(|error| Failure::new(format!("read {}: {error}", path.display())))?;
    let info = ModInfo::parse(&bytes)
        .map_err(|why| Failure::new(format!("{} is no kernel module: {why}", path.display())))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = info.name().unwrap_or(&stem).to_owned();
    Ok((name, bytes))
}

/// The parameters as the kernel wants them: a value with spaces in quotes.
pub fn parameter_line(parameters: &[String]) -> Result<String, Failure> {
    let mut words = Vec::new();
    for parameter in parameters {
        let Some((key, value)) = parameter.split_once('=') else {
            return Err(Failure::usage(format!("{parameter:?} is no parameter: write NAME=VALUE")));
        };
        let quoted = value.len() >= 2 && value.starts_with('"') && value.ends_with('"');
        let inner = if quoted { &value[1..value.len() - 1] } else { value };
        if inner.contains(['"', '\0', '\n']) {
            return Err(Failure::usage(format!(
                "the value of {key} holds a character that the kernel can't take in a parameter"
            )));
        }
        if quoted || !inner.contains(|character: char| character.is_ascii_whitespace()) {
            words.push(parameter.clone());
        } else {
            words.push(format!("{key}=\"{inner}\""));
        }
    }
    Ok(words.join(" "))
}

/// Unload a module
///
///     ringside unload my_name
///
/// The kernel refuses while something uses the module; the error says who.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Unload {
    /// The module's name, as `ringside modules` shows it
    name: String,
}

impl Unload {
    /// Unloads it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let target = connection.open()?;
        let name = self.name.clone();
        ask(&*target, Request::Unload { name }, &[])?;
        writeln!(std::io::stdout(), "{} is unloaded", visible(&self.name))?;
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::local::Local;
    use crate::lab::progress::Event;

    fn line(parameters: &[&str]) -> Result<String, Failure> {
        let parameters: Vec<_> = parameters.iter().map(|p| (*p).to_owned()).collect();
        parameter_line(&parameters)
    }

    #[test]
    fn values_with_spaces_are_quoted_once() {
        assert_eq!(
            line(&["charParameter=Late Summer", "intParameter=2025", "name=\"A B\""]),
            Ok("charParameter=\"Late Summer\" intParameter=2025 name=\"A B\"".into())
        );
        assert_eq!(line(&[]), Ok(String::new()));
    }

    #[test]
    fn what_the_kernel_cannot_take_is_refused_before_it_is_sent() {
        assert_eq!(line(&["no-value"]).unwrap_err().status(), 2);
        assert_eq!(line(&["a=x\"y"]).unwrap_err().status(), 2);
        assert_eq!(line(&["a=x\ny"]).unwrap_err().status(), 2);
    }

    #[test]
    fn a_name_that_is_none_of_ours_gets_the_list_of_ours() {
        let silent: &mut dyn Progress = &mut |_: Event| {};
        let unknown = image(Path::new("no_such"), &Local::new(), silent).unwrap_err();
        assert!(unknown.to_string().contains("producer_consumer"));
        let missing = image(Path::new("./none.ko"), &Local::new(), silent).unwrap_err();
        assert_eq!(missing.status(), 1);
    }
}
