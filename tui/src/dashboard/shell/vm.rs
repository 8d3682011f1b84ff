// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the commands of the virtual machine do.

use crate::dashboard::core::calls::{Owner, Report};
use crate::dashboard::core::effect::Effect;
use crate::dashboard::core::layer::{Confirm, Layer};
use crate::dashboard::core::link::Connection;
use crate::dashboard::core::model::Model;
use crate::kernel::api::{Capability, LabRequest, Request};

pub(crate) fn lab(model: &Model) -> Result<(), String> {
    model.link.can(Capability::Lab)
}

pub(crate) fn running(model: &Model) -> Result<(), String> {
    lab(model)?;
    match model.link.dead() {
        Some(_) => Err("the guest is not running".into()),
        None => Ok(()),
    }
}

/// Starts a lab in place of the one that is gone.
fn revive(model: &mut Model) {
    let title = "start a new lab";
    let under_way = model.calls.iter().any(|(_, call)| call.title == title);
    if !under_way {
        let tag = model.call(Owner::Nobody, title, Report::Shown, None);
        model.effect(Effect::Revive { tag });
    }
}

/// Asks the lab for something.
pub(crate) fn lab_request(model: &mut Model, title: &str, request: LabRequest) {
    model.start(Owner::Nobody, title, Report::Shown, Request::Lab(request));
}

pub(crate) fn reboot(model: &mut Model) {
    if model.link.lab_gone {
        return revive(model);
    }
    let alive = model.link.dead().is_none()
        && model.link.connection == Connection::Up
        && !model.link.hangs();
    let start = |model: &mut Model| {
        lab_request(model, "start a new guest", LabRequest::Reboot { cold: false });
    };
    if !alive {
        return start(model);
    }
    model.open(Layer::Confirm(Confirm {
        title: "Reboot?".into(),
        text: "This guest ends as if its power failed; a new one starts at once, without the \
               modules and processes of this one."
            .into(),
        command: "QMP: quit; qemu … -incoming (a new guest)".into(),
        context: String::new(),
        yes: |model, _| {
            lab_request(model, "start a new guest", LabRequest::Reboot { cold: false });
        },
    }));
}

pub(crate) fn power_off(model: &mut Model) {
    model.open(Layer::Confirm(Confirm {
        title: "Power off?".into(),
        text: "The guest ends as if its power failed. The lab stays: B starts a new guest.".into(),
        command: "QMP: quit".into(),
        context: String::new(),
        yes: |model, _| lab_request(model, "power off", LabRequest::PowerOff),
    }));
}

pub(crate) fn crash(model: &mut Model) {
    let text = if model.link.in_guest() {
        "The kernel panics at once. That is what a lab is for: the dashboard stays, shows the last \
         words, and one key starts a new guest."
    } else {
        "THIS IS NOT A LAB'S GUEST. The machine it runs on stops at once; unsaved work is lost."
    };
    model.open(Layer::Confirm(Confirm {
        title: "Crash the kernel?".into(),
        text: text.into(),
        command: "echo c > /proc/sysrq-trigger".into(),
        context: String::new(),
        yes: |model, _| {
            // The kernel can't answer any more: that the connection breaks is success.
            model.start(Owner::Nobody, "crash the kernel", Report::Silent, Request::Crash);
        },
    }));
}

/// Plugs the USB stick in, or pulls it out.
pub(crate) fn plug(model: &mut Model, plug: bool) {
    if plug {
        lab_request(model, "plug the stick in", LabRequest::Plug);
    } else {
        lab_request(model, "pull the stick out", LabRequest::Unplug);
    }
}
