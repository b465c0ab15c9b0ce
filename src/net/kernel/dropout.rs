//! Leaves numbers out, in place. Each takes one word of the stream, in the order in which they lie, images with their
//! channels last; a block of numbers begins at its own place of the stream, so that threads need not wait for each other.

use rand::Rng;
use rand::rngs::ChaCha8Rng;
use rayon::prelude::*;

use super::super::points::Real;
use super::blocks::BLOCK;
use crate::seed::stream_from;
use crate::wide::wide;

/// Leaves out each number with probability `rate`, and divides the rest by `1 − rate`. A choice is 1 where one stayed.
pub(super) fn forward<T: Real>(rate: f64, random: &mut ChaCha8Rng, signal: &mut [T], choices: &mut [u16]) {
    let begin = random.get_word_pos();
    let scale = T::from_f64(1.0 / (1.0 - rate));
    // A word's upper 24 bits are the number in [0, 1) that is compared with the rate.
    let least = (rate * 16_777_216.0).ceil() as u32;
    let stream = &*random;
    let blocks = signal.par_chunks_mut(BLOCK).zip(choices.par_chunks_mut(BLOCK)).enumerate();
    blocks.for_each(|(block, (signal, choices))| {
        let mut random = stream_from(stream, begin + (block * BLOCK) as u128);
        let mut words = vec![0; 4 * signal.len()];
        random.fill_bytes(&mut words);
        wide(
            #[inline(always)]
            || leave_out(signal, choices, &words[..], least, scale),
        );
    });
    random.set_word_pos(begin + signal.len() as u128);
}

#[inline(always)]
fn leave_out<T: Real>(signal: &mut [T], choices: &mut [u16], words: &[u8], least: u32, scale: T) {
    let (words, _) = words.as_chunks::<4>();
    for ((value, choice), word) in signal.iter_mut().zip(choices).zip(words) {
        let stays = u32::from_le_bytes(*word) >> 8 >= least;
        *choice = u16::from(stays);
        *value *= if stays { scale } else { T::zero() };
    }
}

/// The gradient of what stayed, times `scale`; in place.
pub(super) fn backward<T: Real>(scale: T, gradient: &mut [T], choices: &[u16]) {
    let blocks = gradient.par_chunks_mut(BLOCK).zip(choices.par_chunks(BLOCK));
    blocks.for_each(|(gradient, choices)| {
        wide(
            #[inline(always)]
            || keep_stayed(gradient, choices, scale),
        )
    });
}

#[inline(always)]
fn keep_stayed<T: Real>(gradient: &mut [T], choices: &[u16], scale: T) {
    for (value, &choice) in gradient.iter_mut().zip(choices) {
        *value = if choice == 1 { *value * scale } else { T::zero() };
    }
}
