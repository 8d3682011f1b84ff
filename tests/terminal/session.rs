// SPDX-License-Identifier: MIT OR Apache-2.0
//! The real binary in a real pseudo-terminal: keys in, screen out.

use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::Pid;
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// What the terminal has shown so far.
struct Shown {
    parser: vt100::Parser,
    /// Everything that was written to it, byte by byte.
    raw: Vec<u8>,
}

/// A program in a pseudo-terminal.
pub struct Session {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    shown: Arc<Mutex<Shown>>,
    reader: Option<JoinHandle<()>>,
    before: Termios,
    /// Kept open while the program runs, so that the terminal is there whoever closes it.
    slave: Option<Box<dyn portable_pty::SlavePty + Send>>,
}

/// How long anything that is waited for may take: long, since machines are slow.
const PATIENCE: Duration = Duration::from_secs(120);

#[allow(dead_code, reason = "each of the programs that share this file uses a part of it")]
impl Session {
    /// Starts `program` in a terminal of `rows` and `columns`.
    pub fn start(program: &Path, arguments: &[&str], rows: u16, columns: u16) -> Self {
        Self::start_with(program, arguments, rows, columns, &[])
    }

    /// As [`Session::start`], with more of an environment.
    pub fn start_with(
        program: &Path,
        arguments: &[&str],
        rows: u16,
        columns: u16,
        environment: &[(&str, &str)],
    ) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal can be made");
        let before = settings(&*pair.master);
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.cwd(std::env::current_dir().expect("there is a working directory"));
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let shown = Arc::new(Mutex::new(Shown {
            parser: vt100::Parser::new(cells(rows), cells(columns), 0),
            raw: Vec::new(),
        }));
        let mut output = pair.master.try_clone_reader().expect("the terminal can be read");
        let sink = Arc::clone(&shown);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(size @ 1..) = output.read(&mut buffer) {
                let mut shown = lock(&sink);
                shown.parser.process(&buffer[..size]);
                shown.raw.extend_from_slice(&buffer[..size]);
            }
        });
        let keyboard = pair.master.take_writer().expect("the terminal can be written");
        Self {
            child,
            master: pair.master,
            keyboard,
            shown,
            reader: Some(reader),
            before,
            slave: Some(pair.slave),
        }
    }

    /// Types `keys`: plain text and escape sequences, as a terminal sends them.
    pub fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
        self.keyboard.flush().expect("the terminal takes keys");
    }

    /// The screen's text, a line per row.
    pub fn screen(&self) -> String {
        lock(&self.shown).parser.screen().contents()
    }

    /// The screen with its colours.
    pub fn cells(&self) -> vt100::Screen {
        lock(&self.shown).parser.screen().clone()
    }

    /// How many bytes were written to the terminal so far.
    pub fn bytes(&self) -> usize {
        lock(&self.shown).raw.len()
    }

    /// How often `sequence` was written to the terminal so far.
    pub fn count(&self, sequence: &str) -> usize {
        let raw = String::from_utf8_lossy(&lock(&self.shown).raw).into_owned();
        raw.matches(sequence).count()
    }

    /// Waits until the screen shows `text`.
    pub fn wait_for(&self, text: &str) {
        self.wait_until(&format!("{text:?} on the screen"), |screen| screen.contains(text));
    }

    /// Waits until `condition` holds of the screen's text.
    pub fn wait_until(&self, what: &str, condition: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if condition(&screen) {
                return;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}; the screen:\n{screen}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Changes the terminal's size.
    pub fn resize(&self, rows: u16, columns: u16) {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        lock(&self.shown).parser.screen_mut().set_size(cells(rows), cells(columns));
        self.master.resize(size).expect("the terminal can be resized");
    }

    /// The program's process id.
    pub fn pid(&self) -> Pid {
        let pid = self.child.process_id().expect("the program runs");
        Pid::from_raw(pid.try_into().expect("a process id is an i32"))
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("the program runs");
    }

    /// Waits until the program has ended.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                self.drain();
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end; the screen:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Reads what a program that has ended wrote last: all of it is there once
    /// nobody has the terminal open any more.
    fn drain(&mut self) {
        self.slave = None;
        let deadline = Instant::now() + PATIENCE;
        while self.reader.as_ref().is_some_and(|reader| !reader.is_finished()) {
            assert!(Instant::now() < deadline, "somebody else still has the terminal open");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Quits, also where that takes an answer, and waits for the end.
    pub fn quit(&mut self) -> ExitStatus {
        self.keys("q");
        let asked = "which ends with it";
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && !self.screen().contains(asked) {
            if let Ok(Some(_)) = self.child.try_wait() {
                return self.wait();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.keys("q");
        self.wait()
    }

    /// Checks that the terminal is as it was found, and was put back just once.
    pub fn assert_restored(&self) {
        assert_eq!(self.count("\x1b[?1049h"), 1, "it entered the alternate screen once");
        assert_eq!(self.count("\x1b[?1049l"), 1, "it left the alternate screen once");
        let screen = self.cells();
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.hide_cursor(), "the cursor is visible");
        assert!(!screen.bracketed_paste(), "bracketed paste is off");
        assert_eq!(
            screen.mouse_protocol_mode(),
            vt100::MouseProtocolMode::None,
            "the mouse is let go"
        );
        let after = settings(&*self.master);
        assert_eq!(after.local_flags, self.before.local_flags, "echo and line mode are back");
        assert_eq!(after.input_flags, self.before.input_flags);
        assert_eq!(after.output_flags, self.before.output_flags);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A test that failed leaves its program running: end it, and only it.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        // The reader ends with the terminal; it is not joined, since the last
        // open end of the terminal is ours and closes only after this.
        drop(self.reader.take());
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("a terminal has rows and columns")
}

fn lock(shown: &Mutex<Shown>) -> MutexGuard<'_, Shown> {
    shown.lock().expect("the terminal's reader does not panic")
}

fn settings(master: &dyn MasterPty) -> Termios {
    let fd = master.as_raw_fd().expect("a Unix terminal has a descriptor");
    // SAFETY: `master` owns the descriptor and outlives the borrow.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    tcgetattr(fd).expect("a terminal has settings")
}
