// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the events say of each function: entries and returns of one task belong
//! together like brackets.

use std::collections::{HashMap, VecDeque};

use super::kallsyms::Kallsyms;
use super::ring::Event;
use crate::kernel::api::{FunctionCalls, LastCall, RECENT};

/// So many tasks can be in a traced function at one time; beyond that, what they
/// began is forgotten.
const TASKS: usize = 4096;
/// A call in a call, so often.
const DEPTH: usize = 256;

/// Where the fields of our events lie behind the head: the kernel adds the address
/// of the probe to an entry, that and the caller's to a return.
const REGISTERS_AT: usize = 8;
const CALLER_AT: usize = REGISTERS_AT + 6 * 8;
const COMM_AT: usize = CALLER_AT + 8;
const RESULT_AT: usize = 16;

/// What the kernel calls between a probe and the recording of a stack: the innermost
/// functions of each.
const OF_PROBES: [&str; 9] = [
    "kprobe",
    "kretprobe",
    "aggr_pre_handler",
    "opt_pre_handler",
    "optimized_callback",
    "pre_handler_kretprobe",
    "exc_int3",
    "asm_exc_int3",
    "0x",
];

/// No instruction is longer.
const INSTRUCTION: u64 = 16;

/// One of a function's two events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Entry,
    Return,
}

/// A function under trace.
#[derive(Debug, Default)]
struct Function {
    known: FunctionCalls,
    recent: VecDeque<u64>,
    /// The addresses of the last call's stack, which are named when it is reported.
    stack: Vec<u64>,
    /// Where the function begins, and where that call returns to.
    begin: u64,
    caller: u64,
    changed: bool,
}

/// All functions under trace.
pub(super) struct Tally {
    functions: Vec<Function>,
    events: HashMap<u16, (usize, Kind)>,
    /// Of each task the calls that have not returned: function and time.
    open: HashMap<i32, Vec<(usize, u64)>>,
}

impl Tally {
    /// Functions whose events have these numbers.
    pub(super) fn new(events: HashMap<u16, (usize, Kind)>) -> Self {
        let count = events.values().map(|(function, _)| function + 1).max().unwrap_or(0);
        let functions = (0..count).map(|_| Function::default()).collect();
        Self { functions, events, open: HashMap::new() }
    }

    /// Takes what happened, in the order of time.
    pub(super) fn take(&mut self, events: Vec<Event>) {
        for event in events {
            match self.events.get(&event.id) {
                Some((function, Kind::Entry)) => self.entry(*function, event),
                Some((function, Kind::Return)) => self.returned(*function, &event),
                None => {}
            }
        }
    }

    fn entry(&mut self, index: usize, event: Event) {
        if self.open.len() >= TASKS && !self.open.contains_key(&event.pid) {
            self.open.clear();
        }
        let open = self.open.entry(event.pid).or_default();
        if open.len() >= DEPTH {
            open.clear();
        }
        open.push((index, event.at));
        let Some(function) = self.functions.get_mut(index) else { return };
        function.known.last = Some(LastCall {
            at_ns: event.at,
            pid: event.pid,
            comm: event.text(COMM_AT).unwrap_or_default(),
            registers: std::array::from_fn(|register| {
                event.word(REGISTERS_AT + register * 8).unwrap_or_default()
            }),
            returned: None,
            stack: Vec::new(),
        });
        // The function has not made itself a part of the chain of frames yet: who called
        // it is known from where it returns to.
        function.begin = event.word(0).unwrap_or_default();
        function.caller = event.word(CALLER_AT).unwrap_or_default();
        function.stack = event.stack;
        function.changed = true;
    }

    fn returned(&mut self, index: usize, event: &Event) {
        let Some(open) = self.open.get_mut(&event.pid) else { return };
        // Whatever was called inside and has not returned never will: it left by
        // another way, or its return was not seen.
        let Some(at) = open.iter().rposition(|(function, _)| *function == index) else { return };
        let began = open[at].1;
        open.truncate(at);
        if open.is_empty() {
            self.open.remove(&event.pid);
        }
        let Some(function) = self.functions.get_mut(index) else { return };
        let took = event.at.saturating_sub(began);
        function.known.measured += 1;
        function.known.longest_ns = function.known.longest_ns.max(took);
        if function.recent.len() == RECENT {
            function.recent.pop_front();
        }
        function.recent.push_back(took);
        if let Some(last) = &mut function.known.last
            && (last.pid, last.at_ns) == (event.pid, began)
        {
            last.returned = event.word(RESULT_AT).map(|result| (result, took));
        }
        function.changed = true;
    }

    /// Events were lost: what has begun may have ended unseen.
    pub(super) fn lost(&mut self) {
        self.open.clear();
    }

    /// How often a function was called in all, and how often the kernel missed it.
    pub(super) fn counted(&mut self, index: usize, calls: u64, missed: u64) {
        let Some(function) = self.functions.get_mut(index) else { return };
        if (function.known.calls, function.known.missed) != (calls, missed) {
            (function.known.calls, function.known.missed) = (calls, missed);
            function.changed = true;
        }
    }

    /// What has changed since this was asked last.
    pub(super) fn changes(&mut self, symbols: &Kallsyms) -> Vec<(u32, FunctionCalls)> {
        let changed = self.functions.iter_mut().enumerate().filter(|(_, one)| one.changed);
        changed
            .map(|(index, function)| {
                function.changed = false;
                let mut known = function.known.clone();
                known.median_ns = median(&function.recent);
                if let Some(last) = &mut known.last {
                    last.stack = callers(symbols, function.begin, function.caller, &function.stack);
                }
                (index as u32, known)
            })
            .collect()
    }
}

/// Who called a function: its caller, and the stack without what belongs to the probe.
fn callers(symbols: &Kallsyms, begin: u64, caller: u64, stack: &[u64]) -> Vec<String> {
    let frames: Vec<_> = stack.iter().map(|address| symbols.place(*address)).collect();
    let of_probe = |frame: &String| OF_PROBES.iter().any(|name| frame.starts_with(name));
    // Below where the processor was, at the first instruction of the function, lies all
    // that belongs to the probe; where that is not in the stack, what is known to.
    let began = stack.iter().position(|at| (begin..begin + INSTRUCTION).contains(at));
    let above = match began {
        Some(at) => at + 1,
        None => frames.iter().position(|frame| !of_probe(frame)).unwrap_or(frames.len()),
    };
    let caller = (caller != 0).then(|| symbols.place(caller));
    let rest = frames.into_iter().skip(above).filter(|frame| Some(frame) != caller.as_ref());
    let rest: Vec<_> = rest.collect();
    caller.into_iter().chain(rest).collect()
}

fn median(times: &VecDeque<u64>) -> u64 {
    let mut times: Vec<u64> = times.iter().copied().collect();
    if times.is_empty() {
        return 0;
    }
    let middle = times.len() / 2;
    *times.select_nth_unstable(middle).1
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTER: u16 = 10;
    const INNER: u16 = 20;

    fn tally() -> Tally {
        let kinds =
            |id, function| [(id, (function, Kind::Entry)), (id + 1, (function, Kind::Return))];
        Tally::new([kinds(OUTER, 0), kinds(INNER, 1)].concat().into_iter().collect())
    }

    fn event(at: u64, id: u16, pid: i32) -> Event {
        Event { at, id, pid, fields: vec![0; 64], stack: Vec::new() }
    }

    fn known(tally: &mut Tally) -> Vec<FunctionCalls> {
        tally.changes(&Kallsyms::default()).into_iter().map(|(_, known)| known).collect()
    }

    #[test]
    fn calls_of_several_tasks_in_one_another_are_told_apart() {
        let mut tally = tally();
        tally.take(vec![
            event(100, OUTER, 1),
            event(110, INNER, 1),
            event(120, OUTER, 2),
            event(130, INNER + 1, 1),
            event(220, OUTER + 1, 2),
            event(400, OUTER + 1, 1),
        ]);
        let known = known(&mut tally);
        assert_eq!((known[0].measured, known[0].longest_ns), (2, 300));
        assert_eq!((known[1].measured, known[1].median_ns), (1, 20));
        let last = known[0].last.clone().unwrap();
        assert_eq!((last.pid, last.at_ns, last.returned), (2, 120, Some((0, 100))));
    }

    #[test]
    fn a_return_whose_entry_was_lost_takes_no_time_from_another_call() {
        let mut tally = tally();
        tally.take(vec![event(100, OUTER, 1)]);
        tally.lost();
        tally.take(vec![event(900, OUTER + 1, 1)]);
        assert_eq!(known(&mut tally)[0].measured, 0);
        // One that never returned, as a thread's function does not.
        tally.take(vec![event(1000, OUTER, 1), event(1010, INNER, 1), event(1100, OUTER + 1, 1)]);
        tally.take(vec![event(1200, INNER + 1, 1)]);
        let known = known(&mut tally);
        assert_eq!((known[0].measured, known[0].longest_ns, known[1].measured), (1, 100, 0));
    }

    #[test]
    fn a_stack_begins_with_the_caller_and_has_nothing_of_the_probe() {
        let symbols = Kallsyms::parse(
            "1000 t kprobe_dispatcher\n2000 t exc_int3\n3000 t beat [pulse]\n\
             4000 t work [pulse]\n5000 t kthread\n6000 t end\n",
        );
        let wanted = ["work+0x20/0x1000 [pulse]", "kthread+0x10/0x1000"];
        let said = |stack: &[u64]| callers(&symbols, 0x3000, 0x4020, stack);
        assert_eq!(said(&[0x1010, 0x2010, 0x3001, 0x5010]), wanted);
        assert_eq!(said(&[0x1010, 0x2010, 0x5010]), wanted);
        assert_eq!(said(&[0x2010, 0x3001, 0x4020, 0x5010]), wanted);
        // A probe that was optimized jumps through a place that has no name of its own.
        assert_eq!(said(&[0x2010, 0x4800, 0x3001, 0x5010]), wanted);
    }

    #[test]
    fn what_has_not_changed_is_not_told_again() {
        let mut tally = tally();
        tally.counted(1, 5, 0);
        assert_eq!(known(&mut tally).len(), 1);
        tally.counted(1, 5, 0);
        assert!(known(&mut tally).is_empty());
        assert_eq!(median(&[5, 1, 3].into()), 3);
    }
}
