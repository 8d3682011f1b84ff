// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rows above the view: the views' names, the target line, and what happens
//! right now.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::model::Model;
use crate::dashboard::core::toasts::Tone;
use crate::dashboard::core::{About, Connection, Hit, Shared};
use crate::dashboard::paint::{Canvas, Role, Span, duration, grouped, row};
use crate::kernel::api::{GuestState, Trouble};

/// Rows above the view.
pub const HEIGHT: u16 = 3;

/// Paints the rows above the view.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, model: &Model) {
    tabs(canvas, row(area, 0), model);
    target_line(canvas, row(area, 1), model);
    now_line(canvas, row(area, 2), model);
}

/// The views' labels, as much of them as fits: their titles, shorter ones, and
/// where even those don't fit, the numbers of all but the open one.
fn labels(shared: &Shared, width: u16) -> (&'static str, Vec<String>) {
    type Title = fn(&About, bool) -> &'static str;
    let all = |title: Title| -> Vec<String> {
        let tabs = shared.tabs.iter().enumerate();
        let label = |(index, about): (usize, &&'static About)| {
            let open = about.id == shared.view;
            match (open, index + 1, title(about, open)) {
                // Not by colour alone: the open view stands in brackets.
                (true, number, title) => format!("[{number} {title}]"),
                (false, number, "") => format!(" {number} "),
                (false, number, title) => format!(" {number} {title} "),
            }
        };
        tabs.map(label).collect()
    };
    let (full, short): (Title, Title) = (|about, _| about.title, |about, _| about.short);
    let brand = " Ringside ";
    let fits = |(brand, labels): &(&str, Vec<String>)| {
        brand.width() + labels.iter().map(|label| label.width()).sum::<usize>() <= width.into()
    };
    let choices = [(brand, all(full)), (brand, all(short)), ("", all(short))];
    let number: Title = |about, open| if open { about.short } else { "" };
    choices.into_iter().find(fits).unwrap_or_else(|| (brand, all(number)))
}

fn tabs(canvas: &mut Canvas<'_>, area: Rect, model: &Model) {
    canvas.shade(area, Role::Bar);
    let (brand, labels) = labels(model, area.width);
    let mut x = canvas.text(area.x, area.y, area.width, brand, Role::Title);
    for (index, (about, label)) in model.tabs.iter().zip(labels).enumerate() {
        let width = label.width() as u16;
        let here = Rect::new(x, area.y, width, 1);
        let selected = about.id == model.view;
        x = canvas.text(x, area.y, width, &label, if selected { Role::Title } else { Role::Text });
        if selected {
            canvas.shade(here, Role::Selected);
        } else {
            let style = canvas.style(Role::Key);
            canvas.styled(here.x + 1, area.y, 1, &(index + 1).to_string(), style);
            canvas.shade(here, Role::Bar);
        }
        canvas.hit(here, Hit::Command(about.id));
    }
}

fn state(canvas: &Canvas<'_>, model: &Model) -> (String, Role) {
    let glyphs = canvas.look.glyphs;
    let lab = model.link.lab.as_ref();
    match lab.map(|lab| &lab.guest) {
        Some(GuestState::Panicked { .. }) => {
            return (format!("{} kernel panic", glyphs.no), Role::Bad);
        }
        Some(GuestState::Off) => return (format!("{} powered off", glyphs.ring), Role::Warning),
        Some(GuestState::Killed { .. }) => return (format!("{} QEMU ended", glyphs.no), Role::Bad),
        Some(GuestState::Failed { .. }) => return (format!("{} no guest", glyphs.no), Role::Bad),
        Some(GuestState::Starting) if !model.link.lab_gone => {
            return (format!("{} starting", glyphs.ring), Role::Warning);
        }
        Some(GuestState::Starting | GuestState::Running) | None => {}
    }
    match model.link.troubles(model.now_ms).first() {
        Some(Trouble::Silent { for_ms, .. }) => {
            let since = duration(for_ms / 1000 * 1000);
            return (format!("{} hangs {since}", glyphs.no), Role::Bad);
        }
        Some(Trouble::Halted { .. }) => return (format!("{} gdb", glyphs.no), Role::Bad),
        Some(Trouble::Stuck { .. }) => return (format!("{} stuck", glyphs.no), Role::Bad),
        Some(Trouble::NoRoom { .. }) | None => {}
    }
    match &model.link.connection {
        Connection::Connecting => (format!("{} connecting", glyphs.ring), Role::Warning),
        Connection::Up => (format!("{} connected", glyphs.dot), Role::Good),
        Connection::Lost { since_ms, .. } => {
            let since = duration(model.now_ms.saturating_sub(*since_ms));
            (format!("{} disconnected {since}", glyphs.no), Role::Bad)
        }
    }
}

/// Minutes are enough: a clock that ticks would never let the screen rest.
fn uptime(ms: u64) -> String {
    match ms / 60_000 {
        0 => "up <1 min".into(),
        minutes @ 1..120 => format!("up {minutes} min"),
        minutes => format!("up {} h {} min", minutes / 60, minutes % 60),
    }
}

fn target_line(canvas: &mut Canvas<'_>, area: Rect, model: &Model) {
    let mut parts: Vec<String> = Vec::new();
    let lab = model.link.lab.as_ref();
    match (&model.link.kernel, lab) {
        (Some(kernel), _) => parts.push(format!("Linux {}", kernel.release)),
        (None, Some(lab)) if !lab.kernel.is_empty() => parts.push(format!("Linux {}", lab.kernel)),
        _ => parts.push("no kernel yet".into()),
    }
    if let Some(lab) = lab {
        parts.push(format!("lab {}", lab.id));
        if !model.link.kernel.as_ref().is_some_and(|kernel| kernel.release.contains(&lab.flavour)) {
            parts.push(lab.flavour.clone());
        }
        parts.push(lab.accelerator.to_uppercase());
    } else if let Some(kernel) = &model.link.kernel {
        parts.push(if kernel.guest { "guest".into() } else { "not a lab".into() });
        if !kernel.root {
            parts.push("not root".into());
        }
    }
    if model.link.dead().is_none()
        && let Some(ms) = model.link.uptime_ms(model.now_ms)
    {
        parts.push(uptime(ms));
    }
    let (state, role) = state(canvas, model);
    let width = state.width() as u16;
    let separator = format!(" {} ", canvas.look.glyphs.separator);
    let room = area.width.saturating_sub(width + 3);
    canvas.text(area.x + 1, area.y, room, &parts.join(&separator), Role::Text);
    canvas.right(Rect { width: area.width - 1, ..area }, &state, role);
}

/// What happens right now, most urgent first; else what one looks at.
fn now_line(canvas: &mut Canvas<'_>, area: Rect, model: &Model) {
    let area = Rect { x: area.x + 1, width: area.width - 2, ..area };
    let glyphs = canvas.look.glyphs;
    if let Some(toast) = model.toasts.shown().last() {
        let (mark, role) = match toast.tone {
            Tone::Good => (glyphs.yes, Role::Good),
            Tone::Note if toast.is_refusal() => (glyphs.warning, Role::Warning),
            Tone::Note => (glyphs.fact, Role::Text),
        };
        canvas.spans(area, &[(mark, role), (" ", role), (&toast.text, role)]);
        return;
    }
    if let Some(trouble) = model.link.troubles(model.now_ms).first() {
        let (mark, role) = match trouble.blocks() {
            true => (glyphs.no, Role::Bad),
            false => (glyphs.warning, Role::Warning),
        };
        let reboot = model.fill("   {vm-reboot}");
        let key: &[Span<'_>] = match trouble.blocks() {
            true => &[(&reboot, Role::Key), (" boots a new one", Role::Dim)],
            false => &[],
        };
        // The key is worth more than the end of a long sentence.
        let reserved: usize = key.iter().map(|(text, _)| text.width()).sum();
        let width = area.width.saturating_sub(reserved as u16);
        let text = format!("{mark} {}", trouble.sentence());
        let x = canvas.text(area.x, area.y, width, &text, role);
        canvas.spans(Rect { x, width: area.right().saturating_sub(x), ..area }, key);
        return;
    }
    if let Connection::Lost { why, .. } = &model.link.connection
        && model.link.dead().is_none()
    {
        let text = if model.link.lab_gone {
            let reboot = model.fill("{vm-reboot} starts a new one");
            format!("{} the lab is gone, somebody ended its process: {reboot}", glyphs.no)
        } else {
            format!("{} {why}; trying again every second", glyphs.no)
        };
        canvas.text(area.x, area.y, area.width, &text, Role::Bad);
        return;
    }
    let pending: Vec<_> = model.calls.shown().map(|(_, call)| call).collect();
    let slow = |started: u64| model.now_ms.saturating_sub(started) >= 300;
    if let Some(call) = pending.iter().find(|call| slow(call.started_ms)) {
        let since = duration(model.now_ms.saturating_sub(call.started_ms) / 1000 * 1000);
        let more = match pending.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let doing = if call.cancelled.is_some() { "cancelling: " } else { "" };
        let text = format!("{} {doing}{}, {since}{more}", glyphs.ring, call.title);
        canvas.spans(
            area,
            &[
                (&text, Role::Warning),
                (&model.fill("   {cancel}"), Role::Key),
                (" cancels  ", Role::Dim),
                (&model.keymap.press("pending"), Role::Key),
                (" shows all", Role::Dim),
            ],
        );
        return;
    }
    if let Some(freeze) = model.freeze {
        let since = duration(model.now_ms.saturating_sub(freeze.since_ms));
        let records = model.log.end().saturating_sub(freeze.log_end);
        let text = format!(
            " FROZEN {since} {} {} log records since, all kept ",
            glyphs.separator,
            grouped(records as i64)
        );
        let end = canvas.text(area.x, area.y, area.width, &text, Role::Warning);
        canvas.shade(Rect::new(area.x, area.y, end - area.x, 1), Role::Selected);
        let rest = Rect::new(end, area.y, area.right().saturating_sub(end), 1);
        canvas.spans(rest, &[(&model.fill("  {freeze}"), Role::Key), (" goes on", Role::Dim)]);
        return;
    }
    if model.link.dead().is_some() && !model.link.shows_post_mortem() {
        let text = format!("{} the guest is gone, and this is the last it showed: ", glyphs.no);
        let reboot = model.keymap.press("vm-reboot");
        let pieces = [(&*text, Role::Bad), (&*reboot, Role::Key), (" boots a new one", Role::Bad)];
        canvas.spans(area, &pieces);
        return;
    }
    canvas.text(
        area.x,
        area.y,
        area.width,
        model.views.current(&model.shared).about().about,
        Role::Dim,
    );
}
