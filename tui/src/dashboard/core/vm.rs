// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the commands of the virtual machine do.

use super::calls::{Owner, Report};
use super::host::HostRequest;
use super::link::{Connection, NOT_RUNNING};
use super::shared::Shared;
use crate::kernel::api::{Capability, LabRequest, Request};

pub(crate) fn lab(shared: &Shared) -> Result<(), String> {
    shared.can(Capability::Lab)
}

pub fn running(shared: &Shared) -> Result<(), String> {
    lab(shared)?;
    match shared.link.dead() {
        Some(_) => Err(shared.fill(NOT_RUNNING)),
        None => Ok(()),
    }
}

/// Starts a lab in place of the one that is gone.
fn revive(shared: &mut Shared) {
    let title = "start a new lab";
    if !shared.calls.has(&Owner::Revive) {
        shared.ask_host(Owner::Revive, title, Report::Shown, HostRequest::Revive);
    }
}

/// Asks the lab for something.
pub(crate) fn lab_request(shared: &mut Shared, title: &str, request: LabRequest) {
    shared.start(Owner::Nobody, title, Report::Shown, Request::Lab(request));
}

pub(crate) fn reboot(shared: &mut Shared) {
    if shared.link.lab_gone {
        return revive(shared);
    }
    let alive = shared.link.dead().is_none()
        && shared.link.connection == Connection::Up
        && !shared.link.hangs();
    let start = |shared: &mut Shared| {
        lab_request(shared, "start a new guest", LabRequest::Reboot { cold: false });
    };
    if !alive {
        return start(shared);
    }
    shared.confirm(
        "Reboot?",
        "This guest ends as if its power failed; a new one starts at once, without the \
         modules and processes of this one.",
        "QMP: quit; qemu … -incoming (a new guest)",
        move |(): &mut (), shared| start(shared),
    );
}

pub(crate) fn power_off(shared: &mut Shared) {
    let text = shared.fill(
        "The guest ends as if its power failed. The lab stays: {vm-reboot} starts a new guest.",
    );
    shared.confirm("Power off?", text, "QMP: quit", |(): &mut (), shared| {
        lab_request(shared, "power off", LabRequest::PowerOff);
    });
}

pub(crate) fn crash(shared: &mut Shared) {
    let text = if shared.link.in_guest() {
        "The kernel panics at once. That is what a lab is for: the dashboard stays, shows the last \
         words, and one key starts a new guest."
    } else {
        "THIS IS NOT A LAB'S GUEST. The machine it runs on stops at once; unsaved work is lost."
    };
    let command = "echo c > /proc/sysrq-trigger";
    shared.confirm("Crash the kernel?", text, command, |(): &mut (), shared| {
        // The kernel can't answer any more: that the connection breaks is success.
        shared.start(Owner::Nobody, "crash the kernel", Report::Silent, Request::Crash);
    });
}

/// Plugs the USB stick in, or pulls it out.
pub(crate) fn plug(shared: &mut Shared, plug: bool) {
    if plug {
        lab_request(shared, "plug the stick in", LabRequest::Plug);
    } else {
        lab_request(shared, "pull the stick out", LabRequest::Unplug);
    }
}
