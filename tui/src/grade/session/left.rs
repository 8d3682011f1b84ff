// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a module leaves behind: threads, devices, itself, memory.

use super::fault::Fault;
use super::moment::Moment;
use super::state::Session;
use crate::grade::spec::NothingLeft;

/// How long what is on its way out may take.
const GONE_WITHIN: u32 = 5;
/// Drops what can be read again, so that what is free can be compared, and prints
/// what there is.
const LOOK: &str = "sync; echo 3 > /proc/sys/vm/drop_caches; \
     for one in /proc/[0-9]*; do { read -r line < $one/stat && echo \"T $line\"; } 2>/dev/null; done; \
     while read -r line; do echo \"D $line\"; done < /proc/devices; \
     while read -r line; do echo \"D $line\"; done < /proc/misc; \
     while read -r name rest; do echo \"M $name\"; done < /proc/modules; \
     while read -r name size rest; do [ $name = MemAvailable: ] && echo \"F $size\"; done < /proc/meminfo; true";

impl Session<'_> {
    pub(super) fn moment(&self) -> Result<Moment, Fault> {
        Ok(Moment::read(&self.script(&["sh", "-c", LOOK])?))
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
                    // The kernel may still be giving it back: it is looked at again.
                    Err(Fault::new(format!(
                        "{lost} KiB of memory are gone, and at most {most} KiB may be"
                    )))
                }
                _ => Ok(()),
            }
        })
    }
}
