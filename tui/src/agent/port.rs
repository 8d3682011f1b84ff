// SPDX-License-Identifier: MIT OR Apache-2.0
//! The virtio port that a lab's guest talks through.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::target::Target;

/// The port's name, as QEMU is told it.
pub const PORT: &str = "ringside.agent";
/// Where the kernel lists ports.
const PORTS: &str = "/sys/class/virtio-ports";
/// How long a port may take to appear after the kernel has booted.
const APPEARS_WITHIN: Duration = Duration::from_secs(10);
/// How often a port without anybody at the other end is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Serves `target` on the port for as long as there is one: clients come and
/// go, and what one leaves half-said does not disturb the next.
///
/// # Errors
/// When there is no such port, or it goes away.
pub fn serve_port(target: &dyn Target) -> Result<()> {
    let path = find(Instant::now() + APPEARS_WITHIN)?;
    let port = File::options().read(true).write(true).open(&path)?;
    loop {
        let reader = PortReader {
            port: &port,
            met: false,
        };
        super::serve(reader, port.try_clone()?, target)?;
    }
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

impl Read for PortReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.port.read(buffer) {
                // Nobody is there yet.
                Ok(0) if !self.met => std::thread::sleep(LOOK_EVERY),
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
