// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside load` and `ringside unload`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::output::say;
use super::progress::Show;
use super::{Connection, Failure, Outcome, candidates, our_module};
use crate::kernel::Target;
use crate::kernel::api::{IMAGE_MAX, Request};
use crate::kernel::call::ask;
use crate::kernel::modinfo::ModInfo;
use crate::lab::build_error::BuildError;
use crate::lab::paths::lossy;
use crate::lab::plain_file;
use crate::lab::progress::Progress;

/// Load a module: one of Ringside's by name, any other by its folder or .ko file
///
///     ringside load my_name charParameter=Summer intParameter=2025
///     ringside load producer_consumer prod=5 cons=3 size=10
///     ringside load my-module/              build the folder, load what it makes
///     ringside load ./mine.ko debug=1
///
/// A module of Ringside's is built first if its sources have changed, and so is
/// a folder's (see `ringside build --help`). The file is sent to the kernel as
/// it is, so the guest needs no access to it. `ringside kmsg` shows what the
/// module says.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Load {
    /// my_name, producer_consumer, memalloc or kmod, or the path of a folder
    /// with a Kbuild file, or of a .ko file
    #[arg(value_name = "NAME|FOLDER|FILE.ko", add = candidates::loadable())]
    module: PathBuf,
    /// The module's parameters
    #[arg(value_name = "PARAMETER=VALUE", add = candidates::parameters())]
    parameters: Vec<String>,
    /// Print JSON, one line per module
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Loaded<'a> {
    module: &'a str,
    loaded: bool,
    #[serde(serialize_with = "lossy")]
    file: &'a Path,
    parameters: &'a str,
}

impl Load {
    /// Loads it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let parameters = parameter_line(&self.parameters)?;
        let target = connection.open()?;
        let mut show = Show::new();
        let images = images(&self.module, &*target, &mut show)?;
        drop(show);
        if images.len() > 1 && !parameters.is_empty() {
            let names: Vec<_> = images.iter().map(|image| image.name.as_str()).collect();
            return Err(Failure::usage(format!(
                "{} makes {} modules ({}), and parameters are for one",
                self.module.display(),
                names.len(),
                names.join(", ")
            ))
            .with_help("load each by the path of its .ko file, which `ringside build` prints"));
        }
        for image in images {
            let name = image.name.clone();
            let request = Request::Load { name, parameters: parameters.clone() };
            ask(&*target, request, &image.bytes)?;
            let loaded = Loaded {
                module: &image.name,
                loaded: true,
                file: &image.path,
                parameters: &parameters,
            };
            say(self.json, &format!("{} is loaded", image.name), &loaded)?;
        }
        Ok(0)
    }
}

/// A module's file.
#[derive(Debug)]
pub(super) struct Image {
    /// The module's name.
    pub(super) name: String,
    path: PathBuf,
    /// What the kernel is given.
    pub(super) bytes: Vec<u8>,
    /// The modules that it needs.
    needs: Vec<String>,
}

impl Image {
    /// Reads a file that is to be a module; also what it says of itself.
    pub(super) fn read(path: PathBuf) -> Result<(Self, ModInfo), Failure> {
        let bytes = plain_file::read(&path, IMAGE_MAX as u64)
            .map_err(|error| Failure::from(error).with_help("a module is a .ko file"))?;
        let info = ModInfo::parse(&bytes).map_err(|why| {
            Failure::new(format!("{} is no kernel module: {why}", path.display()))
        })?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let name = info.name().unwrap_or(&stem).to_owned();
        let needs = info.get("depends").unwrap_or_default();
        let needs = needs.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Ok((Self { name, path, bytes, needs }, info))
    }
}

/// What `module` means: one of ours by name, a file, or what a folder makes.
fn images(
    module: &Path,
    target: &dyn Target,
    progress: &mut dyn Progress,
) -> Result<Vec<Image>, Failure> {
    let name = module.to_string_lossy();
    let is_path = module.components().count() > 1
        || name.ends_with('/')
        || module.is_absolute()
        || module.extension().is_some_and(|extension| extension == "ko");
    let words = BuildError::without_last_words;
    let ours = ringside_uapi::module(&name).is_some();
    if !is_path && (ours || !module.exists()) {
        let file = our_module::file(&name, target, progress, words)?;
        return Ok(vec![Image::read(file)?.0]);
    }
    if !module.is_dir() {
        return Ok(vec![Image::read(module.to_owned())?.0]);
    }
    let files = our_module::folder(module, target, progress, words)?;
    let images = files.into_iter().map(|file| Image::read(file).map(|(image, _)| image));
    Ok(in_order(images.collect::<Result<_, _>>()?))
}

/// Those that others need come first.
fn in_order(mut left: Vec<Image>) -> Vec<Image> {
    let mut sorted = Vec::new();
    while !left.is_empty() {
        let free = |image: &Image| {
            let others = || left.iter().filter(|other| other.name != image.name);
            !image.needs.iter().any(|needed| others().any(|other| other.name == *needed))
        };
        // Modules that need each other can't be built, so one is always free.
        let next = left.iter().position(free).unwrap_or_default();
        sorted.push(left.remove(next));
    }
    sorted
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
    #[arg(add = candidates::loaded())]
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Unloaded<'a> {
    module: &'a str,
    loaded: bool,
}

impl Unload {
    /// Unloads it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let target = connection.open()?;
        let name = self.name.clone();
        ask(&*target, Request::Unload { name }, &[])?;
        let unloaded = Unloaded { module: &self.name, loaded: false };
        say(self.json, &format!("{} is unloaded", self.name), &unloaded)?;
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

    fn refused(module: &Path) -> String {
        let silent: &mut dyn Progress = &mut |_: Event| {};
        images(module, &Local::new(), silent).unwrap_err().to_string()
    }

    #[test]
    fn a_name_that_is_none_of_ours_gets_the_list_of_ours() {
        assert!(refused(Path::new("no_such")).contains("producer_consumer"));
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

    #[test]
    fn a_module_that_another_needs_is_loaded_before_it() {
        let image = |name: &str, needs: &[&str]| Image {
            name: name.into(),
            path: PathBuf::new(),
            bytes: Vec::new(),
            needs: needs.iter().map(|name| (*name).to_owned()).collect(),
        };
        let sorted = in_order(vec![
            image("top", &["middle", "elsewhere"]),
            image("middle", &["base"]),
            image("base", &[]),
        ]);
        let names: Vec<_> = sorted.iter().map(|image| image.name.as_str()).collect();
        assert_eq!(names, ["base", "middle", "top"]);
    }
}
