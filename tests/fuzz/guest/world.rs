// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes the calls of a program, and holds what comes of them against the model.

use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use nix::libc;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use ringside_uapi::{MODULES, kmod, memalloc};

use super::actor::{Actors, LOAD, STORE, bytes, map_arena};
use super::arena::{self, ARGUMENTS, DATA, NOWHERE, PAGE};
use super::call::{Call, Op};
use super::expect::{Expect, in_words};
use super::files::{self, Kind, LOADED};
use super::kcov::Kcov;
use super::make::ACTOR;
use super::model::{Model, WINDOW};
use crate::run_in_guest::{counter, insmod, rmmod, text};

const STICK: &str = "/dev/ringside-usb";

/// Why a program fails.
pub struct Mismatch {
    /// Which of its calls; one more than there are if it is what is left in the end.
    pub call: usize,
    pub why: String,
}

pub struct World {
    actors: Actors,
    kcov: Option<[Kcov; 2]>,
    /// Each pair of places that was ever seen.
    seen: HashSet<u64>,
    model: Model,
    node: File,
    /// Descriptors: of whom, of which device, in which mode.
    open: HashMap<(u8, &'static str, u64), u64>,
    number: u64,
}

impl World {
    /// With all modules loaded.
    pub fn new() -> Self {
        map_arena();
        stay_on_one_processor();
        for (module, parameters) in MODULES.iter().zip(LOADED) {
            insmod(module.name, parameters).expect("it loads");
        }
        let kcov = Kcov::open().zip(Kcov::open()).map(|(one, other)| [one, other]);
        let mut actors = Actors::start(kcov.as_ref().map(|kcov| kcov[1].fd()));
        if let Some(kcov) = &kcov {
            assert!(Kcov::enable(kcov[0].fd()), "KCOV is for this thread");
        }
        let node = File::options().read(true).write(true).open(STICK).expect("there is a stick");
        let limit = address_limit(&mut actors);
        let number = text("/sys/kernel/my_syscall/number").parse().expect("a number");
        let model = Model::new(counter("kmod", "device_size"), limit);
        let open = HashMap::new();
        let mut world = Self { actors, kcov, seen: HashSet::new(), model, node, open, number };
        world.wipe();
        world
    }

    pub fn is_guided(&self) -> bool {
        self.kcov.is_some()
    }

    pub fn places(&self) -> usize {
        self.seen.len()
    }

    /// Empties what the model knows of the disk.
    fn wipe(&mut self) {
        self.node.write_all_at(&vec![0; WINDOW], 0).expect("the stick can be written");
        self.model.disk.window.fill(0);
    }

    /// Takes what lies on the disk for right.
    fn look_again(&mut self) {
        let window = &mut self.model.disk.window;
        self.node.read_exact_at(window, 0).expect("the stick can be read");
    }

    /// Runs a program; whether it came by something new.
    pub fn run(&mut self, program: &[Call]) -> Result<bool, Mismatch> {
        let mut news = false;
        self.begin();
        for (call, it) in program.iter().enumerate() {
            if let Some(kcov) = &self.kcov {
                kcov[usize::from(it.actor)].clear();
            }
            let outcome = self.call(it);
            if let Some(kcov) = &self.kcov {
                for step in kcov[usize::from(it.actor)].steps() {
                    news |= self.seen.insert(step);
                }
            }
            outcome.map_err(|why| Mismatch { call, why })?;
        }
        self.end().map_err(|why| Mismatch { call: program.len(), why })?;
        Ok(news)
    }

    /// As each program finds it: the position at 0.
    fn begin(&mut self) {
        let to_zero = Call {
            op: Op::Kmod,
            actor: 0,
            numbers: vec![2, kmod::BREADOFFSET.into(), ARGUMENTS.start, DATA.start, 0, 0, 0],
            bytes: Vec::new(),
        };
        self.call(&to_zero).expect("nothing can be read");
    }

    /// Gives everything back; then nothing of memalloc is in use.
    fn end(&mut self) -> Result<(), String> {
        for actor in 0..2 {
            let starts: Vec<u64> =
                self.model.memory.requests[usize::from(actor)].keys().copied().collect();
            for start in starts {
                let free = Call {
                    op: Op::Memalloc,
                    actor,
                    numbers: vec![2, memalloc::FREE.into(), ARGUMENTS.start, start, 0],
                    bytes: Vec::new(),
                };
                self.call(&free)?;
            }
        }
        for (name, expected) in [("pages_mapped", 0), ("requests", 0)] {
            let found = counter("memalloc", name);
            if found != expected {
                return Err(format!("{name} is {found} when everything was given back"));
            }
        }
        if self.model.paused {
            self.call(&write("paused", b"0"))?;
        }
        if std::mem::take(&mut self.model.delayed) {
            for delay in ["producer_delay", "consumer_delay"] {
                self.call(&write(delay, b"100000"))?;
            }
            self.model.delayed = false;
        }
        Ok(())
    }

    fn call(&mut self, call: &Call) -> Result<(), String> {
        let expect = self.model.expect(call);
        let result = match call.op {
            Op::Memalloc => self.memalloc(call),
            Op::Kmod => return self.kmod(call, &expect),
            Op::Touch => return self.touch(call),
            Op::Unmap | Op::Protect | Op::Remap | Op::Advise | Op::Map => self.map(call),
            Op::Read => return self.read(call, &expect),
            Op::Write => self.write(call),
            Op::Node => return self.node(call),
            Op::Reload => self.reload(call),
            Op::Syscall => {
                let number = self.number;
                let mut made = (0..call.numbers[0])
                    .map(|_| self.actors.make(call.actor, [number, 0, 0, 0, 0, 0, 0]));
                made.find(|result| *result != 0).unwrap_or(0)
            }
            Op::Restart => {
                self.actors.restart();
                self.open.retain(|key, _| key.0 == 0);
                0
            }
        };
        check(&expect, result)?;
        self.model.note(call, result);
        Ok(())
    }

    /// A descriptor of one of the two.
    fn open(&mut self, actor: u8, device: &'static str, mode: u64) -> u64 {
        if let Some(fd) = self.open.get(&(actor, device, mode)) {
            return *fd;
        }
        let path = CString::new(device).expect("no NUL in a path");
        let path = path.as_bytes_with_nul();
        // The argument is written later.
        bytes(ARGUMENTS.start, path.len() as u64).copy_from_slice(path);
        let raw = [libc::SYS_open as u64, ARGUMENTS.start, mode, 0, 0, 0, 0];
        let fd = self.actors.make(actor, raw);
        let fd = u64::try_from(fd).unwrap_or_else(|_| panic!("{device}: {}", in_words(fd)));
        self.open.insert((actor, device, mode), fd);
        fd
    }

    fn ioctl(&mut self, call: &Call, device: &'static str, words: &[u64]) -> i64 {
        let [mode, command, at] = call.number();
        let fd = self.open(call.actor, device, mode);
        let room = arena::accessible(at, 8 * words.len() as u64, true).unwrap_or_default();
        let given: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        if room > 0 {
            bytes(at, room).copy_from_slice(&given[..room as usize]);
        }
        self.actors.make(call.actor, [libc::SYS_ioctl as u64, fd, command, at, 0, 0, 0])
    }

    fn memalloc(&mut self, call: &Call) -> i64 {
        let [_, command, at, vaddr, rest] = call.number();
        let mut words = [0; 7];
        (words[0], words[1]) = (vaddr, rest);
        if command == u64::from(memalloc::SHAREPAGE)
            && let Some(which @ 0..2) = (rest & 0xffff_ffff).checked_sub(ACTOR)
        {
            let pid = self.actors.pid(which as u8).as_raw() as u64;
            words[1] = rest >> 32 << 32 | pid;
        }
        let result = self.ioctl(call, memalloc::DEVICE, &words);
        if result == 0 && command == u64::from(memalloc::WALK) {
            let info = bytes(at, 56);
            let depth = u32::from_le_bytes(info[12..16].try_into().expect("four bytes"));
            assert!((1..=5).contains(&depth), "a walk of {depth} levels");
        }
        result
    }

    fn kmod(&mut self, call: &Call, expect: &Expect) -> Result<(), String> {
        let [_, _, _, data, second, third, fill] = call.number();
        let transfer = self.model.disk.transfer(call);
        // Where both see the data.
        let shared = |size: u64| arena::accessible(data, size, true).unwrap_or_default();
        if let Some(transfer) = &transfer {
            let room = shared(transfer.size);
            if room > 0 && transfer.data == data {
                bytes(data, room).fill(fill as u8);
            }
        }
        let result = self.ioctl(call, kmod::DEVICE, &[data, second, third]);
        check(expect, result)?;
        let (Some(transfer), Ok(moved)) = (transfer, u64::try_from(result)) else {
            return Ok(());
        };
        if transfer.moves {
            self.model.disk.position = transfer.offset + moved;
        }
        if moved == 0 {
            return Ok(());
        }
        let known = arena::accessible(transfer.data, moved, false) == Some(moved);
        // An argument that lies in the data is not what it was.
        let found = known.then(|| bytes(transfer.data, moved).to_vec());
        if transfer.write {
            match found {
                Some(found) => self.model.disk.written(transfer.offset, &found),
                None => self.look_again(),
            }
        } else if let Some(found) = found {
            self.model.disk.agrees(transfer.offset, &found)?;
        } else {
            self.model.memory.forget(call.actor, transfer.data..transfer.data + moved);
        }
        Ok(())
    }

    /// A load or store, where it can be made.
    fn touch(&mut self, call: &Call) -> Result<(), String> {
        let [address, value, store] = call.number();
        let Some((_, request, page)) = self.model.memory.find(call.actor, address) else {
            return Ok(());
        };
        let page = request.pages[page];
        let needed = if store == 0 { libc::PROT_READ } else { libc::PROT_READ | libc::PROT_WRITE };
        if request.protection.is_none_or(|has| has & needed != needed) {
            return Ok(());
        }
        // Of each page the model knows the first word and the last.
        let last = address % PAGE >= PAGE / 2;
        let address = address / PAGE * PAGE + if last { PAGE - 8 } else { 0 };
        if store == 0 {
            let found = self.actors.make(call.actor, [LOAD, address, 0, 0, 0, 0, 0]) as u64;
            let word = &mut self.model.memory.words[page][usize::from(last)];
            if word.is_some_and(|known| known != found) {
                return Err(format!(
                    "{address:#x} holds {found:#x} and not {:#x}",
                    word.unwrap_or(0)
                ));
            }
            *word = Some(found);
        } else {
            self.actors.make(call.actor, [STORE, address, value, 0, 0, 0, 0]);
            self.model.memory.words[page][usize::from(last)] = Some(value);
        }
        Ok(())
    }

    fn map(&mut self, call: &Call) -> i64 {
        let [address, length, third, fourth] = call.number();
        let raw = match call.op {
            Op::Unmap => [libc::SYS_munmap as u64, address, length, 0, 0, 0, 0],
            Op::Protect => [libc::SYS_mprotect as u64, address, length, third, 0, 0, 0],
            Op::Remap => {
                let number = libc::SYS_mremap as u64;
                [number, address, length, third, fourth, NOWHERE, 0]
            }
            Op::Advise => [libc::SYS_madvise as u64, address, length, third, 0, 0, 0],
            _ => {
                let fd = self.open(call.actor, memalloc::DEVICE, 2);
                let flags = (libc::MAP_SHARED | libc::MAP_FIXED_NOREPLACE) as u64;
                [libc::SYS_mmap as u64, address, length, third, flags, fd, 0]
            }
        };
        self.actors.make(call.actor, raw)
    }

    fn read(&mut self, call: &Call, expect: &Expect) -> Result<(), String> {
        let [file, offset, size] = call.number();
        let file = &files::all()[file as usize];
        let fd = File::open(&file.path).map_err(|error| format!("{}: {error}", file.path))?;
        let raw = [libc::SYS_pread64 as u64, fd.as_raw_fd() as u64, DATA.start, size, offset, 0, 0];
        // Descriptors of sysfs are this process's.
        let result = self.actors.make(0, raw);
        check(expect, result)?;
        let found = bytes(DATA.start, result.max(0) as u64);
        match file.kind {
            Kind::Counter | Kind::Control(_) if offset == 0 && size >= 22 => {
                let number = found.strip_suffix(b"\n").and_then(files::number);
                let Some(number) = number else {
                    return Err(format!(
                        "{} holds {:?}",
                        file.path,
                        found.escape_ascii().to_string()
                    ));
                };
                let known = match file.path.as_str() {
                    path if path.ends_with("/pages_mapped") => self.model.memory.pages() as u64,
                    path if path.ends_with("/requests") => self.model.memory.count() as u64,
                    path if path.ends_with("kmod/counters/position") => self.model.disk.position,
                    path if path.ends_with("/paused") => self.model.paused.into(),
                    _ => number,
                };
                let right = number == known;
                right
                    .then_some(())
                    .ok_or_else(|| format!("{} is {number} and not {known}", file.path))
            }
            _ => Ok(()),
        }
    }

    fn write(&mut self, call: &Call) -> i64 {
        let [file, offset] = call.number();
        let file = &files::all()[file as usize];
        let opened = File::options().write(true).open(&file.path);
        match opened.and_then(|opened| opened.write_at(&call.bytes, offset)) {
            Ok(written) => written as i64,
            Err(error) => -i64::from(error.raw_os_error().unwrap_or(libc::EIO)),
        }
    }

    fn node(&mut self, call: &Call) -> Result<(), String> {
        let [write, offset, size, fill] = call.number();
        let mut buffer = vec![fill as u8; size as usize];
        if write == 1 {
            self.node.write_all_at(&buffer, offset).map_err(|error| format!("{STICK}: {error}"))?;
            self.model.disk.written(offset, &buffer);
            return Ok(());
        }
        let read = self.node.read_exact_at(&mut buffer, offset);
        read.map_err(|error| format!("{STICK}: {error}"))?;
        self.model.disk.agrees(offset, &buffer)
    }

    /// What a load with these parameters gives; afterwards it is loaded as usual.
    fn reload(&mut self, call: &Call) -> i64 {
        let which = call.numbers[0] as usize;
        let name = MODULES[which].name;
        if self.model.memory.count() > 0 && name == "memalloc" {
            // It is in use, and stays.
            return match rmmod(name) {
                Ok(()) => 1,
                Err(_) => 0,
            };
        }
        let open = std::mem::take(&mut self.open);
        for ((actor, ..), fd) in open {
            self.actors.make(actor, [libc::SYS_close as u64, fd, 0, 0, 0, 0, 0]);
        }
        rmmod(name).unwrap_or_else(|errno| panic!("{name} can't be unloaded: {errno}"));
        let parameters = String::from_utf8_lossy(&call.bytes).into_owned();
        let result = match insmod(name, &parameters) {
            Ok(()) => {
                rmmod(name).unwrap_or_else(|errno| panic!("{name} can't be unloaded: {errno}"));
                0
            }
            Err(errno) => -(errno as i64),
        };
        insmod(name, LOADED[which]).unwrap_or_else(|errno| panic!("{name}: {errno}"));
        result
    }
}

fn check(expect: &Expect, result: i64) -> Result<(), String> {
    match expect.allows(result) {
        true => Ok(()),
        false => Err(format!("it returned {}, and {expect} is right", in_words(result))),
    }
}

fn write(control: &str, value: &[u8]) -> Call {
    let path = format!("/sys/module/producer_consumer/controls/{control}");
    let file = files::all().iter().position(|file| file.path == path).expect("there is one");
    Call { op: Op::Write, actor: 0, numbers: vec![file as u64, 0], bytes: value.to_vec() }
}

/// Both processes: one waits while the other works, and waking another processor is slow.
fn stay_on_one_processor() {
    let mut set = CpuSet::new();
    set.set(0).expect("there is a first processor");
    sched_setaffinity(Pid::from_raw(0), &set).expect("this thread may stay there");
}

/// Where the addresses of processes end: with four levels of page tables, or five.
fn address_limit(actors: &mut Actors) -> u64 {
    let device = File::open(memalloc::DEVICE).expect("the device can be opened");
    bytes(ARGUMENTS.start, 56).fill(0);
    let (fd, command) = (device.as_raw_fd() as u64, memalloc::WALK.into());
    let raw = [libc::SYS_ioctl as u64, fd, command, ARGUMENTS.start, 0, 0, 0];
    assert_eq!(actors.make(0, raw), 0);
    let levels = u32::from_le_bytes(bytes(ARGUMENTS.start + 8, 4).try_into().expect("four bytes"));
    (if levels == 5 { 1 << 56 } else { 1 << 47 }) - PAGE
}
