// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which modules are on their way, and what is known of their files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::dashboard::data::lines;
use crate::kernel::TargetError;
use crate::kernel::modinfo::{self, ModInfo};

/// A step of loading, unloading or reloading; the text is the job's key: the
/// module's name or the path of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The image is being built or read.
    Image(String),
    /// The kernel takes the module.
    Load(String),
    /// The kernel lets the module go.
    Unload(String),
    /// The kernel says what a module that is loaded runs with.
    Seen(String),
}

/// A module on its way in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Job {
    pub(crate) image: Option<Arc<Vec<u8>>>,
    pub(crate) parameters: Option<String>,
    pub(crate) unload_first: bool,
    /// A form asked for the parameters, and asks again where they are refused.
    pub(crate) from_form: bool,
}

/// A module that the guest before had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Again {
    pub(crate) name: String,
    /// The job's key; none where its file is not known.
    pub(crate) key: Option<String>,
    pub(crate) parameters: String,
}

/// Modules on their way in and out, and what is known of their files.
#[derive(Clone, Debug, Default)]
pub struct Loader {
    pub(crate) jobs: BTreeMap<String, Job>,
    pub(crate) last_parameters: BTreeMap<String, String>,
    /// What each loaded module was loaded with, by whomever.
    pub(crate) current: BTreeMap<String, String>,
    /// What the guest before had, until it is offered.
    pub(crate) again: Vec<Again>,
    pub(crate) offered: Vec<Again>,
    /// A job has ended: the next of those that are to be loaded again has its turn.
    pub(crate) ended: bool,
    /// What is still to be loaded again.
    pub(crate) queue: VecDeque<Again>,
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) infos: BTreeMap<String, ModInfo>,
    /// The job whose module the kernel has just refused, and why.
    pub(crate) refused: Option<(String, TargetError)>,
    /// The loaded modules that only bear the name of one of ours.
    pub(crate) not_ours: BTreeSet<String>,
    /// What the modules that folders make are called, by the job's key.
    pub(crate) names: BTreeMap<String, String>,
}

impl Loader {
    /// What the file of a module says of itself, once the file was read.
    pub fn info(&self, module: &str) -> Option<&ModInfo> {
        self.infos.get(module)
    }

    /// The name of a job's module: what its file says, once that was read.
    pub(crate) fn name(&self, key: &str) -> String {
        self.names.get(key).cloned().unwrap_or_else(|| module_name(key))
    }

    /// The file of a module was found elsewhere.
    pub(crate) fn learn(&mut self, module: &str, info: ModInfo) {
        self.infos.entry(module.to_owned()).or_insert(info);
    }

    /// The parameters it was loaded with the last time, from here.
    pub fn last_parameters(&self, module: &str) -> Option<&str> {
        self.last_parameters.get(module).map(String::as_str)
    }

    pub(crate) fn forget_guest(&mut self) {
        self.jobs.clear();
        self.current.clear();
        self.queue.clear();
    }
}

/// The module's name by a path: `/x/my-mod.ko` is `my_mod`, and so, until it is
/// built, is the module of the folder `/x/my-mod/`.
pub fn module_name(key: &str) -> String {
    modinfo::module_name(key.trim_end_matches('/'))
}

/// The file that a job loads, as a person would name it: a module of ours is
/// built where the command runs.
pub(crate) fn file(key: &str) -> String {
    if is_path(key) { key.to_owned() } else { lines::module_file(key) }
}

pub(crate) fn is_path(key: &str) -> bool {
    key.contains('/') || modinfo::is_module_file(key)
}

/// Is this a file that is read as it is? A folder is built, and what is packed is
/// unpacked, where the other modules are built.
pub(crate) fn is_plain_file(key: &str) -> bool {
    key.ends_with(".ko")
}

/// The id of the form that loads this job's module.
pub(crate) fn form_id(key: &str) -> String {
    format!("load/{}", module_name(key))
}

/// How long a thread of producer_consumer sleeps after each item, in microseconds,
/// when it is loaded from here: so that a person can follow the items.
pub(crate) const PACE: u64 = 300_000;

/// Names and values as `insmod` takes them.
pub(crate) fn parameters_of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let words = pairs.map(|(name, value)| {
        if value.contains(char::is_whitespace) {
            format!("{name}=\"{value}\"")
        } else {
            format!("{name}={value}")
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
