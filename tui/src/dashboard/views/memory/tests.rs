// SPDX-License-Identifier: MIT OR Apache-2.0
//! What view 4 looks like.

use super::state::Memory;
use insta::assert_snapshot;

use super::state::{Call, MODULE, Pane};
use crate::dashboard::core::config::{ColorDepth, ThemeName};
use crate::dashboard::core::{CallTag, Connection, Effect, Event, Key, Owner};
use crate::dashboard::paint::Look;
use crate::dashboard::shell::experiment::start;
use crate::dashboard::shell::model::Model;
use crate::dashboard::shell::update::update;
use crate::dashboard::views::fixture::{assert_no_line_under_nothing, cells, model, screen};
use crate::experiment::shipped;
use crate::kernel::api::{
    Access, Capability, Fault, Mapping, Missing, ProgramEnd, Request, Sample, SubjectAction,
    SubjectEvent, SubjectOutcome, Walk,
};
use crate::kernel::{Item, TargetError};

/// A scripted kernel for one subject: returns every effect as memalloc would.
pub(crate) struct Script {
    pub(crate) model: Model,
    pub(crate) areas: Vec<(u64, u64, bool)>,
    tables: Vec<u64>,
    written: Vec<u64>,
    pub(crate) dead: bool,
    pub(crate) levels: u32,
    /// The kernel keeps the numbers of page frames to itself.
    hides_frames: bool,
    pid: i32,
}

const PAGE: u64 = 4096;

impl Script {
    pub(crate) fn new() -> Self {
        let mut model = model("memory", &[MODULE]);
        let counters = [
            ("pages_limit", 4096),
            ("pages_mapped", 4),
            ("requests", 1),
            ("requests_limit", 100),
            ("refused_exists", 0),
            ("refused_invalid", 0),
            ("refused_pages_limit", 0),
            ("refused_requests_limit", 0),
            ("shared_pages", 0),
            ("tables_p4d", 0),
            ("tables_pmd", 1),
            ("tables_pte", 1),
            ("tables_pud", 1),
        ];
        model.counters.push(Sample::of_module(100, MODULE, &counters, &[], Vec::new()));
        Self {
            model,
            areas: Vec::new(),
            tables: Vec::new(),
            written: Vec::new(),
            dead: false,
            levels: 5,
            hides_frames: false,
            pid: 311,
        }
    }

    /// Presses keys; every request is answered at once.
    pub(crate) fn keys(&mut self, keys: &str) -> &mut Self {
        for key in Key::parse_many(keys).unwrap() {
            let effects = update(&mut self.model, Event::Key(key));
            self.answer(effects);
        }
        self
    }

    /// Somebody else kills the subject.
    pub(crate) fn killed(&mut self) {
        let (pid, end) = (self.pid, ProgramEnd::Signalled(9));
        self.bury(SubjectEvent::Died { pid, end, fault: None, during: None });
    }

    pub(crate) fn answer(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let Effect::Start { tag, request, .. } = effect else {
                continue;
            };
            let items = match request {
                Request::Subject => {
                    self.pid += 1;
                    let pid = self.pid;
                    self.dead = false;
                    vec![Item::Subject(SubjectEvent::Started { pid })]
                }
                Request::SubjectDo { pid, action } => self.act(tag, pid, &action),
                _ => continue,
            };
            for item in items {
                let effects = update(&mut self.model, Event::Item(tag, item));
                self.answer(effects);
            }
        }
    }

    fn mapped(&self, address: u64) -> Option<bool> {
        let inside = |(start, end, _): &&(u64, u64, bool)| (*start..*end).contains(&address);
        self.areas.iter().find(inside).map(|(_, _, write)| *write)
    }

    fn act(&mut self, _tag: CallTag, pid: i32, action: &SubjectAction) -> Vec<Item> {
        let done = |outcome| vec![Item::SubjectDid(outcome), Item::Done(Ok(()))];
        match action {
            SubjectAction::Allocate { vaddr, pages, write } => {
                let end = vaddr + *pages as u64 * PAGE;
                self.areas.push((*vaddr, end, *write));
                self.areas.sort_unstable();
                self.tables.push(vaddr >> 21);
                done(SubjectOutcome::Done)
            }
            SubjectAction::Free { vaddr } => {
                self.areas.retain(|(start, ..)| start != vaddr);
                done(SubjectOutcome::Done)
            }
            SubjectAction::Read { vaddr, size } => match self.mapped(*vaddr) {
                Some(_) => {
                    let text = b"hello\0world ".iter().copied().cycle();
                    done(SubjectOutcome::Bytes(text.take(*size as usize).collect()))
                }
                None => self.die(pid, action, *vaddr, Access::Read, 1),
            },
            SubjectAction::Write { vaddr, .. } => match self.mapped(*vaddr) {
                Some(true) => {
                    self.written.push(vaddr / PAGE);
                    done(SubjectOutcome::Done)
                }
                Some(false) => self.die(pid, action, *vaddr, Access::Write, 2),
                None => self.die(pid, action, *vaddr, Access::Write, 1),
            },
            SubjectAction::Walk { vaddr } => done(SubjectOutcome::Walk(self.walk(*vaddr))),
            SubjectAction::Maps => done(SubjectOutcome::Maps(self.maps())),
            SubjectAction::Share { .. } => done(SubjectOutcome::Done),
            SubjectAction::Access { vaddr } => {
                self.areas.push((*vaddr, vaddr + PAGE, true));
                self.areas.sort_unstable();
                self.tables.push(vaddr >> 21);
                done(SubjectOutcome::Done)
            }
        }
    }

    /// The death of the process, and then the end of what it was doing.
    fn die(
        &mut self,
        pid: i32,
        during: &SubjectAction,
        address: u64,
        access: Access,
        code: i32,
    ) -> Vec<Item> {
        let cause = match (access, code) {
            (Access::Write, 2) => "write to a read-only page",
            (Access::Write, _) => "write to an address where nothing is mapped",
            _ => "read of an address where nothing is mapped",
        };
        let died = SubjectEvent::Died {
            pid,
            end: ProgramEnd::Signalled(11),
            fault: Some(Fault {
                signal: 11,
                code,
                address,
                access,
                cause: cause.into(),
                permissions: None,
                walk: Some(self.walk(address)),
            }),
            during: Some(during.clone()),
        };
        self.bury(died);
        vec![Item::Done(Err(TargetError::Ended(format!("subject {pid} has died"))))]
    }

    pub(crate) fn bury(&mut self, died: SubjectEvent) {
        self.dead = true;
        let live = self
            .model
            .calls
            .iter()
            .find(|(_, call)| call.owner == Owner::view(Call::Live(1)))
            .map(|(tag, _)| tag)
            .unwrap();
        for item in [Item::Subject(died), Item::Done(Ok(()))] {
            update(&mut self.model, Event::Item(live, item));
        }
    }

    fn walk(&self, vaddr: u64) -> Walk {
        let all = [0x1067, 0x2067, 0x3067, 0x4067];
        let tables = if self.levels == 5 { &all[..] } else { &all[1..] };
        let mut entry = [0; 5];
        let mut depth = 2;
        entry[..2].copy_from_slice(&tables[..2]);
        if self.tables.contains(&(vaddr >> 21)) {
            entry[..tables.len()].copy_from_slice(tables);
            depth = tables.len() + 1;
            if let Some(write) = self.mapped(vaddr) {
                let dirty = u64::from(self.written.contains(&(vaddr / PAGE))) << 6;
                entry[depth - 1] = 1 << 63
                    | (0x1a000 + vaddr / PAGE % 512) << 12
                    | 0x25
                    | dirty
                    | u64::from(write) << 1;
            }
        } else {
            entry[1] = 0;
        }
        if self.hides_frames {
            entry = entry.map(|entry| entry & !0x000f_ffff_ffff_f000);
        }
        Walk { vaddr, levels: self.levels, depth: depth as u32, entry }
    }

    fn maps(&self) -> Vec<Mapping> {
        let mapping = |start, end, permissions: &str, name: &str| Mapping {
            start,
            end,
            permissions: permissions.into(),
            name: name.into(),
        };
        let mut maps: Vec<Mapping> = self
            .areas
            .iter()
            .map(|(start, end, write)| {
                let permissions = if *write { "rw-s" } else { "r--s" };
                mapping(*start, *end, permissions, "/dev/memalloc")
            })
            .collect();
        maps.push(mapping(0x5555_5555_4000, 0x5555_5560_0000, "r-xp", "/ringside"));
        maps.push(mapping(0x7fff_ff00_0000, 0x7fff_ff02_1000, "rw-p", "[stack]"));
        maps
    }
}

/// A subject with two requests, one page written and looked into.
pub(crate) fn at_work() -> Script {
    let mut script = Script::new();
    script.keys("na<enter>a<tab><ctrl-u>70<tab><space><enter>");
    script.keys("gw<enter><enter>");
    script
}

#[test]
fn a_subject_with_pages_is_drawn_at_80_by_24() {
    assert_snapshot!(screen(&mut at_work().model, 80, 24));
}

#[test]
fn it_uses_the_space_of_200_by_60() {
    assert_snapshot!(screen(&mut at_work().model, 200, 60));
}

#[test]
fn an_allocation_shows_which_tables_are_new() {
    let mut script = Script::new();
    script.keys("na<enter>");
    let screen = screen(&mut script.model, 80, 24);
    assert!(screen.contains("new tables: PUD PMD PTE"), "{screen}");
    assert!(screen.contains("new PTE[  0]"), "{screen}");
    assert!(screen.contains("    P4D[128]"), "the P4D table was there before: {screen}");
}

#[test]
fn tables_made_for_a_page_that_was_offered_are_marked_too() {
    let mut script = Script::new();
    script.keys("na<enter>nNs<enter>");
    // The page is mapped far from everything else.
    script.keys("No<ctrl-u>0x600000000000<enter>");
    let screen = screen(&mut script.model, 80, 24);
    assert!(screen.contains("mapped the offer at 0x600000000000"), "{screen}");
    assert!(screen.contains("new tables: PUD PMD PTE"), "{screen}");
    assert!(screen.contains("new PTE[  0]"), "{screen}");
}

#[test]
fn no_line_is_drawn_under_nothing() {
    let mut script = Script::new();
    script.keys("na<enter>");
    let mut dead = Script::new();
    dead.keys("na<tab><tab><space><enter>w<enter>");
    for script in [&mut script, &mut dead] {
        for theme in [ThemeName::Dark, ThemeName::Mono] {
            for (width, height) in [(80, 24), (200, 60)] {
                let look = Look::new(theme, ColorDepth::Indexed, true);
                assert_no_line_under_nothing(&cells(&mut script.model, width, height, look));
            }
        }
    }
}

#[test]
fn a_second_allocation_beside_the_first_makes_no_table() {
    let mut script = Script::new();
    script.keys("na<enter>a<enter>");
    assert!(screen(&mut script.model, 80, 24).contains("no new table"));
}

#[test]
fn with_four_levels_the_p4d_is_shown_as_folded() {
    let mut script = Script::new();
    script.levels = 4;
    script.keys("na<enter>");
    assert_snapshot!(screen(&mut script.model, 80, 24));
}

#[test]
fn frames_that_the_kernel_hides_are_called_hidden_and_not_frame_0() {
    let mut script = Script::new();
    script.hides_frames = true;
    script.keys("na<enter>");
    let screen = screen(&mut script.model, 80, 24);
    assert!(screen.contains("PFN hidden") && !screen.contains("PFN 0"), "{screen}");
    let outcome = "its frame only CAP_SYS_ADMIN may know: read-write, user, no execute";
    assert!(screen.contains(outcome) && !screen.contains("physical 0"), "{screen}");
}

#[test]
fn a_write_to_a_read_only_page_kills_the_subject_and_says_who_where_and_why() {
    let mut script = Script::new();
    script.keys("na<tab><tab><space><enter>w<enter>");
    assert!(script.dead);
    assert_snapshot!(screen(&mut script.model, 80, 24));
}

#[test]
fn where_there_is_no_room_for_the_whole_walk_its_end_is_shown() {
    let mut script = at_work();
    let shown = |screen: &str| screen.lines().filter(|line| line.contains(" PFN ")).count();
    let whole = screen(&mut script.model, 80, 24);
    assert!(whole.contains("PGD[") && whole.contains("PTE["), "{whole}");
    for height in 12..24 {
        let low = screen(&mut script.model, 80, height);
        assert!(shown(&low) == 0 || low.contains("PTE["), "{height} rows:\n{low}");
    }
}

#[test]
fn the_whole_walk_is_seen_beside_an_experiment_at_80_by_24() {
    let mut script = at_work();
    let five_tables = shipped("five-tables").unwrap().unwrap();
    start(&mut script.model.shared, five_tables);
    let shown = screen(&mut script.model, 80, 24);
    for level in ["PGD[", "P4D[", "PUD[", "PMD[", "PTE["] {
        assert!(shown.contains(level), "{level}\n{shown}");
    }
    let arrow = shown
        .lines()
        .find(|line| line.contains("PTE["))
        .and_then(|_| shown.lines().skip_while(|line| !line.contains("PTE[")).nth(1));
    assert!(arrow.is_some_and(|line| !line.contains('┗')), "the outcome:\n{shown}");
    assert!(shown.contains("Subjects"), "{shown}");
}

#[test]
fn the_bytes_read_can_be_brought_up_at_80_by_24() {
    let mut script = at_work();
    script.model.views.get_mut::<Memory>().unwrap().focus = Pane::Content;
    assert_snapshot!(screen(&mut script.model, 80, 24));
}

#[test]
fn without_a_subject_the_key_that_starts_one_is_named() {
    assert_snapshot!(screen(&mut Script::new().model, 80, 24));
}

#[test]
fn what_no_sample_has_told_yet_is_not_called_0() {
    let mut script = Script::new();
    script.model.counters.clear();
    let screen = screen(&mut script.model, 80, 24);
    assert!(screen.contains("pages ?/? requests ?/? shared ? refused ? made P4D ?"), "{screen}");
}

#[test]
fn a_module_that_is_not_loaded_is_introduced() {
    assert_snapshot!(screen(&mut model("memory", &[]), 80, 24));
}

#[test]
fn a_lost_connection_and_a_missing_capability_are_told() {
    let mut model = model("memory", &[MODULE]);
    if let Some(kernel) = &mut model.link.kernel {
        kernel.missing = vec![Missing {
            capability: Capability::Subjects,
            reason: "/dev/memalloc can only be opened by root.".into(),
        }];
    }
    assert!(screen(&mut model, 80, 24).contains("can only be opened by root"));
    model.link.connection = Connection::Lost { why: "the ssh command ended".into(), since_ms: 0 };
    assert!(screen(&mut model, 80, 24).contains("the ssh command ended"));
}

#[test]
fn hostile_names_of_mappings_stay_text() {
    let mut script = at_work();
    script.model.views.get_mut::<Memory>().unwrap().subjects[0].maps[2].name =
        "/tmp/\u{1b}[2J\u{202e}x\n".into();
    let screen = screen(&mut script.model, 80, 40);
    assert!(screen.chars().all(|character| character == '\n' || !character.is_control()));
    assert!(screen.contains("/tmp/\\x1b[2J\\u{202e}x\\n"), "{screen}");
}

#[test]
fn no_size_of_the_screen_is_too_small_to_draw() {
    let mut script = at_work();
    for pane in [Pane::Space, Pane::Content, Pane::Walk] {
        script.model.views.get_mut::<Memory>().unwrap().focus = pane;
        for width in (0..90).step_by(7) {
            for height in 0..30 {
                for zoom in [false, true] {
                    script.model.zoom = zoom;
                    screen(&mut script.model, width, height);
                }
            }
        }
    }
}
