// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel's ring buffer of events looks like
//! (`events/header_page`, `events/header_event` in tracefs).

/// A page's head: the time of its first event, and the bytes that are used.
const PAGE_HEAD: usize = 16;
/// Of the second word the part that is a number of bytes.
const USED: u64 = (1 << 30) - 1;
/// Of an absolute time, the bits that an event has no room for.
const TIME_TOP: u64 = 0x1f << 59;
/// An event's own head: its number, flags, and the task it happened in.
const EVENT_HEAD: usize = 8;
/// The number of the event that is a stack.
const STACK: u16 = 4;

/// An event as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// Nanoseconds of the trace's clock.
    pub at: u64,
    /// Which event.
    pub id: u16,
    /// The task.
    pub pid: i32,
    /// Everything behind the head, which `events/*/format` describes.
    pub fields: Vec<u8>,
    /// The addresses of the stack that was recorded with it.
    pub stack: Vec<u64>,
}

impl Event {
    /// A field of eight bytes.
    pub(super) fn word(&self, at: usize) -> Option<u64> {
        long(&self.fields, at)
    }

    /// A field that is a text of any length: where it lies, and how long it is.
    pub(super) fn text(&self, at: usize) -> Option<String> {
        let place = word(&self.fields, at)?;
        // Counted from the event's beginning.
        let from = (place as usize & 0xffff).checked_sub(EVENT_HEAD)?;
        let bytes = self.fields.get(from..from + (place >> 16) as usize)?;
        let bytes = bytes.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// Adds the events of a page, in their order. A stack becomes a part of the event
/// before it.
pub(super) fn parse(page: &[u8], events: &mut Vec<Event>) {
    let (Some(mut time), Some(used)) = (long(page, 0), long(page, 8)) else {
        return;
    };
    let end = (PAGE_HEAD + (used & USED) as usize).min(page.len());
    let page = &page[..end];
    let mut at = PAGE_HEAD;
    while let Some(head) = word(page, at) {
        let (kind, delta) = (head & 0x1f, u64::from(head >> 5));
        let next = word(page, at + 4);
        let (from, size) = match (kind, next) {
            // The rest of the page.
            (29, _) if delta == 0 => return,
            (29, Some(size)) => {
                time = time.wrapping_add(delta);
                at += 4 + size as usize;
                continue;
            }
            (30, Some(more)) => {
                time = time.wrapping_add(delta + (u64::from(more) << 27));
                at += 8;
                continue;
            }
            (31, Some(more)) => {
                time = (time & TIME_TOP) | (delta + (u64::from(more) << 27));
                at += 8;
                continue;
            }
            (0, Some(size)) => (at + 8, (size as usize).saturating_sub(4)),
            (_, Some(_)) => (at + 4, kind as usize * 4),
            (_, None) => return,
        };
        time = time.wrapping_add(delta);
        let Some(data) = page.get(from..from + size) else {
            return;
        };
        at = from + size.next_multiple_of(4);
        let Some(event) = event(time, data) else {
            continue;
        };
        match events.last_mut() {
            Some(before) if event.id == STACK && before.pid == event.pid => {
                before.stack = stack(&event.fields);
            }
            _ => events.push(event),
        }
    }
}

fn event(at: u64, data: &[u8]) -> Option<Event> {
    let id = u16::from_le_bytes(data.get(..2)?.try_into().ok()?);
    let pid = word(data, 4)? as i32;
    Some(Event { at, id, pid, fields: data.get(EVENT_HEAD..)?.to_vec(), stack: Vec::new() })
}

/// A number, padding, and so many addresses.
fn stack(fields: &[u8]) -> Vec<u64> {
    let count = word(fields, 0).unwrap_or(0) as usize;
    (0..count).map_while(|index| long(fields, 8 + index * 8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_page_holds_there_are_no_more_events_than_words() {
        let data: Vec<u8> = (0..400_u32).flat_map(|word| (word % 40).to_le_bytes()).collect();
        crate::fuzz::bytes_like(vec![page(7, &[data])], |bytes| {
            let mut events = Vec::new();
            parse(bytes, &mut events);
            assert!(events.len() <= bytes.len() / 4);
        });
    }

    fn page(time: u64, data: &[Vec<u8>]) -> Vec<u8> {
        let data = data.concat();
        let mut bytes = time.to_le_bytes().to_vec();
        // The bits above the size say that events were lost.
        bytes.extend((data.len() as u64 | 1 << 31).to_le_bytes());
        bytes.extend(data);
        bytes.resize(4096, 0xff);
        bytes
    }

    fn head(kind: u32, delta: u32) -> Vec<u8> {
        (kind | delta << 5).to_le_bytes().to_vec()
    }

    /// An event of number `id` by task 7, with `fields`.
    fn entry(delta: u32, id: u16, fields: &[u8]) -> Vec<u8> {
        let mut data = [&id.to_le_bytes()[..], &[0, 0], &7_i32.to_le_bytes(), fields].concat();
        data.resize(data.len().next_multiple_of(4), 0);
        [head(data.len() as u32 / 4, delta), data].concat()
    }

    #[test]
    fn times_add_up_over_every_kind_of_record() {
        let extend = [head(30, 5), 2_u32.to_le_bytes().to_vec()].concat();
        let discarded = [head(29, 3), 8_u32.to_le_bytes().to_vec(), vec![0; 4]].concat();
        let absolute = [head(31, 100), 0_u32.to_le_bytes().to_vec()].concat();
        let long_fields = [1; 200];
        let mut long = [head(0, 1), (4 + 8 + 200_u32).to_le_bytes().to_vec()].concat();
        long.extend(&entry(0, 9, &long_fields[..])[4..]);
        let bytes = page(
            1000,
            &[
                entry(10, 5, &[1; 8]),
                extend,
                discarded,
                entry(1, 6, &[]),
                absolute,
                long,
                head(29, 0),
            ],
        );
        let mut events = Vec::new();
        parse(&bytes, &mut events);
        let seen: Vec<_> = events.iter().map(|event| (event.at, event.id, event.pid)).collect();
        assert_eq!(seen, [(1010, 5, 7), (1010 + 5 + (2 << 27) + 3 + 1, 6, 7), (101, 9, 7)]);
        assert_eq!(events[2].fields, long_fields);
    }

    #[test]
    fn a_stack_belongs_to_the_event_before_it_and_texts_lie_where_the_field_says() {
        let mut stack = 2_u32.to_le_bytes().to_vec();
        stack.extend([0; 4]);
        stack.extend([0x10_u64.to_le_bytes(), 0x20_u64.to_le_bytes()].concat());
        let mut fields = ((5 << 16) | (8_u32 + 4)).to_le_bytes().to_vec();
        fields.extend(b"bash\0\0\0\0");
        let bytes = page(0, &[entry(1, 50, &fields), entry(1, 4, &stack)]);
        let mut events = Vec::new();
        parse(&bytes, &mut events);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].stack, [0x10, 0x20]);
        assert_eq!(events[0].text(0).as_deref(), Some("bash"));
        assert_eq!(events[0].text(100), None);
    }

    #[test]
    fn a_page_that_makes_no_sense_gives_no_event_and_no_panic() {
        for kind in 0..32 {
            for rest in [vec![], vec![0xff; 3], vec![0xff; 9], vec![0; 30]] {
                let mut events = Vec::new();
                parse(&page(0, &[head(kind, 1), rest]), &mut events);
            }
        }
        parse(&[0xff; 30], &mut Vec::new());
    }
}
