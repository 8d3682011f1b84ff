// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counters, controls and tables as the kernel's samples bring them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::series::{Column, Series, Window};
use crate::kernel::api::{CounterValue, ModuleCounters, Sample, TableBytes};

/// The time ranges that `[` and `]` choose from, in milliseconds.
pub const RANGES_MS: [u64; 7] = [10_000, 30_000, 60_000, 300_000, 1_800_000, 7_200_000, 28_800_000];

/// The newest sample and the past of every counter.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    latest: Arc<Sample>,
    frozen: Option<Arc<Sample>>,
    past: BTreeMap<String, Past>,
    /// When a value last changed, in the target's time.
    changed_ms: u64,
    /// How many samples came.
    samples: u64,
    /// What is added to the target's time, so that time goes on where it was wound back.
    ahead_ms: u64,
    /// The target was wound back by so much, and no sample has come since.
    wound_back: Option<u64>,
    cuts: Vec<Cut>,
}

/// A place where the target was wound back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// When, in the time of the samples.
    pub at_ms: u64,
    /// By how much.
    pub by_ms: u64,
}

/// No kernel's clock says more, in milliseconds: some ten thousand years.
const LATEST_MS: u64 = 1 << 48;
/// The most modules, and the most counters of all of them, whose past is kept.
const MODULES: usize = 1024;
const SERIES: usize = 4096;
/// The most cuts that are kept.
const CUTS: usize = 1000;

/// So much of a chart's time is left free where the target was wound back.
const CUT_MS: u64 = 200;

/// The past of a module's counters.
#[derive(Clone, Debug, Default)]
struct Past {
    /// Which module: another may have been loaded under the same name.
    instance: u64,
    series: BTreeMap<String, Series>,
}

impl Past {
    /// Takes a sample of the module; `room` is how many more counters may get a past.
    fn push(&mut self, at_ms: u64, module: &ModuleCounters, mut room: usize) {
        if self.instance != module.instance {
            self.instance = module.instance;
            self.series.clear();
        }
        for counter in &module.counters {
            let Some(number) = counter.number() else {
                continue;
            };
            match self.series.get_mut(&counter.name) {
                Some(series) => series.push(at_ms, number),
                None if room == 0 => {}
                None => {
                    room -= 1;
                    let mut series = Series::default();
                    series.push(at_ms, number);
                    self.series.insert(counter.name.clone(), series);
                }
            }
        }
    }
}

impl Counters {
    /// Takes a sample; `true` when any value, table or module in it is new.
    pub fn push(&mut self, mut sample: Sample) -> bool {
        if let Some(by_ms) = self.wound_back.take() {
            let at_ms = self.latest.at_ms + CUT_MS;
            self.ahead_ms = (at_ms + CUT_MS).saturating_sub(sample.at_ms);
            // One that is wound back without end forgets where that was first.
            if self.cuts.len() == CUTS {
                self.cuts.remove(0);
            }
            self.cuts.push(Cut { at_ms, by_ms });
        }
        sample.at_ms = sample.at_ms.saturating_add(self.ahead_ms).min(LATEST_MS);
        if sample.at_ms < self.latest.at_ms {
            self.past.clear();
            self.cuts.clear();
            self.changed_ms = 0;
        }
        for module in &sample.modules {
            let kept: usize = self.past.values().map(|past| past.series.len()).sum();
            if !self.past.contains_key(&module.module) && self.past.len() < MODULES {
                self.past.insert(module.module.clone(), Past::default());
            }
            if let Some(past) = self.past.get_mut(&module.module) {
                past.push(sample.at_ms, module, SERIES.saturating_sub(kept));
            }
        }
        let changed = sample.modules != self.latest.modules || sample.tables != self.latest.tables;
        if changed {
            self.changed_ms = sample.at_ms;
        }
        self.latest = Arc::new(sample);
        self.samples += 1;
        changed
    }

    /// How many samples came since the connection was made.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// How long nothing has changed, in milliseconds.
    pub fn quiet_ms(&self) -> u64 {
        self.latest.at_ms.saturating_sub(self.changed_ms)
    }

    /// Keeps the picture as it is, or lets it go on.
    pub fn freeze(&mut self, freeze: bool) {
        self.frozen = freeze.then(|| Arc::clone(&self.latest));
    }

    /// The sample to show: the newest, or the one at which the picture was frozen.
    pub fn shown(&self) -> &Sample {
        self.frozen.as_ref().unwrap_or(&self.latest)
    }

    /// The newest sample, frozen or not.
    pub fn latest(&self) -> &Sample {
        &self.latest
    }

    /// Forgets everything: another kernel.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The target was wound back by so much: what was before stays, and the next sample
    /// goes on behind it, joined to nothing.
    pub fn wound_back(&mut self, by_ms: u64) {
        if self.samples == 0 {
            return self.clear();
        }
        self.wound_back = Some(by_ms);
        self.frozen = None;
        for past in self.past.values_mut() {
            past.series.values_mut().for_each(Series::cut);
        }
        // Its modules are known once it says which it has.
        let at_ms = self.latest.at_ms;
        self.latest = Arc::new(Sample { at_ms, ..Sample::default() });
    }

    /// Where the target was wound back within the last `span_ms`: how far from the end
    /// of that stretch, as a part of it, and by how much.
    pub fn cuts(&self, span_ms: u64) -> Vec<(f64, u64)> {
        let end = self.shown().at_ms;
        let ago = |cut: &Cut| end.checked_sub(cut.at_ms).filter(|ago| *ago < span_ms);
        let part = |cut: &Cut| Some((ago(cut)? as f64 / span_ms as f64, cut.by_ms));
        self.cuts.iter().filter_map(part).collect()
    }

    /// The module's counters and controls, if it is loaded and has any.
    pub fn module(&self, module: &str) -> Option<&ModuleCounters> {
        self.shown().modules.iter().find(|entry| entry.module == module)
    }

    /// A counter's text.
    pub fn text(&self, module: &str, counter: &str) -> Option<&str> {
        find(&self.module(module)?.counters, counter)
    }

    /// A counter's text, to be shown; a question mark before the first sample.
    pub fn text_or_unknown(&self, module: &str, counter: &str) -> &str {
        self.text(module, counter).unwrap_or("?")
    }

    /// A counter's number.
    pub fn value(&self, module: &str, counter: &str) -> Option<i64> {
        self.text(module, counter)?.parse().ok()
    }

    /// A control's text.
    pub fn control(&self, module: &str, control: &str) -> Option<&str> {
        find(&self.module(module)?.controls, control)
    }

    /// A control's number.
    pub fn control_value(&self, module: &str, control: &str) -> Option<i64> {
        self.control(module, control)?.parse().ok()
    }

    /// The part of a table that was read with the sample shown.
    pub fn table(&self, module: &str, table: &str) -> Option<&TableBytes> {
        let asked =
            |entry: &&TableBytes| entry.range.module == module && entry.range.table == table;
        self.shown().tables.iter().find(asked)
    }

    /// The past of a counter.
    pub fn series(&self, module: &str, counter: &str) -> Option<&Series> {
        self.past.get(module)?.series.get(counter)
    }

    /// Growth per second over the last second shown.
    pub fn rate(&self, module: &str, counter: &str) -> Option<f64> {
        self.series(module, counter)?.rate(self.shown().at_ms)
    }

    /// A counter over the last `span_ms`, cut into columns; empty if unknown.
    pub fn columns(
        &self,
        (module, counter): (&str, &str),
        span_ms: u64,
        columns: usize,
        rate: bool,
    ) -> Vec<Option<Column>> {
        let window = Window { end_ms: self.shown().at_ms, span_ms };
        self.series(module, counter)
            .map(|series| series.columns(window, columns, rate))
            .unwrap_or_default()
    }
}

fn find<'a>(values: &'a [CounterValue], name: &str) -> Option<&'a str> {
    let found = values.iter().find(|value| value.name == name)?;
    Some(&found.value)
}

/// Does this counter only grow, so that its rate says more than its value?
/// Of modules that are not ours nothing is known: they are levels.
pub fn is_monotonic(module: &str, counter: &str) -> bool {
    ringside_uapi::module(module)
        .and_then(|module| module.counters.iter().find(|entry| entry.name == counter))
        .is_some_and(|counter| counter.monotonic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at_ms: u64, instance: u64, items: u64) -> Sample {
        let counters = vec![CounterValue::new("items", items)];
        let module = ModuleCounters { module: "m".into(), instance, counters, controls: vec![] };
        Sample { at_ms, modules: vec![module], tables: Vec::new() }
    }

    #[test]
    fn time_goes_on_where_the_target_was_wound_back_and_what_was_before_stays() {
        let mut counters = Counters::default();
        for step in 0..50 {
            counters.push(sample(60_000 + step * 100, 7, step * 10));
        }
        counters.wound_back(4000);
        assert!(counters.latest().modules.is_empty());
        for step in 0..30 {
            counters.push(sample(61_000 + step * 100, 7, 100 + step * 10));
        }
        let items = counters.series("m", "items").unwrap();
        assert_eq!(items.at(64_900), Some(490), "what was before");
        assert_eq!(counters.value("m", "items"), Some(390));
        assert_eq!(counters.rate("m", "items"), Some(100.0));
        let rates = counters.columns(("m", "items"), 8000, 80, true);
        assert!(rates.iter().flatten().all(|rate| rate.mean > 90.0), "{rates:?}");
        let cuts = counters.cuts(8000);
        assert_eq!(cuts.len(), 1);
        assert_eq!(cuts[0].1, 4000);
        assert!((cuts[0].0 - 3100.0 / 8000.0).abs() < 0.01, "{cuts:?}");
        assert!(counters.cuts(1000).is_empty());
    }

    #[test]
    fn a_module_loaded_again_under_its_name_has_no_past() {
        let mut counters = Counters::default();
        counters.push(sample(100, 7, 1000));
        counters.push(sample(200, 7, 2000));
        assert_eq!(counters.series("m", "items").and_then(|items| items.at(150)), Some(1000));
        counters.push(sample(300, 8, 3000));
        assert_eq!(counters.series("m", "items").and_then(|items| items.at(150)), None);
        assert_eq!(counters.rate("m", "items"), None, "one sample has no rate");
    }
}
