// SPDX-License-Identifier: MIT OR Apache-2.0
//! memalloc as it must be: which requests there are, and what is on offer.

use std::collections::BTreeMap;
use std::ops::Range;

use nix::errno::Errno;
use nix::libc;
use ringside_uapi::memalloc as abi;

use super::super::arena::{self, PAGE, ZONES};
use super::super::call::Call;
use super::super::expect::Expect;
use super::super::make::ACTOR;
use super::{is_open_for, readable, writable};

#[derive(Clone, Debug)]
pub struct Request {
    /// Of each page, which it is: one that is shared is in two requests.
    pub pages: Vec<usize>,
    pub may_write: bool,
    /// What `mprotect` left; `None` where only some of it may have been changed.
    pub protection: Option<i32>,
}

impl Request {
    fn range(&self, start: u64) -> Range<u64> {
        start..start + self.pages.len() as u64 * PAGE
    }
}

struct Offer {
    from: u8,
    start: u64,
    index: usize,
    may_write: bool,
}

pub struct Memory {
    limit: u64,
    pub requests: [BTreeMap<u64, Request>; 2],
    offers: [Option<Offer>; 2],
    /// The first and the last word of each page, where they are known.
    pub words: Vec<[Option<u64>; 2]>,
}

fn overlap(one: &Range<u64>, other: &Range<u64>) -> bool {
    one.start < other.end && other.start < one.end
}

impl Memory {
    pub fn new(limit: u64) -> Self {
        Self { limit, requests: Default::default(), offers: [None, None], words: Vec::new() }
    }

    /// How many pages are mapped, by any number of requests.
    pub fn pages(&self) -> usize {
        let mut all: Vec<usize> = self
            .requests
            .iter()
            .flat_map(|of| of.values())
            .flat_map(|it| &it.pages)
            .copied()
            .collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    }

    pub fn count(&self) -> usize {
        self.requests.iter().map(BTreeMap::len).sum()
    }

    /// The request that an address lies in, and its page.
    pub fn find(&self, actor: u8, address: u64) -> Option<(u64, &Request, usize)> {
        let (start, request) = self.requests[usize::from(actor)].range(..=address).next_back()?;
        let inside = request.range(*start).contains(&address);
        inside.then(|| (*start, request, ((address - start) / PAGE) as usize))
    }

    fn in_range(&self, actor: u8, range: &Range<u64>) -> Vec<(u64, &Request)> {
        let all = self.requests[usize::from(actor)].iter();
        all.filter(|(start, it)| overlap(&it.range(**start), range))
            .map(|(start, it)| (*start, it))
            .collect()
    }

    fn wrong_page(&self, address: u64) -> bool {
        address == 0 || !address.is_multiple_of(PAGE) || address > self.limit - PAGE
    }

    /// What a call for pages at an address gets, as far as that decides.
    fn wrong_place(&self, call: &Call, range: &Range<u64>, write: bool) -> (Vec<Errno>, bool) {
        let [mode, ..] = call.number::<1>();
        let mut wrong = Vec::new();
        if !is_open_for(mode, false) || write && !is_open_for(mode, true) {
            wrong.push(Errno::EACCES);
        }
        let zones = ZONES.iter().any(|zone| overlap(&(zone.start..zone.end()), range));
        if zones || !self.in_range(call.actor, range).is_empty() {
            wrong.push(Errno::EEXIST);
        }
        if self.count() >= abi::REQUESTS_LIMIT as usize {
            wrong.push(Errno::ESRCH);
        }
        // Elsewhere there may be something of the process's own.
        let known = [range.start, range.end - 1].into_iter().all(arena::is_for_requests);
        (wrong, known)
    }

    pub fn expect(&self, call: &Call) -> Expect {
        let [mode, command, at, vaddr, rest] = call.number();
        let size = match command as u32 {
            abi::ALLOCATE | abi::SHAREPAGE => 16,
            abi::FREE | abi::ACCESSPAGE => 8,
            abi::WALK => 56,
            _ => return Expect::Failure(vec![Errno::ENOTTY]),
        };
        let mut wrong = Vec::new();
        if command as u32 == abi::WALK && !is_open_for(mode, false) {
            wrong.push(Errno::EBADF);
        }
        if !readable(at, size) {
            wrong.push(Errno::EFAULT);
            return Expect::Failure(wrong);
        }
        // What lies there instead of the words of the call.
        let (vaddr, rest) = if writable(at, size) { (vaddr, rest) } else { (0, 0) };
        let (number, write) = (rest as u32 as i32, rest >> 32 & 0xff != 0);
        let mut known = true;
        match command as u32 {
            abi::ALLOCATE => {
                let size = u64::try_from(number).unwrap_or_default() * PAGE;
                let end = vaddr.checked_add(size).filter(|end| *end <= self.limit);
                match end.filter(|_| size > 0 && !self.wrong_page(vaddr)) {
                    Some(end) => {
                        let (more, told) = self.wrong_place(call, &(vaddr..end), write);
                        wrong.extend(more);
                        known = told;
                        if self.pages() as u64 + size / PAGE > abi::PAGES_LIMIT {
                            wrong.push(Errno::ENOENT);
                        }
                    }
                    None => wrong.push(Errno::EINVAL),
                }
            }
            abi::FREE => {
                if !self.requests[usize::from(call.actor)].contains_key(&vaddr) {
                    wrong.push(Errno::EINVAL);
                }
            }
            abi::SHAREPAGE => {
                if self.wrong_page(vaddr) || self.find(call.actor, vaddr).is_none() || number <= 0 {
                    wrong.push(Errno::EINVAL);
                }
                known = is_actor(number).is_some();
            }
            abi::ACCESSPAGE => match &self.offers[usize::from(call.actor)] {
                _ if self.wrong_page(vaddr) => wrong.push(Errno::EINVAL),
                None => wrong.push(Errno::ENOENT),
                Some(offer) => {
                    let range = vaddr..vaddr + PAGE;
                    let (more, told) = self.wrong_place(call, &range, offer.may_write);
                    wrong.extend(more);
                    known = told;
                }
            },
            _ => {
                if vaddr >= self.limit {
                    wrong.push(Errno::EINVAL);
                } else if !writable(at, size) {
                    wrong.push(Errno::EFAULT);
                }
            }
        }
        match (wrong.is_empty(), known) {
            (true, false) => Expect::Either(
                0..=0,
                vec![Errno::EEXIST, Errno::ESRCH, Errno::ENOMEM, Errno::EINVAL],
            ),
            (false, false) => {
                wrong.extend([Errno::EEXIST, Errno::ESRCH]);
                Expect::Failure(wrong)
            }
            _ => Expect::unless(wrong, 0..=0),
        }
    }

    pub fn note(&mut self, call: &Call) {
        let [_, command, _, vaddr, rest] = call.number();
        let (number, may_write) = (rest as u32 as i32, rest >> 32 & 0xff != 0);
        let actor = usize::from(call.actor);
        match command as u32 {
            abi::ALLOCATE => {
                let first = self.words.len();
                let pages: Vec<usize> = (first..first + number as usize).collect();
                self.words.resize(first + pages.len(), [Some(0); 2]);
                self.requests[actor]
                    .insert(vaddr, Request { pages, may_write, protection: Some(all(may_write)) });
            }
            abi::FREE => self.ended(call.actor, vaddr),
            abi::SHAREPAGE => {
                let found = self.find(call.actor, vaddr);
                let (Some(to), Some((start, request, index))) = (is_actor(number), found) else {
                    return;
                };
                let may_write = may_write && request.may_write;
                self.offers[to] = Some(Offer { from: call.actor, start, index, may_write });
            }
            abi::ACCESSPAGE => {
                let Some(offer) = self.offers[actor].take() else { return };
                let from = &self.requests[usize::from(offer.from)][&offer.start];
                let (pages, may_write) = (vec![from.pages[offer.index]], offer.may_write);
                self.requests[actor]
                    .insert(vaddr, Request { pages, may_write, protection: Some(all(may_write)) });
            }
            _ => {}
        }
    }

    fn ended(&mut self, actor: u8, start: u64) {
        self.requests[usize::from(actor)].remove(&start);
        for offer in &mut self.offers {
            if offer.as_ref().is_some_and(|it| it.from == actor && it.start == start) {
                *offer = None;
            }
        }
    }

    /// With all that it had.
    pub fn died(&mut self, actor: u8) {
        let starts: Vec<u64> = self.requests[usize::from(actor)].keys().copied().collect();
        starts.into_iter().for_each(|start| self.ended(actor, start));
        self.offers[usize::from(actor)] = None;
    }

    fn given(call: &Call) -> Range<u64> {
        let [address, length] = call.number();
        address..address + length.next_multiple_of(PAGE)
    }

    /// Are all requests in there in there whole?
    fn whole(&self, actor: u8, range: &Range<u64>) -> bool {
        let inside = |(start, request): (u64, &Request)| {
            let own = request.range(start);
            range.start <= own.start && own.end <= range.end
        };
        self.in_range(actor, range).into_iter().all(inside)
    }

    pub fn expect_unmap(&self, call: &Call) -> Expect {
        let range = Self::given(call);
        let wrong = !range.start.is_multiple_of(PAGE)
            || range.is_empty()
            || !self.whole(call.actor, &range);
        Expect::unless(if wrong { vec![Errno::EINVAL] } else { vec![] }, 0..=0)
    }

    pub fn unmapped(&mut self, call: &Call) {
        let found: Vec<u64> = self
            .in_range(call.actor, &Self::given(call))
            .into_iter()
            .map(|(start, _)| start)
            .collect();
        found.into_iter().for_each(|start| self.ended(call.actor, start));
    }

    pub fn expect_protect(&self, call: &Call) -> Expect {
        let [_, length, protection] = call.number();
        let range = Self::given(call);
        let found = self.in_range(call.actor, &range);
        let [(start, request)] = found.as_slice() else {
            return Expect::Anything;
        };
        if request.range(*start) != range || length == 0 {
            return Expect::Anything;
        }
        let protection = protection as i32;
        let known = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
        let right = protection & libc::PROT_EXEC == 0
            && (request.may_write || protection & libc::PROT_WRITE == 0);
        match protection & !known {
            0 if right => Expect::exactly(0),
            0 => Expect::Failure(vec![Errno::EACCES]),
            _ => Expect::Anything,
        }
    }

    pub fn protected(&mut self, call: &Call, succeeded: bool) {
        let [_, _, protection] = call.number();
        let range = Self::given(call);
        let actor = usize::from(call.actor);
        for (start, request) in &mut self.requests[actor] {
            let own = request.range(*start);
            if own == range {
                if succeeded {
                    request.protection = Some(protection as i32);
                }
            } else if overlap(&own, &range) {
                request.protection = None;
            }
        }
    }

    pub fn expect_advise(&self, call: &Call) -> Expect {
        let [_, length, advice] = call.number();
        let range = Self::given(call);
        let found = self.in_range(call.actor, &range);
        let [(start, request)] = found.as_slice() else {
            return Expect::Anything;
        };
        let own = request.range(*start);
        let inside = own.start <= range.start && range.end <= own.end && length > 0;
        match advice as i32 {
            _ if !inside || !range.start.is_multiple_of(PAGE) => Expect::Anything,
            libc::MADV_DONTNEED => Expect::exactly(0),
            libc::MADV_DOFORK => Expect::Failure(vec![Errno::EINVAL]),
            _ => Expect::Anything,
        }
    }

    /// The pages there hold something else now.
    pub fn forget(&mut self, actor: u8, range: Range<u64>) {
        let found = self.in_range(actor, &range).into_iter();
        let pages: Vec<usize> = found.flat_map(|(_, request)| request.pages.clone()).collect();
        pages.into_iter().for_each(|page| self.words[page] = [None; 2]);
    }
}

fn all(may_write: bool) -> i32 {
    if may_write { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_READ }
}

/// Does the number stand for one of the two processes?
fn is_actor(number: i32) -> Option<usize> {
    let which = (number as u32 as u64).checked_sub(ACTOR)?;
    (which < 2).then_some(which as usize)
}
