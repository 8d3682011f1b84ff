// SPDX-License-Identifier: MIT OR Apache-2.0
//! Modules on their way in and out. A job gets its image (`image`) and its
//! parameters (`form`) in any order, and goes on (`steps`) when it has both. What
//! a guest had can be loaded again (`again`) in the one after it.

mod again;
mod form;
mod image;
mod jobs;
mod parameter;
pub mod state;
mod steps;

pub(crate) use self::again::{guest_gone, listed, next, offer};
pub use self::form::{load, parameters, slow_down};
pub(crate) use self::image::image;
pub(crate) use self::jobs::{load_with, reload, unload};
pub use self::state::{Loader, Step, module_name};
pub(crate) use self::steps::holders;
use super::shared::Shared;
use crate::kernel::Item;

/// Takes an item of a load, an unload, or a question for parameters.
pub(crate) fn on_reply(shared: &mut Shared, step: &Step, item: Item) {
    match step {
        Step::Seen(name) => again::seen(shared, name, &item),
        _ => {
            steps::on_reply(shared, step, item);
            if let Some((key, error)) = shared.loader.refused.take() {
                steps::refused(shared, &key, &error, load);
            }
        }
    }
}
