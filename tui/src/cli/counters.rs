// SPDX-License-Identifier: MIT OR Apache-2.0
//! `ringside counters`: what modules count, once or as it changes.

use std::collections::HashMap;
use std::io::Write;

use clap::Args;

use super::output::{json, say};
use super::{Connection, Outcome, candidates};
use crate::kernel::api::Sample;
use crate::kernel::{Replies, put, question};
use crate::text::escape::visible;

/// Show the counters and controls of modules
///
///     ringside counters                        of every module that has any
///     ringside counters memalloc
///     ringside counters producer_consumer --watch
///     ringside counters --watch --interval 1000 --json
///
/// With --watch, every value is printed first, then what has changed, each line
/// with the seconds of the kernel's clock; Ctrl-C ends it.
#[derive(Args, Clone, Debug)]
#[command(verbatim_doc_comment)]
pub struct Counters {
    /// Only this module
    #[arg(add = candidates::counted())]
    module: Option<String>,
    /// Go on until Ctrl-C
    #[arg(short, long)]
    watch: bool,
    /// Milliseconds between two looks
    #[arg(long, value_name = "MS", default_value_t = 250, requires = "watch",
          value_parser = clap::value_parser!(u32).range(20..=60_000))]
    interval: u32,
    /// Print JSON, one line per look
    #[arg(long)]
    json: bool,
}

impl Counters {
    /// Prints them.
    pub fn run(&self, connection: &Connection) -> Outcome {
        let target = connection.open()?;
        let module = self.module.clone();
        // A module without counters is an error, watched or not.
        let sample = put(&*target, question::Counters { module })?;
        if !self.watch {
            let text = match sample.modules.is_empty() {
                true => "no loaded module has counters".to_owned(),
                false => table(&sample),
            };
            say(self.json, &text, &sample)?;
            return Ok(0);
        }
        let watch = question::WatchCounters {
            interval_ms: self.interval,
            modules: self.module.clone().into_iter().collect(),
        };
        let samples = Replies::start(&*target, watch)?;
        let mut known = Known::default();
        while let Some(sample) = samples.next()? {
            let mut out = std::io::stdout().lock();
            if self.json {
                writeln!(out, "{}", json(&sample)?)?;
            } else {
                write!(out, "{}", visible(&known.changes(&sample)))?;
            }
            out.flush()?;
        }
        Ok(0)
    }
}

/// Module, name and value of everything in a sample.
fn values(sample: &Sample) -> impl Iterator<Item = (&str, &str, &str)> {
    sample.modules.iter().flat_map(|module| {
        let all = module.counters.iter().chain(&module.controls);
        all.map(|value| (module.module.as_str(), value.name.as_str(), value.value.as_str()))
    })
}

fn table(sample: &Sample) -> String {
    let wide = |column: fn((&str, &str, &str)) -> usize| values(sample).map(column).max();
    let module = wide(|value| value.0.len()).unwrap_or_default();
    let name = wide(|value| value.1.len()).unwrap_or_default();
    let number = wide(|value| value.2.len()).unwrap_or_default();
    values(sample)
        .map(|value| format!("{:module$}  {:name$}  {:>number$}\n", value.0, value.1, value.2))
        .collect()
}

/// What was printed last.
#[derive(Default)]
struct Known(HashMap<(String, String), String>);

impl Known {
    /// The lines for what is new, other than before, or gone.
    fn changes(&mut self, sample: &Sample) -> String {
        let seconds = sample.at_ms as f64 / 1000.0;
        let mut text = String::new();
        let mut now = HashMap::new();
        for (module, name, value) in values(sample) {
            let key = (module.to_owned(), name.to_owned());
            if self.0.remove(&key).as_deref() != Some(value) {
                text.push_str(&format!("{seconds:.3}  {module}  {name}  {value}\n"));
            }
            now.insert(key, value.to_owned());
        }
        let mut gone: Vec<_> = self.0.drain().map(|((module, _), _)| module).collect();
        gone.sort();
        gone.dedup();
        gone.retain(|module| !sample.modules.iter().any(|known| known.module == *module));
        for module in gone {
            text.push_str(&format!("{seconds:.3}  {module}  is gone\n"));
        }
        self.0 = now;
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::api::{CounterValue, ModuleCounters};

    fn sample(at_ms: u64, value: Option<&str>) -> Sample {
        let module = |value: &str| ModuleCounters {
            module: "m".into(),
            instance: 1,
            counters: vec![CounterValue::new("items", value)],
            controls: Vec::new(),
        };
        Sample { at_ms, modules: value.map(module).into_iter().collect(), tables: Vec::new() }
    }

    #[test]
    fn a_watch_prints_what_has_changed_and_what_is_gone() {
        let mut known = Known::default();
        assert_eq!(known.changes(&sample(1000, Some("1"))), "1.000  m  items  1\n");
        assert_eq!(known.changes(&sample(1250, Some("1"))), "");
        assert_eq!(known.changes(&sample(1500, Some("2"))), "1.500  m  items  2\n");
        assert_eq!(known.changes(&sample(1750, None)), "1.750  m  is gone\n");
        assert_eq!(known.changes(&sample(2000, None)), "");
    }
}
