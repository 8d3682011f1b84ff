// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the text of `/dev/kmsg` to records.
//!
//! The agent sends the text as the kernel wrote it, and whoever reads the log
//! takes it apart: a guest whose kernel says 50,000 lines a second has no time
//! for it, least of all under emulation.
//!
//! The `rmesg` crate supplies the parser of a record's header and its types.
//! The dictionary, the kernel's escapes and the facilities that it does not
//! know are ours.

use rmesg::kmsgfile::entry_from_line;

use super::api::{KmsgBatch, KmsgRecord, KmsgText};

/// Takes the text of one log apart, piece by piece, and counts what the kernel
/// lost of it.
#[derive(Clone, Debug)]
pub struct Parser {
    /// The sequence number that comes next if nothing is lost.
    expected: Option<u64>,
    /// Records before the next were overwritten: the kernel said so, or the
    /// log was opened too late for them.
    overrun: bool,
}

impl Parser {
    /// For a log that is read from this record on, or from the oldest kept.
    pub fn new(from: Option<u64>) -> Self {
        Self { expected: from, overrun: true }
    }

    /// The records of the next piece.
    pub fn take(&mut self, piece: &KmsgText) -> KmsgBatch {
        let mut overruns = piece.overruns.iter().peekable();
        let mut records = Vec::new();
        for (at, text) in split(&piece.text) {
            while overruns.next_if(|offset| **offset as usize <= at).is_some() {
                self.overrun = true;
            }
            let Some(mut record) = parse(text) else {
                continue;
            };
            let overrun = std::mem::take(&mut self.overrun);
            if let (true, Some(expected)) = (overrun, self.expected) {
                record.lost_before = record.sequence.saturating_sub(expected);
            }
            self.expected = Some(record.next());
            records.push(record);
        }
        self.overrun |= overruns.next().is_some();
        KmsgBatch { records }
    }
}

/// The records in a text with the offset of each: lines that begin with a
/// space belong to the record before them.
fn split(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let bytes = rest.as_bytes();
        let ends = |index: &usize| bytes[*index] == b'\n' && bytes.get(index + 1) != Some(&b' ');
        let size = (0..bytes.len()).find(ends).map_or(rest.len(), |index| index + 1);
        let start = at;
        at += size;
        Some((start, &rest[..size]))
    })
}

/// A record as one read of `/dev/kmsg` gives it: `level,sequence,time,flags;text`
/// and, line by line after a space, the dictionary.
pub(super) fn parse(raw: &str) -> Option<KmsgRecord> {
    let mut lines = raw.lines();
    let first = lines.next()?;
    // The text is kept out of the parser's pattern: it is not its business,
    // and long lines would be copied twice.
    let (header, text) = first.split_once(';')?;
    let (priority, _) = header.split_once(',')?;
    let priority: u32 = priority.trim().parse().ok()?;
    // The crate knows the facilities up to 11; what lies beyond (local0 …) is
    // replaced for it and kept by us.
    let facility = (priority >> 3).min(255) as u8;
    let entry =
        entry_from_line(&format!("{}{};", priority & 7, &header[header.find(',')?..])).ok()?;
    Some(KmsgRecord {
        sequence: entry.sequence_num? as u64,
        at_us: entry.timestamp_from_system_start?.as_micros() as u64,
        level: entry.level? as u8,
        facility,
        text: unescape(text),
        fields: lines
            .filter_map(|line| line.strip_prefix(' ')?.split_once('='))
            .map(|(name, value)| (unescape(name), unescape(value)))
            .collect(),
        lost_before: 0,
    })
}

/// Undoes the kernel's `\x0a`: it writes every byte that is no printable ASCII
/// that way, UTF-8 included.
fn unescape(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = bytes[at..]
            .strip_prefix(b"\\x")
            .and_then(|rest| rest.first_chunk::<2>())
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) => {
                plain.push(byte);
                at += 4;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// The name of a level, as `dmesg` has it.
pub fn level_name(level: u8) -> &'static str {
    match level {
        0 => "emerg",
        1 => "alert",
        2 => "crit",
        3 => "err",
        4 => "warn",
        5 => "notice",
        6 => "info",
        _ => "debug",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_log_holds_is_read_in_any_pieces() {
        crate::fuzz::texts("kmsg", |text| {
            let middle = text.len() / 2;
            let middle = (middle..=text.len()).find(|at| text.is_char_boundary(*at));
            let (one, other) = text.split_at(middle.unwrap_or_default());
            let mut parser = Parser::new(Some(339));
            for piece in [text, one, other] {
                let overruns = vec![0, 7, piece.len() as u32, u32::MAX];
                let batch = parser.take(&KmsgText { text: piece.into(), overruns });
                assert!(batch.records.iter().all(|record| record.level < 8));
            }
        });
    }

    #[test]
    fn a_record_with_escapes_and_a_dictionary_is_read_whole() {
        let record = parse(
            "4,339,5140900,-,caller=T1;usb 1-1: caf\\xc3\\xa9 \\x5cx41; two\\x0alines\n SUBSYSTEM=usb\n DEVICE=c189:1\n",
        )
        .unwrap();
        assert_eq!(record.sequence, 339);
        assert_eq!(record.at_us, 5_140_900);
        assert_eq!((record.level, record.facility), (4, 0));
        assert_eq!(record.text, "usb 1-1: caf\u{e9} \\x41; two\nlines");
        assert_eq!(
            record.fields,
            [
                ("SUBSYSTEM".to_owned(), "usb".to_owned()),
                ("DEVICE".to_owned(), "c189:1".to_owned())
            ]
        );
    }

    #[test]
    fn facilities_and_sequence_numbers_of_any_size_are_kept() {
        let record = parse("190,18446744073709551614,1,-;from local7").unwrap();
        assert_eq!((record.level, record.facility), (6, 23));
        assert_eq!(record.sequence, u64::MAX - 1);
        assert_eq!(record.text, "from local7");
    }

    #[test]
    fn bytes_that_are_no_text_and_half_escapes_do_no_harm() {
        let record = parse("6,1,2,-;bad \\xff\\xfe \\x4 \\xzz \\").unwrap();
        assert_eq!(record.text, "bad \u{fffd}\u{fffd} \\x4 \\xzz \\");
        assert_eq!(parse("no header"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn what_the_kernel_said_it_overwrote_is_counted_before_the_record_that_follows() {
        let mut parser = Parser::new(Some(10));
        let piece = |text: &str, overruns: &[u32]| KmsgText {
            text: text.into(),
            overruns: overruns.into(),
        };
        let first = "6,12,1,-;opened late\n";
        let second = "6,13,2,-;next\n KEY=value\n";
        let text = format!("{first}{second}6,20,3,-;after a loss\n");
        let overrun = (first.len() + second.len()) as u32;
        let batch = parser.take(&piece(&text, &[overrun]));
        let lost: Vec<_> = batch.records.iter().map(|record| record.lost_before).collect();
        assert_eq!(lost, [2, 0, 6]);
        assert_eq!(batch.records[1].fields, [("KEY".into(), "value".into())]);
        // One that ends the piece concerns the next record, whenever it comes.
        parser.take(&piece("6,21,4,-;next\n", &[14]));
        let batch = parser.take(&piece("6,30,4,-;again\n", &[]));
        assert_eq!(batch.records[0].lost_before, 8);
        // A jump of which the kernel said nothing is none of its losses.
        let batch = parser.take(&piece("6,33,5,-;jump\n", &[]));
        assert_eq!(batch.records[0].lost_before, 0);
    }
}
