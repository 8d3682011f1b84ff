// SPDX-License-Identifier: MIT OR Apache-2.0
//! The virtio port that a lab's guest talks through.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::kernel::Target;
use crate::kernel::wire::{Body, RESYNCHRONISE, write_frames};

/// The port's name, as QEMU gets it.
pub const PORT: &str = "ringside.agent";
/// Where the kernel lists ports.
const PORTS: &str = "/sys/class/virtio-ports";
/// How long a port may take to appear after the kernel has booted.
const APPEARS_WITHIN: Duration = Duration::from_secs(10);
/// How often a port without anybody at the other end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a port must be without anybody for its conversation to be over.
const DESERTED_AFTER: Duration = Duration::from_millis(50);

/// Serves `target` on the port for as long as there is one: clients come and
/// go, and what one leaves half-said does not disturb the next. `again`: another
/// agent talked there before, and whoever waits for its replies gets an error.
///
/// # Errors
/// When there is no such port, or it goes away.
pub fn serve_port(target: &dyn Target, again: bool) -> Result<()> {
    let path = find(Instant::now() + APPEARS_WITHIN)?;
    let port = File::options().read(true).write(true).open(&path)?;
    // The first agent must not say so: who waits for it to come up would take
    // the words for the end of what it has just begun.
    if again {
        begin(port.try_clone()?)?;
    }
    loop {
        let reader = PortReader { port: &port, met: false };
        super::serve(reader, port.try_clone()?, target)?;
    }
}

/// Tells whoever may have talked to an agent before that this is another one.
/// On a thread: nobody may be there, and there is no hurry.
fn begin(port: File) -> Result<()> {
    std::thread::Builder::new().name("begin".into()).spawn(move || {
        let frames = Body::Begun.frames(0).unwrap_or_default();
        // It fails when the port has gone, which the reader sees as well.
        drop((&port).write_all(RESYNCHRONISE).and_then(|()| write_frames(&port, &frames)));
    })?;
    Ok(())
}

/// The port's node, once it is there.
fn find(until: Instant) -> Result<PathBuf> {
    loop {
        for entry in Path::new(PORTS).read_dir().into_iter().flatten().flatten() {
            let name = std::fs::read_to_string(entry.path().join("name")).unwrap_or_default();
            let node = Path::new("/dev").join(entry.file_name());
            if name.trim_end() == PORT && node.exists() {
                return Ok(node);
            }
        }
        if Instant::now() > until {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("this machine has no virtio port named {PORT}"),
            ));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Reads the port, and ends when whoever was at the other end has gone.
struct PortReader<'a> {
    port: &'a File,
    /// Has anybody been there yet?
    met: bool,
}

impl PortReader<'_> {
    /// Is nobody at the other end, and stays so? The news that one has gone may
    /// come after the first words of the next, which must not be thrown away.
    fn is_deserted(&self) -> bool {
        let until = Instant::now() + DESERTED_AFTER;
        while Instant::now() < until {
            let mut fds = [PollFd::new(self.port.as_fd(), PollFlags::POLLIN)];
            let polled = poll(&mut fds, PollTimeout::ZERO);
            let gone = fds[0].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP));
            if polled.is_ok() && !gone {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        true
    }
}

impl Read for PortReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.port.read(buffer) {
                // Nobody is there yet.
                Ok(0) if !self.met => std::thread::sleep(LOOK_EVERY),
                Ok(0) if !self.is_deserted() => {}
                Ok(size) => {
                    self.met = size > 0;
                    return Ok(size);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
