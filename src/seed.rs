//! Where does randomness come from? From one number, the seed, and from nowhere else.
//!
//! A [`Seed`] opens named streams of ChaCha8, numbered by trial: the starting point of trial 3 is the same whatever was
//! drawn for shuffling, whatever ran before it, on every machine. So the small and the large batch of a pair start at
//! the same x₀ (the authors' code saves it as `x0.h5`; paper §2.2), and trials give the same bits side by side as one
//! after another.

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

/// The number that everything random in a call is derived from.
///
/// ```
/// use sharp_minima::{Seed, zoo};
/// let net = zoo::f1(&[1, 8, 8], 10, 0.1)?;
/// assert_eq!(net.start(Seed(7), 0).values(), net.start(Seed(7), 0).values());
/// # Ok::<(), sharp_minima::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Seed(pub u64);

/// A stream of random words.
pub(crate) type Random = ChaCha8Rng;

/// What a stream is for. The numbers are part of the format: a changed one changes every recorded run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Starting points.
    Start = 1,
    /// The order in which points are drawn.
    Shuffle = 2,
    /// Which units dropout leaves out.
    Dropout = 3,
    /// Synthetic data.
    Data = 4,
    /// Random directions, and points in a box.
    Subspace = 5,
}

impl Seed {
    /// The stream for `purpose` of the `index`-th trial (or set, or whatever is numbered).
    pub(crate) fn stream(self, purpose: Stream, index: u64) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(self.0);
        // 2^56 trials of 256 purposes: no two streams are the same.
        random.set_stream((index << 8) | purpose as u64);
        random
    }
}

/// The same stream from another of its words on, so that threads need not wait for each other.
pub(crate) fn stream_from(random: &ChaCha8Rng, word: u128) -> ChaCha8Rng {
    let mut other = ChaCha8Rng::from_seed(random.get_seed());
    other.set_stream(random.get_stream());
    other.set_word_pos(word);
    other
}

/// A number drawn evenly from `[0, 1)`, in steps of 2⁻²⁴: the bits of one word, so that no library's choice of
/// distribution can change it.
pub(crate) fn uniform(random: &mut ChaCha8Rng) -> f32 {
    (random.random::<u32>() >> 8) as f32 / 16_777_216.0
}

/// Numbers drawn from N(0, 1), two at a time by Box and Muller (1958) from two words: a library may change which words it
/// draws from one release to the next.
pub(crate) fn normal(random: &mut Random, numbers: &mut [f64]) {
    for pair in numbers.chunks_mut(2) {
        // In (0, 1], so that its logarithm is finite.
        let radius = (-2.0 * ((f64::from(random.random::<u32>()) + 1.0) / 4_294_967_296.0).ln()).sqrt();
        let (sine, cosine) = (std::f64::consts::TAU * f64::from(random.random::<u32>()) / 4_294_967_296.0).sin_cos();
        pair.iter_mut().zip([cosine, sine]).for_each(|(number, part)| *number = radius * part);
    }
}

/// Shuffles by Fisher and Yates, one 64-bit word a place: `⌊word · (i + 1) / 2⁶⁴⌋` is the partner of place i, with a bias
/// below `i / 2⁶⁴`. Our own six lines, since a library may change which words it draws from one release to the next.
pub(crate) fn shuffle(items: &mut [usize], random: &mut ChaCha8Rng) {
    for place in (1..items.len()).rev() {
        let word = u128::from(random.random::<u64>());
        items.swap(place, ((word * (place as u128 + 1)) >> 64) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Value stability: these numbers change only with the format of recorded runs.
    #[test]
    fn streams_are_pinned() {
        let first = |stream, index| Seed(1).stream(stream, index).random::<u64>();
        let pinned = [
            first(Stream::Start, 0),
            first(Stream::Shuffle, 0),
            first(Stream::Dropout, 0),
            first(Stream::Data, 0),
            first(Stream::Start, 1),
        ];
        assert_eq!(pinned, PINNED);
    }

    const PINNED: [u64; 5] =
        [15715005604373573095, 16166618085559792950, 10481881765394875549, 12212852551396965246, 14422142748122809939];

    #[test]
    fn shuffle_is_pinned_and_a_permutation() {
        let mut items: Vec<usize> = (0..10).collect();
        shuffle(&mut items, &mut Seed(1).stream(Stream::Shuffle, 0));
        assert_eq!(items, [9, 4, 1, 0, 7, 5, 3, 2, 6, 8]);
    }

    /// Each of the 24 orders of 4 items comes up about equally often: χ² with 23 degrees of freedom is below 49.7 with
    /// probability 0.999 (scipy.stats.chi2.ppf(0.999, 23)).
    #[test]
    fn shuffle_is_even() {
        let mut random = Seed(3).stream(Stream::Shuffle, 0);
        let mut counts = std::collections::HashMap::new();
        for _ in 0..24_000 {
            let mut items = [0, 1, 2, 3];
            shuffle(&mut items, &mut random);
            *counts.entry(items).or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 24);
        let chi: f64 = counts.values().map(|&count| (f64::from(count) - 1000.0).powi(2) / 1000.0).sum();
        assert!(chi < 49.7, "χ² = {chi}");
    }
}
