// SPDX-License-Identifier: MIT OR Apache-2.0
//! The progress of long work on standard error: a bar on a terminal, plain
//! lines elsewhere. Standard output stays free for results.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::interrupt::Interrupt;
use super::step_times::StepTimes;
use crate::lab::progress::{Amount, Event, Progress, Stop, Unit};
use crate::text::amount::amount;
use crate::text::escape::visible;

/// How often plain lines say how far a step is.
const PLAIN: Duration = Duration::from_secs(15);

/// Shows progress and takes Ctrl-C.
pub struct Show {
    interrupt: Option<Interrupt>,
    screen: Screen,
    title: String,
    times: StepTimes,
    told_to_stop: bool,
}

enum Screen {
    Bar(ProgressBar),
    Plain { said: Instant },
}

impl Show {
    /// On standard error, as fits what it is.
    pub fn new() -> Self {
        let screen = match std::io::stderr().is_terminal() {
            true => Screen::Bar(bar()),
            false => Screen::Plain { said: Instant::now() },
        };
        let (title, times) = (String::new(), StepTimes::default());
        Self { interrupt: None, screen, title, times, told_to_stop: false }
    }

    /// A line that stays, when a step is over.
    pub fn say(&self, text: &str) {
        if let Screen::Bar(bar) = &self.screen {
            bar.finish_and_clear();
        }
        self.line(text);
    }

    /// A line above the bar.
    fn line(&self, text: &str) {
        let text = visible(text);
        let print = || {
            // Nobody is left to tell when standard error is closed.
            drop(writeln!(std::io::stderr(), "{text}"));
        };
        match &self.screen {
            Screen::Bar(bar) => bar.suspend(print),
            Screen::Plain { .. } => print(),
        }
    }

    fn step(&mut self, title: String) {
        self.times.step(&title);
        match &mut self.screen {
            Screen::Bar(bar) => {
                bar.reset();
                bar.unset_length();
                bar.set_style(style(SPINNER));
                bar.set_prefix(title.clone());
                bar.set_message("");
                bar.enable_steady_tick(Duration::from_millis(120));
            }
            Screen::Plain { said } => {
                *said = Instant::now();
                self.line(&format!("{title} …"));
            }
        }
        self.title = title;
    }

    fn advance(&mut self, amount: Amount) {
        let text = describe(&amount);
        match &mut self.screen {
            Screen::Bar(bar) => {
                if let Some(total) = amount.total {
                    if bar.length() != Some(total) {
                        bar.set_style(style(BAR));
                    }
                    bar.set_length(total);
                }
                bar.set_position(amount.done);
                // The bar's own numbers can't say “about”.
                bar.set_style(style(if amount.total.is_some() { BAR } else { SPINNER }).with_key(
                    "amount",
                    move |_: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                        // Writing to a string can't fail.
                        let _ = out.write_str(&text);
                    },
                ));
            }
            Screen::Plain { said } if said.elapsed() > PLAIN => {
                *said = Instant::now();
                self.line(&format!("{}: {text}", self.title));
            }
            Screen::Plain { .. } => {}
        }
    }
}

impl Default for Show {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress for Show {
    fn report(&mut self, event: Event) {
        // Not before there is work to stop; without it Ctrl-C just ends the
        // program.
        if self.interrupt.is_none() {
            self.interrupt = Interrupt::catch().ok();
        }
        match event {
            Event::Step(title) => self.step(title),
            Event::Advance(amount) => self.advance(amount),
            Event::Busy(what) => {
                if let Screen::Bar(bar) = &self.screen {
                    bar.set_message(visible(&what));
                }
            }
            Event::Output(line) => self.line(&line),
            Event::Note(text) => self.line(&format!("note: {text}")),
            Event::Done => {
                self.times.over();
                if let Screen::Bar(bar) = &self.screen {
                    bar.finish_and_clear();
                }
            }
        }
    }

    fn tick(&mut self) {
        if !self.told_to_stop && self.stop() == Stop::Gently {
            self.told_to_stop = true;
            self.line("stopping where the next run can go on; Ctrl-C again ends at once");
        }
    }

    fn stop(&self) -> Stop {
        self.interrupt.as_ref().map_or(Stop::No, Interrupt::stop)
    }
}

impl Drop for Show {
    fn drop(&mut self) {
        if let Screen::Bar(bar) = &self.screen {
            bar.finish_and_clear();
        }
        if let Some(summary) = self.times.summary().filter(|_| !self.told_to_stop) {
            self.line(&summary);
        }
    }
}

const SPINNER: &str = "{spinner} {prefix}  {amount} {wide_msg:.dim}";
const BAR: &str = "{spinner} {prefix} [{bar:24}] {amount} {wide_msg:.dim}";

fn style(template: &str) -> ProgressStyle {
    // A template that can't be read would be a mistake in the lines above.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
        .with_key("amount", |_: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = out.write_str("");
        })
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
    bar.set_style(style(SPINNER));
    bar
}

/// How far work is, in a line: its step, and the amount that is done.
#[derive(Debug, Default)]
pub struct Line {
    title: String,
    amount: String,
    note: String,
}

impl Line {
    /// Takes what happened; returns the line, where it is another then.
    pub fn take(&mut self, event: Event) -> Option<String> {
        match event {
            Event::Step(title) => *self = Self { title, ..Self::default() },
            Event::Advance(amount) => {
                self.amount = describe(&amount);
                self.note.clear();
            }
            Event::Note(note) => self.note = note,
            Event::Busy(_) | Event::Output(_) | Event::Done => return None,
        }
        let parts = [&self.title, &self.amount, &self.note];
        let parts: Vec<&str> =
            parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
        Some(parts.join(": "))
    }
}

/// `412 of about 1880 objects`, `35 MiB of 159 MiB`.
fn describe(amounts: &Amount) -> String {
    let number = |value: u64| match amounts.unit {
        Unit::Bytes => amount(value),
        Unit::Objects => value.to_string(),
    };
    let about = if amounts.about { "about " } else { "" };
    let unit = match amounts.unit {
        Unit::Bytes => "",
        Unit::Objects => " objects",
    };
    match amounts.total {
        Some(total) => format!("{} of {about}{}{unit}", number(amounts.done), number(total)),
        None => format!("{}{unit}", number(amounts.done)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_called_one() {
        let objects =
            |total, about| describe(&Amount { done: 412, total, about, unit: Unit::Objects });
        assert_eq!(objects(Some(1880), true), "412 of about 1880 objects");
        assert_eq!(objects(Some(1880), false), "412 of 1880 objects");
        assert_eq!(objects(None, false), "412 objects");
        let bytes = Amount { done: 1 << 20, total: Some(1 << 30), about: false, unit: Unit::Bytes };
        assert_eq!(describe(&bytes), "1 MiB of 1 GiB");
    }
}
