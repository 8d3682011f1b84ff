// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading standard input: with a word where a person is to type it, and never
//! more than what is wanted.

use std::io::{BufRead, IsTerminal, Read, Write};

use super::Failure;
use crate::text::escape::visible;

/// Says what is being waited for, if it is to be typed.
pub(super) fn ask_terminal(what: &str) {
    if std::io::stdin().is_terminal() {
        let text = format!("type {what}; Ctrl-D on a line of its own ends it");
        // Nobody is left to tell when standard error is closed.
        drop(writeln!(std::io::stderr(), "{}", visible(&text)));
    }
}

/// All of standard input, or one byte more than `largest` of it.
///
/// # Errors
/// It can't be read.
pub(super) fn bytes(largest: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(largest + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::io("read standard input", &error))?;
    Ok(bytes)
}

/// The next line, without its end; `None` after the last.
///
/// # Errors
/// It can't be read, has more than `largest` bytes, or is no text.
pub(super) fn line(input: &mut impl BufRead, largest: u64) -> Result<Option<String>, Failure> {
    let mut line = Vec::new();
    let size = input
        .take(largest + 1)
        .read_until(b'\n', &mut line)
        .map_err(|error| Failure::io("read standard input", &error))?;
    if line.pop_if(|last| *last == b'\n').is_none() && size as u64 > largest {
        return Err(Failure::new(format!(
            "a line of standard input has more than {largest} bytes"
        )));
    }
    let text = String::from_utf8(line)
        .map_err(|_| Failure::new("a line of standard input holds bytes that are not UTF-8"))?;
    Ok((size > 0).then_some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_one_by_one_and_an_endless_one_is_refused() {
        let mut input = &b"one\n\nlast"[..];
        let mut next = || line(&mut input, 4).unwrap();
        assert_eq!(next().as_deref(), Some("one"));
        assert_eq!(next().as_deref(), Some(""));
        assert_eq!(next().as_deref(), Some("last"));
        assert_eq!(next(), None);
        let mut endless = std::io::BufReader::new(std::io::repeat(b'x'));
        assert!(line(&mut endless, 4).unwrap_err().to_string().contains("more than 4 bytes"));
        assert!(line(&mut &b"\xff\n"[..], 4).unwrap_err().to_string().contains("UTF-8"));
        assert_eq!(line(&mut &b"1234\n"[..], 4).unwrap().as_deref(), Some("1234"));
    }
}
