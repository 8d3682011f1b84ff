// SPDX-License-Identifier: MIT OR Apache-2.0
//! Each kind of report, of verdicts with hostile text in them.

use super::*;
use crate::grade::verdict::{Graded, Outcome, Verdict};

fn verdict(test: &str, outcome: Outcome, earned: f64) -> Verdict {
    Verdict {
        test: test.into(),
        title: format!("the {test} test"),
        outcome,
        points: earned,
        worth: 5.0,
        hidden: false,
        reason: String::new(),
        excerpt: Vec::new(),
        hint: String::new(),
        seconds: 1.25,
        recording: None,
    }
}

fn graded() -> Graded {
    let failed = Verdict {
        reason: "it <lacks> | a \"thing\"".into(),
        excerpt: vec!["seen \u{1b}[31m``` x".into()],
        hint: "read the log".into(),
        ..verdict("log", Outcome::Failed, 2.5)
    };
    let hidden =
        Verdict { hidden: true, reason: "secret".into(), ..verdict("fork", Outcome::Failed, 0.0) };
    let verdicts = vec![verdict("load", Outcome::Passed, 5.0), failed, hidden];
    Graded::new("=alice, b".into(), vec!["left out: x: a link".into()], verdicts)
}

#[test]
fn points_are_added_up_and_shown_without_needless_zeros() {
    let graded = graded();
    assert_eq!((graded.points, graded.worth), (7.5, 15.0));
    assert!(!graded.is_whole());
    assert_eq!(points(7.5), "7.5");
    assert_eq!(points(10.0), "10");
    assert_eq!(points(0.0), "0");
}

#[test]
fn a_verdict_on_a_terminal_says_why_and_shows_it_without_steering_the_terminal() {
    let graded = graded();
    let text = verdict_text(&graded);
    assert!(text.contains("failed     2.5/5  the log test"), "{text}");
    assert!(text.contains("it <lacks> | a \"thing\"") && text.contains("hint: read the log"));
    assert!(!text.contains('\u{1b}'));
    assert_eq!(summary(&[graded]), "=alice, b     7.5/15  log failed, fork failed\n");
}

fn verdict_text(graded: &Graded) -> String {
    graded.verdicts.iter().map(super::verdict).collect()
}

#[test]
fn a_spreadsheet_gets_a_column_for_each_test_and_no_formula() {
    let text = csv(&[graded()]);
    assert_eq!(text, "submission,points,of,load,log,fork\r\n\"'=alice, b\",7.5,15,5,2.5,0\r\n");
}

#[test]
fn gradescope_gets_each_test_with_its_score_and_hidden_ones_hidden() {
    let value = gradescope(&graded());
    assert_eq!(value["score"], 7.5);
    assert_eq!(value["tests"][1]["max_score"], 5.0);
    assert_eq!(value["tests"][1]["status"], "failed");
    assert!(value["tests"][1]["output"].as_str().unwrap_or_default().contains("read the log"));
    assert_eq!(value["tests"][2]["visibility"], "hidden");
}

#[test]
fn the_students_page_names_no_hidden_test_and_can_not_be_broken_by_what_was_printed() {
    let text = markdown("Project <1>", &graded());
    assert!(text.contains("**7.5 of 15 points**"), "{text}");
    assert!(text.contains("| a hidden test | 0/5 | failed |"));
    assert!(!text.contains("secret") && !text.contains("fork"));
    assert!(text.contains("````text\n"), "{text}");
    assert!(text.contains(r"it \<lacks\> \| a"));
}

#[test]
fn junit_has_a_suite_for_each_submission() {
    let text = junit(&[graded()]);
    assert!(text.contains("tests=\"3\" failures=\"2\" errors=\"0\""), "{text}");
    assert!(text.contains("message=\"it &lt;lacks&gt; | a &quot;thing&quot;\""));
    assert!(!text.contains('\u{1b}'));
}
