// SPDX-License-Identifier: MIT OR Apache-2.0
//! New programs, and others made from those that were worth keeping.

use ringside_uapi::{kmod, memalloc};

use super::arena::{self, ARGUMENTS, DATA, FAR, NOWHERE, PAGE, READ_ONLY, SLOT_PAGES, SLOTS};
use super::call::{Call, OPS, Op, Program};
use super::files::{self, Kind};
use super::model::WINDOW;
use crate::random::Random;

/// The most calls of a program.
const LONGEST: usize = 20;
/// Stands for the number of one of the two processes.
pub const ACTOR: u64 = 0x7fff_0000;

const MEMALLOC: [u32; 5] =
    [memalloc::ALLOCATE, memalloc::FREE, memalloc::SHAREPAGE, memalloc::ACCESSPAGE, memalloc::WALK];
const KMOD: [u32; 8] = [
    kmod::BREAD,
    kmod::BWRITE,
    kmod::BREADOFFSET,
    kmod::BWRITEOFFSET,
    kmod::INFO,
    kmod::SYNC,
    kmod::READ64,
    kmod::WRITE64,
];
/// Advice that does not harm the guest by itself: no page is said to be broken.
const ADVICE: [u64; 16] = [0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 14, 15, 16, 17, 20, 21];
const NUMBERS: [u64; 16] = [
    0,
    1,
    2,
    PAGE - 1,
    PAGE,
    4097,
    511,
    512,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 30,
    (1 << 47) - PAGE,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];

fn pick<T: Copy>(random: &mut Random, of: &[T]) -> T {
    of[random.below(of.len())]
}

fn request_address(random: &mut Random) -> u64 {
    match random.below(20) {
        0..13 => SLOTS + random.below(SLOT_PAGES as usize) as u64 * PAGE,
        13..16 => pick(random, &FAR),
        16 => SLOTS + random.below((SLOT_PAGES * PAGE) as usize) as u64,
        17 => pick(random, &[DATA.start, ARGUMENTS.start, READ_ONLY.start, NOWHERE]),
        18 => pick(random, &[0, PAGE, (1 << 47) - 2 * PAGE, 1 << 47, (1 << 56) - PAGE, 1 << 57]),
        _ => pick(random, &NUMBERS),
    }
}

fn pages(random: &mut Random) -> u32 {
    match random.below(16) {
        0..12 => 1 + random.below(6) as u32,
        12 => 1 + random.below(60) as u32,
        13 => pick(random, &[0, u32::MAX, 1 << 31, i32::MAX as u32]),
        14 => pick(random, &[1000, 4095, 4096, 4097]),
        _ => random.next() as u32,
    }
}

fn argument_address(random: &mut Random) -> u64 {
    match random.below(24) {
        0..20 => ARGUMENTS.start,
        20 => ARGUMENTS.start + random.below(64) as u64,
        21 => ARGUMENTS.end() - random.below(60) as u64,
        22 => pick(random, &[READ_ONLY.start, NOWHERE, 0, 8, READ_ONLY.end()]),
        _ => pick(random, &[u64::MAX, 0xffff_8000_0000_0000, 0xffff_ffff_8100_0000, 1 << 63]),
    }
}

fn data_address(random: &mut Random) -> u64 {
    match random.below(16) {
        0..11 => DATA.start + random.below(8192) as u64,
        11 | 12 => DATA.end() - random.below(900) as u64,
        13 => pick(random, &[READ_ONLY.start, READ_ONLY.end() - 100, NOWHERE, 0]),
        14 => SLOTS + random.below((SLOT_PAGES * PAGE) as usize) as u64,
        _ => pick(random, &[u64::MAX, 1 << 63, 0xffff_8000_0000_0000]),
    }
}

fn size(random: &mut Random) -> u64 {
    match random.below(12) {
        0..7 => random.below(600) as u64,
        7 => random.below(9000) as u64,
        8 => 0,
        9 if random.once_in(4) => random.below(200_000) as u64,
        9 => 1,
        10 => pick(random, &[512, 4096, 65536]),
        _ => pick(random, &[0x7fff_f000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]),
    }
}

fn offset(random: &mut Random) -> u64 {
    const END: u64 = 1 << 30;
    match random.below(14) {
        0..9 => random.below(WINDOW) as u64,
        9 => pick(random, &[END - 1, END, END - 4096, END - 100, END + 1]),
        10 => 0,
        11 => pick(random, &[0xffff_ffff, 0x8000_0000, 1 << 32]),
        12 => pick(random, &[i64::MAX as u64, i64::MAX as u64 - 4096, 1 << 63, u64::MAX]),
        _ => random.next() >> random.below(64),
    }
}

fn text(random: &mut Random) -> Vec<u8> {
    let digits = match random.below(12) {
        0..4 => random.below(3).to_string(),
        4 => random.below(20).to_string(),
        5 => {
            pick(random, &["60000000", "60000001", "1000001", "18446744073709551616", "-1"]).into()
        }
        6 => pick(random, &["", "\n", " 1", "1 ", "0x1", "0x", "01", "08", "+1", "++1", "1\n\n"])
            .into(),
        7 => random.next().to_string(),
        8 => "1".repeat(random.below(5000)),
        _ => {
            let mut bytes = vec![0; random.below(200)];
            random.fill(&mut bytes);
            return bytes;
        }
    };
    let ending = pick(random, &["", "\n", "\n", "\0", "\0x"]);
    (digits + ending).into_bytes()
}

fn parameters(random: &mut Random, module: usize) -> Vec<u8> {
    let value = |random: &mut Random| match random.below(8) {
        0..3 => random.below(40).to_string(),
        3 => pick(random, &["-1", "", "x", "0x10", "99999999999", "-99999999999999999999"]).into(),
        4 => "y".repeat(random.below(1200)),
        5 => "\"a b\"".into(),
        6 => "\u{202e}\u{1b}[31m\u{7f}".into(),
        _ => pick(random, &["/dev/ringside-usb", "/dev/null", "/", "/nothing", "\""]).into(),
    };
    let names: Vec<&str> =
        ringside_uapi::MODULES[module].parameters.iter().map(|it| it.name).collect();
    let mut given = String::new();
    for _ in 0..random.below(4) {
        let name = match names.len() {
            0 => "nothing",
            count => names[random.below(count)],
        };
        given += &format!("{name}={} ", value(random));
    }
    given.into_bytes()
}

fn call(random: &mut Random, op: Op) -> Call {
    let mode = if random.once_in(8) { random.below(3) as u64 } else { 2 };
    let mut bytes = Vec::new();
    let numbers = match op {
        Op::Memalloc => {
            let command = pick(random, &MEMALLOC);
            let rest = match command {
                memalloc::SHAREPAGE => match random.below(10) {
                    0..8 => ACTOR + random.below(2) as u64,
                    8 => pick(random, &[0, 1, 2, 0xffff_ffff, 0x7fff_ffff]),
                    _ => random.next() as u32 as u64,
                },
                _ => pages(random).into(),
            };
            let write = pick(random, &[0, 1, 1, 1, 2, 0x80, 0xff]);
            let at = argument_address(random);
            vec![mode, command.into(), at, request_address(random), rest | write << 32]
        }
        Op::Kmod => {
            let command = pick(random, &KMOD);
            let (data, size, offset) = (data_address(random), size(random), offset(random));
            let (second, third) = match command {
                kmod::READ64 | kmod::WRITE64 => {
                    (offset, size | u64::from(random.once_in(20)) << 32)
                }
                _ => (size | offset << 32, 0),
            };
            let at = argument_address(random);
            vec![mode, command.into(), at, data, second, third, random.next() & 0xff]
        }
        Op::Touch => vec![request_address(random), random.next(), random.below(2) as u64],
        Op::Unmap => vec![request_address(random), (1 + random.below(8)) as u64 * PAGE],
        Op::Protect => {
            let length = (1 + random.below(6)) as u64 * PAGE;
            vec![request_address(random), length, random.below(8) as u64]
        }
        Op::Remap => {
            let length = |random: &mut Random| random.below(5) as u64 * PAGE;
            vec![request_address(random), length(random), length(random), random.below(8) as u64]
        }
        Op::Advise => {
            let length = (1 + random.below(6)) as u64 * PAGE;
            vec![request_address(random), length, pick(random, &ADVICE)]
        }
        Op::Map => vec![request_address(random), PAGE, random.below(8) as u64],
        Op::Read => {
            let offset = if random.once_in(2) { 0 } else { random.below(300) as u64 };
            vec![random.below(files::all().len()) as u64, offset, random.below(5000) as u64]
        }
        Op::Write => {
            bytes = text(random);
            vec![random.below(files::all().len()) as u64, 0]
        }
        Op::Node => {
            let (offset, size) = (random.below(WINDOW) as u64, random.below(5000) as u64);
            vec![random.below(2) as u64, offset, size, random.next() & 0xff]
        }
        Op::Reload => {
            let module = random.below(ringside_uapi::MODULES.len());
            bytes = parameters(random, module);
            vec![module as u64]
        }
        Op::Syscall => vec![1 + random.below(3) as u64],
        Op::Restart => vec![],
    };
    Call { op, actor: u8::from(random.once_in(6)), numbers, bytes }
}

fn any_call(random: &mut Random) -> Call {
    let op = match random.below(200) {
        0..80 => Op::Memalloc,
        80..130 => Op::Kmod,
        130..145 => Op::Touch,
        145..150 => Op::Unmap,
        150..154 => Op::Protect,
        154..157 => Op::Remap,
        157..160 => Op::Advise,
        160 => Op::Map,
        161..173 => Op::Read,
        173..186 => Op::Write,
        186..195 => Op::Node,
        195..198 => Op::Syscall,
        198 if random.once_in(3) => Op::Reload,
        _ if random.once_in(2) => Op::Restart,
        _ => Op::Memalloc,
    };
    call(random, op)
}

/// One from nothing.
pub fn program(random: &mut Random) -> Program {
    let length = 3 + random.below(LONGEST - 3);
    tame((0..length).map(|_| any_call(random)).collect())
}

/// One that differs a little from `old`, and may go on like `other`.
pub fn changed(random: &mut Random, old: &[Call], other: &[Call]) -> Program {
    let mut program = old.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(program.len() + 1);
        match random.below(8) {
            0 | 1 => program.insert(at, any_call(random)),
            2 if program.len() > 1 => drop(program.remove(at.min(program.len() - 1))),
            3 if at < program.len() => program.insert(at, program[at].clone()),
            4 => {
                program.truncate(at);
                program.extend_from_slice(other);
            }
            _ => {
                if let Some(call) = program.get_mut(at) {
                    change(random, call);
                }
            }
        }
    }
    program.truncate(LONGEST);
    if program.is_empty() {
        program.push(any_call(random));
    }
    tame(program)
}

fn change(random: &mut Random, old: &mut Call) {
    if random.once_in(4) {
        let fresh = call(random, old.op);
        let at = random.below(fresh.numbers.len().max(1));
        if let (Some(old), Some(fresh)) = (old.numbers.get_mut(at), fresh.numbers.get(at)) {
            *old = *fresh;
        }
        return;
    }
    let bytes = old.bytes.len();
    if bytes > 0 && random.once_in(2) {
        old.bytes[random.below(bytes)] = random.next() as u8;
        return;
    }
    let count = old.numbers.len();
    match count {
        0 => {}
        _ => {
            let number = &mut old.numbers[random.below(count)];
            *number = match random.below(5) {
                0 => *number ^ 1 << random.below(64),
                1 => number.wrapping_add(1),
                2 => number.wrapping_sub(1),
                3 => pick(random, &NUMBERS),
                _ => number.wrapping_add(PAGE),
            };
        }
    }
    if random.once_in(10) {
        old.actor ^= 1;
    }
}

/// Keeps what would harm the one who makes the calls, or take for ever, out of a program.
pub fn tame(mut program: Program) -> Program {
    for call in &mut program {
        debug_assert_eq!(call.numbers.len(), call.op.takes(), "{call}");
        let numbers = &mut call.numbers;
        match call.op {
            Op::Memalloc | Op::Kmod => {
                numbers[0] %= 3;
                numbers[1] &= u64::from(u32::MAX);
                // Numbers of another letter are not the modules' business.
                numbers[1] = numbers[1] & !0xff00 | u64::from(b'a') << 8;
                if arena::accessible(numbers[2], 1, true).is_none() {
                    numbers[2] = ARGUMENTS.start;
                }
                if call.op == Op::Kmod {
                    let data = numbers[3];
                    if arena::accessible(data, 1, true).is_none() && !arena::is_for_requests(data) {
                        numbers[3] = DATA.start;
                    }
                    numbers[6] &= 0xff;
                }
            }
            Op::Touch => numbers[0] &= !7,
            Op::Unmap | Op::Protect | Op::Remap | Op::Advise => {
                if !arena::is_for_requests(numbers[0]) {
                    numbers[0] = SLOTS;
                }
                let end = SLOT_PAGES * PAGE - numbers[0] % (SLOT_PAGES * PAGE);
                numbers[1] = numbers[1].min(end);
                if call.op == Op::Advise && !ADVICE.contains(&numbers[2]) {
                    numbers[2] = ADVICE[numbers[2] as usize % ADVICE.len()];
                }
                if call.op == Op::Remap {
                    numbers[3] &= 7;
                }
            }
            Op::Map => {
                numbers[0] = if arena::is_for_requests(numbers[0]) { numbers[0] } else { SLOTS };
                numbers[1] = numbers[1].min(1 << 20);
            }
            Op::Read => {
                numbers[0] %= files::all().len() as u64;
                numbers[1] &= 0xffff_ffff;
                numbers[2] = numbers[2].min(DATA.size);
            }
            Op::Write => {
                numbers[0] %= files::all().len() as u64;
                numbers[1] &= 0xffff_ffff;
                let file = &files::all()[numbers[0] as usize];
                // Some hundred steps are enough.
                if let (Kind::Control(_), Some(value)) = (file.kind, files::number(&call.bytes))
                    && file.path.ends_with("/step")
                    && (300..=1_000_000).contains(&value)
                {
                    call.bytes = b"300".to_vec();
                }
            }
            Op::Node => {
                numbers[0] %= 2;
                numbers[1] %= WINDOW as u64;
                numbers[2] = numbers[2].min(WINDOW as u64 - numbers[1]);
                numbers[3] &= 0xff;
            }
            Op::Reload => {
                numbers[0] %= ringside_uapi::MODULES.len() as u64;
                call.bytes.retain(|byte| *byte != 0);
                // Thousands of threads, or gigabytes of slots, take long and are no news.
                let run = |digits: &[u8]| (3..=10).contains(&digits.len());
                if call.bytes.split(|byte| !byte.is_ascii_hexdigit()).any(run) {
                    call.bytes.clear();
                }
            }
            Op::Syscall => numbers[0] = 1 + numbers[0] % 3,
            Op::Restart => call.actor = 1,
        }
    }
    program
}

#[test]
fn every_kind_of_call_is_made() {
    let mut random = Random::from(7);
    let calls: Vec<Call> = (0..500).flat_map(|_| program(&mut random)).collect();
    for (op, name, _) in OPS {
        assert!(calls.iter().any(|call| call.op == op), "{name}");
    }
}
