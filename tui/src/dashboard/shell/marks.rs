// SPDX-License-Identifier: MIT OR Apache-2.0
//! Marking the guest, and winding it back.

use crate::dashboard::core::marks::Marks;
use crate::dashboard::core::{Layer, Loadable, Owner, Report, Shared, vm};
use crate::dashboard::paint::duration;
use crate::kernel::Item;
use crate::kernel::api::{LabRequest, MarkInfo, Request};

/// Asks the lab for its marks.
pub(crate) fn ask(shared: &mut Shared) {
    shared.start_unlogged(Owner::Marks, "list the marks", Request::Lab(LabRequest::Marks));
}

/// Shows the list.
pub(crate) fn show(shared: &mut Shared) {
    ask(shared);
    shared.open(Layer::Marks(0));
}

/// Marks the guest as it is now.
pub(crate) fn make(shared: &mut Shared) {
    let request = Request::Lab(LabRequest::Mark { name: None });
    shared.start(Owner::Marked, "mark the guest", Report::Shown, request);
}

/// Forgets a mark.
pub(crate) fn forget(shared: &mut Shared, name: &str) {
    let request = LabRequest::Unmark { name: Some(name.to_owned()) };
    shared.start(Owner::Unmarked, "remove a mark", Report::Shown, Request::Lab(request));
}

/// Winds the guest back to the newest mark: what the list says may be older than it.
pub(crate) fn rewind_to_newest(shared: &mut Shared) {
    let which = shared.fill("as they were at the newest mark ({marks} lists them all)");
    rewind(shared, None, "the newest mark", &which);
}

/// Winds the guest back to `mark`.
pub(crate) fn rewind_to(shared: &mut Shared, mark: &MarkInfo) {
    let ago = duration(shared.marks.before(mark, shared.now_ms) / 1000 * 1000);
    let title = format!("mark {}", mark.name);
    rewind(shared, Some(mark.name.clone()), &title, &format!("as they were {ago} ago"));
}

/// Does it, after a question where the guest lives.
fn rewind(shared: &mut Shared, name: Option<String>, title: &str, which: &str) {
    let doing = format!("rewind to {title}");
    let command = format!("ringside rewind {}", name.as_deref().unwrap_or_default());
    let go = move |shared: &mut Shared| {
        vm::lab_request(shared, &doing, LabRequest::Rewind { name: name.clone() });
    };
    shared.deeds.plan = None;
    if shared.link.dead().is_some() {
        return go(shared);
    }
    let text = format!(
        "Memory, modules, devices and the USB stick are again {which}. What happened since is \
         lost; programs that run now end, and subjects live again as they did then."
    );
    shared.confirm(
        format!("Rewind to {title}?"),
        text,
        command.trim_end(),
        move |(): &mut (), shared| go(shared),
    );
}

/// Takes what the lab says of its marks.
pub(crate) fn item(shared: &mut Shared, owner: &Owner, item: Item) {
    match (owner, item) {
        (Owner::Marks, Item::Marks(list)) => {
            shared.marks = Marks { list: Loadable::Ready(list), at_ms: shared.now_ms };
            shared.changed();
        }
        (Owner::Marks, Item::Done(Err(error))) if shared.marks.list.ready().is_none() => {
            shared.marks.list = Loadable::Failed(error);
            shared.changed();
        }
        (Owner::Marked, Item::Marks(list)) => {
            if let Some(mark) = list.first() {
                let key = shared.fill("{rewind}");
                shared.done(format!(
                    "mark {}: the guest stood still for {} ms; {key} comes back here",
                    mark.name, mark.stood_ms
                ));
            }
        }
        (Owner::Marked | Owner::Unmarked, Item::Done(Ok(()))) => ask(shared),
        _ => {}
    }
}
