// SPDX-License-Identifier: MIT OR Apache-2.0
//! One sentence on what goes on: of a second while the threads run, of the last
//! move while they are parked.

use super::past::Second;
use super::ring::{Kind, LastMove, Phase, Snapshot};

/// One side waits so many times as often as the other before that tells anything.
const MUCH_MORE: u64 = 4;

/// What goes on.
pub(crate) fn story(now: &Snapshot, second: Option<&Second>) -> String {
    match (now.phase, now.last) {
        (Phase::Pausing, _) => return "Pausing: every thread parks after its item.".into(),
        (Phase::Paused, None) => return "All parked; no item was moved yet.".into(),
        (Phase::Paused, Some(last)) => {
            return format!("All parked. Last: {}.", moved(&last));
        }
        (Phase::Running, _) => {}
    }
    let full = now.occupancy == now.capacity;
    match (now.producers, now.consumers) {
        (0, 0) => return "There are no threads: nothing moves.".into(),
        (0, _) => return "There are no producers: nothing is ever put into the ring.".into(),
        _ if now.capacity == 0 => {
            return "The ring has no slot: every producer waits for ever.".into();
        }
        (_, 0) if full => return "There are no consumers: the ring is full and stays full.".into(),
        (_, 0) => return "There are no consumers: the ring fills.".into(),
        _ => {}
    }
    match second {
        None => "The threads run; the first second is not over yet.".into(),
        Some(second) if second.produced + second.consumed == 0 => still(now).into(),
        Some(second) => of_second(second),
    }
}

/// Who moved which item: `Producer-2 put item 15 into slot 4`.
fn moved(last: &LastMove) -> String {
    let LastMove { thread, item, producer, slot, .. } = last;
    match last.kind {
        Kind::Producer => format!("Producer-{thread} put item {item} into slot {slot}"),
        Kind::Consumer => {
            format!("Consumer-{thread} took item {item} of Producer-{producer} from slot {slot}")
        }
    }
}

/// Nothing moved.
fn still(now: &Snapshot) -> &'static str {
    if now.producers_waiting == now.producers {
        "Nothing moved for a second: the ring is full, and the consumers sleep."
    } else if now.consumers_waiting == now.consumers {
        "Nothing moved for a second: the ring is empty, and the producers sleep."
    } else {
        "Nothing moved for a second: the threads sleep their delay."
    }
}

fn of_second(second: &Second) -> String {
    let moved = second.produced + second.consumed;
    let difference = second.produced.abs_diff(second.consumed);
    if difference > 1 && difference * 5 >= moved {
        return if second.produced > second.consumed {
            format!("The ring fills: {difference} more items were put than taken in a second.")
        } else {
            format!("The ring empties: {difference} more items were taken than put in a second.")
        };
    }
    let (producers, consumers) = (second.producer_waits, second.consumer_waits);
    let who = if producers + consumers == 0 {
        "Nobody has to wait"
    } else if producers > MUCH_MORE * consumers {
        "Consumers set the pace"
    } else if consumers > MUCH_MORE * producers {
        "Producers set the pace"
    } else {
        match second.fullness {
            ..=25 => "Producers set the pace",
            75.. => "Consumers set the pace",
            _ => "Both sides keep up with each other",
        }
    };
    let ring = match second.fullness {
        0 => "empty".to_owned(),
        100 => "full".to_owned(),
        share => format!("{share} % full"),
    };
    format!("{who}: for a second the ring was {ring}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> Snapshot {
        Snapshot { capacity: 10, producers: 5, consumers: 3, ..Snapshot::default() }
    }

    fn second(moved: u64, waits: (u64, u64), fullness: u64) -> Second {
        Second {
            produced: moved,
            consumed: moved,
            producer_waits: waits.0,
            consumer_waits: waits.1,
            fullness,
        }
    }

    fn text(of: Second) -> String {
        story(&running(), Some(&of))
    }

    #[test]
    fn a_ring_that_is_always_full_is_not_said_to_keep_up() {
        let always_full = text(second(90_000, (90_000, 0), 100));
        assert_eq!(always_full, "Consumers set the pace: for a second the ring was full.");
        let by_samples = text(second(90_000, (500, 400), 100));
        assert_eq!(by_samples, "Consumers set the pace: for a second the ring was full.");
    }

    #[test]
    fn only_a_ring_between_the_two_is_said_to_keep_up() {
        assert!(text(second(90_000, (500, 400), 50)).starts_with("Both sides keep up"));
        for (waits, fullness) in [((500, 400), 10), ((1, 400), 50), ((0, 3), 0)] {
            let said = text(second(9, waits, fullness));
            assert!(said.starts_with("Producers set the pace"), "{said}");
        }
    }

    #[test]
    fn a_large_ring_that_fills_slowly_is_said_to_fill() {
        let mut filling = second(600, (0, 0), 3);
        filling.consumed = 100;
        let said = "The ring fills: 500 more items were put than taken in a second.";
        assert_eq!(text(filling), said);
        assert!(text(second(600, (0, 0), 3)).starts_with("Nobody has to wait"));
    }

    #[test]
    fn when_nothing_moves_it_is_told_why() {
        let mut now = running();
        let nothing = second(0, (0, 0), 50);
        assert!(story(&now, Some(&nothing)).contains("sleep their delay"));
        now.producers_waiting = 5;
        assert!(story(&now, Some(&nothing)).contains("the ring is full, and the consumers sleep"));
        now.producers = 0;
        assert!(story(&now, Some(&nothing)).contains("no producers"));
        now.consumers = 0;
        assert_eq!(story(&now, Some(&nothing)), "There are no threads: nothing moves.");
    }

    #[test]
    fn while_paused_it_is_told_who_moved_last() {
        let mut now = Snapshot { phase: Phase::Paused, ..running() };
        assert!(story(&now, None).contains("no item was moved yet"));
        let last = LastMove { kind: Kind::Producer, thread: 2, item: 15, producer: 2, slot: 4 };
        now.last = Some(last);
        let said = "All parked. Last: Producer-2 put item 15 into slot 4.";
        assert_eq!(story(&now, None), said);
        now.last = Some(LastMove { kind: Kind::Consumer, thread: 1, ..last });
        assert!(story(&now, None).contains("Consumer-1 took item 15 of Producer-2 from slot 4."));
    }
}
