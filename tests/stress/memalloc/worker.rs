// SPDX-License-Identifier: MIT OR Apache-2.0
//! One thread's requests, what must be in them, and what it does to them.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::process::Command;
use std::rc::Rc;

use nix::errno::Errno;
use nix::libc::{self, c_void};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use std::cell::RefCell;

use super::partner::{Device, Order, PAGE, Partner};
use crate::plan::Random;

/// Requests of a thread, and pages of one; all together stay below the limits.
const SLOTS: usize = 14;
const PAGES: usize = 40;
/// Pages that the partner has.
const SHARED: usize = 6;

const STICK: &str = "/dev/ringside-usb";

type Page = Rc<RefCell<Vec<u8>>>;

struct Request {
    start: usize,
    pages: Vec<Page>,
    writable: bool,
}

impl Request {
    fn size(&self) -> usize {
        self.pages.len() * PAGE
    }

    fn memory(&self) -> *mut c_void {
        self.start as *mut c_void
    }
}

/// What the counters must be.
#[derive(Default)]
pub struct Sum {
    pub pages: usize,
    pub requests: usize,
    pub shared: usize,
    pub allocations: usize,
    pub frees: usize,
    pub exists: usize,
}

impl Sum {
    pub fn add(&mut self, other: &Self) {
        self.pages += other.pages;
        self.requests += other.requests;
        self.shared += other.shared;
        self.allocations += other.allocations;
        self.frees += other.frees;
        self.exists += other.exists;
    }
}

/// See the module's description.
pub struct Worker {
    random: Random,
    device: Device,
    stick: File,
    pagemap: File,
    base: usize,
    requests: BTreeMap<usize, Request>,
    partner: Partner,
    /// What the partner has mapped: the page, and whether it may write.
    theirs: BTreeMap<usize, (Page, bool)>,
    allocations: usize,
    frees: usize,
    exists: usize,
}

/// The bytes of a page as this process sees them.
fn seen(address: usize) -> &'static [u8] {
    // SAFETY: It is asked for only where a request is, and not kept.
    unsafe { std::slice::from_raw_parts(address as *const u8, PAGE) }
}

impl Worker {
    pub fn new(number: usize, random: Random) -> Self {
        let device = Device::open();
        let mut direct = File::options();
        direct.read(true).write(true).custom_flags(libc::O_DIRECT);
        Self {
            random,
            partner: Partner::start(&device),
            device,
            stick: direct.open(STICK).expect("the stick can be opened"),
            pagemap: File::open("/proc/self/pagemap").expect("pagemap can be opened"),
            // 2 GiB of addresses for each slot, and the partner's beside them.
            base: 0x1000_0000_0000 * (number + 1),
            requests: BTreeMap::new(),
            theirs: BTreeMap::new(),
            allocations: 0,
            frees: 0,
            exists: 0,
        }
    }

    fn address(&self, slot: usize) -> usize {
        self.base + slot * (2 << 30)
    }

    /// A request by chance, if there is any.
    fn any(&mut self) -> Option<usize> {
        let count = self.requests.len();
        let which = if count == 0 { return None } else { self.random.below(count) };
        self.requests.keys().nth(which).copied()
    }

    /// A page of a request by chance: slot, number, address.
    fn any_page(&mut self) -> Option<(usize, usize, usize)> {
        let slot = self.any()?;
        let number = self.random.below(self.requests[&slot].pages.len());
        Some((slot, number, self.requests[&slot].start + number * PAGE))
    }

    pub fn step(&mut self) {
        let what = self.random.below(24);
        if what < 6 {
            return self.allocate();
        }
        let Some((slot, number, address)) = self.any_page() else { return };
        match what {
            6..9 => self.write(slot, number, address),
            9 => self.free(slot, false),
            10 => self.free(slot, true),
            11 => self.refused(slot),
            12 => self.protect(slot),
            13 => self.advise(slot),
            14 => self.walk(address),
            15..18 => self.share(slot, number, address),
            18 => self.partner_writes(),
            19 => self.partner_frees(),
            20 => self.through_other_doors(slot, number, address),
            21 => self.pipe(slot, number, address),
            22 if self.random.once_in(4) => self.children(address),
            23 if self.random.once_in(4) => self.kill_partner(),
            _ => self.verify(),
        }
    }

    fn allocate(&mut self) {
        let slot = self.random.below(SLOTS);
        let start = self.address(slot);
        if self.requests.contains_key(&slot) {
            assert_eq!(self.device.allocate(start, 1, true), Err(Errno::EEXIST));
            self.exists += 1;
            return;
        }
        let count = 1 + self.random.below(PAGES);
        let writable = !self.random.once_in(4);
        self.device.allocate(start, count as i32, writable).expect("it is below the limits");
        self.allocations += 1;
        let pages = (0..count).map(|_| Rc::new(RefCell::new(vec![0; PAGE]))).collect();
        self.requests.insert(slot, Request { start, pages, writable });
        self.verify_request(slot);
    }

    fn write(&mut self, slot: usize, number: usize, address: usize) {
        let request = &self.requests[&slot];
        if !request.writable {
            return;
        }
        let mut page = request.pages[number].borrow_mut();
        let begin = self.random.below(PAGE);
        let end = begin + self.random.below(PAGE - begin) + 1;
        self.random.fill(&mut page[begin..end]);
        // SAFETY: The page is a request's of ours, and may be written.
        let to = unsafe { std::slice::from_raw_parts_mut(address as *mut u8, PAGE) };
        to[begin..end].copy_from_slice(&page[begin..end]);
    }

    /// FREE, or an `munmap` of all of it.
    fn free(&mut self, slot: usize, unmap: bool) {
        let request = self.requests.remove(&slot).expect("it is there");
        if unmap {
            // SAFETY: The request is ours, and nothing of it is used any more.
            assert_eq!(unsafe { libc::munmap(request.memory(), request.size()) }, 0);
        } else {
            assert_eq!(self.device.free(request.start), Ok(()));
        }
        self.frees += 1;
        assert_eq!(self.device.free(request.start), Err(Errno::EINVAL));
    }

    /// What is refused, and changes nothing.
    fn refused(&mut self, slot: usize) {
        let request = &self.requests[&slot];
        let (memory, size) = (request.memory(), request.size());
        // SAFETY: All of these fail.
        unsafe {
            if size > PAGE {
                assert_eq!(libc::munmap(memory, PAGE), -1);
                assert_eq!(Errno::last(), Errno::EINVAL);
                assert_eq!(libc::mprotect(memory, PAGE, libc::PROT_NONE), -1);
                assert_eq!(Errno::last(), Errno::EINVAL);
                assert_eq!(libc::mremap(memory, size, PAGE, 0), libc::MAP_FAILED);
                assert_eq!(Errno::last(), Errno::EINVAL);
            }
            assert_eq!(
                libc::mremap(memory, size, size + PAGE, libc::MREMAP_MAYMOVE),
                libc::MAP_FAILED
            );
            assert_eq!(Errno::last(), Errno::EFAULT);
            let elsewhere = (request.start + (1 << 30)) as *mut c_void;
            let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
            assert_eq!(libc::mremap(memory, size, size, flags, elsewhere), libc::MAP_FAILED);
            assert_eq!(Errno::last(), Errno::EINVAL);
            assert_eq!(libc::madvise(memory, size, libc::MADV_DOFORK), -1);
            assert_eq!(Errno::last(), Errno::EINVAL);
        }
        assert_eq!(self.device.free(request.start + PAGE), Err(Errno::EINVAL));
        self.verify_request(slot);
    }

    fn protect(&mut self, slot: usize) {
        let request = &self.requests[&slot];
        let all = libc::PROT_READ | libc::PROT_WRITE;
        let protect = |protection| {
            // SAFETY: Nothing is used meanwhile, and reading stays allowed in the end.
            let result = unsafe { libc::mprotect(request.memory(), request.size(), protection) };
            Errno::result(result).map(drop)
        };
        assert_eq!(protect(libc::PROT_NONE), Ok(()));
        assert_eq!(protect(libc::PROT_READ | libc::PROT_EXEC), Err(Errno::EACCES));
        assert_eq!(protect(libc::PROT_READ), Ok(()));
        let expected = if request.writable { Ok(()) } else { Err(Errno::EACCES) };
        assert_eq!(protect(all), expected);
        self.verify_request(slot);
    }

    fn advise(&mut self, slot: usize) {
        let request = &self.requests[&slot];
        // SAFETY: What is in the pages stays.
        let result =
            unsafe { libc::madvise(request.memory(), request.size(), libc::MADV_DONTNEED) };
        assert_eq!(Errno::result(result), Ok(0));
        self.verify_request(slot);
    }

    /// The frame is the one that `/proc/self/pagemap` tells.
    fn walk(&mut self, address: usize) {
        // Makes sure that there is an entry.
        std::hint::black_box(seen(address)[0]);
        let walk = self.device.walk(address);
        assert_eq!(walk.depth, walk.levels, "{walk:?}");
        let mut entry = [0; 8];
        self.pagemap.read_exact_at(&mut entry, (address / PAGE * 8) as u64).expect("it is read");
        let frame = u64::from_le_bytes(entry) & ((1 << 55) - 1);
        let last = walk.entry[walk.depth as usize - 1];
        assert_eq!((last >> 12) & ((1 << 40) - 1), frame, "{walk:?}");
    }

    fn share(&mut self, slot: usize, number: usize, address: usize) {
        let theirs = self.random.below(SHARED);
        let at = self.address(SLOTS + theirs);
        let request = &self.requests[&slot];
        let may_write = self.random.once_in(2);
        if self.theirs.contains_key(&theirs) {
            return;
        }
        self.device.share(address, self.partner.pid, may_write).expect("the partner is alive");
        assert_eq!(self.partner.order(Order::Access, at, 0), Ok(()));
        let page = request.pages[number].clone();
        assert!(self.partner.read(at) == *page.borrow(), "what the partner sees at {address:#x}");
        self.theirs.insert(theirs, (page, may_write && request.writable));
        // It was taken up, and is no more.
        assert_eq!(self.partner.order(Order::Access, at, 0), Err(Errno::ENOENT));
    }

    fn partner_writes(&mut self) {
        let at = |slot| self.base + (SLOTS + slot) * (2 << 30);
        for (slot, (page, may_write)) in &self.theirs {
            if *may_write {
                let (offset, byte) = (self.random.below(PAGE), self.random.next() as u8);
                assert_eq!(self.partner.order(Order::Write, at(slot) + offset, byte), Ok(()));
                page.borrow_mut()[offset] = byte;
            }
        }
        self.verify();
    }

    fn partner_frees(&mut self) {
        if let Some((slot, _)) = self.theirs.pop_first() {
            let at = self.address(SLOTS + slot);
            assert_eq!(self.partner.order(Order::Free, at, 0), Ok(()));
            self.frees += 1;
        }
    }

    fn kill_partner(&mut self) {
        self.frees += self.theirs.len();
        self.theirs.clear();
        // The old one ends when it is replaced.
        self.partner = Partner::start(&self.device);
    }

    /// By the kernel's other ways to memory: another's eyes, the disk, a futex.
    fn through_other_doors(&mut self, slot: usize, number: usize, address: usize) {
        let request = &self.requests[&slot];
        let mut page = request.pages[number].borrow_mut();
        let mut copy = vec![0_u8; PAGE];
        let local = libc::iovec { iov_base: copy.as_mut_ptr().cast(), iov_len: PAGE };
        let remote = libc::iovec { iov_base: address as *mut c_void, iov_len: PAGE };
        // SAFETY: Both are a page of memory of ours.
        let read = unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0) };
        assert_eq!(read, PAGE as isize, "{}", Errno::last());
        assert!(copy == *page, "process_vm_readv at {address:#x}");
        // SAFETY: The address is one of ours; a futex that nobody waits for wakes nobody.
        let woken = unsafe { libc::syscall(libc::SYS_futex, address, libc::FUTEX_WAKE, 1) };
        assert_eq!(woken, 0, "{}", Errno::last());
        let place = (self.base >> 24) as u64 & 0xff_f000;
        self.stick.write_all_at(seen(address), place).expect("O_DIRECT from a page");
        if request.writable {
            self.random.fill(&mut page);
            // SAFETY: As above; the page may be written.
            let to = unsafe { std::slice::from_raw_parts_mut(address as *mut u8, PAGE) };
            to.copy_from_slice(&page);
            self.stick.read_exact_at(to, place).expect("O_DIRECT into a page");
            page.copy_from_slice(&copy);
        }
        drop(page);
        self.verify_request(slot);
    }

    /// A page in a pipe outlives its request, and counts until it is read.
    fn pipe(&mut self, slot: usize, number: usize, address: usize) {
        let (from, to) = nix::unistd::pipe().expect("a pipe");
        let piece = libc::iovec { iov_base: address as *mut c_void, iov_len: PAGE };
        // SAFETY: The page is one of ours.
        let moved = unsafe { libc::vmsplice(to.as_raw_fd(), &piece, 1, 0) };
        assert_eq!(moved, PAGE as isize, "{}", Errno::last());
        let page = self.requests[&slot].pages[number].clone();
        self.free(slot, false);
        let mut bytes = vec![0; PAGE];
        let mut have = 0;
        while have < PAGE {
            have += nix::unistd::read(&from, &mut bytes[have..]).expect("it is in the pipe");
        }
        assert!(bytes == *page.borrow(), "what came out of the pipe");
    }

    /// A child has none of it, be it forked or started; ours stays.
    fn children(&mut self, address: usize) {
        // SAFETY: The child does nothing that allocates or locks.
        match unsafe { fork() }.expect("a child starts") {
            ForkResult::Child => {
                let mut byte = 0_u8;
                let local = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
                let remote = libc::iovec { iov_base: address as *mut c_void, iov_len: 1 };
                // SAFETY: The address may be any: it is looked at by the kernel.
                unsafe {
                    let read = libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0);
                    libc::_exit(i32::from(read != -1))
                }
            }
            ForkResult::Parent { child } => {
                assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)), "inherited");
            }
        }
        let status = Command::new("true").status().expect("a program starts");
        assert!(status.success());
        self.verify();
    }

    fn verify_request(&self, slot: usize) {
        let request = &self.requests[&slot];
        for (number, page) in request.pages.iter().enumerate() {
            let address = request.start + number * PAGE;
            assert!(seen(address) == *page.borrow(), "page {number} of slot {slot}");
        }
    }

    /// Everything is as it must be, for us and for the partner.
    pub fn verify(&mut self) {
        self.requests.keys().for_each(|slot| self.verify_request(*slot));
        let base = self.base;
        for (slot, (page, _)) in &self.theirs {
            let at = base + (SLOTS + slot) * (2 << 30);
            assert!(self.partner.read(at) == *page.borrow(), "page {slot} of the partner");
        }
    }

    pub fn sum(&self) -> Sum {
        let own = || self.requests.values().flat_map(|request| &request.pages);
        let mut theirs: Vec<&Page> = self.theirs.values().map(|(page, _)| page).collect();
        theirs.sort_by_key(|page| Rc::as_ptr(page));
        theirs.dedup_by(|a, b| Rc::ptr_eq(a, b));
        let is_own = |page: &&&Page| own().any(|own| Rc::ptr_eq(own, page));
        let shared = theirs.iter().filter(is_own).count();
        Sum {
            pages: own().count() + theirs.len() - shared,
            requests: self.requests.len() + self.theirs.len(),
            shared,
            allocations: self.allocations,
            frees: self.frees,
            exists: self.exists,
        }
    }

    /// Gives back everything, in one of the ways there are.
    pub fn end(mut self) {
        while let Some(slot) = self.any() {
            let unmap = self.random.once_in(2);
            self.free(slot, unmap);
        }
    }
}
