// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every experiment that comes with Ringside, done in the real dashboard on a real
//! kernel, at 80×24: predicted, seen, and explained with the numbers of the moment.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use ringside::experiment::{Script, Step, Telling, shipped};

use super::dashboard::SMALL;
use super::runtime::Runtime;
use super::session::Session;

const ENTER: &str = "\r";

/// A screen on which the panel stands beside the view.
const LARGE: (u16, u16) = (60, 200);
/// Texts that a screen has only where its view is wide, or only where it is narrow.
const WIDE_ONLY: [&str; 2] = ["Dirty=0", "Dirty=1"];
const NARROW_ONLY: [&str; 2] = ["D=0", "D=1"];

/// A student in front of the dashboard.
pub(super) struct Student {
    pub(super) session: Session,
    /// What is done, where it comes with the program.
    script: Option<Script>,
    /// The `look` steps whose texts were all seen marked.
    looked: RefCell<BTreeSet<usize>>,
}

impl Student {
    /// Opens the dashboard with an experiment.
    pub(super) fn begins(runtime: &Runtime, name: &str) -> Self {
        let script = shipped(name).map(|script| script.expect("it makes sense"));
        Self { script, ..Self::at(runtime, &["experiment", name], SMALL) }
    }

    pub(super) fn at(runtime: &Runtime, arguments: &[&str], size: (u16, u16)) -> Self {
        let folder = runtime.folder();
        let environment =
            [("XDG_RUNTIME_DIR", folder), ("XDG_STATE_HOME", folder), ("XDG_CONFIG_HOME", folder)];
        let binary = Path::new(env!("CARGO_BIN_EXE_ringside"));
        let session = Session::start_with(binary, arguments, size.0, size.1, &environment);
        Self { session, script: None, looked: RefCell::default() }
    }

    /// Sees each text marked that is to be looked at now, on a small screen and on a
    /// large one.
    pub(super) fn looks(&self) {
        let Some(script) = &self.script else { return };
        let (at, _) = place(&self.session.screen()).expect("the panel says how far it is");
        let steps = script.experiment.steps.iter().map(|step| step.get_ref()).enumerate();
        let mut looks = steps.take(at).filter_map(|(index, step)| match step {
            Step::Own(Telling::Look(texts)) => Some((index, texts)),
            _ => None,
        });
        let Some((index, texts)) = looks.next_back() else { return };
        if !self.looked.borrow_mut().insert(index) {
            return;
        }
        for (size, not_here) in [(SMALL, &WIDE_ONLY[..]), (LARGE, &NARROW_ONLY[..])] {
            self.session.resize(size.0, size.1);
            // What was painted before does not count.
            self.session.wait_until("the panel in its place", |screen| stands(screen, size));
            for text in texts.iter().filter(|text| !not_here.contains(&text.as_str())) {
                self.sees_marked(text);
            }
        }
        self.session.resize(SMALL.0, SMALL.1);
        self.session.wait_until("the small screen", |screen| stands(screen, SMALL));
    }

    /// Waits until the panel says this, wherever its lines are broken.
    pub(super) fn reads(&self, text: &str) {
        self.session.wait_until(&format!("{text:?} in the panel"), |screen| {
            assert!(!screen.contains("try again"), "it is stuck:\n{screen}");
            panel(screen).contains(text)
        });
    }

    /// Reads this, on whichever page it stands, and goes on from the last one.
    pub(super) fn goes_on(&mut self, text: &str) {
        let mut read = String::new();
        self.session.wait_until(&format!("{text:?} or a page before it"), |screen| {
            assert!(!screen.contains("try again"), "it is stuck:\n{screen}");
            panel(screen).contains(text) || screen.contains(MORE)
        });
        self.looks();
        loop {
            let screen = self.session.screen();
            let page = panel(&screen);
            read = format!("{read} {page}");
            if !screen.contains(MORE) {
                break;
            }
            self.session.keys(ENTER);
            self.session.wait_until("the next page", |screen| panel(screen) != page);
        }
        assert!(read.contains(text), "{text:?} is not in: {read}");
        self.session.keys(ENTER);
    }

    /// Is asked this, and predicts.
    pub(super) fn predicts(&mut self, question: &str, prediction: &str) {
        self.reads(question);
        self.looks();
        self.session.keys(prediction);
    }

    /// Is asked this, and predicts with the mouse.
    pub(super) fn clicks(&mut self, question: &str, choice: &str) {
        self.reads(question);
        self.looks();
        self.reads(choice);
        let screen = self.session.screen();
        let row = screen.lines().position(|row| row.contains(choice)).expect("it is on the screen");
        let line = screen.lines().nth(row).unwrap_or_default();
        let column = line.chars().position(|one| one == '┃').unwrap_or_default() + 8;
        self.session.keys(&format!("\x1b[<0;{column};{}M", row + 1));
    }

    /// Has come to the end, and closes the panel.
    pub(super) fn ends(&mut self, score: &str) {
        self.reads("That was it");
        self.reads(score);
        let steps = self.script.iter().flat_map(|script| &script.experiment.steps);
        let is_look = |step: &Step| matches!(step, Step::Own(Telling::Look(_)));
        let looks = steps.filter(|step| is_look(step.get_ref())).count();
        assert_eq!(self.looked.borrow().len(), looks, "looks that were seen");
        self.session.keys(ENTER);
        self.session.wait_until("no panel", |screen| !screen.contains("Experiment:"));
        assert!(self.session.quit().success());
    }

    /// Is this text marked on the screen?
    pub(super) fn sees_marked(&self, text: &str) {
        self.session.wait_until(&format!("{text:?}, marked"), |_| {
            let cells = self.session.cells();
            let (rows, columns) = cells.size();
            (0..rows.get()).any(|row| {
                let cell = |column| cells.cell(row, column);
                let marked = |column| {
                    cell(column).is_some_and(|cell| cell.bgcolor() == vt100::Color::Idx(MATCH))
                };
                let texts: Vec<String> = (0..columns.get())
                    .map(|column| match marked(column) {
                        true => cell(column).map_or_else(String::new, |c| c.contents().to_owned()),
                        false => " ".into(),
                    })
                    .collect();
                texts.concat().contains(text)
            })
        });
    }
}

/// The ground of what is marked, on a terminal with 256 colours.
const MATCH: u8 = 215;

/// What its lowest row begins with.
const KEYS: [&str; 4] = ["Enter: ", "your prediction", "your turn", "digits"];

/// What the panel has where its text goes on.
const MORE: &str = "Enter: more";

/// What the panel says, as one line.
pub(super) fn panel(screen: &str) -> String {
    let below = screen.lines().skip_while(|row| !row.contains("Experiment:")).skip(1);
    let inside = below.map_while(|row| {
        let text = row.trim_end().strip_suffix('┃')?;
        text.rsplit('┃').next()
    });
    let words: Vec<&str> = inside.flat_map(str::split_whitespace).collect();
    words.join(" ")
}

/// Does the panel stand where it does on a screen of this size, and is it painted to its
/// lowest row? Below the view it has rows of its own, beside it columns.
fn stands(screen: &str, size: (u16, u16)) -> bool {
    let lines: Vec<&str> = screen.lines().collect();
    let keys = lines.get(usize::from(size.0) - 2).copied().unwrap_or_default();
    let corner = keys.chars().position(|one| one == '┗');
    let title =
        lines.iter().find_map(|row| row.find("Experiment:").map(|at| row[..at].chars().count()));
    let beside = |column: Option<usize>| column.is_some_and(|column| column > usize::from(SMALL.1));
    match size == LARGE {
        true => beside(title),
        false => corner == Some(0) && !beside(title) && KEYS.iter().any(|key| keys.contains(key)),
    }
}

/// How many steps are behind it, as the panel says.
fn place(screen: &str) -> Option<(usize, usize)> {
    let title = screen.lines().find(|row| row.contains("Experiment:"))?;
    let words: Vec<_> = title.split_whitespace().collect();
    let of = words.iter().rposition(|word| *word == "of")?;
    let number = |at: usize| words.get(at)?.parse::<usize>().ok();
    Some((number(of.checked_sub(1)?)? - 1, number(of + 1)?))
}

/// What `ringside experiment …` prints.
pub(super) fn printed(runtime: &Runtime, arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ringside"))
        .arg("experiment")
        .args(arguments)
        .env("XDG_RUNTIME_DIR", runtime.folder())
        .env("XDG_STATE_HOME", runtime.folder())
        .output()
        .expect("ringside starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

#[test]
fn the_ring_fills_until_the_producer_sleeps_and_how_it_went_is_kept() {
    let runtime = Runtime::new();
    let mut student = Student::begins(&runtime, "fill-the-ring");
    student.reads("A producer puts an item into a ring");
    student.goes_on("rest 60 s after each item");
    student.predicts("How many items will be in the ring", "10\r");
    student.reads("You predicted it. All 10 slots hold an item.");
    student.goes_on("it is 0 now, and `full` is 10.");
    student.predicts("What will the producer do?", "a");
    student.reads("Not as predicted. Nobody has to");
    student.goes_on("the producer is at work again");
    student.ends("1 of 2 as you predicted");
    let (list, ..) = printed(&runtime, &[]);
    assert!(list.contains("fill-the-ring  (done, 1 of 2 right)"), "{list}");
    assert!(!list.contains("five-tables  ("), "{list}");
    assert_eq!(printed(&runtime, &["--reset", "fill-the-ring"]).2, Some(0));
    assert!(!printed(&runtime, &[]).0.contains("right)"));
}

#[test]
fn starving_consumers_sleep_and_the_students_own_key_pauses_them() {
    let runtime = Runtime::new();
    let mut student = Student::begins(&runtime, "starve-the-consumers");
    student.goes_on("One producer puts in two items a second.");
    student.clicks("What do the three consumers do", "They sleep, and the kernel wakes one");
    student.reads("You predicted it. Each sleeps in `down`");
    student.goes_on("woke just one thread. `full` is 0");
    student.predicts("How many items will lie in the ring then?", "7\x7f9\r");
    student.reads("Pause all threads: press p.");
    student.session.keys("p");
    student.reads("Not as predicted.");
    student.goes_on("which leaves");
    student.ends("1 of 2 as you predicted");
}

#[test]
fn a_count_is_what_can_be_taken_and_never_falls_below_0() {
    let runtime = Runtime::new();
    let mut student = Student::begins(&runtime, "what-a-count-means");
    student.goes_on("They stand at empty 5 and full 0.");
    student.predicts("What does it mean that `empty` is 5?", "b");
    student.reads("You predicted it. A count is permissions");
    student.goes_on("its only consumer rests for a minute");
    student.predicts("What is the count of `empty`?", "a");
    student.reads("Not as predicted. Some textbooks count like that.");
    student.goes_on("The ring holds 5 items");
    student.ends("1 of 2 as you predicted");
}

#[test]
fn one_page_costs_tables_and_the_one_behind_it_none() {
    let runtime = Runtime::new();
    let mut student = Student::begins(&runtime, "five-tables");
    student.goes_on("An address is no place in memory");
    student.predicts("How many new tables does the kernel need", "9\r");
    student.reads("Not as predicted. It took 3 new tables to reach this page.");
    student.session.wait_until("the whole walk", |screen| {
        ["PGD[", "P4D[", "PUD[", "PMD[", "PTE["].iter().all(|entry| screen.contains(entry))
    });
    student.goes_on("this one page has cost 3 more");
    student.predicts("Now the page right behind it.", "0\r");
    student.reads("You predicted it. Its entry is the next one");
    student.goes_on("2 pages, and only the first was expensive.");
    student.ends("1 of 2 as you predicted");
}

#[test]
fn one_bit_decides_whether_a_store_works_or_kills() {
    let runtime = Runtime::new();
    let mut student = Student::begins(&runtime, "who-may-write");
    student.goes_on("the bit RW is 0");
    student.predicts("The process stores a byte there.", "c");
    student.reads("You predicted it. A page fault, and then SIGSEGV.");
    student.goes_on("The process died of this: write to a read-only page.");
    student.predicts("Dirty is 0. It stores a byte: who sets Dirty?", "b");
    student.reads("Not as predicted. There is none");
    student.goes_on("Dirty went from 0 to 1");
    student.ends("1 of 2 as you predicted");
}

#[test]
fn two_processes_map_one_frame_and_see_each_others_bytes() {
    let runtime = Runtime::new();
    let mut student = Student::begins(&runtime, "two-processes-one-frame");
    student.goes_on("has written \"hello\" to its page");
    student.predicts("Which frame will stand in the entry", "b");
    student.reads("You predicted it. Both entries name 0x");
    student.goes_on("memalloc counts 1 shared page");
    student.predicts("What does process", "b");
    student.reads("You predicted it. It is the same memory");
    student.goes_on("reads \"HELLO\"");
    student.ends("2 of 2 as you predicted");
}

#[test]
fn a_byte_that_was_read_back_is_not_on_the_stick_before_a_sync() {
    let runtime = Runtime::new();
    let mut student = Student::begins(&runtime, "a-byte-on-the-stick");
    student.reads("The stick begins with the text FIRST!");
    student.goes_on("plugged in again.");
    student.predicts("What will the stick begin with", "a");
    student.reads("Not as predicted. What was read back came from memory");
    student.goes_on("The kernel read SECOND back, and the stick holds FIRST!.");
    student.predicts("The same again, but with a sync", "a");
    student.reads("You predicted it. sync comes back only when");
    student.goes_on("The stick holds SECOND.");
    student.ends("1 of 2 as you predicted");
}

#[test]
fn a_crash_names_its_function_and_its_line() {
    let runtime = Runtime::new();
    let mut student = Student::begins(&runtime, "a-crash-and-its-line");
    student.goes_on("This is a module with a mistake.");
    student.predicts("What becomes of the machine?", "b");
    student.reads("You predicted it. An oops");
    student.goes_on("You are still here");
    student.predicts("Which function has the mistake?", "a");
    student.reads("Not as predicted. It used what it was given.");
    student.goes_on("It crashed in broken_value, at broken_list.c:20, called by broken_sum.");
    student.ends("1 of 2 as you predicted");
}

#[test]
fn experiments_are_found_in_the_dashboard_and_left_at_any_time() {
    let runtime = Runtime::new();
    let mut student = Student::at(&runtime, &[], (40, 160));
    student.session.wait_for(" connected");
    student.session.keys("H");
    student.session.wait_for("Experiments: predict, see, know why");
    student.session.wait_for("What a semaphore's count means");
    student.session.keys(ENTER);
    student.reads("A producer puts an item into a ring");
    student.session.keys("H");
    student.session.wait_for("under way");
    student.session.keys("\x1b");
    student.session.wait_until("the list closed", |screen| !screen.contains("under way"));
    student.session.keys(":experiment-leave\r");
    student.session.wait_until("no panel", |screen| !screen.contains("Experiment:"));
    assert!(student.session.quit().success());
}
