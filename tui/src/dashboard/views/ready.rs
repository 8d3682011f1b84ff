// SPDX-License-Identifier: MIT OR Apache-2.0
//! Can a view that needs a module show anything, and if not, why not?

use crate::dashboard::core::link::{NO_KERNEL, NOT_RUNNING};
use crate::dashboard::core::{Connection, Loadable, Shared};
use crate::kernel::api::Capability;

/// Whether a view's module can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It can.
    Ready,
    /// Something has not arrived yet: what.
    Waiting(&'static str),
    /// The module is not loaded.
    NotLoaded,
    /// The module oopsed and can't be used until a reboot.
    Broken,
    /// The kernel or its agent lacks something: why.
    Missing(String),
    /// The list of modules can't be read: why.
    Failed(String),
    /// The kernel does not answer any more: why, and since when in the shared's time.
    Lost {
        why: String,
        /// Since when.
        since_ms: u64,
    },
    /// The guest is not running.
    Dead,
    /// It died while another view was open, and nothing of this one's picture is known.
    Unseen,
}

/// Whether `module`, which needs `capability` to be driven, can be shown.
pub fn readiness(shared: &Shared, module: &str, capability: Capability) -> Readiness {
    if shared.link.dead().is_some() {
        return Readiness::Dead;
    }
    match &shared.link.connection {
        Connection::Connecting => return Readiness::Waiting("the kernel's first answer"),
        Connection::Lost { why, since_ms } => {
            return Readiness::Lost { why: why.clone(), since_ms: *since_ms };
        }
        Connection::Up => {}
    }
    if let Some(reason) = shared.link.missing(capability) {
        return Readiness::Missing(reason.to_owned());
    }
    match &shared.modules {
        Loadable::Loading => Readiness::Waiting("the list of loaded modules"),
        Loadable::Failed(error) => Readiness::Failed(error.to_string()),
        Loadable::Ready(_) => match shared.loaded(module) {
            None => Readiness::NotLoaded,
            Some(loaded) if loaded.broken => Readiness::Broken,
            Some(_) => Readiness::Ready,
        },
    }
}

/// Whether its picture can be drawn: of a guest that died, the last one stays.
pub fn drawable(shared: &Shared, module: &str, capability: Capability) -> Readiness {
    match readiness(shared, module, capability) {
        Readiness::Dead if shared.loaded(module).is_some() => Readiness::Ready,
        other => other,
    }
}

/// The same as a command needs it: `Err` with the reason and what to do.
pub fn ready(shared: &Shared, module: &str, capability: Capability) -> Result<(), String> {
    if shared.link.recording {
        return Err(NO_KERNEL.into());
    }
    Err(match readiness(shared, module, capability) {
        Readiness::Ready => return Ok(()),
        Readiness::Waiting(what) => format!("still waiting for {what}"),
        Readiness::NotLoaded => {
            format!("{module} is not loaded ({} loads it)", shared.keymap.press("load"))
        }
        Readiness::Broken => format!("{module} crashed; only a reboot brings it back"),
        Readiness::Missing(why) | Readiness::Failed(why) => why,
        Readiness::Lost { why, .. } => format!("no connection: {why}"),
        Readiness::Dead | Readiness::Unseen => shared.fill(NOT_RUNNING),
    })
}
