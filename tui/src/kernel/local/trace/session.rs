// SPDX-License-Identifier: MIT OR Apache-2.0
//! One trace of one loaded module: its events in the kernel, and the files they are
//! read from. When it is dropped, a process of its own takes everything away.
//!
//! Each function has an event where it begins and one where it returns. They are
//! recorded by an instance of their own, which keeps a little of each processor and
//! drops what comes while that is full: how often a function was called is counted
//! by the kernel all the same.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use nix::libc;

use super::kallsyms::Kallsyms;
use super::ring;
use super::tally::{Kind, Tally};
use super::tracefs::{self, Mounted, sweep, tracefs};
use crate::kernel::api::{FunctionCalls, TracedFunction, Unprobed};
use crate::kernel::error::{TargetError, TargetResult, io_text};
use crate::kernel::local::{files, process};

/// So many functions can be traced at one time.
const FUNCTIONS: usize = 256;
/// What the buffer keeps of each processor.
const BUFFER_KB: u32 = 256;
/// A page of the buffer.
const PAGE: usize = 4096;
/// At most so many pages of a processor are read at one time.
const PAGES: usize = BUFFER_KB as usize * 1024 / PAGE;
/// So many calls of a function may be under way at one time; the returns of more are
/// missed, and counted.
const UNDER_WAY: u32 = 256;
/// The registers of the arguments, where it returns to, and the task's name.
const ENTRY: &str = "a=%di:x64 b=%si:x64 c=%dx:x64 d=%cx:x64 e=%r8:x64 f=%r9:x64 \
                     from=$stack0:x64 comm=$comm";

/// The process that takes the trace away when its standard input ends.
struct Keeper(Child);

impl Keeper {
    fn spawn() -> TargetResult<Self> {
        let mut command = Command::new(process::THIS_PROGRAM);
        // SAFETY: between fork and exec this makes system calls only.
        unsafe {
            command.pre_exec(|| {
                // What is sent to those who trace is not for it.
                let _ = nix::unistd::setsid();
                Ok(())
            });
        }
        command
            .arg(tracefs::KEEPER)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(Self)
            .map_err(|error| TargetError::io(&error, "start the process that removes the probes"))
    }

    fn name(&self) -> String {
        tracefs::name(self.0.id())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // It ends when nothing is left.
        drop(self.0.wait());
    }
}

/// A trace under way.
pub(super) struct Session {
    tally: Tally,
    symbols: Kallsyms,
    instance: PathBuf,
    name: String,
    processors: Vec<Processor>,
    // In this order: what is open in it, the file system, what removes the rest.
    tracefs: Mounted,
    _keeper: Keeper,
}

/// What one processor records.
struct Processor {
    pipe: File,
    stats: PathBuf,
    dropped: u64,
}

impl Session {
    /// Lists the functions of `module`, and if told to probes those that are `wanted`, or
    /// all of its own. `None`: not one is probed.
    pub(super) fn start(
        module: &str,
        wanted: &[String],
        probe: bool,
    ) -> TargetResult<(Option<Self>, Vec<TracedFunction>)> {
        let tracefs = tracefs()?;
        sweep(&tracefs);
        let symbols =
            Kallsyms::read().map_err(|error| TargetError::io(&error, "read /proc/kallsyms"))?;
        if !symbols.has_addresses() {
            return Err(TargetError::Unsupported(
                "the kernel shows no addresses of its functions (kernel.kptr_restrict)".into(),
            ));
        }
        let mut functions = super::choose::functions(&symbols, module, wanted, &blacklist())?;
        if !probe {
            return Ok((None, functions.into_iter().map(|(_, function)| function).collect()));
        }
        let keeper = Keeper::spawn()?;
        let name = keeper.name();
        let instance = tracefs.path("instances").join(&name);
        let doing = || format!("trace module {module}");
        let io = |error: &std::io::Error| TargetError::io(error, doing());
        let mut events = HashMap::new();
        let mut probed = 0;
        let mut definitions = fs::OpenOptions::new()
            .append(true)
            .open(tracefs.path("kprobe_events"))
            .map_err(|error| io(&error))?;
        let repeated = repeated(&functions);
        for (index, (address, function)) in functions.iter_mut().enumerate() {
            if function.unprobed.is_some() {
                continue;
            }
            if probed == FUNCTIONS {
                function.unprobed = Some(Unprobed::TooMany);
                continue;
            }
            let place = match repeated.contains(&function.symbol) {
                true => format!("{address:#x}"),
                false => format!("{module}:{}", function.symbol),
            };
            let entry = format!("p:{name}/{name}_p{index} {place} {ENTRY}\n");
            let result = format!("r{UNDER_WAY}:{name}/{name}_r{index} {place} r=$retval:x64\n");
            // Of two probes in one place the newer comes first, and that for the return
            // changes where the function returns to. A function that can't be followed
            // to its end is counted all the same.
            drop(definitions.write_all(result.as_bytes()));
            // Each in a write of its own, so that one that fails is known.
            match definitions.write_all(entry.as_bytes()) {
                Ok(()) => probed += 1,
                Err(error) => function.unprobed = Some(Unprobed::Refused(io_text(&error))),
            }
        }
        let listed: Vec<_> = functions.into_iter().map(|(_, function)| function).collect();
        if probed == 0 {
            return Ok((None, listed));
        }
        fs::create_dir(&instance).map_err(|error| io(&error))?;
        let set = |file: &str, value: &str| files::write(&instance.join(file), value, &doing());
        set("trace_clock", "mono")?;
        set("buffer_size_kb", &BUFFER_KB.to_string())?;
        // What is full drops the new: what was recorded stays whole.
        set("options/overwrite", "0")?;
        let group = instance.join("events").join(&name);
        for index in 0..listed.len() {
            for (kind, letter) in [(Kind::Entry, 'p'), (Kind::Return, 'r')] {
                let event = group.join(format!("{name}_{letter}{index}"));
                let Some(id) = files::number(event.join("id")) else { continue };
                events.insert(id, (index, kind));
            }
        }
        let processors = processors(&instance).map_err(|error| io(&error))?;
        files::write(&group.join("enable"), "1", &doing())?;
        for index in 0..listed.len() {
            let event = group.join(format!("{name}_p{index}"));
            if event.exists() {
                // A kernel that can't unwind its stack traces without.
                drop(files::write(&event.join("trigger"), "stacktrace", &doing()));
            }
        }
        let tally = Tally::new(events);
        let session = Self { tally, symbols, instance, name, processors, tracefs, _keeper: keeper };
        Ok((Some(session), listed))
    }

    /// Takes what was recorded since the last time.
    pub(super) fn drain(&mut self) {
        if !self.anything_dropped() {
            let events = self.recorded();
            self.tally.take(events);
            if !self.anything_dropped() {
                return;
            }
        }
        // Which of those that returned unseen had begun can't be told, so that all of
        // them are forgotten before recording goes on.
        let recording = self.instance.join("tracing_on");
        drop(files::write(&recording, "0", "stop recording"));
        let events = self.recorded();
        self.tally.take(events);
        self.tally.lost();
        self.note_dropped();
        drop(files::write(&recording, "1", "go on recording"));
    }

    /// The events of all processors, in the order of time.
    fn recorded(&mut self) -> Vec<ring::Event> {
        let mut all = Vec::new();
        for processor in &mut self.processors {
            let mut own = Vec::new();
            let mut page = [0; PAGE];
            for _ in 0..PAGES {
                match processor.pipe.read(&mut page) {
                    Ok(size @ 1..) => ring::parse(&page[..size], &mut own),
                    _ => break,
                }
            }
            all.extend(own);
        }
        all.sort_by_key(|event| event.at);
        all
    }

    fn anything_dropped(&self) -> bool {
        self.processors.iter().any(|one| dropped(&one.stats) != one.dropped)
    }

    fn note_dropped(&mut self) {
        for processor in &mut self.processors {
            processor.dropped = dropped(&processor.stats);
        }
    }

    /// What has changed since this was asked last.
    pub(super) fn changes(&mut self) -> Vec<(u32, FunctionCalls)> {
        let text = files::text(self.tracefs.path("kprobe_profile")).unwrap_or_default();
        let mut counts: HashMap<usize, (u64, u64)> = HashMap::new();
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let (Some(event), Some(hits), Some(missed)) = (
                words.next(),
                words.next().and_then(|word| word.parse::<u64>().ok()),
                words.next().and_then(|word| word.parse::<u64>().ok()),
            ) else {
                continue;
            };
            let Some(own) = event.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix('_'))
            else {
                continue;
            };
            let Some(index) = own.get(1..).and_then(|index| index.parse().ok()) else { continue };
            let count = counts.entry(index).or_default();
            count.1 += missed;
            if own.starts_with('p') {
                count.0 = hits;
            }
        }
        for (index, (calls, missed)) in counts {
            self.tally.counted(index, calls, missed);
        }
        self.tally.changes(&self.symbols)
    }
}

/// Names that several functions of the module have.
fn repeated(functions: &[(u64, TracedFunction)]) -> HashSet<String> {
    let mut seen = HashSet::new();
    let names = functions.iter().map(|(_, function)| &function.symbol);
    names.filter(|name| !seen.insert(*name)).cloned().collect()
}

/// Opens what each processor records.
fn processors(instance: &std::path::Path) -> std::io::Result<Vec<Processor>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(instance.join("per_cpu"))? {
        let folder = entry?.path();
        let pipe = File::options()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(folder.join("trace_pipe_raw"))?;
        all.push(Processor { pipe, stats: folder.join("stats"), dropped: 0 });
    }
    Ok(all)
}

/// How many events a processor has dropped.
fn dropped(stats: &std::path::Path) -> u64 {
    let text = files::text(stats).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("dropped events:"));
    line.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

/// Where the kernel allows no probe; empty where it does not say.
fn blacklist() -> Vec<(u64, u64)> {
    let Ok(debugfs) = Mounted::new(c"debugfs") else { return Vec::new() };
    let text = files::text(debugfs.path("kprobes/blacklist")).unwrap_or_default();
    parse_blacklist(&text)
}

/// Lines of a range, `0xffffffff81003400-0xffffffff81003430`, and a name.
fn parse_blacklist(text: &str) -> Vec<(u64, u64)> {
    let hex = |text: &str| u64::from_str_radix(text.strip_prefix("0x")?, 16).ok();
    let ranges = text.lines().filter_map(|line| {
        let (from, to) = line.split_whitespace().next()?.split_once('-')?;
        Some((hex(from)?, hex(to)?))
    });
    ranges.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_list_holds_its_ranges_are_read() {
        crate::fuzz::texts("lines", |text| {
            assert!(parse_blacklist(text).len() <= text.lines().count());
        });
    }

    #[test]
    fn the_ranges_without_probes_are_read() {
        let text = "0xffffffff81003400-0xffffffff81003430\tthunk\nnonsense\n";
        assert_eq!(parse_blacklist(text), [(0xffff_ffff_8100_3400, 0xffff_ffff_8100_3430)]);
    }
}
