//! ReLU, in place.

use rayon::prelude::*;

use super::blocks::BLOCK;
use crate::net::points::Real;
use crate::wide::wide;

/// `max(x, 0)` in place; NaN is not ≤ 0 and stays. A choice is 1 where the number stayed.
pub(super) fn relu<T: Real>(signal: &mut [T], choices: Option<&mut [u16]>) {
    let blocks = signal.par_chunks_mut(BLOCK);
    match choices {
        None => blocks.for_each(|signal| {
            wide(
                #[inline(always)]
                || floor(signal),
            )
        }),
        Some(choices) => {
            let blocks = blocks.zip(choices.par_chunks_mut(BLOCK));
            blocks.for_each(|(signal, choices)| {
                wide(
                    #[inline(always)]
                    || floor_and_choose(signal, choices),
                )
            });
        }
    }
}

#[inline(always)]
fn floor<T: Real>(signal: &mut [T]) {
    signal.iter_mut().for_each(|value| *value = if *value <= T::zero() { T::zero() } else { *value });
}

#[inline(always)]
fn floor_and_choose<T: Real>(signal: &mut [T], choices: &mut [u16]) {
    for (value, choice) in signal.iter_mut().zip(choices) {
        let off = *value <= T::zero();
        *choice = u16::from(!off);
        *value = if off { T::zero() } else { *value };
    }
}
