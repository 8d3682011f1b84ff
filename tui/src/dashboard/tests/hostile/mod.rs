// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recordings that nobody made, and kernels that say what none would: whatever they
//! hold, nothing panics, and everything comes to an end.
//!
//! `RINGSIDE_FUZZ_CASES` has more cases tried than a test usually has time for, from
//! `RINGSIDE_FUZZ_SEED` on.

mod chaos;

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::recording::session;
use crate::dashboard::core::config::{ColorDepth, ThemeName};
use crate::dashboard::core::{CallTag, Effect, Event, Hit, Key};
use crate::dashboard::paint::{Hits, Look};
use crate::dashboard::replay::Player;
use crate::dashboard::shell::model::Model;
use crate::dashboard::shell::update::update;
use crate::dashboard::shell::{commands, frame};
use crate::kernel::api::{KmsgText, LabRequest};
use crate::kernel::call::parsed;
use crate::kernel::{Item, Request};
use crate::tape::{Entry, Recorder, Start, Tape};
use chaos::Chance;

/// A case that takes longer is worth a look.
const SLOW: Duration = Duration::from_secs(20);

/// Tries cases from a seed on, as many as are usual or as the user asks for.
fn cases(usual: u64, mut case: impl FnMut(u64)) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = number("RINGSIDE_FUZZ_SEED").unwrap_or(0);
    let many = number("RINGSIDE_FUZZ_CASES").unwrap_or(usual);
    let mut broken = Vec::new();
    for seed in first..first + many {
        let start = Instant::now();
        if catch_unwind(AssertUnwindSafe(|| case(seed))).is_err() {
            eprintln!("that was seed {seed}");
            broken.push(seed);
        }
        if start.elapsed() > SLOW {
            eprintln!("seed {seed} takes {:?}", start.elapsed());
        }
    }
    assert!(broken.is_empty(), "these seeds panic: {broken:?}");
}

const SIZES: [(u16, u16); 9] =
    [(80, 24), (200, 60), (40, 12), (0, 0), (1, 1), (2, 50), (300, 2), (20, 5), (121, 33)];

fn draw(model: &Model, chance: &mut Chance) {
    let (width, height) = *chance.one(&SIZES);
    let theme = *chance.one(&[ThemeName::Dark, ThemeName::Light]);
    let look = Look::new(theme, ColorDepth::Indexed, chance.percent(50));
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    frame::draw(&mut buffer, &mut Hits::default(), model, look);
}

fn key(chance: &mut Chance) -> Key {
    const KEYS: &str = "12345678jkhlgGnNpPrRsSaAfFdDwWxXcCiIeEoObBvVtTzZmMuUyYLUqQ/?:!.,<>+-=[]() ";
    const NAMED: [&str; 14] = [
        "enter",
        "esc",
        "tab",
        "backtab",
        "backspace",
        "delete",
        "up",
        "down",
        "left",
        "right",
        "pageup",
        "pagedown",
        "home",
        "end",
    ];
    if chance.percent(40) {
        return Key::parse(NAMED[chance.below(NAMED.len())]).unwrap();
    }
    let characters: Vec<_> = KEYS.chars().collect();
    Key::plain(crate::dashboard::core::KeyCode::Char(*chance.one(&characters)))
}

fn hit(model: &Model, chance: &mut Chance) -> Hit {
    match chance.below(4) {
        0 => {
            let known: Vec<_> = commands::all(&model.views).map(|entry| entry.info.name).collect();
            Hit::Command(known[chance.below(known.len())])
        }
        1 => Hit::Row { pane: chance.number() as u8, index: chance.number() as usize },
        2 => Hit::Experiment(Some(chance.number() as usize)),
        _ => Hit::Layer(chance.number() as usize),
    }
}

/// Is it the kind of item that the request asks for?
fn fits(request: &Request, item: &Item) -> bool {
    use Request as R;
    matches!(
        (request, item),
        (_, Item::Done(_))
            | (R::Kernel, Item::Kernel(_))
            | (R::Modules, Item::Modules(_))
            | (R::Module { .. }, Item::Module(_))
            | (R::Holders { .. }, Item::Holders(_))
            | (R::Counters { .. } | R::Watch { .. }, Item::Sample(_))
            | (R::Kmsg { .. }, Item::Kmsg(_) | Item::KmsgText(_))
            | (R::Trace { .. }, Item::Trace(_))
            | (R::Syscall, Item::Syscall(_))
            | (R::Subject | R::TakeSubject { .. }, Item::Subject(_))
            | (R::LeftSubjects, Item::Subjects(_))
            | (R::Inventory { .. }, Item::Inventory(_))
            | (R::SubjectDo { .. }, Item::SubjectDid(_))
            | (R::Block(_), Item::Block(_))
            | (R::Peek { .. }, Item::Bytes(_))
            | (R::BlockDevices, Item::BlockDevices(_))
            | (R::Run(_), Item::Output { .. } | Item::Exited(_))
            | (R::Lab(LabRequest::Status | LabRequest::Watch), Item::Lab(_))
            | (R::Lab(LabRequest::Mark { .. } | LabRequest::Marks), Item::Marks(_))
            | (R::Lab(LabRequest::Console { .. }), Item::Console(_))
    )
}

fn item(request: Option<&Request>, chance: &mut Chance) -> Item {
    let any = |chance: &mut Chance| loop {
        if let Some(item) = chance.value::<Item>() {
            return item;
        }
    };
    let mut last = any(chance);
    if let Some(request) = request
        && chance.percent(90)
    {
        for _ in 0..200 {
            let done = matches!(last, Item::Done(_));
            if fits(request, &last) && (!done || chance.percent(20)) {
                break;
            }
            last = any(chance);
        }
    }
    last
}

/// A dashboard whose kernel says anything.
struct Abused {
    model: Model,
    calls: Vec<(CallTag, Request)>,
    tasks: Vec<CallTag>,
    now_ms: u64,
}

impl Abused {
    fn send(&mut self, event: Event) {
        for effect in update(&mut self.model, event) {
            match effect {
                Effect::Start { tag, request, .. } => self.calls.push((tag, request)),
                Effect::Host { tag, .. } => self.tasks.push(tag),
                _ => {}
            }
        }
    }

    fn step(&mut self, chance: &mut Chance) {
        let event = match chance.below(100) {
            0..25 => Event::Key(key(chance)),
            25..75 if !self.calls.is_empty() => {
                let index = chance.below(self.calls.len());
                let (tag, request) = self.calls[index].clone();
                let item = item(Some(&request), chance);
                if matches!(item, Item::Done(_)) {
                    self.calls.remove(index);
                }
                Event::Item(tag, item)
            }
            25..80 if !self.tasks.is_empty() => {
                let index = chance.below(self.tasks.len());
                let tag = self.tasks[index];
                match chance.value() {
                    Some(reply) if chance.percent(40) => Event::HostSays(tag, reply),
                    Some(reply) => Event::Host(self.tasks.remove(index), Ok(reply)),
                    None => Event::Host(self.tasks.remove(index), Err(chance.text())),
                }
            }
            80..84 => match chance.value() {
                Some(error) => Event::CallFailed(CallTag(chance.number() % 50), error),
                None => return,
            },
            84..86 => Event::Item(CallTag(chance.number() % 50), item(None, chance)),
            86..89 => Event::Click(hit(&self.model, chance)),
            89..91 => Event::Paste(chance.text()),
            91..92 => Event::Wheel { up: chance.percent(50) },
            92..93 => {
                let (width, height) = *chance.one(&SIZES);
                Event::Resize { width, height }
            }
            93..95 => Event::Work,
            _ => {
                self.now_ms += *chance.one(&[0, 1, 99, 1000, 1000, 5000, 61_000, 400 * 86_400_000]);
                Event::Tick { now_ms: self.now_ms }
            }
        };
        self.send(event);
        if chance.percent(15) {
            draw(&self.model, chance);
        }
    }
}

#[test]
fn whatever_a_kernel_says_nothing_panics() {
    cases(60, |seed| {
        let mut chance = Chance::new(seed);
        let model = Model::default();
        let mut abused = Abused { model, calls: Vec::new(), tasks: Vec::new(), now_ms: 0 };
        abused.send(Event::Resize { width: 80, height: 24 });
        abused.send(Event::Tick { now_ms: 0 });
        for _ in 0..300 {
            abused.step(&mut chance);
        }
    });
}

/// What real recordings hold: the tour's, and one of a scripted kernel.
fn real(folder: &Path) -> Vec<(Start, Vec<Entry<'static>>)> {
    let path = folder.join("run.ringside");
    session(&path);
    let tour = include_bytes!("../../../../../assets/tour.ringside");
    [Tape::open(&path).unwrap(), Tape::parse(tour.to_vec()).unwrap()]
        .into_iter()
        .map(|tape| {
            let entries = (0..tape.segments()).flat_map(|at| tape.entries(at).unwrap().0);
            (tape.start().clone(), entries.collect())
        })
        .collect()
}

/// Changes a value somewhere in what an entry holds.
fn bend(value: &mut serde_json::Value, chance: &mut Chance) {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            let index = chance.below(fields.len());
            if let Some(field) = fields.values_mut().nth(index) {
                bend(field, chance);
            }
        }
        Value::Array(items) if !items.is_empty() => match chance.below(6) {
            0 => items.clear(),
            1 => items.truncate(chance.below(items.len())),
            2 => {
                let one = items[chance.below(items.len())].clone();
                items.extend(std::iter::repeat_n(one, chance.below(300)));
            }
            _ => {
                let index = chance.below(items.len());
                bend(&mut items[index], chance);
            }
        },
        Value::Number(_) => *value = chance.number().into(),
        Value::String(_) => *value = chance.text().into(),
        Value::Bool(truth) => *truth = !*truth,
        Value::Null | Value::Array(_) => *value = chance.number().into(),
    }
}

fn bent(entry: &Entry<'static>, chance: &mut Chance) -> Option<Entry<'static>> {
    let mut value = serde_json::to_value(entry).ok()?;
    bend(&mut value, chance);
    serde_json::from_value(value).ok()
}

/// A recording of real entries, some left out, said twice, bent, or of nobody's.
fn hostile(path: &Path, (start, entries): &(Start, Vec<Entry<'static>>), chance: &mut Chance) {
    let start = match chance.value::<Start>() {
        Some(hostile) if chance.percent(30) => hostile,
        _ => start.clone(),
    };
    let mut recorder = Recorder::create(path, &start).unwrap().patient();
    let rate = *chance.one(&[1, 5, 20]);
    let from = chance.below(entries.len() / 2);
    let mut now_ms = 0;
    let mut calls = vec![0, 1, 2, 3];
    for entry in entries.iter().skip(from).take(600) {
        if let Entry::Call { call, .. } | Entry::Task { call, .. } = entry {
            calls.push(*call);
        }
        let wild = chance.percent(rate);
        let entry = match chance.below(6) {
            0 if wild => continue,
            1 if wild => {
                recorder.write(entry);
                Some(entry.clone())
            }
            2 if wild => chance.value(),
            3 if wild => Some(Entry::Key(key(chance).written().unwrap_or_default().into())),
            4 if wild => Some(Entry::Item {
                call: *chance.one(&calls),
                item: Cow::Owned(item(None, chance)),
            }),
            _ if wild => bent(entry, chance),
            _ => Some(entry.clone()),
        };
        match entry {
            Some(Entry::Tick(ms)) => {
                now_ms = now_ms.max(ms.min(366 * 24 * 3600 * 1000));
                recorder.write(&Entry::Tick(now_ms));
            }
            Some(entry) => recorder.write(&entry),
            None => {}
        }
    }
    recorder.finish().unwrap();
}

#[test]
fn a_recording_of_anything_is_played_and_nothing_panics() {
    let folder = tempfile::tempdir().unwrap();
    let real = real(folder.path());
    cases(30, |seed| {
        let mut chance = Chance::new(seed);
        let path = folder.path().join(format!("{seed}.ringside"));
        hostile(&path, &real[chance.below(real.len())], &mut chance);
        let mut bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        if chance.percent(20) {
            bytes.truncate(chance.below(bytes.len()));
        }
        if chance.percent(10) {
            let index = chance.below(bytes.len());
            if let Some(byte) = bytes.get_mut(index) {
                *byte ^= 1 << chance.below(8);
            }
        }
        let Ok(tape) = Tape::parse(bytes) else {
            return;
        };
        let length = tape.length_ms();
        let mut player = Player::new(tape, (80, 26), Model::default().shared.keymap);
        for _ in 0..12 {
            match chance.below(5) {
                0 => player.go(chance.next() % (length + 1)),
                1 => {
                    player.play(true);
                    player.pass(Duration::from_millis(chance.next() % 100_000));
                }
                2 => drop(player.work(Duration::from_millis(20))),
                _ => drop(player.key(key(&mut chance))),
            }
            let (width, height) = *chance.one(&SIZES);
            player.resize((width, height));
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            let look = Look::new(ThemeName::Dark, ColorDepth::Indexed, true);
            player.draw(&mut buffer, &mut Hits::default(), look);
        }
        player.go(length);
    });
}

#[test]
fn a_log_of_anything_is_parsed_and_nothing_panics() {
    cases(200, |seed| {
        let mut chance = Chance::new(seed);
        let request = Request::Kmsg { from: Some(chance.number()), follow: true };
        let mut sink = parsed(&request, Box::new(|_| ()));
        for _ in 0..20 {
            if let Some(text) = chance.value::<KmsgText>() {
                sink(Item::KmsgText(text));
            }
        }
    });
}
