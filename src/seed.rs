//! Where does randomness come from? From one number, the seed, and from nowhere else.
//!
//! A [`Seed`] opens named streams of ChaCha8, numbered by trial: the starting point of trial 3 is the same whatever was
//! drawn for shuffling, whatever ran before it, on every machine. So the small and the large batch of a pair start at
//! the same x₀ (the authors' code saves it as `x0.h5`; paper §2.2), and trials give the same bits in parallel as one
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
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
    /// Permutations of a test.
    Deal = 6,
    /// How images are moved.
    Augment = 7,
    /// Noise on weights and inputs.
    Noise = 8,
    /// Vectors that a matrix of second derivatives is probed with.
    Probe = 9,
    /// Directions of a plane.
    Plane = 10,
    /// Which points are trained on, and which are not.
    Division = 11,
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

/// The same stream from where it is.
pub(crate) fn copy(random: &ChaCha8Rng) -> ChaCha8Rng {
    stream_from(random, random.get_word_pos())
}

/// A number drawn evenly from `[0, 1)`, in steps of 2⁻²⁴: the bits of one word, so that no library's choice of
/// distribution can change it.
pub(crate) fn uniform(random: &mut ChaCha8Rng) -> f32 {
    (random.random::<u32>() >> 8) as f32 / 16_777_216.0
}

/// The next words of a stream.
pub(crate) fn words(random: &mut Random, words: &mut [u32]) {
    random.fill(words);
}

/// Numbers from N(0, 1), two from two words by Box and Muller (1958), to a few units in the last place: a library may change
/// which words it draws from one release to the next. `words` and `numbers` are equally many, and even in number.
///
/// In steps that a compiler turns into vectors, and without fused ones, so that every machine has the same bits.
#[inline(always)]
pub(crate) fn normal(words: &[u32], numbers: &mut [f32]) {
    let (first, second) = words.split_at(words.len() / 2);
    let (cosines, sines) = numbers.split_at_mut(first.len());
    let pairs = first.iter().zip(second).zip(cosines.iter_mut().zip(sines));
    for ((&first, &second), (cosine, sine)) in pairs {
        // In (0, 1], so that its logarithm is finite.
        let radius = (-2.0 * ln((first as f32 + 1.0) * 2.0f32.powi(-32))).sqrt();
        // The first two bits choose a quarter turn, the others lie around its middle: within ±π/4 short series are enough.
        let angle = ((second << 2) as f32 * 2.0f32.powi(-32) - 0.5) * std::f32::consts::FRAC_PI_2;
        let square = angle * angle;
        let c = 1.0 + square * (-1.0 / 2.0 + square * (1.0 / 24.0 + square * (-1.0 / 720.0 + square / 40_320.0)));
        let s = 1.0 + square * (-1.0 / 6.0 + square * (1.0 / 120.0 + square * (-1.0 / 5_040.0 + square / 362_880.0)));
        let (c, s) = (radius * c, radius * angle * s);
        let quarter = second >> 30;
        let (turned_c, turned_s) = if quarter & 1 == 0 { (c, s) } else { (-s, c) };
        let sign = (quarter & 2) << 30;
        *cosine = f32::from_bits(turned_c.to_bits() ^ sign);
        *sine = f32::from_bits(turned_s.to_bits() ^ sign);
    }
}

/// ln x for normal x > 0: `x = 2ᵉ m` with m in [√½, √2), and `ln m = 2 artanh((m − 1) / (m + 1))`.
#[inline(always)]
fn ln(x: f32) -> f32 {
    const ROOT_HALF: u32 = 0x3f35_04f3;
    let shifted = x.to_bits().wrapping_sub(ROOT_HALF);
    let exponent = (shifted as i32 >> 23) as f32;
    let m = f32::from_bits((shifted & 0x007f_ffff) + ROOT_HALF);
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let series = 2.0 + square * (2.0 / 3.0 + square * (2.0 / 5.0 + square * (2.0 / 7.0 + square * (2.0 / 9.0))));
    exponent * std::f32::consts::LN_2 + s * series
}

/// Shuffles by Fisher and Yates, one 64-bit word a place: `⌊word · (i + 1) / 2⁶⁴⌋` is the partner of place i, with a bias
/// below `i / 2⁶⁴`. Our own six lines, since a library may change which words it draws from one release to the next.
pub(crate) fn shuffle<T>(items: &mut [T], random: &mut ChaCha8Rng) {
    for place in (1..items.len()).rev() {
        let word = u128::from(random.random::<u64>());
        items.swap(place, ((word * (place as u128 + 1)) >> 64) as usize);
    }
}

crate::display::shown_as_text!(Seed);

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
            first(Stream::Augment, 0),
            first(Stream::Noise, 0),
        ];
        assert_eq!(pinned, PINNED);
    }

    const PINNED: [u64; 7] = [
        15715005604373573095,
        16166618085559792950,
        10481881765394875549,
        12212852551396965246,
        14422142748122809939,
        8577810123518004597,
        1083826540474460233,
    ];

    /// What the short series give is what the library's own functions give in f64, from the least word to the largest; mean
    /// and variance are those of N(0, 1).
    #[test]
    fn normal_numbers_are_those_of_box_and_muller() {
        let mut drawn = vec![0; 100_000];
        words(&mut Seed(1).stream(Stream::Subspace, 0), &mut drawn);
        let extremes = [0, 1, 0x3fff_ffff, 0x4000_0000, 0x7fff_ffff, 0x8000_0000, 0xbfff_ffff, 0xc000_0000, u32::MAX];
        let pairs = extremes.iter().flat_map(|&first| extremes.map(|second| (first, second)));
        let (first, second): (Vec<u32>, Vec<u32>) = pairs.unzip();
        for words in [drawn, [first, second].concat()] {
            let mut numbers = vec![0.0; words.len()];
            normal(&words, &mut numbers);
            let half = words.len() / 2;
            for place in 0..half {
                let radius = (-2.0 * ((f64::from(words[place]) + 1.0) / 2f64.powi(32)).ln()).sqrt();
                // The middle of a quarter turn lies at its first angle.
                let turn = f64::from(words[half + place]) / 2f64.powi(32) - 0.125;
                let (sine, cosine) = (std::f64::consts::TAU * turn).sin_cos();
                for (found, expected) in [(numbers[place], radius * cosine), (numbers[half + place], radius * sine)] {
                    let near = (f64::from(found) - expected).abs() < 4e-6;
                    assert!(near, "{found} is not {expected}: {} {}", words[place], words[half + place]);
                }
            }
            if words.len() == 100_000 {
                let mean = numbers.iter().map(|&v| f64::from(v)).sum::<f64>() / 1e5;
                let variance = numbers.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / 1e5;
                // Four standard errors: 1 / √n of a mean, √(2 / n) of a variance.
                assert!(mean.abs() < 0.0127 && (variance - 1.0).abs() < 0.0179, "{mean}, {variance}");
            }
        }
    }

    #[test]
    fn normal_numbers_are_pinned() {
        let (mut drawn, mut numbers) = ([0; 4], [0.0; 4]);
        words(&mut Seed(1).stream(Stream::Subspace, 0), &mut drawn);
        normal(&drawn, &mut numbers);
        assert_eq!(numbers.map(f32::to_bits), PINNED_NORMAL);
    }

    const PINNED_NORMAL: [u32; 4] = [1_069_718_044, 1_060_979_966, 3_221_607_418, 3_214_164_029];

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
