// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an experiment may say, what is said about one that makes no sense, and how
//! one goes.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::grade::spec::{Act, SpecError};

const GOOD: &str = r#"
title = "Fill"
about = "What a full ring does"

[[step]]
load = { module = "m", parameters = "size=3" }

[[step]]
[step.ask]
question = "How many?"
number = { is = "m/items", right = "Yes, {m/items}.", wrong = "It is {m/items}." }

[[step]]
keep = { before = "m/items" }

[[step]]
value = { name = "m/items", is = "> {before}", within = 5 }

[[step]]
say = """
It went from {before} to {m/items}: {ring-pause} stops
it.

That is all."""

[[step]]
[step.ask]
question = "And now?"
[[step.ask.choice]]
text = "It stops"
right = true
says = "It does."
[[step.ask.choice]]
text = "It goes on"
says = "Not quite: it stops."

[[step]]
turn = { text = "Press p", until = [{ name = "m/paused", is = "== 1" }], command = "ring-pause" }

[[step]]
say = "Done."
"#;

fn parse(text: &str) -> Result<Script, SpecError> {
    Script::parse("fill", text, Path::new("fill.toml"))
}

fn wrong(from: &str, to: &str) -> (usize, usize, String) {
    assert!(GOOD.contains(from), "{from}");
    match parse(&GOOD.replacen(from, to, 1)) {
        Err(SpecError::Place { line, column, message, .. }) => (line, column, message),
        other => panic!("{other:?}"),
    }
}

/// A kernel of counters.
#[derive(Default)]
struct Kernel {
    values: RefCell<BTreeMap<&'static str, String>>,
    samples: Cell<u64>,
    log: RefCell<Vec<&'static str>>,
}

impl Kernel {
    /// Two samples with this value come.
    fn set(&self, name: &'static str, value: &str) {
        self.values.borrow_mut().insert(name, value.to_owned());
        self.samples.set(self.samples.get() + 2);
    }
}

impl World for Kernel {
    fn value(&self, name: &str) -> Option<String> {
        self.values.borrow().get(name).cloned()
    }

    fn press(&self, command: &str) -> Option<String> {
        (command == "ring-pause").then(|| "p".to_owned())
    }

    fn samples(&self) -> u64 {
        self.samples.get()
    }

    fn log_lines(&self) -> u64 {
        self.log.borrow().len() as u64
    }

    fn said_since(&self, lines: u64) -> String {
        self.log.borrow()[lines as usize..].join("\n")
    }
}

#[test]
fn an_experiment_goes_from_prediction_to_deed_to_reason() {
    let kernel = Kernel::default();
    let mut run = Run::new(parse(GOOD).unwrap());
    let Some(Step::Act(Act::Load(load))) = run.go_on(&kernel, 0) else { panic!("it loads first") };
    assert_eq!((load.module.as_str(), load.parameters.as_str()), ("m", "size=3"));
    assert!(run.go_on(&kernel, 0).is_none(), "it waits until that is done");
    kernel.set("m/items", "2");
    run.done(Ok(()));
    assert!(run.go_on(&kernel, 0).is_none());
    assert_eq!(*run.stage(), Stage::Asked(String::new()));
    assert!(!run.type_in('x') && run.type_in('3') && run.type_in('0') && run.erase());
    run.enter();
    assert!(run.go_on(&kernel, 0).is_none());
    kernel.set("m/items", "2");
    assert!(run.go_on(&kernel, 100).is_none(), "2 are not more than 2");
    kernel.set("m/items", "3");
    assert!(run.go_on(&kernel, 200).is_none());
    let Stage::Text { verdict, text } = run.stage() else { panic!("{:?}", run.stage()) };
    assert_eq!(*verdict, Some(Verdict { right: true, says: "Yes, 3.".into() }));
    assert_eq!(text, "It went from 2 to 3: p stops it.\nThat is all.");
    run.enter();
    assert!(run.go_on(&kernel, 300).is_none());
    assert!(run.type_in('b'));
    assert!(run.go_on(&kernel, 300).is_none());
    assert_eq!(run.enter().as_deref(), Some("ring-pause"));
    run.done(Ok(()));
    assert!(run.go_on(&kernel, 300).is_none(), "it is not so yet");
    kernel.set("m/paused", "1");
    assert!(run.go_on(&kernel, 400).is_none());
    let Stage::Text { verdict, .. } = run.stage() else { panic!("{:?}", run.stage()) };
    assert_eq!(*verdict, Some(Verdict { right: false, says: "Not quite: it stops.".into() }));
    run.enter();
    assert!(run.go_on(&kernel, 500).is_none());
    assert_eq!(*run.stage(), Stage::Over);
    assert_eq!(run.progress(), Progress { right: 1, asked: 2 });
}

#[test]
fn what_does_not_become_true_in_time_is_said_and_can_be_tried_again() {
    let kernel = Kernel::default();
    let mut run = Run::new(parse(GOOD).unwrap());
    run.go_on(&kernel, 0);
    run.done(Err("load m: EBUSY".into()));
    assert_eq!(*run.stage(), Stage::Stuck("load m: EBUSY".into()));
    run.enter();
    assert!(matches!(run.go_on(&kernel, 0), Some(Step::Act(Act::Load(_)))), "the same step again");
    run.done(Ok(()));
    kernel.set("m/items", "2");
    run.go_on(&kernel, 1000);
    run.type_in('2');
    run.enter();
    run.go_on(&kernel, 1000);
    run.go_on(&kernel, 5999);
    assert!(matches!(run.stage(), Stage::Holding { .. }));
    run.go_on(&kernel, 6000);
    let Stage::Stuck(why) = run.stage() else { panic!("{:?}", run.stage()) };
    assert!(why.starts_with("m/items was to become > 2, and is 2."), "{why}");
}

#[test]
fn what_the_kernel_said_before_an_experiment_is_not_heard() {
    let text = "title = \"Log\"\nabout = \"Greetings\"\n\n[[step]]\n\
                log = { text = { contains = [\"Hello\"] }, within = 5 }\n\n[[step]]\nsay = \"It did.\"\n";
    let kernel = Kernel::default();
    kernel.log.borrow_mut().push("Hello, of yesterday");
    let mut run = Run::new(parse(text).unwrap());
    run.go_on(&kernel, 0);
    run.go_on(&kernel, 4999);
    assert!(matches!(run.stage(), Stage::Holding { .. }), "{:?}", run.stage());
    let mut late = run.clone();
    late.go_on(&kernel, 5000);
    let Stage::Stuck(why) = late.stage() else { panic!("{:?}", late.stage()) };
    assert_eq!(why, "the kernel's log lacks \"Hello\".\nmissing  Hello\nseen     (nothing)");
    kernel.log.borrow_mut().push("Hello, I am here");
    run.go_on(&kernel, 5000);
    assert!(matches!(run.stage(), Stage::Text { .. }), "{:?}", run.stage());
}

#[test]
fn every_step_of_judging_that_shows_something_is_one_of_experiments() {
    let text = GOOD.replacen(
        "[[step]]\nturn",
        r#"[[step]]
run = { command = ["id"], user = "nobody", stdout = { contains = ["nobody"] } }
[[step]]
memory = { action = { read = { at = 4096, size = 1 } }, reads = "x", refused = "EFAULT" }
[[step]]
memory = { action = { write = { at = 4096, text = "x" } }, dies = true }
[[step]]
block = { action = { read = { size = 4 } }, reads = "ring", moves = 4 }
[[step]]
nothing_left = { memory_kib = 64 }
[[step]]
peek = { path = "/dev/sda", is = "x" }
[[step]]
file = { path = "/proc/version", text = { contains = ["Linux"] } }
[[step]]
processes = { name = "Producer-*", count = "== 0" }
[[step]]
unload = { module = "m", refused = "EBUSY" }
[[step]]
plug = {}
[[step]]
unplug = {}
[[step]]
crash = {}

[[step]]
turn"#,
        1,
    );
    parse(&text).unwrap();
    // Points are no matter of an experiment's.
    let (_, _, message) = wrong("say = \"Done.\"", "award = 1");
    assert!(message.contains("there is no step") && message.contains("`say`"), "{message}");
}

#[test]
fn a_value_from_before_a_step_proves_nothing_about_it() {
    let kernel = Kernel::default();
    kernel.set("m/items", "9");
    let text = GOOD.replacen("\"> {before}\"", "\"== 9\"", 1);
    let mut run = Run::new(parse(&text).unwrap());
    run.go_on(&kernel, 0);
    run.done(Ok(()));
    run.go_on(&kernel, 0);
    run.type_in('9');
    run.enter();
    run.go_on(&kernel, 0);
    assert!(matches!(run.stage(), Stage::Holding { .. }), "it was 9 before");
    kernel.set("m/items", "9");
    run.go_on(&kernel, 0);
    assert!(matches!(run.stage(), Stage::Text { .. }));
}

#[test]
fn what_makes_no_sense_is_told_with_line_and_column_and_what_was_meant() {
    let (line, _, message) = wrong("load = {", "lode = {");
    assert_eq!(line, 6);
    assert!(message.contains("lode") && message.contains("`load`"), "{message}");
    let (line, _, message) = wrong("\"size=3\"", "\"size=3\", refused = \"EBUZY\"");
    assert_eq!(line, 6);
    assert!(message.contains("EBUZY"), "{message}");
    let (line, column, message) = wrong("\"== 1\"", "\"about 1\"");
    assert_eq!(line, 38);
    assert!(column > 1 && message.contains("no comparison"), "{column} {message}");
    let (line, _, message) = wrong("right = true", "");
    assert_eq!(line, 26);
    assert!(message.contains("none of its choices is `right`"), "{message}");
    let (_, _, message) = wrong("from {before}", "from {befor_e}");
    assert!(message.contains("{befor_e} names nothing"), "{message}");
    let (_, _, message) = wrong("say = \"Done.\"", "pause = 1");
    assert!(message.contains("no `say` behind it"), "{message}");
    let (_, _, message) = wrong("number = {", "nomber = {");
    assert!(message.contains("nomber") && message.contains("number"), "{message}");
    assert!(parse("title = \"x\"\nabout = \"y\"\nstep = []").is_err());
}

#[test]
fn every_experiment_that_comes_with_the_program_makes_sense() {
    let mut questions = 0;
    for name in names() {
        let script = shipped(name).unwrap().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(script.id, name);
        assert!(script.experiment.questions() >= 1, "{name} asks for no prediction");
        questions += script.experiment.questions();
        for step in &script.experiment.steps {
            if let Step::Act(Act::Load(load)) = step.get_ref() {
                let ours = ringside_uapi::module(&load.module).is_some();
                assert!(ours || module_files(&load.module).is_some(), "{}", load.module);
            }
        }
    }
    assert!(questions >= names().count() as u32);
    assert!(shipped("no-such").is_none());
}

#[test]
fn the_best_time_that_an_experiment_was_done_is_kept() {
    let mut kept = BTreeMap::from([("load/x".to_owned(), "1".to_owned())]);
    assert_eq!(Progress::of(&kept, "a"), None);
    Progress { right: 2, asked: 3 }.keep(&mut kept, "a");
    Progress { right: 1, asked: 3 }.keep(&mut kept, "a");
    assert_eq!(Progress::of(&kept, "a").unwrap().to_string(), "done, 2 of 3 right");
    Progress { right: 0, asked: 0 }.keep(&mut kept, "b");
    assert!(Progress::forget(&mut kept, Some("a")) && !Progress::forget(&mut kept, Some("a")));
    assert_eq!(Progress::of(&kept, "b").unwrap().to_string(), "done");
    assert!(Progress::forget(&mut kept, None));
    assert_eq!(kept.len(), 1, "what was typed into forms stays");
}

#[test]
fn the_schema_of_experiments_is_that_of_the_types() {
    let schema = serde_json::to_string_pretty(&Experiment::schema()).unwrap() + "\n";
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/experiments/experiment.schema.json");
    if std::env::var_os("RINGSIDE_UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        written, schema,
        "write it again: RINGSIDE_UPDATE_SCHEMA=1 cargo test the_schema_of_experiments"
    );
    for word in ["say", "ask", "turn", "keep", "load", "within"] {
        assert!(schema.contains(&format!("\"{word}\"")), "{word}");
    }
}
