// SPDX-License-Identifier: MIT OR Apache-2.0
//! An experiment under way: a state machine that is told what happens, and says what
//! is to be done and shown.

use std::collections::BTreeMap;

use super::fill::{World, fill, paragraphs};
use super::progress::Progress;
use super::read::Script;
use super::spec::{Ask, Step, Telling, Turn, Value};
use crate::grade::left::wants_before;
use crate::grade::spec::{Act, Mismatch};

/// Digits of a number that can be typed.
const DIGITS: usize = 12;

/// Lines that show why a step did not bring about what it should.
const SHOWN: usize = 6;

/// An experiment under way.
#[derive(Clone, Debug)]
pub struct Run {
    /// What is run.
    pub script: Script,
    at: usize,
    stage: Stage,
    prediction: Option<Prediction>,
    kept: BTreeMap<String, String>,
    looks: Vec<String>,
    asked: u32,
    right: u32,
    /// How many lines the kernel's log had when it began.
    log_began: Option<u64>,
}

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The next step has not begun.
    Ready,
    /// Something is told, until Enter.
    Text {
        /// How the prediction went, if one was asked for.
        verdict: Option<Verdict>,
        text: String,
    },
    /// A question is asked; so much of a number is typed.
    Asked(String),
    /// A step is being done.
    Acting,
    /// Something must become true.
    Holding {
        /// Since when.
        since_ms: u64,
        /// How many samples had come then.
        samples: u64,
    },
    /// It is the student's turn.
    Turn {
        /// How many samples had come when it began.
        samples: u64,
    },
    /// A step could not be done, or did not bring about what it should.
    Stuck(String),
    /// It was done to its end.
    Over,
}

/// How a prediction went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub right: bool,
    /// What is said about it.
    pub says: String,
}

#[derive(Clone, Debug)]
struct Prediction {
    /// The step that asked.
    asked_at: usize,
    answer: Answer,
}

#[derive(Clone, Debug)]
enum Answer {
    Choice(usize),
    Number(i64),
}

impl Run {
    /// At its beginning.
    pub fn new(script: Script) -> Self {
        Self {
            script,
            at: 0,
            stage: Stage::Ready,
            prediction: None,
            kept: BTreeMap::new(),
            looks: Vec::new(),
            asked: 0,
            right: 0,
            log_began: None,
        }
    }

    /// Where it stands.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The texts to mark on the screen.
    pub fn looks(&self) -> &[String] {
        &self.looks
    }

    /// The step that it is at.
    pub fn step(&self) -> Option<&Step> {
        self.script.experiment.steps.get(self.at).map(|step| step.get_ref())
    }

    /// The question that is asked.
    pub fn ask(&self) -> Option<&Ask> {
        match (&self.stage, self.step()) {
            (Stage::Asked(_), Some(Step::Own(Telling::Ask(ask)))) => Some(ask),
            _ => None,
        }
    }

    /// Whose turn it is, if it is the student's.
    pub fn turn(&self) -> Option<&Turn> {
        match self.step() {
            Some(Step::Own(Telling::Turn(turn))) => Some(turn),
            _ => None,
        }
    }

    /// How many steps are behind it, and how many there are.
    pub fn place(&self) -> (usize, usize) {
        (self.at, self.script.experiment.steps.len())
    }

    /// How it went, once it is over.
    pub fn progress(&self) -> Progress {
        Progress { right: self.right, asked: self.asked }
    }

    /// Must be known what there is in the guest before its first step is done? `Some(true)`:
    /// its memory is compared, too.
    pub fn wants_before(&self) -> Option<bool> {
        wants_before(self.script.experiment.steps.iter().map(|step| step.get_ref()))
    }

    /// A text with what its names stand for now.
    pub fn filled(&self, text: &str, world: &dyn World) -> String {
        let known = |name: &str| {
            let kept = || self.kept.get(name).cloned();
            kept().or_else(|| world.value(name)).or_else(|| world.press(name))
        };
        fill(&paragraphs(text), known)
    }

    /// Goes on as far as it can; returns the step that is to be done now, of which
    /// [`Run::done`] must be told.
    pub fn go_on(&mut self, world: &dyn World, now_ms: u64) -> Option<Step> {
        self.log_began.get_or_insert_with(|| world.log_lines());
        loop {
            match &self.stage {
                Stage::Ready => {}
                Stage::Holding { since_ms, samples } => {
                    let (since_ms, samples) = (*since_ms, *samples);
                    if !self.held(world, since_ms, samples, now_ms) {
                        return None;
                    }
                    continue;
                }
                Stage::Turn { samples } => {
                    let samples = *samples;
                    if !fresh(world, samples) || !self.turn_over(world) {
                        return None;
                    }
                    self.next();
                    continue;
                }
                _ => return None,
            }
            let Some(step) = self.step().cloned() else {
                self.stage = Stage::Over;
                return None;
            };
            match step {
                Step::Own(Telling::Say(text)) => {
                    let verdict = self.verdict(world);
                    self.stage = Stage::Text { verdict, text: self.filled(&text, world) };
                }
                Step::Own(Telling::Ask(_)) => self.stage = Stage::Asked(String::new()),
                Step::Own(Telling::Look(looks)) => {
                    self.looks = looks;
                    self.next();
                }
                Step::Own(Telling::Keep(values)) => {
                    for (name, value) in values {
                        let now = self.value(&value, world).unwrap_or_else(|| "?".into());
                        self.kept.insert(name, now);
                    }
                    self.next();
                }
                Step::Own(Telling::Turn(_)) => {
                    self.stage = Stage::Turn { samples: world.samples() };
                }
                Step::Own(Telling::Value(_))
                | Step::Act(Act::Counter(_) | Act::Log(_) | Act::Pause(_)) => {
                    self.stage = Stage::Holding { since_ms: now_ms, samples: world.samples() };
                }
                other => {
                    self.stage = Stage::Acting;
                    return Some(other);
                }
            }
        }
    }

    /// Keeps a value that a step brought about.
    pub fn keep(&mut self, name: &str, value: String) {
        self.kept.insert(name.to_owned(), value);
    }

    fn next(&mut self) {
        self.at += 1;
        self.stage = Stage::Ready;
    }

    /// Looks at what must become true; `false`: it is waited for.
    fn held(&mut self, world: &dyn World, since_ms: u64, samples: u64, now_ms: u64) -> bool {
        let Some(step) = self.step() else { return false };
        let late = |within: u32| now_ms >= since_ms + u64::from(within) * 1000;
        let (name, seen, holds, is, late) = match step {
            Step::Act(Act::Pause(ms)) => {
                if now_ms < since_ms + u64::from(*ms) {
                    return false;
                }
                self.next();
                return true;
            }
            Step::Act(Act::Log(check)) => {
                let said = world.said_since(self.log_began.unwrap_or_default());
                let judged = check.text.judge("the kernel's log", &said);
                let late = late(check.within.max(1));
                match judged {
                    Ok(()) => {
                        self.next();
                        return true;
                    }
                    Err(wrong) if late => self.stage = Stage::Stuck(in_words(&wrong)),
                    Err(_) => {}
                }
                return false;
            }
            Step::Act(Act::Counter(check)) => {
                let name = format!("{}/{}", check.module, check.name);
                let seen = world.value(&name);
                let holds = seen.as_deref().is_some_and(|seen| check.is.holds(seen));
                (name, seen, holds, check.is.to_string(), late(check.within.max(1)))
            }
            Step::Own(Telling::Value(value)) => {
                let seen = self.value(&value.name, world);
                let holds = self.is(value, world);
                let is = self.filled(&value.is.to_string(), world);
                (value.name.clone(), seen, holds, is, late(value.within))
            }
            _ => return false,
        };
        if holds && fresh(world, samples) {
            self.next();
            return true;
        }
        if late {
            let seen = seen.unwrap_or_else(|| "not known".into());
            self.stage = Stage::Stuck(format!(
                "{name} was to become {is}, and is {seen}. Something else is at work here, or the \
                 machine is very slow."
            ));
        }
        false
    }

    fn value(&self, name: &str, world: &dyn World) -> Option<String> {
        self.kept.get(name).cloned().or_else(|| world.value(name))
    }

    fn is(&self, value: &Value, world: &dyn World) -> bool {
        let fill = |text: &str| self.filled(text, world);
        self.value(&value.name, world).is_some_and(|seen| value.is.holds(&seen, fill))
    }

    fn turn_over(&self, world: &dyn World) -> bool {
        self.turn().is_some_and(|turn| turn.until.iter().all(|value| self.is(value, world)))
    }

    /// What is said about the prediction, which is counted.
    fn verdict(&mut self, world: &dyn World) -> Option<Verdict> {
        let prediction = self.prediction.take()?;
        let step = self.script.experiment.steps.get(prediction.asked_at)?.get_ref().clone();
        let Step::Own(Telling::Ask(ask)) = step else { return None };
        let (right, says) = match (prediction.answer, &ask.number) {
            (Answer::Choice(index), _) => {
                let choice = ask.choices.get(index)?;
                (choice.right, choice.says.clone())
            }
            (Answer::Number(number), Some(asked)) => {
                let is = self.value(&asked.is, world).unwrap_or_else(|| asked.is.clone());
                let right = is.trim().parse() == Ok(number);
                (right, if right { asked.right.clone() } else { asked.wrong.clone() })
            }
            (Answer::Number(_), None) => return None,
        };
        self.asked += 1;
        self.right += u32::from(right);
        Some(Verdict { right, says: self.filled(&says, world) })
    }

    /// The step that was to be done was done, or why not.
    pub fn done(&mut self, result: Result<(), String>) {
        if self.stage != Stage::Acting {
            return;
        }
        match result {
            Ok(()) if self.turn().is_some() => {
                // The command was given; what it is to bring about is waited for.
                self.stage = Stage::Turn { samples: 0 };
            }
            Ok(()) => self.next(),
            Err(why) => self.stage = Stage::Stuck(why),
        }
    }

    /// Enter: goes on, gives the number that was typed, tries again. Returns the
    /// command that is to be carried out for whoever leaves their turn to the
    /// dashboard; [`Run::done`] must be told of it.
    pub fn enter(&mut self) -> Option<String> {
        match &self.stage {
            Stage::Text { .. } => self.next(),
            Stage::Stuck(_) => self.stage = Stage::Ready,
            Stage::Asked(typed) => {
                if let Ok(number) = typed.parse() {
                    self.answer(Answer::Number(number));
                }
            }
            Stage::Turn { .. } => {
                let command = self.turn()?.command.clone()?;
                self.stage = Stage::Acting;
                return Some(command);
            }
            _ => {}
        }
        None
    }

    /// Does Enter mean something here?
    pub fn takes_enter(&self) -> bool {
        match &self.stage {
            Stage::Text { .. } | Stage::Stuck(_) | Stage::Over => true,
            Stage::Asked(_) => self.ask().is_some_and(|ask| ask.number.is_some()),
            Stage::Turn { .. } => self.turn().is_some_and(|turn| turn.command.is_some()),
            _ => false,
        }
    }

    /// A character was typed; `false`: it means nothing here.
    pub fn type_in(&mut self, character: char) -> bool {
        let Some(ask) = self.ask() else { return false };
        let (choices, number) = (ask.choices.len(), ask.number.is_some());
        let letter = (character as u32).checked_sub('a' as u32).map(|index| index as usize);
        match (&mut self.stage, letter) {
            (Stage::Asked(typed), _) if number && character.is_ascii_digit() => {
                if typed.len() < DIGITS {
                    typed.push(character);
                }
                true
            }
            (_, Some(index)) if index < choices => {
                self.answer(Answer::Choice(index));
                true
            }
            _ => false,
        }
    }

    /// Takes the last digit away; `false`: there is none.
    pub fn erase(&mut self) -> bool {
        match (self.ask().is_some_and(|ask| ask.number.is_some()), &mut self.stage) {
            (true, Stage::Asked(typed)) => {
                typed.pop();
                true
            }
            _ => false,
        }
    }

    fn answer(&mut self, answer: Answer) {
        self.prediction = Some(Prediction { asked_at: self.at, answer });
        self.next();
    }
}

/// What is not as it must be, as the panel says it: with the first lines that show it.
pub fn in_words(wrong: &Mismatch) -> String {
    let shown = wrong.excerpt.iter().take(SHOWN).map(|line| format!("\n{line}"));
    format!("{}.{}", wrong.reason, shown.collect::<String>())
}

/// Has a sample come that was taken after so many others had? The one that came next
/// may have been on its way.
fn fresh(world: &dyn World, samples: u64) -> bool {
    let now = world.samples();
    now >= samples + 2 || now < samples
}
