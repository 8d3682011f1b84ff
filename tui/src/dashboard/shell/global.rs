// SPDX-License-Identifier: MIT OR Apache-2.0
//! The commands that mean the same everywhere.

use super::actions::{back, cancel, copy, freeze, load, mouse, range, selected};
use super::leave::quit;
use super::loader;
use super::vm;
use crate::dashboard::core::command::{Command, always};
use crate::dashboard::core::effect::Effect;
use crate::dashboard::core::event::Move;
use crate::dashboard::core::layer::{Layer, Palette};
use crate::dashboard::core::model::Model;
use crate::dashboard::core::scroll::Scroll;
use crate::dashboard::views;
use crate::dashboard::views::ViewId;
use crate::kernel::api::{Capability, LabRequest};

macro_rules! command {
    ($name:literal, $keys:expr, $title:literal, $help:literal, $run:expr) => {
        command!($name, $keys, $title, $help, $run, always, false)
    };
    ($name:literal, $keys:expr, $title:literal, $help:literal, $run:expr, $enabled:expr, $hint:literal) => {
        Command {
            name: $name,
            keys: &$keys,
            title: $title,
            help: $help,
            hint: $hint,
            enabled: $enabled,
            run: $run,
        }
    };
}

fn navigate(model: &mut Model, to: Move) {
    (views::view(model.view).navigate)(model, to);
}

/// The module of this view is loaded.
fn module(model: &Model) -> Result<(), String> {
    match selected(model) {
        Some(name) if model.loaded(&name).is_none() => Err(format!("{name} is not loaded")),
        Some(_) => model.link.can(Capability::Modules),
        None => Err("no module is selected here".into()),
    }
}

/// There is something to load here.
fn not_loaded(model: &Model) -> Result<(), String> {
    match selected(model) {
        Some(name) if model.view != ViewId::Modules && model.loaded(&name).is_some() => {
            Err(format!("{name} is loaded: R loads it anew, U unloads it"))
        }
        _ => model.link.can(Capability::Modules),
    }
}

/// `Err` with the reason where this view has nothing of the kind.
fn has(has: bool, what: &str) -> Result<(), String> {
    if has { Ok(()) } else { Err(format!("this view has no {what}")) }
}

fn panels(model: &Model) -> Result<(), String> {
    has(views::view(model.view).panels, "other panel")
}

fn zooms(model: &Model) -> Result<(), String> {
    has(views::view(model.view).zooms, "panel to zoom")
}

fn charts(model: &Model) -> Result<(), String> {
    has(views::view(model.view).charts, "charts")
}

/// The commands that mean the same everywhere.
pub const COMMANDS: &[Command] = &[
    command!("overview", ["1"], "Overview", "go to view 1: every module at a glance", |m| m
        .show(ViewId::Overview)),
    command!(
        "name",
        ["2"],
        "Name & syscall",
        "go to view 2: the greeting module and the system call",
        |m| m.show(ViewId::Name)
    ),
    command!(
        "producer-consumer",
        ["3"],
        "Producer–consumer",
        "go to view 3: threads, ring and semaphores",
        |m| m.show(ViewId::Producer)
    ),
    command!("memory", ["4"], "Memory", "go to view 4: processes, pages, page tables", |m| m
        .show(ViewId::Memory)),
    command!("block", ["5"], "Block", "go to view 5: the bytes of the USB stick", |m| m
        .show(ViewId::Block)),
    command!("log", ["6"], "Kernel log", "go to view 6: what the kernel says", |m| m
        .show(ViewId::Log)),
    command!("modules", ["7"], "Modules", "go to view 7: every module of the kernel", |m| m
        .show(ViewId::Modules)),
    command!(
        "help",
        ["?", "f1"],
        "Help",
        "show the keys of this place",
        |m| m.open(Layer::Help(0)),
        always,
        true
    ),
    command!(
        "palette",
        [":"],
        "Commands",
        "find any command by typing a part of it",
        |m| m.open(Layer::Palette(Palette::default())),
        always,
        true
    ),
    command!("back", ["esc"], "Back", "back out of what is open: search, zoom, freeze", back),
    command!("quit", ["q", "ctrl-c"], "Quit", "leave the dashboard", quit, always, true),
    command!("up", ["up", "k"], "Up", "one up", |m| navigate(m, Move::Up)),
    command!("down", ["down", "j"], "Down", "one down", |m| navigate(m, Move::Down)),
    command!("left", ["left", "h"], "Left", "one to the left", |m| { navigate(m, Move::Left) }),
    command!("right", ["right", "l"], "Right", "one to the right", |m| {
        navigate(m, Move::Right)
    }),
    command!("first", ["g", "home"], "First", "to the first", |m| { navigate(m, Move::Home) }),
    command!("last", ["G", "end"], "Last", "to the last", |m| navigate(m, Move::End)),
    command!("page-up", ["pageup", "ctrl-b"], "Page up", "a page up", |m| navigate(
        m,
        Move::PageUp
    )),
    command!("page-down", ["pagedown", "ctrl-f"], "Page down", "a page down", |m| navigate(
        m,
        Move::PageDown
    )),
    command!(
        "next-panel",
        ["tab"],
        "Next panel",
        "move the focus to the next panel",
        |m| (views::view(m.view).focus)(m, true),
        panels,
        false
    ),
    command!(
        "previous-panel",
        ["backtab"],
        "Previous panel",
        "move the focus to the panel before",
        |m| (views::view(m.view).focus)(m, false),
        panels,
        false
    ),
    command!(
        "zoom",
        ["z"],
        "Zoom",
        "give the focused panel the whole view, or give it back",
        |m| m.zoom = !m.zoom,
        zooms,
        false
    ),
    command!(
        "copy",
        ["y"],
        "Copy",
        "copy what is selected to the clipboard",
        copy,
        |m| match (views::view(m.view).copy)(m) {
            Some(_) => Ok(()),
            None => Err("there is nothing to copy here".into()),
        },
        false
    ),
    command!(
        "shorter",
        ["["],
        "Shorter",
        "charts show a shorter time",
        |m| range(m, -1),
        charts,
        false
    ),
    command!(
        "longer",
        ["]"],
        "Longer",
        "charts show a longer time",
        |m| range(m, 1),
        charts,
        false
    ),
    command!(
        "load",
        ["L"],
        "Load",
        "load the module of this view, or choose one",
        load,
        not_loaded,
        true
    ),
    command!(
        "unload",
        ["U"],
        "Unload",
        "unload the module of this view, after a question",
        |m| if let Some(name) = selected(m) {
            loader::unload(m, &name)
        },
        module,
        true
    ),
    command!(
        "reload",
        ["R"],
        "Reload",
        "build the module again and load it anew, with the same parameters",
        |m| if let Some(name) = selected(m) {
            loader::reload(m, &name)
        },
        module,
        true
    ),
    command!(
        "freeze",
        ["space"],
        "Freeze",
        "hold the picture still, or let it go on; everything is still recorded",
        freeze,
        |m| match (m.link.dead(), m.freeze) {
            (Some(_), None) => Err("the guest is gone, and its picture stands still".into()),
            _ => Ok(()),
        },
        true
    ),
    command!("console", ["C"], "Console", "show the guest's serial console", |m| m
        .open(Layer::Console(Scroll::default()))),
    command!(
        "command-log",
        ["E"],
        "Executed",
        "show what was executed, as a shell or a C program would do it",
        |m| m.open(Layer::CommandLog(Scroll::default()))
    ),
    command!("pending", ["P"], "Pending", "show what is under way, to cancel it", |m| m
        .open(Layer::Pending(0))),
    command!(
        "cancel",
        ["X"],
        "Cancel",
        "cancel what was started last",
        cancel,
        |m| match m.calls.shown().next() {
            Some(_) => Ok(()),
            None => Err("nothing is under way".into()),
        },
        false
    ),
    command!(
        "vm-reboot",
        ["B"],
        "Reboot",
        "end this guest and start a new one, resumed in a moment",
        vm::reboot,
        vm::lab,
        false
    ),
    command!(
        "vm-reboot-cold",
        [],
        "Cold reboot",
        "end this guest and boot a new one from nothing",
        |m| vm::lab_request(m, "boot a new guest from nothing", LabRequest::Reboot { cold: true }),
        vm::lab,
        false
    ),
    command!(
        "vm-power-off",
        [],
        "Power off",
        "end the guest, after a question; the lab stays",
        vm::power_off,
        vm::running,
        false
    ),
    command!(
        "vm-crash",
        ["!"],
        "Crash",
        "crash the kernel on purpose, after a question",
        vm::crash,
        |m| m.link.can(Capability::Modules),
        false
    ),
    command!(
        "vm-plug",
        [],
        "Plug in",
        "plug the USB stick in",
        |m| vm::plug(m, true),
        vm::running,
        false
    ),
    command!(
        "vm-unplug",
        [],
        "Unplug",
        "pull the USB stick out",
        |m| vm::plug(m, false),
        vm::running,
        false
    ),
    command!(
        "mouse",
        [],
        "Mouse",
        "capture the mouse, or leave it to the terminal to select text",
        mouse
    ),
    command!(
        "suspend",
        ["ctrl-z"],
        "Suspend",
        "go back to the shell; fg brings the dashboard back",
        |m| m.effect(Effect::Suspend)
    ),
    command!("redraw", ["ctrl-l"], "Redraw", "draw the whole screen anew", |m| m
        .effect(Effect::Redraw)),
];
