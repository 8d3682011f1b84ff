// SPDX-License-Identifier: MIT OR Apache-2.0
//! What chance decides, and again the same way from the same seed.

use std::time::{SystemTime, UNIX_EPOCH};

/// Numbers by chance, the same ones from the same seed (xorshift64*).
pub struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    /// From `RINGSIDE_SEED`, or else from the time.
    pub fn new() -> Self {
        let given = std::env::var("RINGSIDE_SEED").ok();
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970");
        let seed = match given {
            Some(seed) => seed.parse().expect("RINGSIDE_SEED is a number"),
            None => now().as_nanos() as u64,
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
