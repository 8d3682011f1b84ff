// SPDX-License-Identifier: MIT OR Apache-2.0
//! What chance decides, and again the same way from the same seed.

use std::time::{SystemTime, UNIX_EPOCH};

/// What short runs begin with: whether a change passes its tests is no matter of chance.
const SHORT_SEED: u64 = 20_261_126;
/// What asks for a long run.
const LONG: [&str; 3] = ["RINGSIDE_FUZZ", "RINGSIDE_STRESS", "RINGSIDE_INTERRUPTS"];

/// Numbers by chance, the same ones from the same seed (xorshift64*).
pub struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    /// From `RINGSIDE_SEED`, or from the time where a run is asked to be long, or else the
    /// same ones each time.
    pub fn new() -> Self {
        let long = LONG.iter().any(|variable| std::env::var_os(variable).is_some());
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970");
        let seed = match std::env::var("RINGSIDE_SEED") {
            Ok(seed) => seed.parse().expect("RINGSIDE_SEED is a number"),
            Err(_) if long => now().as_nanos() as u64,
            Err(_) => SHORT_SEED,
        };
        Self::from(seed)
    }

    pub fn from(seed: u64) -> Self {
        Self { seed, state: seed | 1 }
    }

    /// What it began with.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Another, for a thread of its own.
    pub fn branch(&mut self) -> Self {
        Self::from(self.next())
    }

    pub fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Less than `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 11) as usize % limit
    }

    /// Holds once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let random = self.next().to_le_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
    }
}
