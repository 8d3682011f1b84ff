// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws who died, where, why and of what, and offers a new subject.

use crate::dashboard::core::Shared;
use crate::dashboard::paint::{Canvas, Role, row};
use ratatui::layout::Rect;

use super::ends::{end_word, signal_name};
use crate::dashboard::views::memory::page::{PAGE, is_ours};
use crate::dashboard::views::memory::subjects::{Life, Subject};
use crate::kernel::api::Fault;

/// Who died of what, in a line; `None` while it lives.
pub(crate) fn headline(subject: &Subject) -> Option<String> {
    let name = subject.name();
    Some(match &subject.life {
        Life::Starting | Life::Alive => return None,
        Life::Lost(_) => format!("{name} is lost"),
        Life::Dead { fault: Some(fault), .. } => {
            format!("{name} is dead: {}, {}", signal_name(fault.signal), fault.cause)
        }
        Life::Dead { .. } if subject.killed => format!("{name} was ended"),
        Life::Dead { end, .. } => format!("{name} is dead: {}", end_word(*end)),
    })
}

/// Where, of what and why a subject died; returns the rows used.
pub(crate) fn draw(canvas: &mut Canvas<'_>, area: Rect, shared: &Shared, subject: &Subject) -> u16 {
    let details = match &subject.life {
        Life::Lost(error) => vec![("why", error.to_string())],
        Life::Dead { fault: Some(fault), .. } => of_fault(subject, fault),
        Life::Dead { .. } if !subject.killed => {
            let doing = subject.died_of.clone();
            vec![("doing", doing.unwrap_or_else(|| "nothing that it was told to".into()))]
        }
        Life::Dead { .. } => Vec::new(),
        Life::Starting | Life::Alive => return 0,
    };
    let mut y = 0;
    for (label, text) in &details {
        let label = format!("{label:<6}");
        canvas.spans(row(area, y), &[(&label, Role::Dim), (text, Role::Text)]);
        y += 1;
    }
    if shared.link.dead().is_some() {
        return y;
    }
    let keys = [
        (&*shared.keymap.press("subject-new"), Role::Key),
        (" starts a new subject, ", Role::Text),
        (&*shared.keymap.press("subject-end"), Role::Key),
        (" takes this one off the list", Role::Text),
    ];
    canvas.spans(row(area, y), &keys);
    y + 1
}

fn of_fault(subject: &Subject, fault: &Fault) -> Vec<(&'static str, String)> {
    let address = fault.address;
    let place = match subject.mapping(address) {
        Some(area) if is_ours(area) => {
            let page = (address - area.start) / PAGE + 1;
            let pages = (area.end - area.start) / PAGE;
            format!("page {page} of {pages}, {}", area.permissions)
        }
        Some(area) if area.name.is_empty() => format!("anonymous memory ({})", area.permissions),
        Some(area) => format!("{} ({})", area.name, area.permissions),
        None => "nothing is mapped there".into(),
    };
    let why = match (fault.signal, fault.code) {
        (nix::libc::SIGSEGV, 1) => "SEGV_MAPERR: no mapping covers the address",
        (nix::libc::SIGSEGV, 2) => "SEGV_ACCERR: mapped, but not for this access",
        (nix::libc::SIGSEGV, 4) => "SEGV_PKUERR: a protection key forbids this access",
        (nix::libc::SIGSEGV, 128) => "SI_KERNEL: refused before any table was read",
        (nix::libc::SIGBUS, _) => "SIGBUS: there is no memory behind the page",
        _ => "",
    };
    let mut details = vec![("where", format!("{address:#x}: {place}"))];
    if let Some(doing) = &subject.died_of {
        details.push(("doing", doing.clone()));
    }
    if !why.is_empty() {
        details.push(("why", why.to_owned()));
    }
    details
}
