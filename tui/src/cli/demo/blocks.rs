// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes on the USB stick, by the module and by `dd`.

use super::stage::{Stage, count, expect};
use crate::cli::Failure;
use crate::kernel::api::{BlockAction, Item, OutputStream, ProgramEnd, Request, RunRequest, STICK};
use crate::kernel::call::ask;
use crate::kernel::{put, question};

/// What the module writes, and where.
const OURS: &str = "hello from the kernel";
const AT: u64 = 4096;
/// What dd writes, and where.
const THEIRS: &str = "hello from dd";
const BEHIND: u64 = 8192;

/// Plays it.
pub(super) fn play(stage: &mut Stage) -> Result<(), Failure> {
    stage.load(&[])?;
    let write = format!("ringside block write --offset {AT} --text '{OURS}'");
    stage.act(&write, |target| {
        let data = OURS.as_bytes().to_vec();
        let bytes = put(target, question::BlockWriteAt { offset: AT, data })?;
        Ok(format!("{bytes} bytes written"))
    })?;
    read(stage, AT, OURS)?;
    let size = OURS.len();
    let dd = format!("dd if={STICK} bs=1 skip={AT} count={size} status=none");
    let seen = program(stage, &dd)?;
    expect(seen == OURS, "dd sees other bytes than the module wrote")?;

    let dd = format!("printf '{THEIRS}' | dd of={STICK} bs=1 seek={BEHIND} status=none");
    program(stage, &dd)?;
    read(stage, BEHIND, THEIRS)?;
    stage.act("ringside block sync", |target| {
        put(target, question::Block { action: BlockAction::Sync })?;
        Ok("synced")
    })?;
    let counters = stage.tell_counters()?;
    let (written, read) = (count(&counters, "bytes_written"), count(&counters, "bytes_read"));
    expect(written == size as u64, format!("{written} bytes are counted as written, not {size}"))?;
    expect(read == (size + THEIRS.len()) as u64, format!("{read} bytes are counted as read"))?;
    stage.unload()
}

/// Reads by the module; it must be `expected`.
fn read(stage: &mut Stage, offset: u64, expected: &str) -> Result<(), Failure> {
    let size = expected.len() as u32;
    let command = format!("ringside block read --offset {offset} --size {size}");
    let seen = stage.act(&command, |target| {
        let bytes = put(target, question::BlockReadAt { offset, size })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    })?;
    expect(seen == expected, "the module reads other bytes than were written")
}

/// Runs a line of shell in the guest; returns what it printed.
fn program(stage: &mut Stage, line: &str) -> Result<String, Failure> {
    let words = ["sh", "-c", line];
    let request = RunRequest {
        arguments: words.iter().map(|word| word.as_bytes().to_vec()).collect(),
        environment: std::env::vars_os()
            .filter(|(name, _)| name == "PATH")
            .map(|(name, value)| (name.into_encoded_bytes(), value.into_encoded_bytes()))
            .collect(),
        directory: b"/".to_vec(),
        terminal: None,
    };
    stage.act(&format!("ringside exec --lab ID -- sh -c \"{line}\""), |target| {
        let (mut end, mut printed, mut said) = (None, Vec::new(), Vec::new());
        for item in ask(target, Request::Run(request), &[])? {
            match item {
                Item::Output { stream: OutputStream::Stdout, bytes } => printed.extend(bytes),
                Item::Output { stream: OutputStream::Stderr, bytes } => said.extend(bytes),
                Item::Exited(how) => end = Some(how),
                _ => {}
            }
        }
        match end {
            Some(ProgramEnd::Exited(0)) => Ok(String::from_utf8_lossy(&printed).into_owned()),
            _ => Err(Failure::new(format!("{line}: {}", String::from_utf8_lossy(&said).trim()))),
        }
    })
}
