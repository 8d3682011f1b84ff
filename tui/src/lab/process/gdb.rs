// SPDX-License-Identifier: MIT OR Apache-2.0
//! gdb's way to the guest: a socket in the lab's own folder, and behind it QEMU's
//! stub, one debugger at a time.
//!
//! QEMU would leave a guest halted, with all its breakpoints, when gdb dies; and
//! QEMU 7.2 crashes when its stub is opened a second time, or is spoken to after a
//! detach. So the stub stays open, and what gdb and it say passes through here:
//! when gdb's connection ends, however it does, its breakpoints are removed and
//! the guest goes on.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::lab::runtime::GDB_SOCKET;
use crate::lab::vm::error::{VmError, VmResult};
use crate::lab::vm::machine::Machine;

/// Halts the guest (the stub takes any byte for that while it runs) and asks why it
/// is halted, which removes all breakpoints: so a debugger begins. Twice, for what
/// is left of an unfinished packet takes the first along. Then a question that
/// nobody else asks.
const BEGIN: &[u8] = b"\x03$?#3f\x03$?#3f$qAttached#8f";
/// The answer to that question: whatever was asked before is answered.
const BEGUN: &[u8] = b"$1#31";
/// What gdb says to leave what it debugs, and to end it, which here would be QEMU.
const LEAVE: [&[u8]; 4] = [b"$D;1#b0", b"$D#44", b"$k#6b", b"$vKill;"];
/// The answer to that.
const LEFT: &[u8] = b"+$OK#9a";
/// How long QEMU may take to halt the guest on a busy machine.
const HALTS_WITHIN: Duration = Duration::from_secs(20);
/// How long gdb may take to hang up, and how often it is looked whether it has.
const LAST_WORD: Duration = Duration::from_millis(150);
/// How long a mark that is being made may take on a busy machine.
const SAVED_WITHIN: Duration = Duration::from_secs(20);
/// How often it is looked whether the machine is still there.
const LOOK_EVERY_MS: u16 = 1000;

/// Serves debuggers of `machine` in the lab's `folder`, until the machine ends.
///
/// # Errors
/// The socket can't be made.
pub(super) fn serve(machine: &Arc<Machine>, folder: &Path, image: &Path) -> VmResult<()> {
    let path = folder.join(GDB_SOCKET);
    // That of the guest before this one.
    drop(fs::remove_file(&path));
    let listener = UnixListener::bind(&path).map_err(VmError::io("make a socket for gdb"))?;
    let symbols = Symbols { map: image.ancestors().nth(4).map(|top| top.join("System.map")) };
    let machine = Arc::downgrade(machine);
    thread::Builder::new()
        .name("gdb".into())
        .spawn(move || {
            let mut stub = None;
            loop {
                let called = wait(&listener);
                let Some(machine) = machine.upgrade() else { return };
                if !called {
                    continue;
                }
                let Ok((client, _)) = listener.accept() else { return };
                if let Err(error) = session(&machine, &mut stub, &client, &symbols) {
                    tracing::warn!("gdb: {error}");
                }
            }
        })
        .map(drop)
        .map_err(VmError::io("start a thread"))
}

/// Waits for a debugger, but not for long.
fn wait(listener: &UnixListener) -> bool {
    let mut fds = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::from(LOOK_EVERY_MS)).is_ok_and(|ready| ready > 0)
}

/// One debugger, from its connection to its end. `kept` is the way to the stub,
/// once it is open.
fn session(
    machine: &Arc<Machine>,
    kept: &mut Option<UnixStream>,
    client: &UnixStream,
    symbols: &Symbols,
) -> VmResult<()> {
    // No mark is begun from now on.
    machine.halt().attach(true);
    let ended = attached(machine, kept, client, symbols);
    machine.halt().attach(false);
    ended
}

/// The same, while whoever asks hears that a debugger is there.
fn attached(
    machine: &Arc<Machine>,
    kept: &mut Option<UnixStream>,
    client: &UnixStream,
    symbols: &Symbols,
) -> VmResult<()> {
    let io = |doing: &str| VmError::io(doing.to_owned());
    let ran = runs(machine)?;
    let stub = match kept {
        Some(stub) => stub,
        None => {
            let (ours, theirs) = UnixStream::pair().map_err(io("make a socket for gdb"))?;
            machine.gdb(theirs.as_fd())?;
            kept.insert(ours)
        }
    };
    let stub = &*stub;
    halt(stub)?;
    let over = AtomicBool::new(false);
    let halted = thread::scope(|scope| {
        scope.spawn(|| places(machine, symbols));
        let answers = scope.spawn(|| {
            pass_answers(machine, stub, client, &over);
        });
        pass_orders(client, stub);
        over.store(true, Ordering::Relaxed);
        drop(client.shutdown(Shutdown::Both));
        drop(answers.join());
        let halted = halt(stub);
        machine.halt().attach(false);
        halted
    });
    // Where QEMU is gone, everybody else hears of it.
    if let Err(error) = halted {
        tracing::warn!("gdb: {error}");
    }
    // A guest that was dead before is so again.
    if ran { machine.proceed() } else { machine.stop() }
}

/// Do the guest's processors run? While a mark is made they stand for a moment, which is
/// waited for: taken for a dead guest, it would be left halted.
fn runs(machine: &Machine) -> VmResult<bool> {
    let until = Instant::now() + SAVED_WITHIN;
    loop {
        match machine.runs()? {
            Some(runs) => return Ok(runs),
            // A debugger has let a dead one run, and it was halted again.
            None if Instant::now() > until => return Ok(false),
            None => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Halts the guest, without breakpoints, and leaves nothing unread.
fn halt(mut stub: &UnixStream) -> VmResult<()> {
    let failed = || VmError::io("halt the guest for gdb");
    let until = Instant::now() + HALTS_WITHIN;
    stub.set_read_timeout(Some(HALTS_WITHIN)).map_err(failed())?;
    stub.write_all(BEGIN).map_err(failed())?;
    let mut said = Vec::new();
    let mut buffer = [0; 4096];
    while !said.windows(BEGUN.len()).any(|part| part == BEGUN) {
        let size = stub.read(&mut buffer).map_err(failed())?;
        if size == 0 || Instant::now() > until {
            let error = std::io::Error::from(ErrorKind::TimedOut);
            return Err(failed()(error));
        }
        // What came before the last packet's begin is of no use.
        let keep = said.len().saturating_sub(BEGUN.len());
        said.drain(..keep);
        said.extend_from_slice(&buffer[..size]);
    }
    stub.write_all(b"+").map_err(failed())
}

/// Passes on what gdb says, until it leaves or is gone.
fn pass_orders(mut client: &UnixStream, mut stub: &UnixStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(size @ 1..) = client.read(&mut buffer) {
        let bytes = &buffer[..size];
        if LEAVE.iter().any(|word| bytes.windows(word.len()).any(|part| part == *word)) {
            drop(client.write_all(LEFT));
            // It hangs up first, or complains.
            drop(client.set_read_timeout(Some(LAST_WORD)));
            while matches!(client.read(&mut buffer), Ok(1..)) {}
            return;
        }
        if stub.write_all(bytes).is_err() {
            return;
        }
    }
}

/// Passes on what the stub says.
fn pass_answers(
    machine: &Machine,
    mut stub: &UnixStream,
    mut client: &UnixStream,
    over: &AtomicBool,
) {
    let mut buffer = [0; 16 * 1024];
    let mut stops = StopReplies::default();
    drop(stub.set_read_timeout(Some(LAST_WORD)));
    while !over.load(Ordering::Relaxed) {
        match stub.read(&mut buffer) {
            Ok(0) => break,
            Ok(size) => {
                if let Some(processor) = stops.read(&buffer[..size]) {
                    machine.halt().stopped_by(processor);
                }
                if client.write_all(&buffer[..size]).is_err() {
                    break;
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    drop(client.shutdown(Shutdown::Both));
}

/// Finds in what the stub says which processor stopped.
#[derive(Default)]
struct StopReplies {
    /// The packet so far, as much of it as a stop reply may have.
    packet: Vec<u8>,
}

impl StopReplies {
    const LONGEST: usize = 64;

    /// The processor of the last stop reply that ends in `bytes`, counted from 0.
    ///
    /// `$T05thread:p01.02;#…`: QEMU's threads are the processors, counted from 1
    /// (`gdbstub.c`); neither `$` nor `#` stands within a packet.
    fn read(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut found = None;
        for byte in bytes {
            match byte {
                b'$' => self.packet.clear(),
                b'#' => found = Self::processor(&self.packet).or(found),
                _ if self.packet.len() < Self::LONGEST => self.packet.push(*byte),
                _ => {}
            }
        }
        found
    }

    fn processor(packet: &[u8]) -> Option<usize> {
        let text = std::str::from_utf8(packet.strip_prefix(b"T")?).ok()?;
        let thread = text.split_once("thread:")?.1.split(';').next()?;
        let number = thread.rsplit('.').next()?;
        usize::from_str_radix(number, 16).ok()?.checked_sub(1)
    }
}

/// Finds out where the guest stands, each time that it stops.
fn places(machine: &Machine, symbols: &Symbols) {
    while let Some(stop) = machine.halt().wait_for_stop() {
        let registers = machine.registers().ok();
        let place = registers.and_then(|text| instruction(&text, stop.processor));
        let place = place.map_or_else(|| "an unknown place".into(), |at| symbols.place(at));
        machine.halt().at(&stop, place);
    }
}

/// The instruction pointer of `processor`, else of the first that was not idle, else
/// of the first, in what QEMU prints.
fn instruction(registers: &str, processor: Option<usize>) -> Option<u64> {
    let all = || registers.split("CPU#").filter(|one| one.contains("RIP="));
    let number = |one: &str| one.split_whitespace().next()?.parse().ok();
    let named = processor.and_then(|wanted| all().find(|one| number(one) == Some(wanted)));
    let busy = || all().find(|one| one.contains("HLT=0"));
    let text = named.or_else(busy).or_else(|| all().next())?.split("RIP=").nth(1)?;
    u64::from_str_radix(text.split_whitespace().next()?, 16).ok()
}

/// The names of the kernel's own addresses.
struct Symbols {
    map: Option<PathBuf>,
}

impl Symbols {
    fn place(&self, at: u64) -> String {
        const USER: u64 = 1 << 63;
        /// Where the kernel maps modules on x86-64.
        const MODULES: u64 = 0xffff_ffff_a000_0000;
        if at < USER {
            return format!("{at:#x}, in a program");
        }
        if (MODULES..0xffff_ffff_ff00_0000).contains(&at) {
            return format!("{at:#x}, in a module");
        }
        let text = self.map.as_ref().and_then(|path| fs::read_to_string(path).ok());
        let named = text.as_deref().and_then(|text| nearest(text, at));
        named.unwrap_or_else(|| format!("{at:#x}"))
    }
}

/// `schedule+0x10`, by a System.map, whose lines are in the order of addresses.
fn nearest(map: &str, at: u64) -> Option<String> {
    let lines = map.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let address = u64::from_str_radix(words.next()?, 16).ok()?;
        Some((address, words.nth(1)?))
    });
    let (address, name) = lines.take_while(|(address, _)| *address <= at).last()?;
    Some(format!("{name}+{:#x}", at - address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_by_the_symbol_before_it() {
        let map = "ffffffff81000000 T _text\nffffffff81000100 T first\nffffffff81000200 t second\n";
        assert_eq!(nearest(map, 0xffff_ffff_8100_0110).as_deref(), Some("first+0x10"));
        assert_eq!(nearest(map, 0xffff_ffff_8100_0200).as_deref(), Some("second+0x0"));
        assert_eq!(nearest(map, 0x10), None);
        let registers =
            "\r\nCPU#0\r\nRAX=0\r\nRIP=10 RFL=0 HLT=1\r\n\r\nCPU#1\r\nRIP=20 RFL=0 HLT=0\r\n";
        assert_eq!(instruction(registers, None), Some(0x20));
        assert_eq!(instruction(&registers.replace("HLT=0", "HLT=1"), None), Some(0x10));
    }

    #[test]
    fn the_place_is_that_of_the_processor_that_stopped_and_not_of_another_busy_one() {
        let registers =
            "\r\nCPU#0\r\nRAX=0\r\nRIP=10 RFL=0 HLT=0\r\n\r\nCPU#1\r\nRIP=20 RFL=0 HLT=0\r\n";
        let mut stops = StopReplies::default();
        // In two pieces, behind an acknowledgement and before another answer.
        assert_eq!(stops.read(b"+$OK#9a$T05thr"), None);
        let second = stops.read(b"ead:p01.02;#07$m1#9e");
        assert_eq!(second, Some(1));
        assert_eq!(instruction(registers, second), Some(0x20));
        assert_eq!(stops.read(b"$T02thread:01;#d7"), Some(0));
        assert_eq!(stops.read(b"$54thread:01;#00$T05#b9"), None);
    }

    #[test]
    fn what_is_said_to_the_stub_and_to_gdb_has_the_right_sum() {
        for said in [BEGIN, BEGUN, LEAVE[0], LEAVE[1], LEAVE[2], LEFT] {
            let text = String::from_utf8_lossy(said).into_owned();
            for packet in text.split('$').skip(1) {
                let (body, sum) = packet.split_once('#').unwrap();
                let right = body.bytes().fold(0_u8, u8::wrapping_add);
                assert_eq!(sum.get(..2), Some(&*format!("{right:02x}")), "{text}");
            }
        }
    }
}
