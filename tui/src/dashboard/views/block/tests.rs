// SPDX-License-Identifier: MIT OR Apache-2.0
//! What view 5 looks like.

use super::state::Block;
use crate::dashboard::core::{Connection, Effect, Event, HostReply, HostRequest, Key};
use insta::assert_snapshot;

use super::state::MODULE;
use crate::dashboard::shell::model::Model;
use crate::dashboard::shell::update::update;
use crate::dashboard::views::fixture::{model, screen};
use crate::kernel::api::{
    BlockAction, BlockDevice, BlockDeviceInfo, BlockOutcome, GuestState, LabRequest, LabStatus,
    ModuleDetail, ParameterValue, Request, Sample,
};
use crate::kernel::{Item, TargetError};

/// A scripted kernel with a stick behind kmod.
pub(crate) struct Script {
    pub(crate) model: Model,
    pub(crate) disk: Vec<u8>,
    pub(crate) position: u64,
    pub(crate) gone: bool,
    /// What `pread` sees differently: an offset and a byte.
    pub(crate) stale: Option<(usize, u8)>,
    pub(crate) asked: Vec<Request>,
}

impl Script {
    pub(crate) fn new() -> Self {
        let mut disk = vec![0; 64 << 10];
        disk[..11].copy_from_slice(b"hello world");
        for (index, byte) in disk[0x40..0x60].iter_mut().enumerate() {
            *byte = 0xf0 + (index as u8 % 16);
        }
        disk[510] = 0x55;
        disk[511] = 0xaa;
        let mut model = model("block", &[MODULE]);
        model.link.lab = Some(LabStatus {
            guest: GuestState::Running,
            stick_plugged: true,
            ..LabStatus::default()
        });
        let mut script =
            Self { model, disk, position: 0, gone: false, stale: None, asked: Vec::new() };
        script.keys("5");
        script
    }

    pub(crate) fn keys(&mut self, keys: &str) -> &mut Self {
        for key in Key::parse_many(keys).unwrap() {
            let effects = update(&mut self.model, Event::Key(key));
            self.answer(effects);
        }
        self
    }

    pub(crate) fn tick(&mut self, now_ms: u64) {
        let effects = update(&mut self.model, Event::Tick { now_ms });
        self.answer(effects);
    }

    pub(crate) fn answer(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let (tag, items) = match effect {
                Effect::Start { tag, request, .. } => {
                    self.asked.push(request.clone());
                    (tag, self.items(request))
                }
                Effect::Host { tag, request: HostRequest::ReadFile { path, limit } } => {
                    let size = 40 << 10;
                    let result = match (path.as_str(), &limit.reason) {
                        ("/big", Some(reason)) if size > limit.bytes => {
                            Err(format!("/big has more than {} bytes, {reason}", limit.bytes))
                        }
                        ("/big", _) => Ok(vec![b'x'; size.min(limit.bytes) as usize]),
                        ("/empty", _) => Ok(Vec::new()),
                        _ => Err(format!("read {path}: No such file or directory (ENOENT)")),
                    };
                    let effects =
                        update(&mut self.model, Event::Host(tag, result.map(HostReply::Bytes)));
                    self.answer(effects);
                    continue;
                }
                _ => continue,
            };
            for item in items {
                let effects = update(&mut self.model, Event::Item(tag, item));
                self.answer(effects);
            }
        }
    }

    fn items(&mut self, request: Request) -> Vec<Item> {
        let one = |item| vec![item, Item::Done(Ok(()))];
        match request {
            Request::Block(action) => match self.act(action) {
                Ok(outcome) => one(Item::Block(outcome)),
                Err(error) => vec![Item::Done(Err(error))],
            },
            Request::Peek { offset, size, .. } => {
                let mut disk = self.disk.clone();
                if let Some((at, byte)) = self.stale {
                    disk[at] = byte;
                }
                let offset = offset as usize;
                one(Item::Bytes(disk[offset..offset + size as usize].to_vec()))
            }
            Request::Module { .. } => one(Item::Module(ModuleDetail {
                parameters: vec![ParameterValue {
                    name: "device".into(),
                    value: Some("/dev/ringside-usb".into()),
                    writable: false,
                }],
                ..ModuleDetail::default()
            })),
            Request::BlockDevices => one(Item::BlockDevices(vec![BlockDevice {
                path: "/dev/sda".into(),
                size: self.disk.len() as u64,
                model: "QEMU QEMU HARDDISK".into(),
                removable: true,
            }])),
            Request::Lab(LabRequest::Unplug) => {
                self.gone = true;
                if let Some(lab) = &mut self.model.link.lab {
                    lab.stick_plugged = false;
                }
                vec![Item::Done(Ok(()))]
            }
            _ => Vec::new(),
        }
    }

    fn act(&mut self, action: BlockAction) -> Result<BlockOutcome, TargetError> {
        let size = self.disk.len();
        let cut = |offset: u64, count: u32| {
            let start = (offset as usize).min(size);
            start..(start + count as usize).min(size)
        };
        Ok(match action {
            BlockAction::Info => BlockOutcome::Info(BlockDeviceInfo {
                size: size as u64,
                position: self.position,
                logical_block_size: 512,
                read_only: false,
                gone: self.gone,
            }),
            _ if self.gone => return Err(TargetError::errno(19, "read by /dev/kmod")),
            BlockAction::ReadAt { offset, size } => {
                BlockOutcome::Bytes(self.disk[cut(offset, size)].to_vec())
            }
            BlockAction::Read { size } => {
                let range = cut(self.position, size);
                self.position = range.end as u64;
                BlockOutcome::Bytes(self.disk[range].to_vec())
            }
            BlockAction::SeekRead { offset, size } => {
                let range = cut(u64::from(offset), size);
                self.position = range.end as u64;
                BlockOutcome::Bytes(self.disk[range].to_vec())
            }
            BlockAction::Write { data } => self.store(self.position, &data),
            BlockAction::SeekWrite { offset, data } => self.store(u64::from(offset), &data),
            BlockAction::WriteAt { offset, data } => self.store(offset, &data),
            BlockAction::Sync => BlockOutcome::Synced,
        })
    }

    fn store(&mut self, offset: u64, data: &[u8]) -> BlockOutcome {
        let start = offset as usize;
        let end = (start + data.len()).min(self.disk.len());
        self.disk[start..end].copy_from_slice(&data[..end - start]);
        self.position = end as u64;
        BlockOutcome::Written((end - start) as u32)
    }

    /// A sample of the counters, as a watch would bring it.
    pub(crate) fn sample(&mut self, at_ms: u64, read: u64, written: u64) {
        let counters = [
            ("bytes_read", read),
            ("bytes_written", written),
            ("device_size", self.disk.len() as u64),
            ("errors", 0),
            ("operations", at_ms / 100),
            ("position", self.position),
        ];
        let sample = Sample::of_module(at_ms, MODULE, &counters, &[], Vec::new());
        self.model.counters.push(sample);
    }
}

/// A device that is being read and written.
pub(crate) fn at_work() -> Script {
    let mut script = Script::new();
    for step in 0..80 {
        script.sample(1000 + step * 100, step * 4096, step * step * 64);
    }
    script.keys("w<tab><ctrl-u>0x20<tab><tab><ctrl-u>just written<enter>");
    script
}

#[test]
fn the_bytes_of_the_device_are_drawn_at_80_by_24() {
    assert_snapshot!(screen(&mut at_work().model, 80, 24));
}

#[test]
fn they_use_the_space_of_200_by_60() {
    let mut script = Script::new();
    script.model.size = (200, 60);
    for step in 0..80 {
        script.sample(1000 + step * 100, step * 4096, step * step * 64);
    }
    script.keys("i");
    assert_snapshot!(screen(&mut script.model, 200, 60));
}

#[test]
fn what_has_no_room_at_80_columns_is_left_out_and_not_cut() {
    let mut script = Script::new();
    for step in 0..20 {
        script.sample(1000 + step * 100, step * 4096, step * 20_000);
    }
    script.keys("i");
    let screen = screen(&mut script.model, 80, 24);
    let lines: Vec<&str> = screen.lines().collect();
    let starts = ["● /dev/", "▶ 0x", "╭ Read"];
    let shown =
        lines.iter().filter(|line| starts.iter().any(|start| line.trim().starts_with(start)));
    let shown: Vec<_> = shown.collect();
    assert_eq!(shown.len(), 3, "{screen}");
    assert!(shown.iter().all(|line| !line.contains('…')), "{screen}");
}

#[test]
fn a_comparison_marks_every_byte_with_a_sign() {
    let mut script = Script::new();
    script.stale = Some((5, b'X'));
    script.keys("c<tab><tab><ctrl-u>32<enter>n");
    assert_snapshot!(screen(&mut script.model, 80, 24));
}

#[test]
fn a_device_that_was_taken_away_says_what_to_press() {
    let mut script = Script::new();
    script.gone = true;
    script.keys("i");
    assert_snapshot!(screen(&mut script.model, 80, 24));
}

#[test]
fn a_module_that_is_not_loaded_is_introduced() {
    assert_snapshot!(screen(&mut model("block", &[]), 80, 24));
}

#[test]
fn a_lost_connection_is_told() {
    let mut script = Script::new();
    script.model.link.connection = Connection::Lost { why: "QEMU was killed".into(), since_ms: 0 };
    assert!(screen(&mut script.model, 80, 24).contains("QEMU was killed"));
}

#[test]
fn hostile_names_and_bytes_stay_text() {
    let mut script = Script::new();
    for (index, byte) in script.disk[..256].iter_mut().enumerate() {
        *byte = index as u8;
    }
    script.keys("i");
    script.model.views.get_mut::<Block>().unwrap().device =
        Some("/dev/\u{1b}[31m\u{202e}sda".into());
    let screen = screen(&mut script.model, 80, 24);
    assert!(screen.chars().all(|character| character == '\n' || !character.is_control()));
    assert!(screen.contains("/dev/\\x1b[31m\\u{202e}sda"));
}

#[test]
fn what_was_done_last_is_told_of_a_dead_guest_without_what_to_press_next() {
    let mut script = Script::new();
    script.keys("w<enter>");
    let living = screen(&mut script.model, 80, 24);
    assert!(living.contains("wrote 5 bytes at 0x0; s makes them durable"), "{living}");
    if let Some(lab) = &mut script.model.link.lab {
        lab.guest = GuestState::Panicked { reason: "for a test".into() };
        script.model.link.post_mortem_left = Some(lab.generation);
    }
    let dead = screen(&mut script.model, 80, 24);
    assert!(dead.contains("wrote 5 bytes at 0x0") && !dead.contains("makes them"), "{dead}");
}

#[test]
fn no_size_of_the_screen_is_too_small_to_draw() {
    let mut script = at_work();
    for width in (0..90).step_by(7) {
        for height in 0..30 {
            for zoom in [false, true] {
                script.model.zoom = zoom;
                screen(&mut script.model, width, height);
            }
        }
    }
}
