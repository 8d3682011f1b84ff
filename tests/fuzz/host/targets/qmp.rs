// SPDX-License-Identifier: MIT OR Apache-2.0
//! What QEMU says on its control channel.
#![no_main]

use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use libfuzzer_sys::fuzz_target;
use ringside::lab::vm::qmp::Qmp;
use serde_json::json;

fuzz_target!(|bytes: &[u8]| {
    let Ok((ours, mut theirs)) = UnixStream::pair() else { return };
    // All of it fits into the socket; then nobody is there any more.
    drop(theirs.write_all(&bytes[..bytes.len().min(60_000)]));
    drop(theirs.shutdown(Shutdown::Write));
    if let Ok(qmp) = Qmp::connect(ours, |_| ()) {
        let _ = qmp.execute("query-status", json!({}));
    }
});
