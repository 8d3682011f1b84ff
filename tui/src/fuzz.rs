// SPDX-License-Identifier: MIT OR Apache-2.0
//! Inputs that are almost right: pieces of good ones, cut, joined and damaged.
//!
//! Each kind of text or bytes that comes from outside has a folder of good ones in
//! `tests/fuzz/host/corpus`, and a test whose name begins with `whatever`:
//!
//! ```text
//! RINGSIDE_FUZZ=1000000 cargo test --lib whatever
//! ```
//!
//! An input that fails is made as short as it can be and printed, with the seed.
//!
//! They are unit tests, because most of what reads such inputs is private, and run wherever
//! `cargo test` does. `tests/fuzz/host` has targets for `cargo fuzz` with the same corpora,
//! for what is public.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

#[path = "../../tests/stress/random.rs"]
#[allow(dead_code, unreachable_pub, reason = "of the tests elsewhere; not all of it is used here")]
mod random;

pub(crate) use random::Random;

#[path = "../../tests/figures/record.rs"]
#[allow(dead_code, unreachable_pub, reason = "of the tests elsewhere; not all of it is used here")]
mod record;

/// How long each test takes without `RINGSIDE_FUZZ`.
const SHORT: Duration = Duration::from_millis(300);
/// The longest input in bytes, but for good ones.
const LONGEST: usize = 1 << 16;

/// When there was enough: so many, or for so long.
pub(crate) struct Budget {
    count: Option<u64>,
    end: Instant,
    done: u64,
}

impl Budget {
    pub(crate) fn new() -> Self {
        let count = std::env::var("RINGSIDE_FUZZ").ok();
        let count = count.map(|count| count.parse().expect("RINGSIDE_FUZZ is a number"));
        Self { count, end: Instant::now() + SHORT, done: 0 }
    }

    /// Is there another?
    pub(crate) fn goes_on(&mut self) -> bool {
        self.done += 1;
        let more = match self.count {
            Some(count) => self.done <= count,
            None => Instant::now() < self.end,
        };
        if !more {
            self.record();
        }
        more
    }

    /// Under the name of the test, which bears the name of its thread.
    fn record(&self) {
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("unnamed").replace("::", "-");
        record::record(&format!("fuzz-host.{test}"), self.done - 1, "", "--lib whatever");
    }
}

/// The good ones of a kind.
fn corpus(kind: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/host/corpus").join(kind);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{kind}: {error}"));
    let mut files: Vec<_> = files.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("it can be read")).collect()
}

/// Shows `check`, which must not panic, the good inputs of this kind and many bad ones.
pub(crate) fn bytes(kind: &str, check: impl Fn(&[u8])) {
    bytes_like(corpus(kind), check);
}

/// The same, as text.
pub(crate) fn texts(kind: &str, check: impl Fn(&str)) {
    bytes(kind, |bytes| check(&String::from_utf8_lossy(bytes)));
}

/// The same, of these good ones.
pub(crate) fn bytes_like(good: Vec<Vec<u8>>, check: impl Fn(&[u8])) {
    assert!(!good.is_empty(), "there is nothing to begin with");
    good.iter().for_each(|input| check(input));
    let mut random = Random::new();
    let seed = random.seed();
    let mut inputs = good;
    let kept = inputs.len() + 200;
    let mut budget = Budget::new();
    while budget.goes_on() {
        let input = damaged(&mut random, &inputs);
        if !holds(&check, &input) {
            let least = shortened(&check, input);
            panic!("RINGSIDE_SEED={seed}, and this fails: b\"{}\"", least.escape_ascii());
        }
        // What was damaged is damaged further, now and then.
        if random.once_in(20) {
            match inputs.len() < kept {
                true => inputs.push(input),
                false => {
                    let place = kept - 200 + random.below(200);
                    inputs[place] = input;
                }
            }
        }
    }
}

fn holds(check: &impl Fn(&[u8]), input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| check(input))).is_ok()
}

/// As much of it taken away as can be, as long as it still fails.
fn shortened(check: &impl Fn(&[u8]), mut input: Vec<u8>) -> Vec<u8> {
    let tries = Cell::new(400);
    let mut piece = input.len().div_ceil(2);
    while piece > 0 && tries.get() > 0 {
        let mut at = 0;
        while at < input.len() && tries.get() > 0 {
            tries.set(tries.get() - 1);
            let mut less = input.clone();
            less.drain(at..(at + piece).min(input.len()));
            if holds(check, &less) { at += piece } else { input = less }
        }
        piece /= 2;
    }
    input
}

/// What is put in somewhere: numbers at the edges of what fits, and marks of many texts.
const WORDS: [&[u8]; 36] = [
    b"0",
    b"-1",
    b"255",
    b"256",
    b"65535",
    b"65536",
    b"2147483647",
    b"4294967295",
    b"4294967296",
    b"9223372036854775807",
    b"9223372036854775808",
    b"18446744073709551615",
    b"18446744073709551616",
    b"0x",
    b"0xffffffffffffffff",
    b"1e999",
    b"\n",
    b"\n\n",
    b" ",
    b"\t",
    b"\0",
    b"\"",
    b"\\",
    b"\\x",
    b"[",
    b"]",
    b"{",
    b"}",
    b"=",
    b":",
    b"+0x",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x80\0\0\0",
    "\u{e9}\u{1f980}".as_bytes(),
    b"\xc3",
];

fn damaged(random: &mut Random, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut input = inputs[random.below(inputs.len())].clone();
    for _ in 0..=random.below(4) {
        damage(random, &mut input, inputs);
    }
    input.truncate(LONGEST.max(inputs[0].len()));
    input
}

/// A piece of it, mostly a short one.
fn piece(random: &mut Random, length: usize) -> std::ops::Range<usize> {
    let from = random.below(length + 1);
    let most = if random.once_in(8) { length - from } else { (length - from).min(16) };
    from..from + random.below(most + 1)
}

fn damage(random: &mut Random, input: &mut Vec<u8>, inputs: &[Vec<u8>]) {
    let length = input.len();
    let at = random.below(length + 1);
    match random.below(11) {
        0 | 1 if at < length => input[at] ^= 1 << random.below(8),
        2 if at < length => input[at] = random.next() as u8,
        3 => drop(input.drain(piece(random, length))),
        4 => {
            let copy = input[piece(random, length)].to_vec();
            drop(input.splice(at..at, copy));
        }
        5 => input.truncate(at),
        6 => {
            let other = &inputs[random.below(inputs.len())];
            let part = other[piece(random, other.len())].to_vec();
            drop(input.splice(at..at, part));
        }
        7 | 8 => {
            // Instead of the number that stands there.
            let digits = input[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let word = WORDS[random.below(WORDS.len())];
            drop(input.splice(at..at + digits, word.iter().copied()));
        }
        9 => {
            // Another of the words of a binary structure.
            let at = at / 4 * 4;
            if let Some(bytes) = input.get_mut(at..at + 4) {
                let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                let word = match random.below(4) {
                    0 => word.wrapping_add(1),
                    1 => word.wrapping_sub(1),
                    2 => u32::MAX - random.below(16) as u32,
                    _ => random.below(4096) as u32,
                };
                bytes.copy_from_slice(&word.to_le_bytes());
            }
        }
        _ => input.insert(at, random.next() as u8),
    }
}

#[test]
#[should_panic(expected = "this fails: b\"x=9\"")]
fn what_fails_is_found_and_made_short() {
    let good = vec![b"some text before x=1 and behind".to_vec(), b"x=".to_vec(), b"9 8".to_vec()];
    // Once the length of time is not what matters.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        bytes_like(good.clone(), |input| {
            assert!(!input.windows(3).any(|it| it == b"x=9"));
        });
    }
}
