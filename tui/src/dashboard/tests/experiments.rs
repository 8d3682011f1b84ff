// SPDX-License-Identifier: MIT OR Apache-2.0
//! The panel of an experiment: where it stands, and which keys are its own.

use std::path::Path;

use super::harness::Harness;
use super::scripted_kernel::ScriptedKernel;
use crate::dashboard::core::{Event, Hit};
use crate::dashboard::shell::experiment::start;
use crate::experiment::{Script, names, shipped};

/// A dashboard of this size in which an experiment has begun.
fn begun(name: &str, (width, height): (u16, u16)) -> Harness {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.resize(width, height);
    start(&mut dashboard.model.shared, shipped(name).unwrap().unwrap());
    dashboard.pass(100);
    dashboard
}

#[test]
fn the_panel_leaves_the_view_most_of_the_screen_at_every_size() {
    for size in [(60, 16), (80, 24), (100, 40), (160, 24), (200, 60)] {
        let dashboard = begun("a-crash-and-its-line", size);
        let screen = dashboard.screen();
        assert!(screen.contains("Experiment: A crash and its line"), "{size:?}: {screen}");
        assert!(screen.contains("This is a module with a mistake."), "{size:?}: {screen}");
        let (width, height) = dashboard.model.shared.view_size();
        let left = u32::from(width) * u32::from(height);
        assert!(left * 10 >= u32::from(size.0) * u32::from(size.1) * 6, "{size:?}");
        let view = screen.lines().nth(3).unwrap_or_default();
        assert!(!view.starts_with("┏ Experiment"), "{size:?}: {screen}");
    }
}

#[test]
fn letters_answer_the_question_while_one_is_asked_and_go_to_the_view_otherwise() {
    let mut dashboard = begun("a-crash-and-its-line", (80, 24));
    while dashboard.shows("Enter: more") {
        dashboard.keys("<enter>");
    }
    dashboard.keys("v");
    assert!(dashboard.shows("mistake") || dashboard.shows("broken_value"), "v is the view's");
    dashboard.keys("<enter>");
    assert!(dashboard.shows("The thread reads through a NULL pointer"));
    assert!(dashboard.shows("a to c: your prediction"));
    dashboard.keys("d5");
    assert_eq!(dashboard.model.shared.view, "block", "5 goes to view 5, d means nothing");
    assert!(dashboard.shows("The thread reads through a NULL pointer"));
    dashboard.keys("b");
    assert!(!dashboard.shows("The thread reads through a NULL pointer"));
    assert!(dashboard.kernel.seen.iter().any(|one| one.starts_with("load broken_list")));
    dashboard.keys(":experiment-leave<enter>");
    assert!(!dashboard.shows("Experiment:"));
}

#[test]
fn the_list_has_every_experiment_and_starts_the_selected_one() {
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.keys("H");
    for name in names() {
        let title = &shipped(name).unwrap().unwrap().experiment.title;
        assert!(dashboard.shows(title), "{title}: {}", dashboard.screen());
    }
    dashboard.keys("<end><enter>");
    assert!(dashboard.shows("Experiment: A crash and its line"), "{}", dashboard.screen());
}

#[test]
fn no_question_needs_more_than_one_page_on_a_screen_of_80_by_24() {
    use crate::dashboard::data::wrap::wrap;
    use crate::experiment::{Step, Telling};
    for name in names() {
        let script = shipped(name).unwrap().unwrap();
        for step in &script.experiment.steps {
            let Step::Own(Telling::Ask(ask)) = step.get_ref() else { continue };
            let question = ask.question.split_whitespace().collect::<Vec<_>>().join(" ");
            let choices = ask.choices.iter().map(|one| format!("a  {}", one.text));
            let lines = wrap(&question, 76).len()
                + choices.map(|text| wrap(&text, 76).len()).sum::<usize>()
                + usize::from(ask.number.is_some());
            assert!(lines <= 6, "{name}: {lines} lines for {question}");
        }
    }
}

#[test]
fn a_click_on_a_choice_predicts_it_and_one_on_the_panel_goes_on() {
    let mut dashboard = begun("a-crash-and-its-line", (80, 24));
    while dashboard.shows("Enter: more") || dashboard.shows("Enter: go on") {
        dashboard.click("Experiment:");
    }
    assert!(dashboard.shows("a to c: your prediction"), "{}", dashboard.screen());
    dashboard.click("Experiment:");
    assert!(dashboard.shows("a to c: your prediction"), "a click beside the choices says nothing");
    // What lies over the panel takes the click.
    dashboard.keys("?");
    let choice = Hit::Experiment(Some(1));
    dashboard.send(Event::Click(choice));
    dashboard.keys("<esc>");
    assert!(dashboard.shows("a to c: your prediction"), "{}", dashboard.screen());
    dashboard.click("b  ");
    assert!(!dashboard.shows("a to c: your prediction"), "{}", dashboard.screen());
    assert!(dashboard.kernel.seen.iter().any(|one| one.starts_with("load broken_list")));
}

#[test]
fn a_program_ends_with_its_time_and_with_the_experiment_that_runs_it() {
    let text = "title = \"Long\"\nabout = \"It takes its time\"\n\n[[step]]\n\
                run = { command = [\"sleep\", \"9\"], within = 5 }\n";
    let script = || Script::parse("long", text, Path::new("long.toml")).unwrap();
    let mut dashboard = Harness::new(ScriptedKernel::guest());
    dashboard.kernel.deaf.push("Run");
    start(&mut dashboard.model.shared, script());
    dashboard.pass(100);
    assert!(dashboard.shows("Running sleep 9"), "{}", dashboard.screen());
    dashboard.keys(":experiment-leave<enter>");
    assert_eq!(dashboard.cancelled.len(), 1, "left");
    start(&mut dashboard.model.shared, script());
    dashboard.pass(4000);
    assert_eq!(dashboard.cancelled.len(), 1, "{}", dashboard.screen());
    dashboard.pass(4000);
    assert_eq!(dashboard.cancelled.len(), 2, "{}", dashboard.screen());
    let why = "it had not ended when the limit of 5 s was over";
    assert!(dashboard.shows(why), "{}", dashboard.screen());
}
