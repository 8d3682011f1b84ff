// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a module leaves behind: what there is that was not there before.

use std::collections::BTreeMap;

use super::spec::{Act, Mismatch, NothingLeft, Step};
use crate::kernel::api::Inventory;

/// How long what is on its way out may take, in seconds.
pub const GONE_WITHIN: u32 = 5;
/// The kernel's own threads that come and go.
const OWN: [&str; 4] = ["kworker/", "kthreadd", "9p", "scsi_"];

/// Must be known what there is before the first of these steps? `Some(true)`: the memory
/// is compared, too.
pub fn wants_before<'a, Own: 'a>(steps: impl IntoIterator<Item = &'a Step<Own>>) -> Option<bool> {
    let wanted = steps.into_iter().filter_map(|step| match step {
        Step::Act(Act::NothingLeft(wanted)) => Some(wanted.memory_kib.is_some()),
        _ => None,
    });
    wanted.max()
}

/// Nothing may be there `now` that was not there `before`.
///
/// # Errors
/// What is left, or how much memory is gone: the kernel may still be giving it back.
pub fn nothing_left(
    before: &Inventory,
    now: &Inventory,
    wanted: &NothingLeft,
) -> Result<(), Mismatch> {
    let left = new_since(before, now);
    if !left.is_empty() {
        let mut excerpt = vec!["expected nothing that was not there before".to_owned()];
        excerpt.extend(left.iter().take(20).map(|what| format!("seen     {what}")));
        let reason = format!("it leaves {} behind", left[..left.len().min(3)].join(", "));
        return Err(Mismatch { reason, excerpt });
    }
    let lost = before.available_kib.saturating_sub(now.available_kib);
    match wanted.memory_kib {
        Some(most) if lost > most => {
            let reason = format!("{lost} KiB of memory are gone, and at most {most} KiB may be");
            Err(Mismatch { reason, excerpt: Vec::new() })
        }
        _ => Ok(()),
    }
}

fn new_since(before: &Inventory, now: &Inventory) -> Vec<String> {
    let (before, now) = (counted(before), counted(now));
    let more =
        |(what, count): &(String, usize)| *count > before.get(what).copied().unwrap_or_default();
    now.into_iter().filter(more).map(|(what, _)| what).collect()
}

/// How many of each there are: of a thread, a device, a module.
fn counted(inventory: &Inventory) -> BTreeMap<String, usize> {
    let threads = inventory
        .processes
        .iter()
        .filter(|one| one.is_kernel_thread() && !OWN.iter().any(|own| one.name.starts_with(own)));
    let threads = threads.map(|one| format!("the kernel thread {}", one.name));
    let devices = inventory.devices.iter().map(|name| format!("the device {name}"));
    let modules = inventory.modules.iter().map(|name| format!("the module {name}"));
    let mut counted = BTreeMap::new();
    for what in threads.chain(devices).chain(modules) {
        *counted.entry(what).or_default() += 1;
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::api::ProcessInfo;

    fn process(pid: i32, name: &str, parent: i32) -> ProcessInfo {
        ProcessInfo { pid, name: name.into(), state: 'S', parent }
    }

    #[test]
    fn what_is_new_is_named_and_what_the_kernel_does_itself_is_not() {
        let before = Inventory {
            processes: vec![process(2, "kthreadd", 0), process(9, "kworker/0:1", 2)],
            devices: vec!["misc".into()],
            modules: vec!["kmod".into()],
            available_kib: 1000,
        };
        let mut now = before.clone();
        now.processes.push(process(12, "kworker/1:9", 2));
        now.processes.push(process(41, "sh", 1));
        now.available_kib = 900;
        assert_eq!(nothing_left(&before, &now, &NothingLeft::default()), Ok(()));
        let bound = NothingLeft { memory_kib: Some(99) };
        let wrong = nothing_left(&before, &now, &bound).unwrap_err();
        assert_eq!(wrong.reason, "100 KiB of memory are gone, and at most 99 KiB may be");
        now.processes.push(process(40, "Producer-1", 2));
        // A second one of the same name is one that was not there.
        now.devices.extend(["memalloc".into(), "misc".into()]);
        let wrong = nothing_left(&before, &now, &NothingLeft::default()).unwrap_err();
        assert_eq!(
            wrong.reason,
            "it leaves the device memalloc, the device misc, the kernel thread Producer-1 behind"
        );
    }
}
