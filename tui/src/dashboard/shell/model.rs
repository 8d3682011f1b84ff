// SPDX-License-Identifier: MIT OR Apache-2.0
//! The model: everything the screen is drawn from.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use super::asked::Streams;
use super::{recordings, table};
use crate::dashboard::core::Shared;
use crate::dashboard::core::config::Config;
use crate::dashboard::core::keymap::Keymap;
use crate::dashboard::views::Views;

/// Everything the screen is drawn from: the views, and what they share.
#[derive(Clone)]
pub struct Model {
    /// What the views share.
    pub shared: Shared,
    pub views: Views,
    pub(crate) streams: Streams,
}

impl Deref for Model {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl DerefMut for Model {
    fn deref_mut(&mut self) -> &mut Shared {
        &mut self.shared
    }
}

impl Default for Model {
    fn default() -> Self {
        Self::new(Config::default(), BTreeMap::new())
    }
}

impl Model {
    /// A model with these settings and remembered inputs.
    pub fn new(config: Config, remembered: BTreeMap<String, String>) -> Self {
        Self::with(Views::all(), config, remembered)
    }

    /// The same with views of one's own.
    pub fn with(views: Views, config: Config, remembered: BTreeMap<String, String>) -> Self {
        let infos = table::all(&views).map(|entry| entry.info);
        let infos = infos.chain(recordings::COMMANDS);
        let keymap = Keymap::new(infos, &config.keys);
        let tabs: Vec<_> = views.iter().map(|view| view.about()).collect();
        let mut shared = Shared::new(config, remembered);
        shared.keymap = keymap;
        shared.view = tabs.first().map_or("", |about| about.id);
        shared.tabs = tabs;
        Self { shared, views, streams: Streams::default() }
    }

    /// Is text being typed into the view itself?
    pub fn is_typing(&self) -> bool {
        self.views.current(&self.shared).typing()
    }

    /// Does time matter now, so that ticks must come ten times a second?
    /// Otherwise once a second is enough.
    pub fn wants_ticks(&self) -> bool {
        !self.toasts.shown().is_empty()
            || self.calls.shown().next().is_some()
            || self.deeds.plan.is_some()
            || self.experiment.is_some()
    }
}
