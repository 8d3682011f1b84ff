// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside trace`: the calls of a module's functions.

use std::collections::HashMap;
use std::io::Write;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::interrupt::{self, Interrupt};
use super::output::print_json;
use super::{Connection, Failure, Outcome, candidates};
use crate::kernel::api::{
    ARGUMENT_REGISTERS, FunctionCalls, LastCall, Signal, TraceCalls, TraceEvent, TracedFunction,
    Unprobed,
};
use crate::kernel::modinfo::module_name;
use crate::kernel::signature::{Signatures, raw_arguments};
use crate::kernel::{Replies, Target, put, question};
use crate::lab::progress::Stop;
use crate::lab::signatures;
use crate::text::escape::visible;
use crate::text::function;
use crate::text::time::{nanoseconds, per_second};

/// How often it is looked whether it is to end.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How many callers a line names.
const CALLERS: usize = 4;

/// Show which functions of a module are called, how long they take, and by whom
///
///     ringside trace pulse                        all of the module's own functions
///     ringside trace producer_consumer Buffer::park log
///     ringside trace kmod --seconds 10 --json
///     ringside trace memalloc --list              what can be traced, and what not
///
/// Prints, for each function that was called since the line before: calls per
/// second and in all, the median and the longest time, the arguments of the last
/// call, what it returned, and who called it. A function is named by its symbol or
/// the end of its path. Ctrl-C ends it, and however it ends, no probe stays in the
/// kernel. A module that is unloaded is waited for.
///
/// Every call is counted. Times, arguments and callers are taken of every call,
/// too, until they come faster than about 10,000 a second: then of those that come
/// first after each look (the column “timed” says of how many). A probe slows each
/// call down, by about a microsecond and under emulation by tens, and the times
/// include some of that. Arguments have names and types where the module was built
/// here; else the registers are shown that hold the first six by convention. What
/// became a part of other functions (inlined), or lies where the kernel forbids
/// probes, can't be traced: --list names it.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Trace {
    /// The module, which is loaded
    #[arg(add = candidates::loaded())]
    module: String,
    /// Only these functions [default: all of the module's own]
    #[arg(value_name = "FUNCTION")]
    functions: Vec<String>,
    /// End after so many seconds [default: at Ctrl-C]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: Option<u64>,
    /// Milliseconds between two looks
    #[arg(long, value_name = "MS", default_value_t = 1000,
          value_parser = clap::value_parser!(u32).range(20..=60_000))]
    interval: u32,
    /// List the functions, what they take, and what can't be traced; trace none
    #[arg(long, conflicts_with_all = ["seconds", "interval"])]
    list: bool,
    /// Print JSON, one line per look
    #[arg(long)]
    json: bool,
}

impl Trace {
    /// Prints until it ends.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let target = connection.open_plain()?;
        let interrupt = Interrupt::catch()?;
        let until = self.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let replies = Replies::start(
            &*target,
            question::Trace {
                module: self.module.clone(),
                functions: self.functions.clone(),
                interval_ms: (!self.list).then_some(self.interval),
            },
        )?;
        let mut printer = Printer { module: module_name(&self.module), ..Printer::default() };
        let mut ending = false;
        loop {
            let stop = interrupt.stop();
            if stop == Stop::AtOnce {
                // The probes go all the same, without us.
                return Ok(interrupt::status());
            }
            if !ending && (stop == Stop::Gently || until.is_some_and(|end| Instant::now() >= end)) {
                // By a signal, as a program ends: the end comes when nothing is left.
                replies.control().signal(Signal(nix::libc::SIGINT))?;
                ending = true;
            }
            match replies.next_before(Instant::now() + LOOK_EVERY) {
                None => {}
                Some(Ok(None)) => return Ok(0),
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(Some(event))) => {
                    if let TraceEvent::Functions(functions) = &event {
                        printer.learn(&*target, functions.clone());
                    }
                    if self.list {
                        self.print_list(&printer)?;
                    } else if self.json {
                        print_json(&printer.value(&event))?;
                    } else {
                        printer.print(&event)?;
                    }
                }
            }
        }
    }

    fn print_list(&self, printer: &Printer) -> Result<(), Failure> {
        if self.json {
            return print_json(&printer.list());
        }
        let mut out = std::io::stdout().lock();
        for function in &printer.functions {
            let what = match &function.unprobed {
                None => printer.types(&function.symbol),
                Some(why) => format!("  (not traced: {why})"),
            };
            let name = printer.name(function);
            writeln!(out, "{}", visible(&format!("{name}{what}")))?;
        }
        for name in &printer.signatures.inlined {
            let line = format!("{name}  (can't be traced: inlined, it is a part of its callers)");
            writeln!(out, "{}", visible(&line))?;
        }
        if let Some(why) = &printer.unknown {
            eprintln!("note: what the functions take is not known: {}", visible(why));
        }
        Ok(())
    }
}

/// Makes lines of what a trace says.
#[derive(Default)]
struct Printer {
    module: String,
    functions: Vec<TracedFunction>,
    signatures: Signatures,
    /// Why there are no signatures.
    unknown: Option<String>,
    /// Calls so far, by function.
    counted: HashMap<u32, u64>,
}

impl Printer {
    /// The module's functions are these.
    fn learn(&mut self, target: &dyn Target, functions: Vec<TracedFunction>) {
        self.functions = functions;
        self.counted.clear();
        match known(target, &self.module) {
            Ok(signatures) => (self.signatures, self.unknown) = (signatures, None),
            Err(why) => (self.signatures, self.unknown) = (Signatures::default(), Some(why)),
        }
    }

    fn name(&self, function: &TracedFunction) -> String {
        function::name(&function.symbol, &self.module)
    }

    /// `(int count, struct page * page)`, where that is known.
    fn types(&self, symbol: &str) -> String {
        let Some(signature) = self.signatures.functions.get(symbol) else { return String::new() };
        let parameters = signature.parameters.iter();
        let all: Vec<_> = parameters.map(|one| format!("{}: {}", one.name, one.of)).collect();
        format!("({})", all.join(", "))
    }

    /// The functions that were called, those called most often first, with how often
    /// since the last look.
    fn called<'a>(
        &mut self,
        calls: &'a TraceCalls,
    ) -> Vec<(TracedFunction, u64, &'a FunctionCalls)> {
        let mut called = Vec::new();
        for (index, known) in &calls.functions {
            let Some(function) = self.functions.get(*index as usize) else { continue };
            let before = self.counted.insert(*index, known.calls).unwrap_or(0);
            called.push((function.clone(), known.calls.saturating_sub(before), known));
        }
        called.sort_by_key(|(_, new, _)| std::cmp::Reverse(*new));
        called
    }

    fn print(&mut self, event: &TraceEvent) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        match event {
            TraceEvent::Functions(functions) => {
                let traced = functions.iter().filter(|one| one.unprobed.is_none()).count();
                let refused = functions.iter().filter(|one| {
                    !matches!(one.unprobed, None | Some(Unprobed::NotWanted | Unprobed::Library))
                });
                let (refused, inlined) = (refused.count(), self.signatures.inlined.len());
                let noun = if traced == 1 { "function" } else { "functions" };
                let module = &self.module;
                writeln!(
                    out,
                    "== {traced} {noun} of {module}; {inlined} more are inlined and {refused} can't be probed: --list names them"
                )?;
                if let Some(why) = &self.unknown {
                    let why = visible(why);
                    writeln!(
                        out,
                        "== arguments are registers, by the convention of x86-64 (System V): {why}"
                    )?;
                }
                writeln!(
                    out,
                    "{:>8} {:>9} {:>9} {:>9} {:>9}  last call",
                    "calls/s", "calls", "timed", "median", "longest"
                )?;
            }
            TraceEvent::Unloaded => {
                writeln!(out, "== {} was unloaded; waiting for it", self.module)?
            }
            TraceEvent::Calls(calls) => {
                for (function, new, known) in self.called(calls) {
                    let line = self.line(&function, per_second(new, calls.over_ms), known);
                    writeln!(out, "{}", visible(&line))?;
                    let callers = known.last.as_ref().map(|last| self.callers(last));
                    if let Some(callers) = callers.filter(|callers| !callers.is_empty()) {
                        writeln!(out, "{:>50}{}", "", visible(&callers))?;
                    }
                }
            }
        }
        Ok(out.flush()?)
    }

    fn line(&self, function: &TracedFunction, rate: String, known: &FunctionCalls) -> String {
        let time = |ns| if known.measured == 0 { "-".into() } else { nanoseconds(ns) };
        let missed = match known.missed {
            0 => String::new(),
            missed => format!("  (the kernel missed {missed})"),
        };
        let last = known.last.as_ref().map_or_else(
            || self.name(function),
            |last| {
                let returned = last.returned.and_then(|(word, _)| self.result(function, word));
                let returned = returned.map(|text| format!(" = {text}")).unwrap_or_default();
                format!("{}({}){returned}", self.name(function), self.arguments(function, last))
            },
        );
        format!(
            "{rate:>8} {:>9} {:>9} {:>9} {:>9}  {last}{missed}",
            known.calls,
            known.measured,
            time(known.median_ns),
            time(known.longest_ns),
        )
    }

    fn arguments(&self, function: &TracedFunction, last: &LastCall) -> String {
        match self.signatures.functions.get(&function.symbol) {
            Some(signature) => signature.arguments(&last.registers),
            None => raw_arguments(&last.registers),
        }
    }

    fn result(&self, function: &TracedFunction, word: u64) -> Option<String> {
        match self.signatures.functions.get(&function.symbol) {
            Some(signature) => signature.returned(word),
            None => Some(format!("{word:#x}")),
        }
    }

    /// `by Producer-1 (pid 77): put+0x20 < kthread+0xf6`.
    fn callers(&self, last: &LastCall) -> String {
        let stack = last.stack.iter().take(CALLERS);
        let stack: Vec<_> = stack.map(|frame| function::place(frame, &self.module)).collect();
        let by = format!("by {} (pid {})", last.comm, last.pid);
        if stack.is_empty() { by } else { format!("{by}: {}", stack.join(" < ")) }
    }

    fn list(&self) -> Value {
        let functions: Vec<_> = self
            .functions
            .iter()
            .map(|function| {
                let signature = self.signatures.functions.get(&function.symbol);
                let parameters = signature.map(|signature| {
                    let all = signature.parameters.iter();
                    all.map(|one| json!({"name": one.name, "type": one.of})).collect::<Vec<_>>()
                });
                json!({
                    "symbol": function.symbol,
                    "name": self.name(function),
                    "parameters": parameters,
                    "not_traced": function.unprobed.as_ref().map(ToString::to_string),
                })
            })
            .collect();
        json!({
            "event": "functions",
            "module": self.module,
            "functions": functions,
            "inlined": self.signatures.inlined,
        })
    }

    fn value(&mut self, event: &TraceEvent) -> Value {
        match event {
            TraceEvent::Functions(_) => self.list(),
            TraceEvent::Unloaded => json!({"event": "unloaded", "module": self.module}),
            TraceEvent::Calls(calls) => {
                let functions = self.called(calls).into_iter().map(|(function, new, known)| {
                    json!({
                        "symbol": function.symbol,
                        "name": self.name(&function),
                        "calls": known.calls,
                        "new": new,
                        "missed": known.missed,
                        "timed": known.measured,
                        "median_ns": known.median_ns,
                        "longest_ns": known.longest_ns,
                        "last": known.last.as_ref().map(|last| self.last(&function, last)),
                    })
                });
                let functions: Vec<_> = functions.collect();
                json!({
                    "event": "calls",
                    "at_ms": calls.at_ms,
                    "over_ms": calls.over_ms,
                    "functions": functions,
                })
            }
        }
    }

    fn last(&self, function: &TracedFunction, last: &LastCall) -> Value {
        let signature = self.signatures.functions.get(&function.symbol);
        let arguments = signature.map(|signature| {
            let all = signature.parameters.iter().map(|one| {
                json!({"name": one.name, "type": one.of, "value": one.value(&last.registers)})
            });
            all.collect::<Vec<_>>()
        });
        let registers: serde_json::Map<String, Value> = ARGUMENT_REGISTERS
            .iter()
            .zip(last.registers)
            .map(|(name, value)| ((*name).to_owned(), format!("{value:#x}").into()))
            .collect();
        json!({
            "at_ns": last.at_ns,
            "pid": last.pid,
            "comm": last.comm,
            "arguments": arguments,
            "registers": registers,
            "result": last.returned.and_then(|(word, _)| self.result(function, word)),
            "took_ns": last.returned.map(|(_, took)| took),
            "stack": last.stack,
        })
    }
}

/// What the functions of the module that is loaded take and return.
fn known(target: &dyn Target, module: &str) -> Result<Signatures, String> {
    let said = |error: crate::kernel::TargetError| error.to_string();
    let release = put(target, question::Kernel).map_err(said)?.release;
    let modules = put(target, question::Modules).map_err(said)?;
    let id = modules.into_iter().find(|known| known.name == module).map(|known| known.build_id);
    signatures::of(&release, module, id.as_deref().filter(|id| !id.is_empty()))
}
