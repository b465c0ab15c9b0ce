//! Adversarial training: [`Strategy::Adversarial`](super::Strategy::Adversarial).
//!
//! The label of an attack is the true one. An attack sees the net as training does: with the statistics of its batch, and
//! with the same mask of dropout. The points as they are and those that were changed are passed one batch after the other, each with
//! statistics of its own; running averages are those of the points as they are. There is no gradient through X′.

use super::super::slope::{Batch, Look, Seen, Slope, combine};
use super::robust::sign;
use crate::error::Result;
use crate::net::{Points, Real};

/// Its numbers.
#[derive(Clone, Copy)]
pub(super) struct Attack {
    pub(super) epsilon: f64,
    pub(super) ascents: usize,
    pub(super) share: f64,
    pub(super) range: Option<(f32, f32)>,
}

impl Attack {
    pub(super) fn gradient<T: Real>(self, slope: &mut Slope<T>, part: &Batch<'_>) -> Result<Seen> {
        let Self { epsilon, ascents, share, range } = self;
        let loss = slope.gradient_with_inputs(part, Look::First)?;
        let mut seen = Seen { loss, own: loss, passes: 1.0 };
        let mut own = slope.last_gradient()?;
        let inputs = T::gathered(part.split, &part.points);
        let mut attacked = inputs.clone();
        let (bound, length) = (T::from_f64(epsilon), T::from_f64(epsilon * (2.0 / ascents as f64).min(1.0)));
        let range = range.map(|(low, high)| (T::from_f64(low.into()), T::from_f64(high.into())));
        let clip = |value: T, low: T, high: T| {
            if value > high {
                high
            } else if value < low {
                low
            } else {
                value
            }
        };
        for ascent in 0..ascents {
            if !seen.own.is_finite() {
                return Ok(seen);
            }
            for ((place, &from), &up) in attacked.iter_mut().zip(&inputs).zip(slope.input_gradient()) {
                let next = clip(*place + length * sign(up), from - bound, from + bound);
                *place = range.map_or(next, |(low, high)| clip(next, low, high));
            }
            let split = T::replaced(part.split, &part.points, attacked.clone());
            let changed = Batch { split: &split, points: Points::Range(0..split.len()) };
            seen.own = if ascent + 1 == ascents {
                slope.gradient(&changed, Look::Again)?
            } else {
                slope.gradient_with_inputs(&changed, Look::Again)?
            };
            seen.passes += 1.0;
        }
        // s g + (1 − s) g′
        own.iter_mut().for_each(|value| *value *= T::from_f64(share));
        let other = slope.last_gradient()?;
        combine(&mut own, 1.0 - share, &other);
        slope.give(other);
        slope.set_gradient(own)?;
        Ok(Seen { own: share * loss + (1.0 - share) * seen.own, ..seen })
    }
}
