// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside block`: reads and writes the USB stick by `/dev/kmod`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::output::json;
use super::{Connection, Failure, Outcome, candidates, input};
use crate::kernel::api::{BLOCK_MAX, BlockAction, BlockOutcome};
use crate::kernel::{Target, put, question};
use crate::plain_file::{self, FileError};
use crate::text::bytes::{parse_bytes, parse_offset};
use crate::text::escape::visible;

/// Read and write the USB stick by the module kmod
///
///     ringside load kmod
///     ringside block info
///     ringside block write --offset 0x1000 --text 'hello'
///     ringside block read --offset 0x1000 --size 16
///     ringside block peek /dev/sda --offset 0x1000 --size 16
///
/// Without --offset, reads and writes go on where the last one ended.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Block {
    #[command(subcommand)]
    action: Action,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand, Clone, Debug)]
enum Action {
    /// Size, position and state of the device
    ///
    ///     ringside block info
    #[command(verbatim_doc_comment)]
    Info,
    /// Read bytes: as hex and text on a terminal, else as they are
    ///
    ///     ringside block read --offset 0x1000 --size 16
    ///     ringside block read --offset 0 --size 512 > first-sector
    #[command(verbatim_doc_comment)]
    Read {
        #[command(flatten)]
        place: Place,
        /// How many bytes, at most 1 MiB
        #[arg(long, value_parser = size)]
        size: u32,
    },
    /// Write bytes, from standard input if none are given
    ///
    ///     ringside block write --offset 0x1000 --text 'hello'
    ///     ringside block write --hex '00 ff'
    ///     ringside block write --offset 0 < image
    #[command(verbatim_doc_comment)]
    Write {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        data: Data,
    },
    /// Make every write durable
    ///
    ///     ringside block sync
    #[command(verbatim_doc_comment)]
    Sync,
    /// Read bytes of a device or file past the module, to compare
    ///
    ///     ringside block peek /dev/ringside-usb --offset 0x1000 --size 16
    #[command(verbatim_doc_comment)]
    Peek {
        /// The path there
        #[arg(add = candidates::devices())]
        path: String,
        /// Bytes from its beginning
        #[arg(long, value_parser = parse_offset, default_value = "0")]
        offset: u64,
        /// How many bytes, at most 1 MiB
        #[arg(long, value_parser = size)]
        size: u32,
    },
    /// List the block devices
    ///
    ///     ringside block devices
    #[command(verbatim_doc_comment)]
    Devices,
}

#[derive(Args, Clone, Debug)]
struct Place {
    /// Bytes from the beginning of the device
    #[arg(long, value_parser = parse_offset)]
    offset: Option<u64>,
    /// Leave the position behind what was moved, as BREADOFFSET and
    /// BWRITEOFFSET do
    #[arg(long, requires = "offset")]
    seek: bool,
}

#[derive(Args, Clone, Debug)]
#[group(multiple = false)]
struct Data {
    /// This text
    #[arg(long)]
    text: Option<String>,
    /// These bytes: 00ff…
    #[arg(long, value_parser = |text: &str| parse_bytes(text).map(Bytes))]
    hex: Option<Bytes>,
    /// The contents of this file
    #[arg(long)]
    file: Option<PathBuf>,
}

/// What to do about more than one write can move.
const PIECES: &str = "write it in pieces of at most 1 MiB, each at its --offset";

/// Bytes of an argument; a type of its own, since clap takes a `Vec` for
/// several arguments.
#[derive(Clone, Debug)]
struct Bytes(Vec<u8>);

fn size(text: &str) -> Result<u32, String> {
    let size = parse_offset(text).map_err(|error| error.to_string())?;
    match u32::try_from(size) {
        Ok(size) if size <= BLOCK_MAX => Ok(size),
        _ => Err("at most 1048576 (1 MiB) at one time".into()),
    }
}

impl Data {
    fn bytes(&self) -> Result<Vec<u8>, Failure> {
        let read = match (&self.text, &self.hex, &self.file) {
            (Some(text), _, _) => return Ok(text.clone().into_bytes()),
            (_, Some(bytes), _) => return Ok(bytes.0.clone()),
            (_, _, Some(path)) => {
                return plain_file::read(path, u64::from(BLOCK_MAX)).map_err(|error| {
                    let help = match &error {
                        FileError::Kind { .. } => "give what it holds on standard input",
                        FileError::Large { .. } => PIECES,
                        FileError::Io { .. } => "",
                    };
                    Failure::from(error).with_help(help)
                });
            }
            _ => {
                input::ask_terminal("what to write");
                input::bytes(u64::from(BLOCK_MAX))?
            }
        };
        if read.len() > BLOCK_MAX as usize {
            return Err(Failure::new("there is more than 1 MiB to write").with_help(PIECES));
        }
        Ok(read)
    }
}

impl Place {
    /// An offset that the old operations can say: they have 32 bits for it.
    fn short(&self) -> Result<Option<u32>, Failure> {
        match self.offset {
            Some(offset) if self.seek => u32::try_from(offset).map(Some).map_err(|_| {
                Failure::usage("--seek reaches the first 4 GiB only")
                    .with_help("leave --seek out: the position then stays where it is")
            }),
            _ => Ok(None),
        }
    }

    fn read(&self, size: u32) -> Result<BlockAction, Failure> {
        Ok(match (self.short()?, self.offset) {
            (Some(offset), _) => BlockAction::SeekRead { offset, size },
            (None, Some(offset)) => BlockAction::ReadAt { offset, size },
            (None, None) => BlockAction::Read { size },
        })
    }

    fn write(&self, data: Vec<u8>) -> Result<BlockAction, Failure> {
        Ok(match (self.short()?, self.offset) {
            (Some(offset), _) => BlockAction::SeekWrite { offset, data },
            (None, Some(offset)) => BlockAction::WriteAt { offset, data },
            (None, None) => BlockAction::Write { data },
        })
    }
}

impl Block {
    /// Does it.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let action = match &self.action {
            Action::Info => BlockAction::Info,
            Action::Sync => BlockAction::Sync,
            Action::Read { place, size } => place.read(*size)?,
            Action::Write { place, data } => {
                place.short()?;
                place.write(data.bytes()?)?
            }
            Action::Peek { path, offset, size } => {
                let peek = question::Peek { path: path.clone(), offset: *offset, size: *size };
                return self.bytes(&put(&*connection.open()?, peek)?, *offset);
            }
            Action::Devices => return self.devices(&*connection.open()?),
        };
        let from = match &self.action {
            Action::Read { place, .. } => place.offset.unwrap_or_default(),
            _ => 0,
        };
        match put(&*connection.open()?, question::Block { action })? {
            BlockOutcome::Bytes(bytes) => self.bytes(&bytes, from),
            outcome => self.outcome(&outcome),
        }
    }

    fn outcome(&self, outcome: &BlockOutcome) -> Outcome {
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", json(outcome)?)?;
            return Ok(0);
        }
        match outcome {
            BlockOutcome::Info(info) => writeln!(
                out,
                "size      {} bytes\nposition  {}\nblock     {} bytes\nwritable  {}\ngone      {}",
                info.size,
                info.position,
                info.logical_block_size,
                if info.read_only { "no" } else { "yes" },
                if info.gone { "yes" } else { "no" }
            )?,
            BlockOutcome::Written(bytes) => writeln!(out, "{bytes} bytes written")?,
            BlockOutcome::Synced => writeln!(out, "synced")?,
            BlockOutcome::Bytes(_) => {}
        }
        Ok(0)
    }

    fn bytes(&self, bytes: &[u8], from: u64) -> Outcome {
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", json(bytes)?)?;
        } else if out.is_terminal() {
            write!(out, "{}", dump(bytes, from))?;
        } else {
            out.write_all(bytes)?;
        }
        out.flush()?;
        Ok(0)
    }

    fn devices(&self, target: &dyn Target) -> Outcome {
        let devices = put(target, question::BlockDevices)?;
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", json(&devices)?)?;
            return Ok(0);
        }
        for device in devices {
            let removable = if device.removable { "  removable" } else { "" };
            let line = format!(
                "{:16}  {:>14} bytes  {}{removable}",
                device.path, device.size, device.model
            );
            writeln!(out, "{}", visible(line.trim_end()))?;
        }
        Ok(0)
    }
}

/// Hex and text, 16 bytes a line.
fn dump(bytes: &[u8], from: u64) -> String {
    let mut text = String::new();
    for (line, bytes) in bytes.chunks(16).enumerate() {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x} ")).collect();
        let plain: String = bytes
            .iter()
            .map(|byte| match byte {
                0x20..=0x7e => char::from(*byte),
                _ => '.',
            })
            .collect();
        let at = from + line as u64 * 16;
        text.push_str(&format!("{at:010x}  {hex:48} {plain}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_chooses_the_operation() {
        let place = |offset, seek| Place { offset, seek };
        assert_eq!(place(None, false).read(5), Ok(BlockAction::Read { size: 5 }));
        assert_eq!(place(Some(7), false).read(5), Ok(BlockAction::ReadAt { offset: 7, size: 5 }));
        assert_eq!(place(Some(7), true).read(5), Ok(BlockAction::SeekRead { offset: 7, size: 5 }));
        assert_eq!(place(Some(1 << 32), true).read(5).unwrap_err().status(), 2);
    }

    #[test]
    fn a_dump_has_offset_hex_and_text() {
        assert_eq!(
            dump(b"hello\0", 0x1000),
            format!("0000001000  {:48} hello.\n", "68 65 6c 6c 6f 00 ")
        );
    }
}
