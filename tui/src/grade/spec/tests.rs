// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a description may say, and what is said about one that makes no sense.

use std::path::Path;

use super::*;
use crate::lab::flavour::Flavour;

const GOOD: &str = r#"
title = "Names"

[[test]]
name = "loads"
title = "It can be loaded"
points = 2
do = [{ load = { module = "my_name" } }]

[[test]]
name = "log"
title = "It greets"
points = 5
needs = ["loads"]
kernel = "lab"
expected_reports = ["^BUG: .*"]
do = [
    { load = { module = "my_name", parameters = "charParameter=Fall", refused = "EINVAL" } },
    { award = 2 },
    { log = { text = { contains = ["Hello"], matches = ["x+"], in_order = ["a", "b"] } } },
    { counter = { module = "my_name", name = "greetings", is = ">= 1", within = 5 } },
    { processes = { name = "Producer-*", count = "3..5" } },
    { run = { command = ["id", "-un"], user = "nobody", stdout = { is = "nobody" } } },
    { memory = { action = { allocate = { at = 0x400000000000, pages = 1, write = true } } } },
    { block = { action = { write_offset = { offset = 512, text = "x", times = 512 } }, moves = 512 } },
    { nothing_left = {} },
    "unplug",
    "plug",
]
"#;

fn parse(text: &str) -> Result<Spec, SpecError> {
    Spec::parse(text, Path::new("spec.toml"))
}

fn wrong(from: &str, to: &str) -> (usize, usize, String) {
    assert!(GOOD.contains(from), "{from}");
    match parse(&GOOD.replacen(from, to, 1)) {
        Err(SpecError::Place { line, column, message, .. }) => (line, column, message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_description_says_what_is_done_and_what_must_be_true() {
    let spec = parse(GOOD).unwrap();
    assert_eq!(spec.kernel(&spec.tests[0]), Flavour::Debug);
    assert_eq!(spec.kernel(&spec.tests[1]), Flavour::Lab);
    assert_eq!(spec.worth(), 7.0);
    assert_eq!(spec.tests[1].steps.get_ref().len(), 11);
}

#[test]
fn what_makes_no_sense_is_told_with_line_and_column_and_what_was_meant() {
    let (line, column, message) = wrong("{ load = { module = \"my_name\" } }", "{ lode = {} }");
    assert_eq!(line, 8);
    assert!(column >= 7, "{column}");
    assert!(message.contains("lode") && message.contains("`load`"), "{message}");

    let (line, _, message) = wrong("points = 5", "pionts = 5");
    assert_eq!(line, 13);
    assert!(message.contains("pionts") && message.contains("points"), "{message}");

    let (line, _, message) = wrong("\">= 1\"", "\"about 1\"");
    assert_eq!(line, 21);
    assert!(message.contains("no comparison") && message.contains(">= 5"), "{message}");

    let (_, _, message) = wrong("\"x+\"", "\"x(\"");
    assert!(message.contains("no regular expression"), "{message}");

    let (line, _, message) = wrong("\"EINVAL\"", "\"EINVALID\"");
    assert_eq!(line, 18);
    assert!(message.contains("EINVALID") && message.contains("EBUSY"), "{message}");

    let (line, column, message) = wrong("needs = [\"loads\"]", "needs = [\"laods\"]");
    assert_eq!((line, column), (14, 10));
    assert!(message.contains("laods") && message.contains("loads)"), "{message}");

    let (line, _, message) = wrong("name = \"log\"", "name = \"loads\"");
    assert_eq!(line, 11);
    assert!(message.contains("another test called loads"), "{message}");

    let (_, _, message) = wrong("{ award = 2 }", "{ award = 9 }");
    assert!(message.contains("award 9 points"), "{message}");

    assert!(parse("title = \"x\"\ntest = []").unwrap_err().to_string().contains("no test"));
}

#[test]
fn comparisons_are_of_numbers_and_of_text() {
    let holds = |condition: &str, seen: &str| {
        Condition::try_from(condition.to_owned()).unwrap().holds(seen)
    };
    assert!(
        holds(">= 5", "5\n") && !holds("> 5", "5") && holds("3..5", "4") && !holds("3..5", "6")
    );
    assert!(holds("== Spring", "Spring\n") && holds("!= Spring", "Fall") && !holds("== 5", "x"));
    assert!(holds("!= 5", "4") && holds("<= -1", "-1"));
}

#[test]
fn a_text_is_held_against_what_it_must_be_and_the_first_difference_is_shown() {
    let text = |written: &str| toml::from_str::<Text>(written).unwrap();
    let seen = "one\ntwo\nthree\n";
    assert_eq!(text("in_order = [\"one\", \"three\"]").judge("it", seen), Ok(()));
    let wrong = text("in_order = [\"three\", \"one\"]").judge("the output", seen).unwrap_err();
    assert_eq!(wrong.reason, "the output lacks \"one\" behind \"three\"");
    assert_eq!(wrong.excerpt, ["seen     one", "seen     two", "seen     three", "missing  one"]);
    assert!(text("matches = [\"^tw.$\"]\nlacks = [\"four\"]").judge("it", seen).is_ok());
    let wrong = text("matches_not = [\"^tw.$\"]").judge("it", seen).unwrap_err();
    assert_eq!(wrong.excerpt, ["seen     two"]);
    let wrong = text("lacks = [\"hre\"]").judge("it", seen).unwrap_err();
    assert_eq!(wrong.reason, "it has \"hre\", which must not be there");
    assert_eq!(wrong.excerpt, ["seen     three"]);
    assert!(text("is = \"one\\ntwo\\nthree\"").judge("it", seen).is_ok());
    assert!(text("is = \"one\"").judge("it", seen).is_err());
}

#[test]
fn the_schema_that_editors_complete_from_is_that_of_the_types() {
    let schema = serde_json::to_string_pretty(&Spec::schema()).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/course/grade.schema.json");
    if std::env::var_os("RINGSIDE_UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        written, schema,
        "write it again: RINGSIDE_UPDATE_SCHEMA=1 cargo test the_schema_that_editors"
    );
    for word in ["load", "nothing_left", "in_order", "expected_reports"] {
        assert!(schema.contains(&format!("\"{word}\"")), "{word}");
    }
}

#[test]
fn whatever_a_description_holds_is_taken_or_refused_with_its_place() {
    crate::fuzz::texts("spec", |text| {
        if let Err(error) = parse(text) {
            assert!(error.to_string().contains("spec.toml"), "{error}");
        }
    });
}
