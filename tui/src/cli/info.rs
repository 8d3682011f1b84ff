// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside info`: which kernel this is and what it lacks.

use clap::Args;

use super::output::say;
use super::{Connection, Outcome};
use crate::kernel::api::KernelInfo;
use crate::kernel::{put, question, taint};

/// Show which kernel this is, and what can't be done with it
///
///     ringside info              the lab that runs
///     ringside --local info      this machine
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Info {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Info {
    /// Prints it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let target = connection.open()?;
        let kernel = put(&*target, question::Kernel)?;
        say(self.json, &describe(&kernel), &kernel)?;
        Ok(0)
    }
}

fn describe(kernel: &KernelInfo) -> String {
    let minutes = kernel.uptime_ms / 60_000;
    let (total, available) = kernel.memory_kib;
    let mut text = format!(
        "kernel      {} {}{}\n\
         uptime      {minutes} min\n\
         processors  {}\n\
         memory      {} MiB, {} MiB available\n\
         page table  {} levels\n\
         tainted     {}\n\
         you are     {}\n",
        kernel.release,
        kernel.machine,
        if kernel.guest { ", a lab's guest" } else { "" },
        kernel.processors,
        total >> 10,
        available >> 10,
        kernel.page_table_levels,
        tainted(kernel.taint),
        if kernel.root { "root" } else { "not root" },
    );
    for missing in &kernel.missing {
        text.push_str(&format!("missing     {:?}: {}\n", missing.capability, missing.reason));
    }
    text
}

/// The number as the kernel has it, and what it means.
fn tainted(bits: u64) -> String {
    match bits {
        0 => "no".into(),
        bits => format!("{bits}: {}", taint::of_bits(bits)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_taint_is_told_in_words() {
        let told = |taint| describe(&KernelInfo { taint, ..KernelInfo::default() });
        assert!(told(4096).contains("tainted     4096: O out-of-tree module\n"), "{}", told(4096));
        assert!(told(0).contains("tainted     no\n"), "{}", told(0));
    }
}
