// SPDX-License-Identifier: MIT OR Apache-2.0
//! The guided tour that `ringside tour` plays, made from a real run:
//! `cargo test --test terminal -- --ignored the_tour` writes `assets/tour.ringside`.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ringside::tape::{Entry, Recorder, Start, Tape};

use super::recordings::record;
use super::runtime::{Runtime, ringside};
use super::session::Session;

const TOUR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/tour.ringside");
/// The most bytes that it may have.
const LARGEST: u64 = 400 << 10;

const ENTER: &str = "\r";
const DOWN: &str = "\x1b[B";
const RIGHT: &str = "\x1b[C";

/// A guide who says what is to be seen, and when that was.
struct Guide {
    session: Session,
    said: Vec<(u64, &'static str)>,
}

impl Guide {
    fn say(&mut self, text: &'static str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
        self.said.push((now.as_millis() as u64, text));
        self.look(2);
    }

    /// Time to look.
    fn look(&self, seconds: u64) {
        std::thread::sleep(Duration::from_secs(seconds));
    }

    fn keys(&mut self, keys: &str, then: &str) {
        self.session.keys(keys);
        self.session.wait_for(then);
        self.look(1);
    }

    fn load(&mut self, key: &str, title: &str, loaded: &str) {
        self.keys(key, title);
        self.session.keys("L");
        self.session.wait_until("the form, with the module built", |screen| {
            screen.contains("[Enter go]") && !screen.contains("building")
        });
        self.look(2);
        self.keys(ENTER, loaded);
    }
}

#[test]
#[ignore = "it writes the tour"]
fn the_tour_is_made_from_a_real_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/broken");
    let built = ringside("/tmp", &["build", folder.to_str().expect("a plain path")]);
    let broken = built.lines().find(|line| line.ends_with("/broken_null.ko"));
    let broken = broken.expect("it is built");
    let runtime = Runtime::new();
    // Typed as whoever stands beside it would, and not as where it lies here.
    std::fs::copy(broken, Path::new(runtime.folder()).join("broken_null.ko")).expect("room");
    std::env::set_current_dir(runtime.folder()).expect("it is there");
    let (session, path) = record(&runtime);
    let mut guide = Guide { session, said: Vec::new() };
    guide.say("A real kernel, booted in a moment. Its modules are driven from the keyboard.");
    guide.look(2);

    guide.say("A ring of slots: producers fill it, consumers empty it, semaphores keep step.");
    guide.load("3", "producer_consumer is not loaded", "Ring of 10 slots");
    guide.look(4);
    guide.keys("-", "Ring of");
    guide.look(3);
    guide.say("Paused, one item at a time goes through.");
    guide.keys("p", "PAUSED");
    guide.session.keys("s");
    guide.look(1);
    guide.session.keys("s");
    guide.look(2);
    guide.keys("p", "running");

    guide.say("A process asks the kernel for pages, and its page table grows.");
    guide.load("4", "memalloc is not loaded", "pages 0/4096");
    guide.keys("n", "alive");
    guide.keys("a", "Allocate pages");
    guide.keys(&format!("{DOWN}{DOWN}{RIGHT}"), "← read-only →");
    guide.keys(ENTER, "pages 4/4096");
    guide.look(4);
    guide.say("These pages are read-only: a write is a SIGSEGV, and here is why.");
    guide.keys("w", "Write memory");
    guide.keys(ENTER, "SIGSEGV, write to a read-only page");
    guide.look(4);

    guide.say("A USB stick: bytes that are written from inside of the kernel.");
    guide.load("5", "kmod is not loaded", "read-write 1 GiB");
    guide.keys("w", "Write to the device");
    guide.keys(ENTER, "wrote 5 bytes");
    guide.look(2);
    guide.say("And the stick is pulled out.");
    guide.keys("u", "[y yes, do it]");
    guide.keys("y", "GONE");
    guide.look(3);

    guide.say("A module with a mistake: the kernel oopses, and this is its line of C.");
    guide.keys("7", "Every module of this kernel");
    guide.keys("L", "Load a module");
    guide.session.keys(&format!("./broken_null.ko{ENTER}"));
    guide.session.wait_until("the form, with the file read", |screen| {
        screen.contains("Load broken_null")
            && screen.contains("[Enter go]")
            && !screen.contains("reading")
    });
    guide.look(1);
    guide.keys(ENTER, "the kernel oopsed while it did that");
    guide.look(3);
    guide.keys("6", "What the kernel says");
    guide.keys("w", "broken_put");
    guide.keys("\t", "function  broken_put");
    guide.look(5);
    guide.say("That was recorded. `ringside` boots a kernel of yours; q leaves the tour.");
    guide.look(3);
    assert!(guide.session.quit().success());

    let tape = Tape::open(&path).expect("it was just recorded");
    let made = Path::new(runtime.folder()).join("tour.ringside");
    with_captions(&tape, &guide.said, &made);
    let size = std::fs::metadata(&made).expect("it was just made").len();
    assert!(size <= LARGEST, "the tour has {size} bytes");
    std::fs::copy(&made, TOUR).expect("the repository can be written");
}

/// Writes a recording again, with what was said.
fn with_captions(tape: &Tape, said: &[(u64, &'static str)], path: &Path) {
    let start = Start { title: "A tour of Ringside".into(), ..tape.start().clone() };
    let mut recorder = Recorder::create(path, &start).expect("it is a new file");
    let mut said = said.iter().peekable();
    for segment in 0..tape.segments() {
        let (entries, unknown) = tape.entries(segment).expect("it was just recorded");
        assert_eq!(unknown, 0);
        for entry in entries {
            recorder.write(&entry);
            let Entry::Tick(ms) = entry else { continue };
            while let Some((_, text)) = said.next_if(|(at, _)| *at <= start.unix_ms + ms) {
                recorder.write(&Entry::Caption((*text).into()));
            }
        }
        assert!(recorder.failure().is_none());
        // As slowly as a disk takes it.
        std::thread::sleep(Duration::from_millis(2));
    }
    recorder.finish().expect("there is room");
}
