// SPDX-License-Identifier: GPL-2.0
//! The folders `/sys/module/<module>/{counters,controls}/`.
//!
//! A module says what it shows by implementing [`Shows`]; names, ranges and
//! record sizes come from the contract in `uapi`. Counters are text files with
//! one value, readable by all; controls are text files that only root may read
//! and write; tables are binary files in the folder of the counters, arrays of
//! records that are read by offset.
//!
//! A value that [`Folders`] owns cannot vanish while a file is being read: the
//! removal of a folder waits for the callbacks that run. So a control's
//! callback may sleep, but must end by itself, and must not drop the folders.

mod attribute;
mod folder;
mod rows;
mod shows;
mod table;
mod text_file;

pub(crate) use rows::Rows;
pub(crate) use shows::Shows;

use folder::Folder;
use kernel::{prelude::*, sync::Arc};
use table::TableFile;
use text_file::File;

/// The folders of a module. They vanish when this is dropped, which waits for
/// the readers and writers that are inside a file just then.
///
/// As all registrations of the kernel's Rust code it must not be leaked: the
/// module's code goes, and the files would stay.
pub(crate) struct Folders<T: Shows> {
    // Controls go first: they may wait for what counters only look at.
    _controls: Option<Pin<KBox<Folder<T>>>>,
    _counters: Option<Pin<KBox<Folder<T>>>>,
}

impl<T: Shows> Folders<T> {
    /// Makes the folders that the contract demands of this module.
    ///
    /// # Errors
    ///
    /// `EINVAL` where `state` lacks something that the contract promises,
    /// `ENOMEM`, or what sysfs says.
    pub(crate) fn new(module: &'static ThisModule, state: &Arc<T>) -> Result<Self> {
        let about = T::MODULE;
        let counters = if about.counters.is_empty() && about.tables.is_empty() {
            None
        } else {
            let mut folder = Folder::new(c"counters", about.counters.len(), about.tables.len())?;
            for counter in about.counters {
                folder.add_file(File::counter(counter, state)?)?;
            }
            for table in about.tables {
                folder.add_table(TableFile::new(table, state)?)?;
            }
            Some(folder.register(module)?)
        };
        let controls = if about.controls.is_empty() {
            None
        } else {
            let mut folder = Folder::new(c"controls", about.controls.len(), 0)?;
            for control in about.controls {
                folder.add_file(File::control(control, state)?)?;
            }
            Some(folder.register(module)?)
        };
        Ok(Self { _controls: controls, _counters: counters })
    }
}
