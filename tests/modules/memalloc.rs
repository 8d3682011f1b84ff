// SPDX-License-Identifier: MIT OR Apache-2.0
//! memalloc as Rust programs meet it; `tests/c/memalloc*.c` do the same from
//! C, and go through the errors one by one.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::libc;
use ringside_uapi::memalloc::{self as ma, AllocInfo, FreeInfo, WalkInfo};

use super::guest::{self, counter, insmod, rmmod};

const NAME: &str = "memalloc";
const PAGE: u64 = 4096;
const BASE: u64 = 0x6000_0000_0000;

fn open() -> File {
    OpenOptions::new().read(true).write(true).open(ma::DEVICE).expect("root may open the device")
}

fn ioctl<T>(file: &File, command: u32, argument: &mut T) -> Result<(), Errno> {
    // SAFETY: `argument` lives across the call and is what `command` expects.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), command.into(), argument) };
    Errno::result(result).map(drop)
}

fn allocate(file: &File, vaddr: u64, num_pages: i32, write: bool) -> Result<(), Errno> {
    let mut info = AllocInfo { vaddr, num_pages, write: write.into(), padding: [0; 3] };
    ioctl(file, ma::ALLOCATE, &mut info)
}

fn free(file: &File, vaddr: u64) -> Result<(), Errno> {
    ioctl(file, ma::FREE, &mut FreeInfo { vaddr })
}

fn walk(file: &File, vaddr: u64) -> WalkInfo {
    let mut info = WalkInfo { vaddr, ..WalkInfo::default() };
    ioctl(file, ma::WALK, &mut info).expect("any user address can be walked");
    info
}

#[test]
fn pages_come_zeroed_hold_what_is_written_and_are_counted() {
    guest::run("memalloc::pages_come_zeroed_hold_what_is_written_and_are_counted", || {
        insmod(NAME, "").expect("it loads");
        let file = open();
        allocate(&file, BASE, 4, true).expect("four pages");
        assert_eq!((counter(NAME, "pages_mapped"), counter(NAME, "requests")), (4, 1));
        // SAFETY: the kernel has just mapped these four pages for us.
        let bytes = unsafe { std::slice::from_raw_parts_mut(BASE as *mut u8, 4 * 4096) };
        assert!(bytes.iter().all(|byte| *byte == 0));
        bytes.fill(0xa5);
        assert!(bytes.iter().all(|byte| *byte == 0xa5));
        assert_eq!(free(&file, BASE), Ok(()));
        assert_eq!((counter(NAME, "pages_mapped"), counter(NAME, "requests")), (0, 0));
        assert_eq!((counter(NAME, "allocations"), counter(NAME, "frees")), (1, 1));
        // Pages that were full of something else a moment ago.
        for _ in 0..3 {
            allocate(&file, BASE, 1024, true).expect("as many pages as it takes");
            // SAFETY: the kernel has just mapped these pages for us.
            let bytes = unsafe { std::slice::from_raw_parts_mut(BASE as *mut u8, 1024 * 4096) };
            assert!(bytes.iter().all(|byte| *byte == 0));
            bytes.fill(0xa5);
            assert_eq!(free(&file, BASE), Ok(()));
        }
        drop(file);
        rmmod(NAME).expect("it unloads");
    });
}

#[test]
fn the_limits_are_the_old_ones_with_the_old_error_numbers() {
    guest::run("memalloc::the_limits_are_the_old_ones_with_the_old_error_numbers", || {
        insmod(NAME, "").expect("it loads");
        let file = open();
        allocate(&file, BASE, 4096, true).expect("all the pages there are");
        assert_eq!(allocate(&file, BASE + 8192 * PAGE, 1, true), Err(Errno::ENOENT));
        free(&file, BASE).expect("it was a request");
        assert_eq!(allocate(&file, BASE, 4097, true), Err(Errno::ENOENT));
        for request in 0..100 {
            allocate(&file, BASE + request * 2 * PAGE, 1, false).expect("a hundred requests");
        }
        assert_eq!(allocate(&file, BASE + 1000 * PAGE, 1, true), Err(Errno::ESRCH));
        assert_eq!(counter(NAME, "refused_pages_limit"), 2);
        assert_eq!(counter(NAME, "refused_requests_limit"), 1);
        for request in 0..100 {
            free(&file, BASE + request * 2 * PAGE).expect("it was a request");
        }
        assert_eq!(counter(NAME, "pages_mapped"), 0);
        drop(file);
        rmmod(NAME).expect("it unloads");
    });
}

#[test]
fn unload_is_refused_while_pages_are_mapped_even_with_the_file_closed() {
    guest::run(
        "memalloc::unload_is_refused_while_pages_are_mapped_even_with_the_file_closed",
        || {
            insmod(NAME, "").expect("it loads");
            let file = open();
            allocate(&file, BASE, 1, true).expect("one page");
            drop(file);
            assert_eq!(rmmod(NAME), Err(Errno::EWOULDBLOCK));
            assert_eq!(counter(NAME, "pages_mapped"), 1);
            free(&open(), BASE).expect("another open file frees it");
            rmmod(NAME).expect("now it unloads");
        },
    );
}

#[test]
fn a_page_in_a_pipe_outlives_its_request_and_the_module() {
    guest::run("memalloc::a_page_in_a_pipe_outlives_its_request_and_the_module", || {
        insmod(NAME, "").expect("it loads");
        let file = open();
        allocate(&file, BASE, 2, true).expect("two pages");
        let (mut reader, writer) = std::io::pipe().expect("a pipe");
        let part = libc::iovec { iov_base: BASE as *mut libc::c_void, iov_len: 4096 };
        // SAFETY: the kernel has just mapped the page for us; the pipe is open.
        let spliced = unsafe {
            std::ptr::write_bytes(BASE as *mut u8, 0x6b, 4096);
            libc::vmsplice(writer.as_raw_fd(), &part, 1, 0)
        };
        assert_eq!(Errno::result(spliced), Ok(4096));
        free(&file, BASE).expect("it was a request");
        assert_eq!((counter(NAME, "pages_mapped"), counter(NAME, "requests")), (1, 0));
        drop(file);
        rmmod(NAME).expect("a page that only a pipe holds does not keep it");
        insmod(NAME, "").expect("it loads again");
        allocate(&open(), BASE, 4096, true).expect("all the pages there are");
        let mut bytes = [0; 4096];
        reader.read_exact(&mut bytes).expect("it is in the pipe");
        assert!(bytes.iter().all(|byte| *byte == 0x6b), "it was handed out again meanwhile");
        free(&open(), BASE).expect("it was a request");
        rmmod(NAME).expect("it unloads");
    });
}

#[test]
fn a_walk_goes_through_every_level_to_the_page_and_stops_at_a_hole() {
    guest::run("memalloc::a_walk_goes_through_every_level_to_the_page_and_stops_at_a_hole", || {
        insmod(NAME, "").expect("it loads");
        let file = open();
        let hole = walk(&file, BASE);
        allocate(&file, BASE, 1, true).expect("one page");
        let page = walk(&file, BASE);
        // Four where the processor has no fifth.
        let cpuinfo = guest::text("/proc/cpuinfo");
        let five = cpuinfo.split_whitespace().any(|flag| flag == "la57");
        assert_eq!(page.levels, if five { 5 } else { 4 }, "{page:?}");
        assert_eq!(page.depth, page.levels, "{page:?}");
        let last = page.levels as usize - 1;
        let (tables, rest) = page.entry.split_at(last);
        assert!(tables.iter().all(|table| table & 0x81 == 1), "tables, no leaves: {page:?}");
        assert!(rest[1..].iter().all(|entry| *entry == 0), "nothing behind the page: {page:?}");
        assert!(hole.depth < hole.levels || hole.entry[last] & 1 == 0, "a hole: {hole:?}");
        let stop = hole.depth as usize - 1;
        assert!(hole.entry[stop..].iter().all(|entry| entry & 1 == 0), "a hole: {hole:?}");
        assert_eq!(page.entry[last] & 1, 1, "the page is present: {page:?}");
        assert_eq!(page.entry[last] & 2, 2, "the page is writable: {page:?}");
        assert!(counter(NAME, "tables_pte") >= 1, "its PTE table came into being for it");
        free(&file, BASE).expect("it was a request");
        allocate(&file, BASE, 1, false).expect("one page to read");
        assert_eq!(walk(&file, BASE).entry[last] & 3, 1, "the page is there, and read-only");
        free(&file, BASE).expect("it was a request");
        assert_eq!(walk(&file, BASE).entry[last] & 1, 0, "the page is gone");
        drop(file);
        rmmod(NAME).expect("it unloads");
    });
}
