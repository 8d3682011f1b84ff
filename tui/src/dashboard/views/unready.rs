// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a view shows while its module can't be shown: why, and the key to press.

use ratatui::layout::Rect;

use super::ready::Readiness;
use crate::dashboard::core::Shared;
use crate::dashboard::paint::{Canvas, Role, duration};

/// What a view says about its module before there is anything to see.
pub struct Introduction {
    pub module: &'static str,
    /// What it does and what this view will show, in a few sentences.
    pub text: &'static str,
    /// What a person would type.
    pub shell: &'static [&'static str],
}

/// Draws why there is nothing to see.
pub fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    shared: &Shared,
    why: &Readiness,
    introduction: &Introduction,
) {
    let module = introduction.module;
    let (title, role, text, key) = match why {
        Readiness::Ready => return,
        Readiness::Waiting(what) => {
            ("Loading".to_owned(), Role::Dim, format!("Waiting for {what}."), None)
        }
        Readiness::NotLoaded => (
            format!("{module} is not loaded"),
            Role::Title,
            introduction.text.to_owned(),
            Some(("load", format!("to load {module}."))),
        ),
        Readiness::Broken => (
            format!("{module} crashed"),
            Role::Bad,
            shared.fill(
                "It caused a kernel oops and can be neither used nor unloaded. The kernel log \
                 ({log}) shows where.",
            ),
            Some(("vm-reboot", "to boot a new guest.".to_owned())),
        ),
        Readiness::Missing(reason) => (
            "Not possible on this kernel".to_owned(),
            Role::Warning,
            format!("{reason}\nThe other views work."),
            None,
        ),
        Readiness::Failed(reason) => {
            ("The loaded modules can't be listed".to_owned(), Role::Bad, reason.clone(), None)
        }
        Readiness::Lost { why, since_ms } => (
            "The kernel does not answer".to_owned(),
            Role::Bad,
            format!(
                "{why}\nSince {}. The dashboard tries again by itself.",
                duration(shared.now_ms.saturating_sub(*since_ms))
            ),
            shared.link.lab.as_ref().map(|_| ("vm-reboot", "to boot a new guest.".to_owned())),
        ),
        Readiness::Dead => (
            "The guest is not running".to_owned(),
            Role::Bad,
            format!("{module} was not loaded when it died."),
            Some(("vm-reboot", "to boot a new guest.".to_owned())),
        ),
        Readiness::Unseen => (
            "The guest is not running".to_owned(),
            Role::Bad,
            format!(
                "What is shown here of {module} is read only while this view is open, and \
                 another view was open when the guest died."
            ),
            Some(("vm-reboot", "to boot a new guest.".to_owned())),
        ),
    };
    let inside = canvas.panel(area, "", false);
    let width = inside.width.saturating_sub(4).min(76);
    let left = inside.x + (inside.width - width) / 2;
    let mut y = inside.y + inside.height / 5;
    let line = |y: u16| Rect::new(left, y, width, inside.bottom().saturating_sub(y));
    let mark = if role == Role::Bad { canvas.look.glyphs.warning } else { canvas.look.glyphs.ring };
    canvas.spans(line(y), &[(mark, role), (" ", role), (&title, role)]);
    y += 2;
    y += canvas.wrapped(line(y), &text, Role::Text) + 1;
    if let Some((key, does)) = key
        && y < inside.bottom()
    {
        let key = shared.keymap.press(key);
        let spans = [("Press ", Role::Text), (&*key, Role::Key), (" ", Role::Text)];
        let x = canvas.spans(line(y), &spans);
        canvas.text(x, y, (left + width).saturating_sub(x), &does, Role::Text);
        y += 2;
    }
    if *why == Readiness::NotLoaded && y < inside.bottom() {
        canvas.text(left, y, width, "The same by hand:", Role::Dim);
        for shell in introduction.shell {
            y += 1;
            if y < inside.bottom() {
                canvas.text(left + 2, y, width.saturating_sub(2), shell, Role::Dim);
            }
        }
    }
}
