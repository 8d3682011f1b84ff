// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a module leaves behind: threads, devices, itself, memory.

use std::collections::BTreeMap;
use std::time::Duration;

use super::look::process;
use super::{Fault, Session};
use crate::grade::spec::NothingLeft;

/// The kernel's own threads that come and go.
const OWN: [&str; 4] = ["kworker/", "kthreadd", "9p", "scsi_"];
/// How long what is on its way out may take.
const GONE_WITHIN: u32 = 5;
const KERNEL_THREADS: i32 = 2;
/// Drops what can be read again, so that what is free can be compared, and prints
/// what there is.
const LOOK: &str = "sync; echo 3 > /proc/sys/vm/drop_caches; \
     for one in /proc/[0-9]*; do { read -r line < $one/stat && echo \"T $line\"; } 2>/dev/null; done; \
     while read -r line; do echo \"D $line\"; done < /proc/devices; \
     while read -r line; do echo \"D $line\"; done < /proc/misc; \
     while read -r name rest; do echo \"M $name\"; done < /proc/modules; \
     while read -r name size rest; do [ $name = MemAvailable: ] && echo \"F $size\"; done < /proc/meminfo; true";

/// What there is in a guest at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Moment {
    /// How many of each: a thread, a device, a module.
    there: BTreeMap<String, usize>,
    free_kib: u64,
}

impl Moment {
    fn read(text: &str) -> Self {
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
    fn new_since(&self, before: &Self) -> Vec<String> {
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

impl Session<'_> {
    pub(super) fn moment(&self) -> Result<Moment, Fault> {
        Ok(Moment::read(&self.script(LOOK)?))
    }

    pub(super) fn nothing_left(&self, wanted: &NothingLeft) -> Result<(), Fault> {
        let before = self.before.clone().unwrap_or_default();
        self.until(GONE_WITHIN, |session| {
            let now = session.moment()?;
            let left = now.new_since(&before);
            if !left.is_empty() {
                let mut excerpt = vec!["expected nothing that was not there before".to_owned()];
                excerpt.extend(left.iter().take(20).map(|what| format!("seen     {what}")));
                let reason = format!("it leaves {} behind", left[..left.len().min(3)].join(", "));
                return Err(Fault { reason, excerpt, stopped: false });
            }
            let lost = before.free_kib.saturating_sub(now.free_kib);
            match wanted.memory_kib {
                Some(most) if lost > most => {
                    // The kernel may still be giving it back.
                    std::thread::sleep(Duration::from_millis(100));
                    Err(Fault::new(format!(
                        "{lost} KiB of memory are gone, and at most {most} KiB may be"
                    )))
                }
                _ => Ok(()),
            }
        })
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
