// SPDX-License-Identifier: MIT OR Apache-2.0
//! Begins and ends to watch a folder, and gives orders meanwhile.

use super::state::{Call, Phase, Workbench};
use crate::dashboard::core::workbench::{Bench, Order};
use crate::dashboard::core::{HostRequest, Owner, Report as Shown, Shared};

/// Begins to watch a folder, in place of the one before.
pub(super) fn open(view: &mut Workbench, shared: &mut Shared, bench: Bench) {
    let (number, runs) = (view.number + 1, view.runs);
    *view = Workbench {
        bench: Some(bench.clone()),
        number,
        runs,
        phase: Phase::Opening,
        ..Workbench::default()
    };
    view.begin(shared);
    let owner = Owner::view(Call::Watch(number));
    shared.ask_host(owner, "watch a folder", Shown::Silent, HostRequest::Watch(bench));
}

/// Ends to watch.
pub(super) fn close(view: &mut Workbench, shared: &mut Shared) {
    order(shared, Order::End);
    let (number, runs) = (view.number + 1, view.runs);
    *view = Workbench { number, runs, ..Workbench::default() };
    shared.changed();
}

/// Gives an order to whoever watches.
pub(super) fn order(shared: &mut Shared, order: Order) {
    let owner = Owner::view(Call::Order);
    shared.ask_host(owner, "tell the workbench", Shown::Shown, HostRequest::Order(order));
}

/// Is the folder watched?
pub(super) fn is_watched(view: &Workbench) -> bool {
    !matches!(view.phase, Phase::Closed | Phase::Ended(_))
}
