// SPDX-License-Identifier: MIT OR Apache-2.0
//! What there is in a guest at a moment: threads, devices, modules, memory.

use std::collections::BTreeMap;

use crate::grade::judge::process;

/// The kernel's own threads that come and go.
const OWN: [&str; 4] = ["kworker/", "kthreadd", "9p", "scsi_"];
/// Whose children they are.
const KERNEL_THREADS: i32 = 2;

/// What there is in a guest at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Moment {
    /// How many of each: a thread, a device, a module.
    there: BTreeMap<String, usize>,
    pub(super) free_kib: u64,
}

impl Moment {
    pub(super) fn read(text: &str) -> Self {
        let mut moment = Self::default();
        for line in text.lines() {
            let Some((kind, rest)) = line.split_once(' ') else { continue };
            let what = match kind {
                "T" => match process(rest) {
                    Some(one)
                        if one.parent == KERNEL_THREADS
                            && !OWN.iter().any(|own| one.name.starts_with(own)) =>
                    {
                        format!("the kernel thread {}", one.name)
                    }
                    _ => continue,
                },
                "D" if rest.starts_with(|first: char| first.is_ascii_digit()) => {
                    format!("the device {}", rest.split_whitespace().last().unwrap_or(rest))
                }
                "M" => format!("the module {rest}"),
                "F" => {
                    moment.free_kib = rest.trim().parse().unwrap_or_default();
                    continue;
                }
                _ => continue,
            };
            *moment.there.entry(what).or_default() += 1;
        }
        moment
    }

    /// What there is that was not there `before`.
    pub(super) fn new_since(&self, before: &Self) -> Vec<String> {
        let more = |what: &String, count: usize| {
            count > before.there.get(what).copied().unwrap_or_default()
        };
        self.there
            .iter()
            .filter(|(what, count)| more(what, **count))
            .map(|(what, _)| what.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_named_and_what_the_kernel_does_itself_is_not() {
        let before =
            Moment::read("T 2 (kthreadd) S 0\nT 9 (kworker/0:1) I 2\nD 10 misc\nM kmod\nF 1000");
        let after = Moment::read(
            "T 2 (kthreadd) S 0\nT 12 (kworker/1:9) I 2\nT 40 (Producer-1) S 2\nT 41 (sh) S 1\n\
             D Character devices:\nD 10 misc\nD 240 memalloc\nM kmod\nF 900",
        );
        assert_eq!(
            after.new_since(&before),
            ["the device memalloc", "the kernel thread Producer-1"]
        );
        assert_eq!(after.free_kib, 900);
    }
}
