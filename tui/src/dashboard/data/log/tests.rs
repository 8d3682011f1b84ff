// SPDX-License-Identifier: MIT OR Apache-2.0
use crate::dashboard::data::log::*;
use crate::kernel::api::KmsgRecord;

fn record(sequence: u64, level: u8, text: &str) -> KmsgRecord {
    KmsgRecord {
        sequence,
        at_us: sequence * 1000,
        level,
        text: text.into(),
        ..KmsgRecord::default()
    }
}

fn log(lines: &[(u8, &str)]) -> Log {
    let mut log = Log::new(1000);
    let records = lines.iter().enumerate();
    log.push(KmsgBatch {
        records: records.map(|(index, (level, text))| record(index as u64, *level, text)).collect(),
    });
    log
}

fn finish(log: &mut Log) {
    while log.has_work() {
        log.work();
    }
}

fn shown(log: &Log) -> Vec<u64> {
    (0..log.shown_count(log.end())).filter_map(|index| log.shown_at(index)).collect()
}

#[test]
fn a_jump_that_the_kernel_did_not_account_for_is_told_from_what_it_lost() {
    let mut log = log(&[(6, "a"), (6, "b")]);
    let mut after = record(10, 6, "c");
    after.lost_before = 5;
    log.push(KmsgBatch { records: vec![after] });
    let totals = log.totals();
    assert_eq!((totals.received, totals.lost, totals.missing), (3, 5, 3));
    let kinds: Vec<_> =
        (log.start()..log.end()).filter_map(|number| Some(log.row(number)?.kind)).collect();
    assert_eq!(kinds[2..], [Kind::Gap(5), Kind::Missing(3), Kind::Record]);
}

#[test]
fn it_keeps_the_newest_rows_and_goes_on_counting() {
    let mut log = Log::new(10);
    for sequence in 0..25 {
        log.push(KmsgBatch { records: vec![record(sequence, 6, "x")] });
    }
    assert_eq!((log.len(), log.start(), log.end()), (10, 15, 25));
    assert!(log.row(14).is_none());
    assert_eq!(log.row(15).unwrap().sequence, 15);
}

#[test]
fn a_record_that_comes_twice_after_a_reconnection_is_kept_once() {
    let mut log = log(&[(6, "a"), (6, "b")]);
    log.push(KmsgBatch { records: vec![record(1, 6, "b"), record(2, 6, "c")] });
    assert_eq!(log.len(), 3);
    assert_eq!(log.next_sequence(), Some(3));
}

#[test]
fn lost_records_are_a_row_with_their_number() {
    let mut log = log(&[(6, "a")]);
    let mut after = record(11, 6, "b");
    after.lost_before = 10;
    log.push(KmsgBatch { records: vec![after] });
    assert_eq!(log.row(1).unwrap().kind, Kind::Gap(10));
    let totals = log.totals();
    assert_eq!((totals.received, totals.lost, totals.missing), (2, 10, 0));
}

#[test]
fn level_and_source_filters_leave_what_they_say() {
    let mut log = log(&[(6, "memalloc: ready"), (4, "memalloc: refused"), (3, "usb 1-1: gone")]);
    log.set_filter(Filter { level: 4, ..Filter::default() });
    finish(&mut log);
    assert_eq!(shown(&log), [1, 2]);
    log.set_filter(Filter { source: Some("memalloc".into()), ..Filter::default() });
    finish(&mut log);
    assert_eq!(shown(&log), [0, 1]);
}

#[test]
fn a_filter_goes_on_with_records_that_come_later() {
    let mut log = log(&[(6, "a"), (4, "b")]);
    log.set_filter(Filter { level: 4, ..Filter::default() });
    finish(&mut log);
    log.push(KmsgBatch { records: vec![record(2, 6, "c"), record(3, 3, "d")] });
    finish(&mut log);
    assert_eq!(shown(&log), [1, 3]);
}

#[test]
fn search_finds_text_and_expressions_in_both_directions() {
    let mut log = log(&[(6, "Alpha 1"), (6, "beta"), (6, "alpha 22"), (6, "gamma")]);
    log.set_pattern(Some(Pattern::new("alpha", false).unwrap()));
    finish(&mut log);
    assert_eq!(log.match_count(), 2);
    assert_eq!(log.next_match(3, false), Some(2));
    assert_eq!(log.next_match(0, true), Some(2));
    log.set_pattern(Some(Pattern::new(r"alpha \d{2}", true).unwrap()));
    finish(&mut log);
    assert_eq!(log.match_count(), 1);
    log.set_filter(Filter { only_matches: true, ..Filter::default() });
    finish(&mut log);
    assert_eq!(shown(&log), [2]);
    assert!(Pattern::new("(", true).is_err());
    assert!(Pattern::new("(", false).is_ok());
}

#[test]
fn an_oops_becomes_one_block_with_reason_function_and_calls() {
    let mut log = log(&[
        (6, "memalloc: ready"),
        (1, "BUG: kernel NULL pointer dereference, address: 0000000000000008"),
        (1, "#PF: supervisor read access in kernel mode"),
        (4, "Oops: Oops: 0000 [#1] SMP NOPTI"),
        (4, "RIP: 0010:broken_ioctl+0x12/0x40 [broken]"),
        (4, "Call Trace:"),
        (4, " <TASK>"),
        (4, " broken_open+0x5/0x10 [broken]"),
        (4, " ? srso_return+0x5/0x10"),
        (4, " do_sys_open+0x55/0x90"),
        (4, " </TASK>"),
        (4, "Modules linked in: broken(O)"),
        (4, "---[ end trace 0000000000000000 ]---"),
        (6, "afterwards"),
    ]);
    finish(&mut log);
    assert_eq!(shown(&log), [0, 1, 13]);
    let trace = log.trace(log.row(4).unwrap()).unwrap().clone();
    assert!(trace.reason.starts_with("BUG: kernel NULL pointer"));
    assert_eq!(trace.function, "broken_ioctl+0x12/0x40 [broken]");
    assert_eq!(trace.calls, ["broken_open+0x5/0x10 [broken]", "do_sys_open+0x55/0x90"]);
    assert_eq!(trace.len(), 12);
    log.toggle_fold(1);
    finish(&mut log);
    assert_eq!(shown(&log).len(), 14);
}

#[test]
fn the_next_warning_is_found_in_both_directions() {
    let log = log(&[(4, "w"), (6, "i"), (3, "e"), (6, "i")]);
    assert_eq!(log.next_warning(0, true), Some(2));
    assert_eq!(log.next_warning(2, false), Some(0));
    assert_eq!(log.next_warning(2, true), None);
}

#[test]
fn what_stands_before_the_colon_is_the_source_when_it_looks_like_a_name() {
    assert_eq!(row::source("memalloc: ready"), "memalloc");
    assert_eq!(row::source("usb 1-1: new device"), "usb 1-1");
    assert_eq!(row::source("Hello, I am Ringside: hi"), "");
    assert_eq!(row::source("no colon"), "");
}

#[test]
fn after_a_reboot_sequence_numbers_start_again() {
    let mut log = log(&[(6, "a"), (6, "b")]);
    log.new_guest(2);
    log.push(KmsgBatch { records: vec![record(0, 6, "first of the new guest")] });
    assert_eq!(log.row(2).unwrap().kind, Kind::Guest(2));
    assert_eq!(log.len(), 4);
}

#[test]
fn a_warning_names_its_place_and_function_in_old_and_new_kernels() {
    for line in [
        "WARNING: mm/slub.c:4711 at kfree+0x1/0x20, CPU#0: insmod/71",
        "WARNING: CPU: 0 PID: 71 at mm/slub.c:4711 kfree+0x1/0x20",
    ] {
        let log = log(&[(4, line)]);
        let trace = log.trace(log.row(0).unwrap()).unwrap();
        assert_eq!(trace.place, "mm/slub.c:4711");
        assert_eq!(trace.function, "kfree+0x1/0x20");
    }
    let log = log(&[(1, "kernel BUG at mm/usercopy.c:102!")]);
    let trace = log.trace(log.row(0).unwrap()).unwrap();
    assert_eq!(trace.place, "mm/usercopy.c:102");
}

#[test]
fn whatever_the_log_holds_it_can_be_folded_filtered_and_searched() {
    crate::fuzz::texts("oops", |text| {
        let mut log = Log::new(40);
        for (number, line) in text.lines().enumerate() {
            let mut record = record(number as u64, (number % 8) as u8, line);
            record.sequence = (record.text.len() as u64) << (number % 60);
            log.push(KmsgBatch { records: vec![record] });
            if number % 7 == 3 {
                log.wound_back(number as u64);
            }
        }
        log.set_pattern(Pattern::new(text.lines().next().unwrap_or_default(), true).ok());
        finish(&mut log);
        for row in log.start()..log.end() {
            log.toggle_fold(row);
            let Some(row) = log.row(row) else { continue };
            let _ = (row.line(), row.first_line(), log.source(row));
            if let Some(trace) = log.trace(row) {
                (0..90).for_each(|width| drop(trace.headline(width, "\u{2026}")));
            }
        }
        let _ = Trace::last_of(text.lines());
        let _ = text.lines().map(readable).count();
    });
}
