// SPDX-License-Identifier: MIT OR Apache-2.0
//! QEMU's side of the USB stick: in and out while the machine runs.

use std::time::{Duration, Instant};

use serde_json::json;

use super::command::{CHANGES, CHANGES_SET, STICK, STICK_PORT, STICK_SET, stick_node};
use super::error::{VmError, VmResult};
use super::machine::Machine;
use super::overlay;
use super::stick::Stick;

impl Machine {
    /// Plugs `stick` in.
    ///
    /// # Errors
    /// One is plugged in already, or QEMU refuses it.
    pub fn plug(&self, stick: &Stick) -> VmResult<()> {
        let files = stick.files()?;
        overlay::add(self.qmp(), STICK_SET, &files.file)?;
        if let Some(changes) = &files.changes {
            overlay::add(self.qmp(), CHANGES_SET, changes)?;
        }
        let plugged = self
            .qmp()
            .execute("blockdev-add", stick_node(stick.is_device, files.changes.is_some()))
            .and_then(|_| {
                let device = json!({
                    "driver": "usb-storage",
                    "id": STICK,
                    "drive": STICK,
                    "bus": "usb.0",
                    "port": STICK_PORT,
                    "werror": "report",
                    "rerror": "report",
                });
                self.qmp().execute("device_add", device)
            });
        if let Err(error) = plugged {
            self.forget_stick();
            return Err(error);
        }
        Ok(())
    }

    /// Pulls the stick out, without asking the guest.
    ///
    /// # Errors
    /// None is plugged in, or QEMU does not let go of it.
    pub fn unplug(&self) -> VmResult<()> {
        let shared = self.shared();
        shared.state().deleted.clear();
        self.qmp().execute("device_del", json!({"id": STICK}))?;
        let deadline = Duration::from_secs(5);
        shared
            .wait(Instant::now() + deadline, |state| {
                (state.deleted.iter().any(|device| device == STICK) || state.ended.is_some())
                    .then_some(())
            })
            .ok_or(VmError::Silent { command: "device_del".into(), after: deadline })?;
        self.forget_stick();
        Ok(())
    }

    /// Lets go of what is behind a stick that is not plugged in.
    fn forget_stick(&self) {
        let node = |name: &str| ("blockdev-del", json!({"node-name": name}));
        let files = |set: u32| ("remove-fd", json!({"fdset-id": set}));
        // What is on top goes first. Refused where there is nothing to remove.
        for (command, arguments) in
            [node(CHANGES), node(STICK), files(STICK_SET), files(CHANGES_SET)]
        {
            if let Err(error) = self.qmp().execute(command, arguments) {
                tracing::debug!("{error}");
            }
        }
    }
}
