// SPDX-License-Identifier: MIT OR Apache-2.0
//! The thread that gets the signals.

use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;

use super::message::Message;
use super::screen::Ownership;

/// How long the loop has to end by itself after a signal.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts the thread. SIGINT, SIGTERM, SIGHUP and SIGQUIT end the loop; should
/// it hang (a terminal that takes no bytes), the terminal is restored from here
/// and the process ends. SIGTSTP stops the process as Ctrl-Z does; SIGCONT comes
/// after any stop, also one that nobody could prepare for (SIGSTOP).
pub(crate) fn start(send: Sender<Message>, ownership: Ownership) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT])?;
    let wait = move || {
        for signal in signals.forever() {
            if signal == SIGTSTP || signal == SIGCONT {
                let stop = signal == SIGTSTP;
                drop(send.send(if stop { Message::Suspend } else { Message::Continued }));
                continue;
            }
            let sent = send.send(Message::Signal(signal)).is_ok();
            let fallback = ownership.clone();
            thread::spawn(move || {
                if sent {
                    thread::sleep(PATIENCE);
                }
                fallback.release();
                drop(signal_hook::low_level::emulate_default_handler(signal));
            });
        }
    };
    thread::Builder::new().name("signals".into()).spawn(wait)?;
    Ok(())
}
