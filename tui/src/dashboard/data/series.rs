// SPDX-License-Identifier: MIT OR Apache-2.0
//! A counter over time: the newest samples as they are, older ones folded to
//! minimum, maximum and mean. Memory is bounded: about 410 KB for 8 hours.

use super::chunks::Chunks;

/// Samples that are kept as they are: 10 minutes at 10 Hz.
const RAW: usize = 6000;
/// Buckets of one second: an hour.
const SECONDS: usize = 3600;
/// Buckets of ten seconds: 8 hours.
const TENS: usize = 2880;
/// The most places where it is broken that are kept.
const BREAKS: usize = 1000;
/// Two samples further apart than this have a gap between them.
const GAP_MS: u64 = 3000;

/// Samples of a stretch of time, folded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// The last sample's time, in milliseconds of the target's clock.
    pub at_ms: u64,
    /// The last value.
    pub last: i64,
    /// The smallest.
    pub min: i64,
    /// The largest.
    pub max: i64,
    pub mean: f64,
    count: u32,
}

impl Bucket {
    fn one(at_ms: u64, value: i64) -> Self {
        Self { at_ms, last: value, min: value, max: value, mean: value as f64, count: 1 }
    }

    fn add(&mut self, at_ms: u64, value: i64) {
        self.at_ms = at_ms;
        self.last = value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.count += 1;
        self.mean += (value as f64 - self.mean) / f64::from(self.count);
    }
}

/// What a column of a chart shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Column {
    /// The smallest value or rate.
    pub min: f64,
    /// The largest.
    pub max: f64,
    pub mean: f64,
}

/// The stretch of time a chart shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its end, in milliseconds of the target's clock.
    pub end_ms: u64,
    /// Its length in milliseconds.
    pub span_ms: u64,
}

/// A counter over time.
#[derive(Clone, Debug, Default)]
pub struct Series {
    raw: Chunks<(u64, i64)>,
    seconds: Chunks<Bucket>,
    tens: Chunks<Bucket>,
    /// Where the line ends and begins again: the samples before and after.
    breaks: Vec<(u64, u64)>,
    broken: bool,
}

fn fold(tier: &mut Chunks<Bucket>, width_ms: u64, keep: usize, at_ms: u64, value: i64) {
    match tier.back_mut() {
        Some(bucket) if bucket.at_ms / width_ms == at_ms / width_ms => bucket.add(at_ms, value),
        _ => {
            if tier.len() == keep {
                tier.pop_front();
            }
            tier.push_back(Bucket::one(at_ms, value));
        }
    }
}

impl Series {
    /// Adds a sample. A clock that went back (another kernel) starts again.
    pub fn push(&mut self, at_ms: u64, value: i64) {
        match self.raw.back() {
            Some((last, _)) if *last > at_ms => *self = Self::default(),
            Some((last, _)) if *last == at_ms => return,
            Some((last, _)) if self.broken => {
                if self.breaks.len() == BREAKS {
                    self.breaks.remove(0);
                }
                self.breaks.push((*last, at_ms));
            }
            _ => {}
        }
        self.broken = false;
        if self.raw.len() == RAW {
            self.raw.pop_front();
        }
        self.raw.push_back((at_ms, value));
        fold(&mut self.seconds, 1000, SECONDS, at_ms, value);
        fold(&mut self.tens, 10_000, TENS, at_ms, value);
    }

    /// What comes next is not joined to what there is.
    pub fn cut(&mut self) {
        self.broken = true;
    }

    /// The newest sample: when, and the value.
    pub fn last(&self) -> Option<(u64, i64)> {
        self.raw.back().copied()
    }

    /// The value as it was at a time.
    pub fn at(&self, at_ms: u64) -> Option<i64> {
        let after = self.raw.partition_point(|(at, _)| *at <= at_ms);
        after.checked_sub(1).map(|index| self.raw[index].1)
    }

    /// By how much it grew per second over the second before `end_ms`.
    pub fn rate(&self, end_ms: u64) -> Option<f64> {
        let after = self.raw.partition_point(|(at, _)| *at <= end_ms);
        let (end, newest) = *self.raw.get(after.checked_sub(1)?)?;
        let cut = self.breaks.iter().map(|(_, after)| *after).filter(|after| *after <= end);
        let since = cut.max().unwrap_or(0).max(end.saturating_sub(1000));
        let from = self.raw.partition_point(|(at, _)| *at < since);
        let (start, oldest) = *self.raw.get(from)?;
        if end <= start || newest < oldest {
            return None;
        }
        Some(newest.saturating_sub(oldest) as f64 * 1000.0 / (end - start) as f64)
    }

    /// Bytes it takes, at most.
    pub fn memory_bound() -> usize {
        RAW * size_of::<(u64, i64)>() + (SECONDS + TENS) * size_of::<Bucket>()
    }

    /// The window cut into columns, oldest first; `None` where nothing is known.
    /// With `rate`, columns show growth per second instead of the value.
    pub fn columns(&self, window: Window, columns: usize, rate: bool) -> Vec<Option<Column>> {
        if columns == 0 || window.span_ms == 0 {
            return Vec::new();
        }
        // Columns stand on a fixed grid, so that the picture moves by whole columns.
        let width = (window.span_ms / columns as u64).max(1);
        let end = window.end_ms.div_ceil(width) * width;
        // Before the target's clock began there is nothing.
        let known = columns.min((end / width) as usize);
        let start = end - width * known as u64;
        let points = self.points(start, end, width);
        let edge = |column: usize| start + column as u64 * width;
        let mut index = 0;
        let mut result = vec![None; columns - known];
        for column in 0..known {
            let (from, to) = (edge(column), edge(column + 1));
            while points.get(index).is_some_and(|point| point.at_ms < from) {
                index += 1;
            }
            let inside = points[index..].iter().take_while(|point| point.at_ms < to);
            let cut = self.breaks.iter().any(|(before, after)| *before < to && from < *after);
            result.push(if cut {
                // Nothing is known in between, and nothing grew from one to the other.
                fold_column(inside).filter(|_| !rate)
            } else if rate {
                growth(&points, index, from, to)
            } else {
                fold_column(inside).or_else(|| held(&points, index))
            });
        }
        result
    }

    /// The samples of a stretch and one on either side, from the finest tier
    /// that is fine enough for columns of this width.
    fn points(&self, start: u64, end: u64, width: u64) -> Vec<Bucket> {
        fn part<T: Copy>(
            tier: &Chunks<T>,
            (start, end): (u64, u64),
            at: impl Fn(&T) -> u64,
            make: impl Fn(T) -> Bucket,
        ) -> Vec<Bucket> {
            let first = tier.partition_point(|entry| at(entry) < start);
            let last = tier.partition_point(|entry| at(entry) < end);
            let range = first.saturating_sub(1)..(last + 1).min(tier.len());
            tier.range(range).map(|entry| make(*entry)).collect()
        }
        let stretch = (start, end);
        let covers = |first: Option<u64>| first.is_some_and(|first| first <= start);
        let raw_first = self.raw.front().map(|(at, _)| *at);
        let seconds_first = self.seconds.front().map(|bucket| bucket.at_ms);
        let full = self.raw.len() == RAW;
        if width < 1000 && (covers(raw_first) || !full) {
            return part(&self.raw, stretch, |(at, _)| *at, |(at, value)| Bucket::one(at, value));
        }
        let seconds_full = self.seconds.len() == SECONDS;
        if width < 10_000 && (covers(seconds_first) || !seconds_full) {
            return part(&self.seconds, stretch, |bucket| bucket.at_ms, |bucket| bucket);
        }
        part(&self.tens, stretch, |bucket| bucket.at_ms, |bucket| bucket)
    }
}

fn fold_column<'a>(inside: impl Iterator<Item = &'a Bucket>) -> Option<Column> {
    let mut column: Option<(Column, f64)> = None;
    for bucket in inside {
        let (min, max) = (bucket.min as f64, bucket.max as f64);
        let weight = f64::from(bucket.count);
        column = Some(match column {
            None => (Column { min, max, mean: bucket.mean }, weight),
            Some((so_far, sum)) => (
                Column {
                    min: so_far.min.min(min),
                    max: so_far.max.max(max),
                    mean: (so_far.mean * sum + bucket.mean * weight) / (sum + weight),
                },
                sum + weight,
            ),
        });
    }
    column.map(|(column, _)| column)
}

/// A column narrower than the distance of samples shows the value before it.
fn held(points: &[Bucket], next: usize) -> Option<Column> {
    let before = points.get(next.checked_sub(1)?)?;
    let after = points.get(next)?;
    let near = after.at_ms - before.at_ms <= GAP_MS.max(20_000 * u64::from(before.count > 10));
    near.then_some(Column {
        min: before.last as f64,
        max: before.last as f64,
        mean: before.last as f64,
    })
}

/// The growth per second between two times, by straight lines between samples.
fn growth(points: &[Bucket], next: usize, from: u64, to: u64) -> Option<Column> {
    let value = |at: u64, start: usize| -> Option<f64> {
        let after = start + points[start..].partition_point(|point| point.at_ms <= at);
        let before = points.get(after.checked_sub(1)?)?;
        let Some(after) = points.get(after) else {
            return Some(before.last as f64);
        };
        let share = (at - before.at_ms) as f64 / (after.at_ms - before.at_ms) as f64;
        Some(before.last as f64 + (after.last as f64 - before.last as f64) * share)
    };
    let start = next.saturating_sub(1);
    let newest = points.last()?.at_ms;
    if newest <= from {
        return None;
    }
    let to = to.min(newest);
    let (first, last) = (value(from, start)?, value(to, start)?);
    let rate = (last - first) * 1000.0 / (to - from) as f64;
    (rate >= 0.0).then_some(Column { min: rate, max: rate, mean: rate })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steady(seconds: u64, per_second: i64) -> Series {
        let mut series = Series::default();
        for step in 0..seconds * 10 {
            series.push(step * 100, step as i64 * per_second / 10);
        }
        series
    }

    #[test]
    fn a_steady_counter_has_a_steady_rate_in_every_column() {
        let series = steady(60, 50);
        let window = Window { end_ms: 59_900, span_ms: 10_000 };
        for column in series.columns(window, 37, true) {
            let rate = column.unwrap().mean;
            assert!((rate - 50.0).abs() < 1.0, "{rate}");
        }
        assert_eq!(series.rate(59_900), Some(50.0));
    }

    #[test]
    fn eight_hours_of_forty_counters_fit_in_64_mb() {
        assert!(Series::memory_bound() * 40 <= 64 << 20);
        let series = steady(9 * 3600, 10);
        assert_eq!(series.raw.len(), RAW);
        let window = Window { end_ms: 9 * 3600 * 1000, span_ms: 8 * 3600 * 1000 };
        let columns = series.columns(window, 100, false);
        assert!(columns[1..].iter().all(Option::is_some));
        let middle = columns[50].unwrap();
        assert!(middle.min < middle.mean && middle.mean < middle.max);
    }

    #[test]
    fn a_stretch_without_samples_stays_empty() {
        let mut series = steady(5, 10);
        series.push(60_000, 7);
        let window = Window { end_ms: 60_000, span_ms: 60_000 };
        let columns = series.columns(window, 60, false);
        assert!(columns[2].is_some());
        assert!(columns[30].is_none());
    }

    #[test]
    fn a_counter_that_starts_again_shows_no_negative_rate() {
        let mut series = steady(5, 10);
        series.push(5000, 0);
        assert_eq!(series.rate(5000), None);
    }

    #[test]
    fn nothing_joins_what_was_before_a_cut_to_what_comes_after() {
        let mut series = steady(10, 50);
        series.cut();
        for step in 0..100 {
            series.push(11_000 + step * 100, 200 + step as i64 * 5);
        }
        let window = Window { end_ms: 20_900, span_ms: 21_000 };
        let rates = series.columns(window, 70, true);
        assert!(rates.iter().flatten().all(|rate| (rate.mean - 50.0).abs() < 1.0), "{rates:?}");
        assert!(rates[34].is_none(), "{rates:?}");
        // The second before has a part of the new line only.
        assert_eq!(series.rate(11_000), None);
        assert_eq!(series.rate(11_300), Some(50.0));
    }

    #[test]
    fn another_kernels_clock_starts_a_new_series() {
        let mut series = steady(5, 10);
        series.push(10, 3);
        assert_eq!(series.last(), Some((10, 3)));
        assert_eq!(series.at(9), None);
    }
}
