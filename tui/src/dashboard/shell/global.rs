// SPDX-License-Identifier: MIT OR Apache-2.0
//! The commands that mean the same everywhere.

use super::actions::{back, cancel, copy, freeze, load, mouse, range, selected};
use super::leave::quit;
use super::marks;
use crate::dashboard::core::layer::Palette;
use crate::dashboard::core::link::NO_KERNEL;
use crate::dashboard::core::loader;
use crate::dashboard::core::scroll::Scroll;
use crate::dashboard::core::vm;
use crate::dashboard::core::{About, Command, Effect, Layer, Move, Shared, command};
use crate::dashboard::views::Views;
use crate::kernel::api::{Capability, LabRequest};

/// The module of this view is loaded.
fn module(views: &Views, shared: &Shared) -> Result<(), String> {
    match selected(views, shared) {
        Some(name) if shared.loaded(&name).is_none() => Err(format!("{name} is not loaded")),
        Some(_) => shared.can(Capability::Modules),
        None => Err("no module is selected here".into()),
    }
}

/// There is something to load here.
fn not_loaded(views: &Views, shared: &Shared) -> Result<(), String> {
    match selected(views, shared) {
        Some(name) if !views.current(shared).lists_modules() && shared.loaded(&name).is_some() => {
            let keys = shared.fill("{reload} loads it again, {unload} unloads it");
            Err(format!("{name} is loaded: {keys}"))
        }
        _ => shared.can(Capability::Modules),
    }
}

/// `Err` with the reason where this view has nothing of the kind.
fn has(views: &Views, shared: &Shared, has: fn(&About) -> bool, what: &str) -> Result<(), String> {
    let found = has(views.current(shared).about());
    found.then_some(()).ok_or_else(|| format!("this view has no {what}"))
}

fn panels(views: &Views, shared: &Shared) -> Result<(), String> {
    has(views, shared, |about| about.panels, "other panel")
}

fn charts(views: &Views, shared: &Shared) -> Result<(), String> {
    has(views, shared, |about| about.charts, "charts")
}

const fn moves(
    name: &'static str,
    keys: &'static [&'static str],
    title: &'static str,
    help: &'static str,
    run: fn(&mut Views, &mut Shared),
) -> Command<Views> {
    command(name, keys, title, help, run).quiet()
}

/// The commands that mean the same everywhere, but for those that go to a view.
pub const COMMANDS: &[Command<Views>] = &[
    command("help", &["?", "f1"], "Help", "show the keys of this place", |_, shared| {
        shared.open(Layer::Help(0));
    }),
    command(
        "palette",
        &[":"],
        "Commands",
        "find any command by typing a part of it",
        |_, shared| shared.open(Layer::Palette(Palette::default())),
    ),
    command("back", &["esc"], "Back", "back out of what is open: search, zoom, freeze", back)
        .quiet(),
    command("quit", &["q", "ctrl-c"], "Quit", "leave the dashboard", |_, shared| quit(shared)),
    moves("up", &["up", "k"], "Up", "one up", |views, shared| {
        views.current_mut(shared).navigate(shared, Move::Up);
    }),
    moves("down", &["down", "j"], "Down", "one down", |views, shared| {
        views.current_mut(shared).navigate(shared, Move::Down);
    }),
    moves("left", &["left", "h"], "Left", "one to the left", |views, shared| {
        views.current_mut(shared).navigate(shared, Move::Left);
    }),
    moves("right", &["right", "l"], "Right", "one to the right", |views, shared| {
        views.current_mut(shared).navigate(shared, Move::Right);
    }),
    moves("first", &["g", "home"], "First", "to the first", |views, shared| {
        views.current_mut(shared).navigate(shared, Move::Home);
    }),
    moves("last", &["G", "end"], "Last", "to the last", |views, shared| {
        views.current_mut(shared).navigate(shared, Move::End);
    }),
    moves("page-up", &["pageup", "ctrl-b"], "Page up", "a page up", |views, shared| {
        views.current_mut(shared).navigate(shared, Move::PageUp);
    }),
    moves("page-down", &["pagedown", "ctrl-f"], "Page down", "a page down", |views, shared| {
        views.current_mut(shared).navigate(shared, Move::PageDown);
    }),
    moves(
        "next-panel",
        &["tab"],
        "Next panel",
        "move the focus to the next panel",
        |views, shared| views.current_mut(shared).focus(shared, true),
    )
    .when(panels),
    moves(
        "previous-panel",
        &["backtab"],
        "Previous panel",
        "move the focus to the panel before",
        |views, shared| views.current_mut(shared).focus(shared, false),
    )
    .when(panels),
    command(
        "zoom",
        &["z"],
        "Zoom",
        "give the focused panel the whole view, or give it back",
        |_, shared| shared.zoom = !shared.zoom,
    )
    .when(|views, shared| has(views, shared, |about| about.zooms, "panel to zoom"))
    .quiet(),
    command("copy", &["y"], "Copy", "copy what is selected to the clipboard", copy)
        .when(|views, shared| match views.current(shared).copy(shared) {
            Some(_) => Ok(()),
            None => Err("there is nothing to copy here".into()),
        })
        .quiet(),
    command("shorter", &["["], "Shorter", "charts show a shorter time", |_, shared| {
        range(shared, -1);
    })
    .when(charts)
    .quiet(),
    command("longer", &["]"], "Longer", "charts show a longer time", |_, shared| {
        range(shared, 1);
    })
    .when(charts)
    .quiet(),
    command("load", &["L"], "Load", "load the module of this view, or choose one", load)
        .when(not_loaded),
    command(
        "unload",
        &["U"],
        "Unload",
        "unload the module of this view, after a question",
        |views, shared| {
            if let Some(name) = selected(views, shared) {
                loader::unload(shared, &name);
            }
        },
    )
    .when(module),
    command(
        "reload",
        &["R"],
        "Reload",
        "rebuild the module and load it again, with the same parameters",
        |views, shared| {
            if let Some(name) = selected(views, shared) {
                loader::reload(shared, &name);
            }
        },
    )
    .when(module),
    command(
        "freeze",
        &["space"],
        "Freeze",
        "hold the picture still, or let it go on; everything is still recorded",
        |_, shared| freeze(shared),
    )
    .when(|_, shared| match (shared.link.dead(), shared.freeze) {
        (Some(_), None) => Err("the guest is gone, and its picture stands still".into()),
        _ => Ok(()),
    }),
    command("console", &["C"], "Console", "show the guest's serial console", |_, shared| {
        shared.open(Layer::Console(Scroll::default()));
    })
    .quiet(),
    command(
        "command-log",
        &["E"],
        "Executed",
        "show what was executed, as a shell or a C program would do it",
        |_, shared| shared.open(Layer::CommandLog(Scroll::default())),
    )
    .quiet(),
    command("pending", &["P"], "Pending", "show what is under way, to cancel it", |_, shared| {
        shared.open(Layer::Pending(0));
    })
    .quiet(),
    command("cancel", &["X"], "Cancel", "cancel what was started last", |_, shared| {
        cancel(shared);
    })
    .when(|_, shared| match shared.calls.shown().next() {
        Some(_) => Ok(()),
        None => Err("nothing is under way".into()),
    })
    .quiet(),
    command(
        "vm-reboot",
        &["B"],
        "Reboot",
        "end this guest and start a new one, resumed in a moment",
        |_, shared| vm::reboot(shared),
    )
    .when(|_, shared| vm::lab(shared))
    .quiet(),
    command(
        "vm-reboot-cold",
        &[],
        "Cold reboot",
        "end this guest and boot a new one from nothing",
        |_, shared| {
            let request = LabRequest::Reboot { cold: true };
            vm::lab_request(shared, "boot a new guest from nothing", request);
        },
    )
    .when(|_, shared| vm::lab(shared))
    .quiet(),
    command(
        "mark",
        &["M"],
        "Mark",
        "mark the guest as it is now, to come back to this moment",
        |_, shared| marks::make(shared),
    )
    .when(|_, shared| vm::running(shared))
    .quiet(),
    command(
        "marks",
        &["T"],
        "Marks",
        "list the moments that the guest can be wound back to",
        |_, shared| marks::show(shared),
    )
    .when(|_, shared| vm::lab(shared))
    .quiet(),
    command(
        "rewind",
        &["Z"],
        "Rewind",
        "wind the guest back to the newest mark; a lab also marks by itself",
        |_, shared| marks::rewind_to_newest(shared),
    )
    .when(|_, shared| vm::lab(shared))
    .quiet(),
    command(
        "vm-power-off",
        &[],
        "Power off",
        "end the guest, after a question; the lab stays",
        |_, shared| vm::power_off(shared),
    )
    .when(|_, shared| vm::running(shared))
    .quiet(),
    command(
        "vm-crash",
        &["!"],
        "Crash",
        "crash the kernel on purpose, after a question",
        |_, shared| vm::crash(shared),
    )
    .when(|_, shared| shared.can(Capability::Modules))
    .quiet(),
    command("vm-plug", &[], "Plug in", "plug the USB stick in", |_, shared| {
        vm::plug(shared, true);
    })
    .when(|_, shared| vm::running(shared))
    .quiet(),
    command("vm-unplug", &[], "Unplug", "pull the USB stick out", |_, shared| {
        vm::plug(shared, false);
    })
    .when(|_, shared| vm::running(shared))
    .quiet(),
    command(
        "experiments",
        &["H"],
        "Experiments",
        "predict what the kernel does, see it, and be told why",
        |_, shared| shared.open(Layer::Experiments(0)),
    )
    .when(|_, shared| match shared.link.recording {
        true => Err(NO_KERNEL.into()),
        false => Ok(()),
    })
    .quiet(),
    command(
        "experiment-leave",
        &[],
        "Leave experiment",
        "end the experiment under way; what it did stays done",
        |_, shared| shared.leave_experiment(),
    )
    .when(|_, shared| match shared.experiment {
        Some(_) => Ok(()),
        None => Err(shared.fill("no experiment is under way ({experiments} lists them)")),
    })
    .quiet(),
    command(
        "mouse",
        &[],
        "Mouse",
        "capture the mouse, or leave it to the terminal to select text",
        |_, shared| mouse(shared),
    )
    .quiet(),
    command(
        "suspend",
        &["ctrl-z"],
        "Suspend",
        "go back to the shell; fg brings the dashboard back",
        |_, shared| shared.effect(Effect::Suspend),
    )
    .quiet(),
    command("redraw", &["ctrl-l"], "Redraw", "draw the whole screen again", |_, shared| {
        shared.effect(Effect::Redraw);
    })
    .quiet(),
];
